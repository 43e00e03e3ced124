"""What tests of every kind share: real databases that are cheap to have, the command, the real data."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import uvloop
from browser import Browser, chromium
from pooled_lines import Run, opened
from psycopg.rows import TupleRow

from twin.registry import database
from twin.registry.divisions import set_home
from twin.registry.embedded import Server
from twin.registry.lines import Lines

ROOT = Path(__file__).parent.parent
Connection = psycopg.Connection[TupleRow]
RunTwin = Callable[..., subprocess.CompletedProcess[str]]

QUICK = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
}
"""A test's database need not survive the machine."""


def pytest_configure() -> None:
    """Keep tests away from the databases and the language of whoever runs them."""
    os.environ.pop("TWIN_DATABASE_URL", None)
    os.environ.pop("TWIN_DIVISION", None)
    os.environ["TWIN_HOME"] = "/dev/null/a-test-must-name-its-database"
    os.environ["TWIN_LANG"] = "en"


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Callable[[], Path]]:
    """Makes empty folders that every user may enter, as pytest's own are not; removed in the end."""
    made: list[Path] = []

    def make() -> Path:
        made.append(Path(tempfile.mkdtemp(prefix="twin-test-")))
        made[-1].chmod(0o755)
        return made[-1]

    yield make
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server(open_folder: Callable[[], Path]) -> Iterator[Server]:
    """One embedded server for all tests of this process; its database ``twin`` stays empty."""
    started = Server(open_folder() / "home", extra=QUICK)
    started.start(prepare=database.migrate)
    yield started
    started.stop()


@pytest.fixture(scope="session")
def new_database(server: Server) -> Callable[[], str]:
    """Makes databases, each fresh and migrated, copied from one that is; returns the owner's URL."""

    def make() -> str:
        name = f"test_{uuid4().hex[:12]}"
        with psycopg.connect(server.url(database="postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE twin STRATEGY file_copy")
        return server.url(database=name)

    return make


@pytest.fixture
def database_url(server: Server, new_database: Callable[[], str]) -> Iterator[str]:
    """The owner's URL of a fresh, migrated database of this test's own."""
    url = new_database()
    yield url
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(server.url(database="postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def owner(database_url: str) -> Iterator[Connection]:
    """An autocommitting connection to ``database_url`` as ``twin_owner``."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def pudong(owner: Connection, database_url: str) -> str:
    """The URL of a registry whose home is Pudong."""
    set_home(owner, "310115")
    return database_url


@pytest.fixture
def api(database_url: str) -> Iterator[Connection]:
    """An autocommitting connection to ``database_url`` as ``twin_api``."""
    with psycopg.connect(database_url.replace("twin_owner@", "twin_api@"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def twin_env(monkeypatch: pytest.MonkeyPatch, database_url: str) -> str:
    """Makes ``database_url`` the database of everything that this test runs, in or out of the process."""
    monkeypatch.setenv("TWIN_DATABASE_URL", database_url)
    return database_url


@pytest.fixture(scope="session")
def run_twin() -> RunTwin:
    """Runs the ``twin`` command as a user does: ``run_twin("db", "status", env={…}, cwd=…)``."""

    def run(
        *arguments: str, env: Mapping[str, str] | None = None, cwd: Path = ROOT, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "twin.cli", *arguments]
        environment = {**os.environ, **(env or {})}
        return subprocess.run(
            command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False
        )

    return run


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium; tests open pages in it with ``browser.visiting``."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real files: ``TWIN_REAL_DATA``, else ``../shared/data`` beside the repository."""
    folder = Path(os.environ.get("TWIN_REAL_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("no real data")
    return folder


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    """Runs in a loop of asyncio's, or of that which servers use."""
    with asyncio.Runner(loop_factory=request.param) as made:
        yield made


@pytest.fixture
def run(database_url: str, runner: asyncio.Runner) -> Run:
    """Does something over two lines."""

    def within(work: Callable[[Lines], Awaitable[Any]]) -> Any:
        async def go() -> Any:
            async with opened(database_url) as made:
                return await work(made)

        return runner.run(go())

    return within
