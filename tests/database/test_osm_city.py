"""An OSM extract as a city: small ones with every oddity, Helsinki against an independent reading."""

from __future__ import annotations

import json
import re
import sqlite3
import struct
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
import shapely
from commands import twin
from osm_files import OsmFile

from tests.loading import column, content_hash
from twin.kinds import kind
from twin.registry.divisions import Division, home, listed, save_divisions, set_home

Connection = psycopg.Connection
Told = dict[str, Any]


def load_city(url: str, path: Path, *options: str) -> Told:
    """What ``twin load`` tells programs."""
    ended = twin(url, "load", str(path), "--json", *options)
    assert ended.returncode == 0, ended.stderr
    told: Told = json.loads(ended.stdout)
    return told


def town(**tags: str) -> OsmFile:
    """Two lamps, a building with an elevator, and about it a boundary of level 8 with these tags."""
    file = OsmFile()
    for x in (0, 1):
        file.node(24.95 + x / 1000, 60.17, highway="street_lamp")
    file.node(24.9605, 60.1705, highway="elevator")
    file.square(24.96, 60.17, 0.001, building="yes")
    file.boundary([file.square(24.9, 60.1, 0.2)], 8, "Town", **tags)
    return file


def divisions_of_codes(owner: Connection) -> set[str]:
    return set(column(owner, "SELECT DISTINCT issued_in FROM twin.asset"))


def test_every_kind_is_loaded_parents_first_and_again_the_same(
    owner: Connection, database_url: str, tmp_path: Path
) -> None:
    path = town(ISO3166__1="FI", ref="091").write(tmp_path / "town.osm.pbf")
    told = load_city(database_url, path)
    loads = {one["kind"]: one for one in told["loads"]}
    assert list(loads) == ["building", "elevator", "streetlight"]
    assert {name: one["new"] for name, one in loads.items()} == {
        "building": 1,
        "elevator": 1,
        "streetlight": 2,
    }
    assert loads["elevator"]["parents_by_place"] == 1
    assert {one["dataset"] for one in told["loads"]} == {"town"}
    assert told["absent"] == ["pipeline", "manhole", "road"]
    assert told["home"] == {"code": "FI-091", "by": "boundaries", "issuing": "FI-091"}
    assert (home(owner), divisions_of_codes(owner)) == ("FI-091", {"FI-091"})
    assert listed(owner) == [("FI-091", "Town", 8, None)]
    assert set(column(owner, "SELECT DISTINCT division FROM twin.asset")) == {"FI-091"}
    assert column(owner, "SELECT attribution FROM twin.dataset") == ["© OpenStreetMap contributors"]
    again = load_city(database_url, path)
    assert [(one["same"], one["read"]) for one in again["loads"]] == [(1, 1), (1, 1), (2, 2)]
    assert again["home"]["by"] == "set"
    # With a kind it is the load that it always was, of the same assets.
    one = load_city(database_url, path, "--kind", "streetlight")
    assert (one["kind"], one["same"]) == ("streetlight", 2)


def test_a_dry_run_changes_nothing(owner: Connection, database_url: str, tmp_path: Path) -> None:
    path = town(ISO3166__2="FI-18").write(tmp_path / "town.osm.pbf")
    before = content_hash(owner)
    told = load_city(database_url, path, "--dry-run")
    assert [one["new"] for one in told["loads"]] == [1, 1, 2]
    assert (told["home"]["code"], told["divisions"]["registered"]) == ("FI-18", ["FI-18"])
    assert content_hash(owner) == before


def test_boundaries_nest_and_what_is_no_area_is_told(
    owner: Connection, database_url: str, tmp_path: Path
) -> None:
    file = town(ISO3166__1="FI", ref="091")
    line = file.way(((24.9, 60.1), (24.95, 60.1), (24.95, 60.2)))
    file.boundary([line], 9, "Open")
    file.boundary([file.square(24.94, 60.16, 0.03)], 9, "Ward")
    file.boundary([file.square(24.945, 60.165, 0.01)], 10, "Quarter")
    file.boundary([line, 999], 10, "Cut")
    file.boundary([file.square(24.0, 60.0, 0.1)], 4, "Far", ISO3166__2="FI-02")
    file.boundary([file.square(24.0, 60.0, 0.1)], 4, "Far again", ISO3166__2="FI-02")
    file.boundary([file.square(24.91, 60.11, 0.01)], 10)
    file.boundary([file.square(24.91, 60.11, 0.01)], "10;11", "Two levels")
    file.boundary([file.square(24.0, 60.0, 1.0)], 2, "Country", ISO3166__1="FI")
    file.square(24.97, 60.18, 0.01, boundary="administrative", admin_level="11", name="Closed way")
    file.square(24.97, 60.18, 0.01, boundary="administrative", admin_level="11")
    told = load_city(database_url, file.write(tmp_path / "town.osm.pbf"))
    assert listed(owner) == [
        ("FI-02", "Far", 4, None),
        ("relation/7", "Far again", 4, None),
        ("FI-091", "Town", 8, None),
        ("relation/3", "Ward", 9, "FI-091"),
        ("relation/4", "Quarter", 10, "relation/3"),
        ("way/11", "Closed way", 11, "FI-091"),
    ]
    left_out = {(one["name"], one["level"], one["reason"]) for one in told["divisions"]["left_out"]}
    assert left_out == {
        ("Open", 9, "boundary.unclosed"),
        ("Cut", 10, "boundary.unclosed"),
        (None, 10, "boundary.nameless"),
        ("Two levels", None, "boundary.level"),
    }
    assert set(column(owner, "SELECT DISTINCT division FROM twin.asset")) == {"relation/4", "relation/3"}
    assert divisions_of_codes(owner) == {"FI-091"}


def test_a_boundary_that_is_cut_still_tells_where_home_is(
    owner: Connection, database_url: str, tmp_path: Path
) -> None:
    file = OsmFile()
    file.node(24.95, 60.17, highway="street_lamp")
    file.boundary([998, 999], 8, "Town", ref="091", is_in__iso_3166_2="")
    file.relations[-1][1].update({"is_in:iso_3166_2": "FI-18"})  # type: ignore[attr-defined]
    file.boundary([file.square(24.94, 60.16, 0.02)], 10, "Quarter", ref="02")
    load_city(database_url, file.write(tmp_path / "town.osm.pbf"))
    assert listed(owner) == [("FI-091", "Town", 8, None), ("relation/2", "Quarter", 10, "FI-091")]
    assert divisions_of_codes(owner) == {"FI-091"}


def test_a_multipolygon_without_some_of_its_ways_is_rejected_by_its_key(
    owner: Connection, database_url: str, tmp_path: Path
) -> None:
    file = OsmFile()
    file.node(24.95, 60.17, highway="street_lamp")
    file.relations.append(
        ([file.square(24.96, 60.17, 0.001), 99], {"type": "multipolygon", "building": "yes"})
    )
    path = file.write(tmp_path / "town.osm.pbf")
    buildings, lamps = load_city(database_url, path)["loads"]
    assert (lamps["new"], buildings["read"], buildings["rejected"]) == (1, 1, 1)
    assert [(one["key"], one["reason"]) for one in buildings["rejections"]] == [
        ("relation/1", "geometry.incomplete")
    ]
    alone = twin(database_url, "load", str(path), "--kind", "building", "--json")
    assert json.loads(alone.stdout)["reasons"] == {"geometry.incomplete": 1}
    lines = load_city(database_url, path, "--layer", "points")["loads"]
    assert [one["kind"] for one in lines] == ["streetlight"]


def test_whole_boundaries_go_before_the_neighbours_that_touch_the_edge() -> None:
    from loaders.osm.boundaries import Boundary, area_of

    def one(level: int, whole: bool, **tags: str) -> Boundary:
        area = shapely.box(0, 0, 1, 1) if whole else None
        return Boundary(f"relation/{len(tags)}", {**tags, "admin_level": str(level)}, area)

    iso = {"ISO3166-2": "FI-18"}
    town, neighbour = one(8, True, ref="091"), one(8, False, ref="049")
    county = one(6, False, **iso)
    code = lambda *all_: (found := area_of(all_)) and found.code  # noqa: E731
    assert code(town, neighbour, county) == "FI-091"
    assert code(neighbour, county) == "FI-049"
    assert code(town, one(8, True, ref="049"), county) == "FI-18"
    assert code(town) is None
    assert code(one(10, True, ref="02"), county) == "FI-18"
    assert code(county, one(6, False, **{"ISO3166-2": "SE-AB"})) is None


def test_without_boundaries_codes_begin_with_xx_and_the_words_say_how_to_mend_it(
    owner: Connection, database_url: str, tmp_path: Path
) -> None:
    file = town()
    file.relations.clear()
    path = file.write(tmp_path / "town.osm.pbf")
    told = twin(database_url, "load", str(path)).stdout
    for words in ("XX-0", "twin home FI-091", "--division FI-091", "0 divisions registered"):
        assert words in told
    assert "None in the file: pipeline, manhole, road." in told
    assert "请在加载前设定" in twin(database_url, "load", str(path), lang="zh").stdout
    assert (home(owner), divisions_of_codes(owner)) == ("XX-0", {"XX-0"})
    codes = column(owner, "SELECT code FROM twin.asset ORDER BY 1")
    # What is told later is where home is from then on; codes that were issued stay.
    again = load_city(database_url, path, "--division", "FI-091")
    assert again["home"] == {"code": "FI-091", "by": "option", "issuing": "FI-091"}
    assert home(owner) == "FI-091"
    assert column(owner, "SELECT code FROM twin.asset ORDER BY 1") == codes


def test_a_home_that_was_set_is_respected(owner: Connection, database_url: str, tmp_path: Path) -> None:
    set_home(owner, "FI-18")
    told = load_city(database_url, town(ISO3166__1="FI", ref="091").write(tmp_path / "town.osm.pbf"))
    assert told["home"] == {"code": "FI-18", "by": "set", "issuing": "FI-18"}
    assert (home(owner), divisions_of_codes(owner)) == ("FI-18", {"FI-18"})
    assert set(column(owner, "SELECT DISTINCT division FROM twin.asset")) == {"relation/1"}


def test_a_city_of_another_country_issues_its_own_codes(
    owner: Connection, database_url: str, tmp_path: Path
) -> None:
    set_home(owner, "310115")
    told = load_city(database_url, town(ISO3166__1="FI", ref="091").write(tmp_path / "town.osm.pbf"))
    assert told["home"] == {"code": "310115", "by": "set", "issuing": "FI-091"}
    assert (home(owner), divisions_of_codes(owner)) == ("310115", {"FI-091"})


def test_a_division_that_has_its_boundary_from_elsewhere_keeps_it(
    owner: Connection, database_url: str, tmp_path: Path
) -> None:
    set_home(owner, "FI-091")
    save_divisions(owner, [Division("FI-091", "Helsinki", 6, boundary=shapely.box(24.9, 60.1, 25.1, 60.3))])
    file = town()
    file.relations.clear()
    file.boundary([999], 8, "Cut", ISO3166__1="FI", ref="091")
    load_city(database_url, file.write(tmp_path / "town.osm.pbf"))
    assert listed(owner) == [("FI-091", "Helsinki", 6, None)]


def nothing(path: Path) -> Path:
    file = OsmFile()
    file.node(24.95, 60.17, amenity="bench")
    file.boundary([file.square(24.9, 60.1, 0.2)], 8, "Town", ISO3166__1="FI", ref="091")
    return file.write(path)


def cut(path: Path) -> Path:
    whole = town().write(path).read_bytes()
    path.write_bytes(whole[:-40])
    return path


@pytest.mark.parametrize(
    ("make", "options", "code"),
    [
        (nothing, (), "kind.none"),
        (cut, (), "file.broken"),
        (lambda path: town().write(path), ("--layer", "roofs"), "layer.unknown"),
        (lambda path: town().write(path), ("--division", "Atlantis"), "division.unfit"),
        (lambda path: path, (), "file.missing"),
    ],
)
def test_bad_extracts_are_told_and_change_nothing(
    owner: Connection,
    database_url: str,
    tmp_path: Path,
    make: Callable[[Path], Path],
    options: tuple[str, ...],
    code: str,
) -> None:
    before = content_hash(owner)
    ended = twin(database_url, "load", str(make(tmp_path / "town.osm.pbf")), *options)
    assert (ended.returncode, f"[{code}]" in ended.stderr) == (1, True), ended.stderr
    assert content_hash(owner) == before


HELSINKI = Path("helsinki") / "Helsinki.osm.pbf"
CLIPPED = {"relation/1689646", "relation/1693396", "relation/2214898"}
"""Buildings whose ways close no area in this extract."""
KINDS = ("building", "elevator", "manhole", "pipeline", "road", "streetlight")


@dataclass(frozen=True)
class Loaded:
    """Helsinki, loaded: where, and what was told; GDAL's own reading, and what it says it ignores."""

    owner: Connection
    told: Told
    gdal: sqlite3.Connection
    ignored: set[str]

    def receipt(self, name: str) -> Told:
        found: Told = next(one for one in self.told["loads"] if one["kind"] == name)
        return found

    def keys(self, name: str) -> set[str]:
        return set(column(self.owner, "SELECT source_key FROM twin.asset WHERE kind = %s", name))


@pytest.fixture(scope="module")
def helsinki(
    new_database: Callable[[], str], real_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Loaded]:
    url = new_database()
    told = load_city(url, real_data / HELSINKI)
    package = tmp_path_factory.mktemp("helsinki") / "osm.gpkg"
    read = subprocess.run(
        ["ogr2ogr", "--debug", "OSM", "-f", "GPKG", str(package), str(real_data / HELSINKI)],
        capture_output=True,
        text=True,
        check=True,
    )
    ignored = {f"relation/{n}" for n in re.findall(r"Relation (\d+) has missing ways", read.stderr)}
    with psycopg.connect(url, autocommit=True) as owner, sqlite3.connect(package) as gdal:
        yield Loaded(owner, told, gdal, ignored)


_LAYERS = {"points": "node", "lines": "way", "multilinestrings": "relation", "multipolygons": "relation"}


def features(gdal: sqlite3.Connection) -> Iterator[tuple[str, dict[str, str], bytes]]:
    """Key, tags and WKB of every object in GDAL's layers as it makes them without being told anything."""
    for layer, prefix in _LAYERS.items():
        rows = gdal.execute(f"SELECT * FROM {layer}")
        names = [item[0] for item in rows.description]
        for values in rows:
            row = {name: value for name, value in zip(names, values, strict=True) if value is not None}
            tags = dict(re.findall(r'"((?:[^"\\]|\\.)*)"=>"((?:[^"\\]|\\.)*)"', row.pop("other_tags", "")))
            way = row.pop("osm_way_id", None)
            key = f"way/{way}" if way else f"{prefix}/{row.pop('osm_id')}"
            blob = row.pop("geom")
            envelope = (0, 32, 48, 48, 64)[blob[3] >> 1 & 7]
            yield key, {**row, **tags}, blob[8 + envelope :]


def is_of(name: str, tags: dict[str, str]) -> bool:
    """Whether an object is of the kind, written again by hand."""
    highway, man_made = tags.get("highway"), tags.get("man_made")
    return {
        "building": "building" in tags,
        "elevator": highway == "elevator" or tags.get("building") == "elevator",
        "manhole": "manhole" in tags or man_made == "manhole",
        "pipeline": man_made == "pipeline",
        "road": highway in kind("road").osm[0].values,
        "streetlight": highway == "street_lamp",
    }[name]


@pytest.mark.parametrize("name", KINDS)
def test_every_object_of_helsinki_is_an_asset_or_rejected_by_its_key(helsinki: Loaded, name: str) -> None:
    receipt = helsinki.receipt(name)
    mapped = [key for key, tags, _ in features(helsinki.gdal) if is_of(name, tags)]
    wanted = set(mapped) | (CLIPPED if name == "building" else set())
    assert receipt["read"] == len(wanted)
    rejected = {one["key"]: one["reason"] for one in receipt["rejections"]}
    assert len(rejected) == receipt["rejected"]
    assert {key for key, reason in rejected.items() if reason == "geometry.incomplete"} == wanted - set(
        mapped
    )
    assert helsinki.keys(name) | set(rejected) == wanted
    assert not helsinki.keys(name) & set(rejected)


def test_what_the_edge_of_helsinki_cuts_is_what_gdal_leaves_out(helsinki: Loaded) -> None:
    boundaries = {one["key"] for one in helsinki.told["divisions"]["left_out"]}
    assert (len(boundaries), len(CLIPPED)) == (20, 3)
    assert {key for key, _, _ in features(helsinki.gdal)}.isdisjoint(boundaries | CLIPPED)
    # All the ways of the other building are there, but do not close; the other relation is the country's.
    assert (boundaries | CLIPPED) ^ helsinki.ignored == {"relation/1689646", "relation/54224"}


def test_helsinki_in_figures(helsinki: Loaded) -> None:
    counted = {one["kind"]: (one["read"], one["rejected"]) for one in helsinki.told["loads"]}
    assert counted == {
        "building": (1_585, 23),
        "elevator": (23, 0),
        "manhole": (783, 0),
        "pipeline": (183, 0),
        "road": (2_469, 101),
        "streetlight": (1_128, 0),
    }
    # What the edge of the extract left of clipped multipolygons is no area: told, not fatal.
    assert helsinki.receipt("building")["reasons"] == {
        "geometry.incomplete": 3,
        "geometry.invalid": 8,
        "geometry.unreadable": 12,
    }
    assert helsinki.receipt("road")["reasons"] == {"geometry.type": 101}


def test_helsinkis_lamps_stand_where_they_are_mapped(helsinki: Loaded) -> None:
    mapped = {
        key: struct.unpack("<dd", wkb[5:21])
        for key, tags, wkb in features(helsinki.gdal)
        if is_of("streetlight", tags)
    }
    rows = helsinki.owner.execute(
        "SELECT source_key, st_x(geom), st_y(geom) FROM twin.asset WHERE kind = 'streetlight'"
    ).fetchall()
    assert {key: (x, y) for key, x, y in rows} == mapped


def test_helsinkis_pipelines_have_their_substance(helsinki: Loaded) -> None:
    said = {key: tags.get("substance") for key, tags, _ in features(helsinki.gdal) if is_of("pipeline", tags)}
    rows = helsinki.owner.execute(
        "SELECT source_key, attributes ->> 'medium' FROM twin.asset WHERE kind = 'pipeline'"
    ).fetchall()
    meant = {"heat": "heating", "water": "water_supply", "gas": "gas", None: None}
    assert dict(rows) == {key: meant[word] for key, word in said.items()}
    assert sum(medium is not None for _, medium in rows) == 26


def test_helsinkis_elevators_are_in_the_buildings_they_stand_in(helsinki: Loaded) -> None:
    rows = helsinki.owner.execute(
        "SELECT source_key, code, kind, parent, relation, st_asbinary(geom) FROM twin.asset"
        " WHERE kind IN ('building', 'elevator') ORDER BY code"
    ).fetchall()
    shapes = [shapely.from_wkb(bytes(row[5])) for row in rows]
    buildings = [n for n, row in enumerate(rows) if row[2] == "building"]
    wanted, found = {}, {}
    for n, (key, _, name, parent, relation, _) in enumerate(rows):
        if name != "elevator":
            continue
        point = shapely.point_on_surface(shapes[n])
        around = [b for b in buildings if shapes[b].covers(point) and rows[b][0] != key]
        wanted[key] = rows[min(around, key=lambda b: shapes[b].area)][1] if around else None
        found[key] = parent
        assert relation == ("in" if parent else None)
    assert found == wanted
    assert sum(parent is not None for parent in found.values()) == 16
    assert helsinki.receipt("elevator")["parents_by_place"] == 16


def test_helsinkis_whole_boundaries_are_its_divisions(helsinki: Loaded) -> None:
    mapped = {
        key: (tags["name"], int(tags["admin_level"]), shapely.from_wkb(wkb))
        for key, tags, wkb in features(helsinki.gdal)
        if tags.get("boundary") == "administrative" and key.startswith("relation/") and "admin_level" in tags
    }
    rows = helsinki.owner.execute(
        "SELECT code, name, level, parent, st_asbinary(boundary) FROM twin.division ORDER BY level, code"
    ).fetchall()
    assert rows[0][:4] == ("FI-091", "Helsinki", 8, None)
    assert {(code, name, level) for code, name, level, _, _ in rows[1:]} == {
        (key, name, level) for key, (name, level, _) in mapped.items()
    }
    assert all(shapely.from_wkb(bytes(wkb)).equals(mapped[code][2]) for code, *_, wkb in rows[1:])
    assert {parent for *_, parent, _ in rows[1:]} == {"FI-091"}
    left_out = helsinki.told["divisions"]["left_out"]
    assert {one["reason"] for one in left_out} == {"boundary.unclosed"}
    assert {one["level"] for one in left_out} <= set(range(4, 12))
    assert ("Helsinki", 8) in {(one["name"], one["level"]) for one in left_out}
    assert divisions_of_codes(helsinki.owner) == {"FI-091"}


def test_helsinkis_assets_stand_in_the_divisions_around_them(helsinki: Loaded) -> None:
    areas = {
        code: shapely.from_wkb(bytes(wkb))
        for code, wkb in helsinki.owner.execute(
            "SELECT code, st_asbinary(boundary) FROM twin.division WHERE boundary IS NOT NULL"
        ).fetchall()
    }
    rows = helsinki.owner.execute(
        "SELECT division, st_x(geom), st_y(geom) FROM twin.asset WHERE kind = 'streetlight'"
    ).fetchall()
    points = shapely.points(np.array([row[1:] for row in rows]))
    inside = {code: shapely.contains(area, points) for code, area in areas.items()}
    assert sum(mask.sum() for mask in inside.values()) > 100
    for row, (division, _, _) in enumerate(rows):
        around = [code for code, mask in inside.items() if mask[row]]
        assert division == (around[0] if around else "FI-091")
