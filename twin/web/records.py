"""What the pages of loads ask the registry, and where they send the browser afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request
from psycopg.rows import dict_row
from starlette.responses import RedirectResponse, Response

from twin.registry.statements import statement
from twin.telemetry.records import Statement
from twin.web.language import chosen
from twin.web.loading import UploadUnknown

Record = Mapping[str, Any]

NEWEST = (1 << 63) - 1
"""No load has a greater number."""


async def rows(request: Request, statement_name: str, /, **values: object) -> list[dict[str, Any]]:
    """The rows of one of ``twin/web/sql``, as the API's role sees them."""
    async with request.app.state.pool.connection() as connection:
        cursor = connection.cursor(row_factory=dict_row)
        text = statement("twin.web", statement_name)
        with Statement(text) as seen:
            await cursor.execute(text, values)
            found: list[dict[str, Any]] = await cursor.fetchall()
            seen.rows = len(found)
        return found


async def load_record(request: Request, number: int) -> Record:
    """A load with its receipt. Raises ``UploadUnknown``."""
    found = await rows(request, "load", id=min(number, NEWEST))
    if not found:
        raise UploadUnknown(value=number)
    return found[0]


def see(request: Request, path: str) -> Response:
    """Send the browser to a page of ours, in the language that it goes on in."""
    lang = chosen(request)
    return RedirectResponse(f"{quote(path)}?{urlencode({'lang': lang})}" if lang else quote(path), 303)
