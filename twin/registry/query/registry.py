"""Questions about the registry itself: its divisions, its home, its data sets, how far it reaches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import JSON, Double, Select, Text, func, literal, literal_column, select, table, text
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import ScalarSelect

from twin.registry.query.aliases import Aliases
from twin.registry.query.fields import page_size
from twin.registry.query.inputs import Given
from twin.registry.query.nested import division, division_members
from twin.registry.query.places import SRID
from twin.registry.query.selection import Asked
from twin.registry.query.sql import Question, Row
from twin.registry.rows import Rows
from twin.registry.tables import asset_view
from twin.settings import RegistrySettings

MAX_DIVISIONS = 1_000
MAX_LEVEL = 20

# The sides of the globe, and what of a geometry's box lies nearest to each.
_SIDES = {
    "west": ("LINESTRING(-180 -90, -180 90)", func.ST_XMin),
    "south": ("LINESTRING(-180 -90, 180 -90)", func.ST_YMin),
    "east": ("LINESTRING(180 -90, 180 90)", func.ST_XMax),
    "north": ("LINESTRING(-180 90, 180 90)", func.ST_YMax),
}


def one_division(code: Given, fields: Sequence[Asked]) -> Question[Row | None]:
    """The recorded division with this code."""
    found = _divisions(fields).where(literal_column("d.code") == code.text())
    return Question(found, lambda rows: rows[0]["division"] if rows else None)


def divisions(
    level: Given, parent: Given, first: Given, after: Given, fields: Sequence[Asked]
) -> Question[list[Row]]:
    """Recorded divisions in the order of their codes, of a level and directly within ``parent`` if given.

    ``after`` is the code of the last division seen.
    """
    found = _divisions(fields)
    if level.value is not None:
        found = found.where(literal_column("d.level") == level.integer(0, MAX_LEVEL))
    if parent.value is not None:
        found = found.where(literal_column("d.parent") == parent.text())
    if after.value is not None:
        found = found.where(literal_column("d.code") > after.text())
    found = found.order_by(literal_column("d.code")).limit(page_size(first, MAX_DIVISIONS))
    return Question(found, lambda rows: [row["division"] for row in rows])


def home(fields: Sequence[Asked]) -> Question[Row | None]:
    """The division that the registry is at home in: ``TWIN_DIVISION``, else what ``twin home`` has set."""
    recorded = select(literal_column("value", Text())).select_from(table("setting", schema="api"))
    recorded = recorded.where(literal_column("name") == "home")
    code = func.coalesce(literal(RegistrySettings.read().division, Text()), recorded.scalar_subquery())
    own = select(code.label("code")).subquery("h")
    aliases = Aliases()
    value = aliases.column(division(aliases, "h.code", fields), JSON()).label("division")
    return Question(select(value).select_from(own), lambda rows: rows[0]["division"])


def datasets() -> Question[list[Row]]:
    """Every data set that assets come from, by name."""
    columns = [literal_column(name, Text()).label(name) for name in ("name", "attribution")]
    found = select(*columns).select_from(table("dataset", schema="api")).order_by(text("name"))
    return Question(found, list)


def extent() -> Question[list[float] | None]:
    """The box around every asset: west, south, east, north in degrees; None where nothing has a place.

    Each side is that of the asset whose box is nearest to the same side of the globe, which the GiST index
    finds at once: an aggregate would read every row.
    """
    sides = (_outermost(*side).label(name) for name, side in _SIDES.items())
    return Question(select(*sides), _box)


def _outermost(line: str, measure: Callable[..., ColumnElement[float]]) -> ScalarSelect[float]:
    geom = asset_view.c.geom
    nearness = geom.op("<#>")(func.ST_GeomFromText(line, SRID))
    found = select(measure(geom, type_=Double())).where(geom.is_not(None))
    return found.order_by(nearness).limit(1).scalar_subquery()


def _box(rows: Rows) -> list[float] | None:
    box = [rows[0][side] for side in _SIDES]
    return None if None in box else box


def _divisions(fields: Sequence[Asked]) -> Select[Any]:
    aliases = Aliases()
    members = division_members(aliases, "d", "d.code", fields)
    value = aliases.column(f"json_build_object({members})", JSON()).label("division")
    return select(value).select_from(table("division", schema="api").alias("d"))
