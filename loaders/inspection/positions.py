"""Where the rows of a layer are: in its geometry, or in columns of coordinates or well-known text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import shapely
from msgspec import Struct, field
from msgspec.structs import replace

from loaders.inspection.confidence import Confidence, Why
from loaders.inspection.facts import Facts
from loaders.inspection.sample import Sample
from loaders.plan import DEGREES, PLANE, WKT
from spatial.arrays import FloatArray, GeometryArray
from spatial.geometry import asset_points, geometry_type_names
from twin.kinds.names import normalise_name

_AXES = (
    ("经度", "纬度"),
    ("longitude", "latitude"),
    ("lng", "lat"),
    ("lon", "lat"),
    ("x", "y"),
    ("东", "北"),
)
"""Parts of names by which the columns of a pair differ."""

_TELLING = frozenset({"easting", "东坐标"})
"""Names that tell which axis a column is; an x may be the northing, as in surveys it is."""

_NAMED = Why("columns called longitude and latitude, with such values", "列名为经度、纬度，取值符合")
_PAIR = Why("a pair of columns of coordinates", "成对的坐标列")
_DEGREES = Why("values are degrees", "取值为度")
_WKT = Why("the values are well-known text", "取值为 WKT")


class Positions(Struct, frozen=True):
    """The columns of a layer's positions; none of them where it has geometry, or no position at all.

    ``x`` and ``y`` are the sample's positions in the layer's own system, not a number where there is none.
    ``degrees``: the columns are called longitude and latitude.
    """

    lon: str | None = None
    lat: str | None = None
    wkt: str | None = None
    degrees: bool = False
    confidence: Confidence | None = None
    why: Why | None = None
    x: FloatArray = field(default_factory=lambda: np.zeros(0))
    y: FloatArray = field(default_factory=lambda: np.zeros(0))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that hold them."""
        return tuple(name for name in (self.lon, self.lat, self.wkt) if name is not None)


def find_positions(sample: Sample, columns: Sequence[Facts], *, decimal_comma: bool = False) -> Positions:
    """Where the sample's rows are."""
    if sample.geometries is not None:
        x, y = _points(sample.geometries)
        return Positions(x=x, y=y)
    for first, second, degrees in _known(columns):
        return _pair(sample, first, second, degrees=degrees, decimal_comma=decimal_comma)
    for first, second in _resembling(columns):
        found = _pair(sample, first, second, degrees=False, decimal_comma=decimal_comma)
        if found.confidence is not Confidence.GUESS:
            return replace(found, confidence=Confidence.LIKELY)
    for facts in columns:
        if facts.well_known_text >= 0.95 and not facts.is_empty:
            return _from_text(sample, facts, named=normalise_name(facts.name) in WKT)
    return Positions()


def _known(columns: Sequence[Facts]) -> Iterator[tuple[Facts, Facts, bool]]:
    """Pairs by the names that a load knows, the better ones first, and whether these mean degrees."""
    by_name = {normalise_name(facts.name): facts for facts in reversed(columns)}
    for pairs, degrees in ((DEGREES, True), (PLANE, False)):
        for x_name, y_name in pairs:
            if x_name in by_name and y_name in by_name:
                yield by_name[x_name], by_name[y_name], degrees


def _resembling(columns: Sequence[Facts]) -> Iterator[tuple[Facts, Facts]]:
    """Pairs of columns of fractions whose names differ only as x and y or longitude and latitude do."""
    by_name = {facts.name.casefold(): facts for facts in columns if facts.numeric >= 0.9}
    for name, x in by_name.items():
        for first, second in _AXES:
            y = by_name.get(name.replace(first, second)) if first in name else None
            if (
                y is not None
                and y is not x
                and (np.concatenate([x.numbers, y.numbers]) % 1 != 0).mean() > 0.5
            ):
                yield x, y


def _points(geometries: GeometryArray) -> tuple[FloatArray, FloatArray]:
    usable = geometries.copy()
    usable[shapely.is_empty(usable)] = None
    bounds = shapely.bounds(usable)
    with np.errstate(invalid="ignore"):
        finite = np.isfinite(bounds).all(axis=1)
    usable[~finite] = None
    return asset_points(usable)


def _pair(sample: Sample, x: Facts, y: Facts, *, degrees: bool, decimal_comma: bool) -> Positions:
    xs, ys = (_numbers(sample.values[facts.name], decimal_comma) for facts in (x, y))
    there = np.isfinite(xs) & np.isfinite(ys)
    filled = max(x.filled, y.filled, 1)
    if there.sum() < 0.9 * filled:
        return Positions(x.name, y.name, None, degrees, Confidence.GUESS, _PAIR, xs, ys)
    on_globe = bool(((np.abs(xs[there]) <= 180) & (np.abs(ys[there]) <= 90)).mean() >= 0.9)
    if degrees and on_globe:
        return Positions(x.name, y.name, None, True, Confidence.CERTAIN, _NAMED, xs, ys)
    if degrees:
        return Positions(x.name, y.name, None, True, Confidence.LIKELY, _PAIR, xs, ys)
    fractions = bool((xs[there] % 1 != 0).mean() >= 0.5)
    told = on_globe or normalise_name(x.name) in _TELLING
    sure = Confidence.CERTAIN if fractions and told else Confidence.LIKELY
    why = _PAIR + _DEGREES if on_globe else _PAIR
    return Positions(x.name, y.name, None, degrees, sure, why, xs, ys)


def _numbers(values: Sequence[str | None], decimal_comma: bool) -> FloatArray:
    def number(value: str | None) -> float:
        text = (value or "").replace(",", ".") if decimal_comma else (value or "")
        try:
            return float(text)
        except ValueError:
            return float("nan")

    found: FloatArray = np.array([number(value) for value in values], dtype=np.float64)
    found[~np.isfinite(found)] = np.nan
    return found


def _from_text(sample: Sample, facts: Facts, *, named: bool) -> Positions:
    texts = np.array(sample.values[facts.name], dtype=object)
    geometries: GeometryArray = shapely.from_wkt(texts, on_invalid="ignore")
    sample.geometries = geometries
    sample.types.update(str(name) for name in geometry_type_names(geometries) if name)
    x, y = _points(geometries)
    sure = Confidence.CERTAIN if named else Confidence.LIKELY
    return Positions(None, None, facts.name, False, sure, _WKT, x, y)
