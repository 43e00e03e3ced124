"""Assets are retired: those that a mirrored source has dropped, or that a file of changes says are gone.

They are found by key when all rows are read, settled with the rows under the kind's lock, and written with
them: as new versions, without identifiers, and with a hash that no row has, so that a row brings them back.
"""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from loaders.arrow import Column
from loaders.errors import KeysUnknown, RetiresTooMany
from loaders.job import Job
from loaders.road import Road
from twin.registry.state import STATE_COLUMNS


def mark(job: Job, road: Road) -> None:
    """Put beside the copied rows the keys of what may be retired. Raises ``KeysUnknown``."""
    if job.options.mode == "mirror" and road.nameless:
        raise KeysUnknown(source=job.receipt.source, rows=f"{road.nameless:,}")
    for keys in _gone(job, road):
        job.stage.copy_retired(keys)


def _gone(job: Job, road: Road) -> Iterable[Column]:
    if job.options.mode == "mirror":
        return road.registered.unseen(job.connection, job.dataset_id, job.kind)
    return road.gone


def settle_retired(job: Job) -> None:
    """Count what is to be retired, without what is retired already, and the links that end.

    What another dataset registered is not retired: the dropped row is no longer its source. Raises
    ``RetiresTooMany``.
    """
    receipt = job.receipt
    marked = job.run("retired_codes")
    receipt.unlinked = job.run("note_dropped_links")
    receipt.retired = marked - job.run("drop_retired")
    if job.options.mode == "delta":
        receipt.same += marked - receipt.retired
    living = job.number("living")
    ended = receipt.retired + receipt.unlinked
    if ended * 100 > living * job.options.retire_up_to:
        raise RetiresTooMany(
            dataset=receipt.dataset,
            kind=receipt.kind,
            retired=f"{ended:,}",
            living=f"{living:,}",
            percent=f"{ended * 100 / living:.3g}",
            limit=f"{job.options.retire_up_to:g}",
        )


def retire(job: Job) -> None:
    """Write what ``settle_retired`` counted."""
    close_versions(job, job.stage.retired)
    job.run("retire_assets")
    job.run("retire_identifiers")


def close_versions(job: Job, table: sql.Identifier) -> None:
    """Keep what was known of the assets that a staging table is to change."""
    job.run(
        "close_versions",
        stage=table,
        state=sql.SQL(", ").join(map(sql.Identifier, STATE_COLUMNS)),
        old_state=sql.SQL(", ").join(sql.Identifier("a", name) for name in STATE_COLUMNS),
    )
