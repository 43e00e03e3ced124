"""What is handed to an output format: layers of typed columns, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pyproj import CRS

from spatial.arrays import GeometryArray

GEOMETRY_COLUMN = "geometry"
ColumnType = Literal["text", "integer", "number", "boolean", "date"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file; its values are Python's ``str``, ``int``, ``float``, ``bool``, ``date`` or None."""

    name: str
    type: ColumnType


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of a layer: ``values`` holds one sequence a column, ``geometries`` are in the file's system."""

    values: tuple[Sequence[Any], ...]
    geometries: GeometryArray

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """The values row by row."""
        return zip(*self.values, strict=True)


@dataclass(frozen=True, slots=True)
class Layer:
    """A named table whose ``batches`` can be read once."""

    name: str
    columns: tuple[Column, ...]
    batches: Iterator[Batch]


@dataclass(frozen=True, slots=True)
class Format:
    """An output format. ``layered`` ones keep a layer for each kind, others get all kinds in one.

    ``write`` gets the layers, the file to make, and its coordinate system, which is None for those that no
    standard describes (GCJ-02, BD-09).
    """

    name: str
    media_type: str
    extensions: tuple[str, ...]
    write: Callable[[Sequence[Layer], Path, CRS | None], None]
    layered: bool = False
