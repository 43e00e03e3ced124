"""Areas out of a file of any loadable format: their shapes in WGS 84 and what they are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import shapely
from msgspec import Struct

from loaders import arrow
from loaders.crs import declared, operation_for
from loaders.errors import unknown_column
from loaders.formats import Request, Rows, Source, detect
from loaders.plan import Position
from spatial.arrays import GeometryArray
from spatial.crs import DEFAULT_ACCURACY
from spatial.geometry import from_wkb


class Areas(Struct, frozen=True):
    """The areas of a file in its order; ``unreadable`` says why the shape in a place, from 0, is missing."""

    names: Sequence[str | None]
    shapes: GeometryArray
    unreadable: Mapping[int, str]


def read_areas(
    path: Path, *, name: str | None = None, layer: str | None = None, crs: str | None = None
) -> Areas:
    """The areas in ``path``, whatever their shapes; ``name`` is the column that calls them.

    Raises the errors of ``loaders.errors`` and ``spatial.crs``.
    """
    source = detect(path).open(path, Request(layer=layer, columns=(name,) if name else ()))
    if name is not None and name not in source.columns:
        raise unknown_column(name, source.columns)
    batches = list(source.rows())
    shapes = shapes_of(source, batches, path, crs)
    return Areas(list(texts_of(batches, name)), shapes, _unreadable(batches, shapes))


def texts_of(batches: list[Rows], column: str | None) -> Iterator[str | None]:
    """A column as texts; None for every row where there is no column."""
    for rows in batches:
        if column is None:
            yield from [None] * len(rows)
        else:
            yield from arrow.objects(arrow.as_text(rows.columns[column]))


def shapes_of(source: Source, batches: list[Rows], path: Path, crs: str | None) -> GeometryArray:
    """The geometries in WGS 84, None where there is none or it cannot be read; nothing is repaired."""
    found = [from_wkb(arrow.objects(rows.wkb)) for rows in batches if rows.wkb is not None]
    if not source.has_geometry or not found:
        return np.full(sum(len(rows) for rows in batches), None, dtype=object)
    shapes: GeometryArray = np.concatenate(found)
    present = ~shapely.is_missing(shapes)
    system = declared(path, crs, source, Position()).system
    operation = operation_for(system, source, shapes[present], DEFAULT_ACCURACY)
    shapes[present] = operation.transform(shapes[present])
    return shapes


def _unreadable(batches: list[Rows], shapes: GeometryArray) -> dict[int, str]:
    """Why geometries that are there cannot be read, in GEOS's words."""
    found: dict[int, str] = {}
    values = (value for rows in batches if rows.wkb is not None for value in arrow.objects(rows.wkb))
    for place, value in enumerate(values):
        if value is None or shapes[place] is not None:
            continue
        try:
            shapely.from_wkb(value)
        except shapely.GEOSException as problem:
            found[place] = str(problem).partition(": ")[2] or str(problem)
    return found
