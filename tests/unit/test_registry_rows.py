"""Rows are values in the order of their columns, and dictionaries for whoever looks at them."""

from __future__ import annotations

from twin.registry.rows import Rows

ROWS = Rows(("code", "it's", "total"), [("a", 1, None), ("b", 2, 3.5), ("c", None, 4)])
AS_DICTIONARIES = [
    {"code": "a", "it's": 1, "total": None},
    {"code": "b", "it's": 2, "total": 3.5},
    {"code": "c", "it's": None, "total": 4},
]


def test_each_row_is_a_dictionary() -> None:
    assert list(ROWS) == AS_DICTIONARIES
    assert [ROWS[place] for place in (0, -1)] == [AS_DICTIONARIES[0], AS_DICTIONARIES[-1]]
    assert list(reversed(ROWS)) == AS_DICTIONARIES[::-1]


def test_some_of_them_are_rows_again() -> None:
    some = ROWS[1:]
    assert isinstance(some, Rows)
    assert (some.names, some.values) == (ROWS.names, ROWS.values[1:])
    assert (len(some), bool(some), bool(ROWS[:0])) == (2, True, False)
