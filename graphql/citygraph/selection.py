"""What a document asks of a field, as ``twin.registry.query.selection`` has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLIncludeDirective,
    GraphQLNamedType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionNode,
    get_argument_values,
    get_directive_values,
    get_named_type,
    get_variable_values,
)
from graphql.execution.values import VariableValues
from strawberry import Info

from twin.kinds import all_kinds
from twin.registry.query.names import pascal
from twin.registry.query.selection import Asked


def asked_of(info: Info) -> tuple[Asked, ...]:
    """What is asked of the value of the field that is being resolved."""
    raw: Any = info._raw_info
    known: tuple[Asked, ...] | None = getattr(raw, "asked", None)
    if known is not None:
        return known
    definitions = list(raw.operation.variable_definitions or ())
    # Strawberry hands over the values alone; reading literals needs to know where each came from.
    values = get_variable_values(raw.schema, definitions, raw.variable_values)
    reader = Reader(raw.schema, raw.fragments, None if isinstance(values, list) else values)
    return reader.asked(raw.field_nodes, raw.return_type)


class Reader:
    """Walks the selections of one operation."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues | None,
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables
        self._kinds = {pascal(name): name for name in all_kinds()}

    def asked(self, fields: Iterable[FieldNode], return_type: Any) -> tuple[Asked, ...]:
        """What is asked of a value of ``return_type`` by the nodes of its field."""
        nodes = [node for field in fields for node in _selections(field)]
        return tuple(self.read(nodes, get_named_type(return_type), None))

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
                yield from self.read(self._inside(node), inner, self._kinds.get(inner.name, kind))

    def _field(self, node: FieldNode, of_type: Any, kind: str | None) -> Asked:
        definition = of_type.fields[node.name.value]
        arguments = get_argument_values(definition, node, self._variables)
        inner = tuple(self.read(_selections(node), get_named_type(definition.type), None))
        of_kind = kind if self._is_own(node.name.value) else None
        return Asked(node.name.value, inner, arguments, of_kind)

    def _is_own(self, field: str) -> bool:
        """Whether the field is one that kinds have of their own."""
        interface: Any = self._schema.get_type("Asset")
        return field not in interface.fields

    def _left_out(self, node: SelectionNode) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return bool(skip and skip["if"]) or bool(include and not include["if"])

    def _fragment_type(self, node: Any, of_type: GraphQLNamedType) -> GraphQLNamedType:
        condition = (
            node.type_condition if isinstance(node, InlineFragmentNode) else self._named(node).type_condition
        )
        return of_type if condition is None else self._schema.get_type(condition.name.value) or of_type

    def _inside(self, node: Any) -> Iterable[SelectionNode]:
        return _selections(node if isinstance(node, InlineFragmentNode) else self._named(node))

    def _named(self, node: Any) -> Any:
        return self._fragments[node.name.value]


def _selections(node: Any) -> Iterable[SelectionNode]:
    return node.selection_set.selections if node.selection_set else ()
