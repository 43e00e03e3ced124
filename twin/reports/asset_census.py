"""Asset census: how many assets of each kind there are, in which state, and what they add up to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from geoalchemy2 import Geography
from sqlalchemy import (
    CTE,
    Double,
    Select,
    Text,
    case,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.sql.elements import ColumnElement

from twin.kinds import Kind, all_kinds
from twin.kinds.common import STATUS
from twin.registry.attributes import attribute_value
from twin.registry.query.where import of_kinds
from twin.registry.tables import STATUSES
from twin.reports.columns import AREA_COLUMNS, KIND_COLUMN
from twin.reports.model import Column, Report, Table, Words
from twin.reports.request import Request
from twin.reports.selection import area_columns, areas, asset, counted, members, one_of, or_zero

MEASURES = {"length_m": ("length", func.ST_Length), "area_m2": ("area", func.ST_Area)}
"""What kinds may add up of a geometry, by our columns: on the ellipsoid, in metres and square metres."""
COUNTS = ("assets", *STATUSES, "undated")

_ELLIPSOID = Geography(geometry_type=None, srid=-1, spatial_index=False)


def by_kind(request: Request) -> Select[Any]:
    """A row for each area and kind: each kind that was asked for, else each that occurs anywhere."""
    area = areas(request)
    found = _counted(request, area).cte("counted")
    names = func.unnest(literal(request.kind_names, ARRAY(Text())))
    kinds = names.table_valued("kind", with_ordinality="place").render_derived("kinds")
    kind = kinds.c.kind
    occurs = kind.in_(select(found.c.kind))
    measured = (
        case((one_of(kind, _measured(request, of)), func.coalesce(found.c[name], 0))).label(name)
        for name, (of, _) in MEASURES.items()
    )
    same = (found.c.number == area.c.number) & (found.c.kind == kind)
    return (
        select(*area_columns(area), kind, *(or_zero(found.c[name]) for name in COUNTS), *measured)
        .select_from(area.join(kinds, true()).outerjoin(found, same))
        .where(or_(literal(request.chosen), occurs, ~select(found.c.kind).exists()))
        .order_by(area.c.number, kinds.c.place)
    )


def _counted(request: Request, area: CTE) -> Select[Any]:
    a = asset.c
    measures: dict[str, ColumnElement[Any]] = {
        name: case((of_kinds(asset, _measured(request, of)), measure(cast(a.geom, _ELLIPSOID))))
        for name, (of, measure) in MEASURES.items()
    }
    columns = {"kind": a.kind, "status": a.status, "installed": a.installed, **measures}
    m = members(request, area, request.kind_names, columns).c
    kept = m.status != "retired"
    return select(
        m.number,
        m.kind,
        counted(kept).label("assets"),
        *(counted(m.status == status).label(status) for status in STATUSES),
        counted(kept & m.installed.is_(None)).label("undated"),
        *(func.sum(m[name]).filter(kept).label(name) for name in MEASURES),
    ).group_by(m.number, m.kind)


def _measured(request: Request, of: str) -> list[str]:
    """The kinds that add up their lengths, or their areas."""
    return [kind.name for kind in request.kinds if any(total.of == of for total in kind.sums)]


def sums(request: Request) -> Select[Any]:
    """A row for each area and each attribute that a kind adds up, where any asset has it."""
    area = areas(request)
    parts = [_added(request, area, kind) for kind in request.kinds if _attribute_sums(kind)]
    if not parts:
        nothing = (cast(null(), Text()).label(column.name) for column in SUM_COLUMNS[2:])
        return select(*area_columns(area), *nothing).where(false())
    added = union_all(*parts).subquery("added")
    a = added.c
    return (
        select(*area_columns(area), a.kind, a.sum, a.total, a.unit, a.assets)
        .select_from(area.join(added, a.number == area.c.number))
        .order_by(area.c.number, a.kind, a.place)
    )


def _added(request: Request, area: CTE, kind: Kind) -> Select[Any]:
    attributes = _attribute_sums(kind)
    m = members(request, area, [kind.name], {"status": asset.c.status, **attributes})
    units = [total.unit for total in kind.sums if total.name in attributes]
    each = (
        func.unnest(
            literal(list(attributes), ARRAY(Text())),
            literal(units, ARRAY(Text())),
            array([m.c[name] for name in attributes]),
        )
        .table_valued("sum", "unit", "value", with_ordinality="place")
        .render_derived("each")
    )
    keys = (m.c.number, each.c.sum, each.c.unit, each.c.place)
    return (
        select(
            *keys,
            literal(kind.name, Text()).label("kind"),
            func.sum(each.c.value).label("total"),
            func.count().label("assets"),
        )
        .select_from(m.join(each, true()))
        .where(m.c.status != "retired", each.c.value.is_not(None))
        .group_by(*keys)
    )


def _attribute_sums(kind: Kind) -> dict[str, ColumnElement[Any]]:
    """What the kind adds up of its attributes, by the names of the sums."""
    attributes = {total.name: kind.attribute(total.of) for total in kind.sums}
    return {
        name: cast(attribute_value(asset.c.attributes, attribute), Double())
        for name, attribute in attributes.items()
        if attribute is not None
    }


def _sum_words() -> Mapping[str, Words]:
    return {total.name: (total.en, total.zh) for kind in all_kinds().values() for total in kind.sums}


KIND_COLUMNS = (
    *AREA_COLUMNS,
    KIND_COLUMN,
    Column("assets", "integer", "Assets, without retired", "资产数（不含作废）"),
    *(Column(choice.value, "integer", choice.en, choice.zh) for choice in STATUS),
    Column("undated", "integer", "Installed at an unknown date", "投用日期不明"),
    Column("length_m", "number", "Length", "长度", "m"),
    Column("area_m2", "number", "Area", "面积", "m²"),
)
SUM_COLUMNS = (
    *AREA_COLUMNS,
    KIND_COLUMN,
    Column("sum", "text", "Sum of", "汇总项", labels=_sum_words),
    Column("total", "number", "Total", "合计"),
    Column("unit", "text", "Unit", "单位"),
    Column("assets", "integer", "Assets that have it", "有此值的资产数"),
)

REPORT = Report(
    name="asset-census",
    en="Asset census",
    zh="资产普查",
    about_en="How many assets of each kind there are, in which state, and what they add up to. "
    "Retired assets count in their own column only. Lengths and areas are geodesic.",
    about_zh="各类资产的数量、状态与合计。作废资产仅计入其所在列。长度与面积按椭球面计算。",
    tables=(
        Table("kinds", "By kind", "按种类", KIND_COLUMNS, by_kind, key="kind"),
        Table("sums", "Sums", "合计", SUM_COLUMNS, sums, key="sum"),
    ),
    figure="assets",
    takes=frozenset({"kinds"}),
)
