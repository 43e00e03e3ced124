"""The connection that a load or an undo holds from beginning to end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from threading import Condition

import psycopg

from loaders.background import Background
from loaders.errors import DatabaseFull, LoadConflict, LoadStopped
from twin.errors import sentence
from twin.registry.database import Connection, connect

_CANCEL_SECONDS = 5


@contextmanager
def registry(dataset: str) -> Iterator[Connection]:
    """A connection for the whole load, whose failures are told in our words."""
    with told(dataset), session() as connection:
        yield connection


@contextmanager
def session() -> Iterator[Connection]:
    """A connection for the whole load."""
    with connect("owner", autocommit=True) as connection:
        # A server that works on for a client that was killed would hold the dataset for as long.
        connection.execute("SET client_connection_check_interval = '1s'")
        yield connection


@contextmanager
def told(dataset: str) -> Iterator[None]:
    """What the server says of the dataset's load is told in our words.

    Raises ``LoadConflict``, ``DatabaseFull`` or ``LoadStopped``.
    """
    try:
        yield
    except psycopg.errors.UniqueViolation as error:
        raise LoadConflict(what=error.diag.constraint_name) from error
    except psycopg.errors.DiskFull as error:
        raise DatabaseFull(dataset=dataset, reason=sentence(error.diag.message_primary)) from error
    except (psycopg.OperationalError, psycopg.errors.UndefinedTable) as error:
        # A table that is gone belonged to a session that was ended: another load has swept it.
        raise LoadStopped(dataset=dataset, reason=sentence(error)) from error


def another(connection: Connection) -> Connection:
    """A further connection as the same user, in autocommit mode."""
    further: Connection = psycopg.connect(
        connection.info.dsn, password=connection.info.password or None, autocommit=True
    )
    further.execute("SET client_connection_check_interval = '1s'")
    return further


class Lent:
    """Connections that are lent to threads: each has one to itself while it works."""

    def __init__(self, connections: Sequence[Connection] = ()) -> None:
        self._all = connections
        self._free = list(connections)
        self._served: dict[Connection, str | None] = {}
        self._returned = Condition()

    @contextmanager
    def one(self, table: str | None = None) -> Iterator[Connection]:
        """One that nobody uses; waits for it. Who fills a ``table`` gets the one that filled it before.

        That goes on behind its last row, where another would begin a page and leave a gap, into which rows
        come later that do not belong there. What is in order need not be sorted for its index.
        """
        with self._returned:
            self._returned.wait_for(lambda: self._free)
            lent = min(self._free, key=lambda one: self._strange(one, table))
            self._free.remove(lent)
            self._served[lent] = table
        try:
            yield lent
        finally:
            with self._returned:
                self._free.append(lent)
                self._returned.notify()

    def _strange(self, one: Connection, table: str | None) -> int:
        served = self._served.get(one)
        return 0 if served == table else 1 if served is None else 2

    def cancel(self) -> None:
        """End what they are doing: whoever does it gets an error, and need not be waited for."""
        for one in self._all:
            with suppress(psycopg.Error):
                one.cancel_safe(timeout=_CANCEL_SECONDS)

    def close(self) -> None:
        """Close all of them."""
        for one in self._all:
            one.close()


def end(*copiers: Background, lent: Lent, at_once: bool) -> None:
    """End what goes on beside the main thread; ``at_once`` where nobody needs it any more."""
    if at_once:
        lent.cancel()
    for copier in copiers:
        copier.stop()
    lent.close()


def writers(connection: Connection, count: int) -> Lent:
    """Further connections that copy rows and build indexes.

    The one that shows what they did waits until the log is on disk: so they need not, and that is set.
    """
    with ExitStack() as failing:
        made = [failing.enter_context(another(connection)) for _ in range(count)]
        for one in made:
            one.execute("SET synchronous_commit = off")
            # The connections are as many as the work is split into.
            one.execute("SET max_parallel_maintenance_workers = 0")
            one.execute("SET max_parallel_workers_per_gather = 0")
        failing.pop_all()
    return Lent(made)
