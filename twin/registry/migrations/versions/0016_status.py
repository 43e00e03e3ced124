"""A status is compared with the usual one first: every row that is copied pays for the comparison."""

from __future__ import annotations

from twin.registry.migrations import run_sql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0016_up.sql")


def downgrade() -> None:
    run_sql("0016_down.sql")
