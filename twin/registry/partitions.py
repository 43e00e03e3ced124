"""A kind's own database objects: its tables of assets and identifiers, their indexes, its view.

A kind's assets stand in one part or several: ``asset_streetlight`` is partitioned into
``asset_streetlight_1``, ``asset_streetlight_2`` and so on, and the identifiers alike. A large dataset that
comes to a kind which has many assets already gets a part of its own, indexed when all its rows are there. All
rows that a dataset has of a kind stand in one part: what is unique in the dataset is unique in the part.

All of them are made from the kind's file, when its first row comes and whenever the registry is migrated, so
that a new kind needs nothing beside its file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from psycopg import Connection, sql

from twin.kinds import all_kinds
from twin.kinds.model import Attribute, Kind
from twin.registry import rollups
from twin.registry.statements import statement

# The first of PostgreSQL's two 32-bit advisory lock keys; the second tells the kinds or the parts apart.
KIND_LOCK = 0x7E1D
PART_LOCK = 0x7E1F

LEAST, SHARE, MOST = 50_000, 20, 8
"""A dataset's part has at least so many rows, and one in so many of what the kind had; and there are at most
so many parts of a kind: every question that names no dataset asks each one's indexes."""

_CASTS = {"integer": "BIGINT", "number": "DOUBLE PRECISION", "boolean": "BOOLEAN"}
"""SQL types of attributes that are not compared as texts."""

LOADED = ("asset", "identifier")
PARTITIONED = (*LOADED, "rollup")
"""The tables in schema ``twin`` of which every kind has a partition, and each of its parts; first those whose
rows loads bring, then what is counted of these."""

_ROOM = {"rollup": 80}
"""The percentage of a page that is filled at first, where rows change so that they could stay on it."""

_UNASKED = ("accuracy", "address", "attributes", "row_number", "source_hash", "words")
"""Columns of assets that no condition compares as they are: ANALYZE need not sort what they say. Attributes
and search texts are compared by expressions, which have statistics of their own with their indexes."""

_KEYS = (
    ("asset", "pkey", "code, issued_in", "PRIMARY KEY", None),
    ("identifier", "current", "value, scheme, issuer", None, "valid_to IS NULL"),
    ("asset", "dataset_id_source_key", "dataset_id, source_key", "UNIQUE", None),
    ("rollup", "pkey", "cell, status, division, kind, part", "PRIMARY KEY", None),
)
"""Table, name, columns, constraint and condition of what is unique: each part's own, for a parent's would
have to hold the columns by which it is partitioned. Over all parts loads see to it, which merge in turn."""

_FURTHER = (
    ("asset", "division", None),
    ("asset", "status", "status <> 'in_service'"),
    ("asset", "parent, code", "parent IS NOT NULL"),  # children are listed by their codes
    ("identifier", "code", None),
)
"""Table, columns and condition of indexes that only make reading faster. What ATTACH finds missing of the
parent's indexes it builds, so these are each part's own."""


class Part(Struct, frozen=True):
    """Some of a kind's assets, and what they bear."""

    kind: Kind
    number: int

    def table(self, parent: str = "asset") -> str:
        """The table in schema ``twin`` that holds the part's rows of a parent table."""
        return f"{kind_table(self.kind, parent)}_{self.number}"

    @property
    def tables(self) -> tuple[str, ...]:
        """All its tables."""
        return tuple(map(self.table, PARTITIONED))

    @property
    def rollup(self) -> str:
        """The table in schema ``twin`` of its roll-ups."""
        return self.table("rollup")


def kind_table(kind: Kind, parent: str = "asset") -> str:
    """The table in schema ``twin`` whose parts hold the kind's rows of a parent table."""
    return f"{parent}_{kind.name}"


def lock_kind(connection: Connection[Any], kind: Kind) -> None:
    """Hold, until the transaction ends, the right to change the kind's assets and parts."""
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (KIND_LOCK, kind.name))


def try_lock_kind(connection: Connection[Any], kind: Kind) -> bool:
    """The same until the session ends or ``unlock_kind``, where nobody else holds it."""
    return _truth(connection, "SELECT pg_try_advisory_lock(%s, hashtext(%s))", (KIND_LOCK, kind.name))


def unlock_kind(connection: Connection[Any], kind: Kind) -> None:
    """Give up what ``try_lock_kind`` has got."""
    connection.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", (KIND_LOCK, kind.name))


def hold(connection: Connection[Any], part: Part) -> None:
    """Hold a part that is being made until the session ends or ``let_go``; a sweep has it for a moment."""
    connection.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", (PART_LOCK, part.table()))


def try_hold(connection: Connection[Any], part: Part) -> bool:
    """The same, where nobody else holds it."""
    return _truth(connection, "SELECT pg_try_advisory_lock(%s, hashtext(%s))", (PART_LOCK, part.table()))


def let_go(connection: Connection[Any], part: Part) -> None:
    """Give up what ``try_hold`` has got."""
    connection.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", (PART_LOCK, part.table()))


def parts(connection: Connection[Any], kind: Kind) -> list[Part]:
    """The kind's parts that everybody sees; none where the kind has no assets yet."""
    rows = connection.execute(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = to_regclass(%s)",
        (f"twin.{kind_table(kind)}",),
    )
    return [Part(kind, number) for number in sorted(_number(name) for (name,) in rows)]


def part_of(connection: Connection[Any], kind: Kind, dataset_id: int | None) -> Part | None:
    """The part in which a dataset's assets of the kind stand, where it has any."""
    row = connection.execute(
        "SELECT part FROM twin.asset WHERE kind = %s AND dataset_id = %s LIMIT 1", (kind.name, dataset_id)
    ).fetchone()
    return Part(kind, int(row[0])) if row else None


def worth_a_part(connection: Connection[Any], kind: Kind, rows: int | None) -> bool:
    """Whether so many further rows are better indexed by themselves than put into indexes that there are."""
    there = parts(connection, kind)
    if not there:
        return True
    if rows is None or rows < LEAST or len(there) >= MOST:
        return False
    return SHARE * rows >= estimated_rows(connection, there)


def estimated_rows(connection: Connection[Any], there: list[Part]) -> int:
    """How many assets these parts have by the planner's last count."""
    row = connection.execute(
        "SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint FROM pg_class"
        " WHERE relnamespace = 'twin'::regnamespace AND relname = ANY (%s)",
        ([part.table() for part in there],),
    ).fetchone()
    return int(row[0]) if row else 0


def ensure_partitions(connection: Connection[Any], kind: Kind) -> None:
    """Make the kind's first part, with indexes, and its view where there are none; commits nothing."""
    if not parts(connection, kind):
        complete_part(connection, begin_part(connection, kind))


def begin_part(connection: Connection[Any], kind: Kind) -> Part:
    """Make a new part of the kind: without indexes, and seen by nobody yet.

    Rows that are there before the indexes cost a third. Commits nothing; takes the kind's lock, which keeps
    numbers apart.
    """
    lock_kind(connection, kind)
    part = Part(kind, 1 + max(_numbers(connection, kind), default=0))
    for parent in PARTITIONED:
        _create(connection, part, parent)
        fill(connection, part, parent, {"part": part.number})
    fill(connection, part, "rollup", {"kind": part.kind.name})
    for column in _UNASKED:
        connection.execute(
            sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET STATISTICS 0").format(
                sql.Identifier("twin", part.table()), sql.Identifier(column)
            )
        )
    return part


def _create(connection: Connection[Any], part: Part, parent: str) -> None:
    """Make a table as the parent is, with a check that saves ATTACH from reading all rows."""
    inherited = [
        sql.SQL(definition)
        for (definition,) in connection.execute(
            statement("twin.registry", "part_columns"), {"parent": f"twin.{parent}"}
        )
    ]
    own = sql.SQL("CONSTRAINT part CHECK (kind = {} AND part = {})").format(
        sql.Literal(part.kind.name), sql.Literal(part.number)
    )
    # Autovacuum comes once a minute to where many rows were added. It would keep out those who index them,
    # until the server ends it a second later.
    connection.execute(
        sql.SQL("CREATE TABLE {} ({}) WITH (autovacuum_enabled = false, fillfactor = {})").format(
            sql.Identifier("twin", part.table(parent)),
            sql.SQL(", ").join([*inherited, own]),
            sql.Literal(_ROOM.get(parent, 100)),
        )
    )


def fill(connection: Connection[Any], part: Part, parent: str, values: Mapping[str, object]) -> None:
    """Have rows that leave these columns out say the values, until the part is attached: none is null."""
    table = sql.Identifier("twin", part.table(parent))
    for column, value in values.items():
        connection.execute(
            sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {}").format(
                table, sql.Identifier(column), sql.Literal(value)
            )
        )


def _restore_defaults(connection: Connection[Any], part: Part, parent: str) -> None:
    """Take back what ``fill`` has set: the defaults are the parent's again."""
    table = part.table(parent)
    changed = connection.execute(
        statement("twin.registry", "changed_defaults"), {"table": f"twin.{table}", "parent": f"twin.{parent}"}
    ).fetchall()
    for column, default in changed:
        action = sql.SQL("SET DEFAULT " + default) if default else sql.SQL("DROP DEFAULT")
        connection.execute(
            sql.SQL("ALTER TABLE {} ALTER COLUMN {} {}").format(
                sql.Identifier("twin", table), sql.Identifier(column), action
            )
        )


def drop_unseen(connection: Connection[Any], part: Part) -> list[str]:
    """Take away the tables of a part that was never attached; gives their names."""
    dropped = []
    for table in part.tables:
        there = "SELECT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass(%s) AND NOT relispartition)"
        if _truth(connection, there, (f"twin.{table}",)):
            connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier("twin", table)))
            dropped.append(table)
    return dropped


def sweep_partitions(connection: Connection[Any]) -> list[str]:
    """Take away what killed loads have left of parts; gives the names of the tables."""
    swept = []
    for kind in all_kinds().values():
        for number in _numbers(connection, kind, unseen=True):
            part = Part(kind, number)
            if try_hold(connection, part):
                try:
                    swept += drop_unseen(connection, part)
                finally:
                    let_go(connection, part)
    return swept


class IndexBuild(Struct, frozen=True):
    """An index of a part that is not there yet: ``statement`` makes it.

    ``constraint`` is PRIMARY KEY or UNIQUE where the index becomes one's.
    """

    table: str
    name: str
    statement: sql.Composed
    constraint: str | None = None


def index_builds(connection: Connection[Any], part: Part) -> list[IndexBuild]:
    """The keys, and the indexes that the parents have, which ``attach_part`` finds made; slow ones first."""
    inherited = [
        (method, _index(part.table(parent), f"{name.removeprefix(parent + '_')}_idx", using))
        for parent, name, method, using in connection.execute(
            statement("twin.registry", "indexes"), {"tables": list(LOADED)}
        )
    ]
    slow = [build for method, build in inherited if method != "btree"]
    quick = [build for method, build in inherited if method == "btree"]
    return [*slow, *_keys(part), *quick]


def _keys(part: Part) -> Iterator[IndexBuild]:
    for parent, name, columns, constraint, condition in _KEYS:
        suffix = name if constraint else f"{name}_idx"
        where = f" WHERE {condition}" if condition else ""
        yield _index(
            part.table(parent), suffix, f"btree ({columns}){where}", unique=True, constraint=constraint
        )


def _index(
    table: str, suffix: str, using: str, *, unique: bool = False, constraint: str | None = None
) -> IndexBuild:
    """An index of our own tables and columns: no part of it is a user's input."""
    name = f"{table}_{suffix}"
    made = sql.SQL("CREATE {} {} ON {} USING {}").format(
        sql.SQL("UNIQUE INDEX" if unique else "INDEX"),
        sql.Identifier(name),
        sql.Identifier("twin", table),
        sql.SQL(using),
    )
    return IndexBuild(table, name, made, constraint)


def complete_part(connection: Connection[Any], part: Part) -> None:
    """Build the indexes of what ``begin_part`` made, one after the other, and attach it."""
    count_part(connection, part)
    for build in index_builds(connection, part):
        connection.execute(build.statement)
    attach_part(connection, part)
    for build in further_builds(connection, part):
        connection.execute(build.statement)
    let_vacuum(connection, part)


def attach_part(connection: Connection[Any], part: Part, indexed: Callable[[], None] = lambda: None) -> None:
    """Make what ``begin_part`` made, ``count_part`` counted and ``index_builds`` told part of its parents.

    All see it then. Unlike CREATE TABLE … PARTITION OF, ATTACH keeps nobody from reading; an index that is
    missing it builds. ``indexed`` waits for those that are still being built.
    """
    _add_totals(connection, part)
    indexed()
    for build in _keys(part):
        if build.constraint:
            connection.execute(
                sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {} USING INDEX {}").format(
                    sql.Identifier("twin", build.table),
                    sql.Identifier(build.name),
                    sql.SQL(build.constraint),
                    sql.Identifier(build.name),
                )
            )
    _ensure_kind_tables(connection, part.kind)
    for parent in PARTITIONED:
        _restore_defaults(connection, part, parent)
        table = part.table(parent)
        _attach(connection, kind_table(part.kind, parent), table, part.number)
        connection.execute(
            sql.SQL("ALTER TABLE {} DROP CONSTRAINT part").format(sql.Identifier("twin", table))
        )
    rollups.watch(connection, part.table())


def let_vacuum(connection: Connection[Any], part: Part) -> None:
    """Let autovacuum come to the part's tables from now on."""
    kept = "SELECT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass(%s) AND reloptions @> %s)"
    for table in part.tables:
        if _truth(connection, kept, (f"twin.{table}", ["autovacuum_enabled=false"])):
            connection.execute(
                sql.SQL("ALTER TABLE {} RESET (autovacuum_enabled)").format(sql.Identifier("twin", table))
            )


def _add_totals(connection: Connection[Any], part: Part) -> None:
    """Add what ``count_part`` has counted to the kind's totals.

    Who recounts a kind locks its table before its roll-ups; so does this, with the lock that ATTACH takes.
    """
    table = kind_table(part.kind)
    if _is_table(connection, table):
        statement = sql.SQL("LOCK TABLE ONLY {} IN SHARE UPDATE EXCLUSIVE MODE")
        connection.execute(statement.format(sql.Identifier("twin", table)))
    rollups.add_totals(connection, part.rollup)


def count_part(connection: Connection[Any], part: Part, counted: Iterable[memoryview] | None = None) -> None:
    """Count what is in a part that is not attached, when all is there.

    ``counted`` is that count as CSV, where who has put the rows there knows it.
    """
    _synchronise_rollup(connection, part.kind)
    if counted is None:
        rollups.count(connection, part.kind, part.table(), part.rollup)
    else:
        rollups.keep(connection, counted, part.rollup)


def _ensure_kind_tables(connection: Connection[Any], kind: Kind) -> None:
    """Make the tables whose parts hold the kind's rows, and its view, where they are missing."""
    if _is_table(connection, kind_table(kind)):
        return
    for parent in PARTITIONED:
        table = kind_table(kind, parent)
        connection.execute(
            sql.SQL(
                "CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY LIST (part)"
            ).format(sql.Identifier("twin", table), sql.Identifier("twin", parent))
        )
        _attach(connection, parent, table, kind.name)
    rollups.watch(connection, kind_table(kind))
    replace_view(connection, kind)


def _attach(connection: Connection[Any], parent: str, table: str, value: str | int) -> None:
    connection.execute(
        sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES IN ({})").format(
            sql.Identifier("twin", parent), sql.Identifier("twin", table), sql.Literal(value)
        )
    )


def further_builds(connection: Connection[Any], part: Part) -> list[IndexBuild]:
    """The indexes of a part that are missing beside its parents' and its keys: readers wait for none."""
    wanted = [*_attribute_indexes(part), *_column_indexes(part)]
    named = "SELECT relname FROM pg_class WHERE relnamespace = 'twin'::regnamespace AND relname = ANY (%s)"
    made = {name for (name,) in connection.execute(named, ([one.name for one in wanted],))}
    return [one for one in wanted if one.name not in made]


def ensure_further_indexes(connection: Connection[Any], kind: Kind) -> None:
    """Build what is missing of ``further_builds`` of all parts that no load works at, one after the other.

    Autovacuum may come to them, too.
    """
    for part in parts(connection, kind):
        if try_hold(connection, part):
            try:
                let_vacuum(connection, part)
                for build in further_builds(connection, part):
                    connection.execute(build.statement)
            finally:
                let_go(connection, part)


def _column_indexes(part: Part) -> Iterator[IndexBuild]:
    for parent, columns, condition in _FURTHER:
        where = f" WHERE {condition}" if condition else ""
        name = columns.replace(", ", "_")
        yield _index(part.table(parent), f"{name}_idx", f"btree ({columns}){where}")


def _attribute_indexes(part: Part) -> Iterator[IndexBuild]:
    """An index for each attribute that the kind's file names as indexed, of the assets that have it."""
    for attribute in part.kind.attributes:
        if attribute.indexed:
            value = attribute_sql(attribute)
            yield _index(part.table(), attribute.name, f"btree (({value})) WHERE ({value}) IS NOT NULL")


def synchronise_kinds(connection: Connection[Any]) -> None:
    """Bring every kind's view and, where it has rows, its further indexes and roll-ups up to its file."""
    for kind in all_kinds().values():
        replace_view(connection, kind)
        _synchronise_rollup(connection, kind)
        ensure_further_indexes(connection, kind)


def _synchronise_rollup(connection: Connection[Any], kind: Kind) -> None:
    """Have roll-ups add up what the kind's file says; where that is new, count what there is anew."""
    if rollups.define(connection, kind) and _is_table(connection, kind_table(kind)):
        rollups.recount(connection, kind.name, kind_table(kind))


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


def _numbers(connection: Connection[Any], kind: Kind, *, unseen: bool = False) -> list[int]:
    """The numbers of the kind's parts that there are; of those alone that are ``unseen``, if so asked."""
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'twin'::regnamespace AND relkind = 'r'"
        " AND NOT (%s AND relispartition) AND relname ~ %s",
        (unseen, f"^({'|'.join(PARTITIONED)})_{kind.name}_[0-9]+$"),
    )
    return sorted({_number(name) for (name,) in rows})


def _number(table: str) -> int:
    return int(table.rpartition("_")[2])


def _is_table(connection: Connection[Any], name: str) -> bool:
    return _truth(connection, "SELECT to_regclass(%s) IS NOT NULL", (f"twin.{name}",))


def _truth(connection: Connection[Any], question: str, parameters: tuple[object, ...]) -> bool:
    row = connection.execute(question.encode(), parameters).fetchone()
    return row is not None and bool(row[0])
