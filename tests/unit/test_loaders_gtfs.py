"""GTFS: which archives and folders it is, blocks and lone trips, shapes in any order, broken feeds."""

from __future__ import annotations

import io
from collections.abc import Mapping
from itertools import permutations
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pandas as pd
import pytest
import shapely

from loaders.errors import FeedPartMissing, FileBroken, LayerNeeded, UnknownEncoding, UnknownLayer
from loaders.formats import Request, Rows, detect
from loaders.formats.gtfs import vehicle_type
from twin.kinds import kind
from twin.kinds.fields import choice_words
from twin.kinds.names import normalise_name

BRUSSELS = "gtfs-brussels/gtfs_data.zip"
FEED = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "A,北京公交,http://x,Asia/Shanghai\nB,Tram Ltd,,\n",
    "routes": "route_id,agency_id,route_short_name,route_long_name,route_type\n"
    "r1,A,1,东西线,3\nr2,B,2,,0\nr3,A,,Night,700\n",
    "trips": "route_id,service_id,trip_id,block_id,shape_id\n"
    "r1,w,t1,b1,s1\nr2,w,t2,b2,s2\nr1,w,t3,b1,s1\nr3,w,t4,b1,s2\nr3,w,t5,,\nr9,w,t6,b9,s1\nr9,w,t7,b2,s1\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\np1,前门,39.90,116.40\np2,西单,39.91,116.37\np3,?,,\n",
    "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    "t1,9:00:00,9:00:00,p1,1\nt1,9:30:00,9:30:00,p2,2\nt3,08:00:00,08:00:00,p2,7\nt3,08:10:00,08:10:00,p1,9\n"
    "t4,25:00:00,25:00:00,p1,1\nt2,07:00:00,07:00:00,p1,1\nt5,06:10:00,06:10:00,p1,20\nt5,06:00:00,06:00:00,p2,3\n",
    "shapes": "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\n"
    "s1,39.92,116.42,30\ns2,39.80,116.30,1\ns1,39.90,116.40,4\ns2,39.81,116.31,2\ns1,39.91,116.41,10\n",
}


def write(
    path: Path, tables: Mapping[str, str], folder: str = "", more: Mapping[str, str] | None = None
) -> Path:
    with ZipFile(path, "w") as archive:
        for name, text in tables.items():
            archive.writestr(f"{folder}{name}.txt", text)
        for name, text in (more or {}).items():
            archive.writestr(name, text)
    return path


def rows(path: Path, layer: str = "vehicles") -> Rows:
    (batch,) = detect(path).open(path, Request(layer)).rows()
    return batch


def table(batch: Rows) -> list[dict[str, Any]]:
    named = {name: column.to_pylist() for name, column in batch.columns.items()}
    return [dict(zip(named, values, strict=True)) for values in zip(*named.values(), strict=True)]


def places(batch: Rows) -> list[str | None]:
    assert batch.wkb is not None
    return [value and shapely.from_wkb(value).wkt for value in batch.wkb.to_pylist()]


def test_a_block_is_a_vehicle_and_a_lone_trip_too(tmp_path: Path) -> None:
    batch = rows(write(tmp_path / "feed.zip", FEED))
    assert batch.numbers.tolist() == [1, 2, 5]
    assert [(u.number, u.reason, u.value) for u in batch.unread] == [(6, "gtfs.route_unknown", "r9")]
    b1, b2, t5 = table(batch)
    assert b1 == {
        "id": "block/b1",
        "block_id": "b1",
        "trips": "3",
        "route_id": "r1, r3",
        "routes": "1, Night",
        "route_names": "东西线, Night",
        "vehicle_type": "bus",
        "operator": "北京公交",
    }
    assert (b2["trips"], b2["vehicle_type"], b2["operator"], b2["routes"]) == ("2", "tram", "Tram Ltd", "2")
    assert (t5["id"], t5["block_id"], t5["trips"]) == ("trip/t5", None, "1")
    # b1's first trip of the day is t3, whose shape begins at its lowest number; t5 has no shape, but stops.
    assert places(batch) == ["POINT (116.4 39.9)", "POINT (116.3 39.8)", "POINT (116.37 39.91)"]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_points_of_a_shape_come_in_any_order(order: tuple[int, ...], tmp_path: Path) -> None:
    points = [("116.4,39.9,1"), ("116.5,39.9,2"), ("116.5,39.8,10")]
    shapes = "shape_id,shape_pt_lon,shape_pt_lat,shape_pt_sequence\n" + "".join(
        f"s1,{points[place]}\ns2,116.3,39.9,1\n" for place in order
    )
    path = write(tmp_path / "feed.zip", FEED | {"shapes": shapes})
    r1, r2, r3 = places(rows(path, "routes"))
    line = "MULTILINESTRING ((116.4 39.9, 116.5 39.9, 116.5 39.8))"
    assert (r1, r3) == (line, "MULTILINESTRING ((116.3 39.9, 116.3 39.9, 116.3 39.9))")
    assert r2 == r3
    assert places(rows(path))[0] == "POINT (116.4 39.9)"


def test_routes_have_their_shapes_and_agency(tmp_path: Path) -> None:
    batch = rows(write(tmp_path / "feed.zip", FEED), "routes")
    assert [(r["route_id"], r["route_long_name"], r["operator"]) for r in table(batch)] == [
        ("r1", "东西线", "北京公交"),
        ("r2", None, "Tram Ltd"),
        ("r3", "Night", "北京公交"),
    ]
    assert places(batch)[0] == "MULTILINESTRING ((116.4 39.9, 116.41 39.91, 116.42 39.92))"


def test_stops_have_their_position_in_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "feed.zip", FEED)
    source = detect(path).open(path, Request("stops"))
    assert (source.has_geometry, source.crs, source.key) == (False, "EPSG:4326", "stop_id")
    assert table(rows(path, "stops"))[0] == {
        "stop_id": "p1",
        "stop_name": "前门",
        "lat": "39.90",
        "lon": "116.40",
    }


def test_a_stray_quote_takes_no_stop_with_it(tmp_path: Path) -> None:
    stops = FEED["stops"].replace("前门", '"前门').replace("西单", '"西单')
    stray = table(rows(write(tmp_path / "feed.zip", FEED | {"stops": stops}), "stops"))
    assert [row["stop_name"] for row in stray] == ['"前门', '"西单', "?"]


def test_a_feed_is_told_in_zips_and_folders(tmp_path: Path) -> None:
    junk = {"load.sql": "CREATE TABLE x;", "notes.csv": "a,b\n1,2\n", "README.md": "hello"}
    nested = write(tmp_path / "nested.zip", FEED, "gtfs/", junk)
    assert detect(nested).name == "GTFS"
    assert len(rows(nested)) == 3
    folder = tmp_path / "feed"
    with ZipFile(nested) as archive:
        archive.extractall(folder)
    assert detect(folder).name == "GTFS"
    assert table(rows(folder)) == table(rows(nested))
    assert detect(folder).layers(folder) == ("vehicles", "routes", "stops")


def test_the_layer_is_the_kinds_or_has_to_be_said(tmp_path: Path) -> None:
    path = write(tmp_path / "feed.zip", FEED)
    assert detect(path).open(path, Request(kind=kind("vehicle"))).layer == "vehicles"
    with pytest.raises(LayerNeeded, match="vehicles, routes, stops"):
        detect(path).open(path, Request(kind=kind("building")))
    with pytest.raises(UnknownLayer, match="trips"):
        detect(path).open(path, Request("trips"))


@pytest.mark.parametrize("name", ["routes", "stops"])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / "feed.zip", {n: text for n, text in FEED.items() if n != name})
    with pytest.raises(FeedPartMissing, match=f"lacks {name}.txt"):
        rows(path)


def test_optional_files_may_be_missing(tmp_path: Path) -> None:
    bare = {n: text for n, text in FEED.items() if n in ("routes", "trips", "stops")}
    batch = rows(write(tmp_path / "feed.zip", bare))
    assert places(batch) == [None, None, None]
    assert {row["operator"] for row in table(batch)} == {None}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("trips", "route_id,service_id\nr1,w\n", "no column trip_id"),
        ("trips", FEED["trips"] + "r1,w,t8\n", "row 8 has 3 fields instead of 5"),
        ("shapes", FEED["shapes"] + "s1,39.9,116.4,x\n", "shapes.txt"),
        ("stop_times", FEED["stop_times"] + 't9,"9:00\n', "stop_times.txt"),
    ],
)
def test_broken_tables_are_named(name: str, text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(FileBroken, match=words):
        rows(write(tmp_path / "feed.zip", FEED | {name: text}))


def test_texts_are_utf8(tmp_path: Path) -> None:
    folder = tmp_path / "feed"
    folder.mkdir()
    for name, text in FEED.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8-sig")
    assert table(rows(folder))[0]["route_id"] == "r1, r3"
    (folder / "routes.txt").write_text(FEED["routes"], encoding="gb18030")
    with pytest.raises(UnknownEncoding, match=r"routes\.txt is not UTF-8"):
        rows(folder)


@pytest.mark.parametrize(
    ("number", "word"),
    [
        *(
            ("0", "tram"),
            ("1", "metro"),
            ("3", "bus"),
            ("11", "trolleybus"),
            ("109", "train"),
            ("704", "bus"),
        ),
        *(
            ("901", "tram"),
            ("1501", "taxi"),
            ("1700", "other"),
            ("x", "other"),
            (None, "other"),
            ("²", "other"),
        ),
    ],
)
def test_route_types_are_words_that_vehicles_know(number: str | None, word: str) -> None:
    category = kind("vehicle").attribute("category")
    assert category is not None
    assert vehicle_type(number) == word
    assert normalise_name(word) in choice_words(category)


def test_the_routes_and_stops_of_brussels(real_data: Path) -> None:
    path = real_data / BRUSSELS
    with ZipFile(path) as archive:
        read = {
            name: pd.read_csv(io.BytesIO(archive.read(f"{name}.txt")), dtype=str, skipinitialspace=True)
            for name in ("routes", "trips", "shapes", "stops")
        }
    shapes = read["shapes"].astype({"shape_pt_sequence": int, "shape_pt_lon": float, "shape_pt_lat": float})
    assert (len(read["routes"]), len(shapes), len(read["stops"])) == (90, 299_281, 2_808)
    drawn = rows(path, "routes")
    assert drawn.wkb is not None
    by_route = read["trips"].groupby("route_id")["shape_id"].unique()
    lengths = shapes.groupby("shape_id").size()
    routed = 0
    for row, wkb in zip(table(drawn), drawn.wkb.to_pylist(), strict=True):
        wanted = list(by_route.get(row["route_id"], ()))
        if not wanted:
            assert wkb is None
            continue
        lines = shapely.get_parts(shapely.from_wkb(wkb))
        assert sorted(map(shapely.get_num_coordinates, lines)) == sorted(lengths[wanted])
        one = shapes[shapes["shape_id"] == wanted[0]].sort_values("shape_pt_sequence")
        assert (shapely.get_coordinates(lines[0]) == one[["shape_pt_lon", "shape_pt_lat"]].to_numpy()).all()
        routed += 1
    assert routed == len(by_route) == 5
    assert len(rows(path, "stops")) == 2_808
