"""Loads that are killed, stopped, or meet one another: nothing half done is ever seen."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest

from loaders.errors import LoadStopped
from tests.loading import column, content_hash, counts, lamps, load_into, none_registered, vin, write_csv
from twin.registry.partitions import KIND_LOCK

Connection = psycopg.Connection
ROWS = 12_000
SHOWN = ("asset", "asset_version", "identifier", "load", "change", "dataset", "organisation")


def start(url: str, *arguments: str) -> subprocess.Popen[str]:
    """A real ``twin load`` in a process of its own."""
    # A shell lets what it runs in the background ignore Ctrl-C, and so all that the tests start.
    heeding = ["env", "--default-signal=INT"]
    command = [*heeding, sys.executable, "-m", "twin.cli", "load", *arguments, "--json"]
    environment = {**os.environ, "TWIN_DATABASE_URL": url}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def shown(connection: Connection) -> dict[str, int]:
    """How many rows there are of everything that a reader could see."""
    return {table: column(connection, f"SELECT count(*) FROM twin.{table}")[0] for table in SHOWN}


def wait_for(connection: Connection, process: subprocess.Popen[str], statement: str) -> None:
    """Until the load runs a statement that matches."""
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        running = column(
            connection,
            "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
        )
        if any(re.search(statement, query) for query in running):
            return
    pytest.fail(f"the load never ran {statement}: {process.communicate()[1][-500:]}")


def kill_at(url: str, connection: Connection, process: subprocess.Popen[str], statement: str) -> None:
    """Kill the load while it runs a statement that matches."""
    with none_registered(url):
        wait_for(connection, process, statement)
        process.send_signal(signal.SIGKILL)
    kill(connection, process)


def kill(connection: Connection, process: subprocess.Popen[str]) -> None:
    """End the process without a chance to tidy up, and wait until the server has noticed."""
    process.send_signal(signal.SIGKILL)
    process.communicate()
    until = time.monotonic() + 10
    others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    while column(connection, others):
        assert time.monotonic() < until, "the server works on for a load that is no more"
        time.sleep(0.05)


@pytest.mark.parametrize(
    "moment",
    [
        "COPY .twin",
        pytest.param("CREATE (UNIQUE )?INDEX", marks=pytest.mark.slow),
        pytest.param("ANALYZE", marks=pytest.mark.slow),
        "INSERT INTO twin.change",
    ],
)
def test_a_killed_first_load_shows_nothing(
    moment: str, owner: Connection, pudong: str, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "lamps.csv", lamps(ROWS, name="路灯", pole_number="P"))
    before = shown(owner)
    process = start(pudong, str(file), "--kind", "streetlight")
    kill_at(pudong, owner, process, moment)
    assert shown(owner) == before
    receipt = load_into(pudong, file)
    assert counts(receipt) == (ROWS, ROWS, 0, 0, 0)
    swept = ["asset_streetlight_1", "identifier_streetlight_1", "rollup_streetlight_1"]
    assert receipt.swept == swept
    assert shown(owner)["asset"] == ROWS
    assert column(owner, "SELECT tablename FROM pg_tables WHERE schemaname = 'stage'") == []
    assert column(owner, "SELECT next <= %s FROM twin.code_sequence", 2 * ROWS + 1) == [True]


def test_a_load_killed_while_it_waits_shows_nothing(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "lamps.csv", lamps(10))
    before = shown(owner)
    kind_lock = (KIND_LOCK, "streetlight")
    owner.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", kind_lock)
    process = start(pudong, str(file), "--kind", "streetlight")
    wait_for(owner, process, "pg_advisory_xact_lock")
    kill(owner, process)
    owner.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", kind_lock)
    assert shown(owner) == before
    receipt = load_into(pudong, file)
    assert (counts(receipt), len(receipt.swept)) == ((10, 10, 0, 0, 0), 1)


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("COPY .stage", marks=pytest.mark.slow),
        pytest.param("A change keeps", marks=pytest.mark.slow),
        "The new slice of each changed asset",
    ],
)
def test_a_killed_reload_shows_the_state_before(
    moment: str, owner: Connection, pudong: str, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "lamps.csv", lamps(ROWS))
    load_into(pudong, file)
    before = content_hash(owner)
    write_csv(file, [{**row, "power": 1} for row in lamps(ROWS)])
    process = start(pudong, str(file), "--kind", "streetlight")
    kill_at(pudong, owner, process, moment)
    other = load_into(pudong, write_csv(tmp_path / "other.csv", lamps(1)), dry_run=True)
    assert len(other.swept) == 1
    assert content_hash(owner) == before
    assert counts(load_into(pudong, file)) == (ROWS, 0, ROWS, 0, 0)


def test_a_stopped_load_is_told_and_leaves_nothing(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "lamps.csv", lamps(ROWS))
    before = shown(owner)
    process = start(pudong, str(file), "--kind", "streetlight")
    with none_registered(pudong):
        wait_for(owner, process, "COPY .twin")
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'twin'"
        )
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert told.rstrip().endswith(f"[{LoadStopped.code}]")
    assert "Traceback" not in told
    assert shown(owner) == before
    assert counts(load_into(pudong, file)) == (ROWS, ROWS, 0, 0, 0)


def test_an_interrupted_load_returns_its_codes(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "lamps.csv", lamps(ROWS))
    process = start(pudong, str(file), "--kind", "streetlight")
    with none_registered(pudong):
        wait_for(owner, process, "COPY .twin")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode != 0
    assert column(owner, "SELECT to_regclass('twin.asset_streetlight')") == [None]
    load_into(pudong, file)
    assert column(owner, "SELECT next FROM twin.code_sequence") == [ROWS + 1]


def receipts(processes: Sequence[subprocess.Popen[str]]) -> list[dict[str, int]]:
    """What the loads told, when all have come to their end: well, or with every row rejected."""
    told = [process.communicate(timeout=120) for process in processes]
    assert all(out for out, _ in told), [err for _, err in told]
    found = [json.loads(out) for out, _ in told]
    assert [p.returncode for p in processes] == [int(one["rejected"] == one["read"]) for one in found]
    return found


def test_two_loads_of_one_dataset_queue(owner: Connection, pudong: str, tmp_path: Path) -> None:
    first = write_csv(tmp_path / "a.csv", lamps(5_000))
    second = write_csv(tmp_path / "b.csv", [{**row, "power": 9} for row in lamps(5_000)])
    told = receipts(
        [start(pudong, str(f), "--kind", "streetlight", "--dataset", "survey") for f in (first, second)]
    )
    assert sorted((r["new"], r["changed"]) for r in told) == [(0, 5_000), (5_000, 0)]
    assert shown(owner)["asset"] == 5_000
    assert shown(owner)["asset_version"] == 10_000


def test_loads_of_different_datasets_run_together(owner: Connection, pudong: str, tmp_path: Path) -> None:
    files = [write_csv(tmp_path / f"{n}.csv", lamps(3_000)) for n in range(3)]
    told = receipts([start(pudong, str(file), "--kind", "streetlight") for file in files])
    assert [r["new"] for r in told] == [3_000] * 3
    assert column(owner, "SELECT count(DISTINCT code) FROM twin.asset") == [9_000]


def test_a_waiting_load_does_not_lose_to_one_that_registers_its_identifiers(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    vehicles = [{"id": n, "vin": vin(n), "lon": 121.5, "lat": 31.2} for n in range(500)]
    files = [write_csv(tmp_path / f"{n}.csv", vehicles) for n in range(2)]
    told = receipts([start(pudong, str(file), "--kind", "vehicle") for file in files])
    assert sorted((r["new"], r["rejected"]) for r in told) == [(0, 500), (500, 0)]
    assert shown(owner)["identifier"] == 500
