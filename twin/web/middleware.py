"""What every answer carries: headers that keep browsers safe, and the request's number for the log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import uuid4

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID = "X-Request-ID"
_SAFE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

# Pages need our style sheet and nothing else: no script at all.
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# GraphiQL is a program: its scripts come from unpkg.com under integrity hashes, and one stands in its page,
# which shows nothing that anybody sent.
GRAPHIQL_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' https://unpkg.com; "
    "style-src 'unsafe-inline' https://unpkg.com; font-src https://unpkg.com data:; img-src 'self' data:; "
    "connect-src 'self'; worker-src blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
GRAPHIQL = "/graphql"
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class CommonHeaders:
    """Adds ``HEADERS`` where the answer has none of its own, and a request id: the caller's or a new one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                if scope["path"] == GRAPHIQL:
                    headers.setdefault("Content-Security-Policy", GRAPHIQL_POLICY)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _request_id(scope: Scope) -> str:
    given = dict(scope["headers"]).get(REQUEST_ID.lower().encode(), b"")
    return given.decode() if _SAFE_ID.fullmatch(given) else uuid4().hex
