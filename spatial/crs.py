"""Coordinates brought home: the operation between a coordinate system and WGS 84, chosen once for a load.

The rule: first our own table (``datums.toml``), then the operations that PROJ knows. Of those one counts only
if its area of use contains the data, its accuracy is known and suffices, and it is no "ballpark"; the most
accurate wins, and PROJ's order decides between equals. Parameters that come with the coordinate system
itself (``+towgs84``) are taken as they are: who supplies them vouches for them. Systems themselves are read
by ``spatial.systems``, whose names this module offers too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import shapely
from msgspec import Struct

from spatial import china, proj
from spatial.arrays import FloatArray, GeometryArray
from spatial.datums import Advice, datums, key
from spatial.systems import (
    EARTH,
    MARGIN,
    WGS84,
    Area,
    CoordinateSystem,
    UnknownCrs,
    UnsupportedCrs,
    outside_area_of_use,
    parse_crs,
    rough_position,
    within,
)
from twin.errors import TwinError

if TYPE_CHECKING:
    from pyproj import Transformer

__all__ = [
    "WGS84",
    "CoordinateSystem",
    "NoOperation",
    "Operation",
    "OutsideAreaOfUse",
    "UnknownCrs",
    "UnsupportedCrs",
    "operation_from_wgs84",
    "operation_to_wgs84",
    "outside_area_of_use",
    "parse_crs",
]

DEFAULT_ACCURACY = 5.0
"""Metres that an operation may be wrong by unless a load says otherwise."""

_MARGIN_OF_OPERATION = 0.1
"""Degrees around an operation's area of use in which it is as good as inside."""
_SAMPLES = 15

Move = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]


class NoOperation(TwinError):
    """No operation between a coordinate system and WGS 84 is good enough for the data."""

    code = "crs.no_operation"
    en = "No operation between {name} and WGS 84 is good enough for this data. {refused_en} {advice_en}"
    zh = "{name} 与 WGS 84 之间没有足够好的转换。{refused_zh}{advice_zh}"


class OutsideAreaOfUse(TwinError):
    """Data that lies, at least for the most part, outside the coordinate system's area of use."""

    code = "crs.outside_area"
    en = (
        "The data ({bounds}) lies outside the area where {name} is used ({area}). "
        "Is it another system, or are x and y exchanged? Say which with --crs."
    )
    zh = (
        "数据范围（{bounds}）在 {name} 的适用区域（{area}）之外。"
        "是否为其他坐标系，或 x、y 颠倒？请用 --crs 指明。"
    )


class Operation(Struct, frozen=True, eq=False):
    """One way from ``source`` to ``target``, the same for every row.

    ``accuracy`` is in metres, ``None`` where nobody states it because the parameters came with the
    coordinate system. Heights are kept as they are.
    """

    source: CoordinateSystem
    target: CoordinateSystem
    name: str
    accuracy: float | None
    area_of_use: Area | None
    _move: Move

    def transform_xy(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The coordinates in the target; infinite or NaN where that is not possible."""
        return self._move(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))

    def transform(self, geometries: GeometryArray) -> GeometryArray:
        """The geometries in the target, z kept and not transformed; ``None`` stays ``None``."""
        coordinates, owner = shapely.get_coordinates(geometries, return_index=True)
        moved = np.column_stack(self.transform_xy(*coordinates.T))
        flat = ~shapely.has_z(geometries)
        result = geometries.copy()
        result[flat] = shapely.set_coordinates(geometries[flat], moved[flat[owner]])
        if not flat.all():
            heights = shapely.get_coordinates(geometries[~flat], include_z=True)[:, 2]
            solid = np.column_stack([moved[~flat[owner]], heights])
            result[~flat] = shapely.set_coordinates(geometries[~flat], solid)
        return result


def operation_to_wgs84(
    source: CoordinateSystem, bounds: Area, accuracy: float = DEFAULT_ACCURACY
) -> Operation:
    """The operation that brings data within ``bounds`` (min x, min y, max x, max y in the source) to WGS 84.

    Give the bounds of the whole load, without the rows that ``outside_area_of_use`` marks. Raises
    ``OutsideAreaOfUse`` if most of the bounds is outside the source's area of use, and ``NoOperation`` with
    each candidate and why it was refused.
    """
    x, y = _grid(bounds)
    chosen = _choose(source, *_inside_area(source, *rough_position(source, x, y), bounds), accuracy)
    return Operation(source, WGS84, chosen.name, chosen.accuracy, chosen.area, chosen.home)


def operation_from_wgs84(
    target: CoordinateSystem, bounds: Area, accuracy: float = DEFAULT_ACCURACY
) -> Operation:
    """The inverse of what ``operation_to_wgs84`` takes, closed to a micrometre: exports load back the same.

    ``bounds`` are west, south, east, north. Raises as ``operation_to_wgs84`` does.
    """
    chosen = _choose(target, *_inside_area(target, *_grid(bounds), bounds), accuracy)
    return Operation(WGS84, target, chosen.name, chosen.accuracy, chosen.area, chosen.away)


class _Way(Struct, frozen=True):
    """A candidate between a system and WGS 84, in both directions."""

    name: str
    accuracy: float | None
    area: Area | None
    home: Move
    away: Move


def _choose(system: CoordinateSystem, lon: FloatArray, lat: FloatArray, accuracy: float) -> _Way:
    ours = _shifted(system) if system.shift else _null(system)
    ways, refused = ([ours], []) if ours else _known_to_proj(system, lon, lat)
    objections = [_objection(way, lon, lat, accuracy) for way in ways]
    good = [way for way, objection in zip(ways, objections, strict=True) if objection is None]
    if good:
        return min(good, key=lambda way: way.accuracy or 0.0)
    listed = [objection for objection in objections if objection] + refused
    advice = datums().supply.get(key(system.datum), _ASK)
    raise NoOperation(
        name=system.name,
        refused_en=" ".join(f"{objection.en}." for objection in listed),
        refused_zh="".join(f"{objection.zh}。" for objection in listed),
        advice_en=advice.en,
        advice_zh=advice.zh,
    )


_ASK = Advice(
    "Accept a lower accuracy, or pass the system's parameters as a PROJ string with +towgs84.",
    "可接受较低的精度，或用含 +towgs84 的 PROJ 字符串给出参数。",
)


def _objection(way: _Way, lon: FloatArray, lat: FloatArray, accuracy: float) -> Advice | None:
    if way.accuracy is not None and way.accuracy > accuracy:
        stated = f"{way.accuracy:g} m > {accuracy:g} m"
        return Advice(f"{way.name}: accuracy {stated}", f"{way.name}：精度 {stated}")
    if way.area and not within(way.area, lon, lat, _MARGIN_OF_OPERATION).all():
        place = _written(way.area)
        return Advice(f"{way.name}: made for {place}", f"{way.name}：适用于 {place}")
    return None


def _shifted(system: CoordinateSystem) -> _Way:
    home, away = {
        "GCJ-02": (china.gcj02_to_wgs84, china.wgs84_to_gcj02),
        "BD-09": (china.bd09_to_wgs84, china.wgs84_to_bd09),
    }[system.name]
    name = f"{system.name} to WGS 84 (published algorithm, iterated inverse)"
    return _Way(name, datums().shifted_accuracy, None, home, away)


def _null(system: CoordinateSystem) -> _Way | None:
    """The way of a datum that agrees with WGS 84: unprojected, and else unchanged."""
    if system.is_wgs84:
        # As PROJ has it.
        return _Way("Null geographic offset from WGS 84 to WGS 84", 0.0, EARTH, _stay, _stay)
    accuracy = datums().null.get(key(system.datum))
    geodetic = proj.crs(system.definition).geodetic_crs
    if accuracy is None or geodetic is None or proj.crs(system.definition).is_bound:
        return None
    conversion = proj.transformer(system.definition, geodetic.to_wkt())
    name = f"{system.datum} agrees with WGS 84 (null operation)"
    return _Way(name, accuracy, None, _mover(conversion, "FORWARD"), _mover(conversion, "INVERSE"))


def _known_to_proj(
    system: CoordinateSystem, lon: FloatArray, lat: FloatArray
) -> tuple[list[_Way], list[Advice]]:
    """PROJ's operations that state their accuracy, and why others, were they better, do not count."""
    bound = proj.crs(system.definition).is_bound
    group = proj.candidates(system.definition)
    ways, refused = [], []
    for transformer in group.transformers:
        name = _short(transformer.description)
        if "ballpark" in name.lower():
            refused.append(Advice(f"{name}: no real operation", f"{name}：并非真正的转换"))
        elif transformer.accuracy < 0 and not bound:
            refused.append(Advice(f"{name}: accuracy unknown", f"{name}：精度未知"))
        else:
            ways.append(_way(name, transformer))
    for missing in group.unavailable_operations:
        area = missing.area_of_use
        if area and within(area.bounds, lon, lat, _MARGIN_OF_OPERATION).all():
            name = _short(missing.name)
            grids = ", ".join(grid.short_name for grid in missing.grids if not grid.available)
            refused.append(Advice(f"{name}: lacks the grid {grids}", f"{name}：缺少格网 {grids}"))
    return ways, refused


def _way(name: str, transformer: Transformer) -> _Way:
    area = transformer.area_of_use
    accuracy = None if transformer.accuracy < 0 else float(transformer.accuracy)
    home = _mover(transformer, "FORWARD")
    away = _closed(home, _mover(transformer, "INVERSE"))
    return _Way(name, accuracy, area.bounds if area else None, home, away)


def _stay(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    return lon, lat


def _mover(transformer: Transformer, direction: str) -> Move:
    def move(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        moved_x, moved_y = transformer.transform(x, y, direction=direction)
        return np.asarray(moved_x), np.asarray(moved_y)

    return move


def _closed(home: Move, away: Move) -> Move:
    """``away`` corrected by what it misses: PROJ inverts small rotations to half a millimetre only."""

    def move(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
        again_lon, again_lat = home(*away(lon, lat))
        return away(2 * lon - again_lon, 2 * lat - again_lat)

    return move


def _short(description: str) -> str:
    """PROJ's description without the steps that only exchange axes."""
    return " + ".join(step for step in description.split(" + ") if "axis order change" not in step)


def _inside_area(
    system: CoordinateSystem, lon: FloatArray, lat: FloatArray, bounds: Area
) -> tuple[FloatArray, FloatArray]:
    area = system.area or EARTH
    inside = within(area, lon, lat, MARGIN)
    if inside.mean() < 0.5:
        raise OutsideAreaOfUse(
            name=system.name, bounds=", ".join(f"{value:.7g}" for value in bounds), area=_written(area)
        )
    return lon[inside], lat[inside]


def _grid(bounds: Area) -> tuple[FloatArray, FloatArray]:
    """Points spread over the bounds, corners included."""
    x, y = np.meshgrid(
        np.linspace(bounds[0], bounds[2], _SAMPLES), np.linspace(bounds[1], bounds[3], _SAMPLES)
    )
    return x.ravel(), y.ravel()


def _written(area: Area) -> str:
    west, south, east, north = area
    return f"{west:g}…{east:g}° E, {south:g}…{north:g}° N"
