"""The API's pool of connections, each checked before it is handed out."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from weakref import WeakKeyDictionary

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from twin.registry.database import CONNECT_SECONDS, EVERYTHING, Role, connect, url, with_options
from twin.registry.lines import Lines, Pool
from twin.settings import ApiSettings

LEND_SECONDS = 3
"""How long a request waits for a connection, and how long a pool tries for one before it waits to be asked
again: when the database is down people are told so at once, and when it is back the next request finds it."""
API_SESSION = {
    "twin.scope": EVERYTHING,
    "DateStyle": "ISO",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
}
"""Settings of the API's sessions: its short statements lose more to compiling and workers than they gain."""


def open_pool(role: Role = "api", *, size: int) -> Lines:
    """Unopened lines over ``make_pool``; raises as that does."""
    return Lines(make_pool(role, size=size))


def make_pool(role: Role = "api", *, size: int) -> Pool:
    """An unopened pool of at most ``size`` connections as ``role``, each with the API's statement timeout.

    Connections commit each statement by itself, since a transaction per request halves what a server answers;
    they are renewed after half an hour, and one unused for a second is tried before it is handed out. The
    database is checked at once: raises as ``connect``.
    """
    connect(role).close()
    return AsyncConnectionPool(
        with_options(
            url(role),
            **API_SESSION,
            statement_timeout=str(ApiSettings.read().statement_timeout_ms),
        ),
        kwargs={"autocommit": True, "application_name": "twin-api", "connect_timeout": CONNECT_SECONDS},
        min_size=1,
        max_size=size,
        max_lifetime=1_800,
        max_idle=300,
        timeout=LEND_SECONDS,
        reconnect_timeout=LEND_SECONDS,
        check=_checker(),
        open=False,
    )


def _checker() -> Callable[[AsyncConnection], Awaitable[None]]:
    """A check that costs a round trip at most once a second per connection."""
    tried: WeakKeyDictionary[AsyncConnection, float] = WeakKeyDictionary()

    async def check(connection: AsyncConnection) -> None:
        now = time.monotonic()
        if now - tried.get(connection, 0.0) > 1.0:
            await AsyncConnectionPool.check_connection(connection)
        tried[connection] = now

    return check
