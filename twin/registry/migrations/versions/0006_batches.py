"""Loads in batches: how far an unfinished one has come, and when each batch became visible."""

from __future__ import annotations

from twin.registry.migrations import run_sql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0006_up.sql")


def downgrade() -> None:
    run_sql("0006_down.sql")
