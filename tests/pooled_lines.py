"""Lines over a pool of connections that is open for one test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from psycopg_pool import AsyncConnectionPool

from twin.registry.lines import Lines

Run = Callable[[Callable[[Lines], Awaitable[Any]]], Any]
"""Does something over two lines."""


@asynccontextmanager
async def opened(url: str, size: int = 2, **options: Any) -> AsyncIterator[Lines]:
    """Lines over connections to ``url``."""
    pool = AsyncConnectionPool(
        url, kwargs={"autocommit": True}, min_size=1, max_size=size, open=False, **options
    )
    async with Lines(pool) as made:
        yield made
