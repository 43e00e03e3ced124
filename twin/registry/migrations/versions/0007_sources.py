"""Assets that several datasets describe: the sources that are linked to them, and who decides what."""

from __future__ import annotations

from twin.registry.migrations import run_sql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0007_up.sql")


def downgrade() -> None:
    run_sql("0007_down.sql")
