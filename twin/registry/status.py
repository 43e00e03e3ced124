"""What ``twin db status`` tells."""

from __future__ import annotations

from twin.registry import database
from twin.settings import DatabaseSettings

Fact = str | int | None


def status() -> dict[str, Fact]:
    """The database's state and facts; starts nothing.

    ``state`` is running, stopped, absent (never made) or external; sizes are bytes. Raises ``DatabaseDown``
    where a server of one's own does not answer.
    """
    server = database.embedded()
    if server is None:
        return {"state": "external"} | _asked(DatabaseSettings.read().database_url or "")
    here = server.place()
    if here is None:
        return {"state": "absent", "needed": database.head()}
    pid = server.pid()
    facts: dict[str, Fact] = {
        "state": "running" if pid else "stopped",
        "pid": pid,
        "data": str(here.data),
        "socket": str(here.run),
        "log": str(here.log),
    }
    return facts | (_asked(server.url()) if pid else {"needed": database.head()})


def _asked(address: str) -> dict[str, Fact]:
    with database.open_connection(address, autocommit=True) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version'), pg_database_size(current_database()),"
            " (SELECT extversion FROM pg_extension WHERE extname = 'postgis')"
        ).fetchone()
        version, size, postgis = row or (None, None, None)
        return {
            "where": database.place(address),
            "version": version,
            "postgis": postgis,
            "size_bytes": size,
            "migration": database.revision(connection),
            "needed": database.head(),
        }
