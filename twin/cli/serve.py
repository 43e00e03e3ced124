"""``twin serve``: the pages and GraphQL over HTTP."""

from __future__ import annotations

import errno
import gc
import socket
from contextlib import suppress
from typing import Annotated

import typer

from twin.cli.console import note
from twin.errors import TwinError

HostOption = Annotated[str, typer.Option("--host", help="The address to listen on. 监听地址。")]
PortOption = Annotated[
    int,
    typer.Option(
        "--port", min=0, max=65_535, help="The port; 0 takes a free one. 端口，0 表示任一空闲端口。"
    ),
]


class PortTaken(TwinError):
    """Somebody else listens there."""

    code = "serve.port_taken"
    en = "Port {port} of {host} is taken. Stop what listens there, or choose another, as in `--port {next}`."
    zh = "{host} 的端口 {port} 已被占用。请停止占用它的程序，或换用其他端口，如 `--port {next}`。"


class CannotListen(TwinError):
    """The address or port cannot be used."""

    code = "serve.cannot_listen"
    en = "Port {port} of {host} cannot be listened on: {reason}. Choose another --host or --port."
    zh = "无法在 {host} 的端口 {port} 上监听：{reason}。请更换 --host 或 --port。"


def register(app: typer.Typer) -> None:
    """Add ``twin serve`` to the command line."""
    app.command()(serve)


def serve(host: HostOption = "127.0.0.1", port: PortOption = 8000) -> None:
    """Serve the pages and GraphQL until Ctrl-C. 启动网页与 GraphQL 服务，按 Ctrl-C 停止。"""
    with listen(host, port) as listening:
        serve_on(listening, host)


def serve_on(listening: socket.socket, host: str) -> None:
    """Serve on a socket of ``listen`` until Ctrl-C."""
    import uvicorn

    from twin.registry.database import connect
    from twin.settings import TelemetrySettings, require_settings
    from twin.telemetry import logs
    from twin.web.app import create_app

    require_settings()
    logs.configure(TelemetrySettings.read())
    connect("api").close()
    app = create_app()
    gc.collect()
    gc.freeze()  # the schema is there for good: looking through it would make requests wait
    address = address_of(listening, host)
    note(f"Serving {address} (GraphQL: {address}/graphql). Ctrl-C stops.",
         f"服务地址 {address}（GraphQL：{address}/graphql）。按 Ctrl-C 停止。")  # fmt: skip
    config = uvicorn.Config(
        app, log_config=None, log_level="warning", access_log=False, lifespan="on", server_header=False
    )
    with suppress(KeyboardInterrupt):  # which uvicorn raises again when it has stopped
        uvicorn.Server(config).run(sockets=[listening])
    note("Stopped.", "已停止。")


def address_of(listening: socket.socket, host: str) -> str:
    """What to type into a browser to reach the socket."""
    return f"http://{_shown(host)}:{listening.getsockname()[1]}"


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; raises ``PortTaken`` or ``CannotListen``."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            raise PortTaken(host=host, port=port, next=port + 1 if port < 65_535 else 8000) from None
        raise CannotListen(host=host, port=port, reason=problem.strerror) from None


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
