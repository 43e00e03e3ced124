"""Who may load through the web, and what is refused.

There are no accounts yet, so ``TWIN_WEB_LOADS`` decides: ``off``, nobody; ``local``, the browsers of this
machine that asked for it by its own name; ``on``, everybody who reaches the server. Requests that change
something must come from our own pages.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request

from twin.errors import TwinError
from twin.settings import WebSettings

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


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
    zh = "文件未完整到达：{reason} 请重新上传，以 multipart 表单的 `file` 字段发送。"


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


class ColumnTwice(TwinError):
    """Two columns were chosen for one field."""

    code = "upload.field_twice"
    en = "The field {field} was chosen for two columns: {first} and {second}. Choose one; nothing was loaded."
    zh = "字段 {field} 对应了两列：{first} 与 {second}。请只选其一；尚未导入。"


def may_load(request: Request) -> bool:
    """Whether the setting allows loading to whoever asks."""
    allowed = WebSettings().loads
    return allowed == "on" or (allowed == "local" and _is_local(request))


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


def _is_local(request: Request) -> bool:
    """Whether a program of this machine asks for one of its own names.

    A name of somebody else's that leads here (DNS rebinding) would make their page ours.
    """
    return (
        request.client is not None
        and ip_address(request.client.host).is_loopback
        and request.url.hostname in LOOPBACK_NAMES
    )
