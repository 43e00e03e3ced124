"""Whether positions are those of a Chinese web map: told only where undoing the shift brings them to assets.

GCJ-02 and BD-09 shift by a few hundred metres, the same way for all rows of a city. Where assets of some kind
are registered near, rows that belong to them (lamps to roads, elevators to buildings) come to lie much nearer
once the right shift is undone, and hardly any nearer once another is. The thresholds are ours.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from loaders.inspection.surroundings import Surroundings
from spatial.arrays import FloatArray
from spatial.china import bd09_to_wgs84, gcj02_to_wgs84, in_china

_POSITIONS = 200
_LEAST = 20
"""Positions that are tried, and how many there must be."""
_NEARER = 0.4
"""By this factor the median distance must shrink."""
_FAR = 5.0
"""Metres: where positions lie nearer than this as they are, nothing is wrong with them."""

_UNDOING = {"GCJ-02": gcj02_to_wgs84, "BD-09": bd09_to_wgs84}


class Shift(Struct, frozen=True):
    """The evidence that positions are in ``code``: median metres to the nearest assets of ``kind``."""

    code: str
    kind: str
    as_they_are: float
    undone: float
    positions: int


def find_shift(lon: FloatArray, lat: FloatArray, around: Surroundings) -> Shift | None:
    """The web map's system that the positions (taken for WGS 84) are in, if assets nearby prove it."""
    chosen = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat) & in_china(lon, lat))
    if len(chosen) < _LEAST:
        return None
    chosen = chosen[:: max(1, len(chosen) // _POSITIONS)]
    lon, lat = lon[chosen], lat[chosen]
    found = [shift for kind in around.kinds() if (shift := _evidence(kind, lon, lat, around))]
    return min(found, key=lambda shift: shift.undone / shift.as_they_are, default=None)


def _evidence(kind: str, lon: FloatArray, lat: FloatArray, around: Surroundings) -> Shift | None:
    as_they_are = _median(around.distances(kind, lon, lat))
    undone = {code: _median(around.distances(kind, *undo(lon, lat))) for code, undo in _UNDOING.items()}
    code = min(undone, key=lambda name: undone[name])
    others = [as_they_are, *(far for name, far in undone.items() if name != code)]
    if as_they_are < _FAR or undone[code] > _NEARER * min(others):
        return None
    return Shift(code, kind, as_they_are, undone[code], len(lon))


def _median(metres: FloatArray) -> float:
    return float(np.median(metres)) if len(metres) else float("inf")
