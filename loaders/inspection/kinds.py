"""Of which kind the rows are: a score over all kinds, from names, columns, geometry and values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from loaders.inspection.agreement import Fit, agreement, code_kinds, passing
from loaders.inspection.confidence import Confidence, Why
from loaders.inspection.facts import Facts
from loaders.inspection.fields import TELLING_CHECKS, named_field
from loaders.inspection.headings import Heading, heading, tokens
from loaders.inspection.naming import Named
from loaders.plan import meaning_of
from twin.kinds import Kind, all_kinds
from twin.kinds.fields import Field, choice_words, field_names
from twin.kinds.model import Attribute, Identifier
from twin.kinds.names import normalise_name

_WHOLE_NAME, _PART_OF_NAME = 3.0, 2.0
_SHAPE, _CODES = 3.0, 5.0
_SURE, _PROBABLE, _POSSIBLE = 3.0, 2.0, 1.0
_APART = 2.0
"""A kind that is certain has at least this many times the score of the next."""
_TRIED = 200
"""Different values of a column whose shape is looked at."""


class KindGuess(Struct, frozen=True):
    """A kind that the rows may be of, with its score."""

    kind: str
    confidence: Confidence
    score: float
    why: Why


def propose_kinds(
    named: Named, columns: Sequence[Facts], types: Mapping[str, int], *, positioned: bool
) -> list[KindGuess]:
    """The kinds that the rows may be of, the likeliest first.

    A kind that another layer of the file is called by is not certain here. ``types`` counts the geometry
    types, and ``positioned`` tells that positions stand in columns.
    """
    kinds = [k for k in all_kinds().values() if _has_shape(k, types, positioned=positioned)]
    owners = _field_owners(columns)
    coded = _codes(columns)
    scored = [
        (sum(points for points, _ in found), kind, [why for _, why in found])
        for kind in kinds
        if (found := list(_evidence(kind, named.own, columns, owners, coded)))
    ]
    scored.sort(key=lambda one: -one[0])
    best = [score for score, _, _ in scored]
    guesses = []
    for place, (score, kind, reasons) in enumerate(scored):
        rival = next((other for n, other in enumerate(best) if n != place), 0.0)
        confidence = _confidence(score, rival)
        if confidence is Confidence.CERTAIN and _is_called_elsewhere(kind, named):
            confidence = Confidence.LIKELY
        if confidence is not None:
            why = reasons[0]
            for reason in reasons[1:3]:
                why = why + reason
            guesses.append(KindGuess(kind.name, confidence, round(score, 2), why))
    return guesses


def _is_called_elsewhere(kind: Kind, named: Named) -> bool:
    """Whether another layer is called as the kind is, and this one is not."""
    return _named(kind, named.own[:1]) is None and any(_named(kind, [name]) for name in named.other)


def _confidence(score: float, rival: float) -> Confidence | None:
    if score >= _SURE and score >= _APART * rival:
        return Confidence.CERTAIN
    if score >= _PROBABLE and score > rival:
        return Confidence.LIKELY
    return Confidence.GUESS if score >= _POSSIBLE else None


def _has_shape(kind: Kind, types: Mapping[str, int], *, positioned: bool) -> bool:
    """Whether the kind can have the geometry that most rows have."""
    if not types:
        return not positioned or "Point" in kind.geometry
    allowed = {*kind.geometry, *(f"Multi{name}" for name in kind.geometry)}
    fitting = sum(count for name, count in types.items() if name in allowed or not name)
    return 2 * fitting >= sum(types.values())


def _evidence(
    kind: Kind,
    names: Sequence[str],
    columns: Sequence[Facts],
    owners: Mapping[str, int],
    coded: Counter[str],
) -> Iterator[tuple[float, Why]]:
    named = _named(kind, names)
    if named:
        yield named
    if _exported(columns) == {kind.name}:
        yield _CODES, Why("an export that says so", "导出文件已注明")
    if coded.get(kind.name, 0) >= 0.5 * coded.total() > 0:
        yield _CODES, Why("asset codes of its classes", "部件编码属其类别")
    yield from _columns(kind, columns, owners)
    for one in kind.identifiers:
        if one.check in TELLING_CHECKS:
            bearing = [facts.name for facts in columns if _passes(facts, one.check)]
            if bearing:
                yield _SHAPE, Why(f"{bearing[0]} holds {one.en.lower()}s", f"{bearing[0]} 为{one.zh}")


def _columns(kind: Kind, columns: Sequence[Facts], owners: Mapping[str, int]) -> Iterator[tuple[float, Why]]:
    """The columns that are called as attributes of the kind and have such values.

    One that several kinds have counts the less; one of words that the kind knows counts twice.
    """
    fields, points, shared = field_names(kind), 0.0, list[str]()
    for facts in columns:
        head = heading(facts.name)
        target = _own_field(head, fields)
        if target is None:
            continue
        meaning = meaning_of(kind, target)
        if agreement(meaning, facts, target.unit or head.unit).fit <= Fit.POOR:
            continue
        points += (1.0 + _words_agree(meaning, facts)) / owners[facts.name]
        shared.append(facts.name)
    if shared:
        listed = ", ".join(shared[:4]) + (" …" if len(shared) > 4 else "")
        yield points, Why(f"columns {listed}", f"列 {listed}")


def _own_field(head: Heading, fields: Mapping[str, Field]) -> Field | None:
    """The attribute or identifier that a column is called as; shared fields tell no kind."""
    named = named_field(head, fields)
    return named[0] if named is not None and named[0].where != "common" else None


def _exported(columns: Sequence[Facts]) -> set[str]:
    """The kinds of the rows of a file that ``twin export`` wrote; empty for any other file."""
    by_name = {facts.name: facts for facts in columns}
    if not by_name.keys() >= {"dataset", "source_key", "kind"}:
        return set()
    return set(by_name["kind"].counts) & set(all_kinds())


def _passes(facts: Facts, rule: str) -> bool:
    return len(facts.counts) >= 3 and passing(facts.first(_TRIED), rule) >= 0.9


def _words_agree(meaning: Attribute | Identifier, facts: Facts) -> bool:
    if not isinstance(meaning, Attribute) or meaning.type != "choice":
        return False
    words = choice_words(meaning)
    known = [value for value in facts.counts if normalise_name(value) in words]
    return len(known) >= 2 and facts.share(lambda value: normalise_name(value) in words) >= 0.9


def _field_owners(columns: Sequence[Facts]) -> dict[str, int]:
    """In how many kinds a column is called as an attribute or identifier of theirs is."""
    count: dict[str, int] = {}
    names = [field_names(kind) for kind in all_kinds().values()]
    for facts in columns:
        head = heading(facts.name)
        owning = 0
        for fields in names:
            owning += _own_field(head, fields) is not None
        count[facts.name] = max(1, owning)
    return count


def _named(kind: Kind, names: Sequence[str]) -> tuple[float, Why] | None:
    """What the names of layer and file say for a kind; the nearer name goes first."""
    for name in names:
        best = _mention(name)
        if best is not None:
            owner, whole = best
            if owner != kind.name:
                return None
            return (_WHOLE_NAME if whole else _PART_OF_NAME), Why(f"called {name}", f"名称为 {name}")
    return None


def _mention(name: str) -> tuple[str, bool] | None:
    """The kind that a name mentions last, and whether that is all the name says."""
    plain = normalise_name(name)
    spaced = " ".join(word for word in tokens(name))
    found: list[tuple[int, int, str, str]] = []
    for kind in all_kinds().values():
        for word in {kind.name, kind.plural, kind.en, kind.zh, *kind.words}:
            end = _end(spaced, plain, word)
            if end is not None:
                found.append((end, len(word), kind.name, word))
    if not found:
        return None
    _, _, owner, word = max(found)
    bare = "".join(character for character in plain if not character.isdigit())
    return owner, bare == normalise_name(word)


def _end(spaced: str, plain: str, word: str) -> int | None:
    """Where a word ends in a name, counted so that later is more; None where it does not occur."""
    if word.isascii():
        sought = " ".join(tokens(word))
        place = f" {spaced} ".rfind(f" {sought} ")
        return None if place < 0 else place + len(sought)
    place = plain.rfind(normalise_name(word))
    return None if place < 0 else place + len(normalise_name(word))


def _codes(columns: Sequence[Facts]) -> Counter[str]:
    """Of the values of the column that holds most asset codes, the kinds of those codes."""
    best: Counter[str] = Counter()
    for facts in columns:
        if len(facts.counts) < 3 or (facts.lettered > 0.5 and facts.numeric < 0.5):
            continue
        tried = list(facts.counts)[:_TRIED]
        found = Counter(kind for value in tried for kind in code_kinds(value))
        if found.total() >= 0.9 * len(tried) and found.total() > best.total():
            best = found
    return best
