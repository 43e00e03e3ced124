"""Staging tables: where a load copies its rows before they are merged, and how orphans of killed loads go.

A load holds a session's advisory lock on its dataset from beginning to end. Its staging tables are named by
the lock's key, so a table whose lock nobody holds belongs to nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from psycopg import Connection, sql

from loaders import arrow
from loaders.arrow import Column
from loaders.coding import Coded
from loaders.copy_binary import Field, constant
from loaders.draft import Draft
from loaders.fields import asset_fields, issuer_of, lay_out, send, text_field
from twin.kinds import Kind
from twin.registry.statements import statement

# The first of PostgreSQL's two 32-bit advisory lock keys; the second tells the datasets apart.
LOAD_LOCK = 0x7E10

_SUFFIXES = ("", "_identifier", "_borne", "_finding", "_retired", "_link")
_JOINED = " (row_number, existing, source_key, code, given, name, parent, parent_code)"
"""The columns by which rows are joined: looking at geometries and attributes takes longer than at these."""


class DatasetLock(NamedTuple):
    """The key of a dataset's lock, and whether another load had it when it was asked for."""

    key: int
    waited: bool


@contextmanager
def dataset_lock(connection: Connection[Any], dataset: str) -> Iterator[DatasetLock]:
    """Hold the dataset for one load; a second one waits."""
    key, at_once = connection.execute(
        "SELECT key, pg_try_advisory_lock(%s, key) FROM (SELECT hashtext(%s) AS key) AS named",
        (LOAD_LOCK, dataset),
    ).fetchone() or (0, False)
    if not at_once:
        connection.execute("SELECT pg_advisory_lock(%s, %s)", (LOAD_LOCK, key))
    try:
        yield DatasetLock(key, not at_once)
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
    def findings(self) -> sql.Identifier:
        """The table of what was found of rows."""
        return sql.Identifier("stage", f"{self.name}_finding")

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
            "findings": self.findings,
            "retired": self.retired,
            "links": sql.Identifier("stage", f"{self.name}_link"),
        }
        return sql.SQL(statement("loaders", name)).format(**{**tables, **parts})

    def create(self) -> None:
        """Make the tables; those of a killed load of the same dataset go."""
        self.drop()
        self.execute("stage")

    def empty(self) -> None:
        """Take all rows out of the tables."""
        tables = [sql.Identifier("stage", self.name + suffix) for suffix in _SUFFIXES]
        self.connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(tables)))

    def drop(self) -> None:
        """Take the tables away."""
        _drop(self.connection, self.name)

    def copy(self, writer: Connection[Any], draft: Draft, coded: Coded, kind: Kind, dataset: str) -> None:
        """Copy a batch of rows and their identifiers by a connection of its own."""
        fields = asset_fields(draft, coded) | {
            "existing": ("bool", arrow.numbers(draft.existing)),
            "given": ("text", coded.given),
            "class": text_field(coded.class_code),
            "parent": ("text", draft.common("parent")),
        }
        send(writer, self.name, lay_out(fields, len(draft)), "stage")
        for scheme, values in draft.values.identifiers.items():
            there = ~arrow.is_null(values)
            if there.any():
                own: dict[str, Field] = {
                    "row_number": ("int8", arrow.numbers(draft.numbers[there])),
                    "scheme": constant(scheme),
                    "issuer": constant(issuer_of(kind, scheme, dataset)),
                    "value": ("text", arrow.take(values, there)),
                }
                send(writer, f"{self.name}_identifier", lay_out(own, int(there.sum())), "stage")

    def copy_retired(self, keys: Column) -> None:
        """Copy the keys of assets that are to be retired."""
        if len(keys):
            fields: dict[str, Field] = {"source_key": ("text", keys)}
            send(self.connection, f"{self.name}_retired", lay_out(fields, len(keys)), "stage")

    def analyze(self) -> None:
        """Let the planner know what was copied."""
        for suffix in _SUFFIXES:
            columns = sql.SQL(_JOINED if not suffix else "")
            table = sql.Identifier("stage", self.name + suffix)
            self.connection.execute(sql.SQL("ANALYZE {}{}").format(table, columns))


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
