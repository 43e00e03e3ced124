"""A kind's own database objects: its partition of ``twin.asset``, its indexes, its typed view in ``city``.

All of them are made from the kind's file, when its first row comes and whenever the registry is migrated, so
that a new kind needs nothing beside its file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from psycopg import Connection, sql
from sqlalchemy import Date, cast
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect

from twin.kinds import all_kinds
from twin.kinds.model import Attribute, Kind
from twin.registry.attributes import attribute_value
from twin.registry.tables import asset

# The first of PostgreSQL's two 32-bit advisory lock keys; the second tells the kinds apart.
KIND_LOCK = 0x7E1D


def partition_name(kind: Kind) -> str:
    """The table in schema ``twin`` that holds the kind's rows."""
    return f"asset_{kind.name}"


def lock_kind(connection: Connection[Any], kind: Kind) -> None:
    """Hold, until the transaction ends, the right to change the kind's partition."""
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (KIND_LOCK, kind.name))


def ensure_partition(connection: Connection[Any], kind: Kind) -> None:
    """Make the kind's partition, indexes and view where they are missing; commits nothing."""
    if begin_partition(connection, kind):
        attach_partition(connection, kind)


def begin_partition(connection: Connection[Any], kind: Kind) -> bool:
    """Make the kind's partition where it is missing: without indexes, and not yet part of ``twin.asset``.

    Rows that are there before the indexes cost a third. Commits nothing; false where there is a partition.
    """
    table = partition_name(kind)
    if not _exists(connection, table):
        lock_kind(connection, kind)
    if _exists(connection, table):
        return False
    connection.execute(
        sql.SQL("CREATE TABLE twin.{} (LIKE twin.asset INCLUDING DEFAULTS INCLUDING CONSTRAINTS)").format(
            sql.Identifier(table)
        )
    )
    return True


def attach_partition(connection: Connection[Any], kind: Kind) -> None:
    """Make what ``begin_partition`` made, and what has been put into it, part of ``twin.asset``.

    ATTACH builds every index and, unlike CREATE TABLE … PARTITION OF, keeps nobody from reading; the check
    saves it from reading all rows once more.
    """
    table, name = sql.Identifier("twin", partition_name(kind)), sql.Literal(kind.name)
    for statement in (
        "ALTER TABLE {table} ADD CONSTRAINT kind CHECK (kind = {name})",
        "ALTER TABLE twin.asset ATTACH PARTITION {table} FOR VALUES IN ({name})",
        "ALTER TABLE {table} DROP CONSTRAINT kind",
    ):
        connection.execute(sql.SQL(statement).format(table=table, name=name))
    ensure_attribute_indexes(connection, kind)
    replace_view(connection, kind)


def ensure_attribute_indexes(connection: Connection[Any], kind: Kind) -> None:
    """Index the attributes that the kind's file names as indexed."""
    table = partition_name(kind)
    for attribute in kind.attributes:
        if attribute.indexed:
            connection.execute(
                sql.SQL("CREATE INDEX IF NOT EXISTS {} ON twin.{} (({}))").format(
                    sql.Identifier(f"{table}_{attribute.name}"), sql.Identifier(table), _expression(attribute)
                )
            )


def synchronise_kinds(connection: Connection[Any]) -> None:
    """Bring every kind's view and, where it has rows, its attribute indexes up to its file."""
    for kind in all_kinds().values():
        replace_view(connection, kind)
        if _exists(connection, partition_name(kind)):
            ensure_attribute_indexes(connection, kind)


def replace_view(connection: Connection[Any], kind: Kind) -> None:
    """Make ``city.<kind>``: the kind's assets with a typed column for each attribute."""
    view = sql.Identifier("city", kind.name)
    connection.execute(sql.SQL("DROP VIEW IF EXISTS {}").format(view))
    connection.execute(
        sql.SQL(
            "CREATE VIEW {} WITH (security_invoker = true) AS SELECT {} FROM twin.asset WHERE kind = {}"
        ).format(view, sql.SQL(", ").join(_view_columns(kind)), sql.Literal(kind.name))
    )
    connection.execute(sql.SQL("COMMENT ON VIEW {} IS {}").format(view, sql.Literal(f"{kind.en} {kind.zh}")))
    for attribute in kind.attributes:
        unit = f" ({attribute.unit})" if attribute.unit else ""
        connection.execute(
            sql.SQL("COMMENT ON COLUMN {}.{} IS {}").format(
                view, sql.Identifier(attribute.name), sql.Literal(f"{attribute.en} {attribute.zh}{unit}")
            )
        )
    connection.execute(sql.SQL("GRANT SELECT ON {} TO twin_reader").format(view))


_POSTGRESQL: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]

# An attribute may not take the name of one of these columns; ``twin.kinds`` refuses such a kind.
VIEW_COLUMNS = (
    "code", "name", "address", "status", "division", "parent", "relation", "authority", "owner", "maintainer",
    "installed", "survey_method", "accuracy", "source_key", "cell", "valid_from", "recorded_from", "geom",
)  # fmt: skip


def _view_columns(kind: Kind) -> Iterator[sql.Composable]:
    yield from (sql.Identifier(name) for name in VIEW_COLUMNS)
    for attribute in kind.attributes:
        yield sql.SQL("{} AS {}").format(_expression(attribute, dates=True), sql.Identifier(attribute.name))


def _expression(attribute: Attribute, *, dates: bool = False) -> sql.SQL:
    value = attribute_value(asset.c.attributes, attribute)
    if dates and attribute.type == "date":
        value = cast(value, Date)
    compiled = value.compile(dialect=_POSTGRESQL, compile_kwargs={"literal_binds": True})
    return sql.SQL(str(compiled).replace("twin.asset.", ""))


def _exists(connection: Connection[Any], table: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL AS found", (f"twin.{table}",)).fetchone()
    return row is not None and bool(row[0])
