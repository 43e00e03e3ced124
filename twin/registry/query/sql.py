"""Statements made with SQLAlchemy, run by psycopg: arguments always bound, rows as dictionaries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

import psycopg
from psycopg import AsyncConnection, AsyncCursor, Connection, Cursor
from psycopg.rows import tuple_row
from sqlalchemy import Integer, literal_column, true
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.util import LRUCache

from twin.registry.lines import Asked
from twin.registry.lookups import Keys
from twin.registry.query.errors import QueryTimeout
from twin.registry.query.remembered import Memory
from twin.registry.rows import Rows
from twin.telemetry.records import Statement, made_anew

Row = Mapping[str, Any]
Answer = TypeVar("Answer")

_DIALECT = PGDialect_psycopg(paramstyle="pyformat")  # type: ignore[no-untyped-call]
_CACHE: LRUCache[Any, Any] = LRUCache(500)


@dataclass(frozen=True, slots=True)
class Question(Generic[Answer]):
    """One statement, and what its rows mean. Making one raises the errors of what was asked.

    ``prepared`` is for statements whose best plan is the same for every value: lookups by a key. Others are
    planned with the values at hand, without which PostgreSQL cannot tell a street from a continent.
    ``answering`` makes ``answer`` anew for other arguments, where it depends on them. ``keys`` is what a
    prepared statement looks up, where it may do so for others too.
    """

    statement: ClauseElement
    answer: Callable[[Rows], Answer]
    prepared: bool = False
    answering: Callable[[Mapping[str, Any]], Callable[[Rows], Answer]] | None = None
    keys: Keys | None = None


def number(value: int) -> ColumnElement[int]:
    """A number in the statement itself: a plan for all values does not know how few rows it means."""
    return literal_column(str(int(value)), Integer())


def compiled(statement: ClauseElement) -> tuple[str, dict[str, Any]]:
    """The statement's text in psycopg's ``%(name)s`` style, and its arguments.

    A text is made once for statements that differ in values only, with the cache that SQLAlchemy's own
    connections use.
    """
    made, values, *_ = statement._compile_w_cache(
        _DIALECT, compiled_cache=_CACHE, column_keys=[], schema_translate_map=None
    )
    return str(made), dict(made.construct_params(extracted_parameters=values) or {})


@dataclass(slots=True)
class Posed(Generic[Answer]):
    """A question as it is sent: the statement's text and its parameters."""

    text: str
    parameters: Mapping[str, Any]
    answer: Callable[[Rows], Answer]
    prepared: bool
    keys: Keys | None = None


_NONE = true()
"""Stands for a statement whose text is known."""


def posed(question: Question[Answer]) -> Posed[Answer]:
    """The question, to be sent."""
    return Posed(*compiled(question.statement), question.answer, question.prepared)


def posed_again(
    memory: Memory[Question[Answer]], arguments: Mapping[str, Any], make: Callable[[], Question[Answer]]
) -> Posed[Answer]:
    """The question that ``make`` makes of the arguments, by a statement of before where one fits them.

    Raises what making it raises.
    """

    def written() -> tuple[Question[Answer], str, dict[str, Any]]:
        question = make()
        return replace(question, statement=_NONE), *compiled(question.statement)

    found = memory.find(arguments)
    if found is None:
        made_anew()
        question, text, parameters = memory.make(arguments, written)
        return Posed(text, parameters, question.answer, question.prepared, question.keys)
    question, text, parameters = found
    answer = question.answering(arguments) if question.answering else question.answer
    return Posed(text, parameters, answer, question.prepared, question.keys)


class Connections(Protocol):
    """What statements are sent over."""

    def ask(
        self, text: str, parameters: Mapping[str, Any], *, prepared: bool, keys: Keys | None = None
    ) -> Awaitable[Rows]:
        """The rows that a statement in psycopg's ``%(name)s`` style gives. Raises psycopg's errors.

        One that looks up ``keys`` may be asked with others.
        """

    async def ask_all(self, asked: Sequence[Asked]) -> None:
        """Answer several statements over one connection, each with its rows or with what went wrong.

        Raises what went wrong with all of them.
        """

    def connection(self) -> AbstractAsyncContextManager[AsyncConnection[Any]]:
        """A connection, to be given back in the end."""


async def ask(connections: Connections, asked: Posed[Answer]) -> Answer:
    """The answer to a question. Raises ``QueryTimeout``, and psycopg's errors."""
    try:
        rows = await connections.ask(asked.text, asked.parameters, prepared=asked.prepared, keys=asked.keys)
    except psycopg.errors.QueryCanceled as problem:
        raise QueryTimeout from problem
    return asked.answer(rows)


@dataclass(frozen=True, slots=True)
class Single:
    """One connection, for programs that have no pool: questions wait for each other."""

    one: AsyncConnection[Any]

    async def ask(
        self, text: str, parameters: Mapping[str, Any], *, prepared: bool, keys: Keys | None = None
    ) -> Rows:
        """The rows that a statement gives. Raises psycopg's errors."""
        with Statement(text) as seen:
            async with self.one.cursor(row_factory=tuple_row) as cursor:
                await cursor.execute(text, parameters, prepare=prepared)
                rows = Rows(_names(cursor), await cursor.fetchall())
            seen.rows = len(rows)
        return rows

    async def ask_all(self, asked: Sequence[Asked]) -> None:
        """Answer several statements in turn."""
        for one in asked:
            try:
                one.answer(await self.ask(one.text, one.parameters, prepared=one.prepared))
            except Exception as problem:  # noqa: BLE001 - told to who asked
                one.fail(problem)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """The connection. psycopg lets one statement at a time use it."""
        yield self.one


def ask_now(connection: Connection[Any], question: Question[Answer]) -> Answer:
    """``ask`` for programs that wait."""
    asked = posed(question)
    with connection.cursor(row_factory=tuple_row) as cursor:
        try:
            cursor.execute(asked.text, asked.parameters, prepare=asked.prepared)
            rows = Rows(_names(cursor), cursor.fetchall())
        except psycopg.errors.QueryCanceled as problem:
            raise QueryTimeout from problem
    return asked.answer(rows)


def _names(cursor: AsyncCursor[Any] | Cursor[Any]) -> tuple[str, ...]:
    return tuple(column.name for column in cursor.description or ())
