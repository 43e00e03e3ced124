"""Which codes that come in a file become the assets' own, and which are only kept as identifiers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from twin.identity import ParsedCode, scheme_for_division, schemes
from twin.identity.column import Reading, read_column
from twin.identity.errors import CodeMalformed

COMPONENT_CODE = "component_code"
"""The identifier scheme of a code that was not adopted."""

Reason = Literal["code.malformed", "code.checkdigit", "code.division", "code.class"]


class Adoption(NamedTuple):
    """What becomes of one code: ``code`` is adopted; else ``kept`` is its text, and ``reason`` says why."""

    code: ParsedCode | None = None
    kept: str | None = None
    reason: Reason | None = None


NOTHING = Adoption()


def adopt_column(
    values: Sequence[str | None], kind: str, classes: Collection[tuple[str, ...]]
) -> list[Adoption]:
    """What becomes of each of ``values``, the official codes in a column of a file of ``kind``.

    ``classes`` are the numbers of each of the kind's classes (``ClassCode.numbers``). A code is adopted if
    the scheme that its division issues codes by reads it, its class is the kind's, and its check digit, if
    there is one, is right. Every other is kept, with its reason, as an identifier of the scheme
    ``component_code``. Empty values become ``NOTHING``.
    """
    adoptions = [NOTHING] * len(values)
    pending = {row: value.strip() for row, value in enumerate(values) if value and value.strip()}
    reasons: dict[int, Reason] = {}
    for scheme in schemes().values():
        owned = frozenset(number for numbers in classes for number in scheme.numbers_for(kind, numbers))
        issues = lru_cache(maxsize=4_096)(
            lambda division, scheme=scheme: scheme_for_division(division) is scheme
        )
        readings = read_column(scheme, list(pending.values()))
        for row, reading in zip(list(pending), readings, strict=True):
            if reading is CodeMalformed:
                continue
            reason = _obstacle(reading, owned, issues)
            if reason is None and isinstance(reading, ParsedCode):
                adoptions[row] = Adoption(code=reading)
                del pending[row]
            elif reason is not None:
                reasons[row] = reason
    for row, text in pending.items():
        adoptions[row] = Adoption(kept=text, reason=reasons.get(row, "code.malformed"))
    return adoptions


def _obstacle(reading: Reading, owned: Collection[str], issues: Callable[[str], bool]) -> Reason | None:
    """Why a code that has the scheme's layout is not adopted; None when it is."""
    if not isinstance(reading, ParsedCode):
        return "code.checkdigit"
    if not issues(reading.division):
        return "code.division"
    return "code.class" if reading.class_code not in owned or reading.sequence == 0 else None
