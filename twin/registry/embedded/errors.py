"""What can go wrong with the embedded database, in words."""

from __future__ import annotations

from twin.errors import TwinError


class ServerMissing(TwinError):
    """No installed PostgreSQL can serve."""

    code = "database.server_missing"
    en = (
        "No PostgreSQL {wanted} with PostGIS is installed here. Either run `make setup` (it installs them "
        "with apt), or set TWIN_DATABASE_URL to a database of your own, e.g. postgresql://user:password@host/twin."
    )
    zh = (
        "本机未安装带 PostGIS 的 PostgreSQL {wanted}。请运行 `make setup`（用 apt 安装），"
        "或将 TWIN_DATABASE_URL 设为您自己的数据库，例如 postgresql://user:password@host/twin。"
    )


class StartFailed(TwinError):
    """PostgreSQL was there, but would not start."""

    code = "database.start_failed"
    en = "The embedded database did not start: {reason} The server's log is {log}."
    zh = "内置数据库未能启动：{reason} 服务器日志：{log}。"


class ServerBusy(TwinError):
    """Processes of the server outlive what should have ended them."""

    code = "database.busy"
    en = (
        "The embedded database in {data} is still busy (processes {pids}). "
        "Wait for its work to end and try again."
    )
    zh = "{data} 中的内置数据库仍在忙（进程 {pids}）。请等其工作结束后重试。"


class HomeForeign(TwinError):
    """TWIN_HOME is another user's."""

    code = "database.home_foreign"
    en = "{home} belongs to the user {owner}. Run this as {owner}, or set TWIN_HOME to a folder of your own."
    zh = "{home} 属于用户 {owner}。请以 {owner} 身份运行，或将 TWIN_HOME 设为您自己的文件夹。"


class HomeUnusable(TwinError):
    """TWIN_HOME, or the folder it leads to, cannot be made or written."""

    code = "database.home_unusable"
    en = (
        "The embedded database cannot use the folder {folder}: {reason}. "
        "Set TWIN_HOME to a folder you can write to."
    )
    zh = "内置数据库无法使用文件夹 {folder}：{reason}。请将 TWIN_HOME 设为可写的文件夹。"


class DataMissing(TwinError):
    """The pointer leads nowhere."""

    code = "database.data_missing"
    en = (
        "{pointer} says that the embedded database is in {base}, but no data is there. "
        "Bring that folder back, or delete {pointer} to begin with an empty database."
    )
    zh = "{pointer} 指明内置数据库在 {base}，但其中没有数据。请恢复它，或删除 {pointer} 从空库开始。"
