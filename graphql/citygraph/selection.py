"""What a document asks of a field, as ``twin.registry.query.selection`` has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

from graphql import (
    FieldNode,
    GraphQLIncludeDirective,
    GraphQLNamedType,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionNode,
    get_argument_values,
    get_directive_values,
    get_named_type,
    get_variable_values,
)
from strawberry import Info

from twin.kinds import all_kinds
from twin.registry.query.names import pascal
from twin.registry.query.selection import Asked


def asked_of(info: Info) -> tuple[Asked, ...]:
    """What is asked of the value of the field that is being resolved."""
    raw = info._raw_info
    reader = _Reader(raw)
    of_type = get_named_type(raw.return_type)
    nodes = [node for field in raw.field_nodes for node in _selections(field)]
    return tuple(reader.read(nodes, of_type, None))


class _Reader:
    """Walks the selections of one operation."""

    def __init__(self, info: GraphQLResolveInfo[Any]) -> None:
        self.info = info
        self.kinds = {pascal(name): name for name in all_kinds()}
        definitions = list(info.operation.variable_definitions or ())
        # Strawberry hands over the values alone; reading literals needs to know where each came from.
        found = get_variable_values(info.schema, definitions, cast("dict[str, Any]", info.variable_values))
        self.variables: Any = None if isinstance(found, list) else found

    def read(
        self, nodes: Iterable[SelectionNode], of_type: GraphQLNamedType, kind: str | None
    ) -> Iterator[Asked]:
        """The fields asked of a value of ``of_type``; ``kind`` is the kind that a fragment is for."""
        for node in nodes:
            if self._left_out(node):
                continue
            if isinstance(node, FieldNode):
                if not node.name.value.startswith("__"):
                    yield self._field(node, of_type, kind)
            else:
                inner = self._fragment_type(node, of_type)
                yield from self.read(self._inside(node), inner, self.kinds.get(inner.name, kind))

    def _field(self, node: FieldNode, of_type: Any, kind: str | None) -> Asked:
        definition = of_type.fields[node.name.value]
        alias = node.alias.value if node.alias else None
        arguments = get_argument_values(definition, node, self.variables)
        inner = tuple(self.read(_selections(node), get_named_type(definition.type), None))
        of_kind = kind if self._is_own(node.name.value) else None
        return Asked(node.name.value, inner, arguments, alias, of_kind)

    def _is_own(self, field: str) -> bool:
        """Whether the field is one that kinds have of their own."""
        interface: Any = self.info.schema.get_type("Asset")
        return field not in interface.fields

    def _left_out(self, node: SelectionNode) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return bool(skip and skip["if"]) or bool(include and not include["if"])

    def _fragment_type(self, node: Any, of_type: GraphQLNamedType) -> GraphQLNamedType:
        condition = (
            node.type_condition if isinstance(node, InlineFragmentNode) else self._named(node).type_condition
        )
        return of_type if condition is None else self.info.schema.get_type(condition.name.value) or of_type

    def _inside(self, node: Any) -> Iterable[SelectionNode]:
        return _selections(node if isinstance(node, InlineFragmentNode) else self._named(node))

    def _named(self, node: Any) -> Any:
        return self.info.fragments[node.name.value]


def _selections(node: Any) -> Iterable[SelectionNode]:
    return node.selection_set.selections if node.selection_set else ()
