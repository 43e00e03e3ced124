"""What a load takes for granted: a kind that is certain, units in headings, values of one shape only."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from tests.commands import twin
from tests.loading import column, counts, lamps, load_into, vin, write_csv

Connection = psycopg.Connection


def elsewhere(folder: Path, name: str = "streetlights.csv") -> str:
    """Lamps in Helsinki, whose longitude and latitude no web map shifts."""
    rows = [{**row, "lon": 24.9 + n * 1e-4, "lat": 60.17} for n, row in enumerate(lamps(12))]
    return str(write_csv(folder / name, rows))


def test_a_certain_kind_is_assumed_and_told(pudong: str, owner: Connection, tmp_path: Path) -> None:
    told = twin(pudong, "load", elsewhere(tmp_path), "--json")
    receipt = json.loads(told.stdout)
    assert (receipt["kind"], receipt["new"]) == ("streetlight", 12)
    assert {"kind.assumed", "key.assumed", "crs.assumed"} <= set(receipt["notes"])
    assert column(owner, "SELECT DISTINCT kind FROM twin.asset") == ["streetlight"]
    words = twin(pudong, "load", elsewhere(tmp_path)).stdout
    assert "The kind was assumed" in words
    assert "种类由名称、列与取值推定" in twin(pudong, "load", elsewhere(tmp_path), lang="zh").stdout


def test_an_uncertain_kind_is_refused_with_the_candidates(
    pudong: str, owner: Connection, tmp_path: Path
) -> None:
    rows = [
        {"灯头数": 1 + n % 3, "回路": n, "灯型": "LED", "lon": 24.9, "lat": 60.1 + n / 100} for n in range(9)
    ]
    path = write_csv(
        tmp_path / "data.csv", [{k: row[k] for k in ("灯头数", "回路", "lon", "lat")} for row in rows]
    )
    told = twin(pudong, "load", str(path))
    assert told.returncode == 1
    assert "[kind.needed]" in told.stderr
    assert "They look like: streetlight (likely)" in told.stderr
    assert "twin inspect" in told.stderr
    assert "看起来像：streetlight（可能）" in twin(pudong, "load", str(path), lang="zh").stderr
    assert column(owner, "SELECT count(*) FROM twin.asset") == [0]


def test_a_file_of_nothing_known_is_refused(pudong: str, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "data.csv", [{"a": n, "lon": 24.9, "lat": 60.1} for n in range(5)])
    told = twin(pudong, "load", str(path))
    assert (told.returncode, "[kind.needed]" in told.stderr, "look like" in told.stderr) == (1, True, False)


def test_degrees_in_china_must_be_said_where_nothing_was(pudong: str, tmp_path: Path) -> None:
    path = str(write_csv(tmp_path / "streetlights.csv", lamps(12)))
    told = twin(pudong, "load", path)
    assert told.returncode == 1
    assert "[crs.uncertain]" in told.stderr and "GCJ-02" in told.stderr
    assert twin(pudong, "load", path, "--crs", "EPSG:4490").returncode == 0
    assert counts(load_into(pudong, Path(path), dataset="said"))[:2] == (12, 12)


def test_units_in_headings_are_converted(pudong: str, owner: Connection, tmp_path: Path) -> None:
    rows = lamps(12, **{"灯杆高度(ft)": 30})
    receipt = load_into(pudong, write_csv(tmp_path / "a.csv", rows))
    assert receipt.assumed == {"pole_height": "灯杆高度(ft)"}
    assert receipt.unmapped == ()
    assert receipt.mapping["pole_height"] == "灯杆高度(ft)"
    heights = column(owner, "SELECT DISTINCT (attributes ->> 'pole_height')::float FROM twin.asset")
    assert heights == [pytest.approx(9.144)]


def test_values_of_one_shape_are_taken(pudong: str, owner: Connection, tmp_path: Path) -> None:
    rows = [{"id": n, "col7": vin(n), "lon": 121.5, "lat": 31.2} for n in range(8)]
    told = twin(pudong, "load", str(write_csv(tmp_path / "a.csv", rows)), "--kind", "vehicle")
    assert "Assumed by headings and values: vin = col7." in told.stdout
    assert sorted(column(owner, "SELECT value FROM twin.identifier WHERE scheme = 'vin'")) == sorted(
        vin(n) for n in range(8)
    )


def test_a_mapping_with_fields_is_followed_exactly(pudong: str, tmp_path: Path) -> None:
    mapping = tmp_path / "m.toml"
    mapping.write_text('[fields]\nlon = "lon"\nlat = "lat"\npower = "power"\n')
    path = write_csv(tmp_path / "a.csv", lamps(12, **{"灯杆高度(ft)": 30}))
    receipt = load_into(pudong, path, mapping=mapping)
    assert (receipt.assumed, set(receipt.unmapped)) == ({}, {"id", "灯杆高度(ft)"})


def test_the_same_file_twice_changes_nothing(pudong: str, tmp_path: Path) -> None:
    rows = lamps(12, **{"灯杆高度(ft)": 30})
    path = write_csv(tmp_path / "a.csv", rows)
    assert counts(load_into(pudong, path)) == (12, 12, 0, 0, 0)
    assert counts(load_into(pudong, path)) == (12, 0, 0, 12, 0)


def test_the_proposal_loads_as_a_mapping(pudong: str, owner: Connection, tmp_path: Path) -> None:
    path, out = elsewhere(tmp_path), str(tmp_path / "m.toml")
    assert twin(pudong, "inspect", path, "--out", out).returncode == 0
    told = twin(pudong, "load", path, "--mapping", out, "--json")
    receipt = json.loads(told.stdout)
    assert (receipt["new"], receipt["kind"], receipt["key"]) == (12, "streetlight", "id")
    assert column(owner, "SELECT count(*) FROM twin.asset WHERE attributes ? 'power'") == [12]
