"""In which coordinate system positions are: as declared, or guessed from where they would lie.

A guess from ranges is never certain: datums of one projection differ by a hundred metres that no range shows.
Which systems are tried is ours: those of Chinese cities, UTM, and those of the countries of the test data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct

from loaders.inspection.confidence import Confidence, Why
from loaders.inspection.positions import Positions
from spatial.arrays import FloatArray
from spatial.china import in_china
from spatial.crs import CoordinateSystem, UnknownCrs, UnsupportedCrs, parse_crs
from spatial.systems import EARTH, Area, outside_area_of_use, rough_position, within

_POSITIONS = 500
"""Positions that are tried, spread over the sample."""
_MOST = 0.9
_NOWHERE = 1e-9
_AROUND_HOME = 0.05
"""Degrees around the registry's divisions."""
_SHOWN = 8
"""Candidates that are named at most."""

_ELSEWHERE = (
    "EPSG:26985", "EPSG:2263", "EPSG:31466", "EPSG:31467", "EPSG:31468", "EPSG:31469", "EPSG:25832",
    "EPSG:25833", "EPSG:3067", "EPSG:28992", "EPSG:5514", "EPSG:27700", "EPSG:2154", "EPSG:2056",
)  # fmt: skip
_ZONES = (0, -1, -2, -3, 1, -4, 2, -5, 3, -6, 4, -7, 5, *range(-8, -16, -1))
"""CGCS2000's three-degree zones, from that of 120° E (EPSG:4549): those with the most cities first."""
_WEB = "EPSG:3857"
_EPSG = re.compile(r"(?i)epsg[\s:_-]*(\d{4,5})(?!\d)")
_HINTS = (
    ("GCJ-02", ("gcj02", "gcj-02", "gcj_02", "gcj", "火星", "高德", "amap", "腾讯")),
    ("BD-09", ("bd09", "bd-09", "bd_09", "百度", "baidu")),
    ("EPSG:4490", ("cgcs2000", "国家2000", "2000坐标")),
)

_DECLARED = Why("the file says so, and the positions lie where it is used", "文件已注明，且位置在适用区域内")
_DECLARED_EMPTY = Why("the file says so", "文件已注明")
_DECLARED_OUTSIDE = Why(
    "the file says so, but most positions lie outside the area where it is used",
    "文件已注明，但多数位置在其适用区域之外",
)
_DEGREES = Why("columns called longitude and latitude, outside China", "列名为经纬度，且不在中国")
_DEGREES_CHINA = Why(
    "degrees in China, which web maps shift (GCJ-02, BD-09)", "中国境内的经纬度，可能是 GCJ-02 或 BD-09"
)
_IN_DEGREES = Why("the values are degrees", "取值为度")
_SHIFTED = Why("possible for degrees in China", "中国境内的经纬度可能如此")
_SAID = Why("a name says so", "名称中注明")
_IN_AREA = Why("the positions would lie where it is used", "位置落在其适用区域内")
_AT_HOME = Why("the positions would lie in the registry's divisions", "位置落在登记库的区划内")
_EXCHANGED = Why("with x and y exchanged", "但 x、y 须对调")


class SystemGuess(Struct, frozen=True):
    """A coordinate system; ``exchanged``: the columns' or the file's x is the northing or the latitude."""

    code: str
    confidence: Confidence
    why: Why
    exchanged: bool = False


class SystemFinding(Struct, frozen=True):
    """What is known of a layer's system: ``declared`` as the file says, and ``guesses``, the best first."""

    declared: str | None
    guesses: tuple[SystemGuess, ...]

    @property
    def best(self) -> SystemGuess | None:
        """The first guess."""
        return self.guesses[0] if self.guesses else None


def find_system(
    said: str | None, positions: Positions, names: Sequence[str] = (), home: Area | None = None
) -> SystemFinding:
    """The system of the positions.

    ``said`` is what the file says, ``names`` are those of the file, layer and columns, ``home`` the extent of
    the registry's divisions where one is known.
    """
    x, y = _tried(positions)
    if said is not None:
        return _declared(said, x, y)
    if not len(x):
        return SystemFinding(None, ())
    if (np.abs(x) <= 360).mean() >= _MOST and (np.abs(y) <= 360).mean() >= _MOST:
        return SystemFinding(None, tuple(_degrees(x, y, positions, names, home))[:_SHOWN])
    return SystemFinding(None, tuple(_plane(x, y, names, home))[:_SHOWN])


def _tried(positions: Positions) -> tuple[FloatArray, FloatArray]:
    x, y = positions.x, positions.y
    there = np.isfinite(x) & np.isfinite(y) & ~((np.abs(x) < _NOWHERE) & (np.abs(y) < _NOWHERE))
    places = np.flatnonzero(there)
    places = places[:: max(1, len(places) // _POSITIONS)]
    return x[places], y[places]


def _declared(said: str, x: FloatArray, y: FloatArray) -> SystemFinding:
    system = parse_crs(said)
    code = system.code or system.name
    if not len(x):
        return SystemFinding(code, (SystemGuess(code, Confidence.CERTAIN, _DECLARED_EMPTY),))
    if _inside(system, x, y) >= _MOST:
        return SystemFinding(code, (SystemGuess(code, Confidence.CERTAIN, _DECLARED),))
    exchanged = _inside(system, y, x) >= _MOST
    why = _DECLARED_OUTSIDE + _EXCHANGED if exchanged else _DECLARED_OUTSIDE
    return SystemFinding(code, (SystemGuess(code, Confidence.GUESS, why, exchanged),))


def _inside(system: CoordinateSystem, x: FloatArray, y: FloatArray) -> float:
    return float((~outside_area_of_use(system, x, y)).mean())


def _degrees(
    x: FloatArray, y: FloatArray, positions: Positions, names: Sequence[str], home: Area | None
) -> Iterator[SystemGuess]:
    exchanged = _on_globe(x, y) < _MOST <= _on_globe(y, x)
    if home is not None and _at(home, x, y) < 0.5 <= _at(home, y, x):
        exchanged = True
    lon, lat = (y, x) if exchanged else (x, y)
    if _on_globe(lon, lat) < _MOST:
        return
    hinted = _hinted(names)
    if hinted is not None:
        yield SystemGuess(hinted, Confidence.LIKELY, _SAID, exchanged)
    if in_china(lon, lat).mean() < 0.5:
        sure = Confidence.CERTAIN if positions.degrees and not exchanged else Confidence.LIKELY
        why = _DEGREES if positions.degrees else _IN_DEGREES
        yield SystemGuess("EPSG:4326", sure, why + _EXCHANGED if exchanged else why, exchanged)
        return
    sure = Confidence.GUESS if hinted else Confidence.LIKELY
    yield SystemGuess(
        "EPSG:4326", sure, _DEGREES_CHINA + _EXCHANGED if exchanged else _DEGREES_CHINA, exchanged
    )
    for code in ("EPSG:4490", "GCJ-02", "BD-09"):
        if code != hinted:
            yield SystemGuess(code, Confidence.GUESS, _SHIFTED, exchanged)


def _hinted(names: Sequence[str]) -> str | None:
    """The system that a name of the file, layer or a column mentions."""
    text = " ".join(names).casefold()
    return next((code for code, words in _HINTS if any(word in text for word in words)), None)


def _on_globe(lon: FloatArray, lat: FloatArray) -> float:
    return float(((np.abs(lon) <= 180) & (np.abs(lat) <= 90)).mean())


def _at(home: Area, lon: FloatArray, lat: FloatArray) -> float:
    return float(within(home, lon, lat, _AROUND_HOME).mean())


def _plane(x: FloatArray, y: FloatArray, names: Sequence[str], home: Area | None) -> Iterator[SystemGuess]:
    """Projected systems: first those at home, then those told by a name, then those that merely fit."""
    mentioned = {f"EPSG:{number}" for number in _EPSG.findall(" ".join(names))}
    ranked = [
        (rank, place, guess)
        for place, code in enumerate(dict.fromkeys([*sorted(mentioned), *_candidates(x, y, home)]))
        for rank, guess in [_tried_both_ways(code, x, y, home, named=code in mentioned)]
        if guess is not None
    ]
    yield from (guess for _, _, guess in sorted(ranked, key=lambda one: one[:2]))


def _tried_both_ways(
    code: str, x: FloatArray, y: FloatArray, home: Area | None, *, named: bool
) -> tuple[int, SystemGuess | None]:
    """The guess of one system with its rank, less being better.

    Axes as they come go before exchanged ones, and Web Mercator, which covers the world, comes last.
    """
    found: list[tuple[int, SystemGuess]] = []
    try:
        system = parse_crs(code)
    except (UnknownCrs, UnsupportedCrs):
        return 0, None
    for exchanged, a, b in ((False, x, y), (True, y, x)):
        if _strictly_inside(system, a, b) < _MOST:
            continue
        at_home = home is not None and _at(home, *rough_position(system, a, b)) >= _MOST
        why = (_AT_HOME if at_home else _SAID if named else _IN_AREA) + Why(system.name, system.name)
        sure = Confidence.LIKELY if at_home or named else Confidence.GUESS
        guess = SystemGuess(code, sure, why + _EXCHANGED if exchanged else why, exchanged)
        found.append((-8 * at_home - 4 * named + exchanged + 2 * (code == _WEB), guess))
    return min(found, key=lambda one: one[0]) if found else (0, None)


def _strictly_inside(system: CoordinateSystem, x: FloatArray, y: FloatArray) -> float:
    """The share inside the area of use, or as far beside it as surveyors use a zone."""
    lon, lat = rough_position(system, x, y)
    area = system.area or EARTH
    with np.errstate(invalid="ignore"):
        return float((within(area, lon, lat, 0.7) & np.isfinite(lon)).mean())


def _candidates(x: FloatArray, y: FloatArray, home: Area | None) -> list[str]:
    """Codes whose coordinates can look so, whichever axis comes first."""
    first, second = float(np.median(x)), float(np.median(y))
    codes: list[str] = []
    for easting in (first, second):
        zone = int(easting // 1_000_000)
        if 25 <= zone <= 45:
            codes.append(f"EPSG:{4488 + zone}")
        if 13 <= zone <= 23:
            codes.append(f"EPSG:{4478 + zone}")
    if min(abs(first), abs(second)) < 1_000_000:
        codes += [f"EPSG:{4549 + step}" for step in _ZONES]
    codes += _ELSEWHERE
    if home is not None:
        codes += _utm(home)
    return [*dict.fromkeys(codes), _WEB]


def _utm(home: Area) -> list[str]:
    """The zones of UTM that home lies in and beside: without a home all sixty would fit alike."""
    west, south, east, north = home
    first = 32600 if south + north >= 0 else 32700
    zones = range(int((west + 180) // 6), int((east + 180) // 6) + 3)
    return [f"EPSG:{first + (zone - 1) % 60 + 1}" for zone in zones]


def rough_degrees(guess: SystemGuess, positions: Positions) -> tuple[FloatArray, FloatArray]:
    """The positions in degrees, if they are in the guessed system, good enough to find what lies near."""
    x, y = (positions.y, positions.x) if guess.exchanged else (positions.x, positions.y)
    return rough_position(parse_crs(guess.code), x, y)
