"""``twin export``: assets to a file that loads back to the same."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.cli.console import say
from twin.errors import TwinError

if TYPE_CHECKING:
    from twin.export.export import Exported
    from twin.registry.database import Connection


class BadFilter(TwinError):
    """``--where`` is no JSON."""

    code = "export.where"
    en = (
        "--where is no JSON object: {reason} (line {line}, column {column}). "
        'Write a filter as in GraphQL, such as {{"status": "IN_SERVICE"}}, or @FILE that holds one.'
    )
    zh = (
        "--where 不是 JSON 对象：{reason}（第 {line} 行，第 {column} 列）。"
        '请按 GraphQL 的写法给出条件，如 {{"status": "IN_SERVICE"}}，或用 @文件 指定。'
    )


class FilterMissing(TwinError):
    """The file that ``--where`` names cannot be read."""

    code = "export.where_file"
    en = "--where @{file} cannot be read: {reason}."
    zh = "无法读取 --where @{file}：{reason}。"


class OutsideSystem(TwinError):
    """The assets lie, for the most part, outside the area of use of ``--crs``."""

    code = "export.crs.area"
    en = (
        "The assets ({bounds}) lie outside the area where {name} is used ({area}). "
        "Choose another --crs, or fewer assets with --where."
    )
    zh = (
        "这些资产（{bounds}）在 {name} 的适用区域（{area}）之外。"
        "请用 --crs 选择其他坐标系，或用 --where 减少资产。"
    )


HELP = (
    "Write assets to a file that `twin load` reads back to the same. 将资产导出为可原样再导入的文件。\n\n"
    "A GeoPackage has a layer for each kind; other formats hold all kinds together, so name one with --kind "
    "for a file to load back. CSV has the geometry as WKT and cannot name its coordinate system: load it "
    "with --crs. GeoPackage 每类一个图层；其他格式请用 --kind 指定一类以便再导入；CSV 再导入时需加 --crs。"
)


def register(app: typer.Typer) -> None:
    """Add ``twin export`` to the command line."""
    app.command("export", help=HELP)(export_assets)


def export_assets(
    file: Annotated[Path, typer.Argument(help="The file to write. 要写入的文件。")],
    *,
    where: Annotated[
        str | None,
        typer.Option("--where", metavar="JSON|@FILE", help="A filter as in GraphQL. 与 GraphQL 相同的条件。"),
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="K", help="Only assets of this kind. 仅此种类。")
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="F",
            help="geojson, gpkg, csv or geoparquet; else by the file's name. 格式；省略则按文件名。",
        ),
    ] = None,
    crs: Annotated[
        str, typer.Option("--crs", metavar="C", help="Coordinate system to write in. 输出坐标系。")
    ] = "EPSG:4326",
    force: Annotated[bool, typer.Option("--force", help="Replace the file. 覆盖已有文件。")] = False,
) -> None:
    """Write the assets that the options select to ``file``."""
    from spatial.crs import OutsideAreaOfUse, parse_crs
    from twin.export.export import export
    from twin.export.formats import output_format
    from twin.kinds import kind as kind_called

    output, system = output_format(format_, file), parse_crs(crs)
    selected, only = _filter(where), kind_called(kind) if kind else None
    with reading() as connection, _progress() as progress:
        try:
            done = export(
                connection, file, output, system, where=selected, kind=only, force=force, progress=progress
            )
        except OutsideAreaOfUse as problem:
            raise OutsideSystem(**problem.details) from None
    _print_exported(file, done)


def _filter(text: str | None) -> Mapping[str, Any] | None:
    """The filter that ``--where`` gives. Raises ``BadFilter`` or ``FilterMissing``."""
    if text is None:
        return None
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as problem:
            raise FilterMissing(file=text[1:], reason=problem) from None
    try:
        return json.loads(text)  # type: ignore[no-any-return]  # what it is, the filter's reader checks
    except json.JSONDecodeError as problem:
        raise BadFilter(reason=problem.msg, line=problem.lineno, column=problem.colno) from None


@contextmanager
def reading() -> Iterator[Connection]:
    """A connection to the ``api`` views that may see every asset."""
    from twin.registry.database import EVERYTHING, connect

    with connect("api", autocommit=True) as connection:
        connection.execute("SELECT set_config('twin.scope', %s, false)", [EVERYTHING])
        yield connection


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, once the work has taken a second."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    bar = Progress(
        BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True
    )
    began = time.monotonic()
    task = bar.add_task("")

    def show_progress(written: int, total: int) -> None:
        if not bar.live.is_started and time.monotonic() - began > 1:
            bar.start()
        bar.update(task, completed=written, total=total)

    try:
        yield show_progress
    finally:
        bar.stop()


def _print_exported(file: Path, done: Exported) -> None:
    """How much was written, and how it is loaded back."""
    count = sum(done.counts.values())
    kinds = ", ".join(f"{name} {number}" for name, number in done.counts.items())
    say(f"Wrote {count} assets to {file} ({kinds}).", f"已将 {count} 件资产写入 {file}（{kinds}）。")
