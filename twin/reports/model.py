"""What a report says about itself. One file beside this one holds one ``Report``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Select

from twin.errors import Language
from twin.kinds import Kind
from twin.reports.request import OPTIONAL, Parameter, Request

ColumnType = Literal["text", "integer", "number", "share", "date"]
Words = tuple[str, str]
"""A text in English and in Chinese."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_COLUMN = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its ``name`` is that of the statement's column, ``unit`` what its numbers are in.

    A ``share`` is a number from 0 to 1, shown as a percentage. ``labels`` gives the words for values that
    are names of ours.
    """

    name: str
    type: ColumnType
    en: str
    zh: str
    unit: str | None = None
    labels: Callable[[], Mapping[str, Words]] | None = None

    def heading(self, lang: Language) -> str:
        """What it is called, with its unit."""
        title = self.zh if lang == "zh" else self.en
        if self.unit is None:
            return title
        return f"{title}（{self.unit}）" if lang == "zh" else f"{title} ({self.unit})"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a report: ``statement`` selects its columns, in their order, for what is asked.

    Rows of areas begin with ``AREA_COLUMNS``; ``key`` names the column that tells several rows of one area
    apart. A table with ``places`` also selects ``twin.reports.selection.place_of`` an asset's geometry, so
    that its rows are points on a map; where it is ``coloured_by`` a column, that column's labels colour them.
    The first table's rows are the areas themselves.
    """

    name: str
    en: str
    zh: str
    columns: tuple[Column, ...]
    statement: Callable[[Request], Select[Any]]
    key: str | None = None
    places: bool = False
    coloured_by: str | None = None

    def title(self, lang: Language) -> str:
        """What it is called."""
        return self.zh if lang == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Report:
    """A report: titles, what it is about, the parameters that it takes beside the area, and its tables.

    ``figure`` is the column of the first table that colours the map; ``kinds`` are the kinds that it is
    about, all of them where it is None.
    """

    name: str
    en: str
    zh: str
    about_en: str
    about_zh: str
    tables: tuple[Table, ...]
    figure: str
    takes: frozenset[Parameter] = frozenset()
    kinds: Callable[[], tuple[Kind, ...]] | None = None

    def title(self, lang: Language) -> str:
        """What it is called."""
        return self.zh if lang == "zh" else self.en

    def about(self, lang: Language) -> str:
        """What it tells."""
        return self.about_zh if lang == "zh" else self.about_en


def problems(report: Report) -> Iterator[Words]:
    """Everything that is wrong with a report by itself."""
    if not _NAME.fullmatch(report.name):
        yield (
            f"{report.name!r} is no name of lower-case letters, digits and hyphens",
            f"{report.name!r} 不是由小写字母、数字和连字符组成的名称",
        )
    if not report.tables:
        yield "it has no table", "没有表"
        return
    for name, count in Counter(table.name for table in report.tables).items():
        if count > 1:
            yield f"it has {count} tables called {name}", f"有 {count} 个表名为 {name}"
    for parameter in report.takes - set(OPTIONAL):
        yield f"there is no parameter {parameter}", f"没有参数 {parameter}"
    for table in report.tables:
        yield from _table_problems(table)
    if report.figure not in {column.name for column in report.tables[0].columns}:
        yield (
            f"its figure {report.figure} is no column of its first table",
            f"主指标 {report.figure} 不是首个表的列",
        )


def _table_problems(table: Table) -> Iterator[Words]:
    names = [column.name for column in table.columns]
    if names[:2] != ["area", "area_name"]:
        yield (
            f"the table {table.name} does not begin with AREA_COLUMNS",
            f"表 {table.name} 未以 AREA_COLUMNS 开头",
        )
    for name in (table.name, *names):
        if not _COLUMN.fullmatch(name):
            yield f"{name!r} is no name of a table or column", f"{name!r} 不能作表名或列名"
    if len(set(names)) != len(names):
        yield f"columns of the table {table.name} share a name", f"表 {table.name} 有同名的列"
    if table.key is not None and table.key not in names:
        yield f"the key {table.key} is no column of {table.name}", f"键 {table.key} 不是表 {table.name} 的列"
    labelled = {column.name for column in table.columns if column.labels is not None}
    if table.coloured_by is not None and table.coloured_by not in labelled:
        yield (
            f"{table.coloured_by} of {table.name} colours its places and has no labels",
            f"表 {table.name} 的着色列 {table.coloured_by} 没有标签",
        )
