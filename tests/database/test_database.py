"""Connections are checked, each failure has its words, and migrations go up and down."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from twin.registry import database, pool
from twin.registry.embedded import Server, installed

Connection = psycopg.Connection[tuple[object, ...]]
RunTwin = Callable[..., subprocess.CompletedProcess[str]]


def schema(url: str) -> str:
    """The database's whole definition, as pg_dump writes it."""
    dump = [installed.find().program("pg_dump"), "--schema-only", "--no-comments", url]
    text = subprocess.run(dump, capture_output=True, text=True, check=True).stdout
    return "\n".join(
        line for line in text.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))
    )


@pytest.fixture
def bare_url(database_url: str) -> str:
    """A database of this test's own without anything in it."""
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    with psycopg.connect(database_url.replace(str(name), "postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name}")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    return database_url


@pytest.mark.parametrize("role", ["owner", "api", "reader"])
def test_each_role_gets_a_checked_connection(twin_env: str, role: database.Role) -> None:
    with database.connect(role) as connection:
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert connection.execute("SELECT current_user").fetchone() == (f"twin_{role}",)


def test_a_server_of_ones_own_starts_nothing(twin_env: str, tmp_path: Path, run_twin: RunTwin) -> None:
    env = {"TWIN_HOME": str(tmp_path / "home")}
    assert run_twin("db", "url", env=env).stdout == f"{twin_env}\n"
    assert run_twin("db", "status", env=env).returncode == 0
    assert run_twin("db", "migrate", env=env).returncode == 0
    for command in ("start", "stop"):
        refused = run_twin("db", command, env=env)
        assert refused.returncode == 1
        assert "TWIN_DATABASE_URL" in refused.stderr
    assert not (tmp_path / "home").exists()


def test_options_of_ones_own_are_kept(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("TWIN_DATABASE_URL", f"{database_url}&options=-c%20work_mem%3D7MB")
    with database.connect("api") as connection:
        shown = connection.execute("SELECT current_user, current_setting('work_mem')").fetchone()
    assert shown == ("twin_api", "7MB")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_database_that_is_down(run_twin: RunTwin, lang: str) -> None:
    env = {"TWIN_DATABASE_URL": "postgresql://someone:secret@127.0.0.1:1/city", "TWIN_LANG": lang}
    failed = run_twin("db", "migrate", env=env)
    assert failed.returncode == 1
    assert "127.0.0.1:1/city" in failed.stderr
    assert ("无法连接" in failed.stderr) == (lang == "zh")
    assert "[database.down]" in failed.stderr
    assert not any(word in failed.stderr for word in ("Traceback", "secret"))


@pytest.mark.parametrize(
    "url", ["mysql://somewhere/city", "host=127.0.0.1 dbname=city", "postgresql://[half"]
)
def test_an_address_that_cannot_be_read(run_twin: RunTwin, url: str) -> None:
    failed = run_twin("db", "url", env={"TWIN_DATABASE_URL": url})
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "postgresql://user:password@host:5432/twin" in failed.stderr


def test_a_server_that_is_too_old(twin_env: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "OLDEST", 99)
    with pytest.raises(database.DatabaseTooOld, match="99 or newer"):
        database.connect()


def test_a_server_without_postgis(bare_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(bare_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA bare")
        connection.execute("CREATE VIEW bare.pg_available_extensions AS SELECT 'plpgsql' AS name")
        connection.execute(
            f"ALTER DATABASE {connection.info.dbname} SET search_path = bare, pg_catalog, public"
        )
    monkeypatch.setenv("TWIN_DATABASE_URL", bare_url)
    for attempt in (database.connect, lambda: database.migrate(bare_url)):
        with pytest.raises(database.PostgisMissing, match="Install PostGIS"):
            attempt()


def test_another_migration(twin_env: str, owner: Connection, run_twin: RunTwin) -> None:
    owner.execute("UPDATE public.twin_migration SET version_num = 'older'")
    with pytest.raises(database.MigrationMismatch) as raised:
        database.connect("api")
    assert all(word in str(raised.value) for word in ("older", database.head(), "twin db migrate"))
    failed = run_twin("db", "migrate")
    assert failed.returncode == 1
    assert "[database.migration_failed]" in failed.stderr


def test_migrations_go_down_and_up(twin_env: str, run_twin: RunTwin) -> None:
    before = schema(twin_env)
    assert "twin.asset" in before
    assert "base" in run_twin("db", "migrate", "--down", "base").stdout
    assert "twin.asset" not in schema(twin_env)
    with pytest.raises(database.MigrationMismatch, match="none"):
        database.connect()
    assert database.head() in run_twin("db", "migrate").stdout
    assert schema(twin_env) == before


def test_two_migrations_at_once(bare_url: str, new_database: Callable[[], str]) -> None:
    command = [sys.executable, "-m", "twin.cli", "db", "migrate"]
    environment = {**os.environ, "TWIN_DATABASE_URL": bare_url}
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [one.wait(timeout=60) for one in both] == [0, 0]
    assert schema(bare_url) == schema(new_database())


def test_an_unprivileged_owner_is_told_what_failed(bare_url: str, server: Server) -> None:
    with psycopg.connect(bare_url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS someone")
        connection.execute("CREATE ROLE someone LOGIN")
    with pytest.raises(database.MigrationFailed, match="permission denied"):
        database.migrate(bare_url.replace("twin_owner@", "someone@"))


def test_the_pool_times_out_recycles_and_recovers(
    twin_env: str, owner: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWIN_API_STATEMENT_TIMEOUT_MS", "200")

    async def use() -> None:
        async with pool.open_pool("api", size=2) as lines:
            async with lines.connection() as connection:
                first = connection.info.backend_pid
                assert connection.autocommit
                with pytest.raises(psycopg.errors.QueryCanceled):
                    await connection.execute("SELECT pg_sleep(5)")
            await asyncio.sleep(1.1)
            await asyncio.to_thread(owner.execute, "SELECT pg_terminate_backend(%s)", [first])
            async with lines.connection() as connection:
                row = await (await connection.execute("SELECT current_user, pg_backend_pid()")).fetchone()
        assert row is not None
        assert row[0] == "twin_api"
        assert row[1] != first

    asyncio.run(use())
