"""Assets that several datasets describe: rows that are linked to what another dataset registered.

A linked row is a source of that asset beside the dataset's own; it is found again by its key. Which fields it
decides, ``loaders.ownership`` says: what it does not decide is put into the staged row as the asset has it.
So all that follows treats it as any row of a registered asset.
"""

from __future__ import annotations

from psycopg import sql

from loaders.errors import OwnsClash
from loaders.job import HASH, Job
from loaders.ownership import GEOMETRY, PLACED, ownable_fields

_COLUMNS = ("name", "address", "status", "installed", "owner", "maintainer", "authority")
"""Columns of ``twin.asset`` that are fields by themselves."""
_SHAPE = ("geom", "cell", *PLACED)


def link_suspects(job: Job) -> list[str]:
    """Link the suspected rows to the assets that they seem to be; gives the codes that they had got."""
    rows = job.connection.execute(job.stage.composed("link_suspects"), job.facts).fetchall()
    return [str(code) for (code,) in rows if code is not None]


def keep_fields(job: Job) -> None:
    """Let every row decide only what its dataset decides. Raises ``OwnsClash``."""
    if not job.number("count_described"):
        return
    fields = list(ownable_fields(job.kind))
    brought = [*job.brought.columns, *job.brought.attributes, *job.brought.schemes]
    brought += [GEOMETRY] if job.brought.places else []
    job.run(
        "note_links",
        {"fields": fields, "brought": brought},
        said=_present("s", parent="parent_code"),
        known=_present("a", parent="parent"),
    )
    job.stage.analyze()
    job.run("keep_fields", assignments=_kept_columns())
    job.run("keep_identifiers")
    job.run("hash_links", hash=HASH)
    if job.ownership.mine:
        _require_apart(job)


def count_links(job: Job) -> None:
    """Count the rows that were linked, without those that were rejected."""
    job.run("drop_rejected_links")
    job.receipt.linked += job.number("count_links")


def write_links(job: Job) -> None:
    """Write what has come of the links, within the transaction that merges."""
    with job.whole_tables():
        for name in ("close_links", "open_links", "take_fields", "remember_links"):
            job.run(name)
    if job.receipt.linked:
        job.connection.execute("ANALYZE twin.source")


def save_dataset(job: Job) -> None:
    """Make the dataset known, and what it says it owns."""
    job.run("save_dataset")
    if job.ownership.declared:
        job.run("save_ownership")


def _require_apart(job: Job) -> None:
    row = job.connection.execute(job.stage.composed("owners_clash"), job.facts).fetchone()
    if row is not None:
        other, name = row
        raise OwnsClash(dataset=job.receipt.dataset, kind=job.kind.name, other=other, field=name)


def _present(table: str, **other: str) -> sql.Composed:
    """The names of the shared fields that a staged row, or an asset, has a value of; else nulls."""
    columns = {**{name: name for name in _COLUMNS}, **other, GEOMETRY: "geom"}
    one = sql.SQL("CASE WHEN {} IS NOT NULL THEN {} END")
    return sql.SQL(", ").join(
        one.format(sql.Identifier(table, column), sql.Literal(name)) for name, column in columns.items()
    )


def _kept_columns() -> sql.Composed:
    """The columns of a staged row, each the asset's where the row does not decide it."""
    one = sql.SQL(", {column} = CASE WHEN {name} = ANY(l.kept) THEN {kept} ELSE {said} END")
    fields = {**{name: name for name in _COLUMNS}, **dict.fromkeys(_SHAPE, GEOMETRY)}
    parts = [
        one.format(
            column=sql.Identifier(column),
            name=sql.Literal(name),
            kept=sql.Identifier("a", column),
            said=sql.Identifier("s", column),
        )
        for column, name in fields.items()
    ]
    parents = {"parent": "NULL", "parent_code": "a.parent", "parent_by": "'kept'"}
    parts += [
        one.format(
            column=sql.Identifier(column),
            name=sql.Literal("parent"),
            kept=sql.SQL(kept),
            said=sql.Identifier("s", column),
        )
        for column, kept in parents.items()
    ]
    return sql.Composed(parts)
