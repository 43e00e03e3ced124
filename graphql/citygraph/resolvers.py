"""The resolvers of Query: each makes a question of its arguments and of what is asked, and asks it.

One question is one statement; only codes that are not all borne now need a second one, for the successors of
merged and split assets. The types of arguments and results are given where the fields are made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from strawberry import Info

from citygraph.connections import Connection
from citygraph.context import Context
from citygraph.selection import asked_of
from twin import identity
from twin.identity import ParsedCode
from twin.identity.errors import CodeCheckDigit, CodeMalformed, CodeUnhyphenated
from twin.kinds import all_kinds
from twin.kinds.model import Kind
from twin.registry.query import counts, read, registry
from twin.registry.query import loads as some_loads
from twin.registry.query.errors import AskedTwice, PageOfCodes
from twin.registry.query.inputs import Given
from twin.registry.query.loads import LoadsWanted
from twin.registry.query.names import camel, constant
from twin.registry.query.pages import Page, PageWanted, Part, page
from twin.registry.query.remembered import Memory
from twin.registry.query.selection import asks_for, node_fields
from twin.registry.query.sql import Question, posed_again

Resolver = Callable[..., Awaitable[Any]]
Where = Mapping[str, Any]
Answer = TypeVar("Answer")


def answer(info: Info[Context], arguments: Where, make: Callable[[], Question[Answer]]) -> Awaitable[Answer]:
    """The answer to the question that is made of the arguments; a planned field remembers how it was made."""
    memory: Memory[Question[Answer]] | None = getattr(info._raw_info, "memory", None)
    if memory is None:
        return info.context.ask(make())
    return info.context.send(posed_again(memory, arguments, make))


async def asset(info: Info[Context], code: str | None = None, identifier: Where | None = None) -> Any:
    """One asset, by any written form of its code or by an identifier."""
    fields = asked_of(info)
    if (code is None) == (identifier is None):
        raise AskedTwice
    if code is None:
        given = Given(identifier, "identifier")
        return await answer(info, {"identifier": identifier}, lambda: read.by_identifier(given, fields))
    readings = _readings(Given(code, "code"))
    arguments = {"readings": readings, "where": None}
    found = await answer(info, arguments, lambda: read.by_codes(readings, fields))
    if found:
        return next(iter(found.values()))
    later = await info.context.ask(read.successors(readings, fields))
    return read.the_successor(code, later)


async def assets(
    info: Info[Context],
    *,
    codes: Sequence[str] | None = None,
    where: Where | None = None,
    order_by: str | None = None,
    first: int | None = None,
    after: str | None = None,
) -> Any:
    """Assets by their codes, in the order asked; else a page of those that a filter selects."""
    if codes is None:
        return await _page(info, PageWanted(where, None, order_by, first, after))
    if not (order_by is None and first is None and after is None):
        raise PageOfCodes
    return Connection(await _by_codes(info, Given(codes, "codes"), where))


def assets_of(kind: Kind) -> Resolver:
    """The resolver of the field that lists assets of one kind."""

    async def of_kind(
        info: Info[Context],
        where: Where | None = None,
        order_by: str | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Any:
        return await _page(info, PageWanted(where, kind, order_by, first, after))

    return of_kind


async def _page(info: Info[Context], wanted: PageWanted) -> Any:
    most = Given(info.context.max_page, "most")

    def made() -> Question[Page]:
        asked = asked_of(info)
        total = asks_for(asked, "totalCount")
        rows = not total or asks_for(asked, "edges", "nodes", "pageInfo")
        whole = replace(wanted, fields=node_fields(asked), rows=rows, total=total)
        return page(whole, most.integer())

    arguments = {
        "where": wanted.where,
        "orderBy": wanted.order_by,
        "first": wanted.first,
        "after": wanted.after,
        "most": most.raw,
    }
    return Connection(await answer(info, arguments, made))


async def _by_codes(info: Info[Context], given: Given, where: Where | None) -> Page:
    """The assets of ``codes`` in their order; a split asset's code stands for all of its successors."""
    fields = node_fields(asked_of(info))
    readings = [_readings(item) for item in given.items(info.context.max_page)]
    every = [parsed for parses in readings for parsed in parses]
    arguments = {"readings": every, "where": where}
    found = await answer(info, arguments, lambda: read.by_codes(every, fields, where=where))
    missing = [p for parses in readings if not _any_in(found, parses) for p in parses]
    later = await info.context.ask(read.successors(missing, fields, where=where)) if missing else {}
    rows = [
        row
        for parses in readings
        for row in [found[p.canonical] for p in parses if p.canonical in found]
        or [row for p in parses for row in later.get(p.canonical, [])]
    ]
    return Page(rows, Part(len(rows), False, lambda row: str(row["code"])), len(rows))


def _readings(given: Given) -> list[ParsedCode]:
    """What a code says. The errors of ``twin.identity.read_code`` get the path to it."""
    try:
        return identity.read_code(given.text())
    except (CodeCheckDigit, CodeMalformed, CodeUnhyphenated) as error:
        raise type(error)(**error.details, path=given.path) from None


def _any_in(found: Mapping[str, Any], parses: Sequence[ParsedCode]) -> bool:
    return any(parsed.canonical in found for parsed in parses)


async def nearest(
    info: Info[Context], position: Where, first: int | None = None, where: Where | None = None
) -> Any:
    """The assets nearest to a position, with their distances."""
    fields = tuple(inner for one in asked_of(info) if one.name == "asset" for inner in one.fields)
    found = await answer(
        info,
        {"position": position, "first": first, "where": where},
        lambda: read.nearest(Given(position, "position"), Given(first, "first"), where, fields),
    )
    return [{"distance": near.distance, "asset": near.asset} for near in found]


async def cells(info: Info[Context], resolution: int, where: Where | None = None) -> Any:
    """How many assets each cell holds."""
    sums, given = asks_for(asked_of(info), "sums"), Given(resolution, "resolution")
    arguments = {"where": where, "resolution": resolution}
    found = await answer(info, arguments, lambda: counts.cells(where, given, sums=sums))
    return _counted(info, found, "cell")


async def groups(info: Info[Context], by: str, where: Where | None = None) -> Any:
    """How many assets share a value."""
    sums = asks_for(asked_of(info), "sums")
    arguments = {"where": where, "by": by}
    found = await answer(info, arguments, lambda: counts.groups(where, Given(by, "by"), sums=sums))
    return _counted(info, found, "key")


def _counted(info: Info[Context], found: counts.Counts, key: str) -> list[dict[str, Any]]:
    info.context.told("countedBy", info.path, found.by)
    if not found.sums:
        return [{key: row["key"], "count": row["count"], "sums": ()} for row in found.rows]
    return [{key: one.key, "count": one.count, "sums": list(map(_total, one.totals))} for one in found.all]


def _total(total: counts.Total) -> dict[str, Any]:
    words = {name: getattr(total.sum, name) for name in ("name", "unit", "en", "zh")}
    return {"kind": constant(total.kind.name), "value": total.value, **words}


async def division(info: Info[Context], code: str) -> Any:
    """One recorded division."""
    return await info.context.ask(registry.one_division(Given(code, "code"), asked_of(info)))


async def divisions(
    info: Info[Context],
    level: int | None = None,
    parent: str | None = None,
    first: int | None = None,
    after: str | None = None,
) -> Any:
    """Recorded divisions, in the order of their codes."""
    question = registry.divisions(
        Given(level, "level"),
        Given(parent, "parent"),
        Given(first, "first"),
        Given(after, "after"),
        asked_of(info),
    )
    return await info.context.ask(question)


async def home(info: Info[Context]) -> Any:
    """The registry's home division."""
    return await info.context.ask(registry.home(asked_of(info)))


async def datasets(info: Info[Context]) -> Any:
    """Every data set."""
    return await info.context.ask(registry.datasets())


async def extent(info: Info[Context]) -> Any:
    """The box around every asset."""
    return await info.context.ask(registry.extent())


async def registry_itself() -> Any:
    """The registry: its fields ask for themselves."""
    return {}


async def kinds() -> Any:
    """The kinds that there are: nothing is asked of the database."""
    return [
        {
            "kind": constant(kind.name),
            "en": kind.en,
            "zh": kind.zh,
            "field": camel(kind.plural),
            "geometry": list(kind.geometry),
            "attributes": [
                {
                    **{name: getattr(attribute, name) for name in _ATTRIBUTE_FACTS},
                    "field": camel(attribute.name),
                    "choices": [{"value": c.value, "en": c.en, "zh": c.zh} for c in attribute.choices],
                }
                for attribute in kind.attributes
            ],
        }
        for kind in all_kinds().values()
    ]


_ATTRIBUTE_FACTS = ("name", "type", "unit", "en", "zh", "source", "indexed")


async def load(info: Info[Context], number: int) -> Any:
    """One load."""
    return await info.context.ask(some_loads.one_load(Given(number, "id"), asked_of(info)))


async def loads(
    info: Info[Context],
    *,
    dataset: str | None = None,
    kind: str | None = None,
    first: int | None = None,
    after: str | None = None,
) -> Any:
    """A page of loads, newest first."""
    asked = asked_of(info)
    wanted = LoadsWanted(dataset, kind, first, after)
    found = await info.context.ask(some_loads.loads(wanted, node_fields(asked), info.context.max_page))
    if asks_for(asked, "totalCount"):
        found = replace(found, total=await info.context.ask(some_loads.count(wanted)))
    return Connection(found)
