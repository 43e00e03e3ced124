"""Shapes: what an operation asks of a value, as one function from the value to its part of the answer.

The function is Python source made from the operation. Every name in it is one of ours, and what stands in it
of the document are response keys, which GraphQL's grammar makes names, written as texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLFloat,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
)
from graphql.execution.collect_fields import FieldDetails, collect_subfields
from graphql.execution.values import VariableValues
from strawberry.types.field import StrawberryField

from citygraph.making import BY_ARGUMENTS
from citygraph.planner.documents import Document
from twin.kinds import all_kinds
from twin.registry.query.names import argument_label, constant, pascal

Answering = Callable[[Any], Any]
"""What answers a field of a row by its resolver."""
Shape = Callable[[Any, Sequence[Answering]], Any]
"""From a value to what is written of it; its calls are answered by what is given."""
Details = list[FieldDetails]


class Irregular(Exception):
    """A value that does not fit its type, which the executor knows how to tell."""


class TooManyShapes(Exception):
    """An operation that asks of objects in more different ways than a plan is worth."""


MOST_OBJECTS = 256
"""Functions of one shape that write objects: parents of parents can ask for more than anybody could make."""


@dataclass(frozen=True, slots=True)
class Call:
    """A field of a row that its resolver makes of the row: the field, and how it was asked for."""

    definition: GraphQLField
    key: str
    details: Details


@dataclass(slots=True)
class Shaper:
    """Makes the shapes of one operation, whose ``variables`` say which parts of it count."""

    schema: GraphQLSchema
    document: Document
    variables: VariableValues
    calls: list[Call] = field(default_factory=list)
    _lines: list[str] = field(default_factory=list)
    _names: dict[str, Any] = field(default_factory=lambda: dict(_HELPERS))
    _objects: dict[tuple[str, tuple[int, ...]], str] = field(default_factory=dict)
    _count: int = 0

    def shape(self, of_type: Any, details: Details) -> Shape:
        """The shape of a value of ``of_type``."""
        value = self._value(of_type, details, "v")
        source = "\n".join([*self._lines, f"def shape(v, c): return {value}", ""])
        exec(compile(source, "<shape>", "exec"), self._names)  # noqa: S102 - made of names of ours, see above
        shape: Shape = self._names["shape"]
        return shape

    def subfields(self, of_type: GraphQLObjectType, details: Details) -> Mapping[str, Details]:
        """What is asked of an object, by response key, in the order of the answer."""
        found = collect_subfields(
            self.schema, self.document.details, self.variables, self.document.operation, of_type, details
        )
        return found.grouped_field_set

    def _value(self, of_type: Any, details: Details, source: str) -> str:
        if isinstance(of_type, GraphQLNonNull):
            return self._present(of_type.of_type, details, source)
        if isinstance(of_type, GraphQLList | GraphQLObjectType | GraphQLInterfaceType):
            name = self._name("v")
            there = self._present(of_type, details, name)
            return f"(None if ({name} := {source}) is None else {there})"
        if isinstance(of_type, GraphQLEnumType):
            return f"{self._enum(of_type, {None: None})}[{source}]"
        if of_type.name not in _HELPERS_OF:
            return source
        name = self._name("v")
        return f"({name} if ({name} := {source}) is None else {self._fitting(of_type, name, name)})"

    def _fitting(self, of_type: Any, name: str, source: str) -> str:
        """A value of a scalar: as it is where it is seen to fit, else as the scalar writes it."""
        helper, fits = _HELPERS_OF[of_type.name], _FITS.get(of_type.name)
        if fits is None:
            return f"{helper}({source})"
        return f"({name} if {fits.format(f'({name} := {source})', name)} else {helper}({name}))"

    def _present(self, of_type: Any, details: Details, source: str) -> str:
        """The same where it may not be null."""
        if isinstance(of_type, GraphQLList):
            name = self._name("x")
            return f"[{self._value(of_type.of_type, details, name)} for {name} in {source}]"
        if isinstance(of_type, GraphQLInterfaceType):
            name = self._name("v")
            return f"{self._by_kind(of_type, details)}[({name} := {source})['kind']]({name}, c)"
        if isinstance(of_type, GraphQLObjectType):
            return f"{self._object(of_type, details)}({source}, c)"
        if isinstance(of_type, GraphQLEnumType):
            return f"{self._enum(of_type, {})}[{source}]"
        name = self._name("v")
        if of_type.name in _HELPERS_OF:
            return self._fitting(of_type, name, source)
        return f"({name} if ({name} := {source}) is not None else absent())"

    def _object(self, of_type: GraphQLObjectType, details: Details) -> str:
        """The function that writes an object; of what is asked in several places alike there is one.

        Raises ``TooManyShapes``.
        """
        asked = of_type.name, tuple(id(one.node) for one in details)
        if asked not in self._objects:
            if len(self._objects) >= MOST_OBJECTS:
                raise TooManyShapes
            name = self._objects[asked] = self._name("object")
            members = [
                f"{key!r}: {self._member(of_type, key, nodes)}"
                for key, nodes in self.subfields(of_type, details).items()
            ]
            self._lines.append(f"def {name}(r, c): return {{{', '.join(members)}}}")
        return self._objects[asked]

    def _by_kind(self, of_type: GraphQLInterfaceType, details: Details) -> str:
        """Objects by the kind that their rows tell."""
        possible = self.schema.get_implementations(of_type).objects
        shapes = ", ".join(f"{_kind(one)!r}: {self._object(one, details)}" for one in possible)
        name = self._name("kinds")
        self._lines.append(f"{name} = {{{shapes}}}")
        return name

    def _member(self, of_type: GraphQLObjectType, key: str, details: Details) -> str:
        name = details[0].node.name.value
        if name == "__typename":
            return repr(of_type.name)
        definition = of_type.fields[name]
        return self._value(definition.type, details, self._source(definition, key, details))

    def _source(self, definition: GraphQLField, key: str, details: Details) -> str:
        """Where a row ``r`` has a field's value, or what makes it of the row."""
        described = described_by(definition)
        resolver = described.base_resolver
        if resolver is None:
            return f"r[{described.python_name.removesuffix('_')!r}]"
        if is_by_arguments(definition) and not details[0].node.arguments:
            return f"r[{argument_label(details[0].node.name.value, {})!r}]"
        if not definition.args and resolver.info_parameter is None:
            name = self._name("made")
            self._names[name] = resolver.wrapped_func
            return f"{name}(r)"
        self.calls.append(Call(definition, key, details))
        return f"c[{len(self.calls) - 1}](r)"

    def _enum(self, of_type: GraphQLEnumType, more: Mapping[None, None]) -> str:
        """The values as they are written, by what stands for them in rows."""
        name = f"enum_{of_type.name}_{len(more)}"
        self._names[name] = {**{value: value for value in of_type.values}, **more}
        return name

    def _name(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"


def described_by(definition: GraphQLField) -> StrawberryField:
    """What Strawberry has made a field of."""
    found: StrawberryField = definition.extensions["strawberry-definition"]
    return found


def is_by_arguments(definition: GraphQLField) -> bool:
    """Whether rows have a field's value under ``argument_label``."""
    return bool(described_by(definition).metadata.get(BY_ARGUMENTS))


def _kind(of_type: GraphQLObjectType) -> str:
    """What rows of a kind's type say of their kind."""
    return next(constant(name) for name in all_kinds() if pascal(name) == of_type.name)


def _absent() -> Any:
    """Stands where a value may not be null. Raises ``Irregular``."""
    raise Irregular


def _written(scalar: GraphQLScalarType) -> Callable[[Any], Any]:
    """What the scalar makes of a value that may not be null."""
    return lambda value: _absent() if value is None else scalar.serialize(value)


_HELPERS: Mapping[str, Any] = {
    "absent": _absent,
    "integer": _written(GraphQLInt),
    "number": _written(GraphQLFloat),
    "geojson": lambda value: _absent() if value is None else orjson.Fragment(value),
}
_HELPERS_OF: Mapping[str, str] = {"Int": "integer", "Float": "number", "GeoJSON": "geojson"}
"""What writes the values of scalars that are not always written as they are."""
_FITS: Mapping[str, str] = {
    # GraphQL's integers have 32 bits, its floats are finite (GraphQL specification, 3.5.1 and 3.5.2).
    "Int": f"type({{0}}) is int and {-(2**31)} <= {{1}} < {2**31}",
    "Float": "type({0}) is float and {1} - {1} == 0.0",
}
"""How it is seen that a value is written as it is."""
