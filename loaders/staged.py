"""The road of every load that meets what is registered: through staging tables, settled there, and merged.

Rows are copied as they come; set-wise statements compare them with the registry, and one short transaction
writes what is new or changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import psycopg
from msgspec import Struct, field

from loaders.background import Background
from loaders.coding import Coded, Coder, adopt_codes
from loaders.draft import Draft
from loaders.errors import RowsRejected
from loaders.findings import Verdict
from loaders.job import Job
from loaders.merge import analyze_if_much_changed, merge
from loaders.session import Lent, end, writers
from loaders.settle import number_rest, settle
from twin.registry.database import Connection
from twin.registry.partitions import ensure_further_indexes


class Staged(Struct):
    """Such a load on its way."""

    job: Job
    coder: Coder
    copier: Background = field(default_factory=Background)
    lent: Lent = field(default_factory=Lent)

    def begin(self) -> None:
        """Make the staging tables."""
        self.job.stage.create()
        self.lent = writers(self.job.connection, 1)

    def take(self, draft: Draft, verdict: Verdict) -> None:
        """A batch: coded, and copied into the staging tables while the next one is judged."""
        job = self.job
        if not len(draft):
            return
        with job.receipt.timed("code"):
            coded = self.coder.code(draft, adopt_codes(draft, job.kind, verdict))
        with job.receipt.timed("copy"):
            self.copier.give(partial(self._copy, draft, coded))

    def finish(self, divisions: Sequence[str], keep: Callable[[], None]) -> None:
        """Settle, merge and ``keep`` in one transaction. Raises ``RowsRejected`` as ``on_error`` says."""
        job = self.job
        with job.receipt.timed("copy"):
            self.copier.finish()
        number_rest(job, self.coder)
        with job.receipt.timed("merge"), job.connection.transaction():
            unused = settle(job)
            if job.options.on_error == "abort" and job.receipt.rejected:
                raise RowsRejected
            if not job.receipt.dry_run:
                merge(job, divisions)
                keep()
        self.coder.keep(unused)

    def conclude(self) -> None:
        """Build the indexes that a load before could not, if they can be; tell the planner what has come."""
        receipt = self.job.receipt
        if receipt.dry_run:
            return
        try:
            ensure_further_indexes(self.job.connection, self.job.kind)
        except psycopg.Error:
            receipt.notes.append("indexes.missing")
        with receipt.timed("analyze"):
            analyze_if_much_changed(self.job)

    def stop(self, *, at_once: bool = False) -> None:
        """End what goes on beside the main thread."""
        end(self.copier, lent=self.lent, at_once=at_once)

    def tidy(self, connection: Connection) -> None:
        """Take the staging tables away."""
        self.job.stage.connection = connection
        self.job.stage.drop()

    def _copy(self, draft: Draft, coded: Coded) -> None:
        with self.lent.one() as writer:
            self.job.stage.copy(writer, draft, coded, self.job.kind, self.job.receipt.dataset)
