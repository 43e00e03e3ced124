"""``twin report``: figures by area, as a table or a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.cli.console import note, say
from twin.errors import TwinError, language

if TYPE_CHECKING:
    from twin.registry.query.inputs import Given
    from twin.reports.files import FileFormat
    from twin.reports.request import Area
    from twin.reports.running import Result, Rows, Wanted

SHOWN = 40
"""The rows of a table on the screen."""


class UnknownReportFormat(TwinError):
    """A format that reports do not have."""

    code = "report.format"
    en = "There is no report format {given!r}. Choose one of: {known}."
    zh = "没有报表格式 {given!r}，可选：{known}。"


class NotForTerminals(TwinError):
    """A workbook on a terminal."""

    code = "report.binary"
    en = "A workbook is no text for a terminal. Name a file: --out report.xlsx."
    zh = "工作簿无法在终端显示。请指定文件：--out report.xlsx。"


class TableInFile(TwinError):
    """A table for the screen, and a file to write it to."""

    code = "report.table_file"
    en = "A table is for the screen. For {out} choose --format csv, xlsx, geojson or json."
    zh = "表格仅用于屏幕显示。要写入 {out}，请选择 --format csv、xlsx、geojson 或 json。"


class AreaNameAlone(TwinError):
    """An option about the file of areas without one."""

    code = "report.areas.options"
    en = "--area-name, --layer and --crs are about the file of areas. Name it: --areas FILE."
    zh = "--area-name、--layer、--crs 用于区域文件。请用 --areas 指定文件。"


def register(app: typer.Typer) -> None:
    """Add ``twin report`` to the command line."""
    app.command("report")(report)


def report(
    name: Annotated[str | None, typer.Argument(help="The report; lists them if left out. 报表名。")] = None,
    *,
    division: Annotated[
        str | None, typer.Option("--division", metavar="D", help="This division and below. 此区划及其下级。")
    ] = None,
    by_level: Annotated[
        str | None,
        typer.Option(
            "--by-level", metavar="L", help="A row for each division of a level, as street. 按级别分行。"
        ),
    ] = None,
    areas: Annotated[
        Path | None, typer.Option("--areas", metavar="FILE", help="A row for each polygon. 每个多边形一行。")
    ] = None,
    area_name: Annotated[
        str | None, typer.Option("--area-name", metavar="COLUMN", help="Names of the areas. 区域名称列。")
    ] = None,
    layer: Annotated[str | None, typer.Option("--layer", help="The file's layer. 图层。")] = None,
    crs: Annotated[
        str | None, typer.Option("--crs", metavar="C", help="The file's coordinate system. 坐标系。")
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", metavar="K", help="Only this kind. 仅此种类，可重复。"),
    ] = None,
    on: Annotated[
        str | None, typer.Option("--on", metavar="DATE", help="The date, else today. 日期，默认今天。")
    ] = None,
    within: Annotated[
        int | None, typer.Option("--within", metavar="N", help="Due within N months. N 个月内到期。")
    ] = None,
    table: Annotated[
        str | None, typer.Option("--table", metavar="T", help="One of its tables. 指定报表中的表。")
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", metavar="F", help="table, csv, xlsx, geojson or json. 格式。")
    ] = "table",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="The file. 输出文件。")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file. 覆盖已有文件。")] = False,
) -> None:
    """Report on areas: counts, sums, what is due. 按区域出报表。"""
    from twin.reports import report as report_called
    from twin.reports.request import request
    from twin.reports.running import wanted

    if name is None:
        _print_reports()
        return
    chosen, output = report_called(name), _format(format_)
    if output is None and out is not None:
        raise TableInFile(out=out)
    if areas is None and (area_name or layer or crs):
        raise AreaNameAlone
    asked = request(
        chosen,
        division=_given(division, "--division"),
        level=_given(by_level, "--by-level"),
        areas=() if areas is None else _areas(areas, area_name, layer, crs),
        kinds=kind or [],
        on=_given(on, "--on"),
        within=_given(within, "--within"),
    )
    if output is None:
        _print_report(wanted(chosen, asked, None if table is None else [table], rows=SHOWN))
        return
    names = [table or chosen.tables[0].name] if output.single or table else None
    _write(wanted(chosen, asked, names, outlines=output.outlines), output, out, force=force)


def _given(value: str | int | None, path: str) -> Given | None:
    from twin.registry.query.inputs import Given

    return None if value is None else Given(value, path)


def _format(name: str) -> FileFormat | None:
    """The format of that name; None for a table on the screen. Raises ``UnknownReportFormat``."""
    from twin.reports.files import FORMATS

    if name != "table" and name not in FORMATS:
        raise UnknownReportFormat(given=name, known=", ".join(["table", *FORMATS]))
    return FORMATS.get(name)


def _areas(path: Path, name: str | None, layer: str | None, crs: str | None) -> tuple[Area, ...]:
    """The areas of a file. Raises what ``loaders.areas`` and ``twin.reports.areas`` do."""
    from loaders.areas import read_areas
    from twin.reports.areas import checked_areas

    found = read_areas(path, name=name, layer=layer, crs=crs)
    return checked_areas(path.name, found.names, found.shapes, found.unreadable)


def _run(wanted: Wanted) -> Result:
    from twin.cli.export import reading
    from twin.reports.running import run_now

    with reading() as connection:
        return run_now(connection, wanted)


def _write(wanted: Wanted, output: FileFormat, out: Path | None, *, force: bool) -> None:
    """Write the report to a file, or to stdout. Raises ``NotForTerminals`` and as ``whole_file``."""
    from twin.files import require_writable, whole_file

    if out is None and output.name == "xlsx" and sys.stdout.isatty():
        raise NotForTerminals
    if out is not None:
        require_writable(out, force=force)
    content = output.write(_run(wanted), language())
    if out is None:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    with whole_file(out, force=force) as file:
        file.write_bytes(content)
    note(f"Wrote {out}.", f"已写入 {out}。")


def _print_reports() -> None:
    from rich.table import Table

    from twin.cli.tables import console
    from twin.reports import all_reports
    from twin.reports.request import OPTIONAL

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in _HEADINGS[language()]:
        table.add_column(heading)
    for one in all_reports().values():
        options = ", ".join(f"--{_OPTIONS[name]}" for name in OPTIONAL if name in one.takes)
        table.add_row(one.name, one.title(language()), ", ".join(t.name for t in one.tables), options)
    console().print(table)


def _print_report(wanted: Wanted) -> None:
    """Every table that is wanted, the longer ones cut off."""
    found = _run(wanted)
    say(wanted.report.title(language()))
    note(wanted.report.about_en, wanted.report.about_zh)
    for rows in found.tables:
        say(f"\n{rows.table.title(language())}")
        _print_rows(rows)
        if rows.more:
            note(
                f"These are the first {SHOWN} rows. `--format csv --table {rows.table.name}` gives them all.",
                f"仅显示前 {SHOWN} 行。`--format csv --table {rows.table.name}` 可取全部。",
            )


def _print_rows(rows: Rows) -> None:
    from rich.table import Table
    from rich.text import Text

    from twin.cli.tables import console
    from twin.reports.words import shown

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in rows.columns:
        is_text = column.type == "text"
        table.add_column(
            column.heading(language()),
            justify="left" if is_text else "right",
            no_wrap=not is_text or column.name == "code",
        )
    for row in rows.rows:
        table.add_row(*(Text(shown(column, row[column.name], language())) for column in rows.columns))
    console().print(table)


_HEADINGS = {"en": ("Report", "Title", "Tables", "Options"), "zh": ("报表", "标题", "表", "选项")}
_OPTIONS = {"kinds": "kind", "on": "on", "within": "within"}
