"""Which column tells the rows apart."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from loaders.inspection.confidence import Confidence, Why
from loaders.inspection.facts import Facts
from loaders.inspection.fields import FieldGuess
from loaders.inspection.headings import heading
from twin.kinds import Kind
from twin.kinds.fields import field_names

_ROW_NUMBERS = frozenset({"fid", "oid", "objectid", "id", "ogcfid", "gid", "序号"})
"""Columns that programs fill with the row's number, which may be another in the next export."""
_NAMED_LIKE_A_KEY = re.compile(
    r"(?i)(.*[_\s])?(id|key|code|no|number|guid|uuid)|.*[a-z]I[Dd]|.*(编号|编码|代码|号码|号)"
)

_ALMOST = 0.98
"""Different values for each row that a key has at least."""

BY_FORMAT = Why("the format knows its rows by it", "格式以此识别各行")
_UNIQUE = Why(
    "called like a key, and different in all rows or almost all", "列名为主键名，各行（或几乎各行）互不相同"
)
_COUNTED = Why("perhaps only the row's number", "可能只是行号")
_BORNE = Why("an identifier, different in all rows or almost all", "标识号，各行（或几乎各行）互不相同")
_SEEMS = Why("different in all rows or almost all", "各行（或几乎各行）互不相同")


class KeyGuess(Struct, frozen=True):
    """The column that is the key."""

    column: str
    confidence: Confidence
    why: Why


def propose_key(kind: Kind, columns: Sequence[Facts], fields: Sequence[FieldGuess]) -> KeyGuess | None:
    """The column that is called like a key and is one in the sample, else one that at least seems to be.

    A few rows without a value or with one that came before are those files' mistakes.
    """
    names = {name: rank for rank, (name, f) in enumerate(field_names(kind).items()) if f.name == "source_key"}
    unique = [facts for facts in columns if facts.telling >= _ALMOST]
    named = [facts for facts in unique if heading(facts.name).plain in names]
    named.sort(key=lambda one: (_counts_rows(one), names[heading(one.name).plain]))
    borne = {guess.column: guess.confidence for guess in fields if guess.target.where == "identifier"}
    bearing = [facts for facts in unique if facts.name in borne]
    for facts in named:
        if not _counts_rows(facts):
            return KeyGuess(facts.name, Confidence.CERTAIN, _UNIQUE)
    for facts in sorted(bearing, key=lambda one: -one.telling):
        sure = borne[facts.name] if facts.telling == 1 else Confidence.LIKELY
        return KeyGuess(facts.name, max(sure, Confidence.LIKELY), _BORNE)
    for facts in named:
        return KeyGuess(facts.name, Confidence.LIKELY, _UNIQUE + _COUNTED)
    for facts in unique:
        if _NAMED_LIKE_A_KEY.fullmatch(facts.name):
            sure = Confidence.GUESS if heading(facts.name).plain in _ROW_NUMBERS else Confidence.LIKELY
            return KeyGuess(facts.name, sure, _SEEMS)
    return None


def _counts_rows(facts: Facts) -> bool:
    """Whether a column that programs fill with numbers holds 0 or 1 and so on, without a gap."""
    numbers = facts.numbers
    if heading(facts.name).plain not in _ROW_NUMBERS or len(numbers) != facts.rows or not len(numbers):
        return False
    return bool(numbers.min() in (0, 1) and numbers.max() - numbers.min() == len(numbers) - 1)
