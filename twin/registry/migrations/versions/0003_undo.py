"""Loads that undo loads, and the moment at which each became visible."""

from __future__ import annotations

from twin.registry.migrations import run_sql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0003_up.sql")


def downgrade() -> None:
    run_sql("0003_down.sql")
