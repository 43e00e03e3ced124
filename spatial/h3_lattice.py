"""H3 cells of whole columns of points, with arrays: a sixth of what the library takes, point by point.

H3 lays one hexagonal lattice for each resolution on each face of an icosahedron, by the gnomonic projection
(h3geo.org, "Overview of the H3 Geospatial Indexing System"). A cell is the lattice point that is nearest; its
digits come of going up from it, resolution by resolution, to the lattice point that is nearest in the coarser
lattice, which is turned by the seventh aperture's angle, one way and the other in turn. A base cell may turn
all digits by some sixths.

The icosahedron's corners are the centres of H3's pentagons, and how a base cell turns its digits is seen by a
point in it whose cell the library tells. The library decides, too, where the last bits matter: at edges, and
near the middle of a face, where its own are few.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from spatial import h3_index, h3_scalar
from spatial.arrays import BoolArray, FloatArray, Int64Array
from spatial.h3_index import DIGIT_BITS, FINEST

Int32Array = npt.NDArray[np.int32]

_AT_A_TIME = 16_384
"""Points whose numbers stay in the processor's cache together."""
_CHUNK = 5
"""Digits that are turned at once, by a table."""
_SEVENTH_APERTURE = np.arcsin(np.sqrt(3 / 28))
"""The angle between the lattices of two resolutions."""
_NEAR = 1e-6
"""What is too little to be sure: of the way from a cell's centre to its edge; between the cosines of the ways
from a point to two faces' centres, some nine metres from their edge; between such a cosine and 1, nine
kilometres from the centre."""
_SIXTH = np.array([0, 5, 3, 1, 6, 4, 2, 7])
"""Each digit turned by a sixth to the left; 7 is none."""
_PLACES = DIGIT_BITS * np.arange(_CHUNK)


def cells_at(lat: FloatArray, lon: FloatArray, resolution: int) -> Int64Array:
    """The cells that hold the points, which are in degrees and finite: those that the library tells."""
    cells = np.empty(len(lat), dtype=np.int64)
    for begin in range(0, len(lat), _AT_A_TIME):
        some = slice(begin, begin + _AT_A_TIME)
        cells[some] = _cells(lat[some], lon[some], resolution)
    for row in np.flatnonzero(cells < 0):
        cells[row] = h3_scalar.cell_at(lat[row], lon[row], resolution)
    return cells


def _cells(lat: FloatArray, lon: FloatArray, resolution: int) -> Int64Array:
    """The cells of some points, -1 where this way is not sure."""
    points = _on_sphere(lat, lon)
    cells = np.full(len(lat), -1, dtype=np.int64)
    for face, its in _faces(points):
        on_face = _OnFace.of(points[:, its], face, resolution)
        cells[its] = on_face.cells(lat[its], lon[its])
    return cells


def _on_sphere(lat: FloatArray, lon: FloatArray) -> FloatArray:
    """The points as columns x, y, z on a sphere of radius 1."""
    lat, lon = np.radians(lat), np.radians(lon)
    across = np.cos(lat)
    return np.stack([across * np.cos(lon), across * np.sin(lon), np.sin(lat)])


class _Icosahedron(Struct, frozen=True):
    """The faces' centres, and the direction on each of them from there to one of its corners; 20 by 3."""

    centres: FloatArray
    axes: FloatArray
    reach: float
    """How far a corner is from its face's centre, gnomonically."""

    @classmethod
    def of_h3(cls) -> _Icosahedron:
        corners = _on_sphere(*np.array([h3_scalar.center(one) for one in h3_scalar.pentagons()]).T).T
        near = 1 / np.sqrt(5) - 1e-6  # the cosine between corners that an edge joins
        found = [
            np.array(three)
            for three in combinations(corners, 3)
            if all(one @ other > near for one, other in combinations(three, 2))
        ]
        centres = np.array([three.sum(axis=0) / np.linalg.norm(three.sum(axis=0)) for three in found])
        first = np.array([three[0] for three in found])
        height = np.einsum("fx,fx->f", first, centres)[:, None]
        across = first / height - centres
        reach = float(np.linalg.norm(across[0]))
        return cls(centres, across / np.linalg.norm(across, axis=1)[:, None], reach)


@cache
def _icosahedron() -> _Icosahedron:
    return _Icosahedron.of_h3()


def _faces(points: FloatArray) -> Iterator[tuple[int, Any]]:
    """The faces on which points surely lie, and which points each has."""
    centres = _icosahedron().centres
    face = int(np.argmax(centres @ points[:, 0]))
    # What is nearer to one centre than to another is a half-space: who holds a box's corners holds the box.
    low, high = points.min(axis=1), points.max(axis=1)
    nearer = centres[face] - np.delete(centres, face, axis=0)
    if (np.minimum(nearer * low, nearer * high).sum(axis=1) > _NEAR).all():
        yield face, slice(None)
        return
    nearness = centres @ points
    faces = nearness.argmax(axis=0)
    second, first = np.partition(nearness, -2, axis=0)[-2:]
    faces[first - second < _NEAR] = -1
    for face in np.unique(faces[faces >= 0]).tolist():
        yield face, faces == face


@cache
def _lattice(face: int, resolution: int) -> FloatArray:
    """Three rows for a point on the sphere: its lattice coordinates i and j, each to be divided by the third.

    The axes i, j and k point to a face's corners; of a point of the lattice one of the three is always 0:
    here k, and the others may be negative.
    """
    solid = _icosahedron()
    centre, to_corner = solid.centres[face], solid.axes[face]
    # The corners are two steps of resolution 0 away.
    steps = 2 / solid.reach * np.sqrt(7) ** resolution
    turn = _SEVENTH_APERTURE if resolution % 2 else 0.0
    to_left = np.cross(centre, to_corner)
    x = steps * (np.cos(turn) * to_corner + np.sin(turn) * to_left)
    y = steps * (np.cos(turn) * to_left - np.sin(turn) * to_corner)
    return np.array([x + y / np.sqrt(3), y * 2 / np.sqrt(3), centre])


class _OnFace(Struct, frozen=True):
    """Points of one face: the nearest lattice point at resolution 0, the digits from there, if that is sure.

    ``places`` tell that lattice point, eight times i and j in one number; ``chunks``, a row for each, hold
    five digits, the coarsest first. A group shares its place and its first digit that is not 0.
    """

    face: int
    resolution: int
    places: Int32Array
    chunks: Int32Array
    sure: BoolArray

    @classmethod
    def of(cls, points: FloatArray, face: int, resolution: int) -> _OnFace:
        a, b, third = _lattice(face, resolution) @ points
        i, j, sure = _nearest(a / third, b / third)
        # H3 finds the way from the face's centre by an arc cosine, which says little of short ways.
        sure &= third < 1 - _NEAR
        chunks = np.zeros((FINEST // _CHUNK, len(i)), dtype=np.int32)
        for level in range(resolution, 0, -1):
            i, j, digit = _up(i, j, odd=bool(level % 2))
            chunk, place = divmod(level - 1, _CHUNK)
            chunks[chunk] |= digit << DIGIT_BITS * (_CHUNK - 1 - place)
        return cls(face, resolution, 8 * i + j, chunks, sure)

    def cells(self, lat: FloatArray, lon: FloatArray) -> Int64Array:
        """The cells, -1 where this way is not sure; the points are given to ask the library about some."""
        cells = np.full(len(lat), -1, dtype=np.int64)
        groups = 8 * self.places + self._leading()
        for group in _distinct(groups):
            own = np.flatnonzero((groups == group) & self.sure)
            known = (self.face, group)
            if len(own) and known not in _TURNED:
                row = own[0]
                _TURNED[known] = self._compared(row, h3_scalar.cell_at(lat[row], lon[row], self.resolution))
            turned = _TURNED.get(known)
            if turned is not None:
                cells[own] = self._indexes(own, turned)
        return cells

    def _leading(self) -> Int32Array:
        """The first digit of each point that is not 0, else 0."""
        leading = np.zeros(len(self.places), dtype=np.int32)
        for chunk in self.chunks:
            if leading.all():
                break
            leading = np.where(leading > 0, leading, _first_digits()[chunk])
        return leading

    def _indexes(self, rows: Int64Array, turned: _Turned) -> Int64Array:
        """The cells of some points, whose digits are turned so."""
        table = _turning_tables()[turned.sixths]
        cells = np.full(len(rows), turned.base)
        for chunk in self.chunks:
            cells = cells << DIGIT_BITS * _CHUNK | table[chunk[rows]]
        return cells | h3_index.head(self.resolution) | h3_index.unused(self.resolution)

    def _compared(self, row: int, cell: int) -> _Turned | None:
        """How a point's digits are turned in the cell that the library told."""
        base = cell >> h3_index.BASE_SHIFT & h3_index.BASE_BITS
        ways = (_Turned(base, sixths) for sixths in range(6))
        return next((way for way in ways if self._indexes(np.array([row]), way)[0] == cell), None)


class _Turned(Struct, frozen=True):
    """A base cell, and by how many sixths it turns digits."""

    base: int
    sixths: int


_TURNED: dict[tuple[int, int], _Turned | None] = {}
"""By face, and lattice point of resolution 0 with the leading digit, as far as points were there.

A hexagonal base cell turns all its digits alike. A pentagonal one turns those away that would begin in the
sixth that it lacks, which is known by the leading digit.
"""


def _distinct(numbers: Int32Array) -> list[int]:
    """Mostly there is one."""
    first = int(numbers[0])
    return [first] if (numbers == first).all() else np.unique(numbers).tolist()


def _nearest(a: FloatArray, b: FloatArray) -> tuple[Int32Array, Int32Array, BoolArray]:
    """The lattice points that are nearest, and whether that is sure.

    i, j and what is between them are rounded; where that does not fit, the one that was rounded most is
    what follows from the others.
    """
    i, j = np.rint(a), np.rint(b)
    between = a - b
    step = np.rint(between)
    of_i, of_j, of_step = np.abs(i - a), np.abs(j - b), np.abs(step - between)
    by_step = step != i - j
    mend_i = by_step & (of_i >= of_j) & (of_i >= of_step)
    mend_j = by_step & ~mend_i & (of_j >= of_step)
    np.add(step, j, out=i, where=mend_i)
    np.subtract(i, step, out=j, where=mend_j)
    a, b = a - i, b - j
    # A hexagon's three pairs of edges.
    out = np.abs(2 * a - b)
    np.maximum(out, np.abs(2 * b - a), out=out)
    np.maximum(out, np.abs(a + b), out=out)
    return i.astype(np.int32), j.astype(np.int32), out < 1 - _NEAR


def _up(i: Int32Array, j: Int32Array, *, odd: bool) -> tuple[Int32Array, Int32Array, Int32Array]:
    """The nearest points of the next coarser lattice, and the digits that lead from there.

    ``odd`` tells the resolution of the finer one: the coarser is turned to the one side or to the other.
    """
    if odd:
        p, q = _seventh(3 * i - j), _seventh(i + 2 * j)
        i, j = i - (2 * p + q), j - (3 * q - p)
    else:
        p, q = _seventh(2 * i + j), _seventh(3 * j - i)
        i, j = i - (3 * p - q), j - (p + 2 * q)
    # A digit is the neighbour's i, j and k as bits; where i or j is -1, all three are one more.
    return p, q, 4 * i + 2 * j - 7 * ((i | j) >> 31)


def _seventh(number: Int32Array) -> Int32Array:
    """Divided by seven, rounded to the nearest."""
    number += 3
    number //= 7
    return number


@cache
def _five_digits() -> Int64Array:
    """The digits of every chunk, the finest first."""
    digits: Int64Array = np.arange(1 << DIGIT_BITS * _CHUNK)[:, None] >> _PLACES & 7
    return digits


@cache
def _first_digits() -> Int32Array:
    """Of every chunk the coarsest digit that is not 0, else 0."""
    digits = _five_digits()[:, ::-1]
    first: Int32Array = digits[np.arange(len(digits)), (digits > 0).argmax(axis=1)].astype(np.int32)
    return first


@cache
def _turning_tables() -> tuple[Int64Array, ...]:
    """For each number of sixths what becomes of every chunk."""
    tables, digits = [], _five_digits()
    for _ in range(6):
        tables.append((digits << _PLACES).sum(axis=1))
        digits = _SIXTH[digits]
    return tuple(tables)
