"""Statements that are made once: used again where they fit, and never where they do not."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import literal, select

from twin.errors import TwinError
from twin.registry.query import counts, read, remembered
from twin.registry.query.errors import CursorMismatch
from twin.registry.query.inputs import Given
from twin.registry.query.ordering import DEFAULT, Order, where_hash, write_cursor
from twin.registry.query.pages import PageWanted, page
from twin.registry.query.remembered import MOST, Memory
from twin.registry.query.selection import asked
from twin.registry.query.sql import Posed, Question, posed, posed_again

Arguments = dict[str, Any]
Make = Callable[[Arguments], Question[Any]]

BOX = [121.0, 31.0, 122.0, 32.0]
SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
CURSOR = write_cursor(Order(DEFAULT, None), where_hash([None, None]), None, "310115-0118-000042-7")
OTHER = write_cursor(Order(DEFAULT, None), where_hash([None, None]), None, "310115-0118-000043-5")


def of_page(arguments: Arguments) -> Question[Any]:
    wanted = PageWanted(
        arguments.get("where"),
        None,
        arguments.get("orderBy"),
        arguments.get("first"),
        arguments.get("after"),
        asked("name"),
    )
    return page(wanted, 1_000)


def of_nearest(arguments: Arguments) -> Question[Any]:
    position = Given(arguments["position"], "position")
    return read.nearest(
        position, Given(arguments.get("first"), "first"), arguments.get("where"), asked("name")
    )


def of_identifier(arguments: Arguments) -> Question[Any]:
    return read.by_identifier(Given(arguments["identifier"], "identifier"), asked("name"))


def of_cells(arguments: Arguments) -> Question[Any]:
    return counts.cells(arguments.get("where"), Given(arguments["resolution"], "resolution"))


def filtered(where: Any, **more: Any) -> Arguments:
    return {"where": where, "orderBy": None, "first": None, "after": None, **more}


# What is asked first and then, and whether the statement of the first can be used again.
PAIRS: list[tuple[Make, Arguments, Arguments, bool]] = [
    (of_page, filtered(None), filtered(None), True),
    (of_page, filtered(None), filtered({}), False),
    (of_page, filtered(None, first=5), filtered(None, first=6), False),
    (of_page, filtered(None, after=CURSOR), filtered(None, after=OTHER), True),
    (of_page, filtered(None), filtered(None, after=CURSOR), False),
    (of_page, filtered({"bbox": BOX}), filtered({"bbox": [1.0, 2.0, 3.0, 4.0]}), True),
    (of_page, filtered({"bbox": BOX}), filtered({"bbox": [1, 2, 3, 4]}), True),
    (of_page, filtered({"bbox": BOX}), filtered({"bbox": [170.0, 2.0, -170.0, 4.0]}), False),
    (of_page, filtered({"within": SQUARE}), filtered({"intersects": SQUARE}), False),
    (of_page, filtered({"division": "310115"}), filtered({"division": "310101"}), True),
    (of_page, filtered({"status": ["PLANNED"]}), filtered({"status": ["RETIRED", "PLANNED"]}), True),
    (of_page, filtered({"kinds": ["BUILDING"]}), filtered({"kinds": ["ELEVATOR"]}), False),
    (of_page, filtered({"text": "灯杆"}), filtered({"text": "南京"}), False),
    (
        of_page,
        filtered({"streetlight": {"power": {"gte": 1.5}}}),
        filtered({"streetlight": {"power": {"gte": 20}}}),
        True,
    ),
    (
        of_page,
        filtered({"streetlight": {"power": {"gte": 1.5}}}),
        filtered({"streetlight": {"power": {"lte": 1.5}}}),
        False,
    ),
    (
        of_page,
        filtered({"or": [{"division": "1"}, {"datasets": ["a"]}]}),
        filtered({"or": [{"division": "2"}, {"datasets": ["b", "c"]}]}),
        True,
    ),
    (of_page, filtered({"not": {"division": "1"}}), filtered({"and": [{"division": "1"}]}), False),
    (
        of_page,
        filtered({"near": {"position": {"lon": 1, "lat": 2}, "metres": 5}}),
        filtered({"near": {"position": {"lon": 3.5, "lat": 4}, "metres": 6.5}}),
        True,
    ),
    (
        of_nearest,
        {"position": {"lon": 1, "lat": 2}, "first": 3, "where": None},
        {"position": {"lon": 121.5, "lat": 31}, "first": 3, "where": None},
        True,
    ),
    (
        of_identifier,
        {"identifier": {"value": "P1"}},
        {"identifier": {"value": "P2"}},
        True,
    ),
    (
        of_identifier,
        {"identifier": {"value": "P1"}},
        {"identifier": {"value": "P2", "scheme": "vin"}},
        False,
    ),
    (of_cells, {"where": None, "resolution": 7}, {"where": None, "resolution": 8}, False),
    (of_cells, {"where": {"bbox": BOX}, "resolution": 7}, {"where": {"bbox": BOX}, "resolution": 7}, True),
]


def in_order(question: Posed[Any]) -> tuple[str, list[Any]]:
    """A statement with its parameters where they stand, whatever they are called."""
    names = re.findall(r"%\((\w+)\)s", question.text)
    return re.sub(r"%\(\w+\)s", "$", question.text), [question.parameters[name] for name in names]


@pytest.mark.parametrize(("make", "first", "then", "fits"), PAIRS)
def test_a_statement_is_used_again_where_it_fits(
    make: Make, first: Arguments, then: Arguments, *, fits: bool
) -> None:
    memory: Memory[Question[Any]] = Memory()
    made = []

    def making(arguments: Arguments) -> Posed[Any]:
        def make_() -> Question[Any]:
            made.append(arguments)
            return make(arguments)

        return posed_again(memory, arguments, make_)

    assert in_order(making(first)) == in_order(posed(make(first)))
    assert in_order(making(then)) == in_order(posed(make(then)))
    assert made == ([first] if fits else [first, then])
    assert in_order(making(first)) == in_order(posed(make(first)))


def test_what_is_wrong_with_later_arguments_is_told() -> None:
    memory: Memory[Question[Any]] = Memory()
    posed_again(memory, filtered(None, after=CURSOR), lambda: of_page(filtered(None, after=CURSOR)))
    for wrong, code in (
        (filtered({"division": "1"}, after=CURSOR), CursorMismatch.code),
        (filtered({"bbox": [1, 2]}), "input.type"),
        (filtered(None, first=-1), "page.size"),
    ):
        with pytest.raises(TwinError) as caught:
            posed_again(memory, wrong, lambda wrong=wrong: of_page(wrong))  # type: ignore[misc]
        assert caught.value.code == code


def test_what_the_statement_does_without_is_read_too() -> None:
    memory: Memory[Question[Any]] = Memory()
    for shape, code in ((SQUARE, None), ({**SQUARE, "coordinates": []}, "input.geometry")):
        arguments = filtered({"kinds": [], "within": shape})

        def make(arguments: Arguments = arguments) -> Question[Any]:
            return of_page(arguments)

        if code is None:
            posed_again(memory, arguments, make)
            continue
        with pytest.raises(TwinError) as caught:
            posed_again(memory, arguments, make)
        assert caught.value.code == code


def test_cursors_are_those_of_the_later_filter() -> None:
    memory: Memory[Question[Any]] = Memory()
    row = {"code": "a", "cursor_key": "a", "kind": "BUILDING"}
    for division in ("1", "2"):
        arguments = filtered({"division": division})
        found = posed_again(memory, arguments, lambda arguments=arguments: of_page(arguments))  # type: ignore[misc]
        assert found.answer([row]).cursors == posed(of_page(arguments)).answer([row]).cursors != []


def test_a_value_that_is_only_read_makes_a_statement_for_itself() -> None:
    """Whoever writes a filter need not know of this."""
    memory: Memory[Question[Any]] = Memory()

    def asking(value: Any) -> str:
        given = Given({"x": value}, "where")
        made = posed_again(
            memory,
            {"where": {"x": value}},
            lambda: Question(select(literal(given.members(("x",))["x"].value)), list),
        )
        return repr(sorted(made.parameters.values(), key=repr))

    for value in (1, True, 1.0, "1", 2, [1], [True], 1):
        assert asking(value) == repr([value])


def test_no_more_are_remembered_than_may_be() -> None:
    memory: Memory[Question[Any]] = Memory()
    for first in range(2 * MOST):
        arguments = filtered(None, first=first)
        posed_again(memory, arguments, lambda arguments=arguments: of_page(arguments))  # type: ignore[misc]
    assert len(memory._made) == MOST
    assert memory.find(filtered(None, first=0)) is None
    assert memory.find(filtered(None, first=2 * MOST - 1)) is not None


def test_nor_of_all_askings_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "_LAST", deque())
    monkeypatch.setattr(remembered, "ALL", 3)
    memories: list[Memory[Question[Any]]] = [Memory() for _ in range(5)]
    for memory in memories:
        posed_again(memory, filtered(None), lambda: of_page(filtered(None)))
    assert [memory.find(filtered(None)) is not None for memory in memories] == [
        False,
        False,
        True,
        True,
        True,
    ]
