"""A kind's assets and identifiers stand in parts, each with its own keys and indexes."""

from __future__ import annotations

from twin.registry.migrations import run_sql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0009_unseen.sql")
    run_sql("0009_up.sql")


def downgrade() -> None:
    run_sql("0009_unseen.sql")
    run_sql("0009_down.sql")
