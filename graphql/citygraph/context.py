"""What resolvers work with: the way to the database, and the limits of one answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any, Protocol, TypeVar

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

    async def ask(self, question: Question[Answer]) -> Answer:
        """The answer to one question, on a connection that is lent for it."""
        return await self.send(sql.posed(question))

    async def send(self, posed: Posed[Answer]) -> Answer:
        """The same of a question that was made before."""
        wanted = perf_counter_ns()
        async with self.connections.connection() as connection:
            waited(wanted)
            return await sql.ask(connection, posed)


@dataclass(frozen=True, slots=True)
class Single:
    """One connection, for programs that have no pool: questions wait for each other."""

    one: AsyncConnection[Any]

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """The connection. psycopg lets one statement at a time use it."""
        yield self.one
