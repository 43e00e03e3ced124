"""The registry: assets, their history, identifiers, divisions, loads; roles and views."""

from __future__ import annotations

from twin.registry.migrations import run_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0001_up.sql")


def downgrade() -> None:
    run_sql("0001_down.sql")
