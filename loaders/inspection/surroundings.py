"""What the registry knows about the place of a file: where its divisions are, and which assets lie near."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from spatial.arrays import FloatArray
from spatial.systems import Area
from twin.kinds import all_kinds
from twin.registry.database import Connection, connect, embedded
from twin.registry.divisions import home
from twin.registry.statements import statement

ENOUGH_ASSETS = 50
"""Assets that a kind must have before distances to them tell anything."""

_PACKAGE = "loaders.inspection"


class Surroundings:
    """A registry that can be asked."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def home(self) -> Area | None:
        """The extent of the home division; where its boundary is unknown, of the others or of the assets."""
        given = {"home": home(self._connection)}
        row = self._connection.execute(statement(_PACKAGE, "extent"), given).fetchone()
        return (float(row[0]), float(row[1]), float(row[2]), float(row[3])) if row else None

    def kinds(self) -> list[str]:
        """The kinds of which enough assets are registered."""
        given = {"kinds": list(all_kinds()), "least": ENOUGH_ASSETS}
        found = self._connection.execute(statement(_PACKAGE, "kinds_with_assets"), given).fetchall()
        return [str(row[0]) for row in found]

    def distances(self, kind: str, lon: FloatArray, lat: FloatArray) -> FloatArray:
        """Metres from each point to the nearest asset of a kind."""
        given = {"kind": kind, "lon": lon.tolist(), "lat": lat.tolist()}
        found = self._connection.execute(statement(_PACKAGE, "nearest"), given).fetchall()
        return np.array([row[0] for row in found], dtype=np.float64)


@contextmanager
def registry_at_hand() -> Iterator[Surroundings | None]:
    """The registry where its server runs already; None where none does: nothing is started for this.

    Raises as ``twin.registry.database.connect`` does where ``TWIN_DATABASE_URL`` names a server.
    """
    server = embedded()
    if server is not None and server.pid() is None:
        yield None
        return
    with connect("owner", autocommit=True) as connection:
        yield Surroundings(connection)
