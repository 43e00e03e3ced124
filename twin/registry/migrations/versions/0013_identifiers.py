"""Current identifiers are looked up by the index that keeps them unique."""

from __future__ import annotations

from twin.registry.migrations import run_sql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0013_up.sql")


def downgrade() -> None:
    run_sql("0013_down.sql")
