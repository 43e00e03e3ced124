"""Plans: an operation's fields of Query, each asked by its own resolver, and the shapes of what they give."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    located_error,
)
from graphql.execution.collect_fields import collect_fields
from graphql.execution.values import VariableValues
from graphql.pyutils import Path

from citygraph.context import Context
from citygraph.errors import codes, stable
from citygraph.few import Few
from citygraph.planner.arguments import Arguments
from citygraph.planner.documents import Document, Documents, variables_of
from citygraph.planner.shapes import (
    Answering,
    Call,
    Details,
    Irregular,
    NoShape,
    Shape,
    Shaper,
    described_by,
)
from citygraph.selection import Reader
from twin.registry.query.remembered import Memory
from twin.registry.query.selection import Asked
from twin.telemetry.records import Found, Operation, operating

_WITHIN = 4
"""Sets of arguments within a field for which is remembered what they ask."""
_LONGEST_KEY = 2_000
"""Bytes of such arguments that are remembered."""


class Planner:
    """Answers documents by plans."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._documents = Documents(schema)

    async def answer(
        self,
        context: Context,
        text: str,
        variables: Mapping[str, Any] | None = None,
        operation: str | None = None,
    ) -> Answer | None:
        """The answer to a document; None where the executor has to give it.

        That is so for what is no sound query of the schema, for introspection, for variables that do not fit,
        and for recorded values that do not fit their types.
        """
        with operating(text) as observed:
            planned = self._planned(text, variables, operation, observed)
            found = None if planned is None else await planned[0].answer(context, planned[1])
            if observed is not None and found is not None:
                observed.answered("planner", codes(found.errors) if found.errors else ())
            return found

    def _planned(
        self,
        text: str,
        variables: Mapping[str, Any] | None,
        operation: str | None,
        observed: Operation | None,
    ) -> tuple[Plan, VariableValues] | None:
        document = self._documents.read(text, operation, observed)
        if document is None:
            return None
        values = document.variables.values(variables or {})
        if values is None:
            return None
        plan = self._plan(document, values, observed)
        return None if plan is None else (plan, values)

    def remembered(self) -> Remembered:
        """How much is remembered now."""
        known = self._documents.known()
        return Remembered(len(known), sum(len(one.plans) for one in known if one is not None))

    def _plan(self, document: Document, values: VariableValues, observed: Operation | None) -> Plan | None:
        """The plan for what the variables leave of the document; None where it is not worth one."""
        switches = document.switches
        switched = tuple(map(values.coerced.get, switches)) if switches else ()
        was: Found = "remembered"
        try:
            found: Plan | None = document.plans[switched]
        except KeyError:
            found, was = _planned(self._schema, document, values), "made"
            document.plans.keep(switched, found)
        if observed is not None and found is not None:
            observed.has_plan(was)
        return found


@dataclass(frozen=True, slots=True)
class Remembered:
    """How many documents a planner remembers, and how many plans for them."""

    documents: int
    plans: int


@dataclass(slots=True)
class Request:
    """One answer being made: what resolvers work with, the variables, and what went wrong so far."""

    context: Context
    values: VariableValues
    errors: list[GraphQLError] = field(default_factory=list)

    def answer(self, data: dict[str, Any] | None, *failed: GraphQLError) -> Answer:
        """The answer, and what went wrong."""
        errors = [stable(error) for error in (*self.errors, *failed)]
        return Answer(data, errors, self.context.extensions)


@dataclass(slots=True)
class Answer:
    """What a document is answered with: ``data`` as JSON has it, errors with their codes, extensions."""

    data: dict[str, Any] | None
    errors: list[GraphQLError]
    extensions: Mapping[str, Any]

    def json(self) -> bytes:
        """The answer as it is sent."""
        answer: dict[str, Any] = {"data": self.data}
        if self.errors:
            answer["errors"] = [error.formatted for error in self.errors]
        if self.extensions:
            answer["extensions"] = self.extensions
        return orjson.dumps(answer)


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of an operation, in the order of the answer."""

    steps: tuple[Step | Typename, ...]

    async def answer(self, context: Context, values: VariableValues) -> Answer | None:
        """The answer; None where a value does not fit its type."""
        request = Request(context, values)
        try:
            data = await _together(self.steps, request)
        except _Failed as failed:
            return request.answer(None, failed.error)
        except Irregular:
            return None
        return request.answer(data)


async def _together(steps: Sequence[Step | Typename], request: Request) -> dict[str, Any]:
    """What the steps give, by their keys. Raises ``_Failed`` where one that may not be null fails."""
    if len(steps) == 1:
        return {steps[0].key: await steps[0].run(request)}
    if sum(isinstance(step, Step) for step in steps) > 1:
        request.context.pipeline()
    running = [asyncio.ensure_future(step.run(request)) for step in steps]
    try:
        found = await asyncio.gather(*running)
    except BaseException:
        for one in running:
            one.cancel()
        await asyncio.wait(running)
        raise
    return {step.key: value for step, value in zip(steps, found, strict=True)}


class _Failed(Exception):
    """A field that may not be null has failed, and with it what holds it."""

    def __init__(self, error: GraphQLError) -> None:
        super().__init__()
        self.error = error


@dataclass(frozen=True, slots=True)
class Typename:
    """The name of the type whose fields are asked for."""

    key: str
    name: str

    async def run(self, _request: Request) -> str:
        """The name."""
        return self.name


@dataclass(frozen=True, slots=True)
class Resolver:
    """A field's resolver, and what it calls the field's arguments."""

    function: Callable[..., Any]
    names: Mapping[str, str]
    takes_info: bool
    is_async: bool

    @classmethod
    def of(cls, definition: GraphQLField) -> Resolver:
        """The resolver that the schema has for a field. Raises ``LookupError`` where it has none."""
        described = described_by(definition)
        named = zip(definition.args, described.arguments, strict=True)
        names = {name: argument.python_name for name, argument in named}
        base = described.base_resolver
        if base is None:
            raise LookupError(described.name)
        function: Any = base.wrapped_func
        return cls(function, names, base.info_parameter is not None, base.is_async)

    def call(self, info: Info, arguments: Mapping[str, Any]) -> Any:
        """What it gives for the arguments, which are named as its own; to be awaited if it ``is_async``."""
        return self.function(info, **arguments) if self.takes_info else self.function(**arguments)


@dataclass(frozen=True, slots=True)
class Step:
    """A field that is asked for by its resolver.

    Its value gets its ``shape``; or it is an object whose fields are asked for by ``steps`` of their own.
    ``varying`` are the variables by which differs what is asked of it, and ``asked`` is what they have asked.
    """

    schema: GraphQLSchema
    document: Document
    key: str
    path: Path
    details: Details
    definition: GraphQLField
    shape: Shape | None
    answerings: Sequence[Callable[[VariableValues], Answering]]
    steps: tuple[Step | Typename, ...]
    varying: tuple[str, ...]
    resolver: Resolver
    arguments: Arguments
    asked: Few[bytes, Within] = field(default_factory=lambda: Few(_WITHIN))

    async def run(self, request: Request) -> Any:
        """The field's part of the answer; what goes wrong is noted. Raises ``_Failed`` or ``Irregular``."""
        try:
            return await self._value(request)
        except Irregular:
            raise
        except _Failed as failed:
            error = failed.error
        except Exception as problem:  # noqa: BLE001 - told in the answer, and by its number in the log
            error = located_error(problem, [one.node for one in self.details], self.path.as_list())
        if isinstance(self.definition.type, GraphQLNonNull):
            raise _Failed(error)
        request.errors.append(error)
        return None

    async def _value(self, request: Request) -> Any:
        value = self.resolver.call(Info(self, request), self.arguments.values(request.values))
        if self.resolver.is_async:
            value = await value
        if self.steps:
            return await _together(self.steps, request)
        if self.shape is None:
            raise Irregular
        try:
            return self.shape(value, [answering(request.values) for answering in self.answerings])
        except Exception as problem:
            raise Irregular from problem

    def within(self, values: VariableValues) -> Within:
        """What is asked of its value. Raises ``GraphQLError`` where an argument in it is wrong."""
        given = values.coerced
        key = (
            orjson.dumps([(name in given, given.get(name)) for name in self.varying]) if self.varying else b""
        )
        known = self.asked.get(key)
        if known is not None:
            return known
        reader = Reader(self.schema, self.document.fragments, values)
        found = Within(reader.asked([one.node for one in self.details], self.definition.type))
        if len(key) <= _LONGEST_KEY:
            self.asked.keep(key, found)
        return found


@dataclass(frozen=True, slots=True)
class Within:
    """What is asked of a field's value, and the statements that were made for that."""

    asked: tuple[Asked, ...]
    memory: Memory[Any] = field(default_factory=Memory)


class Info:
    """What a resolver is told of its field, under the names that graphql-core gives it."""

    __slots__ = ("_within", "request", "step")

    def __init__(self, step: Step, request: Request) -> None:
        self.step, self.request = step, request
        self._within: Within | None = None

    @property
    def context(self) -> Context:
        """What the resolver works with."""
        return self.request.context

    @property
    def _raw_info(self) -> Info:
        """Itself, for resolvers to which Strawberry has not wrapped it."""
        return self

    @property
    def path(self) -> Path:
        """Where in the answer its value stands."""
        return self.step.path

    @property
    def within(self) -> Within:
        """What is asked of its value."""
        if self._within is None:
            self._within = self.step.within(self.request.values)
        return self._within

    @property
    def asked(self) -> tuple[Asked, ...]:
        """The same, as ``citygraph.selection`` has it."""
        return self.within.asked

    @property
    def memory(self) -> Memory[Any]:
        """The statements of before."""
        return self.within.memory


def _planned(schema: GraphQLSchema, document: Document, values: VariableValues) -> Plan | None:
    query = schema.query_type
    if query is None:
        return None
    try:
        found = collect_fields(schema, document.details, values, query, document.operation)
        names = {details[0].node.name.value for details in found.grouped_field_set.values()}
        if names & {"__schema", "__type"}:
            return None
        make = _Steps(schema, document, values)
        return Plan(make.of(query, found.grouped_field_set, None))
    except (GraphQLError, NoShape):  # a directive's variable that is null is told by the executor
        return None


@dataclass(frozen=True, slots=True)
class _Steps:
    """Makes the steps of an operation."""

    schema: GraphQLSchema
    document: Document
    values: VariableValues

    def of(
        self, parent: GraphQLObjectType, asked_for: Mapping[str, Details], before: Path | None
    ) -> tuple[Step | Typename, ...]:
        """The steps of an object's fields."""
        return tuple(
            self._step(parent, Path(before, key, parent.name), one) for key, one in asked_for.items()
        )

    def _step(self, parent: GraphQLObjectType, path: Path, details: Details) -> Step | Typename:
        key, name = str(path.key), details[0].node.name.value
        if name == "__typename":
            return Typename(key, parent.name)
        definition = parent.fields[name]
        shaper = Shaper(self.schema, self.document, self.values)
        asking = _object_that_asks(definition.type)
        steps = () if asking is None else self.of(asking, shaper.subfields(asking, details), path)
        shape = shaper.shape(definition.type, details) if asking is None else None
        resolver = Resolver.of(definition)
        return Step(
            schema=self.schema,
            document=self.document,
            key=key,
            path=path,
            details=details,
            definition=definition,
            shape=shape,
            answerings=[self._answering(call) for call in shaper.calls],
            steps=steps,
            varying=self.document.variables_within(one.node for one in details),
            resolver=resolver,
            arguments=Arguments(definition, details[0].node, resolver.names),
        )

    def _answering(self, call: Call) -> Callable[[VariableValues], Answering]:
        """What answers a call, which is the same whatever the variables are where it has none."""
        if not any(variables_of(argument.value) for argument in call.node.arguments or ()):
            with suppress(Exception):  # which is told whenever it is asked for
                same = call.answering(self.values)
                return lambda _: same
        return call.answering


def _object_that_asks(of_type: Any) -> GraphQLObjectType | None:
    """The object, not null, whose fields ask the database themselves."""
    inner = of_type.of_type if isinstance(of_type, GraphQLNonNull) else None
    if isinstance(inner, GraphQLObjectType):
        fields = (described_by(one).base_resolver for one in inner.fields.values())
        if any(one is not None and one.is_async for one in fields):
            return inner
    return None
