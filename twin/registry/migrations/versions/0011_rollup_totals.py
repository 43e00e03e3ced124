"""Totals of roll-ups by cell and kind, and children in the order of their codes."""

from __future__ import annotations

from twin.registry.migrations import run_sql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0011_up.sql")


def downgrade() -> None:
    run_sql("0011_down.sql")
