"""Divisions out of a file: codes, names and, where the file has them, boundaries."""

from __future__ import annotations

from pathlib import Path

from shapely.geometry.base import BaseGeometry

from loaders.areas import shapes_of, texts_of
from loaders.bundle import named_as_given
from loaders.errors import unknown_column
from loaders.formats import Request, Rows, Source, detect
from spatial.geometry import repair
from twin.registry.divisions import BadDivisions, Division, require_sound


@named_as_given()
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
    ``BadDivisions`` where a row can't be a division or has another's code.
    """
    wanted = tuple(column for column in (code, name, parent) if column)
    source = detect(path).open(path, Request(layer=layer, columns=wanted))
    for column in wanted:
        if column not in source.columns:
            raise unknown_column(column, source.columns)
    batches = list(source.rows())
    boundaries = _boundaries(source, batches, path, crs)
    columns = [texts_of(batches, column) for column in (code, name, parent)]
    divisions = [
        Division(code=given or "", name=called or "", level=level, parent=above, boundary=boundary)
        for given, called, above, boundary in zip(*columns, boundaries, strict=True)
    ]
    require_sound(divisions)
    return divisions


def _boundaries(
    source: Source, batches: list[Rows], path: Path, crs: str | None
) -> list[BaseGeometry | None]:
    mended, repairs = repair(shapes_of(source, batches, path, crs))
    lost = next((one for one in repairs if one.parts == 0), None)
    if lost is not None:
        row = lost.row + 1
        raise BadDivisions(
            reason=f"the boundary in row {row} is no area: {lost.reason}",
            reason_zh=f"第 {row} 行的边界不是面：{lost.reason}",
        )
    return list(mended)
