"""Whole files inspected, without a registry: layers, samples, encodings, proposals as mappings, bad input."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from loaders.arrow import texts
from loaders.errors import FileEmpty, FileMissing, NoLayers, UnknownFormat, UnknownLayer
from loaders.formats import Rows
from loaders.inspection import sample as sampling
from loaders.inspection.as_json import as_json
from loaders.inspection.confidence import Confidence
from loaders.inspection.facts import Facts
from loaders.inspection.fields import FieldGuess
from loaders.inspection.inspect import inspect
from loaders.inspection.positions import Positions
from loaders.inspection.proposal import Proposal
from loaders.inspection.sample import take_sample
from loaders.inspection.systems import SystemFinding
from loaders.inspection.toml import mapping_toml
from loaders.mapping import read_mapping
from twin.errors import TwinError
from twin.kinds import kind
from twin.kinds.fields import Field

LAMPS = "路灯编号,灯杆高度(m),功率（W）,经度,纬度,备注\n" + "".join(
    f"LD{n:03d},{8 + n % 3},{100 + n},{121.5 + n * 1e-3:.6f},{31.2 + n * 1e-4:.6f},\n" for n in range(30)
)


def layer_into(
    path: Path, name: str, points: list[shapely.Point], *, append: bool, **columns: list[str]
) -> None:
    pyogrio.raw.write(
        path, shapely.to_wkb(np.array(points)), [np.array(v, dtype=object) for v in columns.values()],
        np.array(list(columns), dtype=object), layer=name, geometry_type="Point", crs="EPSG:4490",
        append=append,
    )  # fmt: skip


def test_a_chinese_table(tmp_path: Path) -> None:
    path = tmp_path / "浦东路灯.csv"
    path.write_bytes(LAMPS.encode("gb18030"))
    (layer,) = inspect(path).layers
    assert (layer.count, layer.sampled, layer.whole) == (30, 30, True)
    assert (layer.encoding, layer.encoding_found) == ("gb18030", "detected") or layer.encoding == "GB18030"
    found = layer.proposal
    assert found is not None
    assert (found.kind, found.kind_confidence) == ("streetlight", Confidence.CERTAIN)
    assert {g.column: g.target.name for g in found.fields if g.confidence is Confidence.CERTAIN} == {
        "路灯编号": "pole_number",
        "灯杆高度(m)": "pole_height",
        "功率（W）": "power",
    }
    assert found.positions.columns == ("经度", "纬度")


def test_the_proposal_is_a_mapping(tmp_path: Path) -> None:
    path, mapping = tmp_path / "浦东路灯.csv", tmp_path / "m.toml"
    path.write_text(LAMPS, encoding="utf-8")
    (layer,) = inspect(path).layers
    assert layer.proposal is not None
    mapping.write_text(mapping_toml(layer.proposal, path.name, None, "zh"), encoding="utf-8")
    read = read_mapping(mapping)
    assert (read.kind, read.crs, read.key) == ("streetlight", "EPSG:4326", "路灯编号")
    assert read.fields is not None
    assert {name: source.column for name, source in read.fields.items()} == {
        "pole_number": "路灯编号", "pole_height": "灯杆高度(m)", "power": "功率（W）",
        "lon": "经度", "lat": "纬度",
    }  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    column=st.text(st.characters(exclude_categories=("Cs",)), min_size=1),
    name=st.text(st.characters(exclude_categories=("Cs",))),
)
def test_any_heading_can_be_written_and_read(
    column: str, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from loaders.inspection.confidence import Why

    why = Why(name, name)
    guess = FieldGuess(column, Field("attribute", "power"), Confidence.CERTAIN, why)
    proposal = Proposal("streetlight", True, (), SystemFinding(None, ()), Positions(), None, (guess,))
    mapping = tmp_path_factory.mktemp("m") / "m.toml"
    mapping.write_text(mapping_toml(proposal, name, name, "en"), encoding="utf-8", newline="")
    fields = read_mapping(mapping).fields
    assert fields is not None
    assert fields["power"].column == column


def test_an_unreadable_layer_is_told_and_others_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "city.gpkg"
    points = [shapely.Point(121.5 + n / 100, 31.2) for n in range(3)]
    layer_into(path, "路灯", points, append=False, 杆号=["a", "b", "c"])
    layer_into(path, "坏层", points, append=True, x=["a", "b", "c"])
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute("UPDATE sqlite_master SET sql = replace(sql, '\"x\"', '\"y\"') WHERE name = '坏层'")
        database.execute("PRAGMA writable_schema = OFF")
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = '坏层'").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    data = bytearray(path.read_bytes())
    data[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(data)
    good, bad = sorted(inspect(path).layers, key=lambda layer: layer.problem is not None)
    assert (good.name, good.count, good.types) == ("路灯", 3, {"Point": 3})
    assert (bad.name, bad.problem and bad.problem.code) == ("坏层", "file.broken")
    report = as_json(inspect(path), "zh")
    assert json.loads(json.dumps(report))["layers"][1]["problem"]["code"] == "file.broken"


def test_one_layer_can_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "city.gpkg"
    layer_into(path, "a", [shapely.Point(121.5, 31.2)], append=False, n=["1"])
    layer_into(path, "b", [shapely.Point(121.5, 31.2)], append=True, n=["1"])
    assert [layer.name for layer in inspect(path).layers] == ["a", "b"]
    assert [layer.name for layer in inspect(path, "b").layers] == ["b"]
    with pytest.raises(UnknownLayer):
        inspect(path, "c")


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.csv", b"", FileEmpty),
        ("a.csv", b"a,b\n", FileEmpty),
        ("a.bin", bytes(range(256)) * 40, UnknownFormat),
        ("a.geojson", b'{"type": "FeatureColl', TwinError),
        ("a.shp", b"\x00\x00\x27\x0a" + bytes(96), TwinError),
        ("a.xlsx", b"PK\x03\x04junk", TwinError),
        ("a.gpkg", b"SQLite format 3\x00" + b"\xff" * 5000, TwinError),
    ],
)
def test_files_that_hold_nothing_are_told(
    tmp_path: Path, name: str, content: bytes, problem: type[TwinError]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(problem):
        inspect(path)


def test_a_file_that_is_not_there_and_a_layer_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        inspect(tmp_path / "none.csv")
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(NoLayers):
        inspect(path, "x")


def test_a_table_without_any_position(tmp_path: Path) -> None:
    path = tmp_path / "vehicles.csv"
    path.write_text(
        "车牌号码,车辆类型\n沪A12345,渣土车\n沪A12346,渣土车\n沪A12347,环卫车\n", encoding="utf-8"
    )
    (layer,) = inspect(path).layers
    assert layer.proposal is not None
    assert (layer.types, layer.proposal.positions.columns, layer.proposal.system.guesses) == ({}, (), ())
    assert layer.proposal.kind == "vehicle"


def test_a_feature_collection_of_nothing_but_properties(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    features = [{"type": "Feature", "properties": {"a": n}, "geometry": None} for n in range(3)]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    (layer,) = inspect(path).layers
    assert layer.count == 3
    assert set(layer.types) <= {""}


def test_geometry_types_are_those_of_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    shapes = [shapely.Point(1, 2), shapely.LineString([(1, 2), (3, 4)]), shapely.Point(3, 4)]
    features = [
        {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(s)} for s in shapes
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    assert inspect(path).layers[0].types == {"Point": 2, "LineString": 1}


def test_a_kind_that_is_said_is_not_doubted(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("id,额定功率,lon,lat\n7,100,121.5,31.2\n9,150,121.6,31.2\n", encoding="utf-8")
    (layer,) = inspect(path, said_kind=kind("streetlight")).layers
    assert layer.proposal is not None
    assert (layer.proposal.kind, layer.proposal.kinds) == ("streetlight", ())
    assert [guess.target.name for guess in layer.proposal.fields] == ["power"]


def test_well_known_text_and_pairs_are_positions(tmp_path: Path) -> None:
    path = tmp_path / "roads.csv"
    path.write_text('id,the_geom\n1,"LINESTRING (24.9 60.1, 25 60.2)"\n2,"LINESTRING (24.9 60.1, 25 60.3)"\n')
    (layer,) = inspect(path).layers
    assert layer.proposal is not None
    assert (layer.proposal.positions.wkt, layer.types) == ("the_geom", {"LineString": 2})
    path.write_text("id,Y,X\n1,640790.1,3454105.2\n2,640815.4,3454117.9\n")
    found = inspect(path).layers[0].proposal
    assert found is not None and found.positions.columns == ("X", "Y")
    best = found.system.best
    assert best is not None and best.exchanged
    assert 'lon = "Y"' in mapping_toml(
        inspect(path, said_kind=kind("manhole")).layers[0].proposal or found, "x", None, "en"
    )


@pytest.mark.parametrize(
    ("x", "y"),
    [("X坐标", "Y坐标"), ("POINT_X", "POINT_Y"), ("gcj_lng", "gcj_lat"), ("WGS84经度", "WGS84纬度")],
)
def test_pairs_by_other_names_are_likely(tmp_path: Path, x: str, y: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"id,{y},{x}\n1,60.25,24.5\n2,60.26,24.75\n", encoding="utf-8")
    found = inspect(path, said_kind=kind("manhole")).layers[0].proposal
    assert found is not None
    assert (found.positions.lon, found.positions.lat, found.positions.confidence) == (x, y, Confidence.LIKELY)


def test_pairs_that_are_no_coordinates_are_none(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,max,may,index,indey\n1,5,6,1,7\n2,7,8,2,9\n", encoding="utf-8")
    found = inspect(path, said_kind=kind("manhole")).layers[0].proposal
    assert found is not None and found.positions.columns == ()


def test_an_export_says_its_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = "".join(f"d,k{n},streetlight,24.{n},60.1\n" for n in range(5))
    path.write_text(f"dataset,source_key,kind,lon,lat\n{rows}", encoding="utf-8")
    found = inspect(path).layers[0].proposal
    assert found is not None
    assert (found.kind, found.kind_confidence) == ("streetlight", Confidence.CERTAIN)
    assert found.key is not None and found.key.column == "source_key"
    path.write_text(path.read_text().replace("k1,streetlight", "k1,building"))
    found = inspect(path).layers[0].proposal
    assert found is not None and found.kind_confidence is not Confidence.CERTAIN


def batch(start: int, length: int) -> Rows:
    numbers = np.arange(start, start + length, dtype=np.int64)
    return Rows(numbers, {"n": texts([str(n) for n in numbers])}, None)


def test_a_sample_is_bounded_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = take_sample([batch(1, 10_000)])
    assert (whole.read, whole.taken, whole.whole) == (10_000, 10_000, True)
    monkeypatch.setattr(sampling, "READ_ROWS", 150_000)
    batches = (batch(1 + n * 50_000, 50_000) for n in range(100))
    some = take_sample(batches)
    assert (some.read, some.whole) == (150_000, False)
    assert 10_000 < some.taken <= 10_000 + 3 * sampling.SPREAD_ROWS
    assert next(batches).numbers[0] > 150_000
    taken = [int(value or 0) for value in some.values["n"]]
    assert taken[:10_000] == list(range(1, 10_001))
    assert max(taken) > 140_000


def test_facts_of_a_column() -> None:
    facts = Facts.of("h", ["16 ft", "30 ft", None, "18 ft"])
    assert (facts.rows, facts.filled, facts.written_unit) == (4, 3, ("ft", 1.0))
    assert Facts.of("d", ["2020-01-02", "2021年3月4日", "20220506"]).dates() == (1.0, 0.0)
    assert Facts.of("d", ["9999-12-31", "0001-01-01"]).dates() == (0.0, 0.0)
