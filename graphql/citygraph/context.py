"""What resolvers work with: the way to the database, and the limits of one answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any, Protocol, TypeVar

from graphql.pyutils import Path
from psycopg import AsyncConnection
from strawberry.fastapi import BaseContext

from twin.registry.query import sql
from twin.registry.query.sql import Posed, Question
from twin.settings import ApiSettings
from twin.telemetry.records import waited

Answer = TypeVar("Answer")


class Connections(Protocol):
    """Lends connections, as psycopg's pools do."""

    def connection(self) -> AbstractAsyncContextManager[AsyncConnection[Any]]:
        """A connection, to be given back in the end."""


class Context(BaseContext):
    """The context of one operation."""

    def __init__(self, connections: Connections, max_page: int | None = None) -> None:
        super().__init__()
        self.connections = connections
        self.max_page = ApiSettings().max_page if max_page is None else max_page
        self._told: dict[str, dict[str, str]] = {}

    def told(self, what: str, path: Path, value: str) -> None:
        """Have the answer's extensions say something of the field at a path."""
        self._told.setdefault(what, {})[".".join(map(str, path.as_list()))] = value

    @property
    def extensions(self) -> dict[str, dict[str, str]]:
        """What the answer says beside its data: by what it is about and the fields' paths, in their order."""
        return {what: dict(sorted(fields.items())) for what, fields in sorted(self._told.items())}

    async def ask(self, question: Question[Answer]) -> Answer:
        """The answer to one question, on a connection that is lent for it."""
        return await self.send(sql.posed(question))

    async def send(self, posed: Posed[Answer]) -> Answer:
        """The same of a question that was made before."""
        wanted = perf_counter_ns()
        async with self.connections.connection() as connection:
            waited(wanted)
            return await sql.ask(connection, posed)


class ExecutorContext(Context):
    """The context of an operation that graphql-core executes.

    Where a field fails, graphql-core 3.3 stops those beside it, and stops them again for each field around
    them. psycopg gives up a connection whose stopping is stopped: here that comes to its end.
    """

    async def send(self, posed: Posed[Answer]) -> Answer:
        """The same; whoever is stopped meanwhile is so when the statement has ended."""
        asking = asyncio.ensure_future(super().send(posed))
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            asking.cancel()
            while not asking.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([asking])
            raise


@dataclass(frozen=True, slots=True)
class Single:
    """One connection, for programs that have no pool: questions wait for each other."""

    one: AsyncConnection[Any]

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """The connection. psycopg lets one statement at a time use it."""
        yield self.one
