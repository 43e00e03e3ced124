"""The formats that GDAL reads: told, listed by layers, read whole, and refused where they are cut short."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import shapely
from format_files import NAMES, POINTS, make, numbers, opened, parts, places, read, unread, zipped

from loaders.errors import (
    CoordinatesEncoded,
    FileBroken,
    FileEmpty,
    FormatUnclear,
    LayerNeeded,
    ShapefilePartMissing,
    TwinError,
    UnknownEncoding,
    UnknownLayer,
)
from loaders.formats import Request, all_formats, detect

WRITTEN = {
    "File Geodatabase": ("a.gdb", "OpenFileGDB", {}),
    "KML": ("a.kml", "LIBKML", {}),
    "GML": ("a.gml", "GML", {}),
    "MapInfo": ("a.tab", "MapInfo File", {"ENCODING": "CP936"}),
    "GPX": ("a.gpx", "GPX", {"GPX_USE_EXTENSIONS": "YES"}),
    "GeoPackage": ("a.gpkg", "GPKG", {}),
    "FlatGeobuf": ("a.fgb", "FlatGeobuf", {"SPATIAL_INDEX": "NO"}),
    "GeoJSON": ("a.geojson", "GeoJSON", {}),
}


@pytest.mark.parametrize("format_", WRITTEN)
def test_a_format_is_told_and_read(format_: str, tmp_path: Path) -> None:
    name, driver, options = WRITTEN[format_]
    path = make(tmp_path / name, driver, **options)
    before = sorted(tmp_path.rglob("*"))
    chosen = detect(path)
    assert chosen.name == format_
    layers = chosen.layers(path)
    source = opened(path)
    assert layers == (source.layer,)
    assert source.crs == "EPSG:4326"
    column = next(c for c in source.columns if c in ("name", "ogr_name", "Name"))
    assert read(source, "nr" if "nr" in source.columns else "ogr_nr").popitem()[1][0] in ("1", "1.0")
    assert [one for one in read(source, column)[column] if one] == NAMES
    assert shapely.equals_exact(places(source), POINTS, tolerance=1e-8).all()
    assert numbers(source) == [1, 2, 3]
    assert sorted(tmp_path.rglob("*")) == before, "reading leaves nothing behind"


def test_a_mid_mif_pair_is_read(tmp_path: Path) -> None:
    source = opened(make(tmp_path / "a.mif", "MapInfo File", ENCODING="CP936"))
    assert read(source, "name") == {"name": NAMES}


CUT = [
    ("a.kml", "a.kml", "LIBKML"),
    ("a.gml", "a.gml", "GML"),
    ("a.gpx", "a.gpx", "GPX"),
    ("a.tab", "a.dat", "MapInfo File"),
    ("a.tab", "a.map", "MapInfo File"),
    ("a.tab", "a.id", "MapInfo File"),
    ("a.mif", "a.mif", "MapInfo File"),
    ("a.mif", "a.mid", "MapInfo File"),
    ("a.gpkg", "a.gpkg", "GPKG"),
    ("a.fgb", "a.fgb", "FlatGeobuf"),
    ("a.geojson", "a.geojson", "GeoJSON"),
    ("a.gdb", "a.gdb/a00000009.gdbtable", "OpenFileGDB"),
    ("a.gdb", "a.gdb/a00000009.gdbtablx", "OpenFileGDB"),
    ("a.gdb", "a.gdb/a00000001.gdbtable", "OpenFileGDB"),
]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize(("name", "part", "driver"), CUT, ids=str)
def test_a_file_that_is_cut_short_never_passes_for_whole(
    name: str, part: str, driver: str, share: float, tmp_path: Path
) -> None:
    path = make(tmp_path / name, driver, count=2000, field="nm" if driver == "GPX" else "name",
                **({"GPX_USE_EXTENSIONS": "YES"} if driver == "GPX" else {}),
                **({"ENCODING": "CP936"} if driver == "MapInfo File" else {}))  # fmt: skip
    whole = (tmp_path / part).read_bytes()
    (tmp_path / part).write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(FileBroken):
        assert len(numbers(opened(path))) < 0


def shapefiles(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        make(folder / f"{name}.shp", "ESRI Shapefile", encoding="GBK", field="路名")
        (folder / f"{name}.cpg").unlink()
    return folder


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_of_shapefiles_is_layers(packed: bool, tmp_path: Path) -> None:
    folder = shapefiles(tmp_path / "many", "lamps", "roads", "old/pipes")
    (folder / "roads.prj").unlink()
    (folder / "lamps.cpg").write_text("936", encoding="ascii")
    table = bytearray((folder / "roads.dbf").read_bytes())
    table[29] = 0x4D
    (folder / "roads.dbf").write_bytes(table)
    path = folder
    if packed:
        members = {str(p.relative_to(folder)): p for p in folder.rglob("*.*") if p.is_file()}
        path = zipped(tmp_path / "many.zip", members)
    assert detect(path).name == "Shapefile"
    assert detect(path).layers(path) == ("lamps", "pipes", "roads")
    found = {layer: opened(path, layer) for layer in ("lamps", "pipes", "roads")}
    assert [(one.encoding, one.encoding_found, one.crs) for one in found.values()] == [
        ("GBK", ".cpg", "EPSG:4326"),
        ("GB18030", "detected", "EPSG:4326"),
        ("GBK", "LDID", None),
    ]
    assert [(one.layer, read(one, "路名")["路名"]) for one in found.values()] == [
        (layer, NAMES) for layer in found
    ]
    with pytest.raises(LayerNeeded, match="lamps, pipes, roads"):
        opened(path)
    with pytest.raises(UnknownLayer):
        opened(path, "trees")


def test_shapefiles_of_one_name_in_two_folders_are_told_apart(tmp_path: Path) -> None:
    folder = shapefiles(tmp_path / "many", "north/lamps", "south/lamps")
    assert detect(folder).layers(folder) == ("north/lamps", "south/lamps")
    assert numbers(opened(folder, "south/lamps")) == [1, 2, 3]


@pytest.mark.parametrize("part", [".shp", ".dbf", ".shx"])
def test_a_part_that_is_missing_among_many_is_told(part: str, tmp_path: Path) -> None:
    folder = shapefiles(tmp_path / "many", "lamps", "roads")
    (folder / f"lamps{part}").unlink()
    assert read(opened(folder, "roads"), "路名") == {"路名": NAMES}
    if part == ".dbf" or part == ".shp":
        with pytest.raises(ShapefilePartMissing, match=rf"lamps\.shp lacks its part \{part}"):
            opened(folder, "lamps")


def test_each_layer_keeps_its_own_coordinate_system(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    make(folder / "a.shp", "ESRI Shapefile")
    make(folder / "b.shp", "ESRI Shapefile", crs="EPSG:4490")
    assert [opened(folder, layer).crs for layer in "ab"] == ["EPSG:4326", "EPSG:4490"]


@pytest.mark.parametrize("inside", ["", "export/"])
def test_a_geodatabase_may_be_zipped(inside: str, tmp_path: Path) -> None:
    folder = make(tmp_path / "lamps.gdb", "OpenFileGDB")
    members: dict[str, bytes | Path] = {f"{inside}lamps.gdb/{p.name}": p for p in folder.iterdir()}
    path = zipped(tmp_path / "lamps.gdb.zip", {**members, "readme.txt": b"hello"})
    assert detect(path).name == "File Geodatabase"
    assert read(opened(path), "name") == {"name": NAMES}
    assert read(opened(folder.parent), "name") == {"name": NAMES} if not inside else True


def test_two_geodatabases_or_one_with_another_name_are_told(tmp_path: Path) -> None:
    make(tmp_path / "a.gdb", "OpenFileGDB")
    shutil.copytree(tmp_path / "a.gdb", tmp_path / "b.gdb")
    with pytest.raises(FormatUnclear, match=r"a\.gdb, b\.gdb"):
        opened(tmp_path)
    shutil.rmtree(tmp_path / "b.gdb")
    (tmp_path / "a.gdb").rename(tmp_path / "plain")
    with pytest.raises(FileBroken, match="must be called"):
        opened(tmp_path / "plain")


def test_an_archive_of_kml(tmp_path: Path) -> None:
    kmz = make(tmp_path / "a.kmz", "LIBKML")
    assert detect(kmz).name == "KML"
    assert read(opened(kmz), "Name") == {"Name": NAMES}


@pytest.mark.parametrize(("name", "driver"), [("a.kml", "LIBKML"), ("a.gml", "GML"), ("a.gpx", "GPX")])
def test_xml_in_a_chinese_encoding_is_read(name: str, driver: str, tmp_path: Path) -> None:
    options = {"GPX_USE_EXTENSIONS": "YES"} if driver == "GPX" else {}
    path = make(tmp_path / name, driver, **options)
    (tmp_path / "a.xsd").unlink(missing_ok=True)
    text = path.read_text(encoding="utf-8")
    _, _, rest = text.partition("?>")
    path.write_bytes(f'<?xml version="1.0" encoding="GB2312"?>{rest}'.encode("gb18030"))
    source = opened(path)
    assert (source.encoding, source.encoding_found) == ("GB18030", "declared")
    assert NAMES in read(source).values()
    path.write_bytes(f'<?xml version="1.0" encoding="x-unknown"?>{rest}'.encode("gb18030"))
    with pytest.raises(UnknownEncoding, match="x-unknown"):
        opened(path)
    path.write_bytes(f'<?xml version="1.0"?>{rest}'.encode("gb18030"))
    with pytest.raises(FileBroken, match="not well-formed"):
        opened(path)


def collection(*coordinates: object, **more: object) -> dict[str, object]:
    features = [
        {
            "type": "Feature",
            "properties": {"name": NAMES[n]},
            "geometry": {"type": "Point", "coordinates": place},
        }
        for n, place in enumerate(coordinates)
    ]
    return {"type": "FeatureCollection", "features": features, **more}


PLAIN = collection([121.5, 31.2], [121.6, 31.3])


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-8"])
def test_geojson_in_any_encoding_says_which(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps(PLAIN, ensure_ascii=False), encoding=encoding)
    source = opened(path)
    assert read(source, "name") == {"name": NAMES[:2]}
    assert (source.encoding, source.encoding_found) == (
        ("GB18030", "detected") if encoding == "gb18030" else (None, None)
    )


def test_geojson_of_mixed_encodings_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_bytes(json.dumps(PLAIN, ensure_ascii=False).encode() + b" \xff\xfe")
    with pytest.raises(UnknownEncoding):
        opened(path)


@pytest.mark.parametrize(
    "content",
    [
        {**PLAIN, "UTF8Encoding": True},
        collection("@@AAbb"),
        collection(["121.5", "31.2"]),
        {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry":
            {"type": "Polygon", "coordinates": ["@@ƛĴÈ"], "encodeOffsets": [[1, 2]]}}]},
    ],
)  # fmt: skip
def test_encoded_coordinates_are_refused_by_name(content: object, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(CoordinatesEncoded, match="encoded as text"):
        opened(path)


def test_a_crs_member_of_geojson_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    name = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4549"}}
    path.write_text(json.dumps(collection([640412.3, 3457455.5], crs=name)), encoding="utf-8")
    source = opened(path)
    assert source.crs == "EPSG:4549"
    assert places(source) == [shapely.Point(640412.3, 3457455.5)]


def test_collections_one_after_the_other_are_not_half_read(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps(PLAIN) + "\n" + json.dumps(PLAIN), encoding="utf-8")
    with pytest.raises(FileBroken):
        assert numbers(opened(path)) == []


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_features_line_by_line(encoding: str, tmp_path: Path) -> None:
    features = PLAIN["features"]
    assert isinstance(features, list)
    lines = "\n".join(json.dumps(one, ensure_ascii=False) for one in features)
    path = tmp_path / "a.json"
    path.write_text(lines, encoding=encoding)
    assert detect(path).name == "GeoJSONSeq", "what ends in .json may be of several formats"
    assert read(opened(path), "name") == {"name": NAMES[:2]}


def test_a_chinese_name_of_a_gdal_layer_is_found(tmp_path: Path) -> None:
    path = make(tmp_path / "a.gpkg", "GPKG", layer="路灯")
    make(path, "GPKG", layer="井盖", append=True)
    assert set(detect(path).layers(path)) == {"路灯", "井盖"}
    assert opened(path, "井盖").layer == "井盖"


def test_a_gpx_without_anything_holds_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.gpx"
    path.write_text('<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"/>', encoding="utf-8")
    with pytest.raises(FileEmpty):
        opened(path)


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04 and no zip",
        b"!table\n!version 300\n",
        b"Version 300\nnothing",
        b"<kml><unclosed>",
        b"<gpx/>",
    ],
)
@pytest.mark.parametrize("name", ["a.kml", "a.tab", "a.mif", "a.gpx", "a.gml", "a.kmz", "a"])
def test_rubbish_is_told_in_words(content: bytes, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(TwinError) as told:
        numbers(opened(path))
    assert told.value.text("zh")


def test_every_format_says_what_it_was_tested_on() -> None:
    assert all(one.tested for one in all_formats())
    assert all(one.extensions or one.addresses or one.name == "GTFS" for one in all_formats())


def test_parts_share_a_name(tmp_path: Path) -> None:
    make(tmp_path / "a.shp", "ESRI Shapefile")
    assert {".shp", ".dbf"} <= {Path(name).suffix for name in parts(tmp_path / "a.shp")}
    assert unread(opened(tmp_path / "a.shp")) == []


POINT = {"type": "Point", "coordinates": [121.5, 31.2]}


def lamp(key: str, geometry: Any = POINT) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"id": key}, "geometry": geometry}


def geojson_file(path: Path, *members: Any, **others: Any) -> Path:
    path.write_text(
        json.dumps({"type": "FeatureCollection", **others, "features": list(members)}), encoding="utf-8"
    )
    return path


def accounted(path: Path) -> tuple[dict[int, str | None], dict[int, str]]:
    """The keys that were read and the reasons of what was not, by their places."""
    batches = list(detect(path).open(path, Request()).rows())
    read = {
        number: key
        for rows in batches
        for number, key in zip(rows.numbers.tolist(), rows.columns["id"].to_pylist(), strict=True)
    }
    return read, {one.number: one.reason for rows in batches for one in rows.unread}


@pytest.mark.parametrize("strange", [{"type": "Foo"}, 7, None, "x", [], {"type": "feature"}])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_members_of_a_collection_that_are_no_features_are_told(
    strange: Any, place: int, tmp_path: Path
) -> None:
    members: list[Any] = [lamp("a"), lamp("b")]
    members.insert(place, strange)
    read, unread = accounted(geojson_file(tmp_path / "a.geojson", *members))
    assert read == {n: m["properties"]["id"] for n, m in enumerate(members, 1) if m is not strange}
    assert unread == {place + 1: "row.feature"}


def test_objects_within_properties_are_no_features(tmp_path: Path) -> None:
    rich = lamp("a")
    rich["properties"] |= {"parts": [{"x": 1}, {"x": 2}, 7], "said": "}, 7, {", "crs": "x"}
    assert accounted(geojson_file(tmp_path / "a.geojson", rich, lamp("b"))) == ({1: "a", 2: "b"}, {})


def test_a_geometry_that_is_there_and_broken_is_told_from_none(tmp_path: Path) -> None:
    broken = [{"type": "Point", "coordinates": [None, 31.2]}, {"type": "Pt", "coordinates": [1, 2]}]
    path = geojson_file(
        tmp_path / "a.geojson", lamp("a"), 7, *(lamp("b", g) for g in broken), lamp("c", None)
    )
    read, unread = accounted(path)
    assert read == {1: "a", 5: "c"}
    assert unread == {2: "row.feature", 3: "geometry.unreadable", 4: "geometry.unreadable"}


@pytest.mark.parametrize(
    ("said", "crs", "unread"),
    [
        ({"type": "name", "properties": {"name": "shanghai local"}}, None, "shanghai local"),
        (
            {"type": "link", "properties": {"href": "x"}},
            None,
            '{"type": "link", "properties": {"href": "x"}}',
        ),
        ({"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}, "EPSG:4326", None),
        ({"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4549"}}, "EPSG:4549", None),
        ({"type": "EPSG", "properties": {"code": 4326}}, "EPSG:4326", None),
    ],
)
def test_a_system_that_geojson_names(said: Any, crs: str | None, unread: str | None, tmp_path: Path) -> None:
    path = geojson_file(tmp_path / "a.geojson", lamp("a"), crs=said)
    source = detect(path).open(path, Request())
    assert (source.crs, source.crs_unread) == (crs, unread)


def test_a_nul_in_geojson_is_refused_and_a_backslash_is_none(tmp_path: Path) -> None:
    with pytest.raises(FileBroken, match="NUL"):
        accounted(geojson_file(tmp_path / "a.geojson", lamp("a\0b")))
    assert accounted(geojson_file(tmp_path / "b.geojson", lamp("a\\u0000")))[0] == {1: "a\\u0000"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("indent", [None, 2])
def test_one_feature_alone_is_geojson(encoding: str, indent: int | None, tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps(lamp("灯"), ensure_ascii=False, indent=indent), encoding=encoding)
    assert detect(path).name == "GeoJSON"
    assert accounted(path) == ({1: "灯"}, {})


def test_a_file_of_white_space_is_empty(tmp_path: Path) -> None:
    (tmp_path / "a.geojson").write_text(" \n\n", encoding="utf-8")
    with pytest.raises(FileEmpty):
        detect(tmp_path / "a.geojson")


@pytest.mark.parametrize("kept", [8, 12, 100, 500])
@pytest.mark.parametrize("rest", [b"", b"U" * 500])
def test_a_flatgeobuf_without_a_whole_header_is_broken(kept: int, rest: bytes, tmp_path: Path) -> None:
    path = make(tmp_path / "a.fgb", "FlatGeobuf")
    path.write_bytes(path.read_bytes()[:kept] + rest)
    with pytest.raises(FileBroken):
        read(opened(path))
