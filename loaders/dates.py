"""Dates in the ways people write them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from msgspec import Struct

from loaders.mapping import DateOrder

_TIME = r"(?:[T ]\s*\d{1,2}:\d{2}.*)?"
_YEAR_FIRST = re.compile(rf"(\d{{4}})[-/.年](\d{{1,2}})(?:[-/.月](\d{{1,2}})日?)?月?{_TIME}")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\.0+|[T ]?\d{4,6})?")
_YEAR_LAST = re.compile(rf"(\d{{1,2}})[-/.](\d{{1,2}})[-/.](\d{{4}}){_TIME}")
_YEAR = re.compile(r"(\d{4})(?:\.0+)?年?")


class Reading(Struct, frozen=True):
    """A date as ISO 8601, or the reason why there is none; ``reason`` beside a date is only a warning."""

    iso: str | None
    reason: str | None = None


def order_of(texts: Iterable[str]) -> DateOrder | None:
    """Which of day and month comes first where the year is last, if the texts tell without contradiction."""
    firsts, seconds = False, False
    for text in texts:
        if match := _YEAR_LAST.fullmatch(text):
            firsts |= int(match[1]) > 12
            seconds |= int(match[2]) > 12
    if firsts == seconds:
        return None
    return "dmy" if firsts else "mdy"


def read_date(text: str, order: DateOrder | None) -> Reading:
    """The date that ``text`` writes; ``order`` is used where the year is last."""
    for pattern in (_YEAR_FIRST, _COMPACT):
        if match := pattern.fullmatch(text):
            return _reading(match[1], match[2], match[3])
    if match := _YEAR_LAST.fullmatch(text):
        if order not in {"mdy", "dmy"} and match[1] != match[2]:
            return Reading(None, "date.ambiguous")
        day, month = (match[2], match[1]) if order == "mdy" else (match[1], match[2])
        return _reading(match[3], month, day)
    if match := _YEAR.fullmatch(text):
        return _reading(match[1], "1", None)
    return Reading(None, "date.invalid")


def _reading(year: str, month: str, day: str | None) -> Reading:
    try:
        iso = date(int(year), int(month), int(day or 1)).isoformat()
    except ValueError:
        return Reading(None, "date.invalid")
    return Reading(iso, None if day else "date.imprecise")
