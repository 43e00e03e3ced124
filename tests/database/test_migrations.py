"""Migrations lead up and down, and leave what ``twin.registry.tables`` says."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from twin.registry.database import downgrade, migrate
from twin.registry.tables import asset, metadata, views


def _engine(url: str) -> Any:
    return create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))


def _differences(url: str) -> list[Any]:
    def include(item: Any, name: str | None, kind: str, reflected: bool, counterpart: Any) -> bool:
        return kind != "table" or item.schema == "twin"

    options = {
        "include_schemas": True,
        "include_name": lambda name, kind, parents: kind != "schema" or name == "twin",
        "include_object": include,
        "compare_type": True,
    }
    with _engine(url).connect() as connection:
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


@pytest.mark.filterwarnings("ignore:Did not recognize type")
def test_the_tables_are_those_of_the_metadata(database_url: str) -> None:
    assert _differences(database_url) == []


@pytest.mark.filterwarnings("ignore:Did not recognize type")
def test_a_column_the_metadata_lacks_is_noticed(database_url: str, owner: psycopg.Connection[Any]) -> None:
    owner.execute("ALTER TABLE twin.dataset ADD COLUMN stray text")
    owner.commit()
    assert [difference[0] for difference in _differences(database_url)] == ["remove_column"]


def test_the_views_have_the_columns_that_queries_name(owner: psycopg.Connection[Any]) -> None:
    rows = owner.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'api'"
    ).fetchall()
    found = {(name, column) for name, column in rows}
    named = {(view.name, column.name) for view in views.tables.values() for column in view.columns}
    assert named <= found


def test_down_and_up_again(database_url: str, owner: psycopg.Connection[Any]) -> None:
    owner.close()
    downgrade(database_url, "base")
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_namespace WHERE nspname IN ('twin', 'api', 'city')"
        ).fetchone()
        assert row == (0,)
    migrate(database_url, "head")
    with psycopg.connect(database_url) as connection:
        assert connection.execute(f"SELECT count(*) FROM twin.{asset.name}").fetchone() == (0,)


def test_statuses_are_the_four_at_any_migration(database_url: str, owner: psycopg.Connection[Any]) -> None:
    owner.execute("CREATE TABLE twin.asset_vehicle_1 (LIKE twin.asset INCLUDING CONSTRAINTS)")
    owner.commit()
    written = {}
    for revision in ("0016", "0015", "0016"):
        (downgrade if revision == "0015" else migrate)(database_url, revision)
        checks = owner.execute(
            "SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint WHERE conname = 'asset_status'"
        ).fetchall()
        assert len(checks) == 2
        (written[revision],) = {check for (check,) in checks}
        said = "SELECT status FROM unnest(%s::text[]) AS status WHERE " + written[revision]
        statuses = ["planned", "in_service", "suspended", "retired", "lost", ""]
        assert [one for (one,) in owner.execute(said, [statuses])] == statuses[:4]
        owner.commit()
    assert written["0015"] != written["0016"]
