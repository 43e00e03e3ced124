"""Shapes: what an operation asks of a value, as one function from the value to its part of the answer.

The function is Python source made from the operation. Every name in it is one of ours, and what stands in it
of the document are response keys, which GraphQL's grammar makes names, written as texts.

Rows are dictionaries or lie in ``Rows``. So where a row ``r`` has a value is written ``r[$name]``, and
``r[@3]`` where that depends on the arguments of call 3: dictionaries have it under a name, ``Rows`` in a
place, for which functions are made once the places are known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson
from graphql import (
    FieldNode,
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
    get_argument_values,
)
from graphql.execution.collect_fields import FieldDetails, collect_subfields
from graphql.execution.values import VariableValues
from strawberry.types.field import StrawberryField

from citygraph.few import Few
from citygraph.making import OF_VALUE, unchanged
from citygraph.planner.documents import Document
from twin.kinds import all_kinds
from twin.registry.query.names import argument_label, constant, pascal
from twin.registry.rows import Rows


@dataclass(frozen=True, slots=True)
class Answering:
    """A field of rows with its arguments: what rows call its value, and what becomes of that."""

    label: str
    of: Callable[[Any], Any]


Shape = Callable[[Any, Sequence[Answering]], Any]
"""From a value to what is written of it; its calls are answered by what is given."""
Details = list[FieldDetails]


class Irregular(Exception):
    """A value that does not fit its type, which the executor knows how to tell."""


class NoShape(Exception):
    """An operation that asks of objects in more different ways than a plan is worth, or for a field that is
    made of more than one value of its row."""


MOST_OBJECTS = 256
"""Functions of one shape that write objects: parents of parents can ask for more than anybody could make."""
PLACES = 4
"""Arrangements of columns, of one list in a shape, for which functions are kept."""
_COLUMN = re.compile(r"\$(\w+)")
_CALL = re.compile(r"@(\d+)")
_OBJECTS = (GraphQLObjectType, GraphQLInterfaceType)


@dataclass(frozen=True, slots=True)
class Call:
    """A field of rows with arguments: how it was asked for, and what makes an ``Answering.of`` of those."""

    definition: GraphQLField
    node: FieldNode
    of_value: Callable[..., Callable[[Any], Any]]

    def answering(self, values: VariableValues) -> Answering:
        """What answers it. Raises what its arguments raise."""
        arguments = get_argument_values(self.definition, self.node, values)
        return Answering(argument_label(self.node.name.value, arguments), self.of_value(**arguments))


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
    _written: dict[str, str] = field(default_factory=dict)
    _count: int = 0

    def shape(self, of_type: Any, details: Details) -> Shape:
        """The shape of a value of ``of_type``."""
        value = self._value(of_type, details, "v")
        lines = [*self._lines, f"def shape(v, c): return {value}"]
        shape: Shape = _made(lines, self._names, "shape", repr, "c[{}].label".format)
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
        return self._scalar(of_type, source, nullable=True)

    def _scalar(self, of_type: Any, source: str, *, nullable: bool) -> str:
        """A value of a scalar: as it is where it is seen to fit, else as the scalar writes it."""
        name = self._name("v")
        here = f"({name} := {source})"
        if of_type.name in _FITS:
            fits, helper = _FITS[of_type.name]
            or_null = f" or {name} is None" if nullable else ""
            return f"({name} if {fits.format(name, here)}{or_null} else {helper}({name}))"
        written = f"Fragment({name})" if of_type.name == "GeoJSON" else name
        if not nullable:
            return f"({written} if {here} is not None else absent())"
        return source if written == name else f"(None if {here} is None else {written})"

    def _present(self, of_type: Any, details: Details, source: str) -> str:
        """The same where it may not be null."""
        if isinstance(of_type, GraphQLList):
            inner, name = of_type.of_type, self._name("x")
            if isinstance(inner, GraphQLNonNull) and isinstance(inner.of_type, _OBJECTS):
                return f"{self._rows(inner.of_type, details)}({source}, c)"
            return f"[{self._value(inner, details, name)} for {name} in {source}]"
        if isinstance(of_type, GraphQLInterfaceType):
            name = self._name("v")
            return f"{self._by_kind(of_type, details)}[({name} := {source})['kind']]({name}, c)"
        if isinstance(of_type, GraphQLObjectType):
            return f"{self._object(of_type, details)}({source}, c)"
        if isinstance(of_type, GraphQLEnumType):
            return f"{self._enum(of_type, {})}[{source}]"
        return self._scalar(of_type, source, nullable=False)

    def _object(self, of_type: GraphQLObjectType, details: Details) -> str:
        """The function that writes an object; of what is asked in several places alike there is one.

        Raises ``NoShape``.
        """
        asked = of_type.name, tuple(id(one.node) for one in details)
        if asked not in self._objects:
            if len(self._objects) >= MOST_OBJECTS:
                raise NoShape
            name = self._objects[asked] = self._name("object")
            members = [
                f"{key!r}: {self._member(of_type, key, nodes)}"
                for key, nodes in self.subfields(of_type, details).items()
            ]
            self._written[name] = f"{{{', '.join(members)}}}"
            self._lines.append(f"def {name}(r, c): return {self._written[name]}")
        return self._objects[asked]

    def _rows(self, of_type: GraphQLObjectType | GraphQLInterfaceType, details: Details) -> str:
        """The function that writes a list of objects."""
        name = self._name("rows")
        one = self._present(of_type, details, "r")
        lines = []
        if isinstance(of_type, GraphQLInterfaceType):
            kinds = {_kind(each): self._object(each, details) for each in self._possible(of_type)}
            lines = [f"def {each}(r, c, p): return {self._written[each]}" for each in kinds.values()]
            lines.append(f"kinds = {{{', '.join(f'{kind!r}: {each}' for kind, each in kinds.items())}}}")
            placed = "kinds[r[$kind]](r, c, p)"
        else:
            placed = self._written[self._object(of_type, details)]
        lines += ["def rows(v, c, p):", *_each(placed)]
        self._names[f"placed_{name}"] = _Placed(lines, self._names)
        self._lines += [f"def {name}(v, c):", f" if type(v) is Rows: return placed_{name}(v, c)", *_each(one)]
        return name

    def _by_kind(self, of_type: GraphQLInterfaceType, details: Details) -> str:
        """Objects by the kind that their rows tell."""
        shapes = ", ".join(f"{_kind(one)!r}: {self._object(one, details)}" for one in self._possible(of_type))
        name = self._name("kinds")
        self._lines.append(f"{name} = {{{shapes}}}")
        return name

    def _possible(self, of_type: GraphQLInterfaceType) -> Sequence[GraphQLObjectType]:
        return self.schema.get_implementations(of_type).objects

    def _member(self, of_type: GraphQLObjectType, key: str, details: Details) -> str:
        name = details[0].node.name.value
        if name == "__typename":
            return repr(of_type.name)
        definition = of_type.fields[name]
        return self._value(definition.type, details, self._source(definition, details))

    def _source(self, definition: GraphQLField, details: Details) -> str:
        """Where a row ``r`` has a field's value, or what makes it of what the row has. Raises ``NoShape``."""
        described = described_by(definition)
        if described.base_resolver is None:
            return f"r[${described.python_name.removesuffix('_')}]"
        of_value = described.metadata.get(OF_VALUE)
        if of_value is None:
            raise NoShape
        here = f"r[${argument_label(details[0].node.name.value, {})}]"
        if of_value is unchanged and not details[0].node.arguments:
            return here
        if not definition.args:
            name = self._name("made")
            self._names[name] = of_value()
            return f"{name}({here})"
        number = len(self.calls)
        self.calls.append(Call(definition, details[0].node, of_value))
        return f"c[{number}].of(r[@{number}])"

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


def _each(written: str) -> list[str]:
    """What writes each row of a list. A comprehension would reach the names it gives to values in cells."""
    return [" found = []", f" for r in v: found.append({written})", " return found"]


@dataclass(slots=True)
class _Placed:
    """Writes what lies in ``Rows``, by functions that are made for the places in which it lies."""

    lines: Sequence[str]
    names: Mapping[str, Any]
    _columns: tuple[str, ...] = ()
    _by_places: Few[Any, Any] = field(default_factory=lambda: Few(PLACES))

    def __post_init__(self) -> None:
        self._columns = tuple({name: None for line in self.lines for name in _COLUMN.findall(line)})

    def __call__(self, rows: Rows, calls: Sequence[Answering]) -> list[Any]:
        """The rows as they are answered."""
        places = _places(rows.names)
        found = tuple(map(places.get, self._columns))
        write = self._by_places.get(found)
        if write is None:
            where = dict(zip(self._columns, found, strict=True))
            write = _made(self.lines, dict(self.names), "rows", lambda name: str(where[name]), "p[{}]".format)
            self._by_places.keep(found, write)
        written: list[Any] = write(rows.values, calls, [places.get(call.label) for call in calls])
        return written


@lru_cache(maxsize=1_000)
def _places(names: tuple[str, ...]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}


def _made(
    lines: Sequence[str],
    names: dict[str, Any],
    name: str,
    column: Callable[[str], str],
    call: Callable[[str], str],
) -> Any:
    """The function ``name`` of the lines, with what stands for columns and for the values of calls."""
    source = "\n".join([*lines, ""])
    source = _CALL.sub(lambda found: call(found[1]), _COLUMN.sub(lambda found: column(found[1]), source))
    exec(compile(source, "<shape>", "exec"), names)  # noqa: S102 - made of names of ours, see above
    return names[name]


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
    "Rows": Rows,
    "Fragment": orjson.Fragment,
    "absent": _absent,
    "integer": _written(GraphQLInt),
    "number": _written(GraphQLFloat),
}
_FITS: Mapping[str, tuple[str, str]] = {
    # GraphQL's integers have 32 bits, its floats are finite (GraphQL specification, 3.5.1 and 3.5.2).
    "Int": (f"type({{1}}) is int and {-(2**31)} <= {{0}} < {2**31}", "integer"),
    "Float": ("type({1}) is float and {0} - {0} == 0.0", "number"),
}
"""How it is seen that a value of a scalar is written as it is, and what writes it where it is not."""
