"""The competitors: each brings a file into a database that is a copy of the empty registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.lab import PEER, TWIN, Lab
from benchmarks.load.inputs import KINDS
from twin.kinds import kind

SQL = Path(__file__).parent / "sql"


@dataclass(frozen=True, slots=True)
class Input:
    """What is loaded: ``lamps`` or ``buildings``, from a folder of ``inputs``."""

    name: str
    folder: Path

    @property
    def file(self) -> Path:
        """The FlatGeobuf file."""
        return self.folder / f"{self.name}.fgb"


def ogr2ogr(lab: Lab, wanted: Input, *options: str) -> None:
    """As it comes: COPY (its default for a new table), the GiST index made first."""
    words: list[str | Path] = [
        "ogr2ogr",
        "-f",
        "PostgreSQL",
        lab.ogr_name(PEER),
        wanted.file,
        "-nln",
        "source",
        *options,
    ]
    lab.run(words)
    _execute(lab, "ANALYZE source")


def ogr2ogr_tuned(lab: Lab, wanted: Input) -> None:
    """The GiST index made when all rows are there."""
    ogr2ogr(lab, wanted, "-lco", "SPATIAL_INDEX=NONE")
    _execute(lab, "CREATE INDEX ON source USING gist (wkb_geometry)")


def ogr2ogr_sql(lab: Lab, wanted: Input) -> None:
    """An unlogged table, and SQL from there to the registry's full state, but for the text index."""
    ogr2ogr(lab, wanted, "-lco", "SPATIAL_INDEX=NONE", "-lco", "UNLOGGED=ON")
    url = lab.server.url(database=PEER)
    lab.run([TWIN[0], "-m", "benchmarks.load.cells", url, _sql(f"points_{wanted.name}")])
    of_kind = kind(KINDS[wanted.name])
    facts = {"kind": of_kind.name, "class": of_kind.classes[0].code, "dataset": wanted.name}
    _execute(lab, *(_sql(name).format(**facts) for name in ("place", f"assets_{wanted.name}", "attach")))


def shp2pgsql(lab: Lab, wanted: Input) -> None:
    """``shp2pgsql -D -I``, from a shapefile of the same rows."""
    shapefile = wanted.file.with_suffix(".shp")
    words: list[str | Path] = ["shp2pgsql", "-D", "-I", "-s", "4326", "-W", "UTF-8", shapefile, "source"]
    lab.run([*words, "|", *lab.psql(PEER)])
    _execute(lab, "ANALYZE source")


Peer = Callable[[Lab, Input], None]
PEERS: dict[str, Peer] = {
    "ogr2ogr": ogr2ogr,
    "ogr2ogr_tuned": ogr2ogr_tuned,
    "ogr2ogr_sql": ogr2ogr_sql,
    "shp2pgsql": shp2pgsql,
}


def timed(lab: Lab, peer: str, wanted: Input) -> float:
    """Seconds from the file to an analysed table that is on disk."""
    return lab.timed(lambda: PEERS[peer](lab, wanted))


def _execute(lab: Lab, *statements: str) -> None:
    with lab.connection(PEER) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def _sql(name: str) -> str:
    """One of ``sql``, without the comment that says what it does."""
    return (SQL / f"{name}.sql").read_text(encoding="utf-8").partition("\n")[2].strip()
