"""What PostgreSQL takes by itself: a first load's rows, laid out beforehand, by one connection for each table
into the same tables, with the same checks, indexes and statistics.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.lab import PEER, REGISTRY, Lab
from benchmarks.load.ours import FULL_STATE_INDEX

PIECES = 16
"""COPY commands for each table, as many as a load of a million rows sends."""
_AT_A_TIME = 1 << 20
_SETTINGS = (b"SET synchronous_commit = off", b"SET max_parallel_maintenance_workers = 0")
_COLUMNS = """
    SELECT attname, format_type(atttypid, atttypmod), attnotnull, attstattarget = 0
    FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0
    ORDER BY attnum
"""
_CHECKS = """
    SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'
"""
_INDEXES = """
    SELECT indexdef
    FROM pg_indexes
    WHERE schemaname = 'twin' AND tablename = %s AND indexdef ~ %s
    ORDER BY indexdef !~ 'gist', indexname
"""


@dataclass(frozen=True, slots=True)
class Table:
    """How to make a table anew, what COPY takes into it from ``pieces``, and its indexes, GiST first."""

    definition: sql.Composed
    copy: sql.Composed
    pieces: tuple[Path, ...]
    analyze: sql.Composed
    indexes: tuple[sql.SQL, ...]


def written(lab: Lab, kind: str, folder: Path) -> list[Table]:
    """The tables of the kind's first load, which ``REGISTRY`` has, and their rows in files of ``folder``.

    The assets' comes first; of a kind without identifiers it is the only one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with lab.connection(REGISTRY) as connection:
        names = [f"{parent}_{kind}_1" for parent in ("asset", "identifier")]
        return [_table(connection, name, folder) for name in names if _pages(connection, name)]


def timed(lab: Lab, tables: Sequence[Table]) -> float:
    """Seconds until all is copied, indexed, analysed and on disk."""
    return lab.timed(lambda: _load(lab, tables))


def _load(lab: Lab, tables: Sequence[Table]) -> None:
    asset, *others = tables
    with lab.connection(PEER) as one, lab.connection(PEER) as other, ThreadPoolExecutor(1) as beside:
        for connection in (one, other):
            for setting in _SETTINGS:
                connection.execute(setting)
        for table in tables:
            one.execute(table.definition)
        # ANALYZE and CREATE INDEX keep each other out of a table.
        analysed = Event()

        def rest() -> None:
            for table in others:
                _fill(other, table)
                other.execute(table.analyze)
                _index(other, table.indexes)
            analysed.wait()
            _index(other, asset.indexes[1:])

        resting = beside.submit(rest)
        try:
            _fill(one, asset)
            one.execute(asset.analyze)
        finally:
            analysed.set()
        _index(one, asset.indexes[:1])
        resting.result()


def _table(connection: psycopg.Connection[Any], name: str, folder: Path) -> Table:
    table = sql.Identifier("twin", name)
    columns = connection.execute(_COLUMNS, (f"twin.{name}",)).fetchall()
    same = _same_everywhere(connection, table, [column for column, *_ in columns])
    sent = [sql.Identifier(column) for column, *_ in columns if column not in same]
    parts = [
        sql.SQL("{} {} {} {}").format(
            sql.Identifier(column),
            sql.SQL(type_),
            sql.SQL("NOT NULL" if needed else ""),
            sql.SQL("DEFAULT {}").format(sql.Literal(same.get(column))),
        )
        for column, type_, needed, _ in columns
    ]
    parts += [sql.SQL(check) for (check,) in connection.execute(_CHECKS, (f"twin.{name}",))]
    counted = [sql.Identifier(column) for column, *_, ignored in columns if not ignored]
    listed = sql.SQL(", ").join(sent)
    return Table(
        sql.SQL("CREATE TABLE {} ({}) WITH (autovacuum_enabled = false)").format(
            table, sql.SQL(", ").join(parts)
        ),
        sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(table, listed),
        tuple(_pieces(connection, name, listed, folder / name)),
        sql.SQL("ANALYZE {} ({})").format(table, sql.SQL(", ").join(counted)),
        tuple(sql.SQL(text) for (text,) in connection.execute(_INDEXES, (name, FULL_STATE_INDEX))),
    )


def _same_everywhere(
    connection: psycopg.Connection[Any], table: sql.Identifier, columns: Sequence[str]
) -> Mapping[str, str | None]:
    """The columns that have one value in all rows, as text, or none in any: they are made defaults."""
    asked = sql.SQL("SELECT {} FROM {}").format(
        sql.SQL(", ").join(
            sql.SQL(
                "CASE WHEN count(DISTINCT {0}::text) < 2 AND count({0}) IN (0, count(*))"
                " THEN ARRAY[min({0}::text)] END"
            ).format(sql.Identifier(column))
            for column in columns
        ),
        table,
    )
    found = connection.execute(asked).fetchone() or ()
    return {column: one[0] for column, one in zip(columns, found, strict=True) if one is not None}


def _pieces(
    connection: psycopg.Connection[Any], name: str, columns: sql.Composed, path: Path
) -> Iterator[Path]:
    """The rows in the order in which they stand, in ``PIECES`` files."""
    pages = -(-_pages(connection, name) // PIECES)
    for number in range(PIECES):
        rows = sql.SQL("SELECT {} FROM {} WHERE ctid >= {} AND ctid < {}").format(
            columns,
            sql.Identifier("twin", name),
            *(sql.Literal(f"({pages * end},0)") for end in (number, number + 1)),
        )
        target = path.with_suffix(f".{number}")
        command = sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(rows)
        with connection.cursor() as cursor, cursor.copy(command) as copy, target.open("wb") as file:
            for block in copy:
                file.write(block)
        yield target


def _pages(connection: psycopg.Connection[Any], name: str) -> int:
    asked = "SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::int"
    (pages,) = connection.execute(asked, (f"twin.{name}",)).fetchone() or (0,)
    return int(pages)


def _fill(connection: psycopg.Connection[Any], table: Table) -> None:
    for piece in table.pieces:
        with connection.cursor() as cursor, cursor.copy(table.copy) as copy, piece.open("rb") as file:
            while block := file.read(_AT_A_TIME):
                copy.write(block)


def _index(connection: psycopg.Connection[Any], indexes: Sequence[sql.SQL]) -> None:
    for index in indexes:
        connection.execute(index)
