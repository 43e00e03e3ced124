"""``twin inspect`` as a GIS team uses it: look, take the proposal, load."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import psycopg
import pytest

from tests.commands import twin
from tests.loading import lamps, write_csv
from twin.registry.divisions import set_home

Connection = psycopg.Connection
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = [{**row, "lon": 24.9 + n * 1e-4, "lat": 60.17} for n, row in enumerate(lamps(12, 灯杆高度="8米"))]
    return write_csv(tmp_path / "streetlights.csv", rows)


def test_look_propose_load(database_url: str, owner: Connection, table: Path, tmp_path: Path) -> None:
    set_home(owner, "FI-091")
    told = twin(database_url, "inspect", str(table))
    assert told.returncode == 0
    for words in (
        "streetlights.csv: CSV",
        "12 rows; positions in lon, lat",
        "Text in UTF-8, detected",
        "Coordinate system EPSG:4326, certain",
        "Kind streetlight, certain",
        "Columns (5): id, lon, lat, power, 灯杆高度",
        'pole_height = "灯杆高度"  # certain',
    ):
        assert words in told.stdout
    out = tmp_path / "m.toml"
    assert twin(database_url, "inspect", str(table), "--out", str(out)).returncode == 0
    assert tomllib.loads(out.read_text(encoding="utf-8"))["fields"]["pole_height"] == "灯杆高度"
    loaded = twin(database_url, "load", str(table), "--mapping", str(out), "--json")
    assert json.loads(loaded.stdout)["new"] == 12


def test_in_chinese(database_url: str, table: Path) -> None:
    told = twin(database_url, "inspect", str(table), lang="zh").stdout
    for words in (
        "streetlights.csv：CSV",
        "12 行；坐标在 lon, lat",
        "种类 streetlight，确定",
        "# 确定：列名即字段名",
        "建议映射：",
    ):
        assert words in told
    assert "certain" not in told and "likely" not in told


def test_as_json(database_url: str, table: Path) -> None:
    report = json.loads(twin(database_url, "inspect", str(table), "--json").stdout)
    (layer,) = report["layers"]
    assert (report["format"], layer["count"], layer["whole"]) == ("CSV", 12, True)
    assert layer["proposal"]["kinds"][0]["kind"] == "streetlight"
    assert tomllib.loads(layer["mapping"])["kind"] == "streetlight"
    assert {"column": "power", "field": "power", "confidence": "likely"}.items() <= layer["proposal"][
        "fields"
    ][0].items()


def test_without_a_registry_it_says_so_and_goes_on(table: Path) -> None:
    told = twin(NOWHERE, "inspect", str(table))
    assert told.returncode == 0
    assert "The registry was not asked" in told.stderr
    assert "Kind streetlight, certain" in told.stdout


def test_a_mapping_is_not_written_over(database_url: str, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.toml"
    out.write_text("mine")
    told = twin(database_url, "inspect", str(table), "--out", str(out))
    assert (told.returncode, out.read_text()) == (1, "mine")
    assert "[inspect.exists]" in told.stderr


def test_an_unknown_kind_and_an_unreadable_file(database_url: str, table: Path, tmp_path: Path) -> None:
    assert "[kind.unknown]" in twin(database_url, "inspect", str(table), "--kind", "lampost").stderr
    junk = tmp_path / "a.bin"
    junk.write_bytes(bytes(range(256)) * 20)
    told = twin(database_url, "inspect", str(junk))
    assert (told.returncode, told.stdout) == (1, "")
    assert "[file.format_unknown]" in told.stderr


def test_an_extract_needs_no_mapping(database_url: str, real_data: Path) -> None:
    told = twin(database_url, "inspect", str(real_data / "helsinki" / "Helsinki.osm.pbf"))
    assert told.returncode == 0
    assert "no mapping is needed" in told.stdout
    counts = {line.split()[0]: line.split()[1] for line in told.stdout.splitlines()[2:]}
    assert (counts["streetlight"], counts["elevator"], counts["manhole"]) == ("1,128", "23", "783")


def test_a_layer_of_several(database_url: str, real_data: Path, tmp_path: Path) -> None:
    file = str(real_data / "buildings-bubenec" / "bubenec.gpkg")
    told = twin(database_url, "inspect", file, "--out", str(tmp_path / "m.toml"))
    assert (told.returncode, "[inspect.layer]" in told.stderr) == (1, True)
    told = twin(database_url, "inspect", file, "--layer", "buildings", "--out", str(tmp_path / "m.toml"))
    assert told.returncode == 0
    assert 'kind = "building"' in (tmp_path / "m.toml").read_text(encoding="utf-8")
