"""Loads in batches: how far an unfinished one has come, and when each batch became visible."""

from __future__ import annotations

from twin.registry.migrations import run_sql

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0005_up.sql")


def downgrade() -> None:
    run_sql("0005_down.sql")
