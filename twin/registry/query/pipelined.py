"""Questions of one operation, which are asked over one connection."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from psycopg import AsyncConnection

from twin.registry.lines import Asked
from twin.registry.lookups import Keys
from twin.registry.query.sql import Connections
from twin.registry.rows import Rows


class Pipelined:
    """Gathers what is asked in one turn of the event loop, or while it awaits answers, and asks it at once.

    So an operation has one connection at a time, however much it asks.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._gathered: list[Asked] = []
        self._sent: list[Asked] = []
        self._asking: asyncio.Task[None] | None = None

    async def ask(
        self, text: str, parameters: Mapping[str, Any], *, prepared: bool, keys: Keys | None = None
    ) -> Rows:
        """The rows that a statement gives. Raises as that over which it is sent.

        What was sent is stopped where everyone who waits for it is stopped.
        """
        asked = Asked(text, parameters, prepared, rows=asyncio.get_running_loop().create_future())
        self._gathered.append(asked)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        try:
            return await asked.rows
        except asyncio.CancelledError:
            if self._asking is not None and _nobody_waits(self._sent):
                self._asking.cancel()
                self._asking = None if _nobody_waits(self._gathered) else asyncio.create_task(self._ask())
            raise

    async def ask_all(self, asked: Sequence[Asked]) -> None:
        """Answer several statements."""
        await self._connections.ask_all(asked)

    def connection(self) -> AbstractAsyncContextManager[AsyncConnection[Any]]:
        """A connection, to be given back in the end."""
        return self._connections.connection()

    async def _ask(self) -> None:
        while self._gathered:
            # Fields of objects begin to ask in this turn, and who was just answered may ask again.
            await asyncio.sleep(0)
            self._sent, self._gathered = self._gathered, []
            try:
                if len(self._sent) == 1:
                    await self._alone(*self._sent)
                else:
                    await self._connections.ask_all(self._sent)
            except Exception as problem:  # noqa: BLE001 - told to who asked
                for one in self._sent:
                    one.fail(problem)
        self._asking = None

    async def _alone(self, one: Asked) -> None:
        one.answer(await self._connections.ask(one.text, one.parameters, prepared=one.prepared))


def _nobody_waits(asked: Sequence[Asked]) -> bool:
    return all(one.rows.done() for one in asked)
