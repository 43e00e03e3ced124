"""What every answer carries: headers that keep browsers safe; JSON, which no browser shows, needs few."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

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


JSON = (b"content-type", b"application/json")
# What shows nothing has nothing to load, and nobody may frame it or take it for something else.
JSON_HEADERS: Sequence[tuple[bytes, bytes]] = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
)
_RAW = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
_RAW_GRAPHIQL = [(_RAW[0][0], GRAPHIQL_POLICY.encode()), *_RAW[1:]]


class CommonHeaders:
    """Adds ``HEADERS``, or ``JSON_HEADERS``, where the answer has none of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        page = _RAW_GRAPHIQL if scope["path"] == GRAPHIQL else _RAW

        def send_with_headers(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                own = message.get("headers", ())
                given = {name.lower() for name, _ in own}
                common = JSON_HEADERS if JSON in own else page
                message["headers"] = [*own, *(header for header in common if header[0] not in given)]
            return send(message)

        await self.app(scope, receive, send_with_headers)
