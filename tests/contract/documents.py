"""GraphQL documents made at random from the schema, with variables, and what of the schema they asked for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
)
from hypothesis.strategies import DrawFn, SearchStrategy, booleans, integers, sampled_from

DEEPEST = 6
FEW = 3
"""The most fields of one selection that have fields themselves."""
SHORT = 12

Values = Mapping[str, SearchStrategy[Any]]
"""What values are drawn from: by the path of an argument or member, by the name of either, by its type."""


@dataclass(slots=True)
class Made:
    """A document, two sets of values for its variables, often of one form, and the fields and arguments that
    it names."""

    text: str
    variables: dict[str, Any]
    others: dict[str, Any]
    fields: Counter[str] = field(default_factory=Counter)
    arguments: Counter[str] = field(default_factory=Counter)


def every_field(schema: GraphQLSchema) -> tuple[set[str], set[str]]:
    """The fields that can be asked for, and their arguments, as documents count them."""
    fields, arguments = set(), set()
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
            for name, definition in type_.fields.items():
                fields.add(f"{type_.name}.{name}")
                arguments |= {f"{type_.name}.{name}({argument})" for argument in definition.args}
    return fields, arguments


class Maker:
    """Makes one document."""

    def __init__(self, schema: GraphQLSchema, values: Values, draw: DrawFn) -> None:
        self._schema = schema
        self._values = values
        self._draw = draw
        self._made = Made("", {}, {})
        self._variables: list[str] = []
        self._fragments: list[str] = []
        self._aliases = 0

    def document(self) -> Made:
        """The document."""
        query = self._schema.query_type
        assert query is not None
        selection = self._selection(query, 0)
        declared = f"({', '.join(self._variables)})" if self._variables else ""
        self._made.text = "\n".join([f"query{declared} {selection}", *self._fragments])
        return self._made

    def _chance(self, of: int) -> bool:
        return self._draw(integers(1, of)) == 1

    def _selection(self, type_: GraphQLNamedType, depth: int) -> str:
        if isinstance(type_, GraphQLInterfaceType):
            return self._of_interface(type_, depth)
        assert isinstance(type_, GraphQLObjectType)
        return "{ " + " ".join(self._fields(type_, type_, depth)) + " }"

    def _of_interface(self, type_: GraphQLInterfaceType, depth: int) -> str:
        """Fields of all, and fragments for some of the types."""
        parts = self._fields(type_, type_, depth)
        for possible in self._some(self._schema.get_implementations(type_).objects, 2, least=0):
            inside = "{ " + " ".join(self._fields(possible, possible, depth)) + " }"
            if self._chance(3):
                name = f"part{len(self._fragments)}"
                self._fragments.append(f"fragment {name} on {possible.name} {inside}")
                parts.append(f"...{name}{self._directive()}")
            else:
                parts.append(f"... on {possible.name}{self._directive()} {inside}")
        return "{ " + " ".join(parts) + " }"

    def _fields(self, type_: Any, counted: GraphQLNamedType, depth: int) -> list[str]:
        leaves = [name for name, one in type_.fields.items() if _is_leaf(one)]
        others = [name for name in type_.fields if name not in leaves] if depth < DEEPEST else []
        # Leaves cost little: of short lists all may be asked for, and a third of long ones.
        names = self._some(leaves, len(leaves) if len(leaves) <= SHORT else len(leaves) // 3)
        names += self._some(others, FEW, least=0 if names else 1)
        some = [self._field(name, type_.fields[name], counted, depth) for name in names]
        return [*some, *(["__typename"] if self._chance(8) else [])]

    def _field(self, name: str, definition: GraphQLField, of_type: GraphQLNamedType, depth: int) -> str:
        owners = [of_type]
        if isinstance(of_type, GraphQLInterfaceType):
            owners = list(self._schema.get_implementations(of_type).objects)
        for owner in owners:
            self._made.fields[f"{owner.name}.{name}"] += 1
        arguments = self._arguments(name, definition, owners)
        # One response key may not mean two things: whatever has arguments, or may have another type in
        # another fragment, is called by a name of its own.
        alias = ""
        if arguments or definition.args or self._chance(4) or not _is_shared(self._schema, of_type, name):
            self._aliases += 1
            alias = f"a{self._aliases}: "
        inner = (
            "" if _is_leaf(definition) else " " + self._selection(get_named_type(definition.type), depth + 1)
        )
        return f"{alias}{name}{arguments}{self._directive()}{inner}"

    def _arguments(self, name: str, definition: GraphQLField, owners: Sequence[GraphQLNamedType]) -> str:
        parts = []
        for argument, described in definition.args.items():
            needed = isinstance(described.type, GraphQLNonNull)
            if not needed and not self._chance(2):
                continue
            for owner in owners:
                self._made.arguments[f"{owner.name}.{name}({argument})"] += 1
            parts.append(f"{argument}: {self._argument(described, f'{name}.{argument}')}")
        return f"({', '.join(parts)})" if parts else ""

    def _argument(self, described: GraphQLArgument, path: str) -> str:
        value = self._value(described.type, path, 0)
        if self._chance(2):
            return _literal(value, described.type)
        name = f"v{len(self._variables)}"
        default = ""
        if self._chance(6) and not isinstance(described.type, GraphQLNonNull):
            default = f" = {_literal(value, described.type)}"
        else:
            alike = not self._chance(3)
            other = self._like(value, described.type, path) if alike else self._value(described.type, path, 0)
            self._made.variables[name], self._made.others[name] = value, other
        self._variables.append(f"${name}: {described.type}{default}")
        return f"${name}"

    def _directive(self) -> str:
        if not self._chance(10):
            return ""
        name, value = self._draw(sampled_from(["skip", "include"])), self._draw(booleans())
        if self._chance(2):
            return f" @{name}(if: {str(value).lower()})"
        variable = f"v{len(self._variables)}"
        self._variables.append(f"${variable}: Boolean!")
        self._made.variables[variable] = value
        self._made.others[variable] = self._draw(booleans())
        return f" @{name}(if: ${variable})"

    def _like(self, value: Any, type_: Any, path: str) -> Any:
        """Another value of the same form: the same members, as many items."""
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        if isinstance(type_, GraphQLList) and isinstance(value, list):
            return self._drawn(path, None) or [self._like(one, type_.of_type, path) for one in value]
        if isinstance(type_, GraphQLInputObjectType) and isinstance(value, dict):
            return {
                name: self._like(one, type_.fields[name].type, f"{type_.name}.{name}")
                for name, one in value.items()
            }
        return value if value is None else self._value(type_, path, 1)

    def _value(self, type_: Any, path: str, depth: int) -> Any:
        if isinstance(type_, GraphQLNonNull):
            return self._value(type_.of_type, path, depth)
        if depth == 0 and self._chance(15):
            return None
        if isinstance(type_, GraphQLList):
            count = self._draw(integers(0, 3))
            return self._drawn(path, None) or [
                self._value(type_.of_type, path, depth + 1) for _ in range(count)
            ]
        if isinstance(type_, GraphQLEnumType):
            return self._draw(sampled_from(list(type_.values)))
        if isinstance(type_, GraphQLInputObjectType):
            return self._object(type_, depth)
        return self._drawn(path, type_.name)

    def _drawn(self, path: str, type_name: str | None) -> Any:
        named = [name for name in (path, path.rpartition(".")[2], type_name) if name in self._values]
        return self._draw(self._values[named[0]]) if named and named[0] is not None else None

    def _object(self, type_: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
        names = [
            name
            for name, one in type_.fields.items()
            if depth < 2 or not isinstance(get_named_type(one.type), GraphQLInputObjectType)
        ]
        needed = [name for name, one in type_.fields.items() if isinstance(one.type, GraphQLNonNull)]
        chosen = dict.fromkeys([*needed, *self._some(names, 2, least=0 if needed else 1)])
        return {
            name: self._value(type_.fields[name].type, f"{type_.name}.{name}", depth + 1) for name in chosen
        }

    def _some(self, of: Sequence[Any], most: int, least: int = 1) -> list[Any]:
        count = self._draw(integers(min(least, len(of)), min(most, len(of))))
        return list(dict.fromkeys(self._draw(sampled_from(of)) for _ in range(count))) if count else []


def _is_leaf(definition: GraphQLField) -> bool:
    return not isinstance(get_named_type(definition.type), GraphQLObjectType | GraphQLInterfaceType)


def _is_shared(schema: GraphQLSchema, type_: GraphQLNamedType, name: str) -> bool:
    """Whether the field means the same in every type that stands in its place."""
    if isinstance(type_, GraphQLInterfaceType):
        return True
    interfaces = getattr(type_, "interfaces", ())
    return not interfaces or any(name in one.fields for one in interfaces)


def _literal(value: Any, type_: Any) -> str:
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    if value is None:
        return "null"
    if isinstance(type_, GraphQLList):
        items = value if isinstance(value, list) else [value]
        return "[" + ", ".join(_literal(item, type_.of_type) for item in items) + "]"
    if isinstance(type_, GraphQLEnumType):
        return str(value)
    if isinstance(type_, GraphQLInputObjectType):
        members = ", ".join(
            f"{name}: {_literal(one, type_.fields[name].type)}" for name, one in value.items()
        )
        return "{" + members + "}"
    return _written(value)


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_written(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


MakerOf = Callable[[DrawFn], Made]
