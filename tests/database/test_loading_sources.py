"""Whether a file's rows are those of its dataset, and what a mapping and a mapping's words may say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from commands import twin
from loading import column, content_hash, counts, lamps, load_into, reasons, write_csv

from loaders.errors import KeyChanged, MappingInvalid
from spatial.crs import NoOperation
from twin.registry.divisions import set_home

Connection = psycopg.Connection[Any]


def test_rows_known_by_another_key_do_not_mix(owner: Connection, pudong: str, tmp_path: Path) -> None:
    rows = [{**lamp, "serial": f"{n}"} for n, lamp in enumerate(lamps(20))]
    load_into(pudong, write_csv(tmp_path / "lamps.csv", rows))
    mapping = tmp_path / "m.toml"
    mapping.write_text('key = "serial"\n[fields]\nlon = "lon"\nlat = "lat"\n', encoding="utf-8")
    before = content_hash(owner)
    with pytest.raises(KeyChanged, match=r"known by id, those of this file by serial"):
        load_into(pudong, tmp_path / "lamps.csv", mapping=mapping)
    assert content_hash(owner) == before
    assert counts(load_into(pudong, tmp_path / "lamps.csv", mapping=mapping, dataset="other"))[1] == 20


def test_rows_without_a_key_do_not_mix_with_rows_that_have_one(pudong: str, tmp_path: Path) -> None:
    load_into(pudong, write_csv(tmp_path / "lamps.csv", lamps(5)))
    keyless = [{name: lamp[name] for name in ("lon", "lat")} for lamp in lamps(5)]
    with pytest.raises(KeyChanged, match="by their place"):
        load_into(pudong, write_csv(tmp_path / "lamps.csv", keyless))


def test_a_key_column_may_be_renamed(pudong: str, tmp_path: Path) -> None:
    load_into(pudong, write_csv(tmp_path / "lamps.csv", lamps(20)))
    renamed = [
        {"source_key": lamp["id"], **{k: v for k, v in lamp.items() if k != "id"}} for lamp in lamps(20)
    ]
    assert counts(load_into(pudong, write_csv(tmp_path / "lamps.csv", renamed))) == (20, 0, 0, 20, 0)


def test_a_dataset_joined_by_the_files_name_is_noted(pudong: str, tmp_path: Path) -> None:
    first = load_into(pudong, write_csv(tmp_path / "lamps.csv", lamps(3)))
    second = load_into(pudong, write_csv(tmp_path / "lamps.txt.csv", lamps(3)), dataset="lamps")
    again = load_into(pudong, (tmp_path / "lamps.txt.csv").rename(tmp_path / "lamps.CSV"))
    assert "dataset.joined" not in (*first.notes, *second.notes)
    assert "dataset.joined" in again.notes


@pytest.mark.parametrize(
    "status", ['{ value = "nope" }', '{ column = "power", values = { "100" = "nope" } }']
)
def test_a_mapping_cannot_write_what_is_not_allowed(pudong: str, tmp_path: Path, status: str) -> None:
    mapping = tmp_path / "m.toml"
    mapping.write_text(
        f'key = "id"\n[fields]\nlon = "lon"\nlat = "lat"\nstatus = {status}\n', encoding="utf-8"
    )
    with pytest.raises(MappingInvalid, match="status can't be nope; it is one of planned"):
        load_into(pudong, write_csv(tmp_path / "lamps.csv", lamps(3)), mapping=mapping)


def test_an_accuracy_of_nothing_is_no_default(pudong: str, tmp_path: Path) -> None:
    with pytest.raises(NoOperation):
        load_into(pudong, write_csv(tmp_path / "lamps.csv", lamps(3)), crs="GCJ-02", accuracy=0.0)


def test_a_load_of_which_every_row_is_rejected_fails(pudong: str, tmp_path: Path) -> None:
    nowhere = [{**lamp, "lon": 0, "lat": 0} for lamp in lamps(2)]
    ended = twin(
        pudong, "load", str(write_csv(tmp_path / "n.csv", nowhere)), "--kind", "streetlight", "--json"
    )
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["rejected"] == 2


def test_an_address_is_made_of_its_parts(owner: Connection, pudong: str, tmp_path: Path) -> None:
    rows = [
        {"id": "1", "lon": 121.5, "lat": 31.2, "addr:street": "Kalevankatu", "addr:housenumber": "12"},
        {"id": "2", "lon": 121.5, "lat": 31.2, "addr:street": "Kalevankatu", "addr:housenumber": None},
        {"id": "3", "lon": 121.5, "lat": 31.2, "addr:street": None, "addr:housenumber": None},
    ]
    load_into(pudong, write_csv(tmp_path / "b.csv", rows), "building")
    found = column(owner, "SELECT address FROM twin.asset ORDER BY source_key")
    assert found == ["Kalevankatu 12", "Kalevankatu", None]


def test_helsinki_has_addresses(owner: Connection, database_url: str, real_data: Path) -> None:
    set_home(owner, "FI-091")
    load_into(database_url, real_data / "helsinki" / "Helsinki.osm.pbf", "building")
    assert column(owner, "SELECT count(*) > 200 FROM twin.asset WHERE address ~ '.+ [0-9]+'") == [True]


def test_an_empty_geometry_is_a_row_like_others(pudong: str, tmp_path: Path) -> None:
    features = [
        {"type": "Feature", "properties": {"id": str(n)}, "geometry": {"type": "Point", "coordinates": at}}
        for n, at in enumerate(([], [121.5, 31.2]))
    ]
    for kept in (features[:1], features):
        file = tmp_path / f"lamps{len(kept)}.geojson"
        file.write_text(json.dumps({"type": "FeatureCollection", "features": kept}), encoding="utf-8")
        assert counts(load_into(pudong, file))[0] == len(kept)


def exported(kind: str, dataset: str, count: int) -> list[dict[str, object]]:
    """Rows as ``twin export`` writes them."""
    return [
        {"kind": kind, "dataset": dataset, "source_key": n, "lon": 121.5 + n * 1e-6, "lat": 31.2}
        for n in range(count)
    ]


@pytest.mark.parametrize("before", [3, 70_000])
def test_rows_of_another_kind_are_not_taken(
    owner: Connection, pudong: str, tmp_path: Path, before: int
) -> None:
    rows = [*exported("building", "houses", before), *exported("streetlight", "lights", 2)]
    receipt = load_into(pudong, write_csv(tmp_path / "all.csv", rows))
    assert (counts(receipt), reasons(receipt)) == ((before + 2, 2, 0, 0, before), {"kind.other": before})
    assert (receipt.dataset, receipt.key) == ("lights", "source_key")
    assert column(owner, "SELECT row_number FROM twin.asset ORDER BY 1") == [before + 1, before + 2]


def test_a_file_of_other_kinds_only_leaves_nothing(owner: Connection, pudong: str, tmp_path: Path) -> None:
    receipt = load_into(pudong, write_csv(tmp_path / "all.csv", exported("building", "houses", 3)))
    assert (counts(receipt), reasons(receipt)) == ((3, 0, 0, 0, 3), {"kind.other": 3})
    assert column(owner, "SELECT count(*) FROM twin.asset") == [0]


def test_a_column_called_kind_in_another_file_says_nothing(pudong: str, tmp_path: Path) -> None:
    assert counts(load_into(pudong, write_csv(tmp_path / "l.csv", lamps(2, kind="building"))))[1] == 2
