"""Loads that are killed at any moment: the registry is as it was or as it becomes, and the next load works.

``pytest -s -m slow tests/database/test_loading_kills.py`` prints what each kill met and left, and the seed of
their moments, by which ``TWIN_KILLS_SEED`` chooses the same again.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import geopandas
import psycopg
import pytest

from fixtures.generate import generate
from tests.loading import column, counts, load_into
from twin.registry.divisions import set_home
from twin.registry.embedded import Server

Connection = psycopg.Connection
KILLS = 20
ASSETS = 40_000
KIND = "streetlight"

HELD = """
SELECT 'asset', a.source_key, p.source_key, to_jsonb(a) - %(ours)s::text[]
FROM twin.asset a LEFT JOIN twin.asset p ON p.code = a.parent
UNION ALL
SELECT 'version', v.source_key, p.source_key, to_jsonb(v) - %(ours)s::text[]
    || jsonb_build_object('valid', upper_inf(v.valid), 'recorded', upper_inf(v.recorded))
FROM twin.asset_version v LEFT JOIN twin.asset p ON p.code = v.parent
UNION ALL
SELECT 'identifier', a.source_key, NULL, to_jsonb(i) - %(ours)s::text[]
    || jsonb_build_object('current', i.valid_to IS NULL)
FROM twin.identifier i LEFT JOIN twin.asset a ON a.code = i.code
UNION ALL
SELECT 'organisation', key, NULL, to_jsonb(o) FROM twin.organisation o
UNION ALL
SELECT 'dataset', name, NULL, NULL FROM twin.dataset
"""
OURS = [
    "code",
    "parent",
    "dataset_id",
    "load_id",
    "valid_from",
    "valid_to",
    "recorded_from",
    "valid",
    "recorded",
]
"""What may differ from one load of the same rows to the next: numbers, moments, codes."""


@dataclass(frozen=True)
class State:
    """A hash of every row of the registry, and how many loads it has accounts of."""

    rows: str
    loads: int

    @classmethod
    def of(cls, connection: Connection) -> State:
        """What a reader sees now."""
        found = connection.execute(
            "SELECT md5(coalesce(string_agg(md5(held::text), '' ORDER BY md5(held::text)), '')),"
            f" (SELECT count(*) FROM twin.load) FROM ({HELD}) AS held",
            {"ours": OURS},
        ).fetchone()
        assert found is not None
        return cls(*found)


@dataclass(frozen=True)
class Killed:
    """One kill: how long the load had run, s, what the server was doing for it, what a reader saw then."""

    after: float
    doing: str
    seen: str


@pytest.fixture(scope="module")
def lamps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated city's street lamps."""
    folder = tmp_path_factory.mktemp("city")
    generate(ASSETS, folder, seed=1)
    return folder / f"{KIND}.fgb"


@pytest.fixture(scope="module")
def earlier(lamps: Path) -> Path:
    """The same register some time ago: the last twentieth not there yet, every third lamp another one."""
    rows = geopandas.read_file(lamps)
    rows = rows.iloc[: len(rows) * 19 // 20].copy()
    rows.loc[::3, "power"] = rows.loc[::3, "power"] + 7
    folder = lamps.parent / "earlier"
    folder.mkdir()
    rows.to_file(folder / lamps.name, driver="FlatGeobuf")
    return folder / lamps.name


@contextmanager
def copied(server: Server, template: str = "twin") -> Iterator[str]:
    """The URL of a copy of a database, and then it is no more."""
    name = f"kills_{uuid4().hex[:12]}"
    with psycopg.connect(server.url(database="postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        try:
            yield server.url(database=name)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def name_of(url: str) -> str:
    """The name of the database at ``url``."""
    return str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])


class Loader:
    """A process that has imported what ``twin load`` needs, and becomes one when it is told of a file."""

    def __init__(self) -> None:
        waits = (
            "import os, sys, loaders.load\n"
            "print('ready', flush=True)\n"
            "os.environ['TWIN_DATABASE_URL'], *sys.argv = sys.stdin.readline().rstrip().split('\\t')\n"
            "from twin.cli import main\n"
            "main()\n"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", waits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def load(self, url: str, file: Path, *options: str) -> float:
        """Begin to load the file; gives the moment."""
        assert self.process.stdin is not None and self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        command = ("twin", "load", str(file), "--kind", KIND, "--json", *options)
        self.process.stdin.write("\t".join((url, *command)) + "\n")
        self.process.stdin.flush()
        return time.monotonic()

    def end(self) -> str:
        """Wait for its end, and give what it said."""
        out, err = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, err
        return out

    def kill(self, connection: Connection) -> str:
        """End it without a chance to tidy up; gives what the server was doing for it."""
        found = connection.execute(f"SELECT state, query {BACKENDS} AND application_name = 'twin'").fetchone()
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()
        until = time.monotonic() + 30
        while column(connection, f"SELECT pid {BACKENDS}"):
            assert time.monotonic() < until, "the server works on for a load that is no more"
            time.sleep(0.02)
        if found is None:
            return "not connected"
        state, query = found
        return query.strip().splitlines()[0][:70] if state == "active" else f"waiting for rows ({state})"


def loaders(count: int) -> Iterator[Loader]:
    """So many processes; while one loads the next imports."""
    following = Loader()
    try:
        for _ in range(count):
            ready, following = following, Loader()
            yield ready
    finally:
        following.process.kill()
        following.process.communicate()


BACKENDS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def undisturbed(server: Server, template: str, file: Path) -> tuple[float, float, State]:
    """How long the load takes, s, and its merge at the end of it; and what it leaves."""
    with copied(server, template) as url:
        (loader,) = loaders(1)
        begun = loader.load(url, file)
        receipt = json.loads(loader.end())
        took = time.monotonic() - begun
        with psycopg.connect(url, autocommit=True) as connection:
            return took, receipt["seconds"]["merge"], State.of(connection)


def moments(took: float, merge: float) -> list[float]:
    """Random ones: half spread over the whole load, half over the merge, which is its end."""
    seed = int(os.environ.get("TWIN_KILLS_SEED") or random.SystemRandom().randrange(10**6))
    dice = random.Random(seed)
    print(f"\nTWIN_KILLS_SEED={seed}; undisturbed {took:.2f} s, of which merge {merge:.2f} s")
    parts = [(0.0, 1.1 * took), (took - merge, 1.1 * took)]
    return sorted(
        begin + (end - begin) * (n + dice.random()) / (KILLS // 2)
        for begin, end in parts
        for n in range(KILLS // 2)
    )


def told(kills: Sequence[Killed]) -> None:
    """Print what the kills met and left."""
    print(f"{'after':>8}  {'registry':9} the server was at")
    for one in kills:
        print(f"{one.after:6.2f} s  {one.seen:9} {one.doing}")


def killed_everywhere(server: Server, template: str, file: Path) -> None:
    """Kill loads into copies of a database, and load again: what is seen is one state or the other."""
    with copied(server, template) as url, psycopg.connect(url, autocommit=True) as connection:
        before = State.of(connection)
    took, merge, complete = undisturbed(server, template, file)
    assert complete.loads == before.loads + 1
    kills = []
    for loader, moment in zip(loaders(KILLS), moments(took, merge), strict=True):
        with copied(server, template) as url, psycopg.connect(url, autocommit=True) as connection:
            loader.load(url, file)
            time.sleep(moment)
            doing = loader.kill(connection)
            state = State.of(connection)
            assert state in (before, complete), f"half a load after {moment:.2f} s, at {doing}"
            kills.append(Killed(moment, doing, "before" if state == before else "complete"))
            receipt = load_into(url, file, KIND)
            assert sum(counts(receipt)[1:]) == receipt.read
            assert State.of(connection) == State(complete.rows, state.loads + 1)
            assert column(connection, "SELECT tablename FROM pg_tables WHERE schemaname = 'stage'") == []
    told(kills)


@pytest.fixture(scope="module")
def with_home(server: Server) -> Iterator[str]:
    """The name of a database that knows where it is, and nothing else."""
    with copied(server) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            set_home(connection, "310115")
        yield name_of(url)


@pytest.mark.slow
def test_a_first_load_killed_at_twenty_moments(server: Server, with_home: str, lamps: Path) -> None:
    killed_everywhere(server, with_home, lamps)


@pytest.mark.slow
def test_a_reload_killed_at_twenty_moments(
    server: Server, with_home: str, lamps: Path, earlier: Path
) -> None:
    with copied(server, with_home) as url:
        load_into(url, earlier, KIND)
        killed_everywhere(server, name_of(url), lamps)


@pytest.mark.slow
def test_a_load_in_batches_killed_again_and_again(server: Server, with_home: str, lamps: Path) -> None:
    """Each time it goes on; what is registered is always the rows up to the last batch, each once."""
    took, _, complete = undisturbed(server, with_home, lamps)
    options = ("--batch", "500", "--resume")
    dice = random.Random(int(took * 1e6))
    stands = []
    with copied(server, with_home) as url, psycopg.connect(url, autocommit=True) as connection:
        for loader in loaders(KILLS):
            loader.load(url, lamps, *options)
            time.sleep(0.5 + dice.random() * took / 4)
            doing = loader.kill(connection)
            found = connection.execute(STANDS).fetchone()
            if found is not None:
                read, stand, new, assets, versions = found
                assert (assets, versions) == (new, 0)
                assert stand is None or read == stand
                stands.append(f"{read:6} rows, at {doing}")
        (last,) = loaders(1)
        last.load(url, lamps, *options)
        json.loads(last.end())
        print("\n" + "\n".join(stands))
        assert State.of(connection).rows == complete.rows
        assert column(connection, "SELECT count(*) FROM twin.load_rejection") == [0]


STANDS = """
SELECT read, (stands ->> 'row')::bigint, new, (SELECT count(*) FROM twin.asset),
    (SELECT count(*) FROM twin.asset_version)
FROM twin.load
ORDER BY id
LIMIT 1
"""
