"""Alembic's environment: one connection, given by ``twin.registry.database.migrate``."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, pool

from twin.registry.tables import metadata


def run() -> None:
    """Run the migrations in one transaction, their record in schema ``public``."""
    url = context.config.attributes["url"]
    for prefix in ("postgresql://", "postgres://"):
        url = url.removeprefix(prefix) if not url.startswith("postgresql+") else url
    engine = create_engine(f"postgresql+psycopg://{url}", poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=metadata, version_table="twin_migration")
        with context.begin_transaction():
            context.run_migrations()


run()
