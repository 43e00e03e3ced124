"""Alembic migrations; each revision's SQL lies beside it, to be found and read."""

from __future__ import annotations

from importlib.resources import files

from alembic import op


def run_sql(name: str) -> None:
    """Run one of the ``.sql`` files beside the revisions, as it stands."""
    connection = op.get_bind().connection.dbapi_connection
    assert connection is not None
    connection.execute((files(__name__) / "versions" / name).read_text(encoding="utf-8"))
