"""Rows that somebody waits for, which others ask for together with more."""

from __future__ import annotations

import asyncio

from msgspec import Struct

from twin.registry.rows import Rows


class Awaited(Struct, eq=False, kw_only=True):
    """Rows, and who waits for them."""

    rows: asyncio.Future[Rows]

    def answer(self, rows: Rows) -> None:
        """Tell who waits, if anyone still does."""
        if not self.rows.done():
            self.rows.set_result(rows)

    def fail(self, problem: Exception) -> None:
        """Tell who waits what went wrong."""
        if not self.rows.done():
            self.rows.set_exception(problem)
            self.rows.exception()  # or asyncio logs it, where who waits is stopped in this moment
