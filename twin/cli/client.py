"""``twin client``: a typed Python client for operations, as a module of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twin.cli.console import note


def register(app: typer.Typer) -> None:
    """Add ``twin client`` to the command line."""
    app.command()(client)


def client(
    file: Annotated[Path, typer.Argument(help="The module to write: city.py. 要写入的模块。")],
    *,
    documents: Annotated[
        Path | None,
        typer.Option(
            "--operations",
            metavar="PATH",
            help="A .graphql file or a folder of them; else City Twin's own. 操作文档，默认内置。",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file. 覆盖已有文件。")] = False,
) -> None:
    """Write a typed Python client of the API, which needs httpx and pydantic. 生成带类型的 Python 客户端。"""
    from citygraph.clients.module import client_source
    from citygraph.clients.operations import documents_at
    from citygraph.execution import schema
    from citygraph.operations import FOLDER
    from twin.files import require_writable, whole_file

    require_writable(file, force=force)
    source = client_source(documents_at(documents or FOLDER), schema()._schema)
    with whole_file(file, force=force) as whole:
        whole.write_text(source, encoding="utf-8")
    note(f"Wrote {file}.", f"已写入 {file}。")
