"""Files that came through the web, and procrastinate's queue of the work on them, in a schema of its own."""

from __future__ import annotations

from alembic import op
from procrastinate.schema import SchemaManager

from twin.registry.migrations import run_sql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None
    connection.execute("CREATE SCHEMA queue; SET LOCAL search_path = queue")
    connection.execute(SchemaManager.get_schema())
    connection.execute("RESET search_path")
    run_sql("0002_up.sql")


def downgrade() -> None:
    run_sql("0002_down.sql")
