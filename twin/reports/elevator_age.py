"""Elevators by age and variety: how old they are on a date, and the share older than 15 years."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CTE, Date, Double, Select, Subquery, and_, cast, func, literal, select
from sqlalchemy.sql.elements import ColumnElement

from twin.kinds import Kind, kind
from twin.kinds.model import Choice
from twin.reports.columns import AREA_COLUMNS, choice_words
from twin.reports.model import Column, Report, Table
from twin.reports.request import Request
from twin.reports.selection import area_columns, areas, asset, attribute_of, counted, members, one_of, or_zero

YEARS = (5, 10, 15)
"""Where one class of ages ends, its last day included, and the next begins."""
STANDING = ("in_service", "suspended")
"""The states of elevators that there are: neither planned nor retired."""


def by_area(request: Request) -> Select[Any]:
    """A row for each area."""
    area = areas(request)
    m = _elevators(request, area)
    found = select(m.c.number, *_figures(request, m)).group_by(m.c.number).cte("found")
    return (
        select(*area_columns(area), *(or_zero(found.c[name]) for name in _COUNTS), _share(found))
        .select_from(area.outerjoin(found, found.c.number == area.c.number))
        .order_by(area.c.number)
    )


def by_category(request: Request) -> Select[Any]:
    """A row for each area and each category that occurs in it."""
    area = areas(request)
    m = _elevators(request, area)
    keys = (m.c.number, m.c.category)
    found = select(*keys, *_figures(request, m)).group_by(*keys).cte("found")
    return (
        select(*area_columns(area), found.c.category, *(found.c[name] for name in _COUNTS), _share(found))
        .select_from(area.join(found, found.c.number == area.c.number))
        .order_by(area.c.number, found.c.category)
    )


def _elevators(request: Request, area: CTE) -> Subquery:
    a, elevator = asset.c, kind("elevator")
    accepted = cast(attribute_of(elevator, "acceptance_date"), Date())
    columns: dict[str, ColumnElement[Any]] = {
        "status": a.status,
        "category": attribute_of(elevator, "category"),
        "since": func.coalesce(a.installed, accepted),
    }
    member = members(request, area, ["elevator"], columns)
    return select(member).where(one_of(member.c.status, STANDING)).subquery("standing")


def _figures(request: Request, m: Subquery) -> list[ColumnElement[Any]]:
    since, on = m.c.since, literal(request.on, Date())
    first, second, third = (cast(on - func.make_interval(years), Date()) for years in YEARS)
    classes = {
        "age_0_5": and_(since <= on, since >= first),
        "age_5_10": and_(since < first, since >= second),
        "age_10_15": and_(since < second, since >= third),
        "older": since < third,
        "later": since > on,
        "unknown": since.is_(None),
    }
    return [
        counted().label("elevators"),
        *(counted(condition).label(name) for name, condition in classes.items()),
    ]


def _share(found: CTE) -> ColumnElement[Any]:
    """The share of the older among those whose age is known; null where none is."""
    c = found.c
    known = c.elevators - c.later - c.unknown
    return (cast(c.older, Double()) / func.nullif(known, 0)).label("share_older")


def _kinds() -> tuple[Kind, ...]:
    return (kind("elevator"),)


def _categories() -> tuple[Choice, ...]:
    category = kind("elevator").attribute("category")
    return () if category is None else category.choices


FIGURES = (
    Column("elevators", "integer", "Elevators", "电梯数"),
    Column("age_0_5", "integer", "0 to 5 years", "5 年及以内"),
    Column("age_5_10", "integer", "Over 5 to 10 years", "5 年以上至 10 年"),
    Column("age_10_15", "integer", "Over 10 to 15 years", "10 年以上至 15 年"),
    Column("older", "integer", "Over 15 years", "15 年以上"),
    Column("later", "integer", "Installed after the date", "该日期之后投用"),
    Column("unknown", "integer", "Age unknown", "梯龄不明"),
    Column("share_older", "share", "Share over 15 years", "15 年以上占比"),
)
_COUNTS = tuple(column.name for column in FIGURES if column.type == "integer")

REPORT = Report(
    name="elevator-age",
    en="Elevators by age and variety",
    zh="电梯梯龄与品种",
    about_en="How old the elevators in service or suspended are on a date, counted from their installation, "
    "else from their acceptance. The share is of those whose age is known.",
    about_zh="指定日期在用与停用电梯的梯龄，自投用日期起算，缺失时自监督检验日期起算。占比以梯龄已知者为基数。",
    tables=(
        Table("areas", "By area", "按区域", (*AREA_COLUMNS, *FIGURES), by_area),
        Table(
            "categories",
            "By category",
            "按品种",
            (
                *AREA_COLUMNS,
                Column("category", "text", "Category", "设备品种", labels=choice_words(_categories)),
                *FIGURES,
            ),
            by_category,
            key="category",
        ),
    ),
    figure="share_older",
    takes=frozenset({"on"}),
    kinds=_kinds,
)
