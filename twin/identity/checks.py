"""Rules for identifiers of other schemes: whether a value can be one, and how it is written.

A rule answers with a stable reason such as ``identifier.vin.checkdigit``, or None. Check digits find every
single wrong character of a VIN or credit code, but not every swap.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from msgspec import Struct

from twin.identity import uscc

Problem = str | None
"""``malformed``, ``checkdigit`` or ``date``; None when nothing is wrong."""


class Check(Struct, frozen=True):
    """A rule by name: ``problem`` judges a value that ``normalise`` has written in the standard way."""

    name: str
    source: str
    problem: Callable[[str], Problem]

    def normalise(self, value: str) -> str:
        """``value`` as it is stored: half-width capitals, without spaces, dots and dashes."""
        return normalise(value)

    def reason(self, value: str) -> str | None:
        """Why ``value`` is not one, as ``identifier.<rule>.<what>``; None when it is."""
        problem = self.problem(self.normalise(value))
        return None if problem is None else f"identifier.{self.name}.{problem}"


_PUNCTUATION = re.compile(r"[\s\-_.·•・\u2010-\u2015\u2212]+")


def normalise(value: str) -> str:
    """Half-width capitals, without spaces, dots and dashes: ``沪a·12345`` is ``沪A12345``."""
    plain = value if value.isascii() else unicodedata.normalize("NFKC", value)
    return plain.upper() if plain.isalnum() else _PUNCTUATION.sub("", plain).upper()


def check_column(name: str, values: Sequence[str | None]) -> list[str | None]:
    """The reasons why ``values`` fail the rule ``name``; None for those that pass and those that are None."""
    reason = lru_cache(maxsize=65_536)(CHECKS[name].reason)
    return [None if value is None else reason(value) for value in values]


# Vehicles

_VIN = re.compile(r"[0-9A-HJ-NPR-Z]{8}[0-9X][0-9A-HJ-NPR-Z]{8}")
_VIN_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", map(int, "12345678123457923456789"), strict=True))
_VIN_VALUES |= {digit: int(digit) for digit in "0123456789"}
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_TABLES = tuple({c: v * weight for c, v in _VIN_VALUES.items()} for weight in _VIN_WEIGHTS)
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLATE = re.compile(
    rf"[{_PROVINCES}][A-HJ-NP-Z](?:"
    r"[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳]"  # civil
    r"|[A-HJK][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[A-HJK]"  # new energy
    r")"
)


def vin_problem(value: str) -> Problem:
    """GB 16735, ISO 3779 [V]: 17 characters without I, O, Q; weighted sum mod 11 at position 9."""
    if _VIN.fullmatch(value) is None:
        return "malformed"
    total = sum(table[character] for table, character in zip(_VIN_TABLES, value, strict=True))
    return None if "0123456789X"[total % 11] == value[8] else "checkdigit"


def plate_problem(value: str) -> Problem:
    """Civil and new-energy plates [V against samples]. Embassies' and consulates' have a rule of their own,
    which is not known here: plates with 使 or 领 pass."""
    if _PLATE.fullmatch(value) or "使" in value or "领" in value:
        return None
    return "malformed"


# Elevators

_REGISTRATION = re.compile(r"[0-9]{4}([0-9]{6})[0-9]{4}(0[1-9]|1[0-2])[0-9]{4}")
_EQUIPMENT = re.compile(r"[0-9]{4}[0-9A-Z]{5}[0-9]{4}[0-9A-Z]{4,5}")
_RESCUE = re.compile(r"[0-9A-Z]{4,12}")


def elevator_registration_problem(value: str) -> Problem:
    """注册代码 [S]: 20 digits, 4 class, 6 division, year and month, 4 sequence; there is no check digit."""
    if len(value) != 20 or not (value.isascii() and value.isdigit()):
        return "malformed"
    return None if _REGISTRATION.fullmatch(value) else "date"


def equipment_code_problem(value: str) -> Problem:
    """设备代码 [S]: 18 characters, 4 variety, 5 maker, 4 year, 5 sequence; older ones have 17."""
    return None if _EQUIPMENT.fullmatch(value) else "malformed"


def rescue_number_problem(value: str) -> Problem:
    """识别码 [S]: each city's own, commonly 6 characters. Four to twelve pass: that width is ours."""
    return None if _RESCUE.fullmatch(value) else "malformed"


# Buildings

_REAL_ESTATE = re.compile(r"[0-9]{12}[GJZ][ABSXCDEFHGWY][0-9]{5}[FLQW][0-9]{8}")


def real_estate_unit_problem(value: str) -> Problem:
    """不动产单元代码 [S], 28 characters.

    6 county, 3 + 3 cadastral areas, 2 parcel feature, 5 parcel, 1 fixture feature, 8 unit.
    """
    return None if _REAL_ESTATE.fullmatch(value) else "malformed"


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        check.name: check
        for check in (
            Check("vin", "GB 16735, ISO 3779 [V]", vin_problem),
            Check("plate", "civil and new-energy plates [V against samples]", plate_problem),
            Check("uscc", "统一社会信用代码, python-stdnum [V]", uscc.problem),
            Check("elevator_registration", "注册代码 [S]", elevator_registration_problem),
            Check("equipment_code", "设备代码 [S]", equipment_code_problem),
            Check("rescue_number", "96333 识别码 [S]", rescue_number_problem),
            Check("real_estate_unit", "不动产单元代码 [S]", real_estate_unit_problem),
        )
    }
)
