"""What a load asks the registry before its first row, asked while its file is being opened.

The session that holds the dataset and what killed loads have left behind need nothing but the dataset's name;
the keys that are registered, the kind besides.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import ExitStack, closing, contextmanager, suppress
from threading import Lock

import psycopg
from msgspec import Struct

from loaders.background import beside
from loaders.registered import Registered, dataset_id_of
from loaders.session import session
from loaders.stage import DatasetLock, dataset_lock, sweep
from twin.kinds import Kind, all_kinds
from twin.registry.database import Connection
from twin.registry.partitions import sweep_partitions

_ASK_AGAIN_SECONDS = 0.2


class Opened(Struct):
    """The session of a dataset: its number, where it is registered, and what was swept."""

    connection: Connection
    lock: DatasetLock
    swept: list[str]
    dataset_id: int | None


class GivenUp(Exception):
    """Nobody needs the session any more."""


class Opening:
    """A dataset's session, opened on a thread of its own, and what it has of a kind; held until ``close``."""

    def __init__(self, dataset: str, kind: str | None) -> None:
        self._dataset = dataset
        self._held = ExitStack()
        self._of_kind: tuple[Kind, Registered] | None = None
        self._connection: Connection | None = None
        self._given_up = False
        self._connecting = Lock()
        self._opened = beside(lambda: self._open(kind))

    def close(self) -> None:
        """Give it up, also where it waits for another load of the dataset; who connects does so alone."""
        with self._connecting:
            self._given_up = True
            connection = self._connection
        if connection is None:
            return
        while not self._opened.done():
            with suppress(psycopg.Error):
                connection.cancel_safe(timeout=_ASK_AGAIN_SECONDS)
            wait([self._opened], _ASK_AGAIN_SECONDS)
        self._close()

    @contextmanager
    def of(self, dataset: str, kind: Kind) -> Iterator[tuple[Opened, Registered]]:
        """The session of this dataset, and what is registered of the kind.

        Where the file says something else than was said of it, that is opened now. Raises what ``connect``
        raises, and psycopg's errors.
        """
        if dataset != self._dataset:
            self.close()
            with closing(Opening(dataset, kind.name)) as other, other.of(dataset, kind) as found:
                found[0].swept[:0] = self._swept()
                yield found
            return
        opened = self._opened.result()
        if self._of_kind is None or self._of_kind[0] is not kind:
            if self._of_kind is not None:
                self._of_kind[1].close()
            self._of_kind = kind, self._read(opened, kind)
        yield opened, self._of_kind[1]

    def _open(self, name: str | None) -> Opened:
        try:
            connection = self._held.enter_context(session())
            self._take(connection)
            lock = self._held.enter_context(dataset_lock(connection, self._dataset))
            swept = sweep(connection) + sweep_partitions(connection)
            opened = Opened(connection, lock, swept, dataset_id_of(connection, self._dataset))
            kind = all_kinds().get(name) if name else None
            if kind is not None:
                self._of_kind = kind, self._read(opened, kind)
        except BaseException:
            self._close()
            raise
        return opened

    def _take(self, connection: Connection) -> None:
        with self._connecting:
            if self._given_up:
                raise GivenUp
            self._connection = connection

    def _read(self, opened: Opened, kind: Kind) -> Registered:
        return self._held.enter_context(closing(Registered.read(opened.connection, opened.dataset_id, kind)))

    def _swept(self) -> list[str]:
        """What was swept before it was given up."""
        done: Future[Opened] = self._opened
        return done.result().swept if done.done() and done.exception() is None else []

    def _close(self) -> None:
        # A session that is broken holds nothing.
        with suppress(psycopg.Error):
            self._held.close()
