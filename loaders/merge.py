"""From the staging tables into the registry: versions, assets, identifiers, the load, its row in the feed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from loaders.job import HASH, Job
from loaders.links import save_dataset, write_links
from loaders.receipt import Receipt
from loaders.retire import close_versions, retire
from twin.registry.divisions import ensure_known
from twin.registry.partitions import (
    PARTITIONED,
    Part,
    begin_part,
    complete_part,
    estimated_rows,
    part_of,
    parts,
    worth_a_part,
)
from twin.registry.statements import statement
from twin.registry.words import searchable

_AT_A_TIME = 10_000
"""Texts that are in memory at a time."""


def merge(job: Job, divisions: Sequence[str]) -> None:
    """Write what ``settle`` left, within the same transaction; ``divisions`` are made known first."""
    receipt = job.receipt
    for division in divisions:
        ensure_known(job.connection, division)
    if job.dataset_id is None:
        job.dataset_id = job.number("next_dataset")
    save_dataset(job)
    receipt.load = receipt.load or job.number("next_load")
    if receipt.retired:
        retire(job)
    if receipt.changed:
        _write_changes(job)
    _insert(job)
    write_links(job)
    job.run("insert_organisations")
    job.run("insert_issuing")
    if receipt.changed:
        refresh_words(
            job.connection, job.stage.table, job.facts, _AS_SAID.format(findings=job.stage.findings)
        )
    if receipt.new or receipt.changed or receipt.retired:
        job.connection.execute("INSERT INTO twin.change (load_id) VALUES (%s)", (receipt.load,))
    keep_receipt(job.connection, job.dataset_id, receipt, job.options.as_json())


# A new asset is valid since it was installed, where that is known and past, else since now.
_VALID_FROM = sql.SQL("least(coalesce(s.installed::timestamp AT TIME ZONE 'UTC', now()), now())")


def _insert(job: Job) -> None:
    """The new assets and what all bear newly; a part that is new gets its indexes when all are there."""
    connection, kind = job.connection, job.kind
    part = part_of(connection, kind, job.dataset_id)
    begun = part is None and worth_a_part(connection, kind, job.receipt.new)
    if part is None:
        part = begin_part(connection, kind) if begun else parts(connection, kind)[0]
    for name, parent in (("insert_assets", "asset"), ("insert_identifiers", "identifier")):
        table = sql.Identifier("twin", part.table(parent))
        job.run(name, partition=table, hash=HASH, valid_from=_VALID_FROM)
    if begun:
        complete_part(connection, part)


def _write_changes(job: Job) -> None:
    close_versions(job, job.stage.table)
    job.run("update_assets", assignments=_assignments(job), hash=HASH)
    job.run("return_assets", hash=HASH)
    job.run("close_identifiers", given_up=job.stage.composed("given_up"))


def _assignments(job: Job) -> sql.Composable:
    """The columns that the load brings, each set to what was copied."""
    special = {
        "parent": sql.SQL(
            ", parent = s.parent_code, relation = CASE WHEN s.parent_code IS NOT NULL THEN %(relation)s END"
        ),
        "status": sql.SQL(", status = coalesce(s.status, 'in_service')"),
    }
    plain = sql.SQL(", {} = {}")
    return sql.SQL("").join(
        special.get(name) or plain.format(sql.Identifier(name), sql.Identifier("s", name))
        for name in job.brought.columns
    )


# An asset that is found by just what its row says bears nothing else, and nothing else than before; unless an
# identifier of the row stays another asset's.
_AS_SAID = sql.SQL(
    " AND (NOT s.same_words OR s.row_number IN ("
    "SELECT row_number FROM {findings} WHERE reason = 'identifier.shared'))"
)


def refresh_words(
    connection: Connection[Any],
    stage: sql.Composable,
    facts: Mapping[str, object],
    but: sql.Composable = sql.SQL(""),  # noqa: B008 - nothing that could be changed
) -> None:
    """The search texts of the changed assets in ``stage``, but of some, from all that they bear now."""
    changed = sql.SQL(statement("loaders", "changed_texts")).format(stage=stage, but=but)
    with connection.cursor("changed_texts") as cursor:
        cursor.execute(changed, facts)
        while rows := cursor.fetchmany(_AT_A_TIME):
            codes = [code for code, _ in rows]
            words = [searchable(texts) for _, texts in rows]
            connection.execute(statement("loaders", "write_words"), {**facts, "codes": codes, "words": words})


def analyze(connection: Connection[Any], there: Iterable[Part]) -> None:
    """Let the planner know what has come into these parts."""
    for part in there:
        for parent in PARTITIONED:
            analyze_table(connection, part.table(parent))


def analyze_table(connection: Connection[Any], table: str) -> None:
    """The same for one table of schema ``twin``."""
    connection.execute(sql.SQL("ANALYZE twin.{}").format(sql.Identifier(table)))


def vacuum_table(connection: Connection[Any], table: str) -> None:
    """The same, and note which pages everybody sees: counts read indexes alone, autovacuum is not needed."""
    statement = sql.SQL("VACUUM (ANALYZE, TRUNCATE false) twin.{}")
    connection.execute(statement.format(sql.Identifier(table)))


def analyze_if_much_changed(job: Job) -> None:
    """The same of the dataset's part, where a tenth has changed, as PostgreSQL's autovacuum would."""
    receipt = job.receipt
    touched = receipt.new + receipt.changed + receipt.retired
    part = part_of(job.connection, job.kind, job.dataset_id)
    if touched and part is not None and 10 * touched >= estimated_rows(job.connection, [part]):
        analyze(job.connection, [part])


def keep_receipt(
    connection: Connection[Any],
    dataset_id: int,
    receipt: Receipt,
    options: Mapping[str, object],
    recorded_at: datetime | None = None,
) -> None:
    """Write the load's row, with its receipt for ever; ``recorded_at`` where it is not this transaction's."""
    names = ("kind", "source", "format", "undoes", "read", "new", "changed", "same", "rejected")
    connection.execute(
        statement("loaders", "insert_load"),
        {
            **{name: getattr(receipt, name) for name in names},
            "load_id": receipt.load,
            "dataset_id": dataset_id,
            "options": Jsonb(options, dumps=orjson.dumps),
            "receipt": Jsonb(receipt.as_record(), dumps=orjson.dumps),
            "started_at": receipt.started,
            "recorded_at": recorded_at,
        },
    )
