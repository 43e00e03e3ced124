"""The schema, made from the kinds that there are."""

from __future__ import annotations

from typing import Any

import strawberry
from graphql import Executor, GraphQLError
from strawberry.extensions import (
    AddValidationRules,
    MaxTokensLimiter,
    ParserCache,
    SchemaExtension,
    ValidationCache,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionResult

from citygraph.assets import Assets
from citygraph.context import Context
from citygraph.enums import kind_enum
from citygraph.errors import codes, stable
from citygraph.inputs import Filters
from citygraph.limits import MAX_TOKENS, DocumentLimits
from citygraph.loads import Loads
from citygraph.making import value_of
from citygraph.planner.completion import ListExecutor
from citygraph.query import query_type
from citygraph.scalars import SCALARS
from twin.kinds import all_kinds
from twin.telemetry.records import operating

CACHED_DOCUMENTS = 256


class Schema(strawberry.Schema):
    """Strawberry's schema with the errors of ``citygraph.errors``."""

    async def execute(self, query: str | None, *args: Any, **kwargs: Any) -> ExecutionResult:
        """The answer to a document, each of its errors with a code."""
        with operating(query or "") as observed:
            if observed is not None:
                observed.unread(kwargs.get("operation_name"))
            result = await super().execute(query, *args, **kwargs)
            if result.errors:
                result.errors = [stable(error) for error in result.errors]
            if observed is not None:
                observed.answered("executor", codes(result.errors or ()))
        return result

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Nothing: what a user did wrong is no matter for the log, and the rest is logged by its id."""


class _Told(SchemaExtension):
    """The answer's extensions are those of its context."""

    def get_results(self) -> dict[str, Any]:
        """What they say."""
        context = self.execution_context.context
        return context.extensions if isinstance(context, Context) else {}


def build_schema(executor: type[Executor[Any]] = ListExecutor) -> Schema:
    """The schema of all kinds: each has a type, a filter, an order and a field of Query.

    What the planner leaves is answered by ``executor``. Raises ``citygraph.errors.NameTaken`` where an
    attribute's name means something else already.
    """
    kinds = all_kinds()
    kind = kind_enum(kinds)
    filters = Filters(kinds, kind)
    loads = Loads(kind)
    assets = Assets(kinds, kind, filters.asset, loads.load)
    return Schema(
        query=query_type(kinds, kind, filters, assets, loads),
        types=list(assets.of_kind.values()),
        config=StrawberryConfig(default_resolver=value_of, scalar_map=SCALARS),
        execution_context_class=executor,
        extensions=[
            lambda: AddValidationRules([DocumentLimits]),
            lambda: MaxTokensLimiter(max_token_count=MAX_TOKENS),
            lambda: ParserCache(maxsize=CACHED_DOCUMENTS),
            lambda: ValidationCache(maxsize=CACHED_DOCUMENTS),
            _Told,
        ],
    )
