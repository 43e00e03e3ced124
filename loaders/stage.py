"""Staging tables: where a load copies its rows before they are merged, and how orphans of killed loads go.

A load holds a session's advisory lock on its dataset from beginning to end. Its staging tables are named by
the lock's key, so a table whose lock nobody holds belongs to nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import shapely
from psycopg import Connection, sql

from loaders import arrow, copy_binary, json_column
from loaders.arrow import Column
from loaders.coding import Coded
from loaders.copy_binary import FieldType
from loaders.draft import Draft
from loaders.words import words_of
from spatial.geometry import to_wkb
from twin.kinds import Kind
from twin.kinds.fields import identifier
from twin.registry.statements import statement

# The first of PostgreSQL's two 32-bit advisory lock keys; the second tells the datasets apart.
LOAD_LOCK = 0x7E10
SRID = 4326

_SUFFIXES = ("", "_identifier", "_borne", "_finding", "_retired")
_TEXTS = ("name", "address", "status", "parent", "authority", "owner", "maintainer", "survey_method")


@contextmanager
def dataset_lock(connection: Connection[Any], dataset: str) -> Iterator[int]:
    """Hold the dataset for one load; a second one waits. Gives the lock's key."""
    row = connection.execute("SELECT hashtext(%s)", (dataset,)).fetchone()
    key = int(row[0]) if row else 0
    connection.execute("SELECT pg_advisory_lock(%s, %s)", (LOAD_LOCK, key))
    try:
        yield key
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s, %s)", (LOAD_LOCK, key))


class Stage:
    """The staging tables of one load."""

    def __init__(self, connection: Connection[Any], key: int) -> None:
        self.connection = connection
        self.name = _name(key)

    @property
    def table(self) -> sql.Identifier:
        """The table of rows."""
        return sql.Identifier("stage", self.name)

    @property
    def retired(self) -> sql.Identifier:
        """The table of assets that are to be retired."""
        return sql.Identifier("stage", f"{self.name}_retired")

    def execute(
        self, name: str, parameters: Mapping[str, object] | None = None, /, **parts: sql.Composable
    ) -> int:
        """Run one of ``loaders/sql`` on these tables; gives the number of rows it touched."""
        return self.connection.execute(self.composed(name, **parts), parameters).rowcount

    def composed(self, name: str, /, **parts: sql.Composable) -> sql.Composed:
        """One of ``loaders/sql`` with the names of these tables filled in."""
        tables = {
            "stage": self.table,
            "identifiers": sql.Identifier("stage", f"{self.name}_identifier"),
            "borne": sql.Identifier("stage", f"{self.name}_borne"),
            "findings": sql.Identifier("stage", f"{self.name}_finding"),
            "retired": self.retired,
        }
        return sql.SQL(statement("loaders", name)).format(**{**tables, **parts})

    def create(self) -> None:
        """Make the tables; those of a killed load of the same dataset go."""
        self.drop()
        self.execute("stage")

    def drop(self) -> None:
        """Take the tables away."""
        _drop(self.connection, self.name)

    def copy(self, draft: Draft, coded: Coded, kind: Kind, dataset: str) -> None:
        """Copy a batch of rows and their identifiers."""
        if not len(draft):
            return
        self._copy(self.name, _columns(draft, coded))
        for scheme, values in draft.values.identifiers.items():
            there = ~arrow.is_null(values)
            if there.any():
                known = identifier(kind, scheme)
                issuer = "" if known is not None and known.unique_within == "world" else dataset
                self._copy(f"{self.name}_identifier", _identifier_columns(draft, scheme, issuer, values))

    def copy_retired(self, keys: Column) -> None:
        """Copy the keys of assets that are to be retired."""
        self._copy(f"{self.name}_retired", {"source_key": ("text", keys)})

    def _copy(self, table: str, columns: Mapping[str, tuple[FieldType, Column]]) -> None:
        command = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
            sql.Identifier("stage", table), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        with self.connection.cursor() as cursor, cursor.copy(command) as copy:
            copy.write(copy_binary.HEADER)
            copy.write(copy_binary.tuples(list(columns.values())))
            copy.write(copy_binary.TRAILER)

    def analyze(self) -> None:
        """Let the planner know what was copied."""
        for suffix in _SUFFIXES:
            self.connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier("stage", self.name + suffix)))


def sweep(connection: Connection[Any]) -> list[str]:
    """Drop the staging tables of loads that are no more; gives the names of those loads' tables."""
    rows = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'stage' AND tablename ~ '^load_[0-9]+$'"
    ).fetchall()
    swept = []
    for (name,) in rows:
        key = np.uint32(int(name.removeprefix("load_"))).astype(np.int32)
        row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (LOAD_LOCK, int(key))).fetchone()
        if row and row[0]:
            try:
                _drop(connection, name)
                swept.append(name)
            finally:
                connection.execute("SELECT pg_advisory_unlock(%s, %s)", (LOAD_LOCK, int(key)))
    return swept


def _name(key: int) -> str:
    return f"load_{key & 0xFFFFFFFF}"


def _drop(connection: Connection[Any], name: str) -> None:
    tables = [sql.Identifier("stage", name + suffix) for suffix in _SUFFIXES]
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.SQL(", ").join(tables)))


def _columns(draft: Draft, coded: Coded) -> dict[str, tuple[FieldType, Column]]:
    missing = shapely.is_missing(draft.places.geometries)
    accuracy = draft.values.common.get("accuracy")
    texts: dict[str, tuple[FieldType, Column]] = {name: ("text", draft.common(name)) for name in _TEXTS}
    return texts | {
        "row_number": ("int8", arrow.numbers(draft.numbers)),
        "source_key": ("text", draft.identity.keys),
        "source_hash": ("int8", arrow.numbers(draft.identity.hashes)),
        "existing": ("bool", arrow.numbers(draft.existing)),
        "given": ("text", coded.given),
        "code": ("text", coded.code),
        "scheme": ("text", coded.scheme),
        "issued_in": ("text", coded.issued_in),
        "class": ("text", coded.class_code),
        "division": ("text", arrow.texts(draft.divisions)),
        "installed": ("date", draft.common("installed")),
        "accuracy": ("float4", arrow.unknown_numbers(len(draft)) if accuracy is None else accuracy),
        "attributes": ("jsonb", json_column.objects(draft.values.attributes, len(draft))),
        "words": ("text", words_of(draft)),
        "geom": ("bytes", arrow.binaries(to_wkb(draft.places.geometries, srid=SRID))),
        "cell": ("int8", arrow.numbers(draft.places.cells, missing)),
    }


def _identifier_columns(
    draft: Draft, scheme: str, issuer: str, values: Column
) -> dict[str, tuple[FieldType, Column]]:
    there = ~arrow.is_null(values)
    count = int(there.sum())
    return {
        "row_number": ("int8", arrow.numbers(draft.numbers[there])),
        "scheme": ("text", arrow.constant(scheme, count)),
        "issuer": ("text", arrow.constant(issuer, count)),
        "value": ("text", arrow.take(values, there)),
    }
