"""GCJ-02 and BD-09, the shifted coordinates of Chinese web maps, to and from WGS 84 in whole columns.

The formulas are the published reconstruction of GCJ-02 on the Krasovsky 1940 ellipsoid and Baidu's further
shift; the official algorithm is not public. Checked: the shift at Shanghai is 456 to 500 m, and the iterated
inverse closes to 0.0001 m there [V]. Points outside the reconstruction's rectangle around China are returned
unchanged, NaN stays NaN. Within a kilometre of that rectangle's edge a shifted point may have two origins.

Every function takes longitudes and latitudes in degrees and returns both, shaped as they came.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spatial.arrays import BoolArray, FloatArray

_AXIS = 6378245.0
_ECCENTRICITY_SQUARED = 0.00669342162296594323
_BD_PI = np.pi * 3000.0 / 180.0
_ROUNDS = 12
"""Enough for the inverse to stand still: each round shrinks the error a hundredfold or more."""

_Shift = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]


def in_china(lon: FloatArray, lat: FloatArray) -> BoolArray:
    """Whether points lie in the rectangle where the published algorithm shifts; false for NaN."""
    return (lon >= 72.004) & (lon <= 137.8347) & (lat >= 0.8293) & (lat <= 55.8271)


def wgs84_to_gcj02(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """WGS 84 to GCJ-02."""
    return _inside(lon, lat, _to_gcj02)


def gcj02_to_wgs84(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """GCJ-02 to WGS 84, the inverse by iteration."""
    return _inside(lon, lat, lambda x, y: _invert(_to_gcj02, x, y))


def wgs84_to_bd09(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """WGS 84 to BD-09, through GCJ-02."""
    return _inside(lon, lat, _to_bd09)


def bd09_to_wgs84(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """BD-09 to WGS 84, the inverse by iteration."""
    return _inside(lon, lat, lambda x, y: _invert(_to_bd09, x, y))


def _inside(lon: FloatArray, lat: FloatArray, shift: _Shift) -> tuple[FloatArray, FloatArray]:
    x, y = np.array(lon, dtype=np.float64), np.array(lat, dtype=np.float64)
    chosen = in_china(x, y)
    x[chosen], y[chosen] = shift(x[chosen], y[chosen])
    return x, y


def _invert(shift: _Shift, lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    x, y = lon.copy(), lat.copy()
    for _ in range(_ROUNDS):
        shifted_x, shifted_y = shift(x, y)
        x, y = x + (lon - shifted_x), y + (lat - shifted_y)
    return x, y


def _to_gcj02(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    x, y = lon - 105.0, lat - 35.0
    phi = np.radians(lat)
    magic = 1.0 - _ECCENTRICITY_SQUARED * np.sin(phi) ** 2
    meridian = _AXIS * (1.0 - _ECCENTRICITY_SQUARED) / (magic * np.sqrt(magic))
    parallel = _AXIS / np.sqrt(magic) * np.cos(phi)
    return lon + np.degrees(_east(x, y) / parallel), lat + np.degrees(_north(x, y) / meridian)


def _to_bd09(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    x, y = _to_gcj02(lon, lat)
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * _BD_PI)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * _BD_PI)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def _waves(value: FloatArray, amplitudes: tuple[float, float, float, float]) -> FloatArray:
    first, second, third, fourth = amplitudes
    waves: FloatArray = (
        first * np.sin(value * np.pi)
        + second * np.sin(value / 3.0 * np.pi)
        + third * np.sin(value / 12.0 * np.pi)
        + fourth * np.sin(value / 30.0 * np.pi)
    )
    return waves * 2.0 / 3.0


def _ripple(x: FloatArray) -> FloatArray:
    ripple: FloatArray = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    return ripple


def _east(x: FloatArray, y: FloatArray) -> FloatArray:
    """The shift eastwards in metres; x and y are degrees from 105° E, 35° N."""
    plane = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x))
    return plane + _ripple(x) + _waves(x, (20.0, 40.0, 150.0, 300.0))


def _north(x: FloatArray, y: FloatArray) -> FloatArray:
    """The shift northwards in metres."""
    plane = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x))
    return plane + _ripple(x) + _waves(y, (20.0, 40.0, 160.0, 320.0))
