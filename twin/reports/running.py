"""Running a report: read-only, in one snapshot, under a time limit, a statement for each table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg.rows import dict_row
from sqlalchemy import Select, Text, cast, func, null, select
from sqlalchemy.sql.elements import ColumnElement

from twin.registry.divisions import UnknownDivision
from twin.registry.query.position import position
from twin.registry.query.sql import compiled
from twin.registry.tables import division_view
from twin.reports.errors import NoSuchLevel, ReportTimeout, TooManyRows, UnknownTable
from twin.reports.model import Column, Report, Table
from twin.reports.request import ELSEWHERE, Request
from twin.reports.selection import area_columns, areas
from twin.settings import ReportSettings
from twin.telemetry.records import Statement

MAX_ROWS = 1_000_000
"""The most rows of one table."""
DIGITS = 7
"""Decimals of degrees in outlines: a centimetre."""

PLACE_COLUMNS = (
    Column("lon", "number", "Longitude", "经度", "°"),
    Column("lat", "number", "Latitude", "纬度", "°"),
)
"""The columns that end a table with places: the assets' points, in WGS 84."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """A table of a report as it came out; ``more`` where there were more rows than were wanted."""

    table: Table
    rows: Sequence[Row]
    more: bool = False

    @property
    def columns(self) -> tuple[Column, ...]:
        """The table's columns, with the places of its rows where it has any."""
        return (*self.table.columns, *(PLACE_COLUMNS if self.table.places else ()))


@dataclass(frozen=True, slots=True)
class Result:
    """What a report found.

    ``areas`` are rows of ``area``, ``area_name``, ``drawn``, whether the shape is known, and ``outline``: the
    shape as GeoJSON, null where it was not wanted.
    """

    report: Report
    request: Request
    areas: tuple[Row, ...]
    tables: tuple[Rows, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of a report: some of its tables, with at most so many rows each, and the outlines."""

    report: Report
    request: Request
    tables: tuple[Table, ...]
    outlines: bool = False
    rows: int | None = None


def wanted(
    report: Report,
    request: Request,
    names: Iterable[str] | None = None,
    *,
    outlines: bool = False,
    rows: int | None = None,
) -> Wanted:
    """What is wanted: the tables called ``names``, all of them where that is None. Raises ``UnknownTable``.

    With ``rows`` a table is cut off there; without, one beyond ``MAX_ROWS`` is an error.
    """
    known = {table.name: table for table in report.tables}
    chosen = list(known) if names is None else list(names)
    for name in chosen:
        if name not in known:
            raise UnknownTable(report=report.name, table=name, known=", ".join(known))
    return Wanted(report, request, tuple(known[name] for name in chosen), outlines, rows)


def run_now(connection: Connection[Any], wanted: Wanted) -> Result:
    """The report, on a connection that waits. Raises ``ReportTimeout``, ``TooManyRows``, ``UnknownDivision``,
    ``NoSuchLevel`` and psycopg's errors."""
    found = []
    with _timeouts(), connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        for statement in _beginning():
            cursor.execute(statement)
        for text, arguments in _statements(wanted):
            found.append(cursor.execute(text, arguments, prepare=False).fetchall())
    return _result(wanted, found)


async def run(connection: AsyncConnection[Any], wanted: Wanted) -> Result:
    """``run_now`` for programs that do not wait."""
    found = []
    with _timeouts():
        async with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
            for statement in _beginning():
                await cursor.execute(statement)
            for text, arguments in _statements(wanted):
                with Statement(text) as seen:
                    await cursor.execute(text, arguments, prepare=False)
                    found.append(await cursor.fetchall())
                    seen.rows = len(found[-1])
    return _result(wanted, found)


def _beginning() -> tuple[Any, ...]:
    return (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        f"SET LOCAL statement_timeout = {ReportSettings.read().timeout_ms}",
    )


def _statements(wanted: Wanted) -> Iterator[tuple[str, dict[str, Any]]]:
    """The areas, then each table."""
    yield compiled(_areas(wanted))
    limit = (MAX_ROWS if wanted.rows is None else wanted.rows) + 1
    for table in wanted.tables:
        yield compiled(table.statement(wanted.request).limit(limit))


def _areas(wanted: Wanted) -> Select[Any]:
    area, d = areas(wanted.request), division_view
    given = bool(wanted.request.areas)
    shape = area.c.shape if given else d.c.boundary
    outline = _geojson(shape) if wanted.outlines else cast(null(), Text())
    return (
        select(*area_columns(area), shape.is_not(None).label("drawn"), outline.label("outline"))
        .select_from(area if given else area.outerjoin(d, d.c.code == area.c.area))
        .order_by(area.c.number)
    )


def _geojson(shape: ColumnElement[Any]) -> ColumnElement[str]:
    """A polygon as GeoJSON has it, its outer ring counterclockwise (RFC 7946, 3.1.6)."""
    return func.ST_AsGeoJSON(func.ST_ForcePolygonCCW(shape), DIGITS)


def _result(wanted: Wanted, found: Sequence[Sequence[Row]]) -> Result:
    _require_divisions(wanted.request, [row["area"] for row in found[0]])
    tables = tuple(_rows(wanted, table, rows) for table, rows in zip(wanted.tables, found[1:], strict=True))
    return Result(wanted.report, wanted.request, tuple(found[0]), tables)


def _require_divisions(request: Request, found: Sequence[str]) -> None:
    if request.division is not None and not found:
        raise UnknownDivision(division=request.division)
    if request.level is not None and found == [ELSEWHERE]:
        here = request.division
        raise NoSuchLevel(
            level=request.level,
            where_en="in this registry" if here is None else f"at or below {here}",
            where_zh="本登记库中" if here is None else f"{here} 及其下级",
        )


def _rows(wanted: Wanted, table: Table, rows: Sequence[Row]) -> Rows:
    limit = MAX_ROWS if wanted.rows is None else wanted.rows
    more = len(rows) > limit
    if more and wanted.rows is None:
        raise TooManyRows(table=table.name, limit=limit)
    kept = [row for row in rows[:limit] if row["area"] != ELSEWHERE or _says_something(table, row)]
    return Rows(table, [_placed(row) for row in kept] if table.places else kept, more)


def _says_something(table: Table, row: Row) -> bool:
    """Whether a row of the area of what lies elsewhere counts anything: mostly there is nothing."""
    return any(row[c.name] for c in table.columns if c.type in {"integer", "number"}) or table.places


def _placed(row: Row) -> Row:
    """The row with its asset's point in place of its geometry."""
    place = position(row["geom"])
    lon, lat = (None, None) if place is None else (place["lon"], place["lat"])
    return {**{name: value for name, value in row.items() if name != "geom"}, "lon": lon, "lat": lat}


@contextmanager
def _timeouts() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.QueryCanceled as problem:
        raise ReportTimeout(seconds=ReportSettings.read().timeout_ms / 1000) from problem
