"""Which coordinate system a file is in, and the operation that brings it home."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from loaders.errors import CrsMissing
from loaders.formats import Source
from loaders.places import outside
from loaders.plan import Position
from spatial.arrays import GeometryArray
from spatial.crs import CoordinateSystem, Operation, OutsideAreaOfUse, operation_to_wgs84, parse_crs
from spatial.systems import Area


@dataclass(frozen=True, slots=True)
class Declared:
    """A coordinate system, and whether it is only assumed from the names of the columns."""

    system: CoordinateSystem
    assumed: bool


def declared(path: Path, said: str | None, source: Source, position: Position) -> Declared:
    """What was said, else what the file says, else WGS 84 where columns are called longitude and latitude.

    Raises ``CrsMissing``, ``UnknownCrs`` or ``UnsupportedCrs``.
    """
    text = said or source.crs
    if text:
        return Declared(parse_crs(text), assumed=False)
    if position.degrees:
        return Declared(parse_crs("EPSG:4326"), assumed=True)
    raise CrsMissing(path=path)


def operation_for(
    system: CoordinateSystem, source: Source, first: GeometryArray, accuracy: float
) -> Operation:
    """The operation for data that begins so. Raises ``NoOperation`` or ``OutsideAreaOfUse``."""
    bounds = _bounds(first[~outside(first, system)]) or _bounds(first)
    corners = None if source.bounds is None else shapely.box(*source.bounds)
    if corners is not None and not outside(np.array([corners], dtype=object), system)[0]:
        bounds = source.bounds
    return operation_to_wgs84(system, bounds or (0.0, 0.0, 0.0, 0.0), accuracy)


def require_inside(operation: Operation | None, first: GeometryArray, outsiders: int, placed: int) -> None:
    """Refuse a load of which most rows lie outside the area of use. Raises ``OutsideAreaOfUse``."""
    if operation is not None and outsiders * 2 > placed:
        system = operation.source
        bounds = _bounds(first) or (0.0, 0.0, 0.0, 0.0)
        area = system.area or (-180.0, -90.0, 180.0, 90.0)
        raise OutsideAreaOfUse(
            name=system.name,
            bounds=", ".join(f"{v:.7g}" for v in bounds),
            area=", ".join(f"{v:g}°" for v in area),
        )


def _bounds(geometries: GeometryArray) -> Area | None:
    west, south, east, north = shapely.total_bounds(geometries).tolist()
    return (west, south, east, north) if np.isfinite([west, south, east, north]).all() else None
