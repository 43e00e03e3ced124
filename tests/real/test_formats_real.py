"""Every real file in its format: as many rows as another reader finds; and the same after GDAL rewrote it."""

from __future__ import annotations

import csv
import json
import sqlite3
import struct
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest
import shapely
from format_files import numbers, opened, places, read

from loaders.errors import LayerNeeded, ShapefilePartMissing
from loaders.formats import detect


def features(path: Path) -> int:
    return len(json.loads(path.read_text(encoding="utf-8"))["features"])


def lines(path: Path) -> int:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return sum(1 for row in csv.reader(file) if row) - 1


def records(path: Path) -> int:
    return int(struct.unpack("<4xL", path.with_suffix(".dbf").read_bytes()[:8])[0])


def rows_of(table: str) -> Callable[[Path], int]:
    def count(path: Path) -> int:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            return int(connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])

    return count


def points(path: Path) -> int:
    return sum(1 for one in ElementTree.parse(path).iter() if one.tag.endswith("}trkpt"))


FILES: list[tuple[str, str, str | None, Callable[[Path], int]]] = [
    ("admin-vermont/Vermont_Town_GEOID_RPC_County.geojson", "GeoJSON", None, features),
    ("buildings-bubenec/bubenec.gpkg", "GeoPackage", "buildings", rows_of("buildings")),
    ("buildings-bubenec/bubenec.gpkg", "GeoPackage", "plots", rows_of("plots")),
    ("buildings-bubenec/bubenec.gpkg", "GeoPackage", "streets", rows_of("streets")),
    ("buildings-nyc/buildings.shp", "Shapefile", None, records),
    ("buildings-tsinghua/buildings.geojson", "GeoJSON", None, features),
    ("elevators-nyc/elevators_raw.csv", "CSV", None, lines),
    ("power-oberrhein/buses.geojson", "GeoJSON", None, features),
    ("power-oberrhein/lines.geojson", "GeoJSON", None, features),
    ("sewers-vermont/Montpelier_lines.geojson", "GeoJSON", None, features),
    ("sewers-vermont/NewportCity_lines.geojson", "GeoJSON", None, features),
    ("shanghai-boundary/busline.json", "GeoJSON", None, features),
    ("shanghai-boundary/shanghai.json", "GeoJSON", None, features),
    ("shanghai-boundary/sz.json", "GeoJSON", None, features),
    ("shanghai-divisions/areas_shanghai.csv", "CSV", None, lines),
    ("shanghai-divisions/streets_shanghai.csv", "CSV", None, lines),
    ("tracks-athens/data_sparsify.csv", "CSV", None, lines),
    ("tracks-limerick/304 to UL 2019-02-18 0745.gpx", "GPX", "track_points", points),
    ("tracks-limerick/stops_304_to_ul.gpkg", "GeoPackage", None, lambda _: 36),
    ("utilities-schutterwald/power_lv_lines.geojson", "GeoJSON", None, features),
    ("utilities-schutterwald/power_lv_nodes.geojson", "GeoJSON", None, features),
    ("washington-dc/streetlights.csv", "CSV", None, lines),
]


@pytest.mark.parametrize(("name", "format_", "layer", "count"), FILES, ids=[f"{f[0]}:{f[2]}" for f in FILES])
def test_as_many_rows_as_another_reader_finds(
    name: str, format_: str, layer: str | None, count: Callable[[Path], int], real_data: Path
) -> None:
    path = real_data / name
    assert detect(path).name == format_
    source = opened(path, layer)
    assert len(numbers(source)) == count(path)
    assert source.encoding in (None, "UTF-8", "ISO-8859-1")


def test_a_folder_of_shapefiles_of_which_some_lack_parts(real_data: Path) -> None:
    folder = real_data / "washington-dc"
    layers = ("buildings", "buildings_subarea", "bus_lines", "cso", "metro_entrances", "parks_iso", "roads")
    assert detect(folder).name == "Shapefile"
    assert detect(folder).layers(folder) == layers
    for layer in ("buildings", "bus_lines", "cso", "metro_entrances", "parks_iso"):
        assert len(numbers(opened(folder, layer))) == records(folder / f"{layer}.shp")
    with pytest.raises(ShapefilePartMissing, match=r"lacks its part \.shp"):
        opened(folder, "buildings_subarea")
    with pytest.raises(ShapefilePartMissing, match=r"lacks its part \.(dbf|shx)"):
        opened(folder, "roads")
    with pytest.raises(LayerNeeded):
        opened(folder)
    systems = {layer: opened(folder, layer).crs for layer in ("buildings", "bus_lines", "cso")}
    assert {"EPSG:4326", "EPSG:26985"} == set(systems.values())


def rewritten(source: Path, target: Path, driver: str, *more: str) -> Path:
    command = ["ogr2ogr", "-f", driver, str(target), str(source), *more]
    subprocess.run(command, check=True, capture_output=True)
    return target


@pytest.mark.parametrize(
    ("driver", "name", "format_", "options"),
    [
        ("OpenFileGDB", "b.gdb", "File Geodatabase", []),
        ("GML", "b.gml", "GML", []),
        ("MapInfo File", "b.tab", "MapInfo", ["-lco", "ENCODING=UTF-8"]),
        ("MapInfo File", "b.mif", "MapInfo", ["-dsco", "FORMAT=MIF"]),
        ("FlatGeobuf", "b.fgb", "FlatGeobuf", ["-lco", "SPATIAL_INDEX=NO"]),
        ("GeoJSONSeq", "b.geojsonl", "GeoJSONSeq", ["-lco", "COORDINATE_PRECISION=9"]),
    ],
)
def test_buildings_that_gdal_rewrote(
    driver: str, name: str, format_: str, options: list[str], tmp_path: Path, real_data: Path
) -> None:
    plain = real_data / "buildings-bubenec" / "bubenec.gpkg"
    if driver == "OpenFileGDB" and not writes("OpenFileGDB"):
        pyogrio_rewrite(plain, tmp_path / name)
    else:
        rewritten(plain, tmp_path / name, driver, "buildings", *options)
    assert detect(tmp_path / name).name == format_
    again = opened(tmp_path / name)
    before = opened(plain, "buildings")
    assert len(numbers(again)) == len(numbers(before)) == 144
    if format_ != "GeoJSONSeq":
        areas = [shapely.area(places(one)).sum() for one in (again, before)]
        assert areas[0] == pytest.approx(areas[1], rel=1e-4)
        assert again.crs is not None


def writes(driver: str) -> bool:
    listed = subprocess.run(["ogrinfo", "--formats"], check=True, capture_output=True, text=True).stdout
    return any(driver in line and "rw" in line for line in listed.splitlines())


def pyogrio_rewrite(source: Path, target: Path) -> None:
    import geopandas

    geopandas.read_file(source, layer="buildings").to_file(target, driver="OpenFileGDB", layer="buildings")


def test_chinese_buildings_as_kml(tmp_path: Path, real_data: Path) -> None:
    plain = real_data / "buildings-tsinghua" / "buildings.geojson"
    path = rewritten(plain, tmp_path / "b.kml", "LIBKML", "-dsco", "DOCUMENT_ID=b")
    again, before = opened(path), opened(plain)
    assert (detect(path).name, len(numbers(again))) == ("KML", 626)
    names = {name for name in read(before, "name")["name"] if name}
    assert len(names) > 50
    assert names == {name for name in read(again, "Name")["Name"] if name}
