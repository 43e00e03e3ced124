"""Real files loaded, each figure counted beside by plain csv, pyogrio and shapely."""

from __future__ import annotations

import csv
import json
import shutil
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyogrio
import pytest
import shapely
from pyproj import Transformer
from pyproj.transformer import TransformerGroup

from loaders.errors import LayerNeeded, ShapefilePartMissing
from tests.loading import column, counts, load_into, reasons, warned
from twin.registry.divisions import set_home

Connection = psycopg.Connection
HELSINKI = "helsinki/Helsinki.osm.pbf"
LIGHTS = "washington-dc/streetlights.csv"
GAS = "utilities-schutterwald/gas_epsg31467.gpkg"
TSINGHUA = "buildings-tsinghua/buildings.geojson"
ELEVATORS = "elevators-nyc/elevators_raw.csv"


@pytest.fixture
def home(owner: Connection, database_url: str) -> str:
    set_home(owner, "FI-091")
    return database_url


def read(path: Path, layer: str | None = None) -> tuple[dict[str, Sequence[Any]], np.ndarray]:
    """A layer by plain pyogrio: its fields, and its geometries where shapely can read them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        meta, _, shapes, fields = pyogrio.raw.read(path, layer=layer)
    return dict(zip(meta["fields"], fields, strict=True)), shapely.from_wkb(shapes, on_invalid="ignore")


def plain_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_lamps_of_helsinki(owner: Connection, home: str, real_data: Path) -> None:
    fields, shapes = read(real_data / HELSINKI, "points")
    lamps = fields["highway"] == "street_lamp"
    assert lamps.sum() == 1_128
    receipt = load_into(home, real_data / HELSINKI)
    assert counts(receipt) == (1_128, 1_128, 0, 0, 0)
    stored = owner.execute("SELECT source_key, st_x(geom), st_y(geom) FROM twin.asset").fetchall()
    expected = {
        f"node/{number}": (point.x, point.y)
        for number, point in zip(fields["osm_id"][lamps], shapes[lamps], strict=True)
    }
    assert {key: (x, y) for key, x, y in stored} == expected
    assert counts(load_into(home, real_data / HELSINKI)) == (1_128, 0, 0, 1_128, 0)


def test_the_buildings_of_helsinki(owner: Connection, home: str, real_data: Path) -> None:
    fields, shapes = read(real_data / HELSINKI, "multipolygons")
    built = np.array([value is not None for value in fields["building"]])
    kept = shapes[built]
    # Clipped at the edge of the extract: rings of two points, which nobody reads, and areas of nothing.
    unreadable = int(shapely.is_missing(kept).sum())
    flat = int((shapely.area(kept[~shapely.is_missing(kept)]) == 0).sum())
    crossed = int((~shapely.is_valid(kept) & ~shapely.is_missing(kept)).sum()) - flat
    assert (len(kept), unreadable) == (1_492, 12)
    receipt = load_into(home, real_data / HELSINKI, "building", layer="multipolygons")
    assert counts(receipt) == (1_492, 1_492 - unreadable - flat, 0, 0, unreadable + flat)
    assert reasons(receipt) == {"geometry.unreadable": unreadable, "geometry.invalid": flat}
    assert warned(receipt)["geometry.repaired"] == crossed
    keys = {
        f"way/{way}" if number is None else f"relation/{number}"
        for number, way in zip(fields["osm_id"][built], fields["osm_way_id"][built], strict=True)
    }
    assert len(keys) == 1_492
    assert set(column(owner, "SELECT source_key FROM twin.asset")) < keys
    assert column(owner, "SELECT count(*) FROM twin.asset WHERE NOT st_isvalid(geom)") == [0]
    levels = Counter(v for v in column(owner, "SELECT attributes ->> 'levels' FROM twin.asset") if v)
    assert levels["6"] > 50


def test_the_lamps_of_washington(owner: Connection, home: str, real_data: Path) -> None:
    rows = plain_csv(real_data / LIGHTS)
    assert len(rows) == 3_963
    receipt = load_into(home, real_data / LIGHTS, crs="EPSG:4326")
    assert counts(receipt) == (3_963, 3_963, 0, 0, 0)
    assert receipt.key == "STREETLIGHTID"
    stored = {
        key: (x, y, attributes)
        for key, x, y, attributes in owner.execute(
            "SELECT source_key, st_x(geom), st_y(geom), attributes FROM twin.asset"
        ).fetchall()
    }
    for row in rows:
        x, y, attributes = stored[row["STREETLIGHTID"].strip()]
        assert (x, y) == (float(row["XCOORD"]), float(row["YCOORD"]))
        watts = row["WATTAGE1"].strip()
        assert attributes.get("power") == (float(watts) if watts.replace(".", "").isdigit() else None)
        feet = row["POLEHEIGHT_DESC"].strip().removesuffix(" ft")
        if feet.isdigit():
            assert attributes["pole_height"] == pytest.approx(int(feet) * 0.3048, abs=1e-6)
    owners = Counter(
        row["OWNER_DESC"].strip() for row in rows if row["OWNER_DESC"].strip() not in {"", "N/A", "None"}
    )
    assert (
        dict(
            owner.execute(
                "SELECT owner, count(*) FROM twin.asset WHERE owner IS NOT NULL GROUP BY 1"
            ).fetchall()
        )
        == owners
    )


def test_the_gas_network_of_schutterwald(owner: Connection, home: str, real_data: Path) -> None:
    fields, shapes = read(real_data / GAS, "pipes")
    assert len(shapes) == 2_559
    receipt = load_into(home, real_data / GAS, "pipeline", layer="pipes")
    assert counts(receipt) == (2_559, 2_559, 0, 0, 0)
    assert (receipt.crs, receipt.accuracy) == ("EPSG:31467", 3.0)
    stored = dict(owner.execute("SELECT row_number, st_asbinary(geom) FROM twin.asset").fetchall())
    group = TransformerGroup("EPSG:31467", "EPSG:4326", always_xy=True)
    (operation,) = (t for t in group.transformers if "DHDN to WGS 84 (2)" in t.description)
    for number, shape in enumerate(shapes, 1):
        moved = shapely.transform(shape, operation.transform, interleaved=False)
        assert shapely.equals_exact(shapely.from_wkb(stored[number]), moved, 1e-9)
    nodes = {
        (a["start_node"], a["end_node"])
        for (a,) in owner.execute("SELECT attributes FROM twin.asset").fetchall()
    }
    assert nodes == {
        (str(a), str(b)) for a, b in zip(fields["from_junction"], fields["to_junction"], strict=True)
    }
    with pytest.raises(LayerNeeded, match="junctions, pipes"):
        load_into(home, real_data / GAS, "pipeline")


def test_the_buildings_of_tsinghua(owner: Connection, home: str, real_data: Path) -> None:
    features = json.loads((real_data / TSINGHUA).read_text(encoding="utf-8"))["features"]
    ids = [feature["properties"]["id"] for feature in features]
    receipt = load_into(home, real_data / TSINGHUA, "building", division="110108")
    assert counts(receipt) == (len(ids), len(set(ids)), 0, 0, len(ids) - len(set(ids)))
    assert receipt.key == "id"
    names = {str(f["properties"]["id"]): f["properties"]["name"] for f in reversed(features)}
    stored = dict(owner.execute("SELECT source_key, name FROM twin.asset").fetchall())
    assert stored == {key: name and name.strip() for key, name in names.items()}
    assert column(owner, "SELECT DISTINCT left(code, 6) FROM twin.asset") == ["110108"]


def test_the_elevators_of_new_york(owner: Connection, home: str, real_data: Path) -> None:
    rows = plain_csv(real_data / ELEVATORS)
    devices = Counter(row["DV_DEVICE_NUMBER"].strip() for row in rows)
    without = sum(not row["LATITUDE"].strip() or not row["LONGITUDE"].strip() for row in rows)
    assert (len(rows), without) == (76_088, 20)
    receipt = load_into(home, real_data / ELEVATORS, "elevator", division="US-NY")
    assert counts(receipt) == (76_088, len(devices), 0, 0, 76_088 - len(devices))
    assert column(owner, "SELECT count(*) FROM twin.asset WHERE geom IS NULL") == [without]
    pounds = {
        row["DV_DEVICE_NUMBER"].strip(): float(row["DV_CAPACITY_LBS"])
        for row in rows
        if row["DV_CAPACITY_LBS"].replace(".", "").isdigit()
    }
    loads = dict(
        owner.execute(
            "SELECT source_key, (attributes -> 'rated_load')::float FROM twin.asset"
            " WHERE attributes ? 'rated_load'"
        ).fetchall()
    )
    shared = loads.keys() & pounds.keys()
    assert len(shared) > 30_000
    assert all(loads[key] == pytest.approx(pounds[key] * 0.45359237, abs=1e-6) for key in shared)


def test_a_shapefile_of_a_chinese_department(owner: Connection, home: str, tmp_path: Path) -> None:
    names = ["南京西路一号灯", "延安中路", None]
    x, y = [640412.315, 640500.0, 640600.5], [3457455.489, 3457500.0, 3457000.25]
    path = tmp_path / "路灯.shp"
    pyogrio.raw.write(
        path,
        shapely.to_wkb(shapely.points(x, y)),
        [np.array(["1", "2", "3"], dtype=object), np.array(names, dtype=object)],
        ["路灯编号", "名称"],
        geometry_type="Point",
        crs="EPSG:4549",
        driver="ESRI Shapefile",
        encoding="GBK",
    )
    path.with_suffix(".cpg").unlink()
    receipt = load_into(home, path, division="310106")
    assert (counts(receipt), receipt.encoding, receipt.crs) == ((3, 3, 0, 0, 0), "GB18030", "EPSG:4549")
    stored = owner.execute(
        "SELECT name, st_x(geom), st_y(geom) FROM twin.asset ORDER BY row_number"
    ).fetchall()
    lon, lat = Transformer.from_crs("EPSG:4549", "EPSG:4490", always_xy=True).transform(x, y)
    assert [name for name, _, _ in stored] == names
    assert np.allclose([row[1:] for row in stored], np.column_stack([lon, lat]), rtol=0, atol=1e-10)
    assert np.allclose(stored[0][1:], (121.4737, 31.2304), rtol=0, atol=1e-6)


def test_the_shapefiles_of_washington_that_lack_a_part(home: str, real_data: Path, tmp_path: Path) -> None:
    for name, part in (("buildings_subarea", ".shp"), ("roads", ".dbf")):
        with pytest.raises(ShapefilePartMissing, match=part):
            load_into(home, real_data / "washington-dc" / f"{name}.shp", "building")
    for suffix in (".shp", ".shx", ".dbf", ".prj", ".cpg"):
        shutil.copy(real_data / "washington-dc" / f"buildings{suffix}", tmp_path)
    _, shapes = read(tmp_path / "buildings.shp")
    receipt = load_into(home, tmp_path / "buildings.shp", "building", division="US-DC")
    assert receipt.read == len(shapes) == 1_899
    assert receipt.new == 1_899 - receipt.rejected
    assert warned(receipt).get("geometry.repaired", 0) == int((~shapely.is_valid(shapes)).sum())


def test_a_file_of_four_layers(home: str, real_data: Path) -> None:
    path = real_data / "buildings-bubenec" / "bubenec.gpkg"
    layers = [str(name) for name, _ in pyogrio.list_layers(path)]
    assert len(layers) == 4
    with pytest.raises(LayerNeeded, match=", ".join(layers)):
        load_into(home, path, "building")
    receipt = load_into(home, path, "building", layer="buildings")
    assert counts(receipt) == (144, 144, 0, 0, 0)
