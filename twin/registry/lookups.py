"""Lookups by keys, of several who ask at the same time: one statement answers them.

While a lookup is under way, others that differ from it in their keys only gather, and are then sent as one.
So whoever asks alone is answered at once, and the more ask the less each costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from time import perf_counter_ns as now
from typing import Any

from msgspec import Struct, field
from psycopg import OperationalError

from twin.registry.awaited import Awaited
from twin.registry.rows import Rows
from twin.telemetry.records import Statement, apart, noted, waited

Parameters = Mapping[str, Any]
Ask = Callable[[str, Parameters], Awaitable[Rows]]
Later = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]

MOST = 100
"""Keys that one statement looks up for several."""
PATIENCE = 20_000_000
"""Nanoseconds after which who comes does not wait any longer for what is under way."""


class Keys(Struct, frozen=True, eq=False):
    """What a statement looks up: the keys listed in its ``parameter``, each in ``column`` of one row at most.

    Statements with the same ``Keys`` (the same object) differ in that parameter only.
    """

    parameter: str
    column: str


class _Lookup(Awaited, eq=False):
    """One of those that gather; ``statements`` is what was sent for it, once it is answered."""

    parameters: Parameters
    statements: Sequence[Statement] = ()


class _Batch(Struct, eq=False):
    """Lookups of ``size`` keys that one statement answers, while another one is under way ``since``.

    Times are as ``perf_counter_ns`` has them.
    """

    text: str
    keys: Keys
    lookups: list[_Lookup] = field(default_factory=list)
    size: int = 0
    since: int = field(default_factory=now)
    begun: bool = False
    asking: asyncio.Task[None] | None = None

    @property
    def wanted(self) -> list[_Lookup]:
        """Those for which somebody still waits."""
        return [one for one in self.lookups if not one.rows.done()]


class Lookups:
    """Sends lookups over ``ask``, which gives the rows of a statement or raises psycopg's errors.

    ``later`` does something beside whoever asks.
    """

    def __init__(self, ask: Ask, later: Later) -> None:
        self._ask, self._later = ask, later
        self._gathering: dict[Keys, _Batch] = {}

    async def ask(self, text: str, parameters: Parameters, keys: Keys) -> Rows:
        """The rows of a statement that looks up keys. Raises psycopg's errors, as ``ask`` does.

        What was sent for several is stopped where all of them are stopped.
        """
        batch = self._gathering.get(keys)
        if batch is not None and now() - batch.since > PATIENCE:
            self._next(keys)
            batch = self._gathering.get(keys)
        if batch is None:
            self._gathering[keys] = _Batch(text, keys)
            return await self._send(text, parameters, keys)
        size = batch.size + len(parameters[keys.parameter])
        if size > MOST:
            return await self._ask(text, parameters)
        batch.size = size
        return await self._with_others(batch, parameters)

    async def _with_others(self, batch: _Batch, parameters: Parameters) -> Rows:
        lookup = _Lookup(parameters, rows=asyncio.get_running_loop().create_future())
        batch.lookups.append(lookup)
        wanted = now()
        try:
            return await lookup.rows
        except asyncio.CancelledError:
            # A task that has not begun finds out by itself that nobody waits.
            if batch.begun and batch.asking is not None and not batch.wanted:
                batch.asking.cancel()
            raise
        finally:
            for statement in lookup.statements:
                noted(statement)
            if lookup.statements:
                waited(wanted, lookup.statements[0].began)

    async def _send(self, text: str, parameters: Parameters, keys: Keys) -> Rows:
        """The rows; as soon as they are there, those that have gathered are sent."""
        try:
            return await self._ask(text, parameters)
        finally:
            self._next(keys)

    def _next(self, keys: Keys) -> None:
        """Send those that have gathered, while others gather."""
        batch = self._gathering.pop(keys, None)
        if batch is not None and batch.wanted:
            self._gathering[keys] = _Batch(batch.text, keys)
            batch.asking = self._later(self._answer(batch))

    async def _answer(self, batch: _Batch) -> None:
        batch.begun, seen = True, apart().statements
        lookups = batch.wanted
        if not lookups:
            self._next(batch.keys)
            return
        try:
            rows = await self._send(batch.text, _merged(batch.keys, lookups), batch.keys)
            _distribute(batch.keys, lookups, rows, seen[-1])
        except OperationalError as problem:  # a connection that is lost, or a time limit: which concern all
            for one in _share(lookups, seen):
                one.fail(problem)
        except Exception:  # noqa: BLE001 - told to whom it concerns
            await self._one_by_one(batch.text, lookups, seen)

    async def _one_by_one(self, text: str, lookups: list[_Lookup], seen: list[Statement]) -> None:
        """Ask for each alone, where a value among all that were found has failed."""
        for one in lookups:
            try:
                rows = await self._ask(text, one.parameters)
            except Exception as problem:  # noqa: BLE001 - told to whom it concerns
                one.fail(problem)
            else:
                one.answer(rows)
            one.statements = tuple(seen)
            seen.clear()


def _merged(keys: Keys, lookups: list[_Lookup]) -> Parameters:
    """The parameters of a statement that answers all of them."""
    wanted = [key for one in lookups for key in one.parameters[keys.parameter]]
    return {**lookups[0].parameters, keys.parameter: wanted}


def _distribute(keys: Keys, lookups: list[_Lookup], rows: Rows, statement: Statement) -> None:
    """Give each its own rows."""
    place = rows.names.index(keys.column)
    found = {row[place]: row for row in rows.values}
    for one in _share(lookups, [statement]):
        wanted = dict.fromkeys(one.parameters[keys.parameter])
        own = [found[key] for key in wanted if key in found]
        one.statements[0].rows = len(own)
        one.answer(Rows(rows.names, own))


def _copy(of: Statement, *, shared: bool) -> Statement:
    return Statement(of.text, of.began, of.ended, of.rows, of.error, of.sqlstate, shared)


def _share(lookups: list[_Lookup], sent: Sequence[Statement]) -> Iterator[_Lookup]:
    """Those who still wait, each with what was sent for all: the first has it, the others share it."""
    shared = False
    for one in lookups:
        if not one.rows.done():
            one.statements = [_copy(statement, shared=shared) for statement in sent]
            yield one
            shared = True
