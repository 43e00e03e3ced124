"""What a load asks the registry before its first row, asked while its file is being opened.

The session that holds the dataset, what killed loads have left behind, the keys that are registered: none of
that needs the file, where it is said what its rows are.
"""

from __future__ import annotations

from concurrent.futures import Future, wait
from contextlib import ExitStack, closing, suppress
from types import TracebackType
from typing import Self

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

    dataset: str
    connection: Connection
    lock: DatasetLock
    swept: list[str]
    dataset_id: int | None


class Opening:
    """A dataset's session, opened on a thread of its own, and what it has of a kind.

    Both are held until the block ends.
    """

    def __init__(self, dataset: str, kind: str | None) -> None:
        self._held = ExitStack()
        self._connection: Connection | None = None
        self._of_kind: tuple[Kind, Registered] | None = None
        self._begin(dataset, all_kinds().get(kind) if kind else None)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it up, also where it still waits for another load of the dataset."""
        while not self._opened.done():
            if self._connection is not None:
                with suppress(psycopg.Error):
                    self._connection.cancel_safe(timeout=_ASK_AGAIN_SECONDS)
            wait([self._opened], _ASK_AGAIN_SECONDS)
        self._held.close()

    def of(self, dataset: str, kind: Kind) -> tuple[Opened, Registered]:
        """The session of this dataset, and what is registered of the kind.

        Where the file says something else than was said of it, that is opened now. Raises what ``connect``
        raises, and psycopg's errors.
        """
        if self._opened.result().dataset != dataset:
            self._held.close()
            self._begin(dataset, kind)
        opened = self._opened.result()
        if self._of_kind is None or self._of_kind[0] is not kind:
            self._of_kind = kind, self._read(opened, kind)
        return opened, self._of_kind[1]

    def _begin(self, dataset: str, kind: Kind | None) -> None:
        self._opened: Future[Opened] = beside(lambda: self._open(dataset, kind))

    def _open(self, dataset: str, kind: Kind | None) -> Opened:
        connection = self._connection = self._held.enter_context(session())
        lock = self._held.enter_context(dataset_lock(connection, dataset))
        swept = sweep(connection) + sweep_partitions(connection)
        opened = Opened(dataset, connection, lock, swept, dataset_id_of(connection, dataset))
        if kind is not None:
            self._of_kind = kind, self._read(opened, kind)
        return opened

    def _read(self, opened: Opened, kind: Kind) -> Registered:
        return self._held.enter_context(closing(Registered.read(opened.connection, opened.dataset_id, kind)))
