"""GraphQL over HTTP: ``/graphql`` with GraphiQL, as a router for the web application.

GraphiQL's own scripts come from unpkg.com, as Strawberry's page has them; in a browser that cannot reach it,
a plain console takes their place.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import orjson
from cross_web import HTTPException
from fastapi import Request
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, Response
from strawberry.fastapi import GraphQLRouter

from citygraph.context import Context
from citygraph.errors import RequestRefused
from citygraph.execution import schema

PATH = "/graphql"


async def context(connection: HTTPConnection) -> Context:
    """The context of a request, with the pool that the application keeps in its state."""
    made = Context(connection.app.state.pool)
    made.pipeline()
    return made


class Router(GraphQLRouter[Context, None]):
    """Strawberry's router, which writes answers with orjson and says in JSON what is wrong with a request."""

    def decode_json(self, data: str | bytes) -> object:
        """JSON as orjson reads it."""
        return orjson.loads(data)

    def encode_json(self, data: object) -> bytes:
        """JSON as orjson writes it, which passes geometries on as PostGIS wrote them."""
        return orjson.dumps(data)

    async def run(self, request: Any, context: Any = None, root_value: Any = None) -> Any:
        """Answer a request; one without a document gets an error with a code."""
        try:
            return await super().run(request, context, root_value)
        except HTTPException as problem:
            refused = RequestRefused(problem.reason)
            extensions = {"code": refused.code, "zh": refused.text("zh")}
            body = {"errors": [{"message": refused.text("en"), "extensions": extensions}]}
            return Response(self.encode_json(body), problem.status_code, media_type="application/json")

    async def render_graphql_ide(self, request: Request) -> HTMLResponse:
        """GraphiQL, and what to do without it."""
        console = files("citygraph").joinpath("console.html").read_text(encoding="utf-8")
        return HTMLResponse(self.graphql_ide_html.replace("</body>", console + "</body>"))


def router() -> Router:
    """The router for ``/graphql``; the application keeps a pool of connections in ``state.pool``."""
    return Router(schema(), path=PATH, context_getter=context, subscription_protocols=())
