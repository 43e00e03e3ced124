"""Reports: the fields of Query that list them and that run one, and the running itself.

Reports read more than other questions do, so a process runs one at a time: the others wait for it, and
lookups keep the rest of the connections.
"""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop, Semaphore
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from strawberry import Info

from citygraph.context import Context
from citygraph.making import Member, argument, many, object_type, typed
from citygraph.scalars import JSON, Date, GeoJSON
from citygraph.selection import asked_of
from twin.registry.query.inputs import Given
from twin.registry.query.names import constant, stored
from twin.registry.query.selection import asks_for
from twin.reports import Report, all_reports, running
from twin.reports import report as report_called
from twin.reports.areas import asked_areas
from twin.reports.errors import ReportTimeout
from twin.reports.files import geojson
from twin.reports.model import Table
from twin.reports.request import reported, request
from twin.reports.running import Result, Rows, Wanted, wanted
from twin.settings import ReportSettings

MAX_ROWS = 10_000
"""The most rows of a table in one answer."""
AREA_NAME = "name"

_queues: WeakKeyDictionary[AbstractEventLoop, Semaphore] = WeakKeyDictionary()


async def run(context: Context, wanted: Wanted) -> Result:
    """The report, once it is its turn. Raises as ``twin.reports.running.run``; waiting counts as running."""
    queue = _queues.setdefault(asyncio.get_running_loop(), Semaphore(1))
    seconds = ReportSettings.read().timeout_ms / 1000
    try:
        async with asyncio.timeout(seconds), queue, context.connections.connection() as connection:
            return await running.run(connection, wanted)
    except TimeoutError as problem:
        raise ReportTimeout(seconds=seconds) from problem


async def reports() -> Any:
    """The reports that there are: nothing is asked of the database."""
    return [_described(one) for one in all_reports().values()]


async def report(
    info: Info[Context],
    *,
    name: str,
    division: str | None = None,
    level: str | None = None,
    areas: Mapping[str, Any] | None = None,
    area_name: str | None = None,
    kinds: Sequence[str] | None = None,
    on: str | None = None,
    within: int | None = None,
    tables: Sequence[str] | None = None,
) -> Any:
    """What a report finds."""
    chosen = report_called(name)
    asked = request(
        chosen,
        division=_given(division, "division"),
        level=_given(level, "level"),
        areas=() if areas is None else asked_areas(Given(areas, "areas"), area_name or AREA_NAME),
        kinds=[stored(kind) for kind in kinds or ()],
        on=_given(on, "on"),
        within=_given(within, "within"),
    )
    drawn = any(asks_for(one.fields, "geojson") for one in asked_of(info) if one.name == "tables")
    found = await run(info.context, wanted(chosen, asked, tables, outlines=drawn, rows=MAX_ROWS))
    return {
        **_described(chosen),
        "on": asked.on if "on" in chosen.takes else None,
        "tables": [_found(found, rows, drawn=drawn) for rows in found.tables],
    }


def _given(value: object, path: str) -> Given | None:
    return None if value is None else Given(value, path)


def _described(report: Report) -> dict[str, Any]:
    return {
        "name": report.name,
        "en": report.en,
        "zh": report.zh,
        "about": {"en": report.about_en, "zh": report.about_zh},
        "takes": ["division", "level", "areas", *sorted(report.takes)],
        "kinds": [constant(kind.name) for kind in reported(report)],
        "tables": [_table(table) for table in report.tables],
    }


def _table(table: Table, columns: Sequence[Any] = ()) -> dict[str, Any]:
    facts = ("name", "type", "unit", "en", "zh")
    return {
        "name": table.name,
        "en": table.en,
        "zh": table.zh,
        "columns": [{fact: getattr(c, fact) for fact in facts} for c in columns or table.columns],
    }


def _found(result: Result, rows: Rows, *, drawn: bool) -> dict[str, Any]:
    places = rows.table.places or rows.table is result.report.tables[0]
    drawing = geojson.document(result, rows, "en") if drawn and places else None
    return {**_table(rows.table, rows.columns), "rows": rows.rows, "more": rows.more, "geojson": drawing}


def members(kind_enum: Any) -> list[Member]:
    """The fields of Query."""
    info, result = _info(kind_enum), _result()
    listed = typed(reports, many(info))
    run_one = typed(
        report,
        result,
        name=argument(str, "The report's name.", "报表名。"),
        division=argument(str | None, "This division and all below it.", "该区划及其下级。"),
        level=argument(
            str | None,
            "A row for each division of this level, by name or number: street, 8.",
            "按此级别的区划分行：street 或 8。",
        ),
        areas=argument(
            GeoJSON | None,
            "A row for each polygon of this FeatureCollection.",
            "此 FeatureCollection 中每个多边形一行。",
        ),
        area_name=argument(
            str | None, "The property that names them, name unless given.", "名称属性，默认 name。"
        ),
        kinds=argument(many(kind_enum) | None, "Only these kinds.", "仅这些种类。"),
        on=argument(Date | None, "The date, today unless given.", "日期，默认今天。"),
        within=argument(int | None, "Due within so many months.", "若干月内到期。"),
        tables=argument(list[str] | None, "These of its tables, all unless given.", "所需的表，默认全部。"),
    )
    return [
        Member(
            "reports", many(info), "The reports there are.", "可用报表。", nullable=False, resolver=listed
        ),
        Member("report", result, "What a report finds.", "报表结果。", nullable=False, resolver=run_one),
    ]


def _words() -> type:
    return object_type(
        "Words",
        [
            Member("en", str, "In English.", "英文。", nullable=False),
            Member("zh", str, "In Chinese.", "中文。", nullable=False),
        ],
        "A text in both languages.",
        "中英文文本。",
    )


def _titles() -> list[Member]:
    return [
        Member("name", str, "Its name.", "名称。", nullable=False),
        Member("en", str, "In English.", "英文。", nullable=False),
        Member("zh", str, "In Chinese.", "中文。", nullable=False),
    ]


def _column() -> type:
    return object_type(
        "ReportColumn",
        [
            *_titles(),
            Member("type", str, "text, integer, number, share or date.", "数据类型。", nullable=False),
            Member("unit", str, "The unit of its numbers.", "单位。"),
        ],
        "A column of a report's table.",
        "报表中的一列。",
    )


def _info(kind_enum: Any) -> type:
    table = object_type(
        "ReportTable",
        [*_titles(), Member("columns", many(_COLUMN), "Its columns.", "列。", nullable=False)],
        "A table of a report.",
        "报表中的一个表。",
    )
    return object_type(
        "Report",
        [
            *_titles(),
            Member("about", _WORDS, "What it tells.", "内容说明。", nullable=False),
            Member("takes", list[str], "The parameters it takes.", "可用参数。", nullable=False),
            Member("kinds", many(kind_enum), "The kinds it is about.", "涉及种类。", nullable=False),
            Member("tables", many(table), "Its tables.", "表。", nullable=False),
        ],
        "A report.",
        "一份报表。",
    )


def _result() -> type:
    rows = object_type(
        "ReportRows",
        [
            *_titles(),
            Member("columns", many(_COLUMN), "Its columns.", "列。", nullable=False),
            Member("rows", list[JSON], "Objects of columns' names.", "以列名为键的行。", nullable=False),
            Member("more", bool, "Whether there are more rows.", "是否还有更多行。", nullable=False),
            Member(
                "geojson",
                GeoJSON,
                "The areas with their figures, or the places of the rows: a FeatureCollection.",
                "区域及其数值，或各行的位置：FeatureCollection。",
            ),
        ],
        "A table of a report, with its rows.",
        "报表中的一个表及其数据。",
    )
    return object_type(
        "ReportResult",
        [
            *_titles(),
            Member("on", Date, "The date it is for.", "报表日期。"),
            Member("tables", many(rows), "Its tables.", "表。", nullable=False),
        ],
        "What a report found.",
        "报表结果。",
    )


_WORDS = _words()
_COLUMN = _column()
