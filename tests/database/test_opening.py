"""A dataset's session is opened while its file is, and given up or opened anew as the file turns out."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from loaders.errors import FileEmpty
from loaders.opening import Opening
from loaders.stage import LOAD_LOCK, dataset_lock
from tests.loading import column, counts, lamps, load_into, write_csv
from twin.kinds import kind
from twin.registry.database import DatabaseDown

Connection = psycopg.Connection
HELD = """
SELECT count(*)::int
FROM pg_locks JOIN pg_database d ON d.oid = database
WHERE datname = current_database() AND locktype = 'advisory' AND classid::bigint = %s
"""
WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"


def test_a_file_that_cannot_be_loaded_waits_for_nobody(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    """Another load has the dataset all the while."""
    (tmp_path / "lamps.csv").write_text("id,lon,lat\n", encoding="utf-8")
    with ThreadPoolExecutor(1) as pool, dataset_lock(owner, "lamps"):
        stopped = pool.submit(load_into, pudong, tmp_path / "lamps.csv").exception(timeout=60)
        assert isinstance(stopped, FileEmpty)
        assert column(owner, HELD, LOAD_LOCK) == [1]


def test_the_file_says_its_dataset(owner: Connection, pudong: str, tmp_path: Path) -> None:
    rows = [
        {"source_key": row.pop("id"), "dataset": "survey", "kind": "streetlight", **row} for row in lamps(5)
    ]
    file = write_csv(tmp_path / "export.csv", rows)
    assert counts(load_into(pudong, file)) == (5, 5, 0, 0, 0)
    assert counts(load_into(pudong, file)) == (5, 0, 0, 5, 0)
    with dataset_lock(owner, "export"):  # which is the file's name, and nobody's
        assert counts(load_into(pudong, file)) == (5, 0, 0, 5, 0)
    assert column(owner, "SELECT name FROM twin.dataset") == ["survey"]
    assert column(owner, HELD, LOAD_LOCK) == [0]


def test_the_file_says_its_kind(owner: Connection, pudong: str, tmp_path: Path, twin_env: str) -> None:
    load_into(pudong, write_csv(tmp_path / "lamps.csv", lamps(3)))
    for supposed in (None, "vehicle", "no such kind"):
        with (
            closing(Opening("lamps", supposed)) as opening,
            opening.of("lamps", kind("streetlight")) as (opened, registered),
        ):
            assert len(registered.keys) == 3
            assert column(opened.connection, HELD, LOAD_LOCK) == [1]
    assert column(owner, HELD, LOAD_LOCK) == [0]


def test_who_still_connects_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server takes calls and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("TWIN_DATABASE_URL", f"postgresql://somebody@127.0.0.1:{port}/city")
        with closing(Opening("lamps", "streetlight")) as opening:
            call, _ = silent.accept()
        assert not opening._opened.done()
        call.close()
        assert isinstance(opening._opened.exception(timeout=60), DatabaseDown)


def test_a_dataset_that_is_held_is_waited_for(owner: Connection, pudong: str, twin_env: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        with dataset_lock(owner, "lamps"):
            opening = Opening("lamps", "streetlight")
            waiting = pool.submit(opening._opened.result)
            while not column(owner, WAITING):
                assert not waiting.done()
        with closing(opening):
            assert waiting.result(timeout=60).lock.waited
    assert column(owner, HELD, LOAD_LOCK) == [0]
