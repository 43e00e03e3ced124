"""Areas of footprints within the statement that asks for them."""

from __future__ import annotations

from twin.registry.migrations import run_sql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0012_up.sql")


def downgrade() -> None:
    run_sql("0012_down.sql")
