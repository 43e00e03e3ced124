"""Why an upload was refused that is no fault of its file."""

from __future__ import annotations

from twin.errors import TwinError


class UploadGone(TwinError):
    """The file is not in the spool folder any more."""

    code = "upload.gone"
    en = "The file {name} is not there any more. Send it again; server and worker need the same TWIN_HOME."
    zh = "文件 {name} 已不存在。请重新上传；服务器与工作进程须使用同一 TWIN_HOME。"


class UploadGivenUp(TwinError):
    """Its workers died or failed."""

    code = "upload.given_up"
    en = (
        "The work on this file was begun several times and never finished: its worker was killed, or the "
        "machine had too little memory. Nothing of it is half done. Try again, or send a smaller file."
    )
    zh = "对该文件的处理多次中断：工作进程被终止，或机器内存不足。没有留下半成品。请重试，或减小文件。"


class UndoGivenUp(TwinError):
    """Its workers died or failed."""

    code = "upload.undo_given_up"
    en = "The undoing was begun several times and never finished: its worker was killed. Nothing was changed."
    zh = "撤销多次中断：工作进程被终止。未作任何更改。"


class UploadFailed(TwinError):
    """A fault of ours."""

    code = "upload.failed"
    en = "Something unforeseen happened ({what}); the worker's log says more. Nothing was loaded."
    zh = "发生意外错误（{what}），详见工作进程的日志。未导入任何内容。"


class SpoolFull(TwinError):
    """All uploads together have no room for one more."""

    code = "upload.spool_full"
    en = (
        "The files that wait here to be loaded may take up {most} MB together (TWIN_WEB_MAX_SPOOL), and this "
        "one has no room. Load or remove some of them, or send it later."
    )
    zh = "待导入文件已达总上限 {most} MB（TWIN_WEB_MAX_SPOOL）。请先导入或移除部分文件，或稍后再上传。"


class DiskLow(TwinError):
    """The disk has to keep some space free."""

    code = "upload.disk_low"
    en = (
        "The server's disk would have less than {least} MB left (TWIN_WEB_MIN_FREE), so the file was not "
        "taken. Whoever runs this registry has to make room."
    )
    zh = "服务器磁盘剩余空间将低于 {least} MB（TWIN_WEB_MIN_FREE），文件未被接收。请登记库的管理者腾出空间。"
