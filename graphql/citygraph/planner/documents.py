"""Documents that were read once: parsed, checked against the schema and measured."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    ValueNode,
    VariableNode,
    Visitor,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.execution.collect_fields import FragmentDetails

from citygraph.few import Few
from citygraph.limits import MAX_TOKENS, DocumentLimits
from citygraph.planner.variables import Variables
from twin.telemetry.records import Found, Operation

CHARACTERS = 200_000
"""How long all documents together are that are remembered: what is made of them takes some thousand times as
much memory, at most."""
LONGEST = CHARACTERS // 10
"""Characters of a document that is planned; longer ones are the executor's."""
_LEAST = 200
PLANS = 4
"""Plans of a document, which differ in what its directives leave out."""


@dataclass(frozen=True)
class Document:
    """One operation of a document, a query, with the document's fragments and the variables that it takes.

    ``plans`` are made of it.
    """

    schema: GraphQLSchema
    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    plans: Few[Any, Any] = field(default_factory=lambda: Few(PLANS))

    @cached_property
    def name(self) -> str | None:
        """The operation's name."""
        return None if self.operation.name is None else self.operation.name.value

    @cached_property
    def variables(self) -> Variables:
        """The variables that it takes."""
        return Variables(self.schema, self.operation)

    @cached_property
    def type(self) -> str:
        """What kind of operation it is."""
        return self.operation.operation.value

    @cached_property
    def details(self) -> dict[str, FragmentDetails]:
        """The fragments as graphql-core's collecting of fields takes them."""
        return {name: FragmentDetails(fragment) for name, fragment in self.fragments.items()}

    @cached_property
    def switches(self) -> tuple[str, ...]:
        """The variables that say which parts of the document count: those of its directives."""
        found = _Variables()
        for node in (self.operation, *self.fragments.values()):
            visit(node, found)
        return tuple(sorted(found.in_directives))

    def variables_within(self, nodes: Iterable[FieldNode]) -> tuple[str, ...]:
        """The variables that are arguments of fields below the nodes."""
        found, spread = _Variables(), set[str]()
        waiting: list[Any] = [node.selection_set for node in nodes if node.selection_set]
        while waiting:
            visit(waiting.pop(), found)
            waiting += [self.fragments[name] for name in found.spread - spread]
            spread |= found.spread
        return tuple(sorted(found.in_arguments))


def variables_of(value: ValueNode) -> set[str]:
    """The variables within a value."""
    found = _Variables()
    visit(value, found)
    return found.in_arguments


class Documents:
    """The documents that were asked lately, by their text and the name of the operation."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._known: OrderedDict[tuple[str, str | None], Document | None] = OrderedDict()
        self._characters = 0

    def read(self, text: str, name: str | None, observed: Operation | None = None) -> Document | None:
        """The operation ``name`` of a document, or its only one; None where it is not for the planner."""
        asked = text, name
        found, was = self._known.get(asked, _UNKNOWN), _REMEMBERED
        if isinstance(found, _Unknown):
            if _weight(asked) > LONGEST:
                return None
            found, was = self._read(text, name), _MADE
            self._remember(asked, found)
        else:
            self._known.move_to_end(asked)
        if observed is not None and found is not None:
            observed.read(found.type, found.name, was)
        return found

    def known(self) -> list[Document | None]:
        """What is remembered now."""
        return list(self._known.values())

    def _remember(self, asked: tuple[str, str | None], found: Document | None) -> None:
        """Keep a document, and of the others those asked last."""
        self._known[asked] = found
        self._characters += _weight(asked)
        while self._characters > CHARACTERS:
            oldest, _ = self._known.popitem(last=False)
            self._characters -= _weight(oldest)

    def _read(self, text: str, name: str | None) -> Document | None:
        try:
            parsed = parse(text, max_tokens=MAX_TOKENS)
        except GraphQLError:
            return None
        if validate(self._schema, parsed, [*specified_rules, DocumentLimits]):
            return None
        operations = [one for one in parsed.definitions if isinstance(one, OperationDefinitionNode)]
        named = [one for one in operations if name is None or (one.name and one.name.value == name)]
        if len(named) != 1 or named[0].operation is not OperationType.QUERY:
            return None
        fragments = [one for one in parsed.definitions if isinstance(one, FragmentDefinitionNode)]
        return Document(self._schema, named[0], {one.name.value: one for one in fragments})


class _Unknown:
    """Stands for a document that is not remembered."""


_UNKNOWN = _Unknown()
_REMEMBERED: Found = "remembered"
_MADE: Found = "made"


def _weight(asked: tuple[str, str | None]) -> int:
    """Characters that remembering a document counts as, those of its name too; the shortest count as some."""
    text, name = asked
    return len(text) + len(name or "") + _LEAST


class _Variables(Visitor):
    """Finds variables, by where they stand, and the fragments that are spread."""

    def __init__(self) -> None:
        super().__init__()
        self.in_directives: set[str] = set()
        self.in_arguments: set[str] = set()
        self.spread: set[str] = set()
        self._directives = 0

    def enter_directive(self, _node: DirectiveNode, *_: Any) -> None:
        self._directives += 1

    def leave_directive(self, _node: DirectiveNode, *_: Any) -> None:
        self._directives -= 1

    def enter_variable_definition(self, *_: Any) -> Any:
        return self.SKIP

    def enter_fragment_spread(self, node: Any, *_: Any) -> None:
        self.spread.add(node.name.value)

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        (self.in_directives if self._directives else self.in_arguments).add(node.name.value)
