"""A field's arguments: what a document writes out is read once, plain variables are taken as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    ValueNode,
    VariableNode,
    get_argument_values,
)
from graphql.execution.values import VariableValues

from citygraph.planner.documents import variables_of


class Arguments:
    """What a field is given, by the names that ``names`` has for its arguments."""

    def __init__(self, definition: GraphQLField, node: FieldNode, names: Mapping[str, str]) -> None:
        self._definition, self._node, self._names = definition, node, names
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        self._variables = [
            (self._names[name], value.name.value)
            for name, value in given.items()
            if isinstance(value, VariableNode)
        ]
        self._written = self._read_once(given)

    def values(self, variables: VariableValues) -> dict[str, Any]:
        """The arguments. Raises ``GraphQLError`` where one is wrong."""
        if self._written is None:
            return self._read(variables)
        found = self._written.copy()
        coerced = variables.coerced
        for name, variable in self._variables:
            value = coerced.get(variable)
            if value is None:  # null, left out, or the argument's default
                return self._read(variables)
            found[name] = value
        return found

    def _read(self, variables: VariableValues) -> dict[str, Any]:
        return self._named(get_argument_values(self._definition, self._node, variables))

    def _named(self, found: Mapping[str, Any]) -> dict[str, Any]:
        return {self._names[name]: value for name, value in found.items()}

    def _read_once(self, given: Mapping[str, ValueNode]) -> dict[str, Any] | None:
        """What is written out or has a default; None where a part of it varies, or is wrong: told later."""
        varying = {name for name, value in given.items() if isinstance(value, VariableNode)}
        if any(variables_of(value) for name, value in given.items() if name not in varying):
            return None
        args = {name: one for name, one in self._definition.args.items() if name not in varying}
        written = tuple(one for one in self._node.arguments or () if one.name.value not in varying)
        node = replace(self._node, arguments=written)
        try:
            return self._named(get_argument_values(GraphQLField(self._definition.type, args), node))
        except GraphQLError:
            return None
