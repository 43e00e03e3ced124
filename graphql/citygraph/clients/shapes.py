"""What operations give and take, as Python has it: classes for objects, and types for everything else."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLSchema,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_required_input_field,
    type_from_ast,
)

from citygraph.clients.operations import Operation, condition_of, narrows

SCALARS: Mapping[str, str] = {
    "ID": "str",
    "String": "str",
    "Int": "int",
    "Float": "float",
    "Boolean": "bool",
    "Date": "Date",
    "DateTime": "DateTime",
    "Cell": "str",
    "GeoJSON": "Mapping[str, Any]",
    "WKT": "str",
    "WKB": "str",
}
"""Python's types for scalars; others may be anything."""
_OURS = frozenset({"self", "str", "int", "float", "bool", "url", "close"})
"""Names that mean something where attributes, arguments and methods are written."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A field of a class, or an argument: its name in Python and in GraphQL, and its type.

    What is ``optional`` may be left out of the answer, or of the request.
    """

    name: str
    key: str
    annotation: str
    optional: bool


@dataclass(frozen=True, slots=True)
class Class:
    """The objects at one place of an answer, or some of them, by their type."""

    name: str
    about: str
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class Union:
    """The objects at a place where several types may stand: classes by the type, and one for all others."""

    name: str
    by_type: Mapping[str, str]
    other: str


@dataclass(frozen=True, slots=True)
class Method:
    """An operation: what it takes and gives."""

    name: str
    operation: Operation
    arguments: tuple[Attribute, ...]
    result: str


@dataclass(frozen=True, slots=True)
class Input:
    """An input object, whose members have the names that GraphQL gives them."""

    name: str
    about: str
    members: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Enumeration:
    """An enum: its values by their names in Python."""

    name: str
    about: str
    values: Mapping[str, str]


Selections = list[tuple[SelectionSetNode, bool]]
"""What is asked of an object, and whether each may be left out."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A field of an answer: the nodes that ask for it, with the type that each stands in, and whether each
    may be left out."""

    nodes: list[tuple[FieldNode, GraphQLNamedType, bool]]

    @property
    def optional(self) -> bool:
        """Whether the answer may lack it."""
        return all(optional for *_, optional in self.nodes)


@dataclass(slots=True)
class Shapes:
    """The classes and types of some operations, in an order in which each names only those before it."""

    schema: GraphQLSchema
    taken: set[str]
    classes: list[Class | Union] = field(default_factory=list)
    inputs: dict[str, Input] = field(default_factory=dict)
    enums: dict[str, Enumeration] = field(default_factory=dict)
    methods: list[Method] = field(default_factory=list)

    def add(self, operations: Iterable[Operation]) -> None:
        """Add what the operations give and take."""
        for operation in operations:
            arguments, result = self._arguments(operation), _Answer(self, operation).result()
            name = _free(snake(operation.name), {one.name for one in self.methods} | _OURS)
            self.methods.append(Method(name, operation, arguments, result))

    def _arguments(self, operation: Operation) -> tuple[Attribute, ...]:
        found: list[Attribute] = []
        for one in operation.definition.variable_definitions or ():
            key, of_type = one.variable.name.value, type_from_ast(self.schema, one.type)
            optional = not isinstance(of_type, GraphQLNonNull) or one.default_value is not None
            name = _free(snake(key), {known.name for known in found} | _OURS)
            annotation = self.written(of_type, self.named(get_named_type(of_type)), "Sequence")
            annotation = (
                f"{annotation} | None" if isinstance(of_type, GraphQLNonNull) and optional else annotation
            )
            found.append(Attribute(name, key, annotation, optional))
        return tuple(found)

    def named(self, of_type: Any) -> str:
        """The name of a type that is no object, which is made where it is new."""
        if isinstance(of_type, GraphQLEnumType):
            self._enum(of_type)
            return of_type.name
        if isinstance(of_type, GraphQLInputObjectType):
            self._input(of_type)
            return of_type.name
        return SCALARS.get(of_type.name, "Any")

    def _enum(self, of_type: GraphQLEnumType) -> None:
        if of_type.name not in self.enums:
            values: dict[str, str] = {}
            for value in of_type.values:
                plain = value.lstrip("_") or "value"
                clashes = (
                    set(values) | {name for name in (plain, value) if hasattr(str, name)} | {"name", "value"}
                )
                values[_free(plain, clashes)] = value
            self.enums[of_type.name] = Enumeration(of_type.name, of_type.description or "", values)

    def _input(self, of_type: GraphQLInputObjectType) -> None:
        if of_type.name not in self.inputs:
            members: dict[str, str] = {}
            self.inputs[of_type.name] = Input(of_type.name, of_type.description or "", members)
            for name, one in of_type.fields.items():
                written = self.written(one.type, self.named(get_named_type(one.type)), "Sequence")
                members[name] = f"Required[{written}]" if is_required_input_field(one) else written

    def written(self, of_type: Any, named: str, many: str) -> str:
        """A type in Python, with ``named`` for the innermost one and ``many`` for lists."""
        if isinstance(of_type, GraphQLNonNull):
            return self._present(of_type.of_type, named, many)
        present = self._present(of_type, named, many)
        return present if present == "Any" else f"{present} | None"

    def _present(self, of_type: Any, named: str, many: str) -> str:
        if isinstance(of_type, GraphQLList):
            return f"{many}[{self.written(of_type.of_type, named, many)}]"
        return named

    def new_name(self, name: str) -> str:
        """A name for a class, or one like it where it is taken."""
        own = _free(name, self.taken)
        self.taken.add(own)
        return own


@dataclass(slots=True)
class _Answer:
    """Makes the classes of one operation's answer."""

    shapes: Shapes
    operation: Operation
    made: dict[object, str] = field(default_factory=dict)

    def result(self) -> str:
        """The name of the class of all of it."""
        root: Any = self.shapes.schema.get_root_type(self.operation.definition.operation)
        selection = [(self.operation.definition.selection_set, False)]
        return self._new_object(root, selection, pascal(self.operation.name))

    def _object(
        self,
        of_type: GraphQLNamedType,
        selections: Selections,
        name: str,
    ) -> str:
        """The name of what stands for objects: one for all of which the same selections ask."""
        fragment = self._only_fragment(of_type, selections)
        known: object = fragment or (of_type.name, *((id(one), optional) for one, optional in selections))
        if known not in self.made:
            own = name if fragment is None else pascal(self.operation.name) + pascal(fragment)
            self.made[known] = self._new_object(of_type, selections, own)
        return self.made[known]

    def _only_fragment(
        self,
        of_type: GraphQLNamedType,
        selections: Selections,
    ) -> str | None:
        """The fragment for the type that is all that is asked for."""
        nodes = [node for selection, _ in selections for node in selection.selections]
        if len(nodes) != 1 or not isinstance(nodes[0], FragmentSpreadNode) or nodes[0].directives:
            return None
        condition = condition_of(nodes[0], self.operation.fragments)
        return nodes[0].name.value if condition == of_type.name else None

    def _new_object(
        self,
        of_type: GraphQLNamedType,
        selections: Selections,
        name: str,
    ) -> str:
        if not is_abstract_type(of_type):
            return self._class(of_type, frozenset({of_type.name}), selections, name, "")
        conditions = set(self._conditions(of_type, selections))
        groups: dict[frozenset[str], list[str]] = {frozenset(): []}
        for possible in self.shapes.schema.get_possible_types(of_type):
            met = frozenset(one for one in conditions if not narrows(self.shapes.schema, possible, one))
            groups.setdefault(met, []).append(possible.name)
        if len(groups) == 1:
            return self._class(of_type, frozenset(), selections, name, "")
        union = self.shapes.new_name(name)
        names = {
            met: self._class(of_type, met, selections, name, "".join(sorted(met)) or "Other")
            for met in groups
        }
        by_type = {one: names[met] for met, types in groups.items() if met for one in types}
        self.shapes.classes.append(Union(union, by_type, names[frozenset()]))
        return union

    def _class(
        self,
        of_type: GraphQLNamedType,
        met: frozenset[str],
        selections: Selections,
        name: str,
        variant: str,
    ) -> str:
        """The class of objects that meet these conditions of fragments, beside those of the type itself."""
        own = self.shapes.new_name(name + variant)
        asked: dict[str, _Asked] = {}
        for selection, optional in selections:
            for key, node in self._fields(of_type, of_type, met, selection, optional):
                asked.setdefault(key, _Asked([])).nodes.append(node)
        attributes: list[Attribute] = []
        for key, one in asked.items():
            annotation = self._field(one, name + pascal(key))
            attribute = _free(snake(key), {known.name for known in attributes} | _OURS)
            attributes.append(Attribute(attribute, key, annotation, one.optional))
        self.shapes.classes.append(Class(own, of_type.description or "", tuple(attributes)))
        return own

    def _fields(
        self,
        whole: GraphQLNamedType,
        parent: GraphQLNamedType,
        met: frozenset[str],
        selection: SelectionSetNode,
        optional: bool,
    ) -> Iterator[tuple[str, tuple[FieldNode, GraphQLNamedType, bool]]]:
        """The fields that a selection asks of objects of the type ``whole`` that meet conditions."""
        for node in selection.selections:
            may_lack = optional or bool(node.directives)
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                yield key, (node, parent, may_lack)
                continue
            condition = condition_of(node, self.operation.fragments)
            if condition is None or condition in met or not narrows(self.shapes.schema, whole, condition):
                inner: Any = parent if condition is None else self.shapes.schema.get_type(condition)
                inside = self._inside(node)
                yield from self._fields(whole, inner, met, inside, may_lack)

    def _conditions(
        self,
        of_type: GraphQLNamedType,
        selections: Selections,
    ) -> Iterator[str]:
        """The types that fragments are for, where that is not every type of those possible."""
        for selection, optional in selections:
            for node in selection.selections:
                if isinstance(node, FieldNode):
                    continue
                condition = condition_of(node, self.operation.fragments)
                if condition is not None and narrows(self.shapes.schema, of_type, condition):
                    yield condition
                yield from self._conditions(of_type, [(self._inside(node), optional)])

    def _field(self, asked: _Asked, name: str) -> str:
        """The type of a field's value."""
        first, parent, _ = asked.nodes[0]
        if first.name.value == "__typename":
            return "str"
        fields: Any = parent
        of_type = fields.fields[first.name.value].type
        inner = get_named_type(of_type)
        # A field that is there by another of its nodes lacks what this one asks of it.
        several = len(asked.nodes) > 1
        selections = [
            (node.selection_set, optional and several)
            for node, _, optional in asked.nodes
            if node.selection_set
        ]
        named = self._object(inner, selections, name) if selections else self.shapes.named(inner)
        return self.shapes.written(of_type, named, "list")

    def _inside(self, node: Any) -> SelectionSetNode:
        """What a fragment asks for."""
        spread = isinstance(node, FragmentSpreadNode)
        selection: SelectionSetNode = (
            self.operation.fragments[node.name.value].selection_set if spread else node.selection_set
        )
        return selection


def snake(name: str) -> str:
    """``sourceKey`` as ``source_key``, without underscores before it."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return parted.lower().lstrip("_") or "field"


def pascal(name: str) -> str:
    """``source_key`` and ``sourceKey`` as ``SourceKey``."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def _free(name: str, taken: Iterable[str]) -> str:
    """The name, or what is like it where it is taken or means something in Python."""
    while name in taken or keyword.iskeyword(name) or not name.isidentifier():
        name = f"_{name}" if name[:1].isdigit() else f"{name}_"
    return name
