"""CityJSON, GTFS and pipe surveys become assets through ``twin load``; real files against other readers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest
import shapely
from commands import twin
from loading import column, counts, load_into, reasons, warned
from pyproj import Transformer

from twin.registry.divisions import set_home

Connection = psycopg.Connection[Any]
DELFT = "buildings-delft/delft.json"
BRUSSELS = "gtfs-brussels/gtfs_data.zip"


@pytest.fixture
def home(owner: Connection, database_url: str) -> str:
    set_home(owner, "310115")
    return database_url


def vertices(city: Mapping[str, Any]) -> np.ndarray:
    transform = city["transform"]
    return np.array(city["vertices"]) * transform["scale"] + transform["translate"]


def from_above(solid: Any, corners: np.ndarray) -> tuple[shapely.Geometry, float, float]:
    """A solid's footprint by buffers and plain unions, its lowest and its highest z."""
    faces = [face for shell in solid for face in shell]
    flat = [shapely.Polygon(corners[face[0], :2], [corners[hole, :2] for hole in face[1:]]) for face in faces]
    heights = corners[[place for face in faces for ring in face for place in ring], 2]
    whole = shapely.union_all([polygon.buffer(0) for polygon in flat if polygon.area > 1e-6])
    return whole, heights.min(), heights.max()


def test_the_buildings_of_delft(owner: Connection, home: str, real_data: Path) -> None:
    city = json.loads((real_data / DELFT).read_text(encoding="utf-8"))
    buildings = {name: one for name, one in city["CityObjects"].items() if one["type"] == "Building"}
    assert len(buildings) == 160
    done = twin(home, "load", str(real_data / DELFT), "--kind", "building", "--division", "NL-ZH", "--json")
    assert done.returncode == 0, done.stderr
    receipt = json.loads(done.stdout)
    assert [receipt[n] for n in ("read", "new", "rejected", "format", "layer", "key", "crs")] == [
        *(160, 160, 0, "CityJSON", "Building", "id", "EPSG:7415"),
    ]
    assert receipt["notes"] == []
    stored = owner.execute("SELECT source_key, st_asbinary(geom), attributes FROM twin.asset").fetchall()
    assert {key for key, _, _ in stored} == set(buildings)
    # The best of PROJ's operations for the Netherlands without a grid: 1 m.
    home_again = Transformer.from_crs("EPSG:4326", "EPSG:28992", always_xy=True)
    corners = vertices(city)
    for key, wkb, attributes in stored:
        (solid,) = buildings[key]["geometry"]
        expected, low, high = from_above(solid["boundaries"], corners)
        back = shapely.transform(shapely.from_wkb(wkb), home_again.transform, interleaved=False)
        assert back.area == pytest.approx(expected.area, rel=1e-4)
        assert back.centroid.distance(expected.centroid) < 1.0
        assert attributes["ground_level"] == pytest.approx(low, abs=1e-6)
        assert attributes["height"] == pytest.approx(high - low, abs=1e-6)
        assert attributes["vertical_datum"] == "Normaal Amsterdams Peil"
    again = load_into(home, real_data / DELFT, "building", division="NL-ZH")
    assert counts(again) == (160, 0, 0, 160, 0)


def test_the_vehicles_of_brussels(owner: Connection, home: str, real_data: Path) -> None:
    source = str(real_data / BRUSSELS)
    done = twin(home, "load", source, "--kind", "vehicle", "--division", "BE-BRU", "--json")
    assert done.returncode == 0, done.stderr
    receipt = json.loads(done.stdout)
    feed = Feed(real_data / BRUSSELS)
    blocks = feed.trips.groupby("block_id")
    assert len(blocks) == 206
    assert [receipt[n] for n in ("read", "new", "rejected", "format", "layer", "key", "crs")] == [
        *(206, 206, 0, "GTFS", "vehicles", "id", "EPSG:4326"),
    ]
    stored = owner.execute(
        "SELECT source_key, st_x(geom), st_y(geom), attributes, maintainer FROM twin.asset"
    ).fetchall()
    assert len(stored) == 206
    words = {"0": "tram", "1": "metro", "3": "bus"}
    for key, x, y, attributes, operator in stored:
        trips = blocks.get_group(key.removeprefix("block/"))
        first = trips.loc[trips["leaves"].idxmin()]
        assert (x, y) == tuple(feed.starts.loc[first["shape_id"]])
        assert attributes["trips"] == len(trips)
        assert attributes["category"] in {words[kind] for kind in trips["route_type"]}
        assert set(attributes["routes"].split(", ")) == set(trips["route_short_name"])
        assert operator == "STIB"
    assert counts(load_into(home, real_data / BRUSSELS, "vehicle", division="BE-BRU"))[3] == 206


class Feed:
    """The feed by pandas: trips with their route and when they leave, and the first point of each shape."""

    def __init__(self, path: Path) -> None:
        from zipfile import ZipFile

        with ZipFile(path) as archive:
            table = {n: pd.read_csv(archive.open(f"{n}.txt"), dtype=str) for n in ("trips", "routes")}
            times = pd.read_csv(archive.open("stop_times.txt"), dtype={"trip_id": str})
            shapes = pd.read_csv(archive.open("shapes.txt"), dtype={"shape_id": str})
        first = times.sort_values("stop_sequence").drop_duplicates("trip_id").set_index("trip_id")
        leaves = pd.to_timedelta(first["departure_time"])
        self.trips = table["trips"].merge(table["routes"], on="route_id")
        self.trips["leaves"] = self.trips["trip_id"].map(leaves)
        ordered = shapes.sort_values("shape_pt_sequence").drop_duplicates("shape_id").set_index("shape_id")
        self.starts = ordered[["shape_pt_lon", "shape_pt_lat"]]


POINTS = {
    "JSPOINT": "Prj_No,Exp_No,X,Y,High,Feature,Subsid,WellDeep\n"
    "P,JS1,3457455.489,640412.315,4.50,三通,阀门井,1.2\n"
    "P,JS2,3457465.489,640412.315,4.60,直线点,,\n"
    "P,JS3,3457475.489,640422.315,,弯头,,\n",
    "YSPOINT": "Exp_No,X,Y,High,Subsid\nYS1,3457455.489,640432.315,4.5,雨水篦\n",
}
LINES = {
    "JSLINE": "QD_ID,ZD_ID,QDMS,ZDMS,CZ,GJ,MSFS,年代\n"
    "JS1,JS2,1.20,1.30,球墨铸铁,DN300,直埋,2010\n"
    "JS2,JS3,1.30,1.30,PE,200,直埋,2011\n"
    "JS3,JS99,1.30,1.30,PE,200,直埋,2011\n",
    "YSLINE": "QD_ID,ZD_ID,QDMS,ZDMS,CZ,GJ\nYS1,JS1,1.0,1.1,砼,800×600\n",
}


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    folder = tmp_path / "survey"
    folder.mkdir()
    for name, text in (POINTS | LINES).items():
        (folder / f"{name}.csv").write_text(text, encoding="gb18030")
    return folder


def test_a_pipe_survey_becomes_pipes_and_manholes(owner: Connection, home: str, survey: Path) -> None:
    receipt = load_into(home, survey, "pipeline", crs="EPSG:4549")
    assert (receipt.format, receipt.layer, receipt.encoding) == ("Pipe survey", "lines", "GB18030")
    assert counts(receipt) == (4, 3, 0, 0, 1)
    assert reasons(receipt) == {"pipe.dangling": 1}
    (loose,) = receipt.rejections.kept
    assert (loose.row, loose.value) == (3, "JSLINE QD_ID=JS3 ZD_ID=JS99")
    assert warned(receipt) == {}
    rows = owner.execute(
        "SELECT source_key, st_astext(geom, 7), attributes FROM twin.asset ORDER BY row_number"
    ).fetchall()
    assert [key for key, _, _ in rows] == ["JS/JS1-JS2", "JS/JS2-JS3", "YS/YS1-JS1"]
    to_degrees = Transformer.from_crs("EPSG:4549", "EPSG:4490", always_xy=True)
    lon, lat = to_degrees.transform([640412.315, 640412.315], [3457455.489, 3457465.489])
    assert rows[0][1].startswith("LINESTRING Z (")
    drawn = shapely.from_wkt(rows[0][1])
    assert np.allclose(shapely.get_coordinates(drawn), np.column_stack([lon, lat]), rtol=0, atol=1e-7)
    assert [z for _, _, z in drawn.coords] == pytest.approx([3.3, 3.3])
    assert rows[1][1].startswith("LINESTRING(")
    assert rows[0][2] == {
        "medium": "water_supply",
        "material": "ductile_iron",
        "diameter": 300,
        "start_depth": 1.2,
        "end_depth": 1.3,
        "start_node": "JS1",
        "end_node": "JS2",
        "laying": "direct_burial",
        "year_laid": 2010,
    }
    assert {n: rows[2][2].get(n) for n in ("medium", "width", "height", "diameter")} == {
        "medium": "stormwater",
        "width": 800,
        "height": 600,
        "diameter": None,
    }
    covers = load_into(home, survey, "manhole", crs="EPSG:4549", dataset="covers")
    assert (covers.layer, counts(covers)) == ("manholes", (2, 2, 0, 0, 0))
    attributes = column(owner, "SELECT attributes FROM twin.asset WHERE kind = 'manhole' ORDER BY row_number")
    assert attributes == [
        {"medium": "water_supply", "form": "cover", "depth": 1.2},
        {"medium": "stormwater", "form": "grate"},
    ]
    assert counts(load_into(home, survey, "pipeline", crs="EPSG:4549")) == (4, 0, 0, 3, 1)


def test_an_access_database_of_a_survey(owner: Connection, home: str) -> None:
    path = Path(__file__).parent.parent / "files" / "pipe_survey.mdb"
    done = twin(home, "load", str(path), "--kind", "pipeline", "--crs", "4549", "--json")
    assert done.returncode == 0, done.stderr
    receipt = json.loads(done.stdout)
    assert [receipt[n] for n in ("read", "new", "rejected", "format", "layer")] == [
        4,
        3,
        1,
        "Pipe survey",
        "lines",
    ]
    assert [(r["row"], r["reason"]) for r in receipt["rejections"]] == [(4, "pipe.dangling")]
    attributes = column(owner, "SELECT attributes FROM twin.asset ORDER BY row_number")
    assert [(a["material"], a.get("road"), a.get("laying")) for a in attributes] == [
        *(("ductile_iron", "世纪大道", "direct_burial"), ("ductile_iron", "世纪大道", "direct_burial")),
        ("polyethylene", "杨高南路", "trench"),
    ]
    assert (attributes[2]["width"], attributes[2]["height"]) == (800, 600)
    points = load_into(home, path, "manhole", crs="4549", layer="points", dataset="points")
    assert reasons(points) == {"key.duplicate": 1}
    assert warned(points) == {"choice.unknown": 1}
    assert column(owner, "SELECT owner FROM twin.asset WHERE source_key = 'JS/JS1'") == ["浦东新区水务局"]


def test_a_survey_turned_round_is_noted(home: str, survey: Path) -> None:
    turned = (survey / "JSPOINT.csv").read_text(encoding="gb18030").replace("X,Y,", "Y,X,")
    (survey / "JSPOINT.csv").write_text(turned, encoding="gb18030")
    (survey / "YSPOINT.csv").unlink()
    done = twin(home, "load", str(survey), "--kind", "pipeline", "--crs", "4549")
    assert done.returncode == 0, done.stderr
    assert "easting in X and the northing in Y" in done.stdout
    receipt = load_into(home, survey, "pipeline", crs="4549")
    assert (receipt.notes, counts(receipt)) == (["survey.axes_exchanged"], (4, 0, 0, 2, 2))


def test_a_feed_that_lacks_a_file_and_an_old_city_change_nothing(home: str, tmp_path: Path) -> None:
    feed = tmp_path / "feed"
    feed.mkdir()
    (feed / "trips.txt").write_text("route_id,trip_id\n1,1\n", encoding="utf-8")
    (feed / "routes.txt").write_text("route_id,route_type\n1,3\n", encoding="utf-8")
    lacking = twin(home, "load", str(feed), "--kind", "vehicle")
    assert (lacking.returncode, "lacks stops.txt" in lacking.stderr) == (1, True)
    old = tmp_path / "old.json"
    city = {"type": "CityJSON", "version": "1.0", "CityObjects": {}, "vertices": []}
    old.write_text(json.dumps(city), encoding="utf-8")
    refused = twin(home, "load", str(old), "--kind", "building", lang="zh")
    assert (refused.returncode, "CityJSON 1.0" in refused.stderr) == (1, True)
