"""Statements made with SQLAlchemy, run by psycopg: arguments always bound, rows as dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg.rows import dict_row
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql import ClauseElement
from sqlalchemy.util import LRUCache

from twin.registry.query.errors import QueryTimeout

Row = Mapping[str, Any]
Answer = TypeVar("Answer")

_DIALECT = PGDialect_psycopg(paramstyle="pyformat")  # type: ignore[no-untyped-call]
_CACHE: LRUCache[Any, Any] = LRUCache(500)


@dataclass(frozen=True, slots=True)
class Question(Generic[Answer]):
    """One statement, and what its rows mean. Making one raises the errors of what was asked.

    ``prepared`` is for statements whose best plan is the same for every value: lookups by a key. Others are
    planned with the values at hand, without which PostgreSQL cannot tell a street from a continent.
    """

    statement: ClauseElement
    answer: Callable[[list[dict[str, Any]]], Answer]
    prepared: bool = False


def compiled(statement: ClauseElement) -> tuple[str, dict[str, Any]]:
    """The statement's text in psycopg's ``%(name)s`` style, and its arguments.

    A text is made once for statements that differ in values only, with the cache that SQLAlchemy's own
    connections use.
    """
    made, values, *_ = statement._compile_w_cache(
        _DIALECT, compiled_cache=_CACHE, column_keys=[], schema_translate_map=None
    )
    return str(made), dict(made.construct_params(extracted_parameters=values) or {})


async def ask(connection: AsyncConnection[Any], question: Question[Answer]) -> Answer:
    """The answer to ``question``. Raises ``QueryTimeout``, and psycopg's errors."""
    text, arguments = compiled(question.statement)
    with _timeouts():
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(text, arguments, prepare=question.prepared)
            rows = await cursor.fetchall()
    return question.answer(rows)


def ask_now(connection: Connection[Any], question: Question[Answer]) -> Answer:
    """``ask`` for programs that wait."""
    text, arguments = compiled(question.statement)
    with _timeouts(), connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(text, arguments, prepare=question.prepared)
        rows = cursor.fetchall()
    return question.answer(rows)


@contextmanager
def _timeouts() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.QueryCanceled as problem:
        raise QueryTimeout from problem
