"""Running documents within this process: for pages, commands and tests the same API as over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from citygraph.context import Context
from citygraph.errors import reason
from citygraph.operations import operation
from citygraph.planner.plans import Answer, Planner
from citygraph.schema import Schema, build_schema
from twin.folders import named


def schema() -> Schema:
    """The schema of the kinds that this process sees."""
    return _schema(named("TWIN_KINDS_PATH"))


@lru_cache(maxsize=4)
def _schema(_kinds_path: str) -> Schema:
    return build_schema()


def planner() -> Planner:
    """The planner of that schema."""
    return _planner(named("TWIN_KINDS_PATH"))


@lru_cache(maxsize=4)
def _planner(kinds_path: str) -> Planner:
    return Planner(_schema(kinds_path)._schema)


async def answer(
    context: Context,
    document: str,
    variables: Mapping[str, Any] | None = None,
    operation_name: str | None = None,
) -> Answer:
    """The answer to a document: the planner's where there is one, else the executor's."""
    planned = await planner().answer(context, document, variables, operation_name)
    if planned is not None:
        return planned
    return await executed(context, document, variables, operation_name)


async def executed(
    context: Context,
    document: str,
    variables: Mapping[str, Any] | None = None,
    operation_name: str | None = None,
    *,
    by: Schema | None = None,
) -> Answer:
    """The executor's answer, or that of another schema's."""
    result = await (by or schema()).execute(
        document, variable_values=dict(variables or {}), context_value=context, operation_name=operation_name
    )
    return Answer(result.data, result.errors or [], context.extensions)


async def execute(
    context: Context, document: str, variables: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The answer to a document as JSON has it: ``data`` and, if there are any, ``errors``."""
    found: dict[str, Any] = orjson.loads((await answer(context, document, variables)).json())
    return found


async def ask(context: Context, name: str, /, **variables: Any) -> dict[str, Any]:
    """The data of the trusted operation ``name``. Raises the first error as a ``TwinError``."""
    found = await answer(context, operation(name), variables)
    if found.errors:
        raise reason(found.errors[0])
    data: dict[str, Any] = orjson.loads(orjson.dumps(found.data))
    return data


def ask_now(name: str, /, **variables: Any) -> dict[str, Any]:
    """``ask`` for programs that wait, on a connection of its own. Raises as ``open_pool`` too."""
    from twin.registry.pool import open_pool

    async def asked() -> dict[str, Any]:
        async with open_pool("api", size=1) as pool:
            return await ask(Context(pool), name, **variables)

    return asyncio.run(asked())
