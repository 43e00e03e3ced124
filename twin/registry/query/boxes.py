"""Boxes that were given, covered by cells: what of them roll-ups know."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import shapely
from sqlalchemy import BigInteger, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from spatial import cells
from twin.errors import TwinError
from twin.registry.query import places
from twin.registry.query.inputs import Given
from twin.registry.rollups import FINEST

Condition = ColumnElement[bool]


def covered_at(given: Given) -> int | None:
    """The resolution of the cells that cover a box; None for what is no box, or is not covered."""
    try:
        cover = _cover(given)
    except TwinError:  # told by whoever reads it
        return None
    return None if cover is None or not len(cover.cells) else cover.resolution


def inside(box: Given, resolution: int, cell: ColumnElement[int]) -> Condition:
    """Roll-ups by those cells, or by their descendants at a finer ``resolution``."""
    return places.among_cells(cell, box, resolution, _cells)


def beside(asset: FromClause, box: Given, resolution: int) -> Condition:
    """Assets that may meet the box but are in none of those cells, whose resolution is given.

    They reach into one of the four strips between the box's edge and its core: who is in the core has such a
    cell. PostGIS compares the boxes around geometries, which have no gaps.
    """
    strips = (func.ST_GeomFromWKB(box.bound(_Strip(side), places.WKB), places.SRID) for side in range(4))
    ancestor = places.ancestor(asset.c.cell, resolution)
    covering = select(func.unnest(box.bound(_cells, ARRAY(BigInteger()))))
    return or_(*(asset.c.geom.bool_op("&&")(strip) for strip in strips)) & ancestor.not_in(covering)


def _cover(given: Given) -> cells.BoxCover | None:
    boxes = places.boxes(given)
    return _box_cover(boxes[0].bounds) if len(boxes) == 1 else None


@lru_cache(maxsize=64)
def _box_cover(box: cells.Box) -> cells.BoxCover | None:
    return cells.box_cover(box, FINEST)


def _known(given: Given) -> cells.BoxCover:
    """The cover of a box that has one."""
    cover = _cover(given)
    if cover is None:
        raise LookupError(given.path)
    return cover


def _cells(given: Given) -> list[int]:
    found: list[int] = _known(given).cells.tolist()
    return found


@dataclass(frozen=True, slots=True)
class _Strip:
    """One of the four strips between a box's edge and its core, as WKB."""

    side: int

    def __call__(self, given: Given) -> bytes:
        west, south, east, north = places.boxes(given)[0].bounds
        left, low, right, high = _known(given).core
        strips = (
            (west, south, left, north),
            (right, south, east, north),
            (west, south, east, low),
            (west, high, east, north),
        )
        found: bytes = shapely.to_wkb(shapely.box(*strips[self.side]))
        return found
