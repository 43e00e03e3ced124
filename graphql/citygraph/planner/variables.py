"""An operation's variables: those of plain types are taken as they come, all others graphql-core reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLInt,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    VariableDefinitionNode,
    get_variable_values,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource

_PLAIN: Mapping[Any, Callable[[Any], bool]] = {
    GraphQLString: lambda value: type(value) is str,
    GraphQLBoolean: lambda value: type(value) is bool,
    # GraphQL's integers have 32 bits (GraphQL specification, 3.5.1).
    GraphQLInt: lambda value: type(value) is int and -(2**31) <= value < 2**31,
}
"""Whether a value of the type is what graphql-core would make of it."""


class Variables:
    """The variables that an operation takes."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._plain: list[tuple[str, GraphQLVariableSignature, Callable[[Any], bool]]] = []
        self._others: list[VariableDefinitionNode] = []
        self._all: Sequence[VariableDefinitionNode] = operation.variable_definitions or ()
        for definition in self._all:
            signature = get_variable_signature(schema, definition)
            fits = None if isinstance(signature, GraphQLError) else _PLAIN.get(_nullable(signature.type))
            if fits is None or isinstance(signature, GraphQLError):
                self._others.append(definition)
            else:
                self._plain.append((signature.name, signature, fits))

    def values(self, given: Mapping[str, Any]) -> VariableValues | None:
        """Their values; None where what was given does not fit, which the executor tells."""
        sources, coerced = {}, {}
        for name, signature, fits in self._plain:
            value = given.get(name)
            if not fits(value):
                return self._read(self._all, given)
            sources[name], coerced[name] = VariableValueSource(signature, value), value
        if not self._others:
            return VariableValues(sources, coerced)
        others = self._read(self._others, given)
        if others is None:
            return None
        return VariableValues(sources | others.sources, coerced | others.coerced)

    def _read(
        self, definitions: Sequence[VariableDefinitionNode], given: Mapping[str, Any]
    ) -> VariableValues | None:
        found = get_variable_values(self._schema, definitions, dict(given))
        return None if isinstance(found, list) else found


def _nullable(of_type: Any) -> Any:
    return of_type.of_type if isinstance(of_type, GraphQLNonNull) else of_type
