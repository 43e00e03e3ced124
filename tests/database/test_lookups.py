"""Lookups that several ask for at once are one statement; each is answered as if it were alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pooled_lines import Run, opened
from psycopg_pool import PoolTimeout

from twin.registry import lookups
from twin.registry.lines import Lines
from twin.registry.lookups import Keys
from twin.telemetry.records import Request, Statement, observed

SQUARES = (
    "SELECT n * n AS square, n AS key FROM generate_series(1, 200) AS n WHERE n = ANY(%(keys)s::bigint[])"
)
FAULTY = SQUARES.replace("n * n", "n / (13 - n)")
SLOW = SQUARES.replace("n * n", "CASE n WHEN 99 THEN pg_sleep(60)::text ELSE 'quick' END")
MISSING = 1_000
SLEEPING = "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'pg_sleep.60' AND pid <> pg_backend_pid()"


class Asker:
    """Looks up numbers by one statement, and notes what was sent for it."""

    def __init__(self, over: Lines, text: str = SQUARES) -> None:
        self.over, self.text, self.keys = over, text, Keys("keys", "key")
        self.records: list[Request] = []

    async def ask(self, *numbers: int) -> list[Any]:
        record = Request()
        self.records.append(record)
        with observed(record, []):
            rows = await self.over.ask(self.text, {"keys": list(numbers)}, prepared=True, keys=self.keys)
        return [row["key"] for row in rows]

    async def all(self, *asked: Sequence[int]) -> list[Any]:
        found = (self.ask(*numbers) for numbers in asked)
        return await asyncio.gather(*found, return_exceptions=True)

    @property
    def statements(self) -> list[Statement]:
        return [statement for record in self.records for statement in record.statements]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what the database does
            await asyncio.sleep(0.01)


def test_each_gets_its_own_rows_by_few_statements(run: Run) -> None:
    asked = [[n] for n in range(1, 41)] + [[7, 8, 7], [], [MISSING], [5, MISSING, 3]]

    async def work(over: Lines) -> None:
        asker = Asker(over)
        found = await asker.all(*asked)
        assert [sorted(keys) for keys in found] == [sorted(set(numbers) - {MISSING}) for numbers in asked]
        sent = [one for one in asker.statements if not one.shared]
        assert (len(sent), len(asker.statements)) == (2, len(asked)), "the first, and all others"
        assert [record.statements[0].rows for record in asker.records] == [len(keys) for keys in found]
        assert all(record.began <= record.statements[0].began for record in asker.records)
        assert all(one.began <= one.ended for one in asker.statements)

    run(work)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(1, 220), max_size=5), min_size=1, max_size=60), st.randoms())
def test_whenever_they_come_they_get_their_rows(database_url: str, asked: list[list[int]], dice: Any) -> None:
    async def go() -> None:
        async with opened(database_url) as over:
            asker = Asker(over)

            async def later(numbers: list[int]) -> list[int]:
                await asyncio.sleep(dice.random() * 0.01)
                return await asker.ask(*numbers)

            found = await asyncio.gather(*map(later, asked))
        assert [sorted(keys) for keys in found] == [
            sorted(n for n in set(numbers) if n <= 200) for numbers in asked
        ]

    uvloop.run(go())


def test_statements_of_others_are_not_theirs(run: Run) -> None:
    async def work(over: Lines) -> None:
        squares, faulty = Asker(over), Asker(over, FAULTY)
        asked = [[n] for n in range(1, 9)]
        found = await asyncio.gather(squares.all(*asked), faulty.all(*asked))
        assert found == [asked] * 2
        assert [one.text for one in faulty.statements] == [FAULTY] * 8

    run(work)


def test_what_fails_for_one_is_told_to_that_one(run: Run) -> None:
    async def work(over: Lines) -> None:
        asker = Asker(over, FAULTY)
        found = await asker.all([1], [12], [13], [14], [13, 15], [16])
        assert [type(one) for one in found] == [
            list, list, psycopg.errors.DivisionByZero, list, psycopg.errors.DivisionByZero, list,
        ]  # fmt: skip
        assert [one for one in found if isinstance(one, list)] == [[1], [12], [14], [16]]
        own = [record.statements[-1] for record in asker.records]
        failed = [None, None, "DivisionByZero", None, "DivisionByZero", None]
        assert [one.error for one in own] == failed
        assert [one.rows for one in own] == [1, 1, 0, 1, 0, 1]
        assert not any(one.shared for one in asker.statements)
        assert len(asker.statements) == 6 + 1, "that of all which failed is the first's"
        assert await asker.all([1], [2], [3]) == [[1], [2], [3]]

    run(work)


def test_what_takes_long_holds_up_only_those_who_came_with_it(run: Run) -> None:
    async def work(over: Lines) -> None:
        asker = Asker(over, SLOW)
        slow = asyncio.ensure_future(asker.ask(99))
        with_it = asyncio.ensure_future(asker.ask(1))
        await asyncio.sleep(lookups.PATIENCE / 1e9 + 0.01)
        assert not with_it.done()
        assert await asyncio.wait_for(asker.all([2], [3], [4]), 10) == [[2], [3], [4]]
        assert await with_it == [1]
        assert not slow.done()
        slow.cancel()
        await asyncio.wait([slow])

    run(work)


def test_who_is_stopped_stops_what_nobody_else_waits_for(run: Run, database_url: str) -> None:
    def sleeping() -> int:
        with psycopg.connect(database_url) as connection:
            row = connection.execute(SLEEPING + " AND state = 'active'").fetchone()
            assert row is not None
            return int(row[0])

    async def work(over: Lines) -> None:
        asker = Asker(over, SLOW)
        first = asyncio.ensure_future(asker.ask(1))
        gathered = [asyncio.ensure_future(asker.ask(*numbers)) for numbers in ([99], [2], [3])]
        assert await first == [1]
        await until(lambda: sleeping() == 1)
        gathered[1].cancel()
        await asyncio.wait([gathered[1]])
        await asyncio.sleep(0.1)
        assert sleeping() == 1, "two still wait"
        for one in gathered[::2]:
            one.cancel()
        await asyncio.wait(gathered)
        assert all(one.cancelled() for one in gathered)
        await until(lambda: sleeping() == 0)
        assert await asker.all([4], [5]) == [[4], [5]]
        alone = asyncio.ensure_future(asker.ask(99))
        await until(lambda: sleeping() == 1)
        alone.cancel()
        await asyncio.wait([alone])
        await until(lambda: sleeping() == 0)
        waiting = [asyncio.ensure_future(asker.ask(n)) for n in (6, 7, 8)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        assert await asyncio.gather(*waiting[1:]) == [[7], [8]]

    run(work)


def test_who_comes_after_all_were_stopped_at_once_is_answered(run: Run) -> None:
    """Also where they are stopped in the moment in which their turn comes."""

    async def work(over: Lines) -> None:
        for turns in range(6):
            asker = Asker(over)
            first = asyncio.ensure_future(asker.ask(1))
            waiting = [asyncio.ensure_future(asker.ask(n)) for n in (2, 3)]
            await first
            for _ in range(turns):
                await asyncio.sleep(0)
            waiting[0].cancel()
            if turns % 2:
                await asyncio.sleep(0)
            waiting[1].cancel()
            assert await asyncio.wait_for(asker.ask(4), 2) == [4]
            await asyncio.wait(waiting)

    run(work)


def test_a_follower_that_stops_as_the_first_is_answered_keeps_nobody_waiting(run: Run) -> None:
    async def work(over: Lines) -> None:
        asker = Asker(over)
        waiting: list[asyncio.Future[Any]] = []

        async def first() -> None:
            await asker.ask(1)
            for one in waiting:
                one.cancel()

        leading = asyncio.ensure_future(first())
        await asyncio.sleep(0)
        waiting += [asyncio.ensure_future(asker.ask(n)) for n in (2, 3)]
        await leading
        assert await asyncio.wait_for(asker.ask(4), 2) == [4]
        await asyncio.wait(waiting)

    run(work)


def test_waiting_for_a_connection_is_no_statement(database_url: str, runner: asyncio.Runner) -> None:
    async def go() -> None:
        async with opened(database_url, size=1) as over:
            asker = Asker(over)
            async with over.connection():
                asking = asyncio.ensure_future(asker.all([1], [2], [3]))
                await asyncio.sleep(0.2)
            assert await asking == [[1], [2], [3]]
            assert all(one.ended - one.began < 150_000_000 for one in asker.statements)
            assert all(record.waited > 150_000_000 for record in asker.records)

    runner.run(go())


def test_a_lost_connection_is_told_to_all_and_replaced(run: Run, owner: psycopg.Connection[Any]) -> None:
    owner.autocommit = True
    ends = SLEEPING.replace("count(*)", "pid") + " AND wait_event = 'PgSleep'"

    async def work(over: Lines) -> None:
        asker = Asker(over, SLOW)
        asking = asyncio.ensure_future(asker.all([1], [99], [2]))
        await until(lambda: owner.execute(ends).fetchone() is not None)
        await asyncio.to_thread(owner.execute, f"SELECT pg_terminate_backend(s.pid, 5000) FROM ({ends}) AS s")
        first, *others = await asking
        assert first == [1]
        assert len(others) == 2
        assert all(isinstance(one, psycopg.OperationalError) for one in others)
        assert await asker.all([1], [2], [3]) == [[1], [2], [3]]

    run(work)


def test_no_connection_in_time_is_told_to_all(database_url: str, runner: asyncio.Runner) -> None:
    async def go() -> None:
        async with opened(database_url, size=1, timeout=0.2) as over, over.connection():
            asker = Asker(over)
            found = await asker.all([1], [2], [3])
            assert [type(one) for one in found] == [PoolTimeout] * 3
            assert asker.statements == []

    runner.run(go())


def test_more_than_one_statement_may_answer_them(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "MOST", 5)
    asked = [[n] for n in range(1, 31)] + [[*range(1, 20)]]

    async def work(over: Lines) -> None:
        asker = Asker(over)
        assert [sorted(keys) for keys in await asker.all(*asked)] == asked

    run(work)
