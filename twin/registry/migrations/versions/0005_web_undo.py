"""Undoing loads and discarding uploads through the web; the receipt of an upload is kept for any language."""

from __future__ import annotations

from twin.registry.migrations import run_sql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql("0005_up.sql")


def downgrade() -> None:
    run_sql("0005_down.sql")
