"""Columns as they came become columns of a field's type and unit; what cannot is left out with a warning."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from msgspec import Struct, field

from loaders import arrow
from loaders.arrow import Column
from loaders.dates import order_of, read_date
from loaders.findings import Verdict, shown
from loaders.mapping import DateOrder, FieldSource
from loaders.mojibake import garbled
from loaders.plan import Filling, Plan
from spatial.arrays import BoolArray, FloatArray
from twin.identity.checks import CHECKS
from twin.kinds.fields import choice_words
from twin.kinds.model import Attribute, Identifier
from twin.kinds.names import normalise_name
from twin.kinds.units import factor, parse_quantity

ABSENT = ("null", "<null>", "none", "nan", "n/a", "#n/a", "-", "--", "/", "无", "\\n")
"""Words, in lower case, that people write where there is no value."""
_LONGEST_ABSENT = max(len(word.encode()) for word in ABSENT)

_TRUE = frozenset({"true", "yes", "y", "t", "1", "是", "有", "真"})
_FALSE = frozenset({"false", "no", "n", "f", "0", "否", "无", "没有", "假"})
_PLAIN_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_DECIMALS = 6
"""Decimals kept of a number that was converted: 16 ft is 4.8768 m and not 4.876800000000001."""


class Converted(Struct):
    """A batch's values by field: shared fields, attributes and identifiers. Dates are ISO 8601 texts."""

    common: dict[str, Column] = field(default_factory=dict)
    attributes: dict[str, Column] = field(default_factory=dict)
    identifiers: dict[str, Column] = field(default_factory=dict)


MAX_TEXT = 500
"""Characters of a text: what people write into a field, and what its bigrams and indexes are made for."""
MAX_NAME = 250
"""Characters of what something is known by: in UTF-8 at most a third of a b-tree's entry (2,704 bytes)."""
_NAMES = ("code", "parent", "division", "authority", "owner", "maintainer")


def convert(plan: Plan, columns: Mapping[str, Column], verdict: Verdict) -> Converted:
    """Every field of the plan, filled."""
    converted = Converted()
    parts = {
        "common": converted.common,
        "attribute": converted.attributes,
        "identifier": converted.identifiers,
    }
    length = len(verdict.numbers)
    for filling in plan.fillings:
        parts[filling.target.where][filling.target.name] = _fill(filling, columns, length, verdict)
    return converted


def _fill(filling: Filling, columns: Mapping[str, Column], length: int, verdict: Verdict) -> Column:
    if _is_typed(filling, columns):
        return arrow.first_of(
            [_of_type(filling.meaning, columns[c.name], c.unit, verdict) for c in filling.columns]
        )
    if filling.source.value is not None:
        texts: list[tuple[Column, str | None]] = [(arrow.constant(filling.source.value, length), None)]
    else:
        texts = [(present(columns[column.name]), column.unit) for column in filling.columns]
    if filling.parts:
        texts.append((arrow.joined([present(columns[part]) for part in filling.parts], " "), None))
    name = filling.target.name
    if isinstance(filling.meaning, Identifier) or filling.meaning.type in ("text", "choice"):
        for text, _ in texts:
            verdict.warn(garbled(text), "text.mojibake", name, shown(text))
        longest = MAX_NAME if isinstance(filling.meaning, Identifier) or name in _NAMES else MAX_TEXT
        limit = {"limit": str(longest)}
        for place, (text, unit) in enumerate(texts):
            long = arrow.longer_than(text, longest)
            verdict.warn(long, "text.too_long", name, shown(text), lambda _: limit)
            texts[place] = (arrow.without(text, long), unit)
    found = [
        _typed(filling.meaning, translated(text, filling.source.values), unit, filling.source, verdict)
        for text, unit in texts
    ]
    return arrow.first_of(found)


def _is_typed(filling: Filling, columns: Mapping[str, Column]) -> bool:
    """Whether all that fills the field is of its type in the file, and need not be read from text."""
    source, meaning = filling.source, filling.meaning
    if source.value is not None or source.values or filling.parts or isinstance(meaning, Identifier):
        return False
    fits = {"integer": arrow.is_number, "number": arrow.is_number, "date": arrow.is_date}.get(meaning.type)
    return fits is not None and all(fits(columns[column.name]) for column in filling.columns)


def _of_type(meaning: Attribute | Identifier, column: Column, unit: str | None, verdict: Verdict) -> Column:
    if isinstance(meaning, Attribute) and meaning.type != "date":
        return _number(arrow.without_nan(column), meaning, unit, verdict)
    return arrow.iso_dates(column)


def present(column: Column) -> Column:
    """Any column as stripped texts, null for words that mean there is no value."""
    text = arrow.stripped(arrow.as_text(column))
    lengths = arrow.byte_lengths(text)
    if not ((lengths > 0) & (lengths <= _LONGEST_ABSENT)).any():
        return text
    return arrow.without(text, arrow.is_any(arrow.lower(text), ABSENT))


def translated(column: Column, values: Mapping[str, str]) -> Column:
    """The texts with those that ``values`` knows replaced."""
    return arrow.map_distinct(column, lambda text: values.get(text, text)) if values else column


def _typed(
    meaning: Attribute | Identifier, text: Column, unit: str | None, source: FieldSource, verdict: Verdict
) -> Column:
    if isinstance(meaning, Identifier):
        return _checked(text, meaning.scheme, meaning.check, verdict)
    match meaning.type:
        case "text":
            return _checked(text, meaning.name, meaning.check, verdict)
        case "choice":
            return _choice(text, meaning, verdict)
        case "boolean":
            return _boolean(text, meaning.name, verdict)
        case "date":
            return _date(text, meaning.name, source.order, verdict)
        case "integer" | "number":
            return _number(text, meaning, unit, verdict)


def _checked(text: Column, name: str, rule: str | None, verdict: Verdict) -> Column:
    """The texts as the rule writes them, without those that fail it."""
    if rule is None:
        return text
    check = CHECKS[rule]
    reasons = arrow.map_distinct(text, check.reason)
    failed = ~arrow.is_null(reasons)
    for reason in set(arrow.take(reasons, failed).to_pylist()):
        verdict.warn(arrow.equals(reasons, reason), reason, name, shown(text))
    return arrow.map_distinct(arrow.without(text, failed), check.normalise)


def _choice(text: Column, attribute: Attribute, verdict: Verdict) -> Column:
    words = choice_words(attribute)
    found = arrow.map_distinct(text, lambda word: words.get(normalise_name(word), attribute.fallback))
    return _without_failed(text, found, "choice.unknown", attribute.name, verdict)


def _boolean(text: Column, name: str, verdict: Verdict) -> Column:
    def truth(word: str) -> bool | None:
        plain = normalise_name(word)
        return True if plain in _TRUE else False if plain in _FALSE else None

    return _without_failed(text, arrow.map_distinct(text, truth, "bool"), "boolean.invalid", name, verdict)


def _date(text: Column, name: str, order: DateOrder | None, verdict: Verdict) -> Column:
    known = order or order_of(arrow.distinct(text))
    read = cache(lambda word: read_date(word, known))
    reasons = arrow.map_distinct(text, lambda word: read(word).reason)
    for reason in ("date.invalid", "date.ambiguous", "date.imprecise"):
        verdict.warn(arrow.equals(reasons, reason), reason, name, shown(text))
    return arrow.map_distinct(text, lambda word: read(word).iso)


def _number(text: Column, attribute: Attribute, unit: str | None, verdict: Verdict) -> Column:
    numbers = quantities(text, attribute.unit, unit)
    missing = np.isnan(numbers)
    verdict.warn(missing & ~arrow.is_null(text), "number.invalid", attribute.name, shown(text))
    if attribute.type == "integer":
        broken = ~missing & (np.floor(numbers) != numbers)
        verdict.warn(broken, "number.not_whole", attribute.name, shown(text))
        missing |= broken
    outside = ~missing & ~_within(numbers, attribute)
    limits = {"range": _range(attribute)}
    verdict.warn(outside, "number.range", attribute.name, shown(text), lambda _: limits)
    missing |= outside
    values = np.where(missing, 0.0, numbers)
    return arrow.numbers(values.astype(np.int64) if attribute.type == "integer" else values, missing)


def quantities(text: Column, into: str | None, assumed: str | None) -> FloatArray:
    """The numbers that the texts write or the column holds, in the unit ``into``; NaN where none is."""
    typed = arrow.is_number(text)
    plain = ~arrow.is_null(text) if typed else arrow.matches(text, _PLAIN_NUMBER)
    numbers = arrow.floats(text) if typed else arrow.parsed_floats(arrow.without(text, ~plain))
    scale = factor(assumed, into) if assumed is not None and into is not None else 1.0
    if scale is not None and scale != 1.0:
        numbers = np.round(numbers * scale, _DECIMALS)
    if not typed and not plain.all():
        numbers[~plain] = arrow.floats(
            arrow.map_distinct(
                arrow.take(text, ~plain), lambda word: _written(word, into, assumed), "float64"
            )
        )
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers


def _written(word: str, into: str | None, assumed: str | None) -> float | None:
    number = parse_quantity(word, into, assumed)
    return None if number is None else round(number, _DECIMALS)


def _within(numbers: FloatArray, attribute: Attribute) -> BoolArray:
    # Beyond 2**53 a float no longer tells whole numbers apart.
    limit = float(2**53) if attribute.type == "integer" else np.inf
    low = -limit if attribute.minimum is None else attribute.minimum
    high = limit if attribute.maximum is None else attribute.maximum
    with np.errstate(invalid="ignore"):
        inside: BoolArray = (numbers >= low) & (numbers <= high)
    return inside


def _range(attribute: Attribute) -> str:
    low = "…" if attribute.minimum is None else f"{attribute.minimum:g}"
    high = "…" if attribute.maximum is None else f"{attribute.maximum:g}"
    return f"{low} – {high} {attribute.unit or ''}".strip()


def _without_failed(text: Column, found: Column, reason: str, name: str, verdict: Verdict) -> Column:
    verdict.warn(arrow.is_null(found) & ~arrow.is_null(text), reason, name, shown(text))
    return found
