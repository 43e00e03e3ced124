"""Lines ask what cursors ask, give back what they were lent, and outlive what goes wrong."""

from __future__ import annotations

import asyncio
import json
import math
import secrets
import socket
import struct
from collections.abc import Sequence
from datetime import date
from typing import Any

import psycopg
import pytest
from pooled_lines import Run, opened
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row
from psycopg_pool import PoolTimeout

from twin.registry import lines
from twin.registry.lines import Lines
from twin.registry.query.pipelined import Pipelined
from twin.registry.rows import Rows
from twin.telemetry.records import Request, observed

VALUES = [
    "text", "", "百分之", 'a "quoted" \\ text', 0, -(2**40), 1.5, -1e300, True, False, None, b"\x00\xff",
    date(2024, 2, 29), ["a", 'b"c', "d\\e", "", "百", "NULL", "{}", ","], [1, -2, 2**40], [1.5, 2.0], [],
]  # fmt: skip


async def ask(over: Lines, text: str, *, prepared: bool = False, **parameters: Any) -> list[dict[str, Any]]:
    return list(await over.ask(text, parameters, prepared=prepared))


TYPES = {str: "text", int: "bigint", float: "float8", bool: "boolean", bytes: "bytea", date: "date"}


@pytest.mark.parametrize("prepared", [False, True])
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_come_back_as_cursors_bring_them(
    run: Run, database_url: str, value: Any, prepared: bool
) -> None:
    of = value[:1] or [""] if isinstance(value, list) else [value]
    type_ = TYPES.get(type(of[0]), "text") + ("[]" if isinstance(value, list) else "")
    text = f"SELECT %(given)s::{type_} AS found, 1 AS one, '100%%' AS percent"

    async def work(over: Lines) -> Any:
        return [await ask(over, text, prepared=prepared, given=value) for _ in range(3)]

    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        wanted = connection.execute(text.encode(), {"given": value}).fetchall()
    assert run(work) == [wanted] * 3


PLAIN_JSON = ['{"a": [1.5, "百"]}', "null", None, "[]", '"12345678901234567890"', "-0.0"]


@pytest.mark.parametrize(
    "texts",
    [PLAIN_JSON, [f"{2**80}", *PLAIN_JSON], [*PLAIN_JSON, "1e999"], ['"\\ud800"'], PLAIN_JSON[:1], []],
)
def test_json_is_read_a_column_at_a_time(run: Run, texts: list[str | None]) -> None:
    """Also integers of more than 64 bits, numbers that no double holds, and what is no Unicode."""
    text = "SELECT t::json AS a, 'x' AS x, t::json AS b FROM unnest(%(t)s::text[]) AS t"
    read = [None if one is None else json.loads(one) for one in texts]
    wanted = [{"a": one, "x": "x", "b": one} for one in read]
    assert repr(run(lambda over: ask(over, text, t=texts))) == repr(wanted)
    numeric = "SELECT '{\"a\": 1e400}'::jsonb AS a"
    assert run(lambda over: ask(over, numeric)) == [{"a": {"a": 10**400}}]


def test_a_parameter_may_stand_in_several_places(run: Run) -> None:
    text = "SELECT %(a)s::int AS x, %(b)s::int AS y, %(a)s::int AS z"
    assert run(lambda over: ask(over, text, a=1, b=2)) == [{"x": 1, "y": 2, "z": 1}]


def test_what_is_large_is_sent_and_read(run: Run) -> None:
    size = 3_000_000
    text = "SELECT length(%(given)s::text) AS length, repeat('x', 3000000) AS long FROM generate_series(1, 2)"
    rows = run(lambda over: ask(over, text, given="x" * size))
    assert [(row["length"], len(row["long"])) for row in rows] == [(size, size)] * 2


def test_an_error_is_psycopgs_and_the_line_goes_on(run: Run) -> None:
    async def work(over: Lines) -> None:
        for prepared in (False, True):
            with pytest.raises(psycopg.errors.DivisionByZero):
                await ask(over, "SELECT 1 / %(given)s::int AS x", prepared=prepared, given=0)
            with pytest.raises(psycopg.errors.UndefinedTable):
                await ask(over, "SELECT * FROM nothing", prepared=prepared)
            assert await ask(over, "SELECT 1 / %(given)s::int AS x", prepared=prepared, given=1) == [{"x": 1}]
        with pytest.raises(psycopg.DataError):
            await ask(over, "SELECT %(given)s::text AS x", given="a\0b")

    run(work)


def test_who_is_stopped_stops_the_statement_and_loses_no_connection(run: Run, database_url: str) -> None:
    async def work(over: Lines) -> dict[str, int]:
        for _ in range(5):
            asking = [asyncio.ensure_future(ask(over, "SELECT pg_sleep(60)")) for _ in range(4)]
            await asyncio.sleep(0.05)
            for one in asking * 2:
                one.cancel()
            stopped = await asyncio.gather(*asking, return_exceptions=True)
            assert [type(one) for one in stopped] == [asyncio.CancelledError] * 4
            others = await asyncio.gather(*(ask(over, f"SELECT {n} AS n") for n in range(8)))
            assert others == [[{"n": n}] for n in range(8)]
        return over.get_stats()

    stats = run(work)
    assert stats.get("returns_bad", 0) == 0
    assert (stats["pool_size"], stats["requests_num"]) == (2, 60)
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'pg_sleep.60' AND pid <> pg_backend_pid()"
    with psycopg.connect(database_url) as connection:
        assert connection.execute(sleeping + " AND state = 'active'").fetchone() == (0,)


def test_a_connection_that_is_lost_is_replaced(run: Run, owner: psycopg.Connection[Any]) -> None:
    owner.autocommit = True

    async def work(over: Lines) -> None:
        for _ in range(3):
            ((first,),) = ([row["pid"]] for row in await ask(over, "SELECT pg_backend_pid() AS pid"))
            await asyncio.to_thread(owner.execute, "SELECT pg_terminate_backend(%s, 5000)", [first])
            await asyncio.sleep(0.05)
            ((second,),) = ([row["pid"]] for row in await ask(over, "SELECT pg_backend_pid() AS pid"))
            assert second != first
            with pytest.raises(psycopg.OperationalError):
                await ask(over, "SELECT pg_terminate_backend(pg_backend_pid())")

    run(work)


def test_who_waits_too_long_is_told(database_url: str, runner: asyncio.Runner) -> None:
    async def go() -> None:
        async with opened(database_url, size=1, timeout=0.2) as over:
            slow = asyncio.ensure_future(ask(over, "SELECT pg_sleep(1)"))
            await asyncio.sleep(0.05)
            with pytest.raises(PoolTimeout):
                await ask(over, "SELECT 1 AS one")
            assert over.get_stats()["requests_errors"] == 1
            await slow
            assert await ask(over, "SELECT 1 AS one") == [{"one": 1}]

    runner.run(go())


@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
@pytest.mark.parametrize("others", [0, 3], ids=["alone", "with others"])
def test_a_connection_that_is_lost_while_something_is_sent(
    database_url: str, runner: asyncio.Runner, reset: bool, others: int
) -> None:
    """A server that reads no more, and then goes."""
    place = conninfo_to_dict(database_url)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: float) -> None:
        sent = 0
        while sent < most and (some := await reader.read(4_096)):
            writer.write(some)
            await writer.drain()
            sent += len(some)

    async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = f"{place['host']}/.s.PGSQL.{place.get('port', 5432)}"
        reading, writing = await asyncio.open_unix_connection(path)
        back = asyncio.ensure_future(pump(reading, writer, math.inf))
        await pump(reader, writing, 100_000)
        back.cancel()
        await asyncio.sleep(0.2)
        writing.close()
        if reset:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    async def go() -> None:
        async with await asyncio.start_server(between, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            url = make_conninfo(database_url, host="127.0.0.1", port=port, sslmode="disable")
            async with opened(url) as over:
                for _ in range(3):
                    assert await ask(over, "SELECT 1 AS one") == [{"one": 1}]
                    text, given = "SELECT length(%(given)s::text) AS n", "x" * 30_000_000
                    if not others:
                        with pytest.raises(psycopg.OperationalError):
                            await asyncio.wait_for(ask(over, text, given=given), 10)
                        continue
                    texts = ["SELECT 1 AS one", *[text] * others, "SELECT 1 AS one"]
                    found = await asyncio.wait_for(together(over, *texts, given=given), 10)
                    assert all(isinstance(one, psycopg.OperationalError) for one in found[1:]), found

    runner.run(go())


def test_lines_that_the_pool_cannot_add_keep_nobody_waiting(
    owner: psycopg.Connection[Any], database_url: str, runner: asyncio.Runner
) -> None:
    """A role of which the server lets in fewer than the pool would have."""
    owner.autocommit = True
    role = f"few_{secrets.token_hex(4)}"
    owner.execute(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 2")

    async def go() -> None:
        url = database_url.replace("twin_owner@", f"{role}@")
        async with opened(url, size=4, timeout=2) as over:

            async def client() -> None:
                for n in range(50):
                    assert await ask(over, f"SELECT {n} AS n") == [{"n": n}]

            await asyncio.gather(*(client() for _ in range(4)))

    try:
        runner.run(go())
    finally:
        owner.execute(f"DROP ROLE {role}")


def test_connections_are_renewed_and_forgotten(database_url: str, runner: asyncio.Runner) -> None:
    async def go() -> set[int]:
        async with opened(database_url, max_lifetime=0.5) as over:
            pids, until = set(), asyncio.get_running_loop().time() + 2
            while asyncio.get_running_loop().time() < until:
                pids.add((await ask(over, "SELECT pg_backend_pid() AS pid"))[0]["pid"])
                await asyncio.sleep(0.01)
            return pids

    assert len(runner.run(go())) > 2


def test_errors_leave_nothing_prepared_behind(run: Run) -> None:
    async def work(over: Lines) -> Any:
        for _ in range(50):
            with pytest.raises(psycopg.errors.DivisionByZero):
                await ask(over, "SELECT 1 / %(given)s::int AS x", prepared=True, given=0)
        return await ask(over, "SELECT count(*) AS n FROM pg_prepared_statements")

    assert run(work) == [{"n": 1}]


def test_connections_are_lent_and_statements_stay_prepared(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST_PREPARED", 3)

    async def work(over: Lines) -> None:
        for n in range(30):
            assert await ask(over, f"SELECT {n % 5} AS n", prepared=True) == [{"n": n % 5}]
            async with over.connection() as connection, connection.transaction(force_rollback=True):
                await connection.execute("SELECT 1", prepare=True)
        async with over.connection() as connection:
            rows = await (await connection.execute("SELECT name FROM pg_prepared_statements")).fetchall()
        assert 1 <= len(rows) <= 4

    run(work)


def test_tables_that_change_need_no_new_line(run: Run) -> None:
    async def work(over: Lines) -> None:
        async with over.connection() as connection:
            await connection.execute("CREATE TABLE public.changing (a int)")
            await connection.execute("INSERT INTO public.changing VALUES (1)")
        text = "SELECT * FROM public.changing"
        assert await ask(over, text, prepared=True) == [{"a": 1}]
        async with over.connection() as connection:
            await connection.execute("ALTER TABLE public.changing ADD b int")
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            await ask(over, text, prepared=True)
        assert await ask(over, text, prepared=True) == [{"a": 1, "b": None}]

    run(work)


async def together(over: Lines, *texts: str, prepared: bool = False, **parameters: Any) -> list[Any]:
    """What several statements give that are asked at once, or what goes wrong with each."""
    pipelined = Pipelined(over)
    asking = (pipelined.ask(text, parameters, prepared=prepared) for text in texts)
    found = await asyncio.gather(*asking, return_exceptions=True)
    return [list(one) if isinstance(one, Rows) else one for one in found]


PID = "SELECT pg_backend_pid() AS pid"


def kinds_of(found: Sequence[Any]) -> list[type]:
    return [type(one) for one in found]


@pytest.mark.parametrize("prepared", [False, True])
def test_what_is_asked_at_once_takes_one_connection(run: Run, prepared: bool) -> None:
    async def work(over: Lines) -> None:
        for round_ in range(1, 4):
            found = await together(over, *(f"SELECT {n} AS n, %(a)s::text AS a" for n in range(20)), a="b")
            assert found == [[{"n": n, "a": "b"}] for n in range(20)]
            pids = await together(over, *[PID] * 20, prepared=prepared)
            assert len({row["pid"] for (row,) in pids}) == 1
            assert over.get_stats()["requests_num"] == 2 * round_

    run(work)


@pytest.mark.parametrize("prepared", [False, True])
def test_values_asked_for_together_come_back_as_cursors_bring_them(
    run: Run, database_url: str, prepared: bool
) -> None:
    def text(value: Any, place: int) -> str:
        of = value[:1] or [""] if isinstance(value, list) else [value]
        type_ = TYPES.get(type(of[0]), "text") + ("[]" if isinstance(value, list) else "")
        return f"SELECT %(v{place})s::{type_} AS found"

    texts = [text(value, place) for place, value in enumerate(VALUES)]
    given = {f"v{place}": value for place, value in enumerate(VALUES)}
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        wanted = [connection.execute(one.encode(), given).fetchall() for one in texts]
    assert run(lambda over: together(over, *texts, *texts, prepared=prepared, **given)) == wanted * 2


@pytest.mark.parametrize("prepared", [False, True])
def test_an_error_is_told_to_who_asked(run: Run, prepared: bool) -> None:
    texts = [
        "SELECT 1 / %(zero)s::int AS x",
        "SELECT 1 AS x",
        "SELECT * FROM nothing",
        "SELECT * FROM nothing",
        "SELECT %(bad)s::text AS x",
        "SELECT %(zero)s::int AS x",
        "SELECT 1 / %(zero)s::int AS x",
    ]
    zero, missing = psycopg.errors.DivisionByZero, psycopg.errors.UndefinedTable

    async def work(over: Lines) -> None:
        for _ in range(3):
            found = await together(over, *texts, prepared=prepared, zero=0, bad="a\0b")
            assert kinds_of(found) == [zero, list, missing, missing, psycopg.DataError, list, zero]
            assert (found[1], found[5]) == ([{"x": 1}], [{"x": 0}])

    run(work)


def test_one_that_is_late_is_told_so_and_the_others_are_answered(run: Run) -> None:
    async def work(over: Lines) -> None:
        async with over.connection() as connection:
            await connection.execute("SET statement_timeout = 300")
        found = await together(over, PID, "SELECT pg_sleep(60)", PID, "SELECT pg_sleep(0.2)")
        assert kinds_of(found) == [list, psycopg.errors.QueryCanceled, list, list]
        assert found[0] == found[2]

    run(work)


def test_what_is_large_is_sent_and_read_at_once(run: Run) -> None:
    """Both sides' buffers are full meanwhile."""
    size = 3_000_000
    large = "SELECT %(given)s::text || %(given)s AS long, length(%(given)s::text) AS length"
    texts = ["SELECT 1 AS one", *[large] * 5, "SELECT 2 AS two"]

    async def work(over: Lines) -> None:
        for prepared in (False, True):
            first, *long, last = await together(over, *texts, prepared=prepared, given="x" * size)
            assert (first, last) == ([{"one": 1}], [{"two": 2}])
            assert [(len(row["long"]), row["length"]) for (row,) in long] == [(2 * size, size)] * 5

    run(work)


def test_more_is_asked_at_once_than_is_kept_prepared(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST_PREPARED", 3)

    async def work(over: Lines) -> Any:
        for step in range(1, 6):
            numbers = [n * step % 7 for n in range(14)]
            found = await together(over, *(f"SELECT {n} AS n" for n in numbers), prepared=True)
            assert found == [[{"n": n}] for n in numbers]
        return await ask(over, "SELECT count(*) AS n FROM pg_prepared_statements")

    assert run(work) == [{"n": 3}]


def test_tables_that_change_are_asked_together_once_more(run: Run) -> None:
    async def work(over: Lines) -> None:
        async with over.connection() as connection:
            await connection.execute("CREATE TABLE public.altered AS SELECT 1 AS a")
        texts = ["SELECT * FROM public.altered", "SELECT 2 AS two", "SELECT * FROM public.altered"]
        assert await together(over, *texts, prepared=True) == [[{"a": 1}], [{"two": 2}], [{"a": 1}]]
        async with over.connection() as connection:
            await connection.execute("ALTER TABLE public.altered ADD b int")
        stale = psycopg.errors.FeatureNotSupported
        assert kinds_of(await together(over, *texts, prepared=True)) == [stale, list, stale]
        new = [{"a": 1, "b": None}]
        assert await together(over, *texts, prepared=True) == [new, [{"two": 2}], new]
        async with over.connection() as connection:
            await connection.execute("DEALLOCATE ALL")
        lost = psycopg.errors.InvalidSqlStatementName
        assert kinds_of(await together(over, *texts, prepared=True)) == [lost] * 3
        assert await together(over, *texts, prepared=True) == [new, [{"two": 2}], new]

    run(work)


@pytest.mark.parametrize("prepared", [False, True])
def test_who_is_stopped_stops_all_that_was_asked_at_once(run: Run, database_url: str, prepared: bool) -> None:
    """What waits behind the statement under way, too; and no connection is lost."""
    sleeps = [f"SELECT pg_sleep(%(seconds)s::float8) AS slept{n}" for n in range(10)]

    async def work(over: Lines) -> Lines:
        assert kinds_of(await together(over, *sleeps, prepared=prepared, seconds=0.001)) == [list] * 10
        for pause in (0, 0.001, 0.01, 0.05, 0.2):
            asking = [
                asyncio.ensure_future(together(over, *sleeps, prepared=prepared, seconds=60.0))
                for _ in range(3)
            ]
            await asyncio.sleep(pause)
            for one in asking * 2:
                one.cancel()
            stopped = await asyncio.gather(*asking, return_exceptions=True)
            assert kinds_of(stopped) == [asyncio.CancelledError] * 3
            others = await asyncio.gather(*(together(over, PID, "SELECT 1 AS one") for _ in range(4)))
            assert [one for _, one in others] == [[{"one": 1}]] * 4
        return over

    assert run(work).get_stats().get("returns_bad", 0) == 0
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'slept[0-9]' AND pid <> pg_backend_pid()"
    with psycopg.connect(database_url) as connection:
        assert connection.execute(sleeping + " AND state = 'active'").fetchone() == (0,)


def test_who_is_stopped_while_much_is_sent_loses_no_connection(run: Run) -> None:
    large = "SELECT pg_sleep(60), %(given)s::text AS x"

    async def work(over: Lines) -> Lines:
        for pause in (0, 0.01, 0.1):
            asking = asyncio.ensure_future(together(over, *[large] * 4, given="x" * 5_000_000))
            await asyncio.sleep(pause)
            asking.cancel()
            assert kinds_of(await asyncio.gather(asking, return_exceptions=True)) == [asyncio.CancelledError]
            assert await together(over, *["SELECT 1 AS one"] * 3) == [[{"one": 1}]] * 3
        return over

    assert run(work).get_stats().get("returns_bad", 0) == 0


def test_some_who_are_stopped_leave_the_others_their_answers(run: Run) -> None:
    async def work(over: Lines) -> None:
        pipelined = Pipelined(over)
        asking = [
            asyncio.ensure_future(pipelined.ask(text, {}, prepared=False))
            for text in ("SELECT pg_sleep(0.3), 1 AS n", "SELECT 2 AS n", "SELECT 3 AS n")
        ]
        await asyncio.sleep(0.05)
        later = asyncio.ensure_future(pipelined.ask("SELECT 4 AS n", {}, prepared=True))
        asking[0].cancel()
        asking[1].cancel()
        assert list(await asking[2]) == [{"n": 3}]
        assert list(await later) == [{"n": 4}]
        assert over.get_stats()["requests_num"] == 2
        stopped = asyncio.ensure_future(pipelined.ask("SELECT pg_sleep(60)", {}, prepared=False))
        await asyncio.sleep(0.05)
        stopped.cancel()
        assert list(await pipelined.ask("SELECT 5 AS n", {}, prepared=False)) == [{"n": 5}]

    run(work)


def test_all_are_told_that_the_connection_is_lost(run: Run, owner: psycopg.Connection[Any]) -> None:
    owner.autocommit = True

    async def work(over: Lines) -> None:
        for prepared in (False, True):
            ((first,),) = await together(over, PID)
            await asyncio.to_thread(owner.execute, "SELECT pg_terminate_backend(%s, 5000)", [first["pid"]])
            await asyncio.sleep(0.05)
            (second,), *_ = await together(over, PID, *["SELECT 1 AS one"] * 3)
            assert second != first
            ends = "SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(60)"
            found = await together(over, "SELECT 1 AS one", ends, *["SELECT 2 AS two"] * 3, prepared=prepared)
            # The first may have been answered before the connection was lost, which the rest were sent over.
            assert found[0] == [{"one": 1}] or isinstance(found[0], psycopg.OperationalError)
            assert all(isinstance(one, psycopg.OperationalError) for one in found[1:])
            assert await together(over, "SELECT 1 AS one", "SELECT 2 AS two") == [[{"one": 1}], [{"two": 2}]]

    run(work)


def test_all_are_told_that_no_connection_was_free(database_url: str, runner: asyncio.Runner) -> None:
    async def go() -> None:
        async with opened(database_url, size=1, timeout=0.2) as over:
            slow = asyncio.ensure_future(ask(over, "SELECT pg_sleep(1)"))
            await asyncio.sleep(0.05)
            assert kinds_of(await together(over, PID, PID, PID)) == [PoolTimeout] * 3
            assert over.get_stats()["requests_errors"] == 1
            await slow
            assert kinds_of(await together(over, PID, PID, PID)) == [list] * 3

    runner.run(go())


def test_statements_that_are_asked_at_once_are_noted_one_by_one(run: Run) -> None:
    record = Request()

    async def work(over: Lines) -> None:
        with observed(record, []):
            await together(over, "SELECT 1 AS n", "SELECT 1 / 0", "SELECT pg_sleep(0.1)", PID)
            asking = asyncio.ensure_future(together(over, "SELECT pg_sleep(60)", PID))
            await asyncio.sleep(0.05)
            asking.cancel()
            await asyncio.wait([asking])

    run(work)
    seen = record.statements
    assert [one.text for one in seen[:4]] == ["SELECT 1 AS n", "SELECT 1 / 0", "SELECT pg_sleep(0.1)", PID]
    assert [(one.rows, one.error, one.sqlstate) for one in seen[:4]] == [
        (1, None, None),
        (0, "DivisionByZero", "22012"),
        (1, None, None),
        (1, None, None),
    ]
    assert [after.began for after in seen[1:4]] == [before.ended for before in seen[:3]]
    assert [(one.text, one.error) for one in seen[4:]] == [("SELECT pg_sleep(60)", "CancelledError")]
    assert record.waited > 0
