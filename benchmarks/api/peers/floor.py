"""The floor: what Python can do at all. Rows of SQL written by hand, by one expression, through orjson.

``python -m benchmarks.api.peers.floor PORT`` serves lists of lamps as our API answers them, with psycopg's
pool and cursors and the same HTTP server, and with nothing that documents, arguments or errors would need.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import uvicorn
from starlette.types import Receive, Scope, Send

from benchmarks.api.peers import POOL, Peer, Request, free_port, serving
from benchmarks.api.peers.ours import read
from benchmarks.api.questions import Arguments
from benchmarks.lab import Lab
from twin.registry.lines import Pool
from twin.registry.pool import make_pool

SQL = """
SELECT
    code, status, name, to_char(installed, 'YYYY-MM-DD'), st_x(geom), st_y(geom), st_asgeojson(geom, 7),
    to_hex(cell), source_key, to_char(recorded_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    (attributes -> 'power')::float8, attributes ->> 'lamp'
FROM api.asset
WHERE kind = 'streetlight' AND code > %s
ORDER BY code
LIMIT %s
"""


@contextmanager
def floor(lab: Lab) -> Iterator[Peer]:
    """The handler over a lab's registry."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.api.peers.floor", str(port)]
    with serving(command, port, lab.environment) as pid:
        yield Peer("floor", port, pid, request, read)


def request(_: str, arguments: Arguments) -> Request:
    """The place in the list and the size of the page."""
    return Request("/", orjson.dumps({"after": arguments["after"], "first": arguments["first"]}))


async def answer(pool: Pool, scope: Scope, receive: Receive, send: Send) -> None:
    """One list."""
    asked = orjson.loads((await receive())["body"])
    first = asked["first"]
    async with pool.connection() as connection:
        cursor = await connection.execute(SQL, [asked["after"], first + 1], prepare=True)
        rows = await cursor.fetchall()
    body = orjson.dumps({"data": {"streetlights": _page(rows, first)}})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _page(rows: list[Any], first: int) -> dict[str, Any]:
    nodes = [
        {
            "code": code,
            "kind": "STREETLIGHT",
            "name": name,
            "status": status.upper(),
            "installed": installed,
            "position": {"lon": lon, "lat": lat},
            "geometry": orjson.Fragment(geometry),
            "cell": cell,
            "sourceKey": source_key,
            "updated": updated,
            "power": power,
            "lamp": lamp and lamp.upper(),
        }
        for (
            code, status, name, installed, lon, lat, geometry, cell, source_key, updated, power, lamp
        ) in rows[:first]
    ]  # fmt: skip
    return {"nodes": nodes, "pageInfo": {"hasNextPage": len(rows) > first, "endCursor": nodes[-1]["code"]}}


class _Handler:
    """An ASGI application of one handler, whose pool lives as long as the server."""

    def __init__(self) -> None:
        self._pool = make_pool("api", size=POOL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await answer(self._pool, scope, receive, send)
            return
        await receive()
        await self._pool.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})


if __name__ == "__main__":
    uvicorn.run(_Handler(), port=int(sys.argv[1]), log_level="warning", lifespan="on", server_header=False)
