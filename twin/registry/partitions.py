"""A kind's own database objects: its partitions of ``twin.asset`` and ``twin.identifier``, indexes, its view.

All of them are made from the kind's file, when its first row comes and whenever the registry is migrated, so
that a new kind needs nothing beside its file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

from twin.kinds import all_kinds
from twin.kinds.model import Attribute, Kind
from twin.registry.statements import statement

# The first of PostgreSQL's two 32-bit advisory lock keys; the second tells the kinds apart.
KIND_LOCK = 0x7E1D

_CASTS = {"integer": "BIGINT", "number": "DOUBLE PRECISION", "boolean": "BOOLEAN"}
"""SQL types of attributes that are not compared as texts."""

PARTITIONED = ("asset", "identifier")
"""The tables in schema ``twin`` of which every kind has a partition."""

_FURTHER = (
    ("asset", "division", None),
    ("asset", "status", "status <> 'in_service'"),
    ("asset", "parent", "parent IS NOT NULL"),
    ("identifier", "value", None),
    ("identifier", "code", None),
)
"""Table, column and condition of indexes that only make reading faster. What ATTACH finds missing of the
parent's indexes it builds, so these are each partition's own."""


def partition_name(kind: Kind, parent: str = "asset") -> str:
    """The table in schema ``twin`` that holds the kind's rows of a parent table."""
    return f"{parent}_{kind.name}"


def lock_kind(connection: Connection[Any], kind: Kind) -> None:
    """Hold, until the transaction ends, the right to change the kind's partitions."""
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (KIND_LOCK, kind.name))


def try_lock_kind(connection: Connection[Any], kind: Kind) -> bool:
    """The same until the session ends or ``unlock_kind``, where nobody else holds it."""
    return _truth(connection, "SELECT pg_try_advisory_lock(%s, hashtext(%s))", (KIND_LOCK, kind.name))


def unlock_kind(connection: Connection[Any], kind: Kind) -> None:
    """Give up what ``try_lock_kind`` has got."""
    connection.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", (KIND_LOCK, kind.name))


def has_partitions(connection: Connection[Any], kind: Kind) -> bool:
    """Whether the kind has partitions that everybody sees."""
    return _is_partition(connection, partition_name(kind))


def ensure_partitions(connection: Connection[Any], kind: Kind) -> None:
    """Make the kind's partitions, indexes and view where they are missing; commits nothing."""
    if begin_partitions(connection, kind):
        complete_partitions(connection, kind)


def begin_partitions(connection: Connection[Any], kind: Kind) -> bool:
    """Make the kind's partitions where they are missing: without indexes, and seen by nobody yet.

    Rows that are there before the indexes cost a third. What a load that was killed has left of them goes.
    Commits nothing; false where the kind has its partitions. Whoever calls holds the kind's lock.
    """
    if has_partitions(connection, kind):
        return False
    drop_detached(connection, kind)
    for parent in PARTITIONED:
        # The check saves ATTACH from reading all rows once more.
        connection.execute(
            sql.SQL(
                "CREATE TABLE {table} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS,"
                " CONSTRAINT kind CHECK (kind = {kind}))"
            ).format(
                table=sql.Identifier("twin", partition_name(kind, parent)),
                parent=sql.Identifier("twin", parent),
                kind=sql.Literal(kind.name),
            )
        )
    return True


def drop_detached(connection: Connection[Any], kind: Kind) -> list[str]:
    """Take away tables that were to become the kind's partitions and never did; gives their names."""
    dropped = []
    for table in (partition_name(kind, parent) for parent in PARTITIONED):
        there = "SELECT to_regclass(%s) IS NOT NULL"
        if _truth(connection, there, (f"twin.{table}",)) and not _is_partition(connection, table):
            connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier("twin", table)))
            dropped.append(table)
    return dropped


def sweep_partitions(connection: Connection[Any]) -> list[str]:
    """Take away what killed loads have left of partitions; gives the names of the tables."""
    swept = []
    for kind in all_kinds().values():
        if try_lock_kind(connection, kind):
            try:
                swept += drop_detached(connection, kind)
            finally:
                unlock_kind(connection, kind)
    return swept


@dataclass(frozen=True, slots=True)
class IndexBuild:
    """An index of a partition that is not there yet: ``statement`` makes it.

    ``constraint`` is PRIMARY KEY or UNIQUE where the parent's index is one's.
    """

    table: str
    name: str
    statement: sql.Composed
    constraint: str | None


def index_builds(connection: Connection[Any], kind: Kind) -> list[IndexBuild]:
    """The indexes that the parents have: ``attach_partitions`` finds them made."""
    builds = []
    for parent, name, unique, definition, constraint in connection.execute(
        statement("twin.registry", "indexes"), {"tables": list(PARTITIONED)}
    ):
        table = partition_name(kind, parent)
        own = name.replace(parent, table, 1) + ("" if constraint else "_idx")
        made = sql.SQL("CREATE {} {} ON {} USING {}").format(
            sql.SQL("UNIQUE INDEX" if unique else "INDEX"),
            sql.Identifier(own),
            sql.Identifier("twin", table),
            sql.SQL(definition.partition(" USING ")[2]),
        )
        builds.append(IndexBuild(table, own, made, constraint))
    return builds


def complete_partitions(connection: Connection[Any], kind: Kind) -> None:
    """Build the indexes of what ``begin_partitions`` made, one after the other, and attach it."""
    for build in index_builds(connection, kind):
        connection.execute(build.statement)
    attach_partitions(connection, kind)
    ensure_further_indexes(connection, kind)


def attach_partitions(connection: Connection[Any], kind: Kind) -> None:
    """Make what ``begin_partitions`` made and ``index_builds`` told part of their parents, for all to see.

    Unlike CREATE TABLE … PARTITION OF, ATTACH keeps nobody from reading; an index that is missing it builds.
    """
    name = sql.Literal(kind.name)
    for build in index_builds(connection, kind):
        if build.constraint:
            connection.execute(
                sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {} USING INDEX {}").format(
                    sql.Identifier("twin", build.table),
                    sql.Identifier(build.name),
                    sql.SQL(build.constraint),
                    sql.Identifier(build.name),
                )
            )
    for parent in PARTITIONED:
        for action in (
            "ALTER TABLE {parent} ATTACH PARTITION {table} FOR VALUES IN ({name})",
            "ALTER TABLE {table} DROP CONSTRAINT kind",
        ):
            connection.execute(
                sql.SQL(action).format(
                    parent=sql.Identifier("twin", parent),
                    table=sql.Identifier("twin", partition_name(kind, parent)),
                    name=name,
                )
            )
    replace_view(connection, kind)


def further_builds(connection: Connection[Any], kind: Kind) -> list[IndexBuild]:
    """The indexes of the kind's partitions that are missing beside their parents': readers wait for none."""
    wanted = [*_attribute_indexes(kind), *_column_indexes(kind)]
    named = "SELECT relname FROM pg_class WHERE relnamespace = 'twin'::regnamespace AND relname = ANY (%s)"
    made = {name for (name,) in connection.execute(named, ([one.name for one in wanted],))}
    return [one for one in wanted if one.name not in made]


def ensure_further_indexes(connection: Connection[Any], kind: Kind) -> None:
    """Build what is missing of ``further_builds``, one after the other."""
    for build in further_builds(connection, kind):
        connection.execute(build.statement)


def _column_indexes(kind: Kind) -> Iterator[IndexBuild]:
    for parent, column, condition in _FURTHER:
        table = partition_name(kind, parent)
        name = f"{table}_{column}_idx"
        made = sql.SQL("CREATE INDEX {} ON {} ({}){}").format(
            sql.Identifier(name),
            sql.Identifier("twin", table),
            sql.Identifier(column),
            sql.SQL(f" WHERE {condition}" if condition else ""),
        )
        yield IndexBuild(table, name, made, None)


def _attribute_indexes(kind: Kind) -> Iterator[IndexBuild]:
    """An index for each attribute that the kind's file names as indexed, of the assets that have it."""
    table = partition_name(kind)
    for attribute in kind.attributes:
        if attribute.indexed:
            name, value = f"{table}_{attribute.name}", _expression(attribute)
            made = sql.SQL("CREATE INDEX {} ON {} (({value})) WHERE ({value}) IS NOT NULL").format(
                sql.Identifier(name), sql.Identifier("twin", table), value=value
            )
            yield IndexBuild(table, name, made, None)


def synchronise_kinds(connection: Connection[Any]) -> None:
    """Bring every kind's view and, where it has rows, its further indexes up to its file."""
    for kind in all_kinds().values():
        replace_view(connection, kind)
        if has_partitions(connection, kind):
            ensure_further_indexes(connection, kind)


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


# An attribute may not take the name of one of these columns; ``twin.kinds`` refuses such a kind.
VIEW_COLUMNS = (
    "code", "name", "address", "status", "division", "parent", "relation", "authority", "owner", "maintainer",
    "installed", "survey_method", "accuracy", "source_key", "cell", "valid_from", "recorded_from", "geom",
)  # fmt: skip


def _view_columns(kind: Kind) -> Iterator[sql.Composable]:
    yield from (sql.Identifier(name) for name in VIEW_COLUMNS)
    for attribute in kind.attributes:
        yield sql.SQL("{} AS {}").format(_expression(attribute, dates=True), sql.Identifier(attribute.name))


def attribute_sql(attribute: Attribute, *, dates: bool = False) -> str:
    """What ``registry.attributes.attribute_value`` says, as a test holds: a load does without SQLAlchemy.

    ``dates`` are dates, and not their ISO texts, if so asked: no index could hold them.
    """
    name = attribute.name.replace("'", "''")
    cast = _CASTS.get(attribute.type)
    if cast:
        return f"CAST(attributes -> '{name}' AS {cast})"
    text = f"attributes ->> '{name}'"
    return f"CAST({text} AS DATE)" if dates and attribute.type == "date" else text


def _expression(attribute: Attribute, *, dates: bool = False) -> sql.SQL:
    # A kind's file names its attributes: they are no user's input.
    return sql.SQL(attribute_sql(attribute, dates=dates))


def _is_partition(connection: Connection[Any], table: str) -> bool:
    return _truth(
        connection,
        "SELECT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass(%s) AND relispartition)",
        (f"twin.{table}",),
    )


def _truth(connection: Connection[Any], question: str, parameters: tuple[object, ...]) -> bool:
    row = connection.execute(question.encode(), parameters).fetchone()
    return row is not None and bool(row[0])
