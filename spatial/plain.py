"""Plain geometries: points, and polygons of one ring or two, whose WKB is read, and proved sound, as arrays.

What a city has most of needs no geometry library: a million objects are not made where arrays of coordinates
suffice. A proof is one-sided. What is not proved here, be it sound or not, is judged by ``spatial.geometry``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from msgspec import Struct

from spatial.arrays import BoolArray, FloatArray, Int64Array

Bytes = np.typing.NDArray[np.uint8]
Int8Array = np.typing.NDArray[np.int8]
UnitArray = np.typing.NDArray[np.float32]

POINT, POLYGON = b"\x01\x01\x00\x00\x00", b"\x01\x03\x00\x00\x00"
"""How little-endian WKB of the two begins (OGC 06-103r4, 8.2)."""
_POINT_LENGTH = 21
_RING_START = 13
_CORNER = 16
_COUNT = 4
_FEWEST = 4
_MOST_CORNERS = 24
"""Corners of a polygon up to which comparing each edge with each corner is quicker than an index of them."""
_SHAPES = 100
"""Corners of the outer ring and of the inner are one number, so many times the first and the second."""
_BLOCK = 2_048
"""Polygons at a time: their numbers stay in the processor's cache."""
_DOUBT = np.float32(32 * np.finfo(np.float32).eps)
"""By how much a cross product of edges may be wrong, at most, where a polygon is brought into the unit square
and its corners are rounded to what ``UnitArray`` holds: what is then sure is so of the corners themselves."""


class Plain(Struct, frozen=True):
    """Of a column of geometries those that are plain and sound: their places in it, ascending.

    ``lon`` and ``lat`` are the point that stands for each, by the rule of ``spatial.geometry.asset_points``;
    ``bounds`` are west, south, east and north, a row each.
    """

    rows: Int64Array
    lon: FloatArray
    lat: FloatArray
    bounds: FloatArray

    def take(self, mask: BoolArray) -> Plain:
        """Those of the mask."""
        return Plain(self.rows[mask], self.lon[mask], self.lat[mask], self.bounds[mask])


def read_plain(
    data: Bytes, starts: Int64Array, lengths: Int64Array, *, points: bool, polygons: bool
) -> Plain:
    """What is plain and sound among WKB values that begin at ``starts`` in ``data``.

    A value that is missing has length 0. ``points`` and ``polygons`` say what is wanted.
    """
    parts: list[Plain] = [*(_points(data, starts, lengths) if points else ())]
    parts += [*(_polygons(data, starts, lengths) if polygons else ())]
    if not parts:
        return Plain(np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty((0, 4)))
    if len(parts) == 1:
        return parts[0]
    rows = np.concatenate([part.rows for part in parts])
    order = np.argsort(rows, kind="stable")
    lon, lat, bounds = (
        np.concatenate([getattr(p, name) for p in parts]) for name in ("lon", "lat", "bounds")
    )
    return Plain(rows[order], lon[order], lat[order], bounds[order])


def point_wkb(x: FloatArray, y: FloatArray) -> Bytes:
    """Points as WKB, a row of bytes each."""
    rows = np.empty((len(x), _POINT_LENGTH), dtype=np.uint8)
    rows[:, : len(POINT)] = np.frombuffer(POINT, np.uint8)
    rows[:, len(POINT) :] = np.stack([x, y], axis=1).astype("<f8").view(np.uint8)
    return rows


def _points(data: Bytes, starts: Int64Array, lengths: Int64Array) -> Iterator[Plain]:
    rows = np.flatnonzero(lengths == _POINT_LENGTH)
    if not len(rows):
        return
    values = _gathered(data, starts[rows], _POINT_LENGTH)
    plain = _begins(values, POINT)
    xy = values[:, 5:].copy().view("<f8")
    plain &= np.isfinite(xy).all(axis=1)
    if not plain.all():
        rows, xy = rows[plain], xy[plain]
    yield Plain(rows, xy[:, 0], xy[:, 1], np.concatenate([xy, xy], axis=1))


def _polygons(data: Bytes, starts: Int64Array, lengths: Int64Array) -> Iterator[Plain]:
    for rows, corners in _alike(data, starts, lengths):
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            found = _sound([*_rings(data, starts[block], corners)])
            yield Plain(block[found.rows], found.lon, found.lat, found.bounds)


def _alike(
    data: Bytes, starts: Int64Array, lengths: Int64Array
) -> Iterator[tuple[Int64Array, tuple[int, ...]]]:
    """The rows of polygons of one or two rings, together where their rings have as many corners."""
    rows = np.flatnonzero(lengths >= _RING_START + _CORNER * _FEWEST)
    if not len(rows):
        return
    heads = _gathered(data, starts[rows], _RING_START)
    numbers = heads[:, 5:].copy().view("<u4").astype(np.int64)
    rings, outer = numbers[:, 0], numbers[:, 1]
    inner, left = np.divmod(lengths[rows] - _RING_START - _CORNER * outer, _CORNER)
    one = (rings == 1) & (inner == 0) & (left == 0)
    two = (rings == 2) & (inner >= _FEWEST) & (left == _COUNT)
    fits = (one | two) & (outer >= _FEWEST) & (outer + inner <= _MOST_CORNERS + 1) & _begins(heads, POLYGON)
    rows, shape = rows[fits], (outer * _SHAPES + inner)[fits].astype(np.int16)
    order = np.argsort(shape, kind="stable")
    for alike in np.split(order, np.flatnonzero(np.diff(shape[order])) + 1) if len(order) else ():
        corners, courtyard = divmod(int(shape[alike[0]]), _SHAPES)
        found = rows[alike]
        if not courtyard:
            yield found, (corners,)
            continue
        count = _gathered(data, starts[found] + _RING_START + _CORNER * corners, _COUNT)
        yield found[_begins(count, courtyard.to_bytes(_COUNT, "little"))], (corners, courtyard)


def _rings(data: Bytes, starts: Int64Array, corners: tuple[int, ...]) -> Iterator[FloatArray]:
    """The rings of polygons that are alike, each an array (x and y, corners, polygons)."""
    at = _RING_START
    for count in corners:
        values = _gathered(data, starts + at, _CORNER * count)
        yield np.ascontiguousarray(values.view("<f8").reshape(-1, count, 2).transpose(2, 1, 0))
        at += _CORNER * count + _COUNT


def _sound(rings: list[FloatArray]) -> Plain:
    """Of polygons those that are sound, by their places.

    A ring is an array (x and y, corners, polygons), as everywhere below: what is asked of all corners is then
    asked of all polygons at once.
    """
    low = np.minimum.reduce([ring.min(axis=1) for ring in rings])
    high = np.maximum.reduce([ring.max(axis=1) for ring in rings])
    closed = np.logical_and.reduce([(ring[:, 0] == ring[:, -1]).all(axis=0) for ring in rings])
    closed &= np.isfinite(low).all(axis=0) & np.isfinite(high).all(axis=0)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        scale = 1.0 / (high - low)
        unit = [((ring - low[:, None]) * scale[:, None]).astype(np.float32) for ring in rings]
        sound = np.logical_and.reduce([closed, *map(_is_simple, unit)])
        if len(unit) > 1:
            sound &= _holds(*unit)
    rows = np.flatnonzero(sound)
    if not sound.all():
        rings, low, high = [ring[..., rows] for ring in rings], low[:, rows], high[:, rows]
    lon, lat, sure = _inner_points(rings, low[1], high[1])
    return Plain(rows, lon, lat, np.concatenate([low, high]).T).take(sure)


def _is_simple(ring: UnitArray) -> BoolArray:
    """Which closed rings surely do not touch or cross themselves."""
    dx, dy = np.diff(ring, axis=1)
    turns = _turns(dx, dy)
    left, right = turns > _DOUBT, turns < -_DOUBT
    simple: BoolArray = (left.all(axis=0) | right.all(axis=0)) & _goes_round_once(dx)
    open_ = np.flatnonzero(~simple)
    if len(open_):
        simple[open_] = _edges_apart(ring[..., open_], (left | right)[:, open_])
    return simple


def _turns(dx: UnitArray, dy: UnitArray) -> UnitArray:
    """The cross product of each edge with the one after it, the last one's first."""
    return np.roll(dx, 1, axis=0) * dy - np.roll(dy, 1, axis=0) * dx


def _goes_round_once(dx: UnitArray) -> BoolArray:
    """Which rings that always turn to one side go but once from west to east and back."""
    east = dx > 0
    once: BoolArray = (east != np.roll(east, 1, axis=0)).sum(axis=0, dtype=np.int8) == 2
    return once


def _edges_apart(ring: UnitArray, bends: BoolArray) -> BoolArray:
    """Which rings' edges surely meet only where they follow each other.

    Edges that follow each other do not overlap where the ring ``bends`` surely, or surely goes on within a
    right angle.
    """
    dx, dy = np.diff(ring, axis=1)
    ahead = np.roll(dx, 1, axis=0) * dx + np.roll(dy, 1, axis=0) * dy
    goes_on: BoolArray = (bends | (ahead > _DOUBT)).all(axis=0)
    together = _together(_sides(ring, ring))
    edges, others = _not_following(len(dx))
    apart = together[edges, others] | together[others, edges]
    sure: BoolArray = goes_on & apart.all(axis=0)
    in_line = np.flatnonzero(goes_on & ~sure)
    if len(in_line):
        boxes = _Boxes.of(ring[..., in_line])
        sure[in_line] = (apart[:, in_line] | boxes.at(edges).beside(boxes.at(others))).all(axis=0)
    return sure


class _Boxes(Struct, frozen=True):
    """The boxes around edges of rings, as arrays (x and y, edges, polygons).

    They tell apart what no line along an edge does: edges that lie in one line.
    """

    low: UnitArray
    high: UnitArray

    @classmethod
    def of(cls, ring: UnitArray) -> _Boxes:
        return cls(np.minimum(ring[:, 1:], ring[:, :-1]), np.maximum(ring[:, 1:], ring[:, :-1]))

    def at(self, edges: list[int]) -> _Boxes:
        return _Boxes(self.low[:, edges], self.high[:, edges])

    def beside(self, other: _Boxes) -> BoolArray:
        """Which of the boxes surely do not touch their counterpart."""
        beside = (self.low - other.high > _DOUBT) | (other.low - self.high > _DOUBT)
        either: BoolArray = np.logical_or(beside[0], beside[1])
        return either


def _holds(outer: UnitArray, inner: UnitArray) -> BoolArray:
    """Which outer rings surely have the inner ring within them, and do not touch it.

    Where no edges meet one corner tells: an odd number of the outer ring's edges lies east of it.
    """
    sides = _sides(outer, inner)
    apart = _together(sides) | _together(_sides(inner, outer)).swapaxes(0, 1)
    below = outer[1] < inner[1, 0]
    passes = below[:-1] != below[1:]
    corner = sides[:, 0]
    east = np.where(below[:-1], corner > 0, corner < 0) & passes
    odd = (east.sum(axis=0, dtype=np.int8) & 1).astype(np.bool_)
    result: BoolArray = apart.all(axis=(0, 1)) & (~passes | (corner != 0)).all(axis=0) & odd
    return result


def _sides(ring: UnitArray, other: UnitArray) -> Int8Array:
    """On which side of each edge of a ring each corner of the other lies: left 1, right -1, in doubt 0.

    An array (edges, corners, polygons).
    """
    dx, dy = np.diff(ring, axis=1)
    side = dx[:, None] * other[1]
    side -= dy[:, None] * other[0]
    side += (dy * ring[0, :-1] - dx * ring[1, :-1])[:, None]
    sides: Int8Array = (side > _DOUBT).view(np.int8) - (side < -_DOUBT).view(np.int8)
    return sides


def _together(sides: Int8Array) -> BoolArray:
    """For each edge the edges of which both ends lie on one side of it: the two do not meet."""
    together: BoolArray = sides[:, 1:] * sides[:, :-1] > 0
    return together


@cache
def _not_following(count: int) -> tuple[list[int], list[int]]:
    """The pairs of so many edges of a ring that do not follow each other."""
    pairs = [(i, j) for i in range(count) for j in range(i + 2, count if i else count - 1)]
    return [i for i, _ in pairs], [j for _, j in pairs]


def _inner_points(
    rings: list[FloatArray], south: FloatArray, north: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """The point on the surface of each polygon, as GEOS finds it, and where that is sure.

    It is the middle of the widest piece of a line of latitude within the polygon; the line lies halfway
    between the two corners' latitudes next to the middle of the polygon (GEOS, InteriorPointArea).
    """
    y = rings[0][1] if len(rings) == 1 else np.concatenate([ring[1] for ring in rings])
    middle = (south + north) / 2.0
    upper = y > middle
    low = np.where(upper, -np.inf, y).max(axis=0)
    high = np.where(upper, y, np.inf).min(axis=0)
    line = (high + low) / 2.0
    at = [_crossings(ring, line) for ring in rings]
    crossings = at[0] if len(at) == 1 else np.concatenate(at)
    west = np.fmin.reduce(crossings, axis=0)
    east = np.fmax.reduce(crossings, axis=0)
    several = np.flatnonzero((~np.isnan(crossings)).sum(axis=0, dtype=np.int8) > 2)
    if len(several):
        west[several], east[several] = _widest(crossings[:, several])
    sure: BoolArray = (east > west) & ~(y == line).any(axis=0)
    return (west + east) / 2.0, line, sure


def _crossings(ring: FloatArray, line: FloatArray) -> FloatArray:
    """Where each edge crosses its polygon's line; NaN where it does not."""
    x, y = ring
    below = y < line
    x0, x1 = x[:-1], x[1:]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        sloped = x0 + (line - y[:-1]) / (np.diff(y, axis=0) / (x1 - x0))
    at: FloatArray = np.where(below[:-1] != below[1:], np.where(x0 == x1, x0, sloped), np.nan)
    return at


def _widest(crossings: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Of each line's pieces within its polygon the widest, the first of equals."""
    at = np.sort(crossings, axis=0)
    west, east = at[: len(at) // 2 * 2 : 2], at[1::2]
    width = np.where(np.isnan(east), -1.0, east - west)
    widest, polygons = width.argmax(axis=0), np.arange(at.shape[1])
    return west[widest, polygons], east[widest, polygons]


def _gathered(data: Bytes, starts: Int64Array, length: int) -> Bytes:
    """``length`` bytes from each start, a row each."""
    rows: Bytes = np.lib.stride_tricks.sliding_window_view(data, length)[starts]
    return rows


def _begins(values: Bytes, head: bytes) -> BoolArray:
    begins: BoolArray = (values[:, : len(head)] == np.frombuffer(head, np.uint8)).all(axis=1)
    return begins
