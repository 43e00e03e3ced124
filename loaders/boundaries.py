"""Divisions out of a file: codes, names and, where the file has them, boundaries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from loaders import arrow
from loaders.crs import declared, operation_for
from loaders.errors import unknown_column
from loaders.formats import Request, Rows, Source, detect
from loaders.plan import Position
from spatial.arrays import GeometryArray
from spatial.crs import DEFAULT_ACCURACY
from spatial.geometry import from_wkb, repair
from twin.registry.divisions import BadDivisions, Division


def read_divisions(
    path: Path,
    *,
    code: str,
    name: str,
    level: int,
    parent: str | None = None,
    layer: str | None = None,
    crs: str | None = None,
) -> list[Division]:
    """The divisions of one level in ``path``; ``code``, ``name`` and ``parent`` are its columns.

    Boundaries that are invalid are repaired. Raises the errors of ``loaders.errors`` and ``spatial.crs``, and
    ``BadDivisions`` where a row can't be a division.
    """
    wanted = tuple(column for column in (code, name, parent) if column)
    source = detect(path).open(path, Request(layer=layer, columns=wanted))
    for column in wanted:
        if column not in source.columns:
            raise unknown_column(column, source.columns)
    batches = list(source.rows())
    boundaries = _boundaries(source, batches, path, crs)
    columns = [_texts(batches, column) for column in (code, name, parent)]
    return [
        Division(code=given or "", name=called or "", level=level, parent=above, boundary=boundary)
        for given, called, above, boundary in zip(*columns, boundaries, strict=True)
    ]


def _texts(batches: list[Rows], column: str | None) -> Iterator[str | None]:
    for rows in batches:
        if column is None:
            yield from [None] * len(rows)
        else:
            yield from arrow.objects(arrow.as_text(rows.columns[column]))


def _boundaries(
    source: Source, batches: list[Rows], path: Path, crs: str | None
) -> list[BaseGeometry | None]:
    if not source.has_geometry:
        return [None] * sum(len(rows) for rows in batches)
    found = [from_wkb(arrow.objects(rows.wkb)) for rows in batches if rows.wkb is not None]
    geometries: GeometryArray = np.concatenate(found)
    present = ~shapely.is_missing(geometries)
    system = declared(path, crs, source, Position()).system
    operation = operation_for(system, source, geometries[present], DEFAULT_ACCURACY)
    geometries[present] = operation.transform(geometries[present])
    mended, repairs = repair(geometries)
    lost = next((one for one in repairs if one.parts == 0), None)
    if lost is not None:
        raise BadDivisions(reason=f"the boundary in row {lost.row + 1} is no area: {lost.reason}")
    return list(mended)
