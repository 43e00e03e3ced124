"""The executor's lists: rows that need nothing but themselves are written at once, by the shapes of plans."""

from __future__ import annotations

from typing import Any

from graphql import (
    GraphQLList,
    GraphQLNamedType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    get_named_type,
    is_composite_type,
    is_introspection_type,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.pyutils import Path
from sqlalchemy.util import LRUCache
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from citygraph.planner.documents import Document
from citygraph.planner.shapes import NoShape, Shape, Shaper
from twin.registry.rows import Rows

REMEMBERED = 64
"""Operations, and lists in them, of which shapes are kept."""
LONGEST = 5_000
"""Characters of a document for whose lists shapes are made."""


class ListExecutor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor, which completes every field of every row by itself only where it has to.

    That is where a field of a row needs a resolver, and where a value does not fit its type.
    """

    def complete_list_value(  # noqa: PLR0917 - graphql-core's
        self,
        return_type: GraphQLList[GraphQLOutputType],
        field_details_list: list[FieldDetails],
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """The list as it is answered."""
        short = self.operation.loc is not None and len(self.operation.loc.source.body) <= LONGEST
        if short and isinstance(result, list | Rows) and _is_ours(get_named_type(return_type)):
            shape = _shape(self, return_type, field_details_list)
            if shape is not None:
                try:
                    return shape(result, ())
                except Exception:  # noqa: BLE001, S110 - graphql-core tells what is wrong, and where
                    pass
        return super().complete_list_value(
            return_type, field_details_list, info, path, result, position_context
        )


def _is_ours(of_type: GraphQLNamedType) -> bool:
    """Whether a type has fields that our schema describes, as those of introspection are not."""
    return is_composite_type(of_type) and not is_introspection_type(of_type)


_documents: LRUCache[int, Document] = LRUCache(REMEMBERED)
_shapes: LRUCache[Any, tuple[list[FieldDetails], Shape | None]] = LRUCache(REMEMBERED)


def _shape(executor: ListExecutor, of_type: Any, details: list[FieldDetails]) -> Shape | None:
    """The shape of a list in an operation; None where its rows need more than themselves.

    Documents are parsed once: their nodes tell operations and fields apart as long as these are remembered.
    """
    document = _documents.get(id(executor.operation))
    if document is None or document.operation is not executor.operation:
        document = Document(executor.schema, executor.operation, executor.fragment_definitions)
        _documents[id(executor.operation)] = document
    given = executor.variable_values.coerced
    switched = tuple(given.get(name) for name in document.switches)
    key = (id(executor.schema), *(id(one.node) for one in details), *switched)
    known = _shapes.get(key)
    if known is not None and all(a.node is b.node for a, b in zip(known[0], details, strict=True)):
        return known[1]
    shaper = Shaper(executor.schema, document, executor.variable_values)
    try:
        shape = shaper.shape(of_type, details)
    except NoShape:
        made = None
    else:
        made = None if shaper.calls else shape
    _shapes[key] = details, made
    return made
