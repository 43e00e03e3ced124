"""Who sees what: the API's role reads views only, SQL roles read under row-level security."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from twin.kinds import kind
from twin.registry.partitions import ensure_partitions

Connection = psycopg.Connection[Any]

INSERT = """
INSERT INTO twin.asset
    (kind, issued_in, code, scheme, dataset_id, source_key, division, load_id, source_hash, valid_from)
VALUES (%s, '310115', %s, 'gbt30428', 1, %s, %s, 1, 0, now())
"""


@pytest.fixture
def three_assets(owner: Connection) -> Connection:
    for name in ("streetlight", "building"):
        ensure_partitions(owner, kind(name))
    owner.execute(INSERT, ("streetlight", "lamp-1", "1", "310115"))
    owner.execute(INSERT, ("streetlight", "lamp-2", "2", "310104"))
    owner.execute(INSERT, ("building", "house-1", "1", "310115"))
    owner.commit()
    return owner


def _codes(connection: Connection, relation: str = "api.asset") -> list[str]:
    return [row[0] for row in connection.execute(f"SELECT code FROM {relation} ORDER BY code").fetchall()]


@pytest.mark.parametrize(
    ("scope", "codes"),
    [
        ("*", ["house-1", "lamp-1", "lamp-2"]),
        ("", []),
        (json.dumps({"kinds": ["streetlight"]}), ["lamp-1", "lamp-2"]),
        (json.dumps({"divisions": ["310115"]}), ["house-1", "lamp-1"]),
        (json.dumps({"kinds": ["building"], "divisions": ["310104"]}), []),
    ],
)
def test_the_scope_decides_what_the_api_sees(
    three_assets: Connection, api: Connection, scope: str, codes: list[str]
) -> None:
    api.execute("SELECT set_config('twin.scope', %s, false)", (scope,))
    assert _codes(api) == codes


def test_the_api_role_reads_no_table_and_no_partition(three_assets: Connection, api: Connection) -> None:
    relations = three_assets.execute(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
        " WHERE schemaname IN ('twin', 'stage', 'queue')"
    ).fetchall()
    assert len(relations) > 12
    for (relation,) in relations:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            api.execute(f"SELECT FROM {relation}")
        api.rollback()


def test_the_api_role_writes_nothing(three_assets: Connection, api: Connection) -> None:
    for statement in (
        "DELETE FROM api.asset",
        "UPDATE api.setting SET value = ''",
        "CREATE TABLE public.mine ()",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            api.execute(statement)
        api.rollback()


def test_the_api_role_defers_work_and_reads_how_it_stands_and_nothing_else(
    owner: Connection, api: Connection
) -> None:
    api.execute("SET twin.scope = '*'")
    api.execute("SELECT api.add_upload('one', 'lamps.csv', 3)")
    assert api.execute("SELECT id, state FROM api.upload").fetchall() == [("one", "inspecting")]
    query = "SELECT task_name, args FROM queue.procrastinate_jobs"
    assert owner.execute(query).fetchall() == [("inspect", {"upload": "one"})]
    assert api.execute("SELECT api.load_upload('one', '{}')").fetchone() == (False,)
    owner.execute("UPDATE twin.upload SET state = 'inspected', report = '{}'")
    assert api.execute("SELECT api.load_upload('one', '{}')").fetchone() == (True,)
    for statement in ("SELECT twin.defer_upload('load', 'one')", "DELETE FROM api.upload"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            api.execute(statement)


def test_a_reader_defers_no_work(reader: Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("SELECT api.add_upload('one', 'lamps.csv', 3)")


@pytest.fixture
def reader(three_assets: Connection) -> Connection:
    three_assets.execute("SET ROLE twin_reader")
    return three_assets


def test_a_reader_sees_typed_views_and_no_partition(reader: Connection) -> None:
    assert _codes(reader, "city.streetlight") == ["lamp-1", "lamp-2"]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        _codes(reader, "twin.asset_streetlight")


def test_a_readers_scope_is_not_theirs_to_change(three_assets: Connection) -> None:
    three_assets.execute("UPDATE twin.sql_scope SET divisions = '{310104}' WHERE role = 'twin_reader'")
    three_assets.execute("SET ROLE twin_reader")
    three_assets.execute("SET twin.scope = '*'")
    assert _codes(three_assets, "city.streetlight") == ["lamp-2"]
    assert _codes(three_assets, "twin.asset") == ["lamp-2"]


def test_row_level_security_leaves_the_spatial_index_in_use(three_assets: Connection) -> None:
    three_assets.execute(
        "INSERT INTO twin.asset (kind, issued_in, code, scheme, dataset_id, source_key, division, load_id,"
        " source_hash, valid_from, geom, cell)"
        " SELECT 'streetlight', '310115', 'x' || n, 'gbt30428', 2, n::text, '310115', 1, 0, now(),"
        " st_setsrid(st_makepoint(121 + n % 1000 / 1000.0, 31 + n / 1000 / 20.0), 4326), n"
        " FROM generate_series(1, 20000) AS n"
    )
    three_assets.execute("ANALYZE twin.asset_streetlight")
    three_assets.execute("SET ROLE twin_reader")
    rows = three_assets.execute(
        "EXPLAIN SELECT * FROM city.streetlight"
        " WHERE geom && st_makeenvelope(121.1, 31.1, 121.11, 31.11, 4326)"
    ).fetchall()
    assert "asset_streetlight_1_geom_idx" in "\n".join(row[0] for row in rows)
