"""Plain geometries: points and polygons of one ring whose WKB is read, and proved sound, as arrays.

What a city has most of needs no geometry library: a million objects are not made where arrays of coordinates
suffice. A proof is one-sided. What is not proved here, be it sound or not, is judged by ``spatial.geometry``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spatial.arrays import BoolArray, FloatArray, Int64Array

Bytes = np.typing.NDArray[np.uint8]

POINT, POLYGON = b"\x01\x01\x00\x00\x00", b"\x01\x03\x00\x00\x00"
"""How little-endian WKB of the two begins (OGC 06-103r4, 8.2)."""
_POINT_LENGTH = 21
_RING_START = 13
_CORNER = 16
_MOST_CORNERS = 24
"""Corners of a ring up to which comparing each edge with each corner is quicker than an index of them."""
_BLOCK = 1_024
"""Rings at a time: their numbers stay in the processor's cache."""
_ROUNDING = 32 * np.finfo(np.float64).eps
"""The share of the box around a ring by which a cross product of its edges may be wrong, at most."""


@dataclass(frozen=True, slots=True)
class Plain:
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
    corners, rest = np.divmod(lengths - _RING_START, _CORNER)
    fits = (rest == 0) & (corners >= 4) & (corners <= _MOST_CORNERS + 1)
    for count in np.unique(corners[fits]).tolist():
        of_length = np.flatnonzero(fits & (corners == count))
        begin = POLYGON + (1).to_bytes(4, "little") + count.to_bytes(4, "little")
        for start in range(0, len(of_length), _BLOCK):
            rows = of_length[start : start + _BLOCK]
            values = _gathered(data, starts[rows], _RING_START + _CORNER * count)
            one_ring = _begins(values, begin)
            xy = values[one_ring, _RING_START:].copy().view("<f8").reshape(-1, count, 2)
            found = _rings(*np.ascontiguousarray(xy.transpose(2, 1, 0)))
            yield Plain(rows[one_ring][found.rows], found.lon, found.lat, found.bounds)


def _rings(x: FloatArray, y: FloatArray) -> Plain:
    """Of rings those that are sound, by their places.

    ``x`` and ``y`` are arrays (corners, rings), as everywhere below: what is asked of all corners of a ring
    is then asked of all rings at once.
    """
    bounds = np.stack([x.min(axis=0), y.min(axis=0), x.max(axis=0), y.max(axis=0)])
    closed: BoolArray = (x[0] == x[-1]) & (y[0] == y[-1]) & np.isfinite(bounds).all(axis=0)
    with np.errstate(invalid="ignore", over="ignore"):
        sound = closed & _is_simple(x, y, bounds)
    rows = np.flatnonzero(sound)
    if not sound.all():
        x, y, bounds = x[:, rows], y[:, rows], bounds[:, rows]
    lon, lat, sure = _inner_points(x, y, bounds)
    return Plain(rows, lon, lat, bounds.T).take(sure)


def _is_simple(x: FloatArray, y: FloatArray, bounds: FloatArray) -> BoolArray:
    """Which closed rings surely do not touch or cross themselves."""
    x, y = x - x[0], y - y[0]
    dx, dy = np.diff(x, axis=0), np.diff(y, axis=0)
    doubt = _ROUNDING * (bounds[2] - bounds[0]) * (bounds[3] - bounds[1])
    turns = _turns(dx, dy)
    left, right = turns > doubt, turns < -doubt
    simple: BoolArray = (left.all(axis=0) | right.all(axis=0)) & _goes_round_once(dx)
    open_ = np.flatnonzero(~simple)
    if len(open_):
        bends = (left | right)[:, open_]
        simple[open_] = _edges_apart(x[:, open_], y[:, open_], doubt[open_], bends)
    return simple


def _turns(dx: FloatArray, dy: FloatArray) -> FloatArray:
    """The cross product of each edge with the one after it, the last one's first."""
    return np.roll(dx, 1, axis=0) * dy - np.roll(dy, 1, axis=0) * dx


def _goes_round_once(dx: FloatArray) -> BoolArray:
    """Which rings that always turn to one side go but once from west to east and back."""
    east = dx > 0
    once: BoolArray = (east != np.roll(east, 1, axis=0)).sum(axis=0, dtype=np.int8) == 2
    return once


def _edges_apart(x: FloatArray, y: FloatArray, doubt: FloatArray, bends: BoolArray) -> BoolArray:
    """Which rings' edges surely meet only where they follow each other.

    Two edges are apart where both ends of one lie on one side of the other. Edges that follow each other do
    not overlap where the ring ``bends`` surely, or goes on within a right angle.
    """
    dx, dy = np.diff(x, axis=0), np.diff(y, axis=0)
    ahead = np.roll(dx, 1, axis=0) * dx + np.roll(dy, 1, axis=0) * dy
    apart: BoolArray = np.asarray(np.logical_or(bends, ahead > 0).all(axis=0))
    # side[i, j]: on which side of edge i corner j lies, and how far.
    side = dx[:, None] * y
    side -= dy[:, None] * x
    side += (dy * x[:-1] - dx * y[:-1])[:, None]
    left, right = side > doubt, side < -doubt
    same_side = (left[:, 1:] & left[:, :-1]) | (right[:, 1:] & right[:, :-1])
    for edge, other in _not_following(len(dx)):
        apart &= same_side[edge, other] | same_side[other, edge]
    return apart


def _not_following(count: int) -> Iterator[tuple[int, int]]:
    """The pairs of so many edges of a ring that do not follow each other."""
    for edge in range(count):
        for other in range(edge + 2, count if edge else count - 1):
            yield edge, other


def _inner_points(
    x: FloatArray, y: FloatArray, bounds: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """The point on the surface of each ring, as GEOS finds it, and where that is sure.

    It is the middle of the widest piece of a line of latitude within the ring; the line lies halfway between
    the two corners' latitudes next to the middle of the ring (GEOS, InteriorPointArea).
    """
    middle = (bounds[1] + bounds[3]) / 2.0
    low = np.where(y <= middle, y, -np.inf).max(axis=0)
    high = np.where(y > middle, y, np.inf).min(axis=0)
    line = (high + low) / 2.0
    below = y < line
    crosses = below[:-1] != below[1:]
    x0, x1 = x[:-1], x[1:]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        sloped = x0 + (line - y[:-1]) / (np.diff(y, axis=0) / (x1 - x0))
    at = np.where(x0 == x1, x0, sloped)
    west, east = np.where(crosses, at, np.inf).min(axis=0), np.where(crosses, at, -np.inf).max(axis=0)
    several = np.flatnonzero(crosses.sum(axis=0, dtype=np.int8) > 2)
    if len(several):
        west[several], east[several] = _widest(np.where(crosses[:, several], at[:, several], np.inf))
    sure: BoolArray = (east > west) & ~(y == line).any(axis=0)
    return (west + east) / 2.0, line, sure


def _widest(crossings: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Of each line's pieces within its ring the widest, the first of equals; infinity is no crossing."""
    at = np.sort(crossings, axis=0)
    west, east = at[: len(at) // 2 * 2 : 2], at[1::2]
    with np.errstate(invalid="ignore"):
        width = np.where(np.isfinite(east), east - west, -1.0)
    widest, rings = width.argmax(axis=0), np.arange(at.shape[1])
    return west[widest, rings], east[widest, rings]


def _gathered(data: Bytes, starts: Int64Array, length: int) -> Bytes:
    """``length`` bytes from each start, a row each."""
    rows: Bytes = np.lib.stride_tricks.sliding_window_view(data, length)[starts]
    return rows


def _begins(values: Bytes, head: bytes) -> BoolArray:
    begins: BoolArray = (values[:, : len(head)] == np.frombuffer(head, np.uint8)).all(axis=1)
    return begins
