"""A city as a folder, as people bring it: the sample loads whole, a wrong one is told and changes nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import psycopg
import pytest
from commands import twin
from loading import content_hash

from fixtures.sample import write_geojson
from fixtures.sample_plan import city
from fixtures.sample_tables import buildings
from twin.registry.database import connect
from twin.registry.divisions import set_home

SAMPLE = Path(__file__).parents[2] / "fixtures" / "city"
LAMPS = "id,lon,lat,power\nL1,121.5,31.2,100\nL2,121.51,31.21,60\n"
LOAD = '[[loads]]\nfile = "lamps.csv"\nkind = "streetlight"\n'
HOME = 'home = "310115"\n'
DIVISION = '[[divisions]]\nfile = "area.geojson"\ncode = "code"\nname = "name"\nlevel = "district"\n'


def area(geometry: str = "Polygon", **properties: str) -> str:
    ring = [[121.4, 31.1], [121.6, 31.1], [121.6, 31.3], [121.4, 31.3], [121.4, 31.1]]
    drawn = {"type": geometry, "coordinates": [ring] if geometry == "Polygon" else ring}
    feature = {"type": "Feature", "properties": properties, "geometry": drawn}
    return json.dumps({"type": "FeatureCollection", "features": [feature]}, ensure_ascii=False)


def write(folder: Path, manifest: str, **files: str | bytes) -> Path:
    """A folder with a manifest, the lamps, an area, and whatever else is given (``m_toml`` is m.toml)."""
    folder.mkdir()
    content = {"city_toml": manifest, "lamps_csv": LAMPS, "area_geojson": area(code="310115", name="样板区")}
    for name, text in {**content, **files}.items():
        data = text.encode() if isinstance(text, str) else text
        (folder / name.replace("_", ".")).write_bytes(data)
    return folder


def test_the_sample_city_loads_in_one_command_and_can_be_mended(database_url: str, tmp_path: Path) -> None:
    """Row 101 of the shapefile, whose axes are exchanged, comes anew by itself; then the register again."""
    told = twin(database_url, "load", str(SAMPLE))
    assert (told.returncode, told.stderr) == (0, "")
    for receipt in sorted((SAMPLE / "receipts").glob("*.json")):
        said = json.loads(receipt.read_text(encoding="utf-8"))
        counted = f" {said['read']} {said['new']} 0 0 {said['rejected']} Load "
        assert counted in " ".join(told.stdout.split())
    write_geojson(tmp_path / "mended.geojson", [buildings(city())[100]])
    for file, mapping, dataset, (outcome, count) in (
        (tmp_path / "mended.geojson", "buildings", "房屋普查", ("new", 1)),
        (SAMPLE / "elevators.xlsx", "elevators", "电梯台账", ("changed", 2)),
    ):
        options = ("--mapping", str(SAMPLE / "mappings" / f"{mapping}.toml"), "--dataset", dataset, "--json")
        told = twin(database_url, "load", str(file), *options)
        assert told.returncode == 0, told.stderr
        assert json.loads(told.stdout)[outcome] == count


def test_the_sample_city_can_be_tried_without_changing_anything(
    owner: psycopg.Connection[tuple[object, ...]], database_url: str
) -> None:
    before = content_hash(owner)
    told = twin(database_url, "load", str(SAMPLE), "--dry-run", "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["dry_run"] is True
    assert "divisions would be registered" in twin(database_url, "load", str(SAMPLE), "--dry-run").stdout
    assert content_hash(owner) == before


def test_a_city_without_boundaries_stands_at_home(
    owner: psycopg.Connection[tuple[object, ...]], database_url: str, tmp_path: Path
) -> None:
    told = twin(database_url, "load", str(write(tmp_path / "city", HOME + LOAD)))
    assert told.returncode == 0, told.stderr
    assert owner.execute("SELECT DISTINCT division FROM twin.asset").fetchall() == [("310115",)]


def test_the_order_of_the_manifest_does_not_matter(
    owner: psycopg.Connection[tuple[object, ...]], database_url: str, tmp_path: Path
) -> None:
    """An elevator that is named before its building finds it."""
    folder = write(
        tmp_path / "city",
        HOME
        + '[[loads]]\nfile = "lifts.csv"\nkind = "elevator"\n'
        + '[[loads]]\nfile = "houses.csv"\nkind = "building"\n',
        lifts_csv="id,所在建筑\nE1,H1\n",
        houses_csv="id,lon,lat,levels\nH1,121.5,31.2,9\n",
    )
    told = twin(database_url, "load", str(folder))
    assert told.returncode == 0, told.stderr
    found = owner.execute("SELECT count(*) FROM twin.asset WHERE kind = 'elevator' AND parent IS NOT NULL")
    assert found.fetchone() == (1,)


def test_a_manifest_that_windows_wrote_is_read(database_url: str, tmp_path: Path) -> None:
    """With a byte order mark, line ends of its own, and another program's files beside it."""
    manifest = ("\ufeff" + GOOD).replace("\n", "\r\n")
    folder = write(tmp_path / "city", manifest, Thumbs_db=b"\xd0\xcf\x11\xe0", desktop_ini="x")
    told = twin(database_url, "load", str(folder))
    assert (told.returncode, told.stderr) == (0, "")


def exchanged(count: int) -> str:
    """Four lamps, of which the first ones have latitude and longitude the wrong way round."""
    rows = ["31.2,121.5" if n < count else "121.5,31.2" for n in range(4)]
    return "id,lon,lat\n" + "".join(f"L{n},{row}\n" for n, row in enumerate(rows))


def test_exchanged_rows_are_told_one_by_one_however_many(database_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "city", GOOD, lamps_csv=exchanged(3))
    told = twin(database_url, "load", str(folder))
    assert told.returncode == 0, told.stderr
    assert " 4 1 0 0 3 Load " in " ".join(told.stdout.split())
    assert "geometry.swapped 3" in " ".join(told.stdout.split())


GOOD = HOME + DIVISION + LOAD
WRONG: dict[str, tuple[Callable[[Path], Path], tuple[str, ...]]] = {
    "a manifest that is no TOML": (lambda at: write(at, "home = "), ("city.toml",)),
    "a manifest in GBK": (
        lambda at: write(at, "", city_toml='# 样板区\nhome = "310115"'.encode("gbk")),
        ("city.toml",),
    ),
    "a key that manifests have not": (lambda at: write(at, GOOD + "colour = 1\n"), ("colour", "not known")),
    "a file that is not there": (
        lambda at: write(at, GOOD.replace("lamps.csv", "lamp.csv")),
        ("no file lamp.csv",),
    ),
    "a file elsewhere": (lambda at: write(at, GOOD.replace("lamps.csv", "../lamps.csv")), ("../lamps.csv",)),
    "a kind that there is not": (lambda at: write(at, GOOD.replace("streetlight", "lamp")), ("lamp",)),
    "a level that there is not": (lambda at: write(at, GOOD.replace('"district"', '"shire"')), ("shire",)),
    "a home that nobody can issue codes for": (
        lambda at: write(at, GOOD.replace("310115", "Atlantis", 1)),
        ("Atlantis",),
    ),
    "an accuracy that is none": (lambda at: write(at, GOOD + "accuracy = inf\n"), ("lamps.csv", "inf")),
    "a division that there is not": (
        lambda at: write(at, GOOD + 'division = "nowhere"\n'),
        ("lamps.csv", "nowhere"),
    ),
    "one division in two files": (
        lambda at: write(
            at,
            HOME + DIVISION + DIVISION.replace("area", "again").replace("district", "street") + LOAD,
            again_geojson=area(code="310115", name="样板区"),
        ),
        ("area.geojson, again.geojson", "310115"),
    ),
    "a division of itself": (
        lambda at: write(
            at,
            HOME + DIVISION + 'parent = "parent"\n' + LOAD,
            area_geojson=area(code="310115", name="样板区", parent="310115"),
        ),
        ("310115", "division of itself"),
    ),
    "a parent that there is not": (
        lambda at: write(
            at,
            HOME + DIVISION + 'parent = "name"\n' + LOAD,
        ),
        ("样板区", "not registered"),
    ),
    "a home without quotes": (
        lambda at: write(at, GOOD.replace('"310115"', "310115", 1)),
        ('home = "310115"',),
    ),
    "a manifest that names nothing": (lambda at: write(at, HOME), ("no divisions and no loads",)),
    "a division without a code": (
        lambda at: write(at, GOOD, area_geojson=area(code="", name="样板区")),
        ("area.geojson", "lacks its code"),
    ),
    "a layer that is not in the file": (
        lambda at: write(at, GOOD + 'layer = "poles"\n'),
        ("lamps.csv", "poles"),
    ),
    "a column of divisions that is not there": (
        lambda at: write(at, GOOD.replace('code = "code"', 'code = "adcode"')),
        ("area.geojson", "adcode"),
    ),
    "a mapping that is not there": (lambda at: write(at, GOOD + 'mapping = "m.toml"\n'), ("no file m.toml",)),
    "a mapping that names a column that is not there": (
        lambda at: write(at, GOOD + 'mapping = "m.toml"\n', m_toml='[fields]\npower = "watts"\n'),
        ("lamps.csv", "watts"),
    ),
    "a mapping that names a field that is not there": (
        lambda at: write(at, GOOD + 'mapping = "m.toml"\n', m_toml='[fields]\nbrightness = "power"\n'),
        ("lamps.csv", "brightness"),
    ),
    "a second file that can't be read": (
        lambda at: write(
            at, GOOD + LOAD.replace("lamps.csv", "more.geojson"), more_geojson='{"type": "FeatureCollection"'
        ),
        ("more.geojson",),
    ),
    "a second file without a system": (
        lambda at: write(
            at, GOOD + LOAD.replace("lamps.csv", "more.csv"), more_csv="id,x,y\n1,640000,3450000\n"
        ),
        ("more.csv", "coordinate system"),
    ),
    "lamps that are all exchanged": (
        lambda at: write(at, GOOD, lamps_csv=exchanged(4)),
        ("lamps.csv", "exchanged"),
    ),
    "boundaries that are no areas": (
        lambda at: write(at, GOOD, area_geojson=area("LineString", code="310115", name="x")),
        ("310115", "LineString"),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_folder_is_told_and_nothing_is_half_loaded(
    name: str, owner: psycopg.Connection[tuple[object, ...]], database_url: str, tmp_path: Path
) -> None:
    make, words = WRONG[name]
    before = content_hash(owner)
    folder = make(tmp_path / "city")
    told = twin(database_url, "load", str(folder))
    assert told.returncode == 1, told.stdout
    assert "Traceback" not in told.stderr
    assert told.stderr.rstrip().endswith("]"), told.stderr
    assert all(word in told.stderr for word in words), told.stderr
    assert content_hash(owner) == before
    chinese = twin(database_url, "load", str(folder), lang="zh")
    assert any("\u4e00" <= character <= "\u9fff" for character in chinese.stderr)


def test_a_folder_without_a_manifest_says_so(database_url: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "city", GOOD)
    (folder / "city.toml").unlink()
    told = twin(database_url, "load", str(folder))
    assert (told.returncode, "[file.folder]" in told.stderr) == (1, True), told.stderr


def test_geojson_in_gbk_is_read(database_url: str, tmp_path: Path) -> None:
    """What the file says in UTF-8 it says in GBK as well."""
    with mock.patch.dict(os.environ, {"TWIN_DATABASE_URL": database_url}), connect() as connection:
        set_home(connection, "310115")
    text = (SAMPLE / "glass_panels.geojson").read_text(encoding="utf-8")
    (tmp_path / "panels.geojson").write_bytes(text.encode("gbk"))
    mapping = SAMPLE / "mappings" / "glass_panels.toml"
    told = twin(database_url, "load", str(tmp_path / "panels.geojson"), "--mapping", str(mapping), "--json")
    assert told.returncode == 0, told.stderr
    said = json.loads(told.stdout)
    receipt = json.loads((SAMPLE / "receipts" / "glass_panels.json").read_text(encoding="utf-8"))
    assert (said["new"], said["reasons"]) == (receipt["new"], receipt["reasons"])
    # The buildings are not registered here.
    expected = receipt["warning_reasons"] | {"parent.unknown": said["warning_reasons"]["parent.unknown"]}
    assert said["warning_reasons"] == expected
