"""The embedded database through its whole life: made, used, killed, found again; as root and as somebody."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from twin.registry import database
from twin.registry.embedded import Server, installed, place, processes
from twin.registry.embedded.errors import DataMissing, HomeForeign, HomeUnusable, ServerMissing, StartFailed

RunTwin = Callable[..., subprocess.CompletedProcess[str]]
AS_ROOT = os.geteuid() == 0
NOBODY = 65534


def nothing(url: str) -> None:
    """Leave a new database empty."""


def answers(server: Server) -> bool:
    """Whether the server's own database can be asked."""
    with psycopg.connect(server.url()) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


@pytest.fixture(scope="module")
def home(open_folder: Callable[[], Path]) -> Iterator[Path]:
    """A home whose server, made by the command, this module starts, stops and kills."""
    folder = open_folder() / "home"
    yield folder
    Server(folder).stop()


@pytest.fixture
def twin(home: Path, run_twin: RunTwin) -> Callable[..., str]:
    """Runs ``twin db …`` on ``home``, which must succeed; returns what it printed."""

    def run(*arguments: str) -> str:
        done = run_twin("db", *arguments, env={"TWIN_HOME": str(home)})
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return run


@pytest.fixture
def new_home(open_folder: Callable[[], Path]) -> Iterator[Path]:
    """A home where nothing is yet; whatever comes of it is stopped and removed, wherever it lies."""
    folder = open_folder() / "home"
    yield folder
    found = Server(folder)
    found.stop()
    if here := found.place():
        shutil.rmtree(here.base)


def test_life(twin: Callable[..., str]) -> None:
    assert json.loads(twin("status", "--json"))["state"] in {"absent", "stopped"}
    assert "Started" in twin("start")
    assert "Already running" in twin("start")
    status = json.loads(twin("status", "--json"))
    assert status["state"] == "running"
    assert status["migration"] == status["needed"] == database.head()
    assert status["size_bytes"] > 1_000_000
    assert int(status["version"].split(".")[0]) >= installed.OLDEST
    shown = twin("status")
    assert all(str(status[fact]) in shown for fact in ("data", "socket", "log", "version", "migration"))
    assert "Stopped" in twin("stop")
    assert "not running" in twin("stop")
    assert json.loads(twin("status", "--json"))["state"] == "stopped"


def test_data_survive_a_restart_and_psql_takes_arguments(twin: Callable[..., str]) -> None:
    twin("psql", "-c", "CREATE TABLE kept AS SELECT 42 AS answer")
    twin("stop")
    assert twin("psql", "-At", "-c", "SELECT answer FROM kept") == "42\n"
    twin("psql", "-c", "DROP TABLE kept")


def test_the_server_is_durable_and_speaks_chinese(twin: Callable[..., str]) -> None:
    names = [
        "fsync",
        "synchronous_commit",
        "full_page_writes",
        "data_checksums",
        "listen_addresses",
        "server_encoding",
    ]
    shown = twin("psql", "-At", *(part for name in names for part in ("-c", f"SHOW {name}")))
    assert shown.split("\n")[:-1] == ["on", "on", "on", "on", "", "UTF8"]
    locale = "SELECT datcollate, datctype, '路' ~ '\\w' FROM pg_database WHERE datname = current_database()"
    assert twin("psql", "-At", "-c", locale) == "C|C.UTF-8|t\n"


def test_nobody_else_may_enter(home: Path) -> None:
    Server(home).start(prepare=database.migrate)
    here = Server(home).place()
    assert here
    assert [folder.stat().st_mode & 0o777 for folder in (here.data, here.run)] == [0o700, 0o700]


@pytest.mark.parametrize("role", ["owner", "api", "reader"])
def test_roles_log_in_as_themselves(twin: Callable[..., str], role: str) -> None:
    assert twin("psql", "--role", role, "-At", "-c", "SELECT session_user") == f"twin_{role}\n"
    assert f"twin_{role}@" in twin("url", "--role", role)


def test_a_killed_postmaster_is_replaced(twin: Callable[..., str], home: Path) -> None:
    twin("start")
    killed = Server(home).pid()
    assert killed
    os.kill(killed, signal.SIGKILL)
    assert twin("psql", "-At", "-c", "SELECT 1") == "1\n"
    assert Server(home).pid() not in {None, killed}


def test_a_power_cut_is_survived(twin: Callable[..., str], home: Path) -> None:
    twin("psql", "-c", "CREATE TABLE kept AS SELECT 42 AS answer")
    here = Server(home).place()
    assert here
    for pid in processes.living(here.data):
        os.kill(pid, signal.SIGKILL)
    assert twin("psql", "-At", "-c", "SELECT answer FROM kept; DROP TABLE kept").startswith("42\n")


def test_lock_files_that_name_another_program_are_stale(twin: Callable[..., str], home: Path) -> None:
    twin("stop")
    here = Server(home).place()
    assert here
    with subprocess.Popen(["sleep", "60"], user=here.data.stat().st_uid if AS_ROOT else None) as other:
        stale = f"{other.pid}\n{here.data}\n1\n5432\n{here.run}\n\n\nready\n"
        (here.data / "postmaster.pid").write_text(stale, encoding="utf-8")
        (here.run / f"{place.SOCKET}.lock").write_text(stale, encoding="utf-8")
        assert Server(home).pid() is None
        assert "not running" in twin("stop")
        assert "Started" in twin("start")
        assert other.poll() is None, "a program that is not ours was ended"
        other.kill()


def test_one_start_of_many_wins(new_home: Path) -> None:
    command = [sys.executable, "-m", "twin.cli", "db", "start"]
    environment = {**os.environ, "TWIN_HOME": str(new_home)}
    starts = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [start.communicate(timeout=120)[0].split(":")[0] for start in starts]
    assert sorted(said) == ["Already running", "Already running", "Started"]
    assert [start.returncode for start in starts] == [0, 0, 0]


def test_what_a_killed_start_left_is_finished(new_home: Path) -> None:
    server = Server(new_home)
    (new_home / "postgres" / "data.new").mkdir(parents=True)
    (new_home / "postgres" / "data.new" / "half").touch()
    prepared: list[str] = []
    server.start(prepare=prepared.append)
    here = server.place()
    assert here
    here.complete.unlink()
    server.start(prepare=prepared.append)
    server.start(prepare=prepared.append)
    assert prepared == [server.url(), server.url()]


def test_a_home_in_a_private_folder(new_home: Path) -> None:
    new_home.parent.chmod(0o700)
    server = Server(new_home)
    server.start(prepare=nothing)
    assert answers(server)
    here = server.place()
    assert here
    if AS_ROOT:
        assert here.base.parent == place.SYSTEM_FOLDER
        assert here.pointer.read_text(encoding="utf-8") == f"{here.base}\n"
    else:
        assert here.base.parent == new_home


def test_a_home_with_a_path_of_150_characters(open_folder: Callable[[], Path]) -> None:
    folder = open_folder()
    home = folder / ("城" * 20) / ("d" * (150 - len(str(folder)) - 22))
    assert len(str(home)) == 150
    server = Server(home)
    server.start(prepare=nothing)
    here = server.place()
    assert here
    try:
        assert answers(server)
        assert home not in here.base.parents
        assert len(os.fsencode(here.run / place.SOCKET)) <= place.LONGEST_SOCKET
        assert server.stop()
        assert server.start(prepare=nothing)
        server.stop()
        here.base.rename(here.base.with_suffix(".gone"))
        with pytest.raises(DataMissing, match="Bring that folder back"):
            server.start(prepare=nothing)
        here.base.with_suffix(".gone").rename(here.base)
    finally:
        server.stop()
        shutil.rmtree(here.base)


def as_somebody(work: Callable[[], None]) -> int:
    """Do ``work`` in a process that is not root; its exit status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if AS_ROOT:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("shared", ["s", "s" * 120])
def test_an_ordinary_user(
    open_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch, shared: str
) -> None:
    folder = open_folder()
    if AS_ROOT:
        os.chown(folder, NOBODY, NOBODY)
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / shared))
    near, far = Server(folder / "near"), Server(folder / ("f" * 120))

    def work() -> None:
        for server in (near, far):
            server.start(prepare=nothing)
            assert answers(server)
            here = server.place()
            assert here
            assert here.run.stat().st_uid == os.geteuid()
            assert server.stop()
        assert near.place() == place.Place(folder / "near", folder / "near" / "postgres")
        moved = far.place()
        assert moved
        assert folder / shared in moved.base.parents
        shutil.rmtree(moved.run)

    assert as_somebody(work) == 0


def test_a_foreign_home(open_folder: Callable[[], Path]) -> None:
    home = open_folder() if AS_ROOT else Path("/etc")
    if AS_ROOT:
        os.chown(home, NOBODY, NOBODY)
    with pytest.raises(HomeForeign, match="nobody" if AS_ROOT else "root"):
        Server(home).start(prepare=nothing)


def test_a_home_that_is_a_file(open_folder: Callable[[], Path]) -> None:
    blocked = open_folder() / "file"
    blocked.touch()
    with pytest.raises(HomeUnusable, match="Set TWIN_HOME"):
        Server(blocked / "home").start(prepare=nothing)


def test_no_server_is_installed(new_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "DEBIAN", new_home)
    monkeypatch.setenv("PATH", str(new_home))
    with pytest.raises(ServerMissing) as raised:
        Server(new_home).start(prepare=nothing)
    assert all(way in str(raised.value) for way in ("make setup", "TWIN_DATABASE_URL"))


def test_a_server_that_will_not_start_says_why(open_folder: Callable[[], Path]) -> None:
    server = Server(open_folder() / "home", extra={"shared_buffers": "1kB"})
    with pytest.raises(StartFailed, match="shared_buffers") as raised:
        server.start(prepare=nothing)
    assert str(server.home / "server.log") in str(raised.value)


def test_a_busy_orphan_is_waited_for(new_home: Path) -> None:
    """A backend in the middle of a computation outlives its postmaster, and may still write."""
    server = Server(new_home)
    server.start(prepare=nothing)
    here, killed = server.place(), server.pid()
    assert here
    assert killed
    connection = psycopg.connect(server.url(), autocommit=True)
    orphan = connection.info.backend_pid
    connection.pgconn.send_query(b"SELECT sum(sqrt(i)) FROM generate_series(1, 15000000) AS i")
    time.sleep(0.2)
    os.kill(killed, signal.SIGKILL)
    time.sleep(0.2)
    assert orphan in processes.living(here.data)
    assert server.start(prepare=nothing)
    assert orphan not in processes.living(here.data)
    connection.close()
    assert answers(server)
