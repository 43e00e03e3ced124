"""Which assets a report is about, in SQL: its areas, and the assets that belong to each.

An asset belongs to a division by the division that it is recorded in. It belongs to an area of one's own
that contains its point, as assets get their divisions when they are loaded; areas may overlap, and then it
counts in each. A point on the edge of several areas counts in the first of them, so that areas side by side
count each asset once. Assets without a place belong to divisions, and to no area.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import shapely
from geoalchemy2 import Geometry
from sqlalchemy import (
    CTE,
    Boolean,
    FromClause,
    Integer,
    LargeBinary,
    Select,
    Subquery,
    Text,
    any_,
    cast,
    exists,
    func,
    literal,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement

from twin.kinds import Kind
from twin.registry.attributes import attribute_value
from twin.registry.query.where import of_kinds
from twin.registry.statements import statement
from twin.registry.tables import asset_view, division_view
from twin.reports.request import ELSEWHERE, WHOLE, Request

LAST = 2**31 - 1
"""The number of the area of what lies elsewhere: it comes last."""
_SHAPE: Geometry = Geometry(geometry_type=None, srid=-1, spatial_index=False)

asset = asset_view.alias("a")
"""The assets, as the columns of ``members`` name them."""


def areas(request: Request) -> CTE:
    """The areas: ``number`` in their order, ``area`` and ``area_name``, and the ``shape`` of one's own."""
    return once(_areas(request), "area")


def area_columns(area: FromClause) -> list[ColumnElement[Any]]:
    """The values of ``AREA_COLUMNS``, out of ``areas``."""
    return [area.c.area, area.c.area_name]


def members(
    request: Request, area: CTE, kinds: list[str], columns: Mapping[str, ColumnElement[Any]]
) -> Subquery:
    """The assets of ``kinds`` in each area: the area's ``number``, and ``columns``, made of ``asset``'s."""
    chosen = [column.label(name) for name, column in columns.items()]
    of = of_kinds(asset, kinds)
    below = asset.c.division == any_(func.api.divisions_below(request.division, type_=ARRAY(Text())))
    if request.areas:
        found = select(area.c.number, *chosen).select_from(asset.join(area, _in_area())).where(of)
    elif request.level is not None:
        found = _by_level(request, area, chosen).where(of)
        found = found if request.division is None else found.where(below)
    else:
        found = select(literal_column("1", Integer()).label("number"), *chosen).where(of)
        found = found if request.division is None else found.where(below)
    return found.subquery("member")


def _by_level(request: Request, area: CTE, chosen: list[Any]) -> Select[Any]:
    """Assets with the division of the level that theirs lies in; elsewhere where there is none."""
    d = division_view.alias("d")
    within = (
        select(d.c.code, area.c.number)
        .select_from(d.join(area, area.c.area == any_(d.c.path)))
        .subquery("within")
    )
    number = func.coalesce(within.c.number, LAST).label("number")
    return select(number, *chosen).select_from(asset.outerjoin(within, within.c.code == asset.c.division))


def _areas(request: Request) -> Select[Any]:
    if request.areas:
        return _given(request)
    d = division_view
    if request.level is not None:
        return _divisions(request, request.level)
    columns = literal_column("1", Integer()).label("number"), literal_column("NULL", _SHAPE).label("shape")
    if request.division is None:
        name = cast(null(), Text())
        return select(*columns, literal(WHOLE, Text()).label("area"), name.label("area_name"))
    one = select(*columns, d.c.code.label("area"), d.c.name.label("area_name"))
    return one.where(d.c.code == request.division)


def _divisions(request: Request, level: int) -> Select[Any]:
    d = division_view
    number = cast(func.row_number().over(order_by=d.c.code), Integer()).label("number")
    shape = literal_column("NULL", _SHAPE).label("shape")
    found = select(number, shape, d.c.code.label("area"), d.c.name.label("area_name")).where(
        d.c.level == level
    )
    if request.division is not None:
        found = found.where(d.c.path.contains(cast([request.division], ARRAY(Text()))))
    elsewhere = select(
        literal(LAST, Integer()).label("number"),
        shape,
        literal(ELSEWHERE, Text()).label("area"),
        cast(null(), Text()).label("area_name"),
    )
    if request.division is not None:
        elsewhere = elsewhere.where(exists().where(d.c.code == request.division))
    both = union_all(found, elsewhere).subquery("division")
    return select(both)


def _given(request: Request) -> Select[Any]:
    names = literal([one.name for one in request.areas], ARRAY(Text()))
    shapes = literal([shapely.to_wkb(one.shape) for one in request.areas], ARRAY(LargeBinary()))
    pairs = func.unnest(names, shapes)
    given = pairs.table_valued("name", "wkb", with_ordinality="number").render_derived("given")
    number = cast(given.c.number, Integer())
    return select(
        number.label("number"),
        func.ST_GeomFromWKB(given.c.wkb, 4326, type_=_SHAPE).label("shape"),
        cast(number, Text()).label("area"),
        cast(given.c.name, Text()).label("area_name"),
    )


def _in_area() -> ColumnElement[bool]:
    return literal_column(statement("twin.reports", "in_area"), Boolean())


def once(selected: Select[Any], name: str) -> CTE:
    """A statement whose columns are computed once a row, however often others name them.

    PostgreSQL would put a subquery's expressions in the place of their names, and compute them each time.
    """
    return selected.cte(name).prefix_with("MATERIALIZED")


def counted(condition: ColumnElement[bool] | None = None) -> ColumnElement[int]:
    """How many rows there are of those for which ``condition`` holds."""
    return func.count() if condition is None else func.count().filter(condition)


def one_of(column: ColumnElement[str], values: Iterable[str]) -> ColumnElement[bool]:
    """Whether a text is any of ``values``."""
    return column == any_(literal(list(values), ARRAY(Text())))


def or_zero(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """0 where an area has no row to count."""
    return func.coalesce(column, 0).label(column.key)


def place_of(geom: ColumnElement[Any]) -> ColumnElement[str]:
    """What a table with places selects last: ``geom``, the geometry in hexadecimal WKB."""
    return cast(geom, Text()).label("geom")


def attribute_of(kind: Kind, name: str) -> ColumnElement[Any]:
    """An attribute of ``asset``, which is of ``kind``; null where a city's own kind is without it."""
    attribute = kind.attribute(name)
    return cast(null(), Text()) if attribute is None else attribute_value(asset.c.attributes, attribute)
