"""Roll-ups change where they stand: no index has what changes."""

from __future__ import annotations

from twin.registry.migrations import run_sql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0014_up.sql")


def downgrade() -> None:
    run_sql("0014_down.sql")
