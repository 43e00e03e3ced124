"""What is registered is pulled in pieces: whatever the keys hold, and wherever the pieces are cut."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from loaders import registered
from loaders.registered import Registered
from loaders.session import another
from tests.loading import column, counts, load_into
from twin.kinds import kind
from twin.registry.database import Connection

ODD = ["plain", "a,b", 'say "now"', "two\nlines", "路灯一", "'", "\\.", "end\r\n."]
KEYS = [*ODD, *(f"灯{'杆' * (number % 90)}{number}" for number in range(300))]

KIND = kind("streetlight")
ASLEEP = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'"


def written(path: Path, keys: list[str]) -> Path:
    features = [
        {
            "type": "Feature",
            "properties": {"uuid": key},
            "geometry": {"type": "Point", "coordinates": [121.5 + n / 1000, 31.2]},
        }
        for n, key in enumerate(keys)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


@pytest.mark.parametrize("pages_at_a_time", [1, 3, 4_096])
def test_rows_of_any_key_are_known_again(
    pudong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages_at_a_time: int
) -> None:
    monkeypatch.setattr(registered, "PAGES_AT_A_TIME", pages_at_a_time)
    path = written(tmp_path / "lamps.geojson", KEYS)
    assert counts(load_into(pudong, path)) == (len(KEYS), len(KEYS), 0, 0, 0)
    assert counts(load_into(pudong, path)) == (len(KEYS), 0, 0, len(KEYS), 0)


@pytest.fixture
def dataset(owner: Connection, pudong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """The number of a dataset of lamps by ``KEYS``, which is read page by page."""
    monkeypatch.setattr(registered, "PAGES_AT_A_TIME", 1)
    load_into(pudong, written(tmp_path / "lamps.geojson", KEYS))
    (number,) = owner.execute("SELECT id FROM twin.dataset").fetchone() or (0,)
    return int(number)


def move(owner: Connection) -> None:
    """As another department's load that fills a field: every row stands on a later page."""
    owner.execute("UPDATE twin.asset SET owner = 'somebody'")


def test_all_readers_see_one_moment(owner: Connection, dataset: int) -> None:
    read = []
    with another(owner) as connection, registered._readers(connection, 2) as lent:
        pieces = registered._pieces(connection, dataset, KIND)
        with lent.one() as one, lent.one() as other:
            for number, piece in enumerate(pieces):
                read += piece.read(other if number % 2 else one)[0].to_pylist()
                if number == 1:
                    assert read
                    move(owner)
    assert len(pieces) > 3
    assert sorted(read) == sorted(KEYS)


def test_keys_that_a_file_lacks_are_told_once(owner: Connection, dataset: int) -> None:
    with another(owner) as connection:
        unseen = Registered.read(connection, dataset, KIND).unseen(connection, dataset, KIND)
        told = next(keys for keys in unseen if len(keys)).to_pylist()
        move(owner)
        told += [key for keys in unseen for key in keys.to_pylist()]
    assert sorted(told) == sorted(KEYS)


def test_readers_are_not_waited_for_when_a_load_is_interrupted(owner: Connection) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        another(owner) as connection,
        ThreadPoolExecutor(2) as pool,
        registered._readers(connection, 2) as lent,
    ):

        def read() -> None:
            with lent.one() as reader:
                reader.execute("SELECT pg_sleep(600)")

        reading = [pool.submit(read) for _ in range(2)]
        while column(owner, ASLEEP) != [2]:
            time.sleep(0.01)
        raise KeyboardInterrupt
    assert all(isinstance(one.exception(), psycopg.errors.QueryCanceled) for one in reading)
