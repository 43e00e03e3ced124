"""What is registered of a dataset's kind already: its keys and hashes, pulled once and compared in arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from psycopg import Connection, sql

from loaders import arrow
from loaders.arrow import Column
from loaders.keys import Identity, hashes_of, lookup
from spatial.arrays import BoolArray, Int64Array
from twin.kinds import Kind

_SAME_ROWS = 0.5
"""The share of known keys from which a column of another name is taken for the same key."""


def dataset_id_of(connection: Connection[Any], name: str) -> int | None:
    """The number of a dataset, None while it is not registered."""
    row = connection.execute("SELECT id FROM twin.dataset WHERE name = %s", (name,)).fetchone()
    return int(row[0]) if row else None


def is_registered(connection: Connection[Any], load: int | None) -> bool:
    """Whether a load came to its end."""
    return connection.execute("SELECT FROM twin.load WHERE id = %s", (load,)).fetchone() is not None


@dataclass(frozen=True, slots=True)
class LastLoad:
    """Of the last load of a dataset's kind the file's name and the key column, None where there was none."""

    source: str
    key: str | None

    @classmethod
    def read(cls, connection: Connection[Any], dataset_id: int | None, kind: Kind) -> LastLoad | None:
        """The last load, if there was one."""
        row = connection.execute(
            "SELECT source, receipt ->> 'key' FROM twin.load"
            " WHERE dataset_id = %s AND kind = %s ORDER BY id DESC LIMIT 1",
            (dataset_id, kind.name),
        ).fetchone()
        return cls(*row) if row else None


@dataclass(frozen=True, slots=True)
class Registered:
    """The hashes of the registered keys, sorted, and the hash of each one's source values."""

    keys: Int64Array
    hashes: Int64Array

    @classmethod
    def read(cls, connection: Connection[Any], dataset_id: int | None, kind: Kind) -> Registered:
        """All of the dataset's assets of the kind."""
        statement = sql.SQL(
            "COPY (SELECT source_key, source_hash FROM twin.asset WHERE dataset_id = {} AND kind = {})"
            " TO STDOUT (FORMAT csv)"
        ).format(sql.Literal(dataset_id), sql.Literal(kind.name))
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            data = b"".join(bytes(block) for block in copy)
        batch = arrow.read_csv_text(data, ("key", "hash"))
        keys = hashes_of([batch.columns["key"]])
        hashes = arrow.parsed_integers(batch.columns["hash"])
        order = np.argsort(keys, kind="stable")
        return cls(keys[order], hashes[order])

    def compare(self, identity: Identity) -> tuple[BoolArray, BoolArray]:
        """Which rows' keys are registered, and which of these say the same as when they were last loaded."""
        places = lookup(self.keys, identity.key_hashes)
        existing: BoolArray = places >= 0
        same = existing.copy()
        same[existing] = self.hashes[places[existing]] == identity.hashes[existing]
        return existing, same

    def holds_most(self, keys: Column | None) -> bool:
        """Whether at least half of the keys are registered."""
        if keys is None or not len(keys):
            return False
        return bool((lookup(self.keys, hashes_of([keys])) >= 0).mean() >= _SAME_ROWS)
