"""Allocation of codes: many loaders at once, killed loads, returns, adoption, full sequences."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from twin.identity import scheme
from twin.registry.codes import (
    CodeSequenceFull,
    Key,
    Reservation,
    capacity,
    note_adopted,
    release,
    require_room,
    reserve,
    room,
    spread,
)

_DIVISIONS = itertools.count(100_001)


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def key() -> Key:
    """A sequence that no other test uses."""
    return Key("gbt30428", str(next(_DIVISIONS)), "0118")


def numbers(reservation: Reservation) -> list[int]:
    return [n for lower, upper in reservation.ranges for n in range(lower, upper)]


def row(connection: psycopg.Connection[Any], key: Key) -> tuple[int, list[tuple[int, int]]]:
    """What the table holds: the next number, and the free ones."""
    found = connection.execute(
        "SELECT next, free FROM twin.code_sequence WHERE (scheme, division, class) = (%s, %s, %s)", key
    ).fetchone()
    assert found is not None
    return found[0], [(r.lower, r.upper) for r in found[1]]


def set_row(connection: psycopg.Connection[Any], key: Key, following: int) -> None:
    connection.execute("INSERT INTO twin.code_sequence VALUES (%s, %s, %s, %s)", (*key, following))


def test_numbers_begin_at_one_and_go_on(connection: psycopg.Connection[Any], key: Key) -> None:
    assert reserve(connection, {key: 3})[key].ranges == ((1, 4),)
    assert reserve(connection, {key: 2})[key].ranges == ((4, 6),)
    assert row(connection, key) == (6, [])
    assert reserve(connection, {key: 0}) == {}


def test_reservations_never_hang_on_the_transaction_of_a_load(database_url: str, key: Key) -> None:
    code = scheme(key.scheme).parse(scheme(key.scheme).format(key.division, key.class_code, 1))
    with psycopg.connect(database_url) as load:
        for attempt in (
            lambda: reserve(load, {key: 1}),
            lambda: release(load, [Reservation(*key, ((1, 2),))]),
            lambda: note_adopted(load, [code]),
        ):
            with pytest.raises(ValueError, match="autocommit"):
                attempt()


def test_twenty_loaders_at_once_never_share_a_code(database_url: str) -> None:
    keys = [Key("gbt30428", str(next(_DIVISIONS)), c) for c in ("0118", "0101", "2133")]
    start = threading.Barrier(20)

    def load(loader: int) -> list[tuple[Key, int]]:
        taken: list[tuple[Key, int]] = []
        order = keys if loader % 2 else keys[::-1]
        with psycopg.connect(database_url, autocommit=True) as connection:
            start.wait()
            for turn in range(15):
                got = reserve(connection, dict.fromkeys(order[: 1 + turn % 3], 5 + (loader + turn) % 7))
                for key, reservation in got.items():
                    used, unused = reservation.split(reservation.count - turn % 4)
                    taken += [(key, n) for n in numbers(used)]
                    release(connection, [unused])
        return taken

    with ThreadPoolExecutor(20) as pool:
        taken = [pair for result in pool.map(load, range(20)) for pair in result]
    codes = {scheme(key.scheme).format(key.division, key.class_code, n) for key, n in taken}
    assert len(codes) == len(taken) > 3_000


LOADER = """
import sys, time, psycopg
from twin.registry.codes import Key, reserve
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    key = Key("gbt30428", sys.argv[2], "0118")
    if sys.argv[3] == "before":
        with connection.transaction():
            statement = "UPDATE twin.code_sequence SET next = next + 1000 WHERE division = %s"
            connection.execute(statement, [key.division])
            print("locked", flush=True)
            time.sleep(60)
    print(reserve(connection, {key: 1000})[key].ranges, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(("moment", "burned"), [("before", 0), ("after", 1_000)])
def test_a_killed_load_burns_no_more_than_its_range(
    connection: psycopg.Connection[Any], database_url: str, key: Key, moment: str, burned: int
) -> None:
    """``before``: killed while it holds the row's lock. ``after``: killed once its range is reserved."""
    reserve(connection, {key: 10})
    command = [sys.executable, "-c", LOADER, database_url, key.division, moment]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as loader:
        assert loader.stdout is not None
        assert loader.stdout.readline().strip() == ("locked" if moment == "before" else "((11, 1011),)")
        loader.send_signal(signal.SIGKILL)
    assert reserve(connection, {key: 5})[key].ranges == ((11 + burned, 16 + burned),)


def test_what_is_returned_is_used_first(connection: psycopg.Connection[Any], key: Key) -> None:
    first = reserve(connection, {key: 10})[key]
    second = reserve(connection, {key: 10})[key]
    used, unused = first.split(4)
    assert (numbers(used), numbers(unused)) == ([1, 2, 3, 4], [5, 6, 7, 8, 9, 10])
    release(connection, [unused, second.split(7)[1]])
    assert row(connection, key) == (21, [(5, 11), (18, 21)])
    again = reserve(connection, {key: 11})[key]
    assert again.ranges == ((5, 11), (18, 23))
    assert row(connection, key) == (23, [])


def test_several_returns_of_one_sequence_all_count(connection: psycopg.Connection[Any], key: Key) -> None:
    parts = [reserve(connection, {key: 2})[key] for _ in range(3)]
    release(connection, parts)
    assert row(connection, key) == (7, [(1, 7)])


def test_a_full_sequence_is_an_error_before_anything_is_reserved(
    connection: psycopg.Connection[Any], key: Key
) -> None:
    other = Key(key.scheme, key.division, "0101")
    set_row(connection, key, capacity(key.scheme) - 4)
    wants = {key: 6, other: 1}
    for attempt in (reserve, require_room):
        with pytest.raises(CodeSequenceFull) as caught:
            attempt(connection, wants)
        assert caught.value.details["left"] == 5
        assert caught.value.details["wanted"] == 6
        assert key.division in caught.value.text("zh")
    assert room(connection, [key, other]) == {key: 5, other: capacity(key.scheme)}
    last = reserve(connection, {key: 5})[key]
    assert numbers(last)[-1] == 999_999
    assert scheme(key.scheme).format(key.division, key.class_code, numbers(last)[-1])
    with pytest.raises(CodeSequenceFull):
        reserve(connection, {key: 1})
    release(connection, [last.split(3)[1]])
    assert numbers(reserve(connection, {key: 2})[key]) == [999_998, 999_999]


def test_a_class_goes_on_with_its_further_number(connection: psycopg.Connection[Any], key: Key) -> None:
    further = Key(key.scheme, key.division, "2118")
    set_row(connection, key, capacity(key.scheme) - 1)
    wants = spread(room(connection, [key, further]), [key, further], 10)
    assert wants == {key: 2, further: 8}
    assert {k: r.count for k, r in reserve(connection, wants).items()} == wants
    with pytest.raises(CodeSequenceFull):
        spread(room(connection, [key]), [key], 1)


def test_adopted_numbers_are_never_issued_and_burn_no_gap(
    connection: psycopg.Connection[Any], key: Key
) -> None:
    def code(number: int) -> Any:
        return scheme(key.scheme).parse(scheme(key.scheme).format(key.division, key.class_code, number))

    reserved = reserve(connection, {key: 10})[key]
    release(connection, [reserved.split(5)[1]])
    note_adopted(connection, [code(3), code(7), code(15), code(900_000)])
    assert row(connection, key) == (900_001, [(6, 7), (8, 15), (16, 900_000)])
    assert numbers(reserve(connection, {key: 10})[key]) == [6, *range(8, 15), 16, 17]
    note_adopted(connection, [code(900_000)])
    assert row(connection, key) == (900_001, [(18, 900_000)])
    note_adopted(connection, [])


def test_generic_sequences_hold_a_countrys_assets(connection: psycopg.Connection[Any], key: Key) -> None:
    helsinki = Key("generic", f"FI-{key.division}", "0118")
    set_row(connection, helsinki, 36**9 - 3)
    reservation = reserve(connection, {helsinki: 3})[helsinki]
    codes = scheme("generic").format_many(helsinki.division, "0118", reservation.ranges[0][0], 3)
    assert codes[-1].split("-")[3] == "Z" * 9
    with pytest.raises(CodeSequenceFull):
        reserve(connection, {helsinki: 1})
