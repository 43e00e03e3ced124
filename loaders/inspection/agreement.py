"""Whether a column's values are such as a field of a kind has."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from loaders.inspection.facts import Facts
from loaders.mapping import DateOrder
from twin.errors import TwinError
from twin.identity import class_owners, read_code, scheme
from twin.identity.checks import CHECKS
from twin.kinds.fields import choice_words
from twin.kinds.model import Attribute, Identifier
from twin.kinds.names import normalise_name

MOST, SOME = 0.95, 0.5
"""Shares of the filled rows: what almost all do, and what at least half do."""

_TRIED = 500
"""Different values that are tried as asset codes."""
_NAMING = frozenset({"name", "owner", "maintainer", "authority", "address", "carrier", "maker", "architect"})
"""Fields whose values are names: numbers alone are not."""


class Fit(IntEnum):
    """How well values fit a field: ``PROVEN`` by a rule that hardly anything else passes."""

    BAD = 0
    UNKNOWN = 1
    POOR = 2
    GOOD = 3
    PROVEN = 4


class Agreement(Struct, frozen=True):
    """How well the values fit; ``unit`` is the one that the values show, ``order`` that of their dates."""

    fit: Fit
    unit: str | None = None
    order: DateOrder | None = None


def agreement(meaning: Attribute | Identifier, facts: Facts, unit: str | None) -> Agreement:
    """How well the values of a column fit a field, its numbers being in ``unit`` unless they say so."""
    if facts.is_empty:
        return Agreement(Fit.UNKNOWN)
    if isinstance(meaning, Identifier):
        return _checked(facts, meaning.check) if meaning.check else Agreement(_identifying(facts))
    if meaning.type in ("integer", "number"):
        return _number(meaning, facts, unit)
    return _date(facts) if meaning.type == "date" else _worded(meaning, facts)


def _worded(meaning: Attribute, facts: Facts) -> Agreement:
    if meaning.type == "choice":
        return Agreement(_choice(meaning, facts))
    if meaning.type == "boolean":
        return Agreement(Fit.GOOD if len(facts.counts) <= 2 else Fit.BAD)
    return _text(meaning, facts)


def _text(meaning: Attribute, facts: Facts) -> Agreement:
    if meaning.name == "code":
        coded = facts.first(_TRIED).share(lambda value: bool(code_kinds(value)))
        return Agreement(Fit.PROVEN if coded >= MOST else Fit.POOR)
    if meaning.name == "division":
        return Agreement(Fit.GOOD if facts.share(_is_division) >= MOST else Fit.POOR)
    if meaning.check:
        return _checked(facts, meaning.check)
    if meaning.name in _NAMING:
        return Agreement(Fit.GOOD if facts.lettered >= SOME else Fit.BAD)
    return Agreement(Fit.GOOD)


def code_kinds(value: str) -> set[str]:
    """The kinds whose asset code the value is, or would be with its check digit."""
    if not 14 <= len(value) <= 26:
        return set()
    try:
        readings = read_code(value)
    except TwinError:
        return set()
    owners = [class_owners(scheme(reading.scheme)).get(reading.class_code) for reading in readings]
    return {owner for owner in owners if owner is not None}


def _is_division(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) in (6, 9, 12, 14, 15)


def _checked(facts: Facts, rule: str) -> Agreement:
    share = passing(facts, rule)
    if share < SOME:
        return Agreement(Fit.BAD)
    return Agreement(Fit.PROVEN if share >= MOST else Fit.GOOD)


def passing(facts: Facts, rule: str) -> float:
    """The share of the values that pass a rule of ``twin.identity.checks``."""
    return facts.share(lambda value: CHECKS[rule].reason(value) is None)


def _identifying(facts: Facts) -> Fit:
    """An identifier tells its bearers apart: most of its values occur once."""
    return Fit.GOOD if len(facts.counts) >= SOME * facts.filled else Fit.BAD


def _choice(meaning: Attribute, facts: Facts) -> Fit:
    words = choice_words(meaning)
    known = facts.share(lambda value: normalise_name(value) in words)
    if known >= MOST:
        return Fit.GOOD
    return Fit.POOR if known >= SOME else Fit.BAD


def _date(facts: Facts) -> Agreement:
    read, ambiguous = facts.dates()
    if read >= MOST:
        return Agreement(Fit.GOOD, order=facts.date_order)
    return Agreement(Fit.POOR if read + ambiguous >= SOME else Fit.BAD, order=facts.date_order)


def _number(meaning: Attribute, facts: Facts, unit: str | None) -> Agreement:
    written, share = facts.written_unit
    assumed = unit or (written if share >= SOME / 2 else None)
    read = facts.quantities(meaning.unit, assumed)
    inside = sum(n for number, n in read if _within(meaning, number)) / facts.filled
    if inside >= MOST:
        # A unit that every value writes need not be said; one that some write holds for the others.
        return Agreement(Fit.GOOD, written if share > 0 else None)
    return Agreement(Fit.POOR if inside >= SOME else Fit.BAD, assumed)


def _within(meaning: Attribute, number: float) -> bool:
    low = float("-inf") if meaning.minimum is None else meaning.minimum
    high = float("inf") if meaning.maximum is None else meaning.maximum
    return low <= number <= high and (meaning.type != "integer" or number == int(number))
