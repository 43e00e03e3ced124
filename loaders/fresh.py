"""The road of a dataset's first load: rows go straight into a part of the kind, which nobody sees yet.

There is nothing of theirs to compare them with. So all is judged before a row is copied, whole columns at a
time; the indexes are built when all rows are there, several at a time; and one short transaction shows
everything. Until then each batch commits by itself, so that no transaction stays open for long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice

import numpy as np
import psycopg
from msgspec import Struct, field
from psycopg import sql

from loaders import arrow
from loaders.arrow import Column
from loaders.background import Background, begun, beside, results, settle, side_by_side
from loaders.coding import Coded, Coder
from loaders.copy_binary import Field, constant, instants
from loaders.draft import Draft
from loaders.errors import LoadConflict, RowsRejected
from loaders.fields import Laid, asset_fields, issuer_of, lay_out, send, text_field
from loaders.findings import Verdict
from loaders.identifiers import judge_identifiers
from loaders.job import Job
from loaders.keys import Seen
from loaders.links import save_dataset
from loaders.merge import analyze_table, keep_receipt, vacuum_table
from loaders.modes import RETIRING
from loaders.rollup import RollUp, countable
from loaders.session import Lent, end, writers
from loaders.settle import note_suspects, take_findings
from spatial.arrays import Int64Array
from twin.identity.adoption import COMPONENT_CODE
from twin.kinds import all_kinds
from twin.kinds.fields import identifier
from twin.registry.database import Connection
from twin.registry.divisions import NoIssuer, ensure_known
from twin.registry.partitions import (
    LEAST,
    LOADED,
    IndexBuild,
    Part,
    attach_part,
    begin_part,
    count_part,
    drop_unseen,
    fill,
    further_builds,
    hold,
    index_builds,
    let_go,
    let_vacuum,
    lock_kind,
    parts,
    try_hold,
    try_lock_kind,
    unlock_kind,
    worth_a_part,
)

BUILDERS = 3
"""Connections that build further indexes at a time; before, they copy and build the others."""

_BUILT_AT_ONCE = 2
"""Indexes without which rows cannot be shown that are built at a time: the GiST index takes as long as all
others together, and a third would only keep it from its core."""

_DIVISIONS = 20_000
"""Divisions of which it is worth knowing whether all issue codes by one scheme."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400_000_000
_IN_SERVICE = "in_service"
_ORGANISATIONS = ("authority", "owner", "maintainer")


def _copiers() -> dict[str, Background]:
    return {parent: Background() for parent in LOADED}


class Fresh(Struct):
    """A first load on its way.

    ``part`` is where the rows go; ``alone`` tells that nobody else may change the kind meanwhile; ``loads``
    is how many loads of it, batch by batch, were registered before. ``recorded_at`` is the moment since which
    the assets are known; ``organisations`` and ``issuing`` are what has to be made known with them; ``seen``
    are the identifiers so far, by scheme; ``further`` are the indexes that are built when everybody sees the
    rows; ``rollup`` counts them as they are laid out, where it can. ``code_scheme`` is that of all codes,
    where there is one.
    """

    job: Job
    coder: Coder
    part: Part | None = None
    alone: bool = False
    loads: int = 0
    layout: Background = field(default_factory=partial(Background, waiting=0))
    copiers: dict[str, Background] = field(default_factory=_copiers)
    lent: Lent = field(default_factory=Lent)
    recorded_at: datetime = _EPOCH
    organisations: set[str] = field(default_factory=set)
    issuing: dict[str, str] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    further: list[IndexBuild] = field(default_factory=list)
    rollup: RollUp | None = None
    code_scheme: str | None = None

    def __post_init__(self) -> None:
        kind = self.job.kind
        self.rollup = RollUp(kind) if countable(kind) else None

    def fits(self, expected: int | None) -> bool:
        """Whether this road leads where the other one does, and is the shorter one for ``expected`` rows.

        It does not where rows may name what is registered already: codes, parents, identifiers of others. Nor
        does it in batches, of which the second meets the first, or for what retires assets.
        """
        fits = self._leads_there(expected)
        if not fits:
            self._let_others_in()
        return fits

    def _leads_there(self, expected: int | None) -> bool:
        job = self.job
        options, brought = job.options, job.brought
        if options.batch is not None or options.mode in RETIRING:
            return False
        if brought.parents or brought.by_place or COMPONENT_CODE in brought.schemes:
            return False
        issuers = [issuer_of(job.kind, one, job.receipt.dataset) for one in brought.schemes]
        # What is suspected is only told on this road; to leave it out or to link it, rows have to be staged.
        beside = options.on_suspect == "load" and not job.receipt.dry_run
        beside = beside and expected is not None and expected >= LEAST
        if "" in issuers or not beside:
            # Two loads in one moment would both find that nobody bears what they bring, or begin the kind.
            self.alone = try_lock_kind(job.connection, job.kind)
            if not self.alone:
                return False
        self.loads = job.number("loads_of_kind")
        others = [
            name
            for name, kind in all_kinds().items()
            if not any(identifier(kind, scheme) for scheme in brought.schemes)
        ]
        if job.number("known_rows") or job.number("schemes_borne", {"issuers": issuers, "others": others}):
            return False
        if not parts(job.connection, job.kind):
            return True
        return beside and worth_a_part(job.connection, job.kind, expected)

    def _let_others_in(self) -> None:
        """Keep nobody from the kind any more: the load takes the other road, or has come to its end."""
        if self.alone:
            unlock_kind(self.job.connection, self.job.kind)
            self.alone = False

    def begin(self) -> None:
        """Make the tables and number the load; a dry run needs neither."""
        job, connection = self.job, self.job.connection
        if job.receipt.dry_run:
            return
        job.receipt.load = job.number("next_load")
        if job.dataset_id is None:
            job.dataset_id = job.number("next_dataset")
        self.code_scheme = self._only_code_scheme()
        (self.recorded_at,) = connection.execute("SELECT clock_timestamp()").fetchone() or (self.recorded_at,)
        with connection.transaction():
            self.part = begin_part(connection, job.kind)
            hold(connection, self.part)
            for parent, values in self._always.items():
                fill(connection, self.part, parent, values)
        self.lent = writers(connection, BUILDERS)

    def take(self, draft: Draft, verdict: Verdict) -> None:
        """A batch: its identifiers judged, coded, and copied while the next one is judged."""
        receipt = self.job.receipt
        with receipt.timed("judge"):
            borne = judge_identifiers(draft, self.job, self.seen, verdict)
            draft = draft.take(verdict.alive)
        receipt.new += len(draft)
        if not len(draft):
            return
        with receipt.timed("code"):
            coded = self.coder.code(draft)
        if receipt.dry_run:
            return
        self._note(draft, coded)
        with receipt.timed("copy"):
            self.layout.give(partial(self._copy_batch, draft, coded, borne))

    def finish(self, divisions: Sequence[str], keep: Callable[[], None]) -> None:
        """Index what was copied, show it and ``keep``. Raises ``RowsRejected`` as ``on_error`` says."""
        job, receipt = self.job, self.job.receipt
        with receipt.timed("copy"):
            # What takes a while to think of is thought of while the last rows are copied.
            builds = index_builds(job.connection, self.part) if self.part else []
            self.further = further_builds(job.connection, self.part) if self.part else []
            self.layout.finish()
        if job.options.on_error == "abort" and receipt.rejected:
            raise RowsRejected
        if receipt.dry_run:
            return
        with self._completed(builds) as indexed, receipt.timed("merge"), job.connection.transaction():
            self._show(divisions, indexed)
            keep()

    def conclude(self) -> None:
        """Build the indexes without which the rows can be seen. Whatever stops that, the load is done."""
        receipt = self.job.receipt
        if receipt.dry_run or not receipt.new:
            return
        with receipt.timed("further indexes"):
            try:
                self._index(self.further)
            except psycopg.Error:
                receipt.notes.append("indexes.missing")
            with suppress(psycopg.Error):
                if self.part is not None:
                    let_vacuum(self.job.connection, self.part)

    def stop(self, *, at_once: bool = False) -> None:
        """End what goes on beside the main thread."""
        end(*self._backgrounds, lent=self.lent, at_once=at_once)

    def tidy(self, connection: Connection) -> None:
        """Take away what was not shown, and let go of the part.

        By another ``connection`` than the load's own only what nobody else has begun anew meanwhile.
        """
        own = connection is self.job.connection
        if own:
            self._let_others_in()
        if self.part is None:
            return
        self.job.stage.connection = connection
        self.job.stage.drop()
        if own or try_hold(connection, self.part):
            drop_unseen(connection, self.part)
            let_go(connection, self.part)

    def _note(self, draft: Draft, coded: Coded) -> None:
        for name in _ORGANISATIONS:
            if name in draft.values.common:
                self.organisations.update(arrow.distinct(draft.common(name)))
        self.issuing.update(coded.issuing)

    @property
    def _backgrounds(self) -> tuple[Background, ...]:
        """What goes on beside the main thread, in the order in which batches come by."""
        return self.layout, *self.copiers.values()

    def _copy_batch(self, draft: Draft, coded: Coded, borne: dict[str, Column]) -> None:
        kind, valid_from = self.job.kind, self._valid_from(draft)
        statuses = _statuses(draft)
        fields = {"valid_from": instants(valid_from), **asset_fields(draft, coded)}
        if self.code_scheme is not None:
            del fields["scheme"]
        self._copy("asset", fields | {"status": text_field(statuses)}, len(draft))
        if self.rollup is not None:
            cells = np.where(arrow.is_null(draft.places.wkb), 0, draft.places.cells)
            self.rollup.add(cells, statuses, draft.divisions, draft.values.attributes)
        for scheme, values in borne.items():
            there = ~arrow.is_null(values)
            if not there.any():
                continue
            issuer = issuer_of(kind, scheme, self.job.receipt.dataset)
            named: dict[str, Field] = {"scheme": constant(scheme), "issuer": constant(issuer)}
            own: dict[str, Field] = {
                "issued_in": text_field(arrow.take(coded.issued_in, there)),
                "valid_from": instants(valid_from[there]),
                "value": ("text", arrow.take(values, there)),
                "code": ("text", arrow.take(coded.code, there)),
            }
            self._copy("identifier", own if self._only_identifier_scheme else own | named, int(there.sum()))

    def _copy(self, parent: str, fields: dict[str, Field], count: int) -> None:
        """Lay out rows of one table, and have them copied while the next ones are laid out.

        One connection at a time copies into a table: rows stand in the file's order, and what is sorted there
        need not be sorted for its index again.
        """
        laid = lay_out(fields, count)
        self.copiers[parent].give(partial(self._send, parent, laid))

    def _send(self, parent: str, laid: Laid) -> None:
        if self.part is not None:
            with self.lent.one(parent) as writer:
                send(writer, self.part.table(parent), laid)

    @property
    def _always(self) -> dict[str, dict[str, object]]:
        """What is the same in every row, by table: PostgreSQL adds it for less than it takes to send it."""
        job = self.job
        both: dict[str, object] = {"kind": job.kind.name, "load_id": job.receipt.load}
        assets: dict[str, object] = {"dataset_id": job.dataset_id, "recorded_from": self.recorded_at}
        if self.code_scheme is not None:
            assets["scheme"] = self.code_scheme
        return {"asset": both | assets, "identifier": both | self._only_identifier_scheme}

    def _only_code_scheme(self) -> str | None:
        """The scheme by which all divisions that rows may stand in issue codes, where there is one."""
        known = self.coder.divisions
        divisions = {*known.codes, *filter(None, [known.home, self.job.options.division])}
        if len(divisions) > _DIVISIONS:
            return None
        try:
            schemes = {known.issuing(one)[0] for one in divisions}
        except NoIssuer:
            return None
        return schemes.pop() if len(schemes) == 1 else None

    @property
    def _only_identifier_scheme(self) -> dict[str, object]:
        """The scheme and issuer of all identifiers, where there is one."""
        job = self.job
        if len(job.brought.schemes) != 1:
            return {}
        (scheme,) = job.brought.schemes
        return {"scheme": scheme, "issuer": issuer_of(job.kind, scheme, job.receipt.dataset)}

    @property
    def _moment(self) -> int:
        """Microseconds since 1970 of ``recorded_at``."""
        return (self.recorded_at - _EPOCH) // timedelta(microseconds=1)

    def _valid_from(self, draft: Draft) -> Int64Array:
        """Since when each asset is: since it was installed, where that is known and past, else since now."""
        installed = draft.values.common.get("installed")
        if installed is None:
            return np.full(len(draft), self._moment)
        known = np.minimum(arrow.days(installed) * _DAY, self._moment)
        return np.where(arrow.is_null(installed), self._moment, known)

    def _tell_suspects(self) -> None:
        """Warn of the rows that seem to be assets of other datasets, as is done of staged ones."""
        job, part = self.job, self.part
        if part is None or not job.number("other_datasets"):
            return
        assets, identifiers = (sql.Identifier("twin", part.table(parent)) for parent in LOADED)
        rows = sql.SQL("(SELECT *, false AS existing FROM {})").format(assets)
        job.stage.create()
        with job.connection.transaction():
            note_suspects(job, "code", rejected=False, stage=rows, identifiers=identifiers)
            take_findings(job)

    def _require_apart(self) -> None:
        """See that no load of the kind has meanwhile registered an official code that was also issued to us.

        Raises ``LoadConflict``. The kind's lock is held: nobody else can register any now.
        """
        job, part = self.job, self.part
        if part is None or job.number("loads_of_kind") == self.loads:
            return
        found = job.stage.composed("taken_codes", assets=sql.Identifier("twin", part.table()))
        row = job.connection.execute(found, job.facts).fetchone()
        if row is not None:
            raise LoadConflict(what=row[0])

    @contextmanager
    def _completed(self, builds: Sequence[IndexBuild]) -> Iterator[Callable[[], None]]:
        """When a table's last rows are there, let the planner know them, then index them; count them beside.

        The block, which shows them, begins when they are counted and the last index is begun, and gets what
        waits for all; where suspects are to be told, it begins when all are there. ANALYZE and CREATE INDEX
        keep each other waiting: last, it would leave a core idle.
        """
        receipt = self.job.receipt
        if self.part is None or not receipt.new:
            yield lambda: None
            return
        part = self.part
        copied = {part.table(parent): beside(self.copiers[parent].finish) for parent in LOADED}
        known: dict[str, Future[None]] = {table: Future() for table in copied}
        counted: Future[None] = Future()
        works: list[Callable[[], None]] = []
        # Identifiers are there before assets. Of each table comes first what takes longest.
        for table in reversed(copied):
            works.append(partial(settle, known[table], partial(self._let_know, table, copied[table])))
            if table == part.table():
                works.append(partial(settle, counted, partial(self._roll_up, part, copied[table])))
            works += [partial(self._build, one, known[table]) for one in builds if one.table == table]
        works += [partial(self._build, one, counted) for one in builds if one.table == part.rollup]

        def stop() -> None:
            for one in (*known.values(), counted):
                one.cancel()
            self.lent.cancel()

        with begun(works, _BUILT_AT_ONCE, stop) as under_way:
            with receipt.timed("index"):
                # Suspects are looked for by every index.
                left = 0 if self.job.number("other_datasets") else _BUILT_AT_ONCE
                results(islice(as_completed(under_way), max(0, len(works) - left)))
                counted.result()
            with receipt.timed("suspects"):
                self._tell_suspects()
            yield partial(results, under_way)

    def _let_know(self, table: str, copied: Future[None]) -> None:
        copied.result()
        with self.lent.one() as builder:
            analyze_table(builder, table)

    def _build(self, index: IndexBuild, known: Future[None] | None = None) -> None:
        if known is not None:
            known.result()
        with self.lent.one() as builder:
            builder.execute(index.statement)

    def _roll_up(self, part: Part, copied: Future[None]) -> None:
        """Count what was copied for the roll-ups."""
        counted = self.rollup.written() if self.rollup is not None else None
        if counted is None:
            copied.result()
        with self.lent.one() as builder:
            count_part(builder, part, counted)

    def _index(self, builds: Sequence[IndexBuild]) -> None:
        """Build indexes on several connections, then vacuum the tables."""
        side_by_side([partial(self._build, one) for one in builds], BUILDERS)
        tables = self.part.tables if self.part else ()
        side_by_side([partial(self._vacuum, one) for one in tables], BUILDERS)

    def _vacuum(self, table: str) -> None:
        # What stops it leaves it to autovacuum.
        with suppress(psycopg.Error), self.lent.one() as builder:
            vacuum_table(builder, table)

    def _show(self, divisions: Sequence[str], indexed: Callable[[], None]) -> None:
        """What the load has made becomes part of the registry; ``indexed`` waits for its indexes."""
        job, connection = self.job, self.job.connection
        # It may wait for a large index.
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        lock_kind(connection, job.kind)
        # Who merges into the kind waits for the further indexes: here, and not with half of it done.
        self.alone = self.alone or try_lock_kind(connection, job.kind)
        self._require_apart()
        for division in divisions:
            ensure_known(connection, division)
        save_dataset(job)
        job.run("save_organisations", {"keys": sorted(self.organisations)})
        job.run("save_issuing", {"divisions": list(self.issuing), "schemes": list(self.issuing.values())})
        if job.receipt.new and self.part is not None:
            attach_part(connection, self.part, indexed)
            connection.execute("INSERT INTO twin.change (load_id) VALUES (%s)", (job.receipt.load,))
        keep_receipt(connection, job.dataset_id or 0, job.receipt, job.options.as_json(), self.recorded_at)


def _statuses(draft: Draft) -> Column:
    """The statuses that the rows give, else in service."""
    given, in_service = draft.values.common.get("status"), arrow.constant(_IN_SERVICE, len(draft))
    return in_service if given is None else arrow.first_of([given, in_service])
