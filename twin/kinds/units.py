"""Units of measurement that city files use, and quantities written with their unit."""

from __future__ import annotations

import re
from types import MappingProxyType

# unit -> (dimension, its size in the dimension's SI unit); the international foot and pound are exact.
_UNITS = MappingProxyType(
    {
        "mm": ("length", 0.001),
        "cm": ("length", 0.01),
        "m": ("length", 1.0),
        "km": ("length", 1000.0),
        "in": ("length", 0.0254),
        "ft": ("length", 0.3048),
        "m²": ("area", 1.0),
        "ft²": ("area", 0.3048**2),
        "m³": ("volume", 1.0),
        "kg": ("mass", 1.0),
        "t": ("mass", 1000.0),
        "lb": ("mass", 0.45359237),
        "m/s": ("speed", 1.0),
        "km/h": ("speed", 1 / 3.6),
        "mph": ("speed", 0.44704),
        "ft/min": ("speed", 0.3048 / 60),
        "W": ("power", 1.0),
        "kW": ("power", 1000.0),
        "hp": ("power", 550 * 0.3048 * 0.45359237 * 9.80665),
        "V": ("voltage", 1.0),
        "kV": ("voltage", 1000.0),
        "Pa": ("pressure", 1.0),
        "kPa": ("pressure", 1e3),
        "MPa": ("pressure", 1e6),
        "bar": ("pressure", 1e5),
        "lm": ("luminous flux", 1.0),
        "K": ("temperature", 1.0),
        "°": ("angle", 1.0),
        "year": ("year", 1.0),
    }
)
_SPELLINGS = MappingProxyType(
    {unit.lower(): unit for unit in _UNITS}
    | {"毫米": "mm", "厘米": "cm", "米": "m", "公里": "km", "千米": "km", "metres": "m", "meters": "m"}
    | {'"': "in", "″": "in", "inch": "in", "inches": "in", "'": "ft", "′": "ft", "feet": "ft", "foot": "ft"}
    | {"平方米": "m²", "m2": "m²", "sqm": "m²", "㎡": "m²", "sqft": "ft²", "ft2": "ft²"}
    | {"立方米": "m³", "m3": "m³", "公斤": "kg", "千克": "kg", "吨": "t", "lbs": "lb"}
    | {"米/秒": "m/s", "公里/小时": "km/h", "kmh": "km/h", "kph": "km/h", "fpm": "ft/min"}
    | {"瓦": "W", "千瓦": "kW", "马力": "hp", "伏": "V", "千伏": "kV", "年": "year"}
)
# 16'4", 9'0: feet and inches [V against New York's elevators].
_FEET_AND_INCHES = re.compile(r"""\s*(\d+)\s*['′’]\s*-?\s*(\d+(?:\.\d+)?)\s*(?:["″”]|'')?\s*""")
_QUANTITY = re.compile(r"\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*", re.DOTALL)


def unit_named(text: str) -> str | None:
    """The unit that people write so (``ft``, ``feet``, ``米``, ``lbs``); None where it is none."""
    return _SPELLINGS.get(text.strip().lower())


def factor(unit: str, into: str) -> float | None:
    """What a number of ``unit`` is multiplied by to be one of ``into``; None where that has no meaning."""
    if unit not in _UNITS or into not in _UNITS:
        return 1.0 if unit == into else None
    (dimension, size), (wanted, wanted_size) = _UNITS[unit], _UNITS[into]
    return size / wanted_size if dimension == wanted else None


def units_like(unit: str) -> tuple[str, ...]:
    """The units whose numbers can be told in ``unit``; none where it is no unit of measurement."""
    return tuple(one for one in _UNITS if unit in _UNITS and _UNITS[one][0] == _UNITS[unit][0])


def parse_quantity(text: str, into: str | None, assumed: str | None = None) -> float | None:
    """The number that ``text`` writes, in the unit ``into``; None when it writes none.

    A unit in the text counts (``16 ft``, ``4"``, ``12.13 m``, ``16'4"``); without one the number is in
    ``assumed``, else already in ``into``. Text that goes on after the unit is no quantity.
    """
    both = _FEET_AND_INCHES.fullmatch(text)
    match = _QUANTITY.fullmatch(f"{int(both[1]) * 12 + float(both[2])} in" if both else text)
    if match is None or (both is not None and float(both[2]) >= 12):
        return None
    number, written = float(match[1]), match[2]
    unit = _SPELLINGS.get(written.lower()) if written else (assumed or into)
    if unit is None:
        return None if written else number
    scale = factor(unit, into) if into is not None else None
    return number * scale if scale is not None else None
