"""Output formats: what is written is read again by plain GDAL, pyarrow and csv, to the last digit."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from pyproj import CRS

from twin.export.errors import FormatUnclear, UnknownFormat
from twin.export.formats import all_formats, output_format
from twin.export.model import Batch, Column, Layer

COLUMNS = (
    Column("code", "text"),
    Column("name", "text"),
    Column("floors", "integer"),
    Column("height", "number"),
    Column("listed", "boolean"),
    Column("installed", "date"),
)
ROWS = [
    ("310115-0118-000042-7", '世纪大道 "42" 号, 路灯', 3, 9.123456789012345, True, date(2015, 6, 1)),
    ("310115-0118-000043-5", None, None, None, None, None),
    ("310115-0118-000044-3", "=1+1", -1, 1e-9, False, date(1899, 12, 31)),
]
GEOMETRIES = [
    shapely.Point(121.47371234567891, 31.230412345678912),
    None,
    shapely.from_wkt("MULTIPOLYGON Z (((121 31 4.5, 121.1 31 4.5, 121.1 31.1 4.5, 121 31 4.5)))"),
]
WGS84 = CRS("EPSG:4326")
GAUSS = CRS("EPSG:4549")


def layer(name: str = "building") -> Layer:
    return Layer(name, COLUMNS, batches())


def batches() -> Iterator[Batch]:
    """Two rows, then one: formats must not take the first batch for all."""
    for rows in (slice(0, 2), slice(2, 3)):
        values = tuple(zip(*ROWS[rows], strict=True))
        yield Batch(values, np.array(GEOMETRIES[rows], dtype=object))


def empty_layer() -> Layer:
    return Layer("building", COLUMNS, iter(()))


@pytest.mark.parametrize("crs", [WGS84, GAUSS])
def test_geojson_keeps_values_and_every_digit(tmp_path: Path, crs: CRS) -> None:
    file = tmp_path / "a.geojson"
    all_formats()["geojson"].write([layer()], file, crs)
    document = json.loads(file.read_text(encoding="utf-8"))
    expected = [
        {
            c.name: str(v) if isinstance(v, date) else v
            for c, v in zip(COLUMNS, row, strict=True)
            if v is not None
        }
        for row in ROWS
    ]
    assert [feature["properties"] for feature in document["features"]] == expected
    shapes = [
        feature["geometry"] and shapely.geometry.shape(feature["geometry"])
        for feature in document["features"]
    ]
    assert shapes == GEOMETRIES
    assert len(file.read_text(encoding="utf-8").splitlines()) == len(ROWS) + 2


def test_geojson_names_a_system_that_is_not_wgs84(tmp_path: Path) -> None:
    all_formats()["geojson"].write([layer()], tmp_path / "wgs84.geojson", WGS84)
    all_formats()["geojson"].write([layer()], tmp_path / "gauss.geojson", GAUSS)
    assert "crs" not in json.loads((tmp_path / "wgs84.geojson").read_text(encoding="utf-8"))
    assert pyogrio.read_info(tmp_path / "wgs84.geojson")["crs"] == "EPSG:4326"
    assert pyogrio.read_info(tmp_path / "gauss.geojson")["crs"] == "EPSG:4549"


@pytest.mark.parametrize("crs", [WGS84, GAUSS])
def test_geopackage_has_a_layer_for_each_kind(tmp_path: Path, crs: CRS) -> None:
    file = tmp_path / "a.gpkg"
    all_formats()["gpkg"].write([layer("building"), layer("elevator")], file, crs)
    assert [name for name, _ in pyogrio.list_layers(file)] == ["building", "elevator"]
    for name in ("building", "elevator"):
        info, _, geometries, values = pyogrio.raw.read(file, layer=name, datetime_as_string=True)
        assert info["crs"] == f"EPSG:{crs.to_epsg()}"
        assert list(info["fields"]) == [column.name for column in COLUMNS]
        assert shapely.from_wkb(geometries).tolist() == GEOMETRIES
        found = dict(zip(info["fields"], values, strict=True))
        assert found["name"].tolist() == [row[1] for row in ROWS]
        assert found["height"][0] == ROWS[0][3]
        assert np.isnan(found["height"][1])
        assert [v and str(v)[:10] for v in found["installed"].tolist()] == ["2015-06-01", None, "1899-12-31"]


def test_csv_is_utf8_with_mark_and_wkt(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    all_formats()["csv"].write([layer()], file, WGS84)
    assert file.read_bytes().startswith(b"\xef\xbb\xbfcode,")
    with file.open(encoding="utf-8-sig", newline="") as text:
        rows = list(csv.DictReader(text))
    assert [row["name"] for row in rows] == [row[1] or "" for row in ROWS]
    assert [row["listed"] for row in rows] == ["true", "", "false"]
    assert float(rows[0]["height"]) == ROWS[0][3]
    assert rows[0]["installed"] == "2015-06-01"
    assert [shapely.from_wkt(row["wkt"]) if row["wkt"] else None for row in rows] == GEOMETRIES


@pytest.mark.parametrize("crs", [WGS84, GAUSS])
def test_geoparquet_describes_its_geometry(tmp_path: Path, crs: CRS) -> None:
    file = tmp_path / "a.parquet"
    all_formats()["geoparquet"].write([layer()], file, crs)
    table = pq.read_table(file)
    assert shapely.from_wkb(table.column("geometry").to_pylist()).tolist() == GEOMETRIES
    assert [tuple(row.values())[:-1] for row in table.to_pylist()] == ROWS
    geo = json.loads(pq.read_metadata(file).metadata[b"geo"])
    column = geo["columns"]["geometry"]
    assert (geo["version"], geo["primary_column"], column["encoding"]) == ("1.1.0", "geometry", "WKB")
    assert column["geometry_types"] == ["MultiPolygon Z", "Point"]
    assert CRS.from_json_dict(column["crs"]) == crs
    assert column["bbox"] == [121, 31, 121.47371234567891, 31.230412345678912]


@pytest.mark.parametrize("name", ["csv", "geojson", "geoparquet", "gpkg"])
def test_no_rows_still_make_a_file_that_can_be_read(tmp_path: Path, name: str) -> None:
    file = tmp_path / f"a{all_formats()[name].extensions[0]}"
    all_formats()[name].write([empty_layer()], file, WGS84)
    if name == "geoparquet":
        assert pq.read_table(file).num_rows == 0
    else:
        assert pyogrio.read_info(file)["features"] == 0


@pytest.mark.parametrize("name", ["gpkg", "geoparquet", "geojson", "csv"])
def test_a_system_that_no_standard_describes_is_left_unsaid(tmp_path: Path, name: str) -> None:
    file = tmp_path / f"a{all_formats()[name].extensions[0]}"
    all_formats()[name].write([layer()], file, None)
    if name == "geoparquet":
        geo = json.loads(pq.read_metadata(file).metadata[b"geo"])
        assert geo["columns"]["geometry"]["crs"] is None
    elif name == "gpkg":
        assert "EPSG" not in str(pyogrio.read_info(file)["crs"])


def test_the_format_follows_from_the_file_name() -> None:
    found = {
        file: output_format(None, Path(file)).name for file in ("a.CSV", "b.gpkg", "c.json", "d.parquet")
    }
    assert found == {"a.CSV": "csv", "b.gpkg": "gpkg", "c.json": "geojson", "d.parquet": "geoparquet"}
    assert output_format("csv", Path("a.txt")).name == "csv"


def test_an_unknown_format_suggests_the_nearest() -> None:
    with pytest.raises(UnknownFormat, match="did you mean gpkg") as caught:
        output_format("geopkg", Path("a.gpkg"))
    assert "geoparquet" in caught.value.text("zh")
    with pytest.raises(FormatUnclear, match=r"a\.xyz"):
        output_format(None, Path("a.xyz"))
