"""Running documents within this process: for pages, commands and tests the same API as over HTTP."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson
from strawberry.http import process_result

from citygraph.context import Context
from citygraph.errors import reason
from citygraph.operations import operation
from citygraph.schema import Schema, build_schema


def schema() -> Schema:
    """The schema of the kinds that this process sees."""
    return _schema(os.environ.get("TWIN_KINDS_PATH", ""))


@lru_cache(maxsize=4)
def _schema(_kinds_path: str) -> Schema:
    return build_schema()


async def execute(
    context: Context, document: str, variables: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The answer to a document as JSON has it: ``data`` and, if there are any, ``errors``."""
    result = await schema().execute(document, variable_values=dict(variables or {}), context_value=context)
    answer: dict[str, Any] = orjson.loads(orjson.dumps(process_result(result)))
    return answer


async def ask(context: Context, name: str, /, **variables: Any) -> dict[str, Any]:
    """The data of the trusted operation ``name``. Raises the first error as a ``TwinError``."""
    result = await schema().execute(operation(name), variable_values=variables, context_value=context)
    if result.errors:
        raise reason(result.errors[0])
    data: dict[str, Any] = orjson.loads(orjson.dumps(result.data))
    return data


def ask_now(name: str, /, **variables: Any) -> dict[str, Any]:
    """``ask`` for programs that wait, on a connection of its own. Raises as ``open_pool`` too."""
    from twin.registry.database import open_pool

    async def asked() -> dict[str, Any]:
        async with open_pool("api", size=1) as pool:
            return await ask(Context(pool), name, **variables)

    return asyncio.run(asked())
