"""Starting and stopping the embedded server: on demand, by any number of processes at once, after any end.

An exclusive ``flock`` on ``TWIN_HOME/lock`` lets one process at a time make, start or stop; the lock dies
with its holder. What a killed holder left half made is swept or finished by the next.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import psycopg

from twin.registry.embedded import installed, place, processes, tuning
from twin.registry.embedded.errors import HomeUnusable, ServerBusy, StartFailed
from twin.registry.embedded.place import Place

OWNER = "twin_owner"
DATABASE = "twin"
LONGEST_START = 300
"""Seconds: recovery after a kill replays up to ``max_wal_size`` of log."""
LARGEST_LOG = 10 * 1024 * 1024


class Server:
    """The embedded server of one ``TWIN_HOME``; ``extra`` settings win over the tuned ones."""

    def __init__(self, home: Path, extra: Mapping[str, str] | None = None) -> None:
        self.home = home.resolve()
        self.extra = dict(extra or {})

    @cached_property
    def account(self) -> place.Account:
        """The user it runs as."""
        return place.account()

    def place(self) -> Place | None:
        """Where it is, or None if it was never made."""
        return place.existing(self.home)

    def pid(self) -> int | None:
        """Its postmaster, if it runs and takes connections."""
        here = self.place()
        found = processes.postmaster(here.data) if here else None
        return found[0] if found and found[1] == "ready" else None

    def url(self, user: str = OWNER, database: str = DATABASE) -> str:
        """Its address for ``user``; raises ``LookupError`` if it was never made."""
        here = self.place()
        if here is None:
            raise LookupError(self.home)
        return f"postgresql://{user}@/{database}?host={quote(str(here.run), safe='')}&port=5432"

    def start(self, prepare: Callable[[str], None]) -> bool:
        """Make it if need be and start it unless it runs; True if it did not run.

        ``prepare`` is given the owner's URL of a database that was just created, still empty, and fills it
        before anybody else sees it. Raises ``ServerMissing``, ``StartFailed``, ``ServerBusy``,
        ``HomeForeign``, ``HomeUnusable``, ``DataMissing``.
        """
        here = self.place()
        if here and here.complete.exists() and self.pid():
            return False
        with self._locked():
            here = place.prepared(self.home, self.account)
            launched = self._launched(here)
            if not here.complete.exists():
                _create_database(self.url(database="postgres"))
                prepare(self.url())
                here.complete.touch()
        return launched

    def stop(self) -> bool:
        """End it: connections are closed, work in progress is rolled back. False if it did not run."""
        here = self.place()
        if here is None:
            return False
        with self._locked():
            found = processes.postmaster(here.data)
            if found is None:
                return False
            os.kill(found[0], signal.SIGINT)  # PostgreSQL's fast shutdown
            _await(lambda: not processes.living(here.data), here)
        return True

    def _launched(self, here: Place) -> bool:
        """See to it that the server of ``here`` takes connections; True if it had to be launched."""
        if not (here.data / "PG_VERSION").exists():
            self._make(here)
        _await(lambda: (processes.postmaster(here.data) or (0, "ready"))[1] == "ready", here)
        if processes.postmaster(here.data):
            return False
        _await(lambda: not processes.living(here.data), here)
        for left in (
            here.data / "postmaster.pid",
            here.run / place.SOCKET,
            here.run / f"{place.SOCKET}.lock",
        ):
            left.unlink(missing_ok=True)
        self._launch(here)
        return True

    def _make(self, here: Place) -> None:
        """Run initdb beside the data's place, so that a killed one is never mistaken for a database."""
        new = here.base / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        os.chown(new, self.account.uid, self.account.gid)
        initdb = installed.find().program("initdb")
        options = ["--username", OWNER, "--auth-local=trust", "--auth-host=reject", "--data-checksums"]
        locale = ["--encoding=UTF8", "--locale=C.UTF-8", "--lc-collate=C", "--no-instructions"]
        self._run([initdb, "-D", str(new), *options, *locale], here)
        new.rename(here.data)
        if here.base.parent != here.home:
            here.pointer.write_text(f"{here.base}\n", encoding="utf-8")

    def _launch(self, here: Place) -> None:
        version = int((here.data / "PG_VERSION").read_text(encoding="utf-8"))
        programs = installed.find(version)
        pg_ctl = programs.program("pg_ctl")
        settings = tuning.compression(programs.version, lz4=programs.lz4) | dict(self.extra)
        here.config.write_text(_configuration(here, settings), encoding="utf-8")
        if here.log.exists() and here.log.stat().st_size > LARGEST_LOG:
            here.log.replace(here.log.with_suffix(".log.1"))
        wait = ["-w", "-s", "-t", str(LONGEST_START)]
        self._run(
            [pg_ctl, "start", "-D", str(here.data), *wait, "-o", f"-c config_file='{here.config}'"], here
        )

    def _run(self, command: list[str], here: Place) -> None:
        with here.log.open("ab") as log:
            begin = log.tell()
            status = self.account.run(command, log, here.base)
        if status:
            with here.log.open("rb") as log:
                log.seek(begin)
                words = log.read().decode(errors="replace")
            raise StartFailed(reason=_reason(words), log=here.log)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            lock = (self.home / "lock").open("a")
        except OSError as problem:
            raise HomeUnusable(folder=self.home, reason=problem.strerror) from problem
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _configuration(here: Place, extra: Mapping[str, str]) -> str:
    """The text of ``twin.conf``, which includes what initdb wrote."""
    cores = len(os.sched_getaffinity(0))
    where = {"unix_socket_directories": f'"{here.run}"', "cluster_name": processes.cluster_name(here.data)}
    chosen = (
        tuning.tuned(tuning.machine_memory(), cores) | tuning.DURABLE | tuning.PLAIN | where | dict(extra)
    )
    lines = [f"{name} = {_quoted(value)}" for name, value in chosen.items()]
    return "\n".join([f"include {_quoted(str(here.data / 'postgresql.conf'))}", *lines, ""])


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _create_database(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if known is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _await(done: Callable[[], bool], here: Place) -> None:
    """Wait until ``done``; raises ``ServerBusy`` when that takes longer than any recovery should."""
    deadline = time.monotonic() + LONGEST_START
    while not done():
        if time.monotonic() > deadline:
            raise ServerBusy(data=here.data, pids=", ".join(map(str, processes.living(here.data))))
        time.sleep(0.05)


def _reason(words: str) -> str:
    """The last of the server's words, which tell why it failed."""
    lines = [line.strip() for line in words.splitlines() if line.strip() and "pg_ctl" not in line]
    return " ".join(lines[-3:]) or "it said nothing."
