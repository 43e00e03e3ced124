"""Which columns fill which fields of a kind, by their headings and their values.

The rules and their thresholds are ours; how often they are right is scored in ``tests/answers``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from loaders.inspection.agreement import MOST, Agreement, Fit, agreement, code_kinds, passing
from loaders.inspection.confidence import Confidence, Why
from loaders.inspection.facts import Facts
from loaders.inspection.headings import Heading, heading, initials, tokens
from loaders.mapping import DateOrder
from loaders.plan import meaning_of
from twin.kinds import Kind
from twin.kinds.fields import Field, choice_words, field_names, names_of
from twin.kinds.model import Attribute, Identifier
from twin.kinds.names import normalise_name
from twin.kinds.units import factor

TELLING_CHECKS = frozenset({"vin", "plate", "elevator_registration", "real_estate_unit"})
"""Rules that other values than those they are for hardly ever pass."""
_ENOUGH = 3
"""So many different values, at least, must pass a rule before it proves something."""
_TRIED = 500
"""Different values whose shape is looked at."""
_TWO_SYSTEMS = frozenset({"m", "mm", "m²", "m³", "kg", "m/s", "km/h"})
"""Units of fields that others write in feet, inches, pounds or miles."""
_METRIC_BY_STANDARD = frozenset({"gj", "dn", "qdms", "zdms", "welldeep"})
"""Columns whose unit a standard sets: CJJ 61's tables [S], nominal diameters."""

_CALLED = Why("called as the field is", "列名即字段名")
_UNIT = Why("the heading names the unit", "列名含单位")
_VALUES = Why("the values are such", "取值符合")
_EMPTY = Why("no value to judge by", "无值可判断")
_NO_UNIT = Why("nothing says the unit", "未注明单位")
_UNFIT = Why("few values are such", "取值多不符合")
_PART = Why("the heading holds the field's name", "列名含字段名")
_CUT = Why("the heading may be cut off", "列名可能被截断")
_INITIALS = Why("the initials of the field's name in pinyin", "字段名的拼音首字母")
_WORDS = Why("the values are the field's words", "取值为该字段的词语")
_RIVALS = Why("another column is called so, too", "另有列名相同含义的列")
_SHORT = Why("so short a heading means many things", "列名过短，含义不明")


class FieldGuess(Struct, frozen=True):
    """A column that fills a field, in ``unit`` and date ``order`` where they are to be said."""

    column: str
    target: Field
    confidence: Confidence
    why: Why
    order: DateOrder | None = None

    @property
    def unit(self) -> str | None:
        """The unit of the column's numbers, where it is not the field's own."""
        return self.target.unit


class _Candidate(Struct, frozen=True):
    guess: FieldGuess
    rank: int


def propose_fields(
    kind: Kind, columns: Sequence[Facts], taken: Iterable[str] = (), *, only_certain: bool = False
) -> list[FieldGuess]:
    """At most one column for each field and one field for each column, the surest first served.

    Columns in ``taken`` serve another purpose. Fields of the key are left to ``propose_key``.
    """
    away, names = set(taken), field_names(kind)
    found = [
        candidate
        for facts in columns
        if facts.name not in away
        for candidate in _candidates(kind, names, facts, only_certain=only_certain)
        if candidate.guess.target.name != "source_key"
        and (candidate.guess.confidence is Confidence.CERTAIN or not only_certain)
    ]
    found = _without_rivals(found)
    found.sort(key=lambda one: (-one.guess.confidence, one.rank))
    chosen: dict[tuple[str, str], FieldGuess] = {}
    used: set[str] = set()
    for candidate in found:
        target = (candidate.guess.target.where, candidate.guess.target.name)
        if target not in chosen and candidate.guess.column not in used:
            chosen[target] = candidate.guess
            used.add(candidate.guess.column)
    places = {facts.name: place for place, facts in enumerate(columns)}
    return sorted(chosen.values(), key=lambda guess: places[guess.column])


def _without_rivals(found: list[_Candidate]) -> list[_Candidate]:
    """The candidates, of which none is certain where several columns certainly are one field."""
    claims = Counter(one.guess.target.name for one in found if one.guess.confidence is Confidence.CERTAIN)

    def settled(one: _Candidate) -> _Candidate:
        guess = one.guess
        if guess.confidence is not Confidence.CERTAIN or claims[guess.target.name] == 1:
            return one
        return replace(one, guess=replace(guess, confidence=Confidence.LIKELY, why=guess.why + _RIVALS))

    return [settled(one) for one in found]


def _candidates(
    kind: Kind, names: Mapping[str, Field], facts: Facts, *, only_certain: bool
) -> Iterator[_Candidate]:
    ranks = {name: place for place, name in enumerate(names)}
    head = heading(facts.name)
    by_name = named_field(head, names)
    if by_name is not None:
        target, rank_name, why = by_name
        yield _Candidate(_judged(kind, facts, head, target, why), ranks[rank_name])
        return
    yield from _by_shape(kind, facts, len(ranks))
    if not only_certain:
        yield from _by_words(kind, facts, len(ranks))
        yield from _resembling(kind, facts, head, len(ranks))


def named_field(head: Heading, names: Mapping[str, Field]) -> tuple[Field, str, Why] | None:
    """The field that is called as the whole heading is, or as what stands before its unit."""
    if head.plain in names:
        return names[head.plain], head.plain, _CALLED
    if head.bare in names and head.bare is not None:
        target = names[head.bare]
        return Field(target.where, target.name, head.unit), head.bare, _CALLED + _UNIT
    return None


def _judged(kind: Kind, facts: Facts, head: Heading, target: Field, why: Why) -> FieldGuess:
    """The guess for a column that is called as a field is."""
    meaning = meaning_of(kind, target)
    if target.unit and (
        not isinstance(meaning, Attribute) or factor(target.unit, meaning.unit or "") is None
    ):
        return FieldGuess(facts.name, replace(target, unit=None), Confidence.GUESS, _PART)
    found = agreement(meaning, facts, target.unit)
    target = _with_unit(target, meaning, found)
    if found.fit is Fit.UNKNOWN:
        return FieldGuess(facts.name, target, Confidence.LIKELY, why + _EMPTY)
    if found.fit <= Fit.POOR:
        return FieldGuess(facts.name, target, Confidence.GUESS, why + _UNFIT, found.order)
    if _unit_unclear(meaning, target, facts, head):
        return FieldGuess(facts.name, target, Confidence.LIKELY, why + _NO_UNIT)
    if found.fit is Fit.GOOD and _means_many_things(meaning, head):
        return FieldGuess(facts.name, target, Confidence.LIKELY, why + _SHORT)
    return FieldGuess(facts.name, target, Confidence.CERTAIN, why + _VALUES, found.order)


def _with_unit(target: Field, meaning: Attribute | Identifier, found: Agreement) -> Field:
    own = meaning.unit if isinstance(meaning, Attribute) else None
    unit = target.unit or found.unit
    return replace(target, unit=None if unit == own else unit)


def _unit_unclear(meaning: Attribute | Identifier, target: Field, facts: Facts, head: Heading) -> bool:
    """Whether the numbers may be in feet as well as in metres: neither heading nor values say."""
    if not isinstance(meaning, Attribute) or meaning.unit not in _TWO_SYSTEMS or target.unit:
        return False
    said = head.unit is not None or head.is_chinese or head.plain in _METRIC_BY_STANDARD
    return not said and facts.written_unit[1] < 0.95


def _means_many_things(meaning: Attribute | Identifier, head: Heading) -> bool:
    """Whether a text's or number's heading is one short word that other things are called by, too."""
    if isinstance(meaning, Attribute) and meaning.type in ("choice", "date"):
        return False
    if head.plain in _PLAIN_NAMES | _METRIC_BY_STANDARD or not head.plain.isascii():
        return len(head.plain) == 1
    return len(head.tokens) == 1 and len(head.plain) <= 5


_PLAIN_NAMES = frozenset({"name", "owner", "maker", "floors", "stops", "doors", "lanes", "bin"})
"""Short words that mean one thing."""


def _by_shape(kind: Kind, facts: Facts, rank: int) -> Iterator[_Candidate]:
    """Fields that the values alone prove: identifiers with a check, asset codes."""
    if len(facts.counts) < _ENOUGH:
        return
    some = facts.first(_TRIED)
    checked = [(Field("identifier", one.scheme), one.check) for one in kind.identifiers if one.check]
    for target, rule in checked:
        if rule in TELLING_CHECKS and passing(some, rule) >= 0.9:
            yield _Candidate(FieldGuess(facts.name, target, Confidence.CERTAIN, _VALUES), rank)
    if some.share(lambda value: kind.name in code_kinds(value)) >= 0.9:
        yield _Candidate(FieldGuess(facts.name, Field("common", "code"), Confidence.CERTAIN, _VALUES), rank)


def _by_words(kind: Kind, facts: Facts, rank: int) -> Iterator[_Candidate]:
    """The choices that almost all values are words of, if those of no other field are."""
    fitting = []
    for attribute in kind.attributes:
        words = choice_words(attribute) if attribute.type == "choice" else {}
        known = {value for value in facts.counts if normalise_name(value) in words}
        if len(known) >= 2 and facts.share(known.__contains__) >= MOST:
            fitting.append((attribute, len(known)))
    if len(fitting) == 1:
        attribute, known_words = fitting[0]
        sure = Confidence.LIKELY if known_words >= _ENOUGH else Confidence.GUESS
        yield _Candidate(FieldGuess(facts.name, Field("attribute", attribute.name), sure, _WORDS), rank)


def _resembling(kind: Kind, facts: Facts, head: Heading, rank: int) -> Iterator[_Candidate]:
    """Fields whose names the heading holds, begins with or abbreviates, if the values agree."""
    seen: set[tuple[str, str]] = set()
    for name, target in names_of(kind):
        found = _resemblance(head, name)
        if found is None or (target.where, target.name) in seen:
            continue
        seen.add((target.where, target.name))
        why, confidence = found
        meaning = meaning_of(kind, target)
        unit = head.unit or target.unit
        if unit and (not isinstance(meaning, Attribute) or factor(unit, meaning.unit or "") is None):
            continue
        judged = agreement(meaning, facts, unit)
        if judged.fit <= Fit.POOR:
            continue
        settled = _with_unit(replace(target, unit=unit), meaning, judged)
        if _unit_unclear(meaning, settled, facts, head):
            confidence, why = Confidence.GUESS, why + _NO_UNIT
        guess = FieldGuess(facts.name, settled, confidence, why + _VALUES, judged.order)
        yield _Candidate(guess, rank + abs(len(head.plain) - len(normalise_name(name))))


def _resemblance(head: Heading, name: str) -> tuple[Why, Confidence] | None:
    plain = normalise_name(name)
    bare = head.bare or head.plain
    if not plain.isascii():
        if len(plain) >= 2 and (bare.endswith(plain) or (len(plain) >= 4 and plain in bare)):
            return _PART, Confidence.LIKELY
        if len(plain) >= 2 and head.plain.isascii() and head.plain.upper() == initials(plain):
            return _INITIALS, Confidence.GUESS
        return (_CUT, Confidence.LIKELY) if 3 <= len(bare) < len(plain) and plain.startswith(bare) else None
    if len(head.text) >= 8 and len(plain) > len(head.plain) and plain.startswith(head.plain):
        return _CUT, Confidence.LIKELY
    words = tokens(name)
    held = set(words) <= set(head.tokens)
    return (_PART, Confidence.GUESS) if held and (len(words) > 1 or len(plain) >= 5) else None
