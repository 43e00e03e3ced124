"""``twin home`` and ``twin divisions``: where this registry is, and what its city is divided into."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twin.cli.console import say, say_json

group = typer.Typer(
    help="Divisions: districts, streets, communities, unit grids. 区划：区、街道、社区、单元网格。",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add ``twin home`` and ``twin divisions`` to the command line."""
    app.command()(home)
    app.add_typer(group, name="divisions")


def home(
    code: Annotated[
        str | None, typer.Argument(help="The home division: 310115, or FI-091. 所在区划代码。")
    ] = None,
) -> None:
    """Show or set the registry's home division. 查看或设定所在区划。"""
    from twin.registry import database, divisions

    with database.connect() as connection:
        if code is not None:
            divisions.set_home(connection, code)
        found = divisions.home(connection)
    if found is None:
        raise divisions.NoDivisions
    say(found)


@group.command()
def load(
    file: Annotated[Path, typer.Argument(help="A file of any loadable format. 任何可导入格式的文件。")],
    *,
    code: Annotated[str, typer.Option(help="The column of codes. 代码列。")],
    name: Annotated[str, typer.Option(help="The column of names. 名称列。")],
    level: Annotated[
        str,
        typer.Option(help="country, province, city, district, street, community, grid, or a number. 级别。"),
    ],
    parent: Annotated[str | None, typer.Option(help="The column of parents' codes. 上级代码列。")] = None,
    layer: Annotated[str | None, typer.Option(help="The layer. 图层。")] = None,
    crs: Annotated[
        str | None, typer.Option(help="The coordinate system, if not the file's. 坐标系。")
    ] = None,
) -> None:
    """Add divisions of one level, or replace those of the same codes. 导入一级区划。"""
    from loaders.boundaries import read_divisions
    from twin.registry import database, divisions

    rank = divisions.parse_level(level)
    found = read_divisions(file, code=code, name=name, level=rank, parent=parent, layer=layer, crs=crs)
    with database.connect() as connection:
        divisions.save_divisions(connection, found)
    bounded = sum(1 for division in found if division.boundary is not None)
    say(
        f"{len(found)} divisions, {bounded} of them with a boundary.",
        f"共 {len(found)} 个区划，其中 {bounded} 个有边界。",
    )


@group.command("list")
def list_(
    level: Annotated[str | None, typer.Option(help="Only this level. 仅此级别。")] = None,
    json: Annotated[bool, typer.Option("--json", help="For programs. 输出 JSON。")] = False,
) -> None:
    """List the divisions with their levels and parents. 列出区划。"""
    from rich.console import Console
    from rich.table import Table

    from twin.registry import database, divisions

    rank = None if level is None else divisions.parse_level(level)
    with database.connect() as connection:
        rows = divisions.listed(connection, rank)
    if json:
        say_json([dict(zip(("code", "name", "level", "parent"), row, strict=True)) for row in rows])
        return
    table = Table("Code 代码", "Name 名称", "Level 级别", "Parent 上级")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    Console().print(table)
