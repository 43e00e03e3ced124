"""What benchmarks run on: a server of their own, databases for each run, commands timed by the wall clock."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from twin.registry.database import migrate
from twin.registry.embedded import Server

ROOT = Path(__file__).parents[1]
BENCH = ROOT / "build" / "bench"
"""What benchmarks keep; it may be moved to another clone."""
MIGRATIONS = sorted((ROOT / "twin" / "registry" / "migrations" / "versions").glob("*.*"))
HOME_DIVISION = "310115"
TWIN = [sys.executable, "-m", "twin.cli"]
EMPTY, REGISTRY, PEER = "empty", "twin", "peer"
"""Databases: the one that all are copied from, the registry's own, and the competitors'."""
TEXT_INDEX = "CREATE INDEX asset_words ON twin.asset USING gin (api.bigrams(words))"
"""What loads do without, so that it can be timed apart."""
MB = 1024
CORES = sorted(os.sched_getaffinity(0))
"""Those of the machine that a benchmark may use."""


class CommandFailed(Exception):
    """A command of the benchmark ended with another status than 0."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A command's seconds by the wall clock, its peak of resident memory in MB, and what it printed."""

    seconds: float
    peak: float
    printed: str


class Lab:
    """An embedded server of the benchmark's own in ``home``, with the settings that every user's has."""

    def __init__(self, home: Path, extra: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.server = Server(home, extra)
        # Every user's Python keeps what it has compiled.
        apart = {"TWIN_DATABASE_URL", "PYTHONDONTWRITEBYTECODE"}
        self.environment = {k: v for k, v in os.environ.items() if k not in apart} | {
            "TWIN_HOME": str(home),
            "TWIN_DIVISION": "",
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'graphql'}",
        }

    @contextmanager
    def running(self) -> Iterator[None]:
        """The server runs with the lab's settings, and stops in the end."""
        self.server.stop()
        self.server.start(prepare=migrate)
        try:
            yield
        finally:
            self.server.stop()

    def log(self) -> Path:
        """Where the server writes its log. Raises ``LookupError`` if it was never made."""
        place = self.server.place()
        if place is None:
            raise LookupError(self.home)
        return place.log

    def furnish(self, divisions: Path, levels: Sequence[str]) -> None:
        """Make ``EMPTY``: a registry with a home and these divisions, and without the text index."""
        self.copy_database(self._bare(), REGISTRY)
        self.twin("home", HOME_DIVISION)
        for level in levels:
            columns = ["--code", "code", "--name", "name", "--level", level]
            self.twin("divisions", "load", str(divisions / f"{level}.fgb"), *columns)
        with self.connection(REGISTRY) as connection:
            connection.execute("ANALYZE")
            connection.execute("DROP INDEX twin.asset_words")
        self.copy_database(REGISTRY, EMPTY)

    def _bare(self) -> str:
        """The registry as it was made, which the first lab of a home keeps."""
        with self.connection("postgres") as connection:
            known = connection.execute("SELECT FROM pg_database WHERE datname = 'bare'").fetchone()
        if known is None:
            self.copy_database(REGISTRY, "bare")
        return "bare"

    def copy_database(self, source: str, target: str) -> None:
        """Make ``target`` anew as a copy of ``source``."""
        with self.connection("postgres") as connection:
            names = {"source": sql.Identifier(source), "target": sql.Identifier(target)}
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {target} WITH (FORCE)").format(**names))
            connection.execute(
                sql.SQL("CREATE DATABASE {target} TEMPLATE {source} STRATEGY file_copy").format(**names)
            )

    def drop_database(self, name: str) -> None:
        """Take a database away."""
        with self.connection("postgres") as connection:
            connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))

    def connection(self, database: str) -> psycopg.Connection[Any]:
        """The owner's connection to a database, in autocommit mode."""
        return psycopg.connect(self.server.url(database=database), autocommit=True)

    def settle(self) -> None:
        """Write everything to disk, so that nobody pays for what was before."""
        with self.connection("postgres") as connection:
            connection.execute("CHECKPOINT")

    def timed(self, load: Callable[[], None]) -> float:
        """Seconds that a competitor takes to ``load`` into ``PEER``, a copy of ``EMPTY``, and onto disk."""
        self.copy_database(EMPTY, PEER)
        self.settle()
        begin = time.perf_counter()
        load()
        self.settle()
        seconds = time.perf_counter() - begin
        self.vacuum(PEER)
        return seconds

    def vacuum(self, database: str) -> None:
        """Do what autovacuum would do within a minute, beside whoever is measured then."""
        with self.connection(database) as connection:
            connection.execute("VACUUM")

    def ogr_name(self, database: str) -> str:
        """How GDAL names a database."""
        place = self.server.place()
        return f"PG:host={place.run if place else ''} port=5432 dbname={database} user=twin_owner"

    def psql(self, database: str) -> list[str]:
        """The command that runs what it reads."""
        return ["psql", "-q", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, self.server.url(database=database)]

    def twin(self, *words: str) -> Ran:
        """``twin``, as a user runs it."""
        return self.run([*TWIN, *words])

    def run(self, command: Sequence[str | Path]) -> Ran:
        """Run and time a command; ``|`` stands between two that are piped. Raises ``CommandFailed``."""
        groups: list[list[str]] = [[]]
        for word in map(str, command):
            groups.append([]) if word == "|" else groups[-1].append(word)
        start = time.perf_counter()
        *before, last = groups
        feeding = (
            subprocess.Popen(before[0], stdout=subprocess.PIPE, env=self.environment) if before else None
        )
        process = subprocess.Popen(
            last,
            stdin=feeding.stdout if feeding else None,
            stdout=subprocess.PIPE,
            env=self.environment,
            cwd=ROOT,
        )
        if feeding and feeding.stdout:
            feeding.stdout.close()
        printed = process.stdout.read().decode() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        failed = process.returncode or (feeding.wait() if feeding else 0)
        seconds = time.perf_counter() - start
        if failed:
            raise CommandFailed(f"{' '.join(map(str, command))}: {failed}\n{printed}")
        return Ran(seconds, usage.ru_maxrss / MB, printed)

    def versions(self) -> list[str]:
        """What runs here: versions and the machine."""
        with self.connection("postgres") as connection:
            server = connection.execute("SHOW server_version").fetchone()
        with self.connection(REGISTRY) as connection:
            postgis = connection.execute("SELECT postgis_lib_version()").fetchone()
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1024**3
        return [
            f"PostgreSQL {server[0] if server else '?'}",
            f"PostGIS {postgis[0] if postgis else '?'}",
            f"City Twin {_revision()}, Python {sys.version.split()[0]}",
            f"{len(CORES)} cores, {memory:.0f} GB",
        ]


def mark_of(files: Iterable[Path]) -> str:
    """Eight digits that change with the files."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:8]


def _revision() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "of no known revision"
