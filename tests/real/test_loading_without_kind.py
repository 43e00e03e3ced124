"""Real files loaded without a word on what they are: where the kind is certain, as with ``--kind``."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from loaders.errors import KindNeeded, KindUncertain
from tests.loading import counts, load_into
from twin.registry.divisions import set_home

Connection = psycopg.Connection


@pytest.mark.parametrize(
    ("file", "layer", "kind", "home"),
    [
        ("buildings-nyc/buildings.shp", None, "building", "US-NY"),
        ("utilities-schutterwald/gas_epsg31467.gpkg", "pipes", "pipeline", "DE-BW"),
        ("power-oberrhein/lines.geojson", None, "pipeline", "DE-BW"),
        ("buildings-bubenec/bubenec.gpkg", "streets", "road", "CZ-10"),
        ("washington-dc/buildings.shp", None, "building", "US-DC"),
    ],
)
def test_a_certain_kind_needs_no_word(
    real_data: Path,
    owner: Connection,
    database_url: str,
    file: str,
    layer: str | None,
    kind: str,
    home: str,
) -> None:
    set_home(owner, home)
    silent = load_into(database_url, real_data / file, kind=None, layer=layer, dry_run=True)
    said = load_into(database_url, real_data / file, kind=kind, layer=layer, dry_run=True)
    assert silent.kind == kind
    assert counts(silent) == counts(said)
    assert silent.new > 0
    assert (silent.key, silent.mapping) == (said.key, said.mapping)
    assert "kind.assumed" in silent.notes and "kind.assumed" not in said.notes


@pytest.mark.parametrize(
    ("file", "error"),
    [
        ("sewers-vermont/Montpelier_lines.geojson", KindUncertain),
        ("tracks-athens/data_sparsify.csv", KindNeeded),
        ("washington-dc/metro_entrances.shp", KindNeeded),
        ("power-oberrhein/buses.geojson", KindNeeded),
        ("admin-vermont/Vermont_Town_GEOID_RPC_County.geojson", KindNeeded),
    ],
)
def test_other_files_are_refused(
    real_data: Path, owner: Connection, database_url: str, file: str, error: type[KindNeeded]
) -> None:
    set_home(owner, "US-VT")
    with pytest.raises(error):
        load_into(database_url, real_data / file, kind=None)
