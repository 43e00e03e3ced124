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
_BLOCK = 4_096
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
    parts = [*(_points(data, starts, lengths) if points else ())]
    parts += [*(_polygons(data, starts, lengths) if polygons else ())]
    if not parts:
        return Plain(np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty((0, 4)))
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
            found = _rings(values[one_ring, _RING_START:].copy().view("<f8").reshape(-1, count, 2))
            yield Plain(rows[one_ring][found.rows], found.lon, found.lat, found.bounds)


def _rings(corners: FloatArray) -> Plain:
    """Of rings, given as an array (rings, corners, 2), those that are sound, by their places."""
    x, y = corners[:, :, 0], corners[:, :, 1]
    with np.errstate(invalid="ignore", over="ignore"):
        closed = (corners[:, 0] == corners[:, -1]).all(axis=1) & np.isfinite(corners).all(axis=(1, 2))
        rows = np.flatnonzero(closed & _is_simple(x, y))
    x, y = x[rows], y[rows]
    lon, lat, sure = _inner_points(x, y)
    bounds = np.stack([x.min(axis=1), y.min(axis=1), x.max(axis=1), y.max(axis=1)], axis=1)
    return Plain(rows, lon, lat, bounds).take(sure)


def _is_simple(x: FloatArray, y: FloatArray) -> BoolArray:
    """Which closed rings surely do not touch or cross themselves."""
    x, y = x - x[:, :1], y - y[:, :1]
    dx, dy = np.diff(x, axis=1), np.diff(y, axis=1)
    doubt = _ROUNDING * np.ptp(x, axis=1) * np.ptp(y, axis=1)
    turns = _turns(dx, dy)
    left, right = turns > doubt[:, None], turns < -doubt[:, None]
    simple: BoolArray = (left.all(axis=1) | right.all(axis=1)) & _goes_round_once(dx)
    open_ = np.flatnonzero(~simple)
    if len(open_):
        bends = (left | right)[open_]
        simple[open_] = _edges_apart(x[open_], y[open_], doubt[open_], bends)
    return simple


def _turns(dx: FloatArray, dy: FloatArray) -> FloatArray:
    """The cross product of each edge with the one after it, the last one's first."""
    turns = np.empty_like(dx)
    turns[:, 1:] = dx[:, :-1] * dy[:, 1:] - dy[:, :-1] * dx[:, 1:]
    turns[:, 0] = dx[:, -1] * dy[:, 0] - dy[:, -1] * dx[:, 0]
    return turns


def _goes_round_once(dx: FloatArray) -> BoolArray:
    """Which rings that always turn to one side go but once from west to east and back."""
    east = dx > 0
    changes = (east[:, 1:] != east[:, :-1]).sum(axis=1) + (east[:, 0] != east[:, -1])
    once: BoolArray = changes == 2
    return once


def _edges_apart(x: FloatArray, y: FloatArray, doubt: FloatArray, bends: BoolArray) -> BoolArray:
    """Which rings' edges surely meet only where they follow each other.

    Two edges are apart where both ends of one lie on one side of the other. Edges that follow each other do
    not overlap where the ring ``bends`` surely, or goes on within a right angle.
    """
    dx, dy = np.diff(x, axis=1), np.diff(y, axis=1)
    ahead = np.empty_like(dx)
    ahead[:, 1:] = dx[:, :-1] * dx[:, 1:] + dy[:, :-1] * dy[:, 1:]
    ahead[:, 0] = dx[:, -1] * dx[:, 0] + dy[:, -1] * dy[:, 0]
    apart = np.logical_or(bends, ahead > 0).all(axis=1)
    # side[:, i, j]: on which side of edge i corner j lies, and how far.
    edges = np.stack([-dy, dx, dy * x[:, :-1] - dx * y[:, :-1]], axis=2)
    side = edges @ np.stack([x, y, np.ones_like(x)], axis=1)
    left, right = side > doubt[:, None, None], side < -doubt[:, None, None]
    same_side = (left[:, :, 1:] & left[:, :, :-1]) | (right[:, :, 1:] & right[:, :, :-1])
    same_side |= same_side.transpose(0, 2, 1)
    same_side |= _following(dx.shape[1])
    result: BoolArray = np.logical_and(apart, same_side.all(axis=(1, 2)))
    return result


def _following(count: int) -> BoolArray:
    """Which of so many edges of a ring are the same, or follow each other."""
    steps = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    following: BoolArray = (steps <= 1) | (steps == count - 1)
    return following


def _inner_points(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """The point on the surface of each ring, as GEOS finds it, and where that is sure.

    It is the middle of the widest piece of a line of latitude within the ring; the line lies halfway between
    the two corners' latitudes next to the middle of the ring (GEOS, InteriorPointArea).
    """
    middle = ((y.min(axis=1) + y.max(axis=1)) / 2.0)[:, None]
    low = np.where(y <= middle, y, -np.inf).max(axis=1)
    high = np.where(y > middle, y, np.inf).min(axis=1)
    line = ((high + low) / 2.0)[:, None]
    below = y < line
    crosses = below[:, :-1] != below[:, 1:]
    x0, x1 = x[:, :-1], x[:, 1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        sloped = x0 + (line - y[:, :-1]) / (np.diff(y, axis=1) / (x1 - x0))
    at = np.where(x0 == x1, x0, sloped)
    west, east = np.where(crosses, at, np.inf).min(axis=1), np.where(crosses, at, -np.inf).max(axis=1)
    several = np.flatnonzero(crosses.sum(axis=1) > 2)
    if len(several):
        west[several], east[several] = _widest(np.where(crosses[several], at[several], np.inf))
    sure: BoolArray = (east > west) & ~(y == line).any(axis=1)
    return (west + east) / 2.0, line[:, 0], sure


def _widest(crossings: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Of each line's pieces within its ring the widest, the first of equals; infinity is no crossing."""
    at = np.sort(crossings, axis=1)
    west, east = at[:, : at.shape[1] // 2 * 2 : 2], at[:, 1::2]
    with np.errstate(invalid="ignore"):
        width = np.where(np.isfinite(east), east - west, -1.0)
    rows, widest = np.arange(len(at)), width.argmax(axis=1)
    return west[rows, widest], east[rows, widest]


def _gathered(data: Bytes, starts: Int64Array, length: int) -> Bytes:
    """``length`` bytes from each start, a row each."""
    rows: Bytes = np.lib.stride_tricks.sliding_window_view(data, length)[starts]
    return rows


def _begins(values: Bytes, head: bytes) -> BoolArray:
    begins: BoolArray = (values[:, : len(head)] == np.frombuffer(head, np.uint8)).all(axis=1)
    return begins
