"""A file becomes assets: the whole road on one screen.

Open the file, settle how its columns fill the kind's fields and which operation brings its coordinates home.
Then, a batch at a time: map, transform, check whole columns, cell, division, hash, compare with what is
registered, reserve codes for what is new, copy: a dataset's first rows into what becomes a part of the kind
(``fresh``), others into staging tables (``staged``). Last, in one short transaction, show or merge them:
until that one commits nothing is visible, and what a killed load leaves behind is swept by the next.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

from loaders.background import ahead, beside
from loaders.batches import Batches, require_compatible
from loaders.bundle import named_as_given
from loaders.coding import Coder
from loaders.crs import require_inside
from loaders.errors import KeyChanged, RowsRejected
from loaders.formats import Source
from loaders.fresh import Fresh
from loaders.job import Brought, Job
from loaders.locations import Address, default_dataset, locate
from loaders.modes import RETIRING
from loaders.opening import Opening
from loaders.ownership import Ownership
from loaders.prepare import Options, Prepared, prepare
from loaders.receipt import Receipt
from loaders.registered import LastLoad, Registered, batches_registered, dataset_id_of
from loaders.rejects import Rejects, RejectsUnwritten
from loaders.remaining import Part, gathered
from loaders.retire import mark
from loaders.road import Identified, Road
from loaders.room import room_needed
from loaders.session import told
from loaders.siblings import Siblings
from loaders.snapshot import Snapshot
from loaders.stage import Stage, dataset_lock
from loaders.staged import Staged
from twin.errors import TwinError
from twin.identity import scheme_for_division
from twin.registry.database import Connection, connect
from twin.registry.divisions import Divisions, NoDivisions, UnknownDivision

__all__ = ["Options", "Receipt", "load"]

Way = Fresh | Staged
"""How judged rows come into the registry: begun, given each batch, finished, and tidied up after."""

Progress = Callable[[int, int | None], None]
"""Told before each batch how many rows are done, and how many there are where that is known."""


@named_as_given()
@room_needed()
def load(
    location: str | Path | Address,
    options: Options | None = None,
    progress: Progress | None = None,
    source: Source | None = None,
    siblings: Siblings | None = None,
) -> Receipt:
    """Load a file, or what an address names, into the registry and account for every row.

    ``source`` is the file where it is open already, for rows of ``options.kind``; ``siblings`` are the files
    that are loaded together with it.
    Raises the errors of ``loaders.errors``, ``spatial.crs``, ``twin.registry.database``, ``.divisions`` and
    ``.codes``; whichever it is, the registry is as it was.
    """
    options = options or Options()
    require_compatible(options)
    where = locate(location, options.layer)
    rejects = Rejects.to(options.rejects, where, force=options.force) if options.rejects else None
    before = Snapshot.of(where)
    divisions = beside(_divisions)
    with closing(Opening(options.dataset or default_dataset(where), options.kind)) as opening:
        ready = prepare(where, options, source)
        if rejects is not None:
            rejects.require_fit(ready.source, where)
        ready.siblings = siblings
        receipt = ready.receipt
        receipt.rejections.journal = rejects
        try:
            _load(ready, options, rejects, before, progress, divisions=divisions, opening=opening)
        except RowsRejected:
            receipt.aborted = True
    if rejects is not None:
        _write_rejects(rejects, ready)
    return receipt


def _divisions() -> Divisions:
    """What takes as long to read as it takes to open a file."""
    with connect("owner", autocommit=True) as connection:
        return Divisions.read(connection)


def _load(
    ready: Prepared,
    options: Options,
    rejects: Rejects | None,
    before: Snapshot,
    progress: Progress | None,
    *,
    divisions: Future[Divisions],
    opening: Opening,
) -> None:
    """What ``load`` does with a file that can be loaded. Raises ``RowsRejected`` as ``on_error`` says."""
    receipt = ready.receipt
    with (
        told(receipt.dataset),
        opening.of(receipt.dataset, ready.plan.kind) as (opened, registered),
    ):
        receipt.swept = opened.swept
        # What was read before a load was waited for may have changed with it.
        places = Divisions.read(opened.connection) if opened.lock.waited else divisions.result()
        stage = Stage(opened.connection, opened.lock.key)
        road, way = _begin(stage, opened.dataset_id, ready, options, registered=registered, divisions=places)
        _bring(road, way, rejects, before, progress)


def _bring(
    road: Road, way: Way, rejects: Rejects | None, before: Snapshot, progress: Progress | None
) -> None:
    """Every row of the file becomes part of the registry, or none, or those of whole batches."""
    ready, options = road.ready, road.options
    batches = Batches.begun(way.job, road, options, before)
    with batches.told(), _undone_on_failure(way, batches):
        way.begin()
        coming = _watched(ready, _batches(ready, rejects, batches, road), progress)
        for part, full in gathered(_remaining(road, coming)):
            with ready.receipt.timed("judge"):
                draft, verdict = road.draft(part)
            way.take(draft, verdict)
            if full:
                _register(road, way, batches, before, ended=False)
                batches.next()
        _register(road, way, batches, before, ended=True)


def _write_rejects(rejects: Rejects, ready: Prepared) -> None:
    """Write the reject file, which can be made anew if that fails: the load has come to its end."""
    receipt = ready.receipt
    try:
        if rejects.write_file(ready.source):
            receipt.rejects = rejects.path.name
    except TwinError as error:
        if receipt.load is None:
            raise
        raise RejectsUnwritten(load=receipt.load, reason=error) from error


def _register(road: Road, way: Way, batches: Batches, before: Snapshot, *, ended: bool) -> None:
    """What was copied since the last batch becomes assets; ``ended`` says that it was the rest."""
    ready, options = road.ready, road.options
    require_inside(ready.operation, ready.first, ready.receipt.rejections.counts["crs.outside"], road.placed)
    before.require_unchanged()
    if options.mode in RETIRING:
        mark(way.job, road)
    divisions = [d for d in (options.division, road.divisions.home) if d]
    way.finish(divisions, partial(batches.keep, ended=ended))
    if ended:
        way.conclude()


def _begin(
    stage: Stage,
    dataset_id: int | None,
    ready: Prepared,
    options: Options,
    *,
    registered: Registered,
    divisions: Divisions,
) -> tuple[Road, Way]:
    """What the load has to know. Raises ``NoDivisions``, ``UnknownDivision`` or ``KeyChanged``."""
    kind, receipt, connection = ready.plan.kind, ready.receipt, stage.connection
    if options.division is not None:
        require_division(options.division, divisions.codes)
    elif not divisions:
        raise NoDivisions
    _compare_sources(ready, LastLoad.read(connection, dataset_id, kind), registered)
    ownership = Ownership.read(connection, dataset_id, kind, ready.owns)
    road = Road(
        ready,
        registered,
        divisions,
        options,
        seed=ready.seed(
            divisions.fingerprint, divisions.home, options.division, options.accuracy, *ownership.facts()
        ),
    )
    job = Job(stage, kind, dataset_id, Brought.by(ready, options), receipt, options, ownership)
    coder = Coder(
        connection,
        divisions,
        kind,
        at_once="code" not in ready.plan.filled("common"),
        reserving=not options.dry_run,
    )
    fresh = Fresh(job, coder)
    return road, fresh if fresh.fits(ready.source.count) else Staged(job, coder)


def require_division(division: str, known: Container[str]) -> None:
    """Raise ``UnknownDivision`` for one that is neither registered nor read by a code scheme."""
    if division not in known and scheme_for_division(division) is None:
        raise UnknownDivision(division=division)


def require_same_rows(connection: Connection, ready: Prepared) -> None:
    """Raise ``KeyChanged`` where a file's rows are known by another column than those of its dataset."""
    dataset_id, kind = dataset_id_of(connection, ready.receipt.dataset), ready.plan.kind
    last = LastLoad.read(connection, dataset_id, kind)
    if last is not None and last.key != ready.key:
        with closing(Registered.read(connection, dataset_id, kind)) as registered:
            _compare_sources(ready, last, registered)


def _compare_sources(ready: Prepared, last: LastLoad | None, registered: Registered) -> None:
    """See that this file's rows are those of the dataset; raises ``KeyChanged`` where they would mix."""
    receipt = ready.receipt
    if last is None:
        return
    if last.key != ready.key and not registered.holds_most(ready.first_keys):
        raise KeyChanged(
            dataset=receipt.dataset,
            kind=receipt.kind,
            before=last.key or "their place",
            now=ready.key or "their place",
        )
    if last.source != receipt.source and not ready.dataset_said:
        receipt.notes.append("dataset.joined")
    if last.crs and receipt.crs and last.crs != receipt.crs:
        receipt.notes.append("crs.changed")


Batch = tuple[Identified, bool]
"""Rows that were read together, and whether what is registered by itself ends with them."""


def _batches(ready: Prepared, rejects: Rejects | None, batches: Batches, road: Road) -> Iterator[Batch]:
    """The batches, each identified while the one before is judged; but where a load is registered in parts.

    Where such a part ends is known when the one before is registered.
    """
    read = iter(ready.rows) if rejects is None else rejects.watched(iter(ready.rows))
    if batches.size is None:
        return ((batch, False) for batch in ahead(road.identified, read))
    return ((road.identified(part), full) for rows in read for part, full in batches.cut(rows, road))


def _watched(ready: Prepared, coming: Iterator[Batch], progress: Progress | None) -> Iterator[Batch]:
    """The batches; waiting for them is timed, and progress told."""
    while True:
        if progress is not None:
            progress(ready.receipt.read, ready.source.count)
        with ready.receipt.timed("read"):
            batch = next(coming, None)
        if batch is None:
            return
        yield batch


def _remaining(road: Road, coming: Iterator[Batch]) -> Iterator[Part]:
    """Of each batch the rows that are new or changed."""
    for batch, full in coming:
        with road.ready.receipt.timed("judge"):
            remaining = road.remaining(batch)
        yield remaining, full


@contextmanager
def _undone_on_failure(way: Way, batches: Batches) -> Iterator[None]:
    """Take away what nobody needs in the end; return all codes that no batch is registered with.

    After a failure that needs a connection of its own: the load's may be in the middle of a statement. Where
    none is to be had, the next load sweeps.
    """
    job = way.job
    try:
        yield
    except BaseException:
        way.stop(at_once=True)
        job.connection.close()
        with suppress(TwinError):
            _tidy(way, batches)
        raise
    way.stop()
    way.tidy(job.connection)


def _tidy(way: Way, batches: Batches) -> None:
    """Whether the last batch is registered the registry knows: its commit may have come while we went."""
    dataset = way.job.receipt.dataset
    with connect("owner", autocommit=True) as connection, dataset_lock(connection, dataset):
        way.coder.connection = connection
        if batches_registered(connection, way.job.receipt.load) == batches.registered:
            way.coder.release()
        way.tidy(connection)
