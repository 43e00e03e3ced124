"""The receipt of a load: every row accounted for, and how it was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from msgspec import Struct, field
from msgspec.structs import fields

from loaders.findings import Finding, Findings
from twin.errors import Language


class Receipt(Struct):
    """What became of a file: ``read`` = ``new`` + ``changed`` + ``same`` + ``rejected``.

    ``notes`` are stable words on what was assumed: ``key.none`` (places are the keys), ``key.assumed``,
    ``crs.assumed`` (longitude and latitude of WGS 84, by the columns' names), ``kind.assumed`` (by all that
    the file shows). ``assumed`` are fields with their columns that were taken by a unit in the heading or the
    shape of the values. ``parents_by_place`` counts the new and changed assets that now belong to the one
    they stand in. ``linked`` counts the rows that became a further source of another dataset's asset,
    ``unlinked`` those that were one and that the source has dropped. ``accuracy`` is the operation's, in
    metres, None where nobody states it. ``attribution`` is whom to name as the source, None where nobody
    says; ``rejects`` the name of the file of rejected rows, if there were any. An ``aborted`` load changed
    nothing, as rows were rejected. ``seconds`` tells where the time went. ``retired`` counts the assets that
    became retired: by a ``mirror`` those that the source dropped, which are no rows; by a ``delta`` those of
    the ``changed`` rows that say so; by an undo, of the load ``undoes``, those of the changed assets that
    this load had made.
    """

    source: str
    format: str
    kind: str
    dataset: str
    layer: str | None = None
    attribution: str | None = None
    load: int | None = None
    dry_run: bool = False
    mode: str = "upsert"
    aborted: bool = False
    rejects: str | None = None
    read: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    undoes: int | None = None
    retired: int = 0
    parents_by_place: int = 0
    linked: int = 0
    unlinked: int = 0
    encoding: str | None = None
    encoding_found: str | None = None
    key: str | None = None
    mapping: dict[str, object] = field(default_factory=dict)
    unmapped: tuple[str, ...] = ()
    crs: str | None = None
    operation: str | None = None
    accuracy: float | None = None
    notes: list[str] = field(default_factory=list)
    assumed: dict[str, str] = field(default_factory=dict)
    swept: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    rejections: Findings = field(default_factory=Findings)
    warnings: Findings = field(default_factory=Findings)

    @property
    def rejected(self) -> int:
        """The rows that were left out."""
        return self.rejections.total

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time that the block takes to a stage."""
        start = perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + perf_counter() - start

    def as_json(self, lang: Language = "en") -> dict[str, object]:
        """The receipt for programs; findings in the words of ``lang``."""
        return {
            "read": self.read,
            "new": self.new,
            "changed": self.changed,
            "same": self.same,
            "rejected": self.rejected,
            "parents_by_place": self.parents_by_place,
            "linked": self.linked,
            "unlinked": self.unlinked,
            "load": self.load,
            **({} if self.undoes is None else {"undoes": self.undoes}),
            "mode": self.mode,
            "retired": self.retired,
            "dry_run": self.dry_run,
            "aborted": self.aborted,
            "rejects": self.rejects,
            "dataset": self.dataset,
            "attribution": self.attribution,
            "kind": self.kind,
            "source": self.source,
            "format": self.format,
            "layer": self.layer,
            "encoding": self.encoding,
            "encoding_found": self.encoding_found,
            "key": self.key,
            "mapping": self.mapping,
            "unmapped": list(self.unmapped),
            "crs": self.crs,
            "operation": self.operation,
            "accuracy": self.accuracy,
            "notes": self.notes,
            "assumed": self.assumed,
            "reasons": dict(sorted(self.rejections.counts.items())),
            "rejections": [finding.as_json(lang) for finding in self.rejections.kept],
            "warning_reasons": dict(sorted(self.warnings.counts.items())),
            "warnings": [finding.as_json(lang) for finding in self.warnings.kept],
            "started": self.started.isoformat(timespec="milliseconds"),
            "seconds": {stage: round(taken, 3) for stage, taken in self.seconds.items()},
        }

    def as_record(self) -> dict[str, object]:
        """The receipt as it is kept, from which ``of_record`` makes it again for any language."""
        findings = {"rejections": self.rejections, "warnings": self.warnings}
        kept = {name: [one.as_record() for one in some.kept] for name, some in findings.items()}
        return {**self.as_json(), **kept}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Receipt:
        """The receipt that was kept."""
        plain = {one.name for one in fields(cls)} & set(record)
        plain -= {"rejected", "rejections", "warnings", "started", "unmapped"}
        return cls(
            **{name: record[name] for name in plain},
            unmapped=tuple(record["unmapped"]),
            started=datetime.fromisoformat(record["started"]),
            rejections=_findings(record["reasons"], record["rejections"]),
            warnings=_findings(record["warning_reasons"], record["warnings"]),
        )


def _findings(counts: Mapping[str, int], kept: list[Mapping[str, Any]]) -> Findings:
    return Findings(counts, map(Finding.of_record, kept))
