"""Roll-ups: how many assets each cell of resolutions 5 to 9 holds, and what their kind adds up of them.

They are by kind, status and division, and as exact as a count: triggers keep them, which see all rows that a
statement has changed at once. Each part of a kind has its own. What is copied into a part that nobody sees
yet is counted by itself, and shown with it. Their totals by cell follow whatever changes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection, sql

from twin.kinds import all_kinds
from twin.kinds.model import Kind, Sum

COARSEST, FINEST = 5, 9
"""The resolutions of the cells."""
UNIT = 1000
"""Sums are whole numbers of thousandths, which add up exactly in whatever order."""

UNREASONABLE = "1e12"
"""Numbers from here on are a mistake, and are not added up."""
_GEOMETRIES = {"length": "st_length(geom::geography)", "area": "api.area(geom)"}


def count_all(connection: Connection[Any]) -> None:
    """Count the assets of every kind, of those too whose file is gone."""
    kinds = all_kinds()
    for kind in kinds.values():
        define(connection, kind)
    tables = connection.execute(
        "SELECT relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = 'twin.asset'::regclass"
    ).fetchall()
    for (table,) in tables:
        name = table.removeprefix("asset_")
        if name not in kinds:
            connection.execute("INSERT INTO twin.rollup_kind VALUES (%s, '{}', '{}')", (name,))
        recount(connection, name, table)


def define(connection: Connection[Any], kind: Kind) -> bool:
    """Have roll-ups add up what the kind's file says; whether that is something else than before."""
    names = [total.name for total in kind.sums]
    measures = [_measure(kind, total) for total in kind.sums]
    changed = connection.execute(
        "INSERT INTO twin.rollup_kind AS k (kind, sums, measures) VALUES (%s, %s, %s)"
        " ON CONFLICT (kind) DO UPDATE SET sums = excluded.sums, measures = excluded.measures"
        " WHERE (k.sums, k.measures) IS DISTINCT FROM (excluded.sums, excluded.measures)",
        (kind.name, names, measures),
    )
    return changed.rowcount > 0


def recount(connection: Connection[Any], kind: str, table: str) -> None:
    """Count all assets of the kind anew, which stand in ``table``; nobody changes any meanwhile."""
    assets = sql.Identifier("twin", table)
    with connection.transaction():
        connection.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(assets))
        connection.execute("DELETE FROM twin.rollup WHERE kind = %s", (kind,))
        with _grouping_unsorted(connection):
            _add(connection, _query(connection, kind, table))


def count(connection: Connection[Any], kind: Kind, table: str, into: str) -> None:
    """Count the assets in a table that nobody changes, and keep what comes of it in a table ``into``."""
    query = sql.SQL("INSERT INTO {} (kind, part, cell, status, division, assets, sums) {}").format(
        sql.Identifier("twin", into), sql.SQL(_query(connection, kind.name, table))
    )
    with connection.transaction(), _grouping_unsorted(connection):
        connection.execute(query)


def keep(connection: Connection[Any], written: Iterable[memoryview], into: str) -> None:
    """Keep what was counted elsewhere, as ``count`` does, in a table ``into``, whose rows are of one part.

    It comes as CSV: cell, status, division, number of assets and sums.
    """
    command = sql.SQL("COPY {} (cell, status, division, assets, sums) FROM STDIN (FORMAT csv)")
    with connection.cursor() as cursor, cursor.copy(command.format(sql.Identifier("twin", into))) as copy:
        for rows in written:
            copy.write(rows)


def add_totals(connection: Connection[Any], counted: str) -> None:
    """Add what ``count`` or ``keep`` has kept in a table to the totals; its triggers do not know of it."""
    connection.execute(
        sql.SQL(
            "INSERT INTO twin.rollup_cell AS t SELECT cell, kind, sum(assets) FROM {} GROUP BY cell, kind"
            # In the order of the key: of two who add to the same rows one waits for the other.
            " ORDER BY cell, kind ON CONFLICT (cell, kind) DO UPDATE SET assets = t.assets + excluded.assets"
        ).format(sql.Identifier("twin", counted))
    )


def watch(connection: Connection[Any], table: str) -> None:
    """Keep the roll-ups by what statements that name the table change."""
    connection.execute("SELECT twin.watch(%s)", (f"twin.{table}",))


def thousandths(kind: Kind, total: Sum) -> str:
    """What an asset adds to a sum, as triggers have it: SQL over the columns ``attributes`` and ``geom``."""
    return f"round({UNIT} * {_measure(kind, total)})::bigint"


def _measure(kind: Kind, total: Sum) -> str:
    """What of an asset is added up, in SQL: null where it has no number, or one beyond all reason.

    Names are the kind's file's.
    """
    if kind.attribute(total.of) is None:
        return _GEOMETRIES[total.of]
    value = f"attributes -> '{total.of.replace(chr(39), chr(39) * 2)}'"
    number = f"CASE jsonb_typeof({value}) WHEN 'number' THEN ({value})::numeric END"
    return f"CASE WHEN abs({number}) < {UNREASONABLE} THEN ({value})::double precision END"


@contextmanager
def _grouping_unsorted(connection: Connection[Any]) -> Iterator[None]:
    """Have PostgreSQL group by hashing, within a transaction.

    Of a table without statistics it expects as many groups as rows, and would sort all of these on disk. What
    it has to sort all the same it then takes for so dear that it would compile the statement.
    """
    settings = ("enable_sort", "jit")
    before = [connection.execute("SELECT current_setting(%s)", (name,)).fetchone() for name in settings]
    for name in settings:
        connection.execute("SELECT set_config(%s, 'off', true)", (name,))
    yield
    for name, value in zip(settings, before, strict=True):
        connection.execute("SELECT set_config(%s, %s, true)", (name, value[0] if value else "on"))


def _query(connection: Connection[Any], kind: str, table: str) -> str:
    """A query that counts the assets in a table."""
    rows = sql.SQL("(SELECT *, 1 AS sign FROM {})").format(sql.Identifier("twin", table))
    return _text(connection, "SELECT twin.rollup_query(%s, %s)", rows.as_string(connection), kind)


def _add(connection: Connection[Any], query: str) -> None:
    statement = _text(connection, "SELECT twin.rollup_statement(%s)", query)
    connection.execute(statement.encode())


def _text(connection: Connection[Any], question: str, *arguments: str) -> str:
    (text,) = connection.execute(question.encode(), arguments).fetchone() or ("",)
    return str(text)
