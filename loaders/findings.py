"""What was found in the rows: every finding counted, the first thousand that are found kept whole."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from msgspec import Struct

from loaders import arrow, reasons
from loaders.arrow import Column
from spatial.arrays import BoolArray, Int64Array
from twin.errors import Language

KEPT = 1_000
"""Findings that a receipt shows; the others are only counted."""

SHOWN = 200
"""Characters of a value that are shown."""

Values = Callable[[Int64Array], Sequence[object]]
"""The values at some places of a batch, for those findings that are kept."""


def shown(column: Column) -> Values:
    """The values of a column, as findings show them."""

    def values(places: Int64Array) -> Sequence[object]:
        return arrow.take(column, places).to_pylist()

    return values


class Finding(Struct, frozen=True):
    """One thing found: the row's place in the file, its key, the field, the value as it came, the reason."""

    row: int
    field: str | None
    value: str | None
    reason: str
    facts: Mapping[str, str]
    key: str | None = None

    def as_json(self, lang: Language) -> dict[str, object]:
        """The finding with its words in ``lang``."""
        words = reasons.text(self.reason, self.facts, lang)
        return {
            "row": self.row,
            "key": self.key,
            "field": self.field,
            "value": self.value,
            "reason": self.reason,
            "text": words,
        }

    def as_record(self) -> dict[str, object]:
        """The finding to be kept: in English, and with the facts that its words name."""
        return {**self.as_json("en"), "facts": dict(self.facts)}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Finding:
        """The finding that was kept."""
        row, field_, value, reason, key = (record[n] for n in ("row", "field", "value", "reason", "key"))
        facts = record.get("facts") or defaultdict(lambda: "…")
        return cls(row, field_, value, reason, facts, key)


class Journal(Protocol):
    """Where every finding is written down, also those that a receipt only counts."""

    def write(self, findings: Sequence[Finding]) -> None:
        """Keep these findings; what is found later may be of earlier rows."""


class Findings:
    """Rejections, or warnings; a ``journal`` takes down all of them."""

    def __init__(self, counts: Mapping[str, int] | None = None, kept: Iterable[Finding] = ()) -> None:
        self.counts: Counter[str] = Counter(counts)
        self.journal: Journal | None = None
        self._kept: list[Finding] = list(kept)

    @property
    def total(self) -> int:
        """How many there are."""
        return self.counts.total()

    @property
    def kept(self) -> list[Finding]:
        """Those that are kept, in the order of the rows."""
        return sorted(self._kept, key=lambda finding: finding.row)

    def add(self, *findings: Finding) -> None:
        """Count some, and keep those for which there is room."""
        self.counts.update(finding.reason for finding in findings)
        self._kept += findings[: self.room()]
        if self.journal is not None:
            self.journal.write(findings)

    def count(self, reason: str, number: int) -> None:
        """Count some that cannot be kept."""
        if number:
            self.counts[reason] += number

    def room(self) -> int:
        """How many more can be kept."""
        return KEPT - len(self._kept)

    def wanted(self) -> int | None:
        """How many more are asked for with all that is known of them; None: every one."""
        return self.room() if self.journal is None else None


Facts = Callable[[int], Mapping[str, str]]
"""What a reason's words name, by place in the batch."""


class Shown(Struct, frozen=True):
    """How findings are shown: the field, its values, and what the words name."""

    field: str | None = None
    values: Values | None = None
    facts: Facts | None = None


class Verdict:
    """The judgement on one batch: which rows stand (``alive``, all at first), and what was found in them."""

    def __init__(
        self, numbers: Int64Array, rejections: Findings, warnings: Findings, keys: Column | None = None
    ) -> None:
        self.numbers = numbers
        self.rejections = rejections
        self.warnings = warnings
        self.keys = keys
        self.alive: BoolArray = np.ones(len(numbers), dtype=np.bool_)

    def of(self, mask: BoolArray) -> Verdict:
        """A judgement on the rows of the mask alone, of which nothing is found yet; all of them stand."""
        keys = None if self.keys is None else arrow.take(self.keys, mask)
        return Verdict(self.numbers[mask], self.rejections, self.warnings, keys)

    def reject(
        self,
        mask: BoolArray,
        reason: str,
        name: str | None = None,
        values: Values | None = None,
        facts: Facts | None = None,
    ) -> None:
        """Leave out the rows of the mask; a row that is out already keeps its first reason."""
        self._find(self.rejections, mask, reason, Shown(name, values, facts))
        self.alive &= ~mask

    def warn(
        self,
        mask: BoolArray,
        reason: str,
        name: str | None = None,
        values: Values | None = None,
        facts: Facts | None = None,
    ) -> None:
        """Note something about the rows of the mask that stand."""
        self._find(self.warnings, mask, reason, Shown(name, values, facts))

    def _find(self, findings: Findings, mask: BoolArray, reason: str, shown: Shown) -> None:
        places = np.flatnonzero(mask & self.alive)
        if not len(places):
            return
        kept = places[: findings.wanted()]
        values = shown.values(kept) if shown.values else [None] * len(kept)
        keys = [None] * len(kept) if self.keys is None else arrow.take(self.keys, kept).to_pylist()
        findings.add(
            *(
                Finding(
                    int(self.numbers[place]),
                    shown.field,
                    None if value is None else _as_text(value)[:SHOWN],
                    reason,
                    shown.facts(place) if shown.facts else {},
                    key,
                )
                for place, value, key in zip(kept.tolist(), values, keys, strict=True)
            )
        )
        findings.count(reason, len(places) - len(kept))


def _as_text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
