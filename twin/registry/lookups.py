"""Lookups by keys, of several who ask at the same time: one statement answers them.

While a lookup is under way, others that differ from it in their keys only gather, and are then sent as one.
So whoever asks alone is answered at once, and the more ask the less each costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from dataclasses import dataclass, field
from time import perf_counter_ns as now
from typing import Any

from psycopg import OperationalError

from twin.registry.rows import Rows
from twin.telemetry.records import Statement, waited

Parameters = Mapping[str, Any]
Ask = Callable[[str, Parameters], Awaitable[Rows]]

MOST = 100
"""Keys that one statement looks up for several."""
PATIENCE = 20_000_000
"""Nanoseconds after which who comes does not wait any longer for what is under way."""


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """What a statement looks up: the keys listed in its ``parameter``, each in ``column`` of one row at most.

    Statements with the same ``Keys`` (the same object) differ in that parameter only.
    """

    parameter: str
    column: str


@dataclass(slots=True, eq=False)
class _Lookup:
    """One of those that gather."""

    parameters: Parameters
    rows: asyncio.Future[Rows]


@dataclass(slots=True, eq=False)
class _Batch:
    """Lookups of ``size`` keys that one statement answers.

    It is sent at ``began``, while another one is under way ``since``, as ``perf_counter_ns`` has them.
    """

    text: str
    keys: Keys
    lookups: list[_Lookup] = field(default_factory=list)
    size: int = 0
    since: int = field(default_factory=now)
    began: int = 0
    asking: asyncio.Task[None] | None = None

    @property
    def wanted(self) -> list[_Lookup]:
        """Those for which somebody still waits."""
        return [one for one in self.lookups if not one.rows.done()]


class Lookups:
    """Sends lookups over ``ask``, which gives the rows of a statement or raises psycopg's errors."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
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
            return await _alone(text, self._send(text, parameters, keys))
        size = batch.size + len(parameters[keys.parameter])
        if size > MOST:
            return await _alone(text, self._ask(text, parameters))
        batch.size = size
        return await self._with_others(batch, parameters)

    async def _with_others(self, batch: _Batch, parameters: Parameters) -> Rows:
        lookup = _Lookup(parameters, asyncio.get_running_loop().create_future())
        batch.lookups.append(lookup)
        wanted = now()
        with Statement(batch.text, shared=len(batch.lookups) > 1) as seen:
            try:
                rows = await lookup.rows
            except asyncio.CancelledError:
                if batch.asking is not None and not batch.wanted:
                    batch.asking.cancel()
                raise
            finally:
                seen.began = batch.began or wanted
                waited(wanted, seen.began)
            seen.rows = len(rows)
            return rows

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
            # In a context of its own: it belongs to no one request.
            batch.asking = asyncio.get_running_loop().create_task(self._answer(batch), context=Context())

    async def _answer(self, batch: _Batch) -> None:
        batch.began = now()
        lookups = batch.wanted
        try:
            rows = await self._send(batch.text, _merged(batch.keys, lookups), batch.keys)
            _distribute(batch.keys, lookups, rows)
        except OperationalError as problem:  # a connection that is lost, or a time limit: which concern all
            _fail(lookups, problem)
        except Exception:  # noqa: BLE001 - told to whom it concerns
            await self._one_by_one(batch.text, lookups)

    async def _one_by_one(self, text: str, lookups: list[_Lookup]) -> None:
        """Ask for each alone, where a value among all that were found has failed."""
        for one in lookups:
            try:
                rows = await self._ask(text, one.parameters)
            except Exception as problem:  # noqa: BLE001 - told to whom it concerns
                _fail([one], problem)
            else:
                if not one.rows.done():
                    one.rows.set_result(rows)


async def _alone(text: str, sent: Awaitable[Rows]) -> Rows:
    with Statement(text) as seen:
        rows = await sent
        seen.rows = len(rows)
        return rows


def _merged(keys: Keys, lookups: list[_Lookup]) -> Parameters:
    """The parameters of a statement that answers all of them."""
    wanted = [key for one in lookups for key in one.parameters[keys.parameter]]
    return {**lookups[0].parameters, keys.parameter: wanted}


def _distribute(keys: Keys, lookups: list[_Lookup], rows: Rows) -> None:
    """Give each its own rows."""
    place = rows.names.index(keys.column)
    found = {row[place]: row for row in rows.values}
    for one in lookups:
        if not one.rows.done():
            wanted = dict.fromkeys(one.parameters[keys.parameter])
            own = [found[key] for key in wanted if key in found]
            one.rows.set_result(Rows(rows.names, own))


def _fail(lookups: list[_Lookup], problem: Exception) -> None:
    for one in lookups:
        if not one.rows.done():
            one.rows.set_exception(problem)
            one.rows.exception()  # or asyncio logs it, where who waits is stopped in this moment
