"""Loading: an asset that names no parent belongs to the one in whose footprint it stands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psycopg
import pyogrio
import shapely

from tests.loading import counts, load_into, warned, write_csv
from twin.registry.divisions import set_home

Connection = psycopg.Connection
Square = tuple[float, float, float]


def buildings(path: Path, **squares: Square) -> Path:
    """A GeoJSON file of square buildings: the lower left corner and the side of each, in thousandths."""
    features = [
        {
            "type": "Feature",
            "properties": {"id": name},
            "geometry": json.loads(shapely.to_geojson(_square(*square))),
        }
        for name, square in squares.items()
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def _square(x: float, y: float, side: float) -> shapely.Polygon:
    west, south, side = 121.5 + x / 1000, 31.2 + y / 1000, side / 1000
    return shapely.box(west, south, west + side, south + side)


def elevators(path: Path, *rows: tuple[str, float, float] | tuple[str, float, float, str]) -> Path:
    """A CSV file of elevators: key, place in thousandths, and the building where one is named."""
    named = any(len(row) > 3 for row in rows)
    return write_csv(
        path,
        [
            {"id": row[0], "lon": 121.5 + row[1] / 1000, "lat": 31.2 + row[2] / 1000}
            | ({"building": row[3] if len(row) > 3 else None} if named else {})
            for row in rows
        ],
    )


def parents(connection: Connection) -> dict[str, tuple[str | None, str | None]]:
    """Of each elevator the key of what it belongs to, and how."""
    rows = connection.execute(
        "SELECT a.source_key, p.source_key, a.relation FROM twin.asset a"
        " LEFT JOIN twin.asset p ON p.code = a.parent WHERE a.kind = 'elevator'"
    ).fetchall()
    return {key: (parent, relation) for key, parent, relation in rows}


def test_the_smallest_footprint_around_an_asset_is_its_parent(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    load_into(pudong, buildings(tmp_path / "b.geojson", mall=(0, 0, 4), shop=(1, 1, 1)), "building")
    file = elevators(tmp_path / "e.csv", ("in", 1.5, 1.5), ("mall", 3, 3), ("edge", 0, 2), ("out", 9, 9))
    receipt = load_into(pudong, file, "elevator")
    assert (counts(receipt), receipt.parents_by_place) == ((4, 4, 0, 0, 0), 3)
    assert receipt.as_json()["parents_by_place"] == 3
    assert parents(owner) == {
        "in": ("shop", "in"),
        "mall": ("mall", "in"),
        "edge": ("mall", "in"),
        "out": (None, None),
    }
    again = load_into(pudong, file, "elevator")
    assert (counts(again), again.parents_by_place) == ((4, 0, 0, 4, 0), 0)


def test_a_building_that_comes_later_is_found_by_the_next_load(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    file = elevators(tmp_path / "e.csv", ("E1", 1.5, 1.5), ("E2", 3, 3))
    assert load_into(pudong, file, "elevator").parents_by_place == 0
    load_into(pudong, buildings(tmp_path / "b.geojson", mall=(0, 0, 2)), "building")
    receipt = load_into(pudong, file, "elevator")
    assert (counts(receipt), receipt.parents_by_place) == ((2, 0, 1, 1, 0), 1)
    # A smaller one that comes later still takes nothing away: what was found stays.
    load_into(pudong, buildings(tmp_path / "b.geojson", mall=(0, 0, 2), shop=(1, 1, 1)), "building")
    assert counts(load_into(pudong, file, "elevator")) == (2, 0, 0, 2, 0)
    assert parents(owner)["E1"] == ("mall", "in")


def test_an_asset_that_moves_leaves_the_building(owner: Connection, pudong: str, tmp_path: Path) -> None:
    load_into(pudong, buildings(tmp_path / "b.geojson", a=(0, 0, 1), b=(2, 0, 1)), "building")
    for x, parent in ((0.5, "a"), (0.6, "a"), (2.5, "b"), (9, None)):
        load_into(pudong, elevators(tmp_path / "e.csv", ("E1", x, 0.5)), "elevator")
        assert parents(owner)["E1"][0] == parent


def test_a_parent_by_key_stays_wherever_the_asset_stands(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    load_into(pudong, buildings(tmp_path / "b.geojson", a=(0, 0, 1), b=(2, 0, 1)), "building", dataset="city")
    rows = (("E1", 0.5, 0.5, "b"), ("E2", 0.5, 0.5, "nowhere"), ("E3", 0.5, 0.5))
    file = elevators(tmp_path / "e.csv", *rows)
    receipt = load_into(pudong, file, "elevator", dataset="city")
    assert (receipt.parents_by_place, warned(receipt)) == (2, {"parent.unknown": 1})
    expected = {"E1": ("b", "in"), "E2": ("a", "in"), "E3": ("a", "in")}
    assert parents(owner) == expected
    again = load_into(pudong, file, "elevator", dataset="city")
    assert (counts(again), warned(again)) == ((3, 0, 0, 3, 0), {"parent.unknown": 1})
    # A file that names no parents says nothing of them.
    moved = elevators(tmp_path / "e.csv", ("E1", 0.6, 0.5), ("E2", 0.6, 0.5), ("E3", 0.6, 0.5))
    assert counts(load_into(pudong, moved, "elevator", dataset="city")) == (3, 0, 3, 0, 0)
    assert parents(owner) == expected


def test_the_parent_that_a_row_waits_for_goes_before_the_place(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    load_into(pudong, buildings(tmp_path / "a.geojson", a=(0, 0, 1)), "building")
    file = elevators(tmp_path / "e.csv", ("E1", 0.5, 0.5, "b"))
    load_into(pudong, file, "elevator")
    load_into(pudong, buildings(tmp_path / "b.geojson", b=(2, 0, 1)), "building")
    assert counts(load_into(pudong, file, "elevator")) == (1, 0, 1, 0, 0)
    assert parents(owner)["E1"] == ("b", "in")


def test_kinds_that_do_not_stand_in_others_have_no_parent_by_place(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    load_into(pudong, buildings(tmp_path / "b.geojson", a=(0, 0, 1)), "building")
    receipt = load_into(pudong, elevators(tmp_path / "m.csv", ("M1", 0.5, 0.5)), "manhole")
    assert receipt.parents_by_place == 0
    assert owner.execute("SELECT parent FROM twin.asset WHERE kind = 'manhole'").fetchone() == (None,)


def test_new_yorks_elevators_are_in_its_footprints(
    owner: Connection, database_url: str, tmp_path: Path, real_data: Path
) -> None:
    set_home(owner, "US-NY")
    (shapes,) = (real_data / "buildings-nyc").glob("*.shp")
    load_into(database_url, shapes, "building", dataset="footprints")
    file, wanted = near(real_data / "elevators-nyc" / "elevators_raw.csv", shapes, tmp_path)
    receipt = load_into(database_url, file, "elevator", dataset="devices")
    assert receipt.parents_by_place == len(wanted) == 1_908
    found = owner.execute(
        "SELECT a.source_key, st_asbinary(p.geom) FROM twin.asset a JOIN twin.asset p ON p.code = a.parent"
        " WHERE a.kind = 'elevator'"
    ).fetchall()
    assert len({bytes(geometry) for _, geometry in found}) == 90
    ours = shapely.normalize([shapely.from_wkb(bytes(geometry)) for _, geometry in found])
    theirs = shapely.normalize([wanted[key] for key, _ in found])
    assert shapely.equals_exact(ours, theirs, 1e-9).all()
    assert {key for key, _ in found} == wanted.keys()


def near(devices: Path, shapes: Path, folder: Path) -> tuple[Path, dict[str, shapely.Geometry]]:
    """The devices about the footprints as a file, and by shapely the smallest footprint around each."""
    header, *lines = devices.read_text(encoding="utf-8").splitlines()
    footprints = np.array([shapely.from_wkb(wkb) for wkb in _wkb(shapes)])
    west, south, east, north = shapely.total_bounds(footprints)
    names = header.replace('"', "").split(",")
    key, x, y = (names.index(name) for name in ("DV_DEVICE_NUMBER", "LONGITUDE", "LATITUDE"))
    kept: list[str] = []
    wanted: dict[str, shapely.Geometry] = {}
    tree = shapely.STRtree(footprints)
    for line in lines:
        fields = _fields(line)
        try:
            point = shapely.Point(float(fields[x]), float(fields[y]))
        except ValueError:
            continue
        if not (west < point.x < east and south < point.y < north):
            continue
        kept.append(line)
        around = footprints[tree.query(point, predicate="covered_by")]
        if len(around):
            wanted[fields[key]] = min(around, key=lambda one: one.area)
    file = folder / "devices.csv"
    file.write_text("\n".join([header, *kept]) + "\n", encoding="utf-8")
    return file, wanted


def _wkb(path: Path) -> Sequence[bytes]:
    geometries: Sequence[bytes] = pyogrio.raw.read(path, columns=[])[2]
    return geometries


def _fields(line: str) -> list[str]:
    import csv

    return next(csv.reader([line]))
