"""A load in batches: each is merged and committed by itself, together with how far the load has come.

So a load that was killed can go on behind its last batch. What it knew is read again from the registry (its
receipt so far, what it rejected) and from the file (which keys have come already).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import orjson
import psycopg
from msgspec import Struct, field
from msgspec.structs import replace
from psycopg.types.json import Jsonb

from loaders.errors import BatchNeeded, LoadUnfinished, OptionsClash, ResumeRefused, ResumeUnsure
from loaders.findings import Finding, Journal
from loaders.formats import Rows
from loaders.job import Job
from loaders.keys import fingerprint
from loaders.locations import Address
from loaders.merge import analyze
from loaders.modes import RETIRING
from loaders.prepare import Options
from loaders.receipt import Receipt
from loaders.road import Road
from loaders.snapshot import FileChanged, FileChangedLater, Snapshot
from twin.errors import TwinError, sentence
from twin.registry.partitions import parts
from twin.registry.statements import statement

_RESTORED = ("load", "started", "read", "new", "changed", "same", "parents_by_place", "linked", "seconds")


def require_compatible(options: Options) -> None:
    """Raise ``OptionsClash`` or ``BatchNeeded``."""
    if options.resume and options.batch is None:
        raise BatchNeeded
    if options.resume and options.dry_run:
        raise OptionsClash(one="--resume", other="--dry-run")
    if options.batch is not None and options.on_error == "abort":
        raise OptionsClash(one="--batch", other="--on-error abort")
    if options.batch is not None and options.mode in RETIRING:
        raise OptionsClash(one="--batch", other=f"--mode {options.mode}")


class Batches(Struct):
    """How a load's rows are parted; with a ``size`` of None all of them are one batch.

    ``digest`` tells whether a file is read as it was by an earlier run of the load. ``done`` is the last row
    that is registered, None while there is none; ``journal`` gets every rejection.
    """

    job: Job
    size: int | None
    digest: str
    journal: Journal | None
    done: int | None = None
    registered: int = 0
    _row: int = 0
    _room: int = 0
    _committed: int = 0
    _rejected: list[Finding] = field(default_factory=list)

    @classmethod
    def begun(cls, job: Job, road: Road, options: Options, file: Snapshot) -> Batches:
        """At the beginning, or behind the last batch of an unfinished load.

        Raises ``ResumeRefused`` where that was of another file, or of the same read otherwise.
        """
        digest = f"{fingerprint(road.seed, road.ready.source.layer, *file.facts()):016x}"
        size = None if options.dry_run else options.batch
        batches = cls(job, size, digest, job.receipt.rejections.journal, _room=size or 0)
        if size is not None:
            batches._take_up(file) if options.resume else job.run("forget_rejected")
            job.receipt.rejections.journal = batches
        return batches

    def cut(self, rows: Rows, road: Road) -> Iterator[tuple[Rows, bool]]:
        """The rows that are left to do, and whether a batch ends with them."""
        passed, rows = _split(rows, self.done or 0)
        road.pass_over(passed)
        numbers = np.sort(np.concatenate([rows.numbers, [line.number for line in rows.unread]]))
        while len(numbers) >= self._room:
            self._row = int(numbers[self._room - 1])
            numbers = numbers[self._room :]
            part, rows = _split(rows, self._row)
            yield part, True
        if len(numbers):
            self._row = int(numbers[-1])
            self._room -= len(numbers)
            yield rows, False

    def write(self, findings: Sequence[Finding]) -> None:
        """Take down rejections."""
        self._rejected.extend(findings)
        if self.journal is not None:
            self.journal.write(findings)

    def keep(self, *, ended: bool) -> None:
        """Write how far the load has come, within the transaction that merges a batch."""
        if self.size is None:
            return
        stands = {"row": self._row, "digest": self.digest}
        self.job.run("keep_stand", {"stands": None if ended else Jsonb(stands)})
        if ended:
            self.job.run("forget_rejected")
        else:
            self._keep_rejected()

    def next(self) -> None:
        """Begin the next batch: one is committed."""
        self.done, self._room = self._row, self.size or 0
        self._rejected.clear()
        self.job.stage.empty()
        self.registered += 1
        self._committed += 1
        if self._committed.bit_count() == 1:  # the planner knows the tables as they double
            analyze(self.job.connection, parts(self.job.connection, self.job.kind))

    @contextmanager
    def told(self) -> Iterator[None]:
        """Say of what ends a load when some of it is registered that the rest is to be gone on with."""
        try:
            yield
        except (TwinError, psycopg.OperationalError, psycopg.errors.UniqueViolation) as error:
            if self.done is None:
                raise
            facts = {"load": self.job.receipt.load, "row": self.done}
            if isinstance(error, FileChanged):
                raise FileChangedLater(**error.details, **facts) from error
            reason = error if isinstance(error, TwinError) else sentence(error)
            raise LoadUnfinished(dataset=self.job.receipt.dataset, reason=reason, **facts) from error

    def _take_up(self, file: Snapshot) -> None:
        job = self.job
        found = job.connection.execute(statement("loaders", "unfinished_load"), job.facts).fetchone()
        if found is None:
            job.receipt.notes.append("resume.nothing")
            return
        number, record, stands, registered = found
        if isinstance(file.location, Address):
            raise ResumeUnsure(load=number, dataset=job.receipt.dataset)
        if stands["digest"] != self.digest:
            raise ResumeRefused(load=number, dataset=job.receipt.dataset)
        self.done = self._row = stands["row"]
        self.registered = registered
        analyze(job.connection, parts(job.connection, job.kind))
        _restore(job.receipt, Receipt.of_record(record))
        if self.journal is not None:
            with job.connection.cursor() as cursor:
                cursor.execute(statement("loaders", "rejected_so_far"), job.facts)
                self.journal.write([Finding(*row) for row in cursor])

    def _keep_rejected(self) -> None:
        command = (
            "COPY twin.load_rejection (load_id, row_number, field, value, reason, facts, key) FROM STDIN"
        )
        with self.job.connection.cursor() as cursor, cursor.copy(command) as copy:
            for one in self._rejected:
                facts = Jsonb(dict(one.facts), dumps=orjson.dumps)
                copy.write_row(
                    (self.job.receipt.load, one.row, one.field, one.value, one.reason, facts, one.key)
                )


def _restore(receipt: Receipt, was: Receipt) -> None:
    """The receipt as it stood after the last batch."""
    for name in _RESTORED:
        setattr(receipt, name, getattr(was, name))
    receipt.rejections, receipt.warnings = was.rejections, was.warnings
    receipt.notes.append("load.resumed")


def _split(rows: Rows, number: int) -> tuple[Rows, Rows]:
    """The rows up to a number, and those behind it."""
    early = rows.numbers <= number
    unread = [line for line in rows.unread if line.number <= number]
    late = [line for line in rows.unread if line.number > number]
    return replace(rows.take(early), unread=unread), replace(rows.take(~early), unread=late)
