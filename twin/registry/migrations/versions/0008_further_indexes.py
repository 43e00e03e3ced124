"""Indexes that only make reading faster become each partition's own."""

from __future__ import annotations

from twin.registry.migrations import run_sql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0008_up.sql")


def downgrade() -> None:
    run_sql("0008_down.sql")
