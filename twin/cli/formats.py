"""``twin formats``: what can be loaded, and what each format was tested on."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from twin.cli.console import say_json
from twin.cli.load import extra
from twin.errors import language


def register(app: typer.Typer) -> None:
    """Add ``twin formats`` to the command line."""
    app.command()(formats)


def formats(
    *, as_json: Annotated[bool, typer.Option("--json", help="As JSON. 以 JSON 输出。")] = False
) -> None:
    """List the formats that can be loaded, and what each was tested on. 列出可加载的格式及其测试数据。"""
    with extra():
        from loaders.formats import all_formats

    listed = [
        {
            "name": one.name,
            "extensions": list(one.extensions),
            "addresses": list(one.addresses),
            "media_type": one.media_type,
            "tested": one.tested,
        }
        for one in all_formats()
    ]
    if as_json:
        say_json(listed)
        return
    from rich.console import Console
    from rich.table import Table

    headings = (
        ("格式", "扩展名或地址", "测试数据") if language() == "zh" else ("format", "told by", "tested on")
    )
    table = Table(*headings, box=None, padding=(0, 3, 0, 0), header_style="dim")
    for one in all_formats():
        table.add_row(one.name, " ".join((*one.extensions, *one.addresses)), one.tested)
    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 200).print(table)
