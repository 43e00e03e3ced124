"""What is registered of a dataset's kind already: its keys and hashes, pulled once and compared in arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from psycopg import Connection, sql
from psycopg.abc import Buffer

from loaders import arrow
from loaders.arrow import Column
from loaders.keys import Identity, lookup
from loaders.text_hashes import text_hashes
from spatial.arrays import BoolArray, Int64Array
from twin.kinds import Kind

_COLUMNS = ("key", "hash")
ROWS_AT_A_TIME = 65_536
"""Keys held as text at a time: sixteen bytes a row are what remains of them."""

_SAME_ROWS = 0.5
"""The share of known keys from which a column of another name is taken for the same key."""


def dataset_id_of(connection: Connection[Any], name: str) -> int | None:
    """The number of a dataset, None while it is not registered."""
    row = connection.execute("SELECT id FROM twin.dataset WHERE name = %s", (name,)).fetchone()
    return int(row[0]) if row else None


def batches_registered(connection: Connection[Any], load: int | None) -> int:
    """How many batches of a load are registered: of one in a single batch none, or one at its end."""
    query = "SELECT cardinality(moments) FROM twin.load WHERE id = %s"
    (count,) = connection.execute(query, (load,)).fetchone() or (0,)
    return int(count)


@dataclass(frozen=True, slots=True)
class LastLoad:
    """Of the last load of a dataset's kind the file's name, the key column and the system.

    Loads that are undone, and those that undo, do not count.
    """

    source: str
    key: str | None
    crs: str | None

    @classmethod
    def read(cls, connection: Connection[Any], dataset_id: int | None, kind: Kind) -> LastLoad | None:
        """The last load, if there was one."""
        row = connection.execute(
            "SELECT source, receipt ->> 'key', receipt ->> 'crs' FROM twin.load l"
            " WHERE dataset_id = %s AND kind = %s AND undoes IS NULL"
            " AND NOT EXISTS (SELECT FROM twin.undone u WHERE u.load_id = l.id) ORDER BY id DESC LIMIT 1",
            (dataset_id, kind.name),
        ).fetchone()
        return cls(*row) if row else None


@dataclass(frozen=True, slots=True)
class Registered:
    """The hashes of the registered keys, sorted, the hash of each one's source values, and which were seen.

    ``seen`` are the keys that the file has, whatever became of their rows.
    """

    keys: Int64Array
    hashes: Int64Array
    seen: BoolArray

    @classmethod
    def read(cls, connection: Connection[Any], dataset_id: int | None, kind: Kind) -> Registered:
        """All of the dataset's assets of the kind, and all that it is linked to."""
        parts = [_hashed(text) for text in _registered(connection, dataset_id, kind)]
        keys, hashes = np.concatenate([np.empty((2, 0), dtype=np.int64), *parts], axis=1)
        order = np.argsort(keys, kind="stable")
        return cls(keys[order], hashes[order], np.zeros(len(order), dtype=np.bool_))

    def compare(self, identity: Identity) -> tuple[BoolArray, BoolArray]:
        """Which rows' keys are registered, and which of these say the same as when they were last loaded."""
        places = lookup(self.keys, identity.key_hashes)
        existing: BoolArray = places >= 0
        self.seen[places[existing]] = True
        same = existing.copy()
        same[existing] = self.hashes[places[existing]] == identity.hashes[existing]
        return existing, same

    def see(self, keys: Column) -> None:
        """Note the keys of rows that are not compared."""
        places = lookup(self.keys, text_hashes(keys))
        self.seen[places[places >= 0]] = True

    def unseen(self, connection: Connection[Any], dataset_id: int | None, kind: Kind) -> Iterator[Column]:
        """The keys that the file does not have, read anew: only their hashes were kept."""
        if self.seen.all():
            return
        for text in _registered(connection, dataset_id, kind):
            keys = arrow.read_csv_text(text, _COLUMNS).columns["key"]
            places = lookup(self.keys, text_hashes(keys))
            yield arrow.take(keys, (places >= 0) & ~self.seen[places])

    def holds_most(self, keys: Column | None) -> bool:
        """Whether at least half of the keys are registered."""
        if keys is None or not len(keys):
            return False
        return bool((lookup(self.keys, text_hashes(keys)) >= 0).mean() >= _SAME_ROWS)


def _registered(connection: Connection[Any], dataset_id: int | None, kind: Kind) -> Iterator[bytes]:
    """The keys of a dataset's assets of a kind and the hashes of what their rows said, as CSV."""
    statement = sql.SQL(
        "COPY (SELECT source_key, source_hash FROM twin.asset WHERE dataset_id = {dataset} AND kind = {kind}"
        " UNION ALL SELECT source_key, source_hash FROM twin.source"
        " WHERE dataset_id = {dataset} AND kind = {kind} AND recorded_to IS NULL) TO STDOUT (FORMAT csv)"
    ).format(dataset=sql.Literal(dataset_id), kind=sql.Literal(kind.name))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        yield from _texts(copy)


def _texts(rows: Iterable[Buffer]) -> Iterator[bytes]:
    """CSV of so many rows at a time; the server sends each row by itself (PostgreSQL, CopyData) [V]."""
    remaining = iter(rows)
    while text := b"".join(bytes(row) for row in islice(remaining, ROWS_AT_A_TIME)):
        yield text


def _hashed(text: bytes) -> Int64Array:
    """The hashes of keys, and of what these rows said."""
    batch = arrow.read_csv_text(text, _COLUMNS)
    return np.stack([text_hashes(batch.columns["key"]), arrow.parsed_integers(batch.columns["hash"])])
