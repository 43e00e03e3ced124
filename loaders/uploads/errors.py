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


class UploadFailed(TwinError):
    """A fault of ours."""

    code = "upload.failed"
    en = "Something unforeseen happened ({what}); the worker's log says more. Nothing was loaded."
    zh = "发生意外错误（{what}），详见工作进程的日志。未导入任何内容。"
