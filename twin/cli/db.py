"""``twin db``: the embedded database, and the migrations of any."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from twin.cli.console import say, say_json
from twin.errors import TwinError

if TYPE_CHECKING:
    from twin.registry.embedded import Server

group = typer.Typer(
    help="The database: start, stop, look, migrate. 数据库：启动、停止、查看、迁移。", no_args_is_help=True
)


class NotEmbedded(TwinError):
    """There is nothing of ours to start or stop."""

    code = "database.not_embedded"
    en = (
        "TWIN_DATABASE_URL names a server of your own, which City Twin neither starts nor stops. "
        "Unset it to use the embedded one."
    )
    zh = "TWIN_DATABASE_URL 指定了您自己的服务器，不由 City Twin 启停。如用内置数据库，请取消该变量。"


class PsqlMissing(TwinError):
    """No psql to run."""

    code = "database.psql_missing"
    en = "There is no psql on this machine. Install PostgreSQL's client (Debian: postgresql-client)."
    zh = "本机没有 psql。请安装 PostgreSQL 客户端（Debian：postgresql-client）。"


RoleOption = Annotated[
    Literal["owner", "api", "reader"], typer.Option("--role", help="As whom to connect. 以何角色连接。")
]


def register(app: typer.Typer) -> None:
    """Add ``twin db`` to the command line."""
    app.add_typer(group, name="db")


@group.command()
def start() -> None:
    """Start the embedded database; make it first if need be. 启动内置数据库，必要时先创建。"""
    from twin.registry import database

    launched = _embedded().start(prepare=database.migrate)
    address = database.url()
    if launched:
        say(f"Started: {address}", f"已启动：{address}")
    else:
        say(f"Already running: {address}", f"已在运行：{address}")


@group.command()
def stop() -> None:
    """Stop the embedded database. 停止内置数据库。"""
    if _embedded().stop():
        say("Stopped.", "已停止。")
    else:
        say("It was not running.", "未在运行。")


@group.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="As JSON. 输出 JSON。")] = False) -> None:
    """Show the state of the database; starts nothing. 显示数据库状态，不启动任何服务。"""
    from twin.registry.status import status as look

    found = look()
    if as_json:
        say_json(found)
        return
    for name, value in found.items():
        if value is not None:
            say(f"{name:10} {value}", f"{LABELS[name]}\t{value}")


LABELS = {
    "state": "状态",
    "where": "地址",
    "version": "版本",
    "postgis": "PostGIS",
    "pid": "进程",
    "data": "数据",
    "socket": "套接字",
    "log": "日志",
    "size_bytes": "字节数",
    "migration": "迁移",
    "needed": "所需迁移",
}


@group.command()
def url(role: RoleOption = "owner") -> None:
    """Print the database's address, starting the embedded one. 输出数据库地址，必要时启动内置数据库。"""
    from twin.registry import database

    address = database.url(role)
    say(address)


@group.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context, role: RoleOption = "owner") -> None:
    """Open psql; further arguments are psql's own. 打开 psql，其余参数交给 psql。"""
    from twin.registry import database
    from twin.registry.embedded import installed

    address = database.url(role)
    program = shutil.which("psql") or (database.embedded() and installed.find().program("psql"))
    if not program:
        raise PsqlMissing
    os.execv(program, [program, address, *context.args])  # noqa: S606 - no shell is meant


@group.command()
def migrate(
    down: Annotated[
        str | None,
        typer.Option(
            "--down", metavar="REV", help="Go back to a revision, or to base. 回退到某版本或 base。"
        ),
    ] = None,
) -> None:
    """Bring the database to this City Twin's migration. 将数据库迁移到此版本。"""
    from twin.registry import database

    address = database.url()
    if down is None:
        database.migrate(address)
    else:
        database.downgrade(address, down)
    with database.open_connection(address) as connection:
        reached = database.revision(connection) or "base"
    say(f"The database is at migration {reached}.", f"数据库现处于迁移版本 {reached}。")


def _embedded() -> Server:
    from twin.registry import database

    server = database.embedded()
    if server is None:
        raise NotEmbedded
    return server
