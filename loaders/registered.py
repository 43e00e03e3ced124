"""What is registered of a dataset's kind already: its keys and hashes, pulled once and compared in arrays.

They are pulled beside what comes before the first comparison: opening the road, reading and hashing rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cached_property
from itertools import takewhile
from threading import Event

import numpy as np
from msgspec import Struct
from psycopg import sql

from loaders import arrow
from loaders.arrow import Column
from loaders.background import beside
from loaders.keys import Identity
from loaders.runs import Run, all_merged
from loaders.session import Lent, another
from loaders.text_hashes import text_hashes
from spatial.arrays import BoolArray, Int64Array
from twin.kinds import Kind
from twin.registry.database import Connection
from twin.registry.partitions import part_of
from twin.registry.statements import statement

READERS = 2
PAGES_AT_A_TIME = 4_096
FEW = 2
"""Connections that read keys; how much of a table one reads at a time, of which 16 bytes a key remain; and
how many such pieces need no further connection, and wait for each."""
_PAGES = "SELECT pg_relation_size(to_regclass(%s)) / current_setting('block_size')::int"
_BEHIND_ALL = 2**32 - 1
"""The page that no table has (PostgreSQL: ``InvalidBlockNumber``)."""

_SAME_ROWS = 0.5
"""The share of known keys from which a column of another name is taken for the same key."""


def dataset_id_of(connection: Connection, name: str) -> int | None:
    """The number of a dataset, None while it is not registered."""
    row = connection.execute("SELECT id FROM twin.dataset WHERE name = %s", (name,)).fetchone()
    return int(row[0]) if row else None


def batches_registered(connection: Connection, load: int | None) -> int:
    """How many batches of a load are registered: of one in a single batch none, or one at its end."""
    query = "SELECT cardinality(moments) FROM twin.load WHERE id = %s"
    (count,) = connection.execute(query, (load,)).fetchone() or (0,)
    return int(count)


class LastLoad(Struct, frozen=True):
    """Of the last load of a dataset's kind the file's name, the key column and the system.

    Loads that are undone, and those that undo, do not count.
    """

    source: str
    key: str | None
    crs: str | None

    @classmethod
    def read(cls, connection: Connection, dataset_id: int | None, kind: Kind) -> LastLoad | None:
        """The last load, if there was one."""
        row = connection.execute(
            "SELECT source, receipt ->> 'key', receipt ->> 'crs' FROM twin.load l"
            " WHERE dataset_id = %s AND kind = %s AND undoes IS NULL"
            " AND NOT EXISTS (SELECT FROM twin.undone u WHERE u.load_id = l.id) ORDER BY id DESC LIMIT 1",
            (dataset_id, kind.name),
        ).fetchone()
        return cls(*row) if row else None


class Registered:
    """The hashes of the registered keys, the hash of each one's source values, and which were seen.

    Who first asks waits until all are read, and is told what has stopped it.
    """

    def __init__(self, reading: Future[Run], unwanted: Event) -> None:
        self._reading = reading
        self._unwanted = unwanted

    @classmethod
    def read(cls, connection: Connection, dataset_id: int | None, kind: Kind) -> Registered:
        """All of the dataset's assets of the kind, and all that it is linked to."""
        pieces = _pieces(connection, dataset_id, kind)
        unwanted = Event()
        if len(pieces) <= FEW:
            reading: Future[Run] = Future()
            reading.set_result(_hashed(connection, pieces, 1, unwanted) if pieces else all_merged([]))
            return cls(reading, unwanted)

        def read() -> Run:
            with another(connection) as own:
                return _hashed(own, pieces, READERS, unwanted)

        return cls(beside(read), unwanted)

    def close(self) -> None:
        """End the reading soon: nobody will ask any more."""
        self._unwanted.set()

    @property
    def keys(self) -> Run:
        """The hashes of the keys, each with that of what its row said."""
        return self._reading.result()

    @cached_property
    def seen(self) -> BoolArray:
        """Which of the keys the file has, whatever became of their rows."""
        return np.zeros(len(self.keys), dtype=np.bool_)

    def compare(self, identity: Identity) -> tuple[BoolArray, BoolArray]:
        """Which rows' keys are registered, and which of these say the same as when they were last loaded."""
        places, hashes = self.keys.find(identity.key_hashes)
        existing: BoolArray = places >= 0
        self.seen[places[existing]] = True
        return existing, existing & (hashes == identity.hashes)

    def see(self, keys: Column) -> None:
        """Note the keys of rows that are not compared."""
        places, _ = self.keys.find(text_hashes(keys))
        self.seen[places[places >= 0]] = True

    def unseen(self, connection: Connection, dataset_id: int | None, kind: Kind) -> Iterator[Column]:
        """The keys that the file does not have, read anew: only their hashes were kept."""
        if self.seen.all():
            return
        with _one_moment(connection):
            for piece in _pieces(connection, dataset_id, kind):
                keys, _ = piece.read(connection)
                places, _ = self.keys.find(text_hashes(keys))
                yield arrow.take(keys, (places >= 0) & ~self.seen[places])

    def holds_most(self, keys: Column | None) -> bool:
        """Whether at least half of the keys are registered."""
        if keys is None or not len(keys):
            return False
        places, _ = self.keys.find(text_hashes(keys))
        return bool((places >= 0).mean() >= _SAME_ROWS)


class _Piece(Struct, frozen=True):
    """A run of a table's pages in which a dataset's keys may stand."""

    table: sql.Composable
    current: sql.SQL
    wanted: Mapping[str, object]

    def read(self, connection: Connection) -> tuple[Column, Int64Array]:
        """The keys, and the hashes of what their rows said."""
        asked = sql.SQL(statement("loaders", "registered_keys")).format(
            table=self.table, current=self.current
        )
        with connection.cursor(binary=True) as cursor:
            # A plan for pages that are not known yet would be one for all of them.
            keys, lengths, hashes = (
                cursor.execute(asked, self.wanted, prepare=False).fetchone() or (None,) * 3
            )
        if keys is None:
            return arrow.nulls(0), np.empty(0, dtype=np.int64)
        edges = np.frombuffer(lengths, ">i4").cumsum(dtype=np.int64)
        return arrow.cut(keys, edges), np.frombuffer(hashes, ">i8").astype(np.int64)


def _pieces(connection: Connection, dataset_id: int | None, kind: Kind) -> list[_Piece]:
    """What is to be read of a dataset's assets of a kind, and of its links; the last piece is open."""
    pieces: list[_Piece] = []
    if dataset_id is None:
        return pieces
    tables = [("source", "AND recorded_to IS NULL")]
    part = part_of(connection, kind, dataset_id)
    if part is not None:
        tables.append((part.table(), ""))
    for table, current in tables:
        (pages,) = connection.execute(_PAGES, (f"twin.{table}",)).fetchone() or (0,)
        firsts = range(0, int(pages) + 1, PAGES_AT_A_TIME)
        for first in firsts:
            end = first + PAGES_AT_A_TIME if first != firsts[-1] else _BEHIND_ALL
            wanted = {
                "dataset_id": dataset_id,
                "kind": kind.name,
                "first": f"({first},0)",
                "end": f"({end},0)",
            }
            pieces.append(_Piece(sql.Identifier("twin", table), sql.SQL(current), wanted))
    return pieces


@contextmanager
def _one_moment(connection: Connection) -> Iterator[None]:
    """See the registry as it is now: another department's load may move rows to other pages meanwhile."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


@contextmanager
def _readers(connection: Connection, count: int) -> Iterator[Lent]:
    """Connections, this one among them, that see the registry at one moment."""
    with ExitStack() as stack:
        stack.enter_context(_one_moment(connection))
        (moment,) = connection.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
        readers = [connection]
        for _ in range(count - 1):
            readers.append(stack.enter_context(another(connection)))
            stack.enter_context(_one_moment(readers[-1]))
            readers[-1].execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(moment)))
            # Who waits for a lock behind the first reader's would wait for the first, and it for this one.
            readers[-1].execute("SET LOCAL lock_timeout = '10s'")
        lent = Lent(readers)
        try:
            yield lent
        except BaseException:
            lent.cancel()
            raise


def _hashed(connection: Connection, pieces: Sequence[_Piece], readers: int, unwanted: Event) -> Run:
    """The hashes of all keys, each with that of what its row said; of some, once they are ``unwanted``."""

    def hashed(piece: _Piece) -> Run:
        with lent.one() as reader:
            keys, hashes = piece.read(reader)
        return Run.of(text_hashes(keys), hashes)

    waves = [pieces[at : at + FEW * readers] for at in range(0, len(pieces), FEW * readers)]
    with ThreadPoolExecutor(readers) as pool, _readers(connection, readers) as lent:
        wanted = takewhile(lambda _: not unwanted.is_set(), waves)
        return all_merged(run for wave in wanted for run in pool.map(hashed, wave))
