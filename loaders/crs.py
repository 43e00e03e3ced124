"""Which coordinate system a file is in, and the operation that brings it home."""

from __future__ import annotations

import numpy as np
import shapely
from msgspec import Struct

from loaders.errors import CrsMissing, CrsUnread
from loaders.formats import Source
from loaders.locations import Location
from loaders.places import outside
from loaders.plan import Position
from spatial.arrays import GeometryArray
from spatial.crs import (
    CoordinateSystem,
    Operation,
    OutsideAreaOfUse,
    operation_from_wgs84,
    operation_to_wgs84,
    parse_crs,
)
from spatial.systems import EARTH, Area


class Declared(Struct, frozen=True):
    """A coordinate system, and whether it is only assumed from the names of the columns."""

    system: CoordinateSystem
    assumed: bool


def declared(path: Location, said: str | None, source: Source, position: Position) -> Declared:
    """What was said, else what the file says, else WGS 84 where columns are called longitude and latitude.

    Raises ``CrsMissing``, ``CrsUnread``, ``UnknownCrs`` or ``UnsupportedCrs``.
    """
    text = said or source.crs
    if text:
        return Declared(parse_crs(text), assumed=False)
    if source.crs_unread:
        raise CrsUnread(path=path, said=source.crs_unread)
    if position.degrees:
        return Declared(parse_crs("EPSG:4326"), assumed=True)
    layer = source.layer
    raise CrsMissing(
        path=path,
        where_en=f" (layer {layer})" if layer else "",
        where_zh=f"（图层 {layer}）" if layer else "",
    )


def operation_for(
    system: CoordinateSystem, source: Source, first: GeometryArray, accuracy: float
) -> Operation:
    """The operation for data that begins so. Raises ``NoOperation`` or ``OutsideAreaOfUse``."""
    bounds = _bounds(first[~outside(first, system)]) or _bounds(first) or _middle_of(system, accuracy)
    if source.bounds is not None and np.isfinite(source.bounds).all():
        whole = np.array([shapely.box(*source.bounds)], dtype=object)
        bounds = source.bounds if not outside(whole, system).any() else bounds
    return operation_to_wgs84(system, bounds, accuracy)


def require_inside(operation: Operation | None, first: GeometryArray, outsiders: int, placed: int) -> None:
    """Refuse a load of which most rows lie outside the area of use. Raises ``OutsideAreaOfUse``."""
    if operation is not None and outsiders * 2 > placed:
        system = operation.source
        bounds = _bounds(first) or (0.0, 0.0, 0.0, 0.0)
        area = system.area or EARTH
        raise OutsideAreaOfUse(
            name=system.name,
            bounds=", ".join(f"{v:.7g}" for v in bounds),
            area=", ".join(f"{v:g}°" for v in area),
        )


def _middle_of(system: CoordinateSystem, accuracy: float) -> Area:
    """The middle of the area of use, in the system's coordinates: where the first rows are nowhere."""
    west, south, east, north = system.area or EARTH
    lon, lat = (west + east) / 2, (south + north) / 2
    away = operation_from_wgs84(system, (lon, lat, lon, lat), accuracy)
    (x,), (y,) = away.transform_xy(np.array([lon]), np.array([lat]))
    return float(x), float(y), float(x), float(y)


def _bounds(geometries: GeometryArray) -> Area | None:
    if not len(geometries):
        return None
    west, south, east, north = shapely.total_bounds(geometries).tolist()
    return (west, south, east, north) if np.isfinite([west, south, east, north]).all() else None
