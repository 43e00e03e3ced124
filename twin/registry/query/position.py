"""The point that stands for an asset, out of its geometry."""

from __future__ import annotations

import struct
from typing import TypedDict

from spatial.geometry import asset_points, from_wkb


class Position(TypedDict):
    """Longitude and latitude of WGS 84 in degrees."""

    lon: float
    lat: float


# Extended WKB of a point on WGS 84: byte order, type with the flag for an SRID, the SRID (PostGIS).
_POINT = "0101000020E6100000"
_HEAD = len(_POINT)
_unpack = struct.Struct(f"<{_HEAD // 2}xdd").unpack
_bytes = bytes.fromhex


def position(hex_wkb: str | None) -> Position | None:
    """The point of a geometry in hexadecimal WKB, by the rule of ``spatial.geometry.asset_points``."""
    if hex_wkb is None:
        return None
    if hex_wkb[:_HEAD] == _POINT:
        lon, lat = _unpack(_bytes(hex_wkb))
    else:
        lons, lats = asset_points(from_wkb([_bytes(hex_wkb)]))
        lon, lat = float(lons[0]), float(lats[0])
    return {"lon": lon, "lat": lat} if lon == lon else None  # noqa: PLR0124 - NaN
