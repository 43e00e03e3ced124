"""Overdue and coming inspections: what is due on a date, and on what that is based.

A kind with an ``InspectionRule`` takes part. Its attributes ``last_inspection`` and ``next_inspection``,
where it has them, tell the last inspection and the next one that the source plans. An asset whose anchor and
last inspection are known is judged by the rule; else by the date that the source plans; else, with an anchor
and no inspection on record, by the rule's first date. Without an anchor the last inspection alone tells
nothing, as the intervals of the rule differ with age: the due date is unknown. This order is ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import CTE, Date, Select, and_, case, cast, func, literal, select
from sqlalchemy.sql.elements import ColumnElement

from twin.kinds import Kind, all_kinds
from twin.registry.tables import organisation_view
from twin.reports.columns import AREA_COLUMNS, KIND_COLUMN
from twin.reports.due import due_date_sql
from twin.reports.model import Column, Report, Table, Words
from twin.reports.request import Request
from twin.reports.selection import (
    area_columns,
    areas,
    asset,
    attribute_of,
    counted,
    members,
    once,
    one_of,
    or_zero,
    place_of,
)

STATES: Mapping[str, Words] = {"overdue": ("Overdue", "逾期"), "coming": ("Coming", "即将到期")}
BASES: Mapping[str, Words] = {
    "anchor": ("Computed from the acceptance", "按监督检验月份推算"),
    "source": ("As the source says", "按数据来源"),
    "unknown": ("Unknown", "不明"),
}


def by_area(request: Request) -> Select[Any]:
    """A row for each area."""
    area = areas(request)
    found = _figures(_judged(request, area)).cte("found")
    return (
        select(*area_columns(area), *(or_zero(found.c[column.name]) for column in FIGURES))
        .select_from(area.outerjoin(found, found.c.number == area.c.number))
        .order_by(area.c.number)
    )


def to_inspect(request: Request) -> Select[Any]:
    """A row for each asset that is overdue or due soon, by area, the longest overdue first."""
    area = areas(request)
    judged = _judged(request, area, "code", "name", "address", "division", "owner", "maintainer", "geom")
    j, owner, maintainer = judged.c, organisation_view.alias("o"), organisation_view.alias("m")
    columns: dict[str, ColumnElement[Any]] = {
        **dict(j.items()),
        "owner": func.coalesce(owner.c.name, j.owner).label("owner"),
        "maintainer": func.coalesce(maintainer.c.name, j.maintainer).label("maintainer"),
        "days": (j.due - literal(request.on, Date())).label("days"),
    }
    return (
        select(*area_columns(area), *(columns[column.name] for column in ASSET_COLUMNS), place_of(j.geom))
        .select_from(
            area.join(judged, j.number == area.c.number)
            .outerjoin(owner, owner.c.key == j.owner)
            .outerjoin(maintainer, maintainer.c.key == j.maintainer)
        )
        .where(one_of(j.state, STATES))
        .order_by(area.c.number, j.due, j.code)
    )


def _figures(judged: CTE) -> Select[Any]:
    j = judged.c
    running = j.status == "in_service"
    conditions = {
        "assets": running,
        "overdue": j.state == "overdue",
        "unrecorded": and_(j.state == "overdue", j.last_inspection.is_(None), j.basis == "anchor"),
        "coming": j.state == "coming",
        "later": j.state == "later",
        "unknown": and_(running, j.basis == "unknown"),
        "by_anchor": and_(running, j.basis == "anchor"),
        "by_source": and_(running, j.basis == "source"),
        "suspended": j.status == "suspended",
    }
    return select(j.number, *(counted(is_).label(name) for name, is_ in conditions.items())).group_by(
        j.number
    )


def _judged(request: Request, area: CTE, *columns: str) -> CTE:
    """Assets in service or suspended, with ``columns`` of theirs and when they are due; those in service
    with their states too."""
    d = _due(request, area, columns).c
    on = literal(request.on, Date())
    soon = cast(on + func.make_interval(0, request.within), Date())
    state = case(
        (d.status != "in_service", None),
        (d.due < on, "overdue"),
        (d.due <= soon, "coming"),
        (d.due > soon, "later"),
    )
    return once(select(*d, state.label("state")), "judged")


def _due(request: Request, area: CTE, columns: Sequence[str]) -> CTE:
    """The assets with their due dates, and what these are based on."""
    d = _dated(request, area, columns).c
    by_rule = case(
        *(
            (d.kind == kind.name, due_date_sql(kind.inspection, d.anchor, d.last_inspection))
            for kind in request.kinds
            if kind.inspection is not None
        )
    )
    basis = case(
        (and_(d.anchor.is_not(None), d.last_inspection.is_not(None)), "anchor"),
        (d.next_inspection.is_not(None), "source"),
        (d.anchor.is_not(None), "anchor"),
        else_="unknown",
    )
    due = case((basis == "source", d.next_inspection), (basis == "anchor", by_rule))
    return once(select(*d, basis.label("basis"), due.label("due")), "due")


def _dated(request: Request, area: CTE, columns: Sequence[str]) -> CTE:
    """The assets with the dates that their kinds keep."""
    ruled = [(kind, kind.inspection) for kind in request.kinds if kind.inspection is not None]
    dates = {
        "anchor": _of_kinds({kind.name: _date(kind, rule.anchor) for kind, rule in ruled}),
        "last_inspection": _of_kinds({kind.name: _date(kind, "last_inspection") for kind, _ in ruled}),
        "next_inspection": _of_kinds({kind.name: _date(kind, "next_inspection") for kind, _ in ruled}),
    }
    plain = {name: asset.c[name] for name in ("kind", "status", *columns)}
    m = members(request, area, request.kind_names, {**plain, **dates})
    return once(select(m).where(one_of(m.c.status, ("in_service", "suspended"))), "dated")


def _of_kinds(values: Mapping[str, ColumnElement[Any]]) -> ColumnElement[Any]:
    """The value for an asset's kind."""
    return case(*((asset.c.kind == name, value) for name, value in values.items()))


def _date(kind: Kind, name: str) -> ColumnElement[Any]:
    return cast(attribute_of(kind, name), Date())


def _kinds() -> tuple[Kind, ...]:
    return tuple(kind for kind in all_kinds().values() if kind.inspection is not None)


FIGURES = (
    Column("assets", "integer", "In service", "在用"),
    Column("overdue", "integer", "Overdue", "逾期"),
    Column("unrecorded", "integer", "Overdue, no inspection on record", "逾期且无检验记录"),
    Column("coming", "integer", "Coming", "即将到期"),
    Column("later", "integer", "Later", "期限之后"),
    Column("unknown", "integer", "Due date unknown", "到期日不明"),
    Column("by_anchor", "integer", "Computed from the acceptance", "按监督检验月份推算"),
    Column("by_source", "integer", "As the source says", "按数据来源"),
    Column("suspended", "integer", "Suspended: inspect before restart", "停用（启用前须检验）"),
)
ASSET_COLUMNS = (
    Column("code", "text", "Code", "身份码"),
    Column("state", "text", "State", "状态", labels=lambda: STATES),
    Column("due", "date", "Due", "应检日期"),
    Column("days", "integer", "Days left", "剩余天数", "d"),
    Column("basis", "text", "Due date from", "应检日期依据", labels=lambda: BASES),
    Column("anchor", "date", "Acceptance", "监督检验日期"),
    Column("last_inspection", "date", "Last inspection", "上次检验日期"),
    Column("next_inspection", "date", "Next inspection, as the source has it", "来源所载下次检验日期"),
    KIND_COLUMN,
    Column("name", "text", "Asset", "资产名称"),
    Column("address", "text", "Address", "地址"),
    Column("division", "text", "Division", "区划"),
    Column("owner", "text", "Owner", "权属单位"),
    Column("maintainer", "text", "Maintainer", "养护单位"),
)

REPORT = Report(
    name="inspections",
    en="Overdue and coming inspections",
    zh="逾期与即将到期的检验",
    about_en="Which assets in service are overdue for inspection on a date, and which fall due within months "
    "of it. Due dates are computed from the acceptance and the last inspection; without these the date that "
    "the source gives counts.",
    about_zh="指定日期逾期未检、以及若干月内将到期的在用资产。到期日由监督检验月份与上次检验推算，"
    "缺失时采用数据来源所载日期。",
    tables=(
        Table("areas", "By area", "按区域", (*AREA_COLUMNS, *FIGURES), by_area),
        Table(
            "assets",
            "To inspect",
            "待检资产",
            (*AREA_COLUMNS, *ASSET_COLUMNS),
            to_inspect,
            places=True,
            coloured_by="state",
        ),
    ),
    figure="overdue",
    takes=frozenset({"kinds", "on", "within"}),
    kinds=_kinds,
)
