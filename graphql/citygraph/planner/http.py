"""The road of a request that holds one document: from its bytes to those of the answer."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from citygraph.context import Context
from citygraph.execution import planner
from twin.settings import ApiSettings

LARGEST = 1_000_000
"""Bytes of a request up to which it may go this way."""
LONGEST_HEADERS = 1_000
"""Bytes of its ``Content-Type`` and ``Accept``; what longer ones mean is the router's to find out."""
PATIENCE = 0.01
"""Seconds after which a client that waits may have gone; twice that at most."""
_JSON = b"application/json"
_ACCEPTED = (_JSON, b"*/*")
_MEMBERS = frozenset({"query", "variables", "operationName"})
Headers = Iterable[tuple[bytes, bytes]]
log = logging.getLogger(__name__)


class PlannedRequests:
    """Answers requests to ``path`` that the planner can answer, and hands on all others as they came.

    Its answers bear ``headers`` besides their own.

    Whoever goes away before the answer is there has it stopped, and with it what the database does for it.
    """

    def __init__(self, app: ASGIApp, path: str, headers: Headers = ()) -> None:
        self._app = app
        self._path = path
        self._headers = [*headers, (b"content-type", _JSON)]
        self._max_page = ApiSettings.read().max_page
        self._planner = planner()
        self._rounds = _Rounds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._fits(scope):
            await self._app(scope, receive, send)
            return
        body = await _body(receive)
        if body is None:
            return
        leaving = _Leaving(receive)
        self._rounds.join(leaving)
        try:
            await self._answer(scope, body, send, leaving)
        except asyncio.CancelledError:
            if not leaving.stopped():
                raise
        finally:
            leaving.forget()

    def _fits(self, scope: Scope) -> bool:
        """Whether it is a request whose body is JSON of known length, and whose answer may be JSON."""
        if scope["type"] != "http" or scope["path"] != self._path or scope["method"] != "POST":
            return False
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"")
        if not (length.isdigit() and int(length) <= LARGEST):
            return False
        content_type, accept = headers.get(b"content-type", b""), headers.get(b"accept", _JSON)
        return len(content_type) + len(accept) <= LONGEST_HEADERS and _is_json(content_type, accept)

    async def _answer(self, scope: Scope, body: bytes, send: Send, leaving: _Leaving) -> None:
        context = Context(scope["app"].state.pool, self._max_page)
        asked, answer = _asked(body), None
        if asked is not None:
            try:
                found = await self._planner.answer(context, *asked)
                answer = None if found is None else found.json()
            except Exception:
                log.exception("the planner failed, the executor answers")
        if answer is None:
            await self._app(scope, _again(body), leaving.until_answered(send))
            return
        leaving.forget()
        headers = [*self._headers, (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


class _Leaving:
    """Looks whether the client goes, once its answer takes a while: most answers are quicker than a look."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._task = asyncio.current_task()
        self._left: asyncio.Task[None] | None = None
        self._answered, self._stopped = False, False

    def stopped(self) -> bool:
        """Whether the answering was stopped for that, and for nothing else. Raises what looking raised."""
        if self._left is None or not self._stopped or self._task is None or self._task.uncancel():
            return False
        self._left.result()
        return True

    def until_answered(self, send: Send) -> Send:
        """``send`` that ends the looking: when an answer is whole, servers say that the client has gone."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                self.forget()
            await send(message)

        return sent

    def forget(self) -> None:
        """Look no more."""
        self._answered = True
        if self._left is not None:
            self._left.cancel()

    def look(self) -> None:
        """Look from now on, unless it is answered."""
        if self._answered:
            return
        self._left = asyncio.ensure_future(_left(self._receive))
        self._left.add_done_callback(self._stop)

    def _stop(self, left: asyncio.Future[None]) -> None:
        if self._task is not None and not self._answered and not left.cancelled():
            self._stopped = self._task.cancel()


class _Rounds:
    """Has those look that are not answered within ``PATIENCE``: all of them by one timer."""

    def __init__(self) -> None:
        self._new: list[_Leaving] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def join(self, leaving: _Leaving) -> None:
        """Take another one in."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # which has ended, or went round last when there was nobody
            self._loop, self._new = loop, []
            # In a context of its own: it belongs to no one request.
            loop.call_later(PATIENCE, self._round, loop, [], context=contextvars.Context())
        self._new.append(leaving)

    def _round(self, loop: asyncio.AbstractEventLoop, waiting: list[_Leaving]) -> None:
        if self._loop is not loop:
            return
        for one in waiting:
            one.look()
        waiting, self._new = self._new, []
        if waiting:
            loop.call_later(PATIENCE, self._round, loop, waiting)
        else:
            self._loop = None


@lru_cache(maxsize=256)
def _is_json(content_type: bytes, accept: bytes) -> bool:
    """Whether headers say that a body is JSON and its answer may be."""
    types = [one.split(b";")[0].strip() for one in (content_type, *accept.split(b","))]
    return types[0] == _JSON and any(one in _ACCEPTED for one in types[1:])


def _asked(body: bytes) -> tuple[str, dict[str, Any] | None, str | None] | None:
    """A document, its variables and the operation's name; None where a body holds something else."""
    try:
        asked: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(asked, dict) or not asked.keys() <= _MEMBERS:
        return None
    text, variables, name = asked.get("query"), asked.get("variables"), asked.get("operationName")
    if not isinstance(text, str) or not isinstance(variables, dict | None):
        return None
    return (text, variables, name) if isinstance(name, str | None) else None


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None where the client has gone."""
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _left(receive: Receive) -> None:
    """Wait until the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _again(body: bytes) -> Receive:
    """The same request, for whoever reads it next; whether the client is there is looked after already."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop()

    return received
