"""Coordinate systems by name or definition: EPSG codes, WKT, PROJJSON, PROJ strings, GCJ-02 and BD-09.

Assets are stored in longitude and latitude of WGS 84 (EPSG:4326). Of a 3D or compound system the horizontal
part counts: heights are carried along and never transformed. ``spatial.crs`` brings coordinates home.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import numpy as np
from msgspec import Struct

from spatial import proj
from spatial.arrays import BoolArray, FloatArray
from spatial.datums import Advice, datums, key
from twin.errors import TwinError

if TYPE_CHECKING:
    from pyproj import CRS

Area = tuple[float, float, float, float]
"""West, south, east, north in degrees; west is greater than east across the antimeridian."""
EARTH: Area = (-180.0, -90.0, 180.0, 90.0)

MARGIN = 1.0
"""Degrees around a system's area of use that still count as inside: Shanghai is surveyed in EPSG:4549, whose
area ends at 121.5° E, as far as 122.2° E."""

_AUTHORITY_CODE = re.compile(r"(?:[A-Za-z]+):[\w.]+(?:\+[\w.:]+)*|urn:ogc:def:crs\S+|https?://\S+")


class UnknownCrs(TwinError):
    """The text names no coordinate system."""

    code = "crs.unknown"
    en = "There is no coordinate system {text!r}. {advice_en}"
    zh = "没有坐标系 {text!r}。{advice_zh}"


class UnsupportedCrs(TwinError):
    """A system without a horizontal position: geocentric, vertical or local."""

    code = "crs.unsupported"
    en = "{name} is a {type}: no position on a map. Export the data in a geographic or projected system."
    zh = "{name}（{type}）不表示地图上的位置。请以地理坐标系或投影坐标系导出数据。"


_HOW_TO_WRITE = Advice(
    "Write EPSG:4490, 4549, a WKT or PROJJSON definition, a PROJ string (+proj=…), GCJ-02 or BD-09.",
    "可写 EPSG:4490、4549、WKT 或 PROJJSON 定义、PROJ 字符串（+proj=…）、GCJ-02 或 BD-09。",
)


class CoordinateSystem(Struct, frozen=True):
    """A horizontal coordinate system.

    ``code`` is the authority's code of the system as it was given (``EPSG:7415``), if it has one;
    ``definition`` is the horizontal part for PROJ, empty for the shifted systems GCJ-02 and BD-09.
    """

    name: str
    code: str | None
    definition: str
    shift: Literal["GCJ-02", "BD-09"] | None = None

    @property
    def is_wgs84(self) -> bool:
        """Whether its longitude and latitude are the registry's: PROJ has nothing to say then."""
        return self.definition == proj.WGS84

    @property
    def area(self) -> Area | None:
        """The area of use in degrees, if it is known."""
        if self.shift:
            return None
        if self.is_wgs84:
            return EARTH
        system = proj.crs(self.definition)
        area = system.area_of_use or (system.source_crs and system.source_crs.area_of_use)
        return (area.west, area.south, area.east, area.north) if area else None

    @property
    def datum(self) -> str:
        """The name of the geodetic datum; empty for the shifted systems."""
        if self.is_wgs84:
            return _WGS84_DATUM
        datum = None if self.shift else proj.crs(self.definition).datum
        return datum.name if datum else ""


WGS84 = CoordinateSystem("WGS 84", proj.WGS84, proj.WGS84)
"""The registry's own system, and that of most files."""
_WGS84_DATUM = "World Geodetic System 1984 ensemble"

_SHIFTED = {
    "gcj02": CoordinateSystem("GCJ-02", "GCJ-02", "", "GCJ-02"),
    "bd09": CoordinateSystem("BD-09", "BD-09", "", "BD-09"),
    "bd09ll": CoordinateSystem("BD-09", "BD-09", "", "BD-09"),
}


def parse_crs(text: str) -> CoordinateSystem:
    """The coordinate system that the text names or defines.

    Accepts ``EPSG:n`` and other authority codes, a bare number (EPSG), URNs, WKT 1 and 2, ESRI's WKT,
    PROJJSON, PROJ strings, ``GCJ-02``, ``BD-09`` and the aliases of ``datums.toml``; other names are refused
    because PROJ matches them loosely. Raises ``UnknownCrs`` or ``UnsupportedCrs``.
    """
    text = text.strip()
    if key(text) in _SHIFTED:
        return _SHIFTED[key(text)]
    definition = datums().alias.get(key(text), text)
    if definition.isascii() and definition.isdigit():
        definition = f"EPSG:{definition}"
    if definition == WGS84.definition:
        return WGS84
    try:
        if not _is_definition(definition):
            raise _unknown(text)
        system = proj.crs(definition)
    except proj.NoSuchSystem:
        raise _unknown(text) from None
    return _described(system)


class Heights(Struct, frozen=True):
    """How a system measures heights: from which surface, if it says so, and how many metres its unit is."""

    datum: str | None
    metres: float


def heights_of(text: str) -> Heights:
    """How the system that the text names measures heights: by its third axis.

    A system without one is taken to measure them in the unit of its plan if that is a length, else in metres;
    so is a text that names no system. That is ours.
    """
    try:
        system = proj.crs(datums().alias.get(key(text), text.strip()))
    except proj.NoSuchSystem:
        return Heights(None, 1.0)
    if system.is_compound:
        vertical = system.sub_crs_list[-1]
        datum = vertical.datum.name if vertical.datum else None
        return Heights(datum, vertical.axis_info[0].unit_conversion_factor)
    if len(system.axis_info) > 2 and system.ellipsoid and not system.is_geocentric:
        return Heights(f"{system.ellipsoid.name} ellipsoid", system.axis_info[2].unit_conversion_factor)
    return Heights(None, system.axis_info[0].unit_conversion_factor if system.is_projected else 1.0)


def outside_area_of_use(system: CoordinateSystem, x: FloatArray, y: FloatArray) -> BoolArray:
    """Which rows (in the system's own coordinates) lie outside its area of use, ``MARGIN`` degrees around it.

    Rows that cannot be converted, NaN among them, are outside. All are inside where no area is known, except
    those that cannot be converted or leave the globe.
    """
    lon, lat = rough_position(system, x, y)
    area = system.area
    return ~within(area or EARTH, lon, lat, MARGIN if area else 0.0)


def rough_position(system: CoordinateSystem, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Longitude and latitude of any datum, good to a kilometre: enough to choose an operation by."""
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if system.shift or system.is_wgs84:
        return x, y
    lon, lat = proj.transformer(system.definition, proj.WGS84).transform(x, y)
    return np.asarray(lon), np.asarray(lat)


def within(area: Area, lon: FloatArray, lat: FloatArray, margin: float) -> BoolArray:
    """Which points lie in the area widened by ``margin`` degrees; never outside the globe."""
    west, south, east, north = area
    width = east - west if east >= west else east - west + 360.0
    with np.errstate(invalid="ignore"):
        turns = lon - west + margin
        turns -= np.floor(turns / 360.0) * 360.0
        across = (turns <= width + 2 * margin) | (width + 2 * margin >= 360.0)
        on_globe = (np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0)
        inside: BoolArray = across & on_globe & (lat >= south - margin) & (lat <= north + margin)
    return inside


def _is_definition(text: str) -> bool:
    """Whether PROJ is to read the text: a bare name it would match with what merely resembles it."""
    if text.startswith("{") or "proj=" in text or "init=" in text:
        return True
    return bool(_AUTHORITY_CODE.fullmatch(text) or re.match(r"[A-Za-z0-9_]+\s*\[", text))


def _described(system: CRS) -> CoordinateSystem:
    authority = system.to_authority(min_confidence=100) if not system.is_bound else None
    horizontal = _horizontal(system)
    identified = horizontal.to_epsg() if not horizontal.is_bound else None
    definition = f"EPSG:{identified}" if identified else horizontal.to_wkt()
    code = ":".join(authority) if authority else (f"EPSG:{identified}" if identified else None)
    named = system.name not in {"unknown", "unnamed", ""}
    return CoordinateSystem(system.name if named else _shortened(system.srs), code, definition)


def _horizontal(system: CRS) -> CRS:
    if system.is_compound:
        system = system.sub_crs_list[0]
    base = system.source_crs if system.is_bound and system.source_crs else system
    if base.is_geocentric or not (base.is_geographic or base.is_projected):
        raise UnsupportedCrs(name=system.name, type=system.type_name)
    return system.to_2d() if len(system.axis_info) > 2 else system


def _unknown(text: str) -> UnknownCrs:
    advice = datums().hint.get(key(text), _HOW_TO_WRITE)
    return UnknownCrs(text=_shortened(text), advice_en=advice.en, advice_zh=advice.zh)


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
