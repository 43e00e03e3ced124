"""Roll-ups by cell, kept by every change of assets."""

from __future__ import annotations

from typing import Any

from alembic import op

from twin.registry.migrations import run_sql
from twin.registry.rollups import count_all

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0010_up.sql")
    # In the same transaction: roll-ups that are there are whole.
    connection: Any = op.get_bind().connection.driver_connection
    count_all(connection)


def downgrade() -> None:
    run_sql("0010_down.sql")
