"""Geometry of whole columns with shapely 2: validity, repair, the asset's point, geodesic length and area.

Columns are object arrays of shapely geometries in longitude and latitude of WGS 84; ``None`` stands for a
missing one. Functions never change their input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from msgspec import Struct
from shapely.geometry.base import BaseGeometry

from spatial.arrays import BoolArray, FloatArray, GeometryArray, Int64Array
from twin.errors import Language

_TYPE_NAMES = np.array(
    [
        *("Point", "LineString", "LinearRing", "Polygon"),
        *("MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection"),
        "",
    ],
    dtype=object,
)
_ES = 0.0066943799901413165
"""The square of WGS 84's eccentricity."""
_COLLECTIONS = 4
"""Shapely's type numbers from here on are collections of parts."""


def from_wkb(values: Sequence[bytes | None] | GeometryArray) -> GeometryArray:
    """Geometries from ISO or extended WKB; ``None`` and what cannot be read become ``None``."""
    geometries: GeometryArray = shapely.from_wkb(np.asarray(values, dtype=object), on_invalid="ignore")
    return geometries


def to_wkb(geometries: GeometryArray) -> GeometryArray:
    """Little-endian WKB as an object array of bytes, heights as in extended WKB, without a system."""
    written: GeometryArray = shapely.to_wkb(geometries, byte_order=1, include_srid=False)
    return written


def geometry_type_names(geometries: GeometryArray) -> GeometryArray:
    """OGC names such as ``MultiPolygon``, as an object array of strings; empty where there is no geometry."""
    names: GeometryArray = _TYPE_NAMES[shapely.get_type_id(geometries)]
    return names


def usable(geometries: GeometryArray) -> BoolArray:
    """Which rows have a geometry, not empty, whose coordinates (heights included) are all finite."""
    coordinates, owner = shapely.get_coordinates(geometries, return_index=True)
    broken = ~np.isfinite(coordinates).all(axis=1)
    solid = shapely.has_z(geometries)
    if solid.any():
        heights = shapely.get_coordinates(geometries, include_z=True)[:, 2]
        broken |= ~np.isfinite(heights) & solid[owner]
    result: BoolArray = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    result[owner[broken]] = False
    return result


def asset_points(geometries: GeometryArray) -> tuple[FloatArray, FloatArray]:
    """Where each asset is: the one point that stands for its geometry, as (longitudes, latitudes).

    One rule, ours: a point is itself, the first one of several; of lines, the middle (half the length along)
    of the longest part; of polygons, the point on the surface of the largest part; a mixed collection goes by
    its parts of the highest dimension. Of equal parts the first counts. NaN where the geometry is missing,
    empty or has coordinates that are not finite.
    """
    lon, lat = np.full(len(geometries), np.nan), np.full(len(geometries), np.nan)
    parts, owner = _leading_parts(*simple_parts(geometries))
    x, y = np.full(len(parts), np.nan), np.full(len(parts), np.nan)
    dimension = shapely.get_dimensions(parts)
    for chosen, where in ((dimension == 0, _itself), (dimension == 1, _middle), (dimension == 2, _inside)):
        if chosen.any():
            x[chosen], y[chosen] = where(parts[chosen])
    lon[owner], lat[owner] = x, y
    return lon, lat


def validity(geometries: GeometryArray) -> tuple[BoolArray, GeometryArray]:
    """Which geometries are valid by OGC's rules, and GEOS's reason for the others (an empty string if valid).

    A missing geometry is not invalid: there is nothing to mend.
    """
    valid = shapely.is_valid(geometries) | shapely.is_missing(geometries)
    reasons = np.full(len(geometries), "", dtype=object)
    reasons[~valid] = shapely.is_valid_reason(geometries[~valid])
    return valid, reasons


_REASONS_ZH = {
    "Self-intersection": "自相交",
    "Ring Self-intersection": "环自相交",
    "Hole lies outside shell": "洞在外环之外",
    "Nested holes": "洞相互嵌套",
    "Nested shells": "外环相互嵌套",
    "Interior is disconnected": "内部不连通",
    "Too few points in geometry component": "点数太少",
    "Invalid Coordinate": "坐标无效",
    "Ring is not closed": "环未闭合",
    "Duplicate Rings": "环重复",
}


class Repair(Struct, frozen=True):
    """What was done to one invalid geometry: ``row`` is its place in the column, ``reason`` is GEOS's."""

    row: int
    reason: str
    before: str
    after: str
    parts: int

    def text(self, lang: Language = "en") -> str:
        """The repair in words."""
        name, _, place = self.reason.partition("[")
        at = f" [{place}" if place else ""
        if lang == "zh":
            done = f"修复为 {self.after}（{self.parts} 部分）" if self.parts else "修复后为空"
            return f"{self.before} 无效：{_REASONS_ZH.get(name, name)}{at}；{done}。"
        done = f"is now a {self.after} of {self.parts} part(s)" if self.parts else "nothing of it was left"
        return f"The {self.before} was invalid: {name}{at}; {done}."


def repair(geometries: GeometryArray) -> tuple[GeometryArray, list[Repair]]:
    """The column with invalid geometries made valid, and what was done to each; valid ones are untouched.

    A geometry keeps its dimension: debris of a lower one is dropped (a polygon stays a polygon or becomes
    several). One that has nothing of its dimension left becomes empty and its ``Repair`` has no parts.
    """
    valid, reasons = validity(geometries)
    rows = np.flatnonzero(~valid)
    if not len(rows):
        return geometries, []
    broken = geometries[rows]
    whole = usable(broken)
    fixed = np.full(len(rows), shapely.GeometryCollection(), dtype=object)
    fixed[whole] = _same_dimension(_valid(broken[whole]), broken[whole])
    repaired = geometries.copy()
    repaired[rows] = fixed
    columns = (geometry_type_names(broken), geometry_type_names(fixed), _part_counts(fixed))
    changes = [
        Repair(int(row), str(reasons[row]), before, after, int(count))
        for row, before, after, count in zip(rows, *columns, strict=True)
    ]
    return repaired, changes


def _valid(broken: GeometryArray) -> GeometryArray:
    """The geometries made valid; GEOS's structure method may leave parts that share an edge (3.14 does)."""
    fixed: GeometryArray = shapely.make_valid(broken, method="structure", keep_collapsed=False)
    crossed = ~shapely.is_valid(fixed)
    fixed[crossed] = shapely.make_valid(fixed[crossed])
    return fixed


def _itself(points: GeometryArray) -> tuple[FloatArray, FloatArray]:
    return shapely.get_x(points), shapely.get_y(points)


def _inside(polygons: GeometryArray) -> tuple[FloatArray, FloatArray]:
    finite = usable(polygons)
    points = np.full(len(polygons), None, dtype=object)
    points[finite] = shapely.point_on_surface(polygons[finite])
    return _itself(points)


def _middle(lines: GeometryArray) -> tuple[FloatArray, FloatArray]:
    """The point half the length along, measured on the ground (a degree of longitude shrinks northwards)."""
    coordinates, owner = shapely.get_coordinates(lines, return_index=True)
    steps, total = _ground_steps(coordinates, owner, len(lines))
    along = np.concatenate([[0.0], np.cumsum(steps)])
    first = np.searchsorted(owner, np.arange(len(lines)), side="left")
    last = np.searchsorted(owner, np.arange(len(lines)), side="right") - 1
    target = along[first] + total / 2
    end = np.clip(np.searchsorted(along, target), first + 1, last)
    step = along[end] - along[end - 1]
    share = np.divide(target - along[end - 1], step, out=np.zeros_like(step), where=step > 0)
    with np.errstate(invalid="ignore"):
        middle = coordinates[end - 1] + (coordinates[end] - coordinates[end - 1]) * share[:, None]
    middle[~usable(lines)] = np.nan
    return middle[:, 0], middle[:, 1]


def _ground_steps(coordinates: FloatArray, owner: Int64Array, count: int) -> tuple[FloatArray, FloatArray]:
    """Each step between coordinates in degrees of latitude (0 between two lines), and each line's sum."""
    east, north = np.diff(coordinates, axis=0).T
    middle = np.radians((coordinates[1:, 1] + coordinates[:-1, 1]) / 2)
    flattening = (1 - _ES * np.sin(middle) ** 2) / (1 - _ES)  # the parallel's radius over the meridian's
    steps = np.hypot(east * np.cos(middle) * flattening, north)
    steps[(owner[1:] != owner[:-1]) | ~np.isfinite(steps)] = 0.0
    return steps, np.asarray(np.bincount(owner[:-1], steps, count), dtype=np.float64)


def simple_parts(geometries: GeometryArray) -> tuple[GeometryArray, Int64Array]:
    """Points, lines and polygons within the column, however nested, in order, with the row of each."""
    parts, owner = shapely.get_parts(geometries, return_index=True)
    while (shapely.get_type_id(parts) >= _COLLECTIONS).any():
        parts, outer = shapely.get_parts(parts, return_index=True)
        owner = owner[outer]
    filled = ~shapely.is_empty(parts)
    return parts[filled], owner[filled]


def _leading_parts(parts: GeometryArray, owner: Int64Array) -> tuple[GeometryArray, Int64Array]:
    """Of each row's parts the largest of the highest dimension, the first of equals."""
    starts = np.append(True, owner[1:] != owner[:-1])[: len(owner)]
    if starts.all():
        return parts, owner
    dimension = shapely.get_dimensions(parts)
    size = np.zeros(len(parts))
    lines = dimension == 1
    size[lines] = _line_sizes(parts[lines])
    size[dimension == 2] = shapely.area(parts[dimension == 2])
    order = np.lexsort((-size, -dimension, owner))
    leading = order[starts]
    return parts[leading], owner[leading]


def _line_sizes(lines: GeometryArray) -> FloatArray:
    coordinates, owner = shapely.get_coordinates(lines, return_index=True)
    return _ground_steps(coordinates, owner, len(lines))[1] if len(lines) else np.zeros(0)


def _same_dimension(fixed: GeometryArray, original: GeometryArray) -> GeometryArray:
    """The geometries without parts of a lower dimension than the original had."""
    wanted = shapely.get_dimensions(original)
    result = fixed.copy()
    mixed = (shapely.get_type_id(original) < 7) & (
        (shapely.get_dimensions(fixed) != wanted) | (shapely.get_type_id(fixed) == 7)
    )
    for row in np.flatnonzero(mixed):
        parts = simple_parts(fixed[row : row + 1])[0]
        result[row] = _gather(parts[shapely.get_dimensions(parts) == wanted[row]], int(wanted[row]))
    return result


def _gather(parts: GeometryArray, dimension: int) -> BaseGeometry:
    single: tuple[type[BaseGeometry], ...] = (shapely.Point, shapely.LineString, shapely.Polygon)
    multiple: tuple[Any, ...] = (shapely.multipoints, shapely.multilinestrings, shapely.multipolygons)
    if len(parts) == 0:
        return single[dimension]()
    gathered: BaseGeometry = parts[0] if len(parts) == 1 else multiple[dimension](parts)
    return gathered


def _part_counts(geometries: GeometryArray) -> Int64Array:
    counts: Int64Array = np.bincount(simple_parts(geometries)[1], minlength=len(geometries))
    return counts
