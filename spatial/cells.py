"""H3 cells as signed 64-bit integers: of points, their ancestors and ranges, neighbours and outlines, covers.

A cell's integer holds its resolution, one of 122 base cells and up to fifteen digits of three bits, unused
ones 7 (h3geo.org, "H3 Index"). So an ancestor is a matter of bits, and the descendants of a cell at
resolution 15 lie in one range of integers. An asset belongs to a coarser cell when that is the ancestor of
its own cell. Every valid cell is positive and below 2**60; 0 is no cell: it marks points that have none.

The hexagon on the map is only nearly the same place, for H3 cells do not nest exactly: descendants reach over
their ancestor's outline. Measured with h3 4.5, the outline enlarged about its centre by 1.15 holds them
nearly everywhere, but only by 1.40 where a cell of odd resolution crosses an edge of the icosahedron (for
example near 39.9° N, 122.1° E). Covers are made with outlines enlarged by ``REACH``, so that what they say of
a cell holds for its descendants too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import shapely
from msgspec import Struct
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from spatial import h3_index, h3_lattice, h3_scalar
from spatial.arrays import BoolArray, FloatArray, GeometryArray, Int64Array
from spatial.h3_index import DIGIT_BITS, FINEST, RESOLUTION_SHIFT
from spatial.measure import degrees_around
from spatial.proj import geod
from twin.errors import TwinError

MAX_DISK = 100
"""The most steps of a disk: 30,301 cells."""
MAX_COVER = 100_000
"""The most cells that ``cover`` returns unless told otherwise."""
REACH = 1.45
"""How far descendants reach at most, as a multiple of the way from a cell's centre to its outline."""

_DEEPEST_DIGITS = 0o666666666666666
_PLANE = 3
"""From this resolution on the straight lines of a map stand for the cells' great circles."""
_POLAR = 85.0
"""Degrees of latitude beyond which they do not, at any resolution."""
_CORNER = 1.11
"""How far a cell's corners are from its centre at most, as a multiple of its resolution's mean edge."""
_WIDEST = 90.0
"""Degrees of longitude of the widest box that is covered."""
_RADIUS = 6_371_000.0
_WRITTEN = re.compile(r"(?P<hexadecimal>[0-9a-fA-F]{15})|(?P<decimal>\d{18})")


class InvalidCell(TwinError):
    """The value is not an H3 cell."""

    code = "cell.invalid"
    en = "{value} is not an H3 cell. Write 15 hexadecimal digits such as 8f309e69a8a1a40, or the integer."
    zh = "{value} 不是 H3 网格编码。请写 15 位十六进制数（如 8f309e69a8a1a40）或整数。"


class InvalidResolution(TwinError):
    """The resolution is outside what the cell or H3 has."""

    code = "cell.resolution"
    en = "Resolution {resolution} is not possible here; choose one from 0 to {highest}."
    zh = "此处不能使用分辨率 {resolution}；请选择 0 到 {highest}。"


class DiskTooLarge(TwinError):
    """A disk of more steps than ``MAX_DISK``, or of less than none."""

    code = "cell.disk_too_large"
    en = "A disk of {k} steps is not possible: 0 to {limit}. Take a coarser cell, or filter by distance."
    zh = "不能取 {k} 步的邻域：只允许 0 到 {limit}。请改用更粗的网格，或按距离筛选。"


class CoverTooLarge(TwinError):
    """A geometry that more cells touch than are allowed."""

    code = "cell.cover_too_large"
    en = (
        "More than {limit} cells of resolution {resolution} touch this geometry; choose a coarser resolution."
    )
    zh = "与该几何相交的 {resolution} 级网格超过 {limit} 个；请选择更粗的分辨率。"


def points_to_cells(lon: FloatArray, lat: FloatArray, resolution: int = FINEST) -> Int64Array:
    """The cells that hold the points (degrees), 0 for a point that is not on the globe or not finite.

    Raises ``InvalidResolution``.
    """
    _check_resolution(resolution)
    lon, lat = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    placed = (np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0)
    if placed.all():
        return h3_lattice.cells_at(lat, lon, resolution)
    cells = np.zeros(len(lon), dtype=np.int64)
    cells[placed] = h3_lattice.cells_at(lat[placed], lon[placed], resolution)
    return cells


def resolution_of(cell: int) -> int:
    """The cell's resolution, 0 (coarsest) to 15."""
    return (cell >> RESOLUTION_SHIFT) & 15


def ancestor(cells: Int64Array, resolution: int) -> Int64Array:
    """The ancestors of the cells at ``resolution``, 0 for 0. Bits only: the cells are taken to be valid.

    Raises ``InvalidResolution`` if one of the cells is coarser.
    """
    placed = cells != 0
    _check_resolution(resolution, int(_resolutions(cells[placed]).min(initial=FINEST)))
    without = cells & ~np.int64(15 << RESOLUTION_SHIFT)
    found = without | np.int64(resolution << RESOLUTION_SHIFT | h3_index.unused(resolution))
    return np.where(placed, found, np.int64(0))


def ancestor_of(cell: int, resolution: int) -> int:
    """The ancestor of one cell, the cell itself at its own resolution. Raises ``InvalidResolution``."""
    _check_resolution(resolution, highest=resolution_of(cell))
    return cell & ~(15 << RESOLUTION_SHIFT) | resolution << RESOLUTION_SHIFT | h3_index.unused(resolution)


def cell_range(cell: int) -> tuple[int, int]:
    """The lowest and the highest integer of the cell's descendants at resolution 15, both included.

    Every cell of resolution 15 between them is a descendant. A pentagon has gaps within the range; its bounds
    are exact all the same.
    """
    unused = h3_index.unused(resolution_of(cell))
    low = cell & ~unused | FINEST << RESOLUTION_SHIFT
    return low, low | (_DEEPEST_DIGITS & unused)


def every_cell(resolution: int) -> tuple[int, int]:
    """Integers between which lie the cells of a resolution, and no others. Raises ``InvalidResolution``."""
    _check_resolution(resolution)
    low = h3_index.head(resolution)
    return low, low | ((1 << RESOLUTION_SHIFT) - 1)


def cell_ranges(cells: Int64Array) -> Int64Array:
    """``cell_range`` of every cell, as an array of shape (n, 2)."""
    unused = np.array([h3_index.unused(r) for r in range(FINEST + 1)], dtype=np.int64)[_resolutions(cells)]
    low = cells & ~unused | np.int64(FINEST << RESOLUTION_SHIFT)
    return np.stack([low, low | (np.int64(_DEEPEST_DIGITS) & unused)], axis=1)


def merge_ranges(ranges: Int64Array) -> Int64Array:
    """The ranges sorted, with overlapping ones and ones between which no cell lies joined; shape (n, 2)."""
    if not len(ranges):
        return ranges
    ranges = ranges[np.argsort(ranges[:, 0], kind="stable")]
    highest = np.maximum.accumulate(ranges[:, 1])
    starts = np.append(True, _positions(ranges[1:, 0]) > _positions(highest[:-1]) + 1)
    ends = np.append(np.flatnonzero(starts)[1:] - 1, len(ranges) - 1)
    return np.stack([ranges[starts, 0], highest[ends]], axis=1)


def parse_cell(value: str | int) -> int:
    """A cell from its 15 hexadecimal digits, its integer, or the integer's decimal digits.

    Raises ``InvalidCell``.
    """
    cell = value if isinstance(value, int) else _read(value)
    if not h3_scalar.is_cell(cell):
        raise InvalidCell(value=str(value)[:40])
    return cell


def format_cell(cell: int) -> str:
    """The cell as H3 writes it: 15 hexadecimal digits, lower case."""
    return f"{cell:x}"


def disk(cell: int, k: int) -> list[int]:
    """The cells at most ``k`` steps from the cell, itself included, sorted.

    Raises ``InvalidCell`` and, beyond ``MAX_DISK`` steps, ``DiskTooLarge``.
    """
    if not 0 <= k <= MAX_DISK:
        raise DiskTooLarge(k=k, limit=MAX_DISK)
    return sorted(h3_scalar.disk(parse_cell(cell), k))


def compact(cells: Int64Array) -> Int64Array:
    """The fewest cells with the same descendants as these cells of one resolution, sorted."""
    return np.sort(_as_array(h3_scalar.compact(np.unique(cells).tolist())))


def boundary(cell: int) -> BaseGeometry:
    """The cell's outline in longitude and latitude, counter-clockwise.

    A polygon; where the cell crosses the antimeridian a multipolygon cut there (RFC 7946, 3.1.9). A cell that
    holds a pole reaches up to it along the whole of the antimeridian. Raises ``InvalidCell``.
    """
    latitudes, longitudes = np.array(h3_scalar.vertices(parse_cell(cell))).T
    return _outline(longitudes, latitudes)


class Cover(Struct, frozen=True):
    """Ranges of resolution-15 cells, each an array of shape (n, 2) of lowest and highest, sorted, disjoint.

    An asset whose cell is in ``interior`` has its point inside the polygon. One whose cell is in ``edge`` may
    have, and needs the exact test. One in neither has not.
    """

    interior: Int64Array
    edge: Int64Array


def selecting_cover(polygon: BaseGeometry, max_cells: int = 2_000) -> Cover:
    """The cover that selects assets by a valid polygon or multipolygon: cells of mixed resolutions.

    Cells on the edge are divided until they would be more than ``max_cells`` together with the interior ones
    (or 122, where all base cells touch the polygon), so resolution follows from size. Edges of the polygon
    are straight in longitude and latitude, as for PostGIS's ``geometry``.
    """
    shapely.prepare(polygon)
    edge, interior = _sorted_out(polygon, _as_array(h3_scalar.base_cells()))
    for resolution in range(1, FINEST + 1):
        finer, inside = _sorted_out(polygon, _as_array(h3_scalar.children(edge.tolist(), resolution)))
        if len(finer) + len(inside) + len(interior) > max_cells:
            break
        edge, interior = finer, np.concatenate([interior, inside])
    return Cover(merge_ranges(cell_ranges(interior)), merge_ranges(cell_ranges(edge)))


Box = tuple[float, float, float, float]
"""West, south, east, north in degrees."""


class BoxCover(Struct, frozen=True):
    """Cells of one resolution that lie inside a box, and a smaller box, ``core``, that they fill.

    An asset whose cell descends from one of them has its point inside the box; one whose point is in the core
    has such a cell.
    """

    resolution: int
    cells: Int64Array
    core: Box


def box_cover(box: Box, finest: int, max_cells: int = 700) -> BoxCover | None:
    """The cover of a box by about ``max_cells`` cells at most, of resolution ``finest`` or a coarser one.

    None for a box that is too small, too large or too near a pole for that.
    """
    west, south, east, north = box
    highest = max(abs(south), abs(north))
    if not (east - west < _WIDEST and highest < _POLAR):
        return None
    metres = np.pi / 180.0 * _RADIUS
    area = (east - west) * (north - south) * metres**2 * np.cos(np.radians((south + north) / 2))
    resolution = next((r for r in range(finest, _PLANE, -1) if area <= max_cells * h3_scalar.mean_area(r)), 0)
    if not resolution:
        return None
    reach = REACH * _CORNER * h3_scalar.mean_edge(resolution)
    lon, lat = degrees_around(highest, reach)
    # A cell that is centred so far inside lies inside, and what is twice as far lies in such a cell.
    centres = (west + lon, south + lat, east - lon, north - lat)
    core = (west + 2 * lon, south + 2 * lat, east - 2 * lon, north - 2 * lat)
    if not (core[0] < core[2] and core[1] < core[3]):
        return None
    left, low, right, high = centres
    inside = h3_scalar.centred_in([(low, left), (low, right), (high, right), (high, left)], resolution)
    return BoxCover(resolution, np.sort(_as_array(inside)), core)


def cover(geometry: BaseGeometry, resolution: int, max_cells: int = MAX_COVER) -> Int64Array:
    """The cells of the resolution whose outline touches the geometry (valid, of any type), sorted.

    Raises ``InvalidResolution``, and ``CoverTooLarge`` beyond ``max_cells``.
    """
    _check_resolution(resolution)
    shapely.prepare(geometry)
    found: list[int] = []
    edge = _as_array(h3_scalar.base_cells())
    for level in range(resolution + 1):
        edge, inside = _sorted_out(geometry, edge)
        size = sum(h3_scalar.children_count(cell, resolution) for cell in inside.tolist())
        # An enlarged outline touches at most where one of its 19 nearest cells does.
        if len(found) + size > max_cells or len(edge) > 19 * max_cells:
            raise CoverTooLarge(limit=max_cells, resolution=resolution)
        found += h3_scalar.children(inside.tolist(), resolution)
        if level < resolution:
            edge = _as_array(h3_scalar.children(edge.tolist(), level + 1))
    touching = edge[shapely.intersects(geometry, _outlines(edge, 1.0)[0])]
    if len(found) + len(touching) > max_cells:
        raise CoverTooLarge(limit=max_cells, resolution=resolution)
    return np.sort(np.concatenate([_as_array(found), touching]))


def _sorted_out(geometry: BaseGeometry, cells: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Of the cells those whose descendants may touch the geometry, and those whose descendants lie inside."""
    reaches, exact = _outlines(cells, REACH)
    touching = shapely.intersects(geometry, reaches)
    inside: BoolArray = np.zeros(len(cells), dtype=bool)
    if shapely.get_dimensions(geometry) == 2:
        candidates = touching & exact
        inside[candidates] = shapely.covers(geometry, reaches[candidates])
    return cells[touching & ~inside], cells[inside]


def _outlines(cells: Int64Array, scale: float) -> tuple[GeometryArray, BoolArray]:
    """The cells' outlines enlarged about their centres, and which are exact enough to lie inside something.

    Cells that are too large for a map's straight lines, or too near a pole, get an envelope instead (unless
    ``scale`` is 1: then their true outline).
    """
    if not len(cells):
        return np.empty(0, dtype=object), np.zeros(0, dtype=bool)
    centers = np.array([h3_scalar.center(cell) for cell in cells.tolist()])
    rings = [h3_scalar.vertices(cell) for cell in cells.tolist()]
    owner = np.repeat(np.arange(len(cells)), [len(ring) for ring in rings])
    corners = np.array([corner for ring in rings for corner in ring]) - centers[owner]
    corners[:, 1] = (corners[:, 1] + 180.0) % 360.0 - 180.0
    lat, lon = (centers[owner] + corners * scale).T
    shapes: GeometryArray = shapely.polygons(shapely.linearrings(lon, lat, indices=owner))
    exact = (_resolutions(cells) >= _PLANE) & (np.abs(centers[:, 0]) <= _POLAR)
    crossing = np.zeros(len(cells), dtype=bool)
    crossing[owner[np.abs(lon) > 180.0]] = True
    for row in np.flatnonzero(crossing | ~exact):
        if exact[row] or scale == 1.0:
            shapes[row] = _outline(lon[owner == row], lat[owner == row])
        else:
            shapes[row] = _envelope(int(cells[row]), scale)
    return shapes, exact


@lru_cache(maxsize=10_000)
def _envelope(cell: int, scale: float) -> BaseGeometry:
    """A box around the circle that holds the enlarged cell; the same large cells are asked for again."""
    lat, lon = h3_scalar.center(cell)
    radius = max(geod().inv(lon, lat, x, y)[2] for y, x in h3_scalar.vertices(cell)) * scale
    east, north = degrees_around(lat, radius)
    if east >= 180.0:
        return shapely.box(-180.0, lat - north, 180.0, lat + north)
    return _within_globe(shapely.box(lon - east, lat - north, lon + east, lat + north))


def _outline(lon: FloatArray, lat: FloatArray) -> BaseGeometry:
    """The ring of corners as a polygon, its longitudes made continuous and then cut to -180 to 180."""
    around = np.unwrap(np.append(lon, lon[0]), period=360.0)
    # Counted round, the first corner comes back as itself or a whole turn away, but for rounding.
    corners = np.column_stack([around[:-1], lat])
    if abs(around[-1] - around[0]) > 180.0:
        pole = 90.0 if lat.mean() > 0 else -90.0
        corners = np.vstack([corners, [around[-1], lat[0]], [around[-1], pole], [around[0], pole]])
    return _within_globe(shapely.orient_polygons(shapely.Polygon(corners)))


def _within_globe(area: BaseGeometry) -> BaseGeometry:
    """The area with what lies beyond the antimeridian brought round to the other side."""
    west, _, east, _ = area.bounds
    if west >= -180.0 and east <= 180.0:
        return area
    globe = shapely.box(-180.0, -90.0, 180.0, 90.0)
    pieces = [shapely.intersection(translate(area, turn), globe) for turn in (-360.0, 0.0, 360.0)]
    return shapely.orient_polygons(shapely.union_all([piece for piece in pieces if piece.area > 0]))


def _read(text: str) -> int:
    written = _WRITTEN.fullmatch(text.strip())
    if not written:
        return -1
    return int(text, 10 if written["decimal"] else 16)


def _check_resolution(resolution: int, highest: int = FINEST) -> None:
    if not 0 <= resolution <= highest:
        raise InvalidResolution(resolution=resolution, highest=highest)


def _resolutions(cells: Int64Array) -> Int64Array:
    return (cells >> RESOLUTION_SHIFT) & 15


def _positions(cells: Int64Array) -> Int64Array:
    """The place of cells of resolution 15 in their order, counted without the unused digit 7."""
    positions = (cells >> h3_index.BASE_SHIFT) & h3_index.BASE_BITS
    for digit in range(FINEST - 1, -1, -1):
        positions = positions * 7 + ((cells >> DIGIT_BITS * digit) & 7)
    return positions


def _as_array(cells: Iterable[int]) -> Int64Array:
    return np.array(list(cells), dtype=np.int64)
