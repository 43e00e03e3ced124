"""Connections that are lent: one at a time, to who fills a table the one that filled it before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from loaders.session import Lent


class Line:
    """What is lent; nothing is asked of it."""


def test_who_fills_a_table_gets_what_filled_it_before() -> None:
    lines: list[Any] = [Line() for _ in range(3)]
    lent = Lent(lines)
    with lent.one("asset") as assets, lent.one("identifier") as identifiers:
        pass
    for _ in range(3):
        with lent.one("identifier") as one:
            assert one is identifiers
        with lent.one("asset") as one, lent.one("identifier") as other:
            assert (one, other) == (assets, identifiers)
    with lent.one() as free:
        assert free not in (assets, identifiers)


def test_each_is_lent_to_one_at_a_time_and_all_come_back() -> None:
    lines: list[Any] = [Line() for _ in range(2)]
    lent, together, in_use = Lent(lines), Barrier(2, timeout=20), set[Any]()

    def use(_: int) -> Any:
        with lent.one("asset") as one:
            assert one not in in_use
            in_use.add(one)
            together.wait()
            in_use.remove(one)
            return one

    with ThreadPoolExecutor(6) as threads:
        assert set(threads.map(use, range(6))) == set(lines)
    with lent.one() as one, lent.one() as other:
        assert {one, other} == set(lines)
