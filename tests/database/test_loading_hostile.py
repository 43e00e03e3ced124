"""Files that are made to hurt, or that are merely huge: refused or rejected in words, in bounded memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import geopandas
import psycopg
import pytest
import shapely
from commands import twin

from loaders.rejects import reject_file
from tests.loading import column, content_hash, counts, lamps, load_into, write_csv

Connection = psycopg.Connection
LAMP = ("--kind", "streetlight")
MANY = 1_000_000
MOST_MB = 700


@pytest.mark.parametrize("name", ["lamps.zip", "lamps.xlsx", "lamps.kmz", "lamps.ods"])
def test_what_would_grow_without_bound_is_refused(
    name: str, owner: Connection, pudong: str, tmp_path: Path
) -> None:
    member = {
        ".zip": "lamps.csv",
        ".xlsx": "xl/worksheets/sheet1.xml",
        ".kmz": "doc.kml",
        ".ods": "content.xml",
    }
    before = content_hash(owner)
    bomb = tmp_path / name
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(member[bomb.suffix], "w") as file,
    ):
        for _ in range(100):
            file.write(b" " * 1_000_000)
    assert bomb.stat().st_size < 200_000
    refused = twin(pudong, "load", str(bomb), *LAMP)
    assert (refused.returncode, "[file.archive_unsafe]" in refused.stderr) == (1, True), refused.stderr
    assert content_hash(owner) == before


def test_a_line_longer_than_any_limit_is_told(owner: Connection, pudong: str, tmp_path: Path) -> None:
    before = content_hash(owner)
    file = write_csv(tmp_path / "lamps.csv", lamps(3, name="x"))
    with file.open("a", encoding="utf-8") as opened:
        opened.write("L9,121.5,31.2,60," + "y" * 40_000_000 + "\n")
    refused = twin(pudong, "load", str(file), *LAMP)
    assert (refused.returncode, "[file.broken]" in refused.stderr) == (1, True)
    assert "a line is longer than 16,777,216 bytes" in refused.stderr
    assert content_hash(owner) == before


def test_a_long_text_costs_its_row_nothing_and_a_long_geometry_is_kept(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    circle = shapely.Point(121.5, 31.2).buffer(0.01, quad_segs=50_000)
    frame = geopandas.GeoDataFrame(
        {"id": ["B1", "B2"], "name": ["n" * 3_000_000, "hall"]},
        geometry=[shapely.box(121.4, 31.2, 121.4001, 31.2001), circle],
        crs="EPSG:4326",
    )
    frame.to_file(tmp_path / "buildings.gpkg")
    receipt = load_into(pudong, tmp_path / "buildings.gpkg", "building")
    assert counts(receipt) == (2, 2, 0, 0, 0)
    assert dict(receipt.warnings.counts) == {"text.too_long": 1}
    assert column(owner, "SELECT st_npoints(geom) FROM twin.asset ORDER BY source_key") == [
        5,
        shapely.get_num_coordinates(circle),
    ]
    assert len(json.dumps(receipt.as_json())) < 5_000


def test_a_name_with_a_path_in_it_leads_nowhere(tmp_path: Path) -> None:
    """A layer's name is part of a reject file's name, which stays where it was asked for."""
    for name in ("../../../escaped", "..\\..\\escaped", "/etc/passwd", "C:escaped"):
        assert reject_file(tmp_path / "r.csv", "lamps", name, "streetlight").parent == tmp_path


def test_a_manifest_names_no_file_outside_its_folder(pudong: str, tmp_path: Path) -> None:
    write_csv(tmp_path / "lamps.csv", lamps(1))
    city = tmp_path / "city"
    city.mkdir()
    (city / "city.toml").write_text(
        '[[loads]]\nfile = "../lamps.csv"\nkind = "streetlight"\n', encoding="utf-8"
    )
    refused = twin(pudong, "load", str(city))
    assert (refused.returncode, "[city.manifest]" in refused.stderr) == (1, True)


def test_a_key_in_two_files_of_one_city_is_the_first_ones(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    """Else each load of the city would change the asset to and fro."""
    write_csv(tmp_path / "north.csv", lamps(6))
    write_csv(tmp_path / "south.csv", [{**row, "power": 250} for row in lamps(8)[4:]])
    write_csv(tmp_path / "other.csv", lamps(2))
    (tmp_path / "city.toml").write_text(
        "".join(
            f'[[loads]]\nfile = "{file}.csv"\nkind = "streetlight"\ndataset = "{dataset}"\n'
            for file, dataset in (("north", "lamps"), ("south", "lamps"), ("other", "other"))
        ),
        encoding="utf-8",
    )
    told = [json.loads(twin(pudong, "load", str(tmp_path), "--json").stdout)["loads"] for _ in range(2)]
    first, again = (
        [[one[name] for name in ("new", "changed", "same", "rejected")] for one in run] for run in told
    )
    assert first == [[6, 0, 0, 0], [2, 0, 0, 2], [2, 0, 0, 0]]
    assert again == [[0, 0, 6, 0], [0, 0, 2, 2], [0, 0, 2, 0]]
    rejection = told[0][1]["rejections"][0]
    assert (rejection["reason"], rejection["key"], "north.csv" in rejection["text"]) == (
        "key.other_file",
        "L4",
        True,
    )
    assert column(owner, "SELECT count(*) FROM twin.asset_version") == [0]


def test_a_reload_in_another_system_is_noted_and_what_stands_where_it_stood_is_the_same(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    points = shapely.points([[640_790 + 10 * n, 3_454_100] for n in range(20)])
    survey = geopandas.GeoDataFrame({"id": [f"L{n}" for n in range(20)]}, geometry=points, crs="EPSG:4549")
    file = tmp_path / "lamps.gpkg"
    survey.to_file(file)
    first = load_into(pudong, file)
    survey.to_crs("EPSG:4490").to_file(file)
    second = load_into(pudong, file)
    assert (counts(first), counts(second)) == ((20, 20, 0, 0, 0), (20, 0, 0, 20, 0))
    assert ("crs.changed" in first.notes, "crs.changed" in second.notes) == (False, True)
    wrong = load_into(pudong, file, crs="GCJ-02")
    assert counts(wrong) == (20, 0, 20, 0, 0)
    assert "crs.changed" in wrong.notes
    assert twin(pudong, "loads", "undo", str(wrong.load)).returncode == 0
    assert counts(load_into(pudong, file))[2:4] == (0, 20)


@pytest.mark.slow
def test_a_million_rejections_in_bounded_memory(pudong: str, tmp_path: Path) -> None:
    file, rejects = tmp_path / "lamps.csv", tmp_path / "rejects.csv"
    with file.open("w", encoding="utf-8") as opened:
        opened.write("id,lon,lat,power\n")
        opened.writelines(f"L{n},0,0,60\n" for n in range(MANY))
    command = [
        sys.executable,
        "-m",
        "twin.cli",
        "load",
        str(file),
        *LAMP,
        "--rejects",
        str(rejects),
        "--json",
    ]
    watched = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE)\n"
        "sys.stdout.buffer.write(done.stdout)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)\n"
    )
    environment = {**os.environ, "TWIN_DATABASE_URL": pudong}
    ended = subprocess.run(
        [sys.executable, "-c", watched, *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    receipt = json.loads(ended.stdout)
    assert (receipt["read"], receipt["rejected"], receipt["reasons"]) == (
        MANY,
        MANY,
        {"geometry.null_island": MANY},
    )
    assert len(ended.stdout) < 500_000
    with rejects.open(encoding="utf-8-sig") as opened:
        assert sum(1 for _ in opened) == MANY + 1
    megabytes = int(ended.stderr.split()[-1]) // 1024
    print(f"\n{megabytes} MB at most")
    assert megabytes <= MOST_MB
