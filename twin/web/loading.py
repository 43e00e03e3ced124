"""Who may load through the web, and what is refused.

There are no accounts yet, so ``TWIN_WEB_LOADS`` decides: ``off``, nobody; ``local``, the browsers of this
machine that asked for it by its own name; ``on``, everybody who reaches the server. Requests that change
something must come from our own pages.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from twin.errors import TwinError
from twin.settings import WebSettings
from twin.web.local import is_local


class LoadsOff(TwinError):
    """Loading through the web is off."""

    code = "loads.off"
    en = (
        "Loading through the web is off here. Whoever runs this registry can turn it on with TWIN_WEB_LOADS; "
        "`twin load` works without it."
    )
    zh = "此处未开放网页导入。登记库的管理者可用 TWIN_WEB_LOADS 开放；`twin load` 不受此限。"


class LoadsForeign(TwinError):
    """The request came from somebody else's page."""

    code = "loads.foreign"
    en = "This came from a page of another site, so nothing was done. Send it from this registry's own page."
    zh = "该请求来自其他网站的页面，未予执行。请在本登记库的页面上操作。"


class UploadUnknown(TwinError):
    """There is no such upload or load."""

    code = "upload.unknown"
    en = "There is no upload or load {value}. The list shows those there are."
    zh = "没有上传或导入 {value}。请查看列表。"


class UploadEmpty(TwinError):
    """No file was sent."""

    code = "upload.no_file"
    en = "No file was sent, or an empty one. Choose a file, and send it again."
    zh = "没有收到文件，或文件为空。请选择文件后重新上传。"


class UploadTooLarge(TwinError):
    """The file is larger than the setting allows."""

    code = "upload.too_large"
    en = (
        "The file is larger than the {most} MB that this server takes (TWIN_WEB_MAX_UPLOAD). Pack it into a "
        "zip, split it, or load it with `twin load`."
    )
    zh = (
        "文件超过本服务器的上限 {most} MB（TWIN_WEB_MAX_UPLOAD）。请压缩为 zip、拆分，或用 `twin load` 加载。"
    )


class UploadBroken(TwinError):
    """The request is not a form with a file, or ended too early."""

    code = "upload.broken"
    en = "The file did not arrive whole: {reason} Send it again, as the field `file` of a multipart form."
    zh = "文件未完整到达：{reason_zh}请重新上传，以 multipart 表单的 `file` 字段发送。"


class UploadNoRoom(TwinError):
    """The spool folder cannot be written."""

    code = "upload.no_room"
    en = "The server cannot keep the file: {reason} Whoever runs this registry has to make room."
    zh = "服务器无法保存文件：{reason} 请登记库的管理者腾出空间。"


class UploadSettled(TwinError):
    """It does not wait for anybody's decision."""

    code = "upload.settled"
    en = "{name} is being worked on or done already, so this came too late. Its page shows how it stands."
    zh = "{name} 正在处理或已完成，此操作已过时。请查看其页面。"


class UndoSettled(TwinError):
    """What the undoing would do was not shown, or it is being done."""

    code = "upload.undo_settled"
    en = "What undoing load {load} would do was not shown yet, or it is being done. See its page."
    zh = "尚未显示撤销第 {load} 次导入的影响，或正在撤销。请查看其页面。"


class ColumnTwice(TwinError):
    """Two columns were chosen for one field."""

    code = "upload.field_twice"
    en = "The field {field} was chosen for two columns: {first} and {second}. Choose one; nothing was loaded."
    zh = "字段 {field} 对应了两列：{first} 与 {second}。请只选其一；尚未导入。"


class FormWrong(TwinError):
    """Something in the form cannot be."""

    code = "upload.form"
    en = "Nothing was loaded yet: {count} of the fields below cannot be. Correct them, and confirm again."
    zh = "尚未导入：下方有 {count} 处填写有误。请改正标出的各项后重新确认。"


class FieldWrong(TwinError):
    """A column was given a field that the kind does not have."""

    code = "upload.field"
    en = "{kind} has no field {field}. Choose one of the list."
    zh = "{kind} 没有字段 {field}。请从列表中选择。"


class UnitWrong(TwinError):
    """Numbers of this unit cannot be told in the field's own."""

    code = "upload.unit"
    en = "Numbers in {said} cannot be told in {unit}. Say one of {units}, or leave it empty for {unit}."
    zh = "以 {said} 为单位的数值无法换算为 {unit}。请填写 {units} 之一；已是 {unit} 的请留空。"


class AccuracyWrong(TwinError):
    """A position can't be as accurate as was said."""

    code = "upload.accuracy"
    en = "{said} is no number of metres from 0 up. Say one, as 0.5, or leave it empty."
    zh = "{said} 不是不小于 0 的米数。请填写数值（如 0.5），或留空。"


class DivisionWrong(TwinError):
    """There is no such division."""

    code = "upload.division"
    en = "There is no division {division}. Choose one that the field offers, or leave it empty."
    zh = "没有区划 {division}。请从输入框的列表中选择，或留空。"


class DatasetWrong(TwinError):
    """What was said can't be the name of a dataset."""

    code = "upload.dataset"
    en = "A dataset can't be called {name}: it needs a letter or digit. Say another, or leave it empty."
    zh = "{name} 不能作为数据集名称：须含文字或数字。请改名，或留空。"


class ChoiceWrong(TwinError):
    """The form does not offer that."""

    code = "upload.choice"
    en = "{value} is none of {choices}. Choose one of them."
    zh = "{value} 不在 {choices} 之中。请选择其一。"


def may_load(request: Request) -> bool:
    """Whether the setting allows loading to whoever asks."""
    allowed = WebSettings.read().loads
    return allowed == "on" or (allowed == "local" and is_local(request))


def require_loads(request: Request) -> None:
    """Raise ``LoadsOff`` unless they may load."""
    if not may_load(request):
        raise LoadsOff


def require_own_page(request: Request) -> None:
    """Raise ``LoadsOff``, or ``LoadsForeign`` for what a browser sends from another site's page.

    Browsers say so in Sec-Fetch-Site (W3C, Fetch Metadata), older ones in Origin (RFC 6454, 7). What sends
    neither is no browser, and nobody's page can make it ask.
    """
    require_loads(request)
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None and site != "same-origin":
        raise LoadsForeign
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise LoadsForeign
