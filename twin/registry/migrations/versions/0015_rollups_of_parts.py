"""Each part of a kind has its own roll-ups."""

from __future__ import annotations

from twin.registry.migrations import run_sql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0015_up.sql")


def downgrade() -> None:
    run_sql("0015_down.sql")
