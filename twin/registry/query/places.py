"""Conditions on where assets are. Coordinates are longitude and latitude of WGS 84, in degrees.

Each names the asset's geometry in a way that lets PostGIS use the GiST index, or its cell in a way that lets
PostgreSQL use the b-tree.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import shapely
from geoalchemy2 import Geography
from shapely.geometry.base import BaseGeometry
from sqlalchemy import (
    BigInteger,
    Double,
    Integer,
    LargeBinary,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement, Grouping

from spatial import cells, h3_index, measure
from twin.registry.query import geojson
from twin.registry.query.errors import InputBox, InputCell
from twin.registry.query.inputs import Given

MAX_METRES = 100_000.0
MAX_CELLS = 1_000
MAX_STEPS = 17
"""The widest disk of at most ``MAX_CELLS`` cells: 3 × 17 × 18 + 1 = 919."""
CELL_MODES = ("OWN", "TOUCHES")
SRID = 4326
WKB = LargeBinary()

Column = ColumnElement[Any]
Condition = ColumnElement[bool]


def position(given: Given) -> tuple[float, float]:
    """Longitude and latitude of ``{lon, lat}``."""
    members = given.members(("lon", "lat"), needed=("lon", "lat"))
    return members["lon"].number(-180, 180), members["lat"].number(-90, 90)


def point(lon: float | Column, lat: float | Column) -> Column:
    """The position as PostGIS's geometry."""
    return func.ST_SetSRID(func.ST_Point(lon, lat), SRID)


def in_box(geom: Column, given: Given) -> Condition:
    """Geometries that meet the box ``[west, south, east, north]``, its edge included.

    Where west is east of east, the box crosses the antimeridian (RFC 7946, 5.2).
    """
    count = given.decide(lambda box: len(boxes(box)))
    return or_(*(_meets(geom, given.bound(partial(_box_wkb, number), WKB)) for number in range(count)))


def boxes(given: Given) -> list[BaseGeometry]:
    """The box that was given, in two parts where it crosses the antimeridian."""
    numbers = [item.number() for item in given.items(4)]
    if len(numbers) != 4:
        raise given.wrong("west, south, east, north", "西、南、东、北四个数")
    west, south, east, north = numbers
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise InputBox(path=given.path)
    spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    return [_box(left, south, right, north) for left, right in spans]


def _box_wkb(number: int, given: Given) -> bytes:
    return _wkb(boxes(given)[number])


def within(geom: Column, given: Given) -> Condition:
    """Geometries of which every point lies in the polygon and some point in its interior: ``ST_Within``.

    A point on the polygon's edge is not within it, and a line along the edge is not either.
    """
    return func.ST_Within(geom, _sql(given.bound(_area_wkb, WKB)))


def _area_wkb(given: Given) -> bytes:
    return _wkb(geojson.geometry(given, geojson.AREAS))


def intersects(geom: Column, given: Given) -> Condition:
    """Geometries that have a point in common with the given one, edges included: ``ST_Intersects``."""
    return _meets(geom, given.bound(_geometry_wkb, WKB))


def _geometry_wkb(given: Given) -> bytes:
    return _wkb(geojson.geometry(given))


def near(geom: Column, given: Given) -> Condition:
    """Geometries within ``metres`` of ``position``, on the ellipsoid.

    PostGIS measures along geodesics between a geometry's vertices; between vertices more than some 10 km
    apart these leave the straight lines of the map by metres.
    """
    sides = (given.bound(partial(_side, number), Double()) for number in range(4))
    lon, lat, metres = (given.bound(partial(_part, number), Double()) for number in range(3))
    return and_(
        geom.bool_op("&&")(func.ST_MakeEnvelope(*sides, SRID)),
        func.ST_DWithin(on_ellipsoid(geom), on_ellipsoid(point(lon, lat)), metres),
    )


def _around(given: Given) -> tuple[float, float, float]:
    """Longitude, latitude and metres of ``{position, metres}``."""
    members = given.members(("position", "metres"), needed=("position", "metres"))
    return *position(members["position"]), members["metres"].number(0, MAX_METRES)


def _side(number: int, given: Given) -> float:
    """West, south, east or north of what may lie around."""
    return _envelope(*_around(given))[number]


_envelope = lru_cache(maxsize=256)(measure.envelope_around)


def _part(number: int, given: Given) -> float:
    return _around(given)[number]


def on_ellipsoid(geom: Column) -> Column:
    """The geometry as PostGIS's geography, which measures in metres."""
    return cast(geom, Geography(geometry_type=None, srid=-1, spatial_index=False))


@dataclass(frozen=True, slots=True)
class Here:
    """A position that was given, as parameters of a statement."""

    lon: Column
    lat: Column
    cosine: Column

    @classmethod
    def of(cls, given: Given) -> Here:
        """The position ``{lon, lat}``."""
        reads = (lambda one: position(one)[0], lambda one: position(one)[1], _cosine)
        return cls(*(given.bound(read, Double()) for read in reads))

    @property
    def point(self) -> Column:
        """The position as PostGIS's geometry."""
        return point(self.lon, self.lat)

    def distance(self, geom: Column) -> Column:
        """Metres from it to the nearest point of the geometry, 0 inside of a polygon."""
        return func.ST_Distance(on_ellipsoid(geom), on_ellipsoid(self.point))

    def envelope(self, metres: Column) -> Column:
        """``spatial.measure.envelope_around`` for a distance that only the statement knows."""
        shortest_radius, share, spare = 6_335_439.0, 1.001, 1e-9
        angle = metres / literal(shortest_radius, Double()) * share + spare
        north = func.degrees(angle)
        sine = func.sin(angle) / self.cosine
        beyond_a_pole = func.abs(self.lat) + north >= 90.0
        east = case((beyond_a_pole, 180.0), else_=func.degrees(func.asin(func.least(1.0, sine))))
        wraps = or_(self.lon - east < -180.0, self.lon + east > 180.0)
        return func.ST_MakeEnvelope(
            case((wraps, -180.0), else_=self.lon - east),
            func.greatest(self.lat - north, -90.0),
            case((wraps, 180.0), else_=self.lon + east),
            func.least(self.lat + north, 90.0),
            SRID,
        )


def _cosine(given: Given) -> float:
    return math.cos(math.radians(position(given)[1]))


def in_cells(cell: Column, geom: Column, given: Given, resolution: int = h3_index.FINEST) -> Condition:
    """Assets of any of ``cells``: see ``_of_cells``."""
    members = given.members(("cells", "mode"), needed=("cells",))
    return _of_cells(cell, geom, _Cells(_listed, resolution), members["cells"], members.get("mode"))


def among_cells(
    cell: Column, given: Given, resolution: int, read: Callable[[Given], list[int]] | None = None
) -> Condition:
    """Assets of any of the cells, ``OWN``, as a join with their ranges: PostgreSQL then looks for each in the
    index, however many there are. Only for what has to hold of a whole statement. ``read`` finds the cells in
    what was given, where that is no list of them."""
    wanted = _Cells(read or _listed, resolution)
    sides = (given.bound(_Side(wanted, side), ARRAY(BigInteger())) for side in (0, 1))
    # Asked for, and not written as they are: PostgreSQL would see how many there are, find each plan by
    # itself cheaper than the one for all, and plan anew every time.
    lows, highs = (select(side).scalar_subquery() for side in sides)
    ranges = func.unnest(lows, highs).table_valued("low", "high").render_derived("ranges")
    return cell.between(ranges.c.low, ranges.c.high)


def ancestor(cell: Column, resolution: int) -> Column:
    """The ancestor of a cell, as SQL."""
    return func.api.cell_ancestor(cell, literal(resolution, Integer()), type_=BigInteger())


def _listed(given: Given) -> list[int]:
    return sorted({_cell(item) for item in given.items(MAX_CELLS)})


def in_disk(cell: Column, geom: Column, given: Given, resolution: int = h3_index.FINEST) -> Condition:
    """Assets of the cells at most ``steps`` away from ``cell``: see ``_of_cells``."""
    members = given.members(("cell", "steps", "mode"), needed=("cell",))
    return _of_cells(cell, geom, _Cells(_disk, resolution), given, members.get("mode"))


def _disk(given: Given) -> list[int]:
    members = given.members(("cell", "steps", "mode"), needed=("cell",))
    steps = members["steps"].integer(0, MAX_STEPS) if "steps" in members else 1
    return cells.disk(_cell(members["cell"]), steps)


@dataclass(frozen=True, slots=True)
class _Cells:
    """Cells that were given, as ranges of those at a resolution: lowest, highest, lowest, highest, …"""

    read: Callable[[Given], list[int]]
    resolution: int

    def __call__(self, given: Given) -> list[int]:
        return _ranges(tuple(self.read(given)), self.resolution)


@lru_cache(maxsize=256)
def _ranges(wanted: tuple[int, ...], resolution: int) -> list[int]:
    ranges = cells.merge_ranges(cells.cell_ranges(np.array(wanted, dtype=np.int64)))
    found: list[int] = cells.ancestor(ranges, resolution).ravel().tolist()
    return found


def _of_cells(cell: Column, geom: Column, wanted: _Cells, given: Given, mode: Given | None) -> Condition:
    """``OWN``: assets whose own cell descends from one of the cells; the column has cells of the resolution
    that is ``wanted``, 15 for assets. ``TOUCHES``: assets whose geometry meets the hexagon, or its edge.

    H3 cells do not nest exactly: some 6.5 % of the points of a cell lie outside its hexagon.
    """
    if mode is not None and mode.word(CELL_MODES) == "TOUCHES":
        area = shapely.union_all([cells.boundary(one) for one in wanted.read(given)])
        return or_(false(), *(_meets(geom, _wkb(part)) for part in shapely.get_parts(area)))
    count = given.decide(_Count(wanted))
    if not count:
        return false()
    bounds = Grouping(given.bound(wanted, ARRAY(BigInteger())))
    sides = [bounds[literal_column(str(place + 1), Integer())] for place in range(2 * count)]
    return or_(*(cell.between(sides[place], sides[place + 1]) for place in range(0, len(sides), 2)))


@dataclass(frozen=True, slots=True)
class _Side:
    """The lowest (0) or the highest (1) cells of the ranges."""

    cells: _Cells
    side: int

    def __call__(self, given: Given) -> list[int]:
        return self.cells(given)[self.side :: 2]


@dataclass(frozen=True, slots=True)
class _Count:
    """How many ranges the cells are."""

    cells: _Cells

    def __call__(self, given: Given) -> int:
        return len(self.cells(given)) // 2


def _cell(given: Given) -> int:
    try:
        return cells.parse_cell(given.text())
    except cells.InvalidCell:
        raise InputCell(path=given.path, given=given.value) from None


def _box(west: float, south: float, east: float, north: float) -> BaseGeometry:
    """The box; a line or a point where it has no area, which as a polygon would meet nothing."""
    if west == east and south == north:
        return shapely.Point(west, south)
    if west == east or south == north:
        return shapely.LineString([(west, south), (east, north)])
    return shapely.box(west, south, east, north)


def _meets(geom: Column, area: bytes | Column) -> Condition:
    return func.ST_Intersects(geom, _sql(area))


def _sql(area: bytes | Column) -> Column:
    return func.ST_GeomFromWKB(area, SRID)


def _wkb(made: BaseGeometry) -> bytes:
    written: bytes = shapely.to_wkb(made)
    return written
