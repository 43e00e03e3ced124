"""Files that cannot be loaded: each is told in words, with status 1, and the registry is as it was."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psycopg
import pytest
import shapely
from pyogrio.raw import write

from tests.commands import twin
from tests.loading import content_hash, lamps, write_csv
from twin.registry.divisions import set_home

Connection = psycopg.Connection
LAMP = ("--kind", "streetlight")


class Bad(NamedTuple):
    """A file that cannot be loaded: how it is made, what is said beside it, and what the message must say."""

    make: Callable[[Path], Path]
    options: tuple[str, ...]
    code: str
    words: tuple[str, ...]


def text(name: str, content: str | bytes) -> Callable[[Path], Path]:
    """A file with that content."""

    def make(folder: Path) -> Path:
        data = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(data)
        return folder / name

    return make


def collection(*coordinates: tuple[float, float], **members: Any) -> str:
    """A GeoJSON feature collection of points."""
    features = [
        {
            "type": "Feature",
            "properties": {"id": n, "power": 5},
            "geometry": {"type": "Point", "coordinates": at},
        }
        for n, at in enumerate(coordinates)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features, **members})


def zipped(name: str, members: Mapping[str, bytes]) -> Callable[[Path], Path]:
    """An archive of these members."""

    def write(folder: Path) -> Path:
        with zipfile.ZipFile(folder / name, "w") as archive:
            for member, content in members.items():
                archive.writestr(member, content)
        return folder / name

    return write


def gdal(name: str, driver: str, crs: str | None = "EPSG:4326", **options: Any) -> Callable[[Path], Path]:
    """A file of two points that GDAL writes."""

    def make(folder: Path) -> Path:
        points = shapely.to_wkb(shapely.points([[121.5, 31.2], [121.6, 31.3]]))
        write(
            folder / name, points, [np.array(["a", "b"], dtype=object)], ["id"],
            geometry_type="Point", crs=crs, driver=driver, **options,
        )  # fmt: skip
        return folder / name

    return make


def without(name: str, suffix: str) -> Callable[[Path], Path]:
    """A shapefile that lacks one of its parts."""

    def make(folder: Path) -> Path:
        path = gdal(name, "ESRI Shapefile")(folder)
        path.with_suffix(suffix).unlink()
        return path

    return make


def cut(name: str, driver: str, suffix: str | None = None) -> Callable[[Path], Path]:
    """A file, or one part of it, of which the last bytes are missing."""

    def make(folder: Path) -> Path:
        path = gdal(name, driver)(folder)
        part = path.with_suffix(suffix) if suffix else path
        part.write_bytes(part.read_bytes()[:-20])
        return path

    return make


def part(name: str, suffix: str, kept: int | slice) -> Callable[[Path], Path]:
    """A shapefile with one part cut to a length, or with some of its bytes put to 0."""

    def make(folder: Path) -> Path:
        path = gdal(name, "ESRI Shapefile")(folder)
        content = bytearray(path.with_suffix(suffix).read_bytes())
        if isinstance(kept, int):
            del content[kept:]
        else:
            content[kept] = bytes(kept.stop - kept.start)
        path.with_suffix(suffix).write_bytes(content)
        return path

    return make


def prj(content: bytes) -> Callable[[Path], Path]:
    """A shapefile with that as its ``.prj``."""

    def make(folder: Path) -> Path:
        path = gdal("a.shp", "ESRI Shapefile")(folder)
        path.with_suffix(".prj").write_bytes(content)
        return path

    return make


NAMELESS = (
    b'PROJCS["a",GEOGCS["Chi\xcda",DATUM["D",SPHEROID["S",6378137.0,298.25]],PRIMEM["Gr\xcdnwich",0.0],'
)
NAMELESS += (
    b'UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],PARAMETER["Central_Meridian",120.0]]'
)


def osm(damage: bytes = b"") -> bytes:
    """An OSM extract of one empty block; ``damage`` is written over the end of it."""

    def field(number: int, content: bytes | int) -> bytes:
        if isinstance(content, int):
            return bytes([number << 3, content])
        return bytes([number << 3 | 2, len(content)]) + content

    def block(name: bytes, message: bytes) -> bytes:
        blob = field(2, len(message)) + field(3, zlib.compress(message))
        header = field(1, name) + field(3, len(blob))
        return len(header).to_bytes(4) + header + blob

    content = block(b"OSMHeader", field(4, b"OsmSchema-V0.6")) + block(b"OSMData", field(1, field(1, b"")))
    return content[: len(content) - len(damage)] + damage


def two_layers(folder: Path) -> Path:
    path = gdal("a.gpkg", "GPKG", layer="lamps")(folder)
    return gdal(path.name, "GPKG", layer="poles", append=True)(folder)


def mapped(mapping: str) -> Callable[[Path], Path]:
    """A good file beside a mapping, ``m.toml``."""

    def make(folder: Path) -> Path:
        (folder / "m.toml").write_text(mapping, encoding="utf-8")
        return write_csv(folder / "lamps.csv", lamps(3))

    return make


def points(*coordinates: tuple[float, float]) -> Callable[[Path], Path]:
    """A CSV file with x and y."""
    rows = [{"id": n, "x": x, "y": y} for n, (x, y) in enumerate(coordinates)]
    return lambda folder: write_csv(folder / "lamps.csv", rows)


GOOD = "id,lon,lat\n1,121.5,31.2\n"
MAPPING = ("--mapping", "m.toml")
BAD: dict[str, Bad] = {
    "no such file": Bad(lambda folder: folder / "none.csv", LAMP, "file.missing", ("none.csv",)),
    "a folder": Bad(lambda folder: folder, LAMP, "file.folder", ("is a folder",)),
    "no bytes": Bad(text("a.csv", ""), LAMP, "file.empty", ("a.csv", "no rows")),
    "only a header": Bad(text("a.csv", "id,lon,lat\n"), LAMP, "file.empty", ("no rows",)),
    "only a header, without an end": Bad(text("a.csv", "id,lon,lat"), LAMP, "file.empty", ("no rows",)),
    "no features": Bad(text("a.geojson", collection()), LAMP, "file.empty", ("no rows",)),
    "a GeoJSON called GeoPackage": Bad(
        text("a.gpkg", collection((121.5, 31.2))), LAMP, "file.format_mismatch", ("GeoPackage", "GeoJSON")
    ),
    "a GeoPackage called GeoJSON": Bad(
        lambda folder: gdal("b.gpkg", "GPKG")(folder).rename(folder / "b.geojson"),
        LAMP,
        "file.format_mismatch",
        ("GeoJSON file", "GeoPackage"),
    ),
    "a picture called CSV": Bad(
        text("a.csv", b"\x89PNG\r\n\x1a\n\0\0"),
        LAMP,
        "file.format_mismatch",
        ("no CSV file",),
    ),
    "a page called GeoJSON": Bad(
        text("a.geojson", "<html>"), LAMP, "file.format_mismatch", ("no GeoJSON file", "any other")
    ),
    "a CSV called GeoJSON": Bad(
        text("a.geojson", GOOD), LAMP, "file.format_mismatch", ("GeoJSON file", "is CSV")
    ),
    "a GeoPackage of ten bytes": Bad(
        text("a.gpkg", b"SQLite for"), LAMP, "file.format_mismatch", ("no GeoPackage file", "any other")
    ),
    "a city model": Bad(
        text("a.json", '{"type": "CityJSON"}'), LAMP, "file.version", ("not say its version",)
    ),
    "a city model without a transform": Bad(
        text("a.city.json", '{"type": "CityJSON", "version": "2.0", "vertices": [], "CityObjects": {}}'),
        LAMP,
        "file.broken",
        ("it has no 'transform'",),
    ),
    "a CSV with NUL far inside": Bad(
        text("a.csv", GOOD + "2,121.5,31.2\n" * 9000 + "\0"), LAMP, "file.broken", ("NUL",)
    ),
    "an archive": Bad(text("a.rar", b"Rar!\x1a\x07\0"), LAMP, "file.format_unknown", ("a.rar", "RAR", "zip")),
    "a shapefile without .shp": Bad(without("a.shp", ".shp"), LAMP, "file.part_missing", (".shp",)),
    "a shapefile without .shx": Bad(without("a.shp", ".shx"), LAMP, "file.part_missing", (".shx",)),
    "a shapefile without .dbf": Bad(without("a.shp", ".dbf"), LAMP, "file.part_missing", (".dbf",)),
    "a shapefile cut short": Bad(
        cut("a.shp", "ESRI Shapefile", ".shp"), LAMP, "file.broken", ("a.shp", "bytes")
    ),
    "a table cut short": Bad(cut("a.shp", "ESRI Shapefile", ".dbf"), LAMP, "file.broken", ("a.dbf", "bytes")),
    "a shapefile of ten bytes": Bad(part("a.shp", ".shp", 10), LAMP, "file.broken", ("a.shp", "of the 100")),
    "a table of no bytes": Bad(part("a.shp", ".dbf", 0), LAMP, "file.broken", ("a.dbf", "0 of the 32")),
    "a table of five bytes": Bad(part("a.shp", ".dbf", 5), LAMP, "file.broken", ("a.dbf", "5 of the 32")),
    "an index of five bytes": Bad(part("a.shp", ".shx", 5), LAMP, "file.broken", ("a.shp",)),
    "a table of records without length": Bad(
        part("a.shp", ".dbf", slice(10, 12)), LAMP, "file.broken", ("a.dbf", "no fields")
    ),
    "a FlatGeobuf cut short": Bad(cut("a.fgb", "FlatGeobuf"), LAMP, "file.broken", ("a.fgb",)),
    "a sequence cut short": Bad(cut("a.geojsonl", "GeoJSONSeq"), LAMP, "file.broken", ("1 of its 2 lines",)),
    "a GeoJSON cut short": Bad(
        text("a.geojson", collection((121.5, 31.2))[:-9]), LAMP, "file.broken", ("a.geojson",)
    ),
    "a damaged OSM extract": Bad(text("a.osm.pbf", osm(b"U" * 9)), LAMP, "file.broken", ("damaged",)),
    "an OSM extract without the kind": Bad(
        text("a.osm.pbf", osm()), LAMP, "kind.absent", ("streetlight", "points, lines", "highway=street_lamp")
    ),
    "an OSM layer without the kind": Bad(
        text("a.osm.pbf", osm()), (*LAMP, "--layer", "lines"), "kind.absent", ("in lines",)
    ),
    "a kind that OSM has not": Bad(
        text("a.osm.pbf", osm()), ("--kind", "vehicle"), "kind.not_in_osm", ("no tags", "vehicle")
    ),
    "an OSM extract cut short": Bad(
        text("a.osm.pbf", b"\0\0\0\x0d\x0a\x09OSMHeader\x18\x40short"), LAMP, "file.broken", ("byte 0",)
    ),
    "an unknown layer": Bad(
        two_layers, (*LAMP, "--layer", "lamp"), "layer.unknown", ("no layer lamp", "lamps, poles")
    ),
    "a layer not chosen": Bad(two_layers, LAMP, "layer.needed", ("lamps, poles", "--layer")),
    "an unknown layer of OSM": Bad(
        text("a.osm.pbf", b"\0\0\0\x0d\x0a\x09OSMHeader\x18\0"),
        (*LAMP, "--layer", "houses"),
        "layer.unknown",
        ("points, lines", "multipolygons"),
    ),
    "a layer of a CSV": Bad(
        text("a.csv", GOOD), (*LAMP, "--layer", "lamps"), "layer.unknown", ("no layers", "CSV", "lamps")
    ),
    "a layer of a Parquet file": Bad(
        text("a.parquet", b"PAR1"), (*LAMP, "--layer", "lamps"), "layer.unknown", ("no layers", "GeoParquet")
    ),
    "a layer of a sequence that is another's": Bad(
        gdal("a.geojsonl", "GeoJSONSeq"), (*LAMP, "--layer", "lamps"), "layer.unknown", ("no layer lamps",)
    ),
    "a zip of nothing but a note": Bad(
        zipped("a.zip", {"note.txt": b""}), LAMP, "file.empty", ("a.zip/note.txt",)
    ),
    "an empty name of a dataset": Bad(text("a.csv", GOOD), (*LAMP, "--dataset", " "), "dataset.invalid", ()),
    "an attribution that says nothing": Bad(
        text("a.csv", GOOD), (*LAMP, "--attribution", " "), "dataset.attribution", ("' '",)
    ),
    "a NUL in a dataset's name": Bad(
        text("a.csv", GOOD), (*LAMP, "--dataset", "a\0b"), "dataset.invalid", (r"'a\x00b'",)
    ),
    "an unknown kind": Bad(text("a.csv", GOOD), ("--kind", "streetlamp"), "kind.unknown", ("streetlight?",)),
    "no kind": Bad(text("a.csv", GOOD), (), "kind.needed", ("--kind", "streetlight")),
    "no such mapping": Bad(text("a.csv", GOOD), (*LAMP, *MAPPING), "file.missing", ("m.toml",)),
    "a mapping that is no TOML": Bad(mapped("key ="), (*LAMP, *MAPPING), "mapping.invalid", ("m.toml",)),
    "an entry that mappings have not": Bad(
        mapped("keys = 'id'"),
        (*LAMP, *MAPPING),
        "mapping.invalid",
        ("'keys'", "crs, delete, fields, key, kind"),
    ),
    "a field with column and value": Bad(
        mapped("[fields]\nname = { column = 'id', value = 'x' }"),
        (*LAMP, *MAPPING),
        "mapping.invalid",
        ("name needs either column or value",),
    ),
    "a unit of another dimension": Bad(
        mapped("[fields]\npower = { column = 'power', unit = 'ft' }"),
        (*LAMP, *MAPPING),
        "mapping.invalid",
        ("power is in W, not in ft",),
    ),
    "an unknown column": Bad(
        mapped("key = 'Idd'"),
        (*LAMP, *MAPPING),
        "mapping.column_unknown",
        ("no column Idd", "mean id?", "lon, lat, power"),
    ),
    "an unknown field": Bad(
        mapped("[fields]\npole_hight = 'power'"),
        (*LAMP, *MAPPING),
        "mapping.field_unknown",
        ("pole_hight", "mean pole_height?"),
    ),
    "an unknown system": Bad(
        text("a.csv", GOOD), (*LAMP, "--crs", "EPSG:99999"), "crs.unknown", ("EPSG:99999",)
    ),
    "no system": Bad(points((121.5, 31.2)), LAMP, "crs.missing", ("--crs",)),
    "a shapefile without .prj": Bad(gdal("a.shp", "ESRI Shapefile", None), LAMP, "crs.missing", ("a.shp",)),
    "a .prj cut short": Bad(prj(b'GEOGCS["WGS 84"'), LAMP, "crs.unknown", ("a.shp", "a.prj", "--crs")),
    "a .prj with damaged bytes": Bad(prj(NAMELESS), LAMP, "crs.unknown", ("a.shp", "a.prj", "--crs")),
    "a GeoJSON with a system that nobody knows": Bad(
        text("a.geojson", collection((121.5, 31.2), crs={"properties": {"name": "shanghai local"}})),
        LAMP,
        "crs.unknown",
        ("shanghai local", "--crs"),
    ),
    "a GeoJSON with NUL": Bad(
        text("a.geojson", collection((121.5, 31.2), note="\0")), LAMP, "file.broken", ("NUL",)
    ),
    "a system without a good operation": Bad(
        points((121.5, 31.2)), (*LAMP, "--crs", "EPSG:4610"), "crs.no_operation", ("Xian 1980",)
    ),
    "an operation that is not accurate enough": Bad(
        points((3417000.0, 5369000.0)),
        (*LAMP, "--crs", "EPSG:31467", "--accuracy", "0.5"),
        "crs.no_operation",
        ("0.5 m",),
    ),
    "x and y exchanged": Bad(
        points((3457455.5, 640412.3)), (*LAMP, "--crs", "EPSG:4549"), "crs.outside_area", ("exchanged",)
    ),
    "most rows outside": Bad(
        points((640412.3, 3457455.5), (1.0, 2.0), (3.0, 4.0)),
        (*LAMP, "--crs", "EPSG:4549"),
        "crs.outside_area",
        (),
    ),
    "degrees in metres": Bad(
        points((121.5, 31.2)), (*LAMP, "--crs", "EPSG:4549"), "crs.outside_area", ("121.5, 31.2",)
    ),
    "text that is no text": Bad(
        text("a.csv", b"id,lon,lat\n\xff\xfe\xfd,1,2\n"), LAMP, "file.encoding", ("UTF-8",)
    ),
    "GeoJSON in two encodings": Bad(
        text(
            "a.geojson",
            collection((121.5, 31.2), name="x").replace("power", "功率").encode("gbk")
            + " \n功率功率功率功率功率".encode(),
        ),
        LAMP,
        "file.encoding",
        ("UTF-8",),
    ),
    "an encoding that nobody knows": Bad(
        lambda folder: (gdal("a.shp", "ESRI Shapefile")(folder), text("a.cpg", "Klingon")(folder))[0],
        LAMP,
        "file.encoding",
        (".cpg", "encoding, Klingon", "Remove or correct"),
    ),
    "an unknown division": Bad(
        text("a.csv", GOOD), (*LAMP, "--division", "Atlantis"), "division.unknown", ("Atlantis",)
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_told_and_changes_nothing(
    name: str, owner: Connection, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = BAD[name]
    set_home(owner, "310115")
    before = content_hash(owner)
    file = bad.make(tmp_path)
    monkeypatch.chdir(tmp_path)
    told = twin(database_url, "load", str(file), *bad.options)
    assert told.returncode == 1
    assert told.stdout == ""
    assert told.stderr.rstrip().endswith(f"[{bad.code}]")
    assert all(word in told.stderr for word in bad.words), told.stderr
    assert "Traceback" not in told.stderr
    assert content_hash(owner) == before
    chinese = twin(database_url, "load", str(file), *bad.options, lang="zh")
    assert chinese.stderr.rstrip().endswith(f"[{bad.code}]")
    assert any("\u4e00" <= character <= "\u9fff" for character in chinese.stderr)


def test_a_registry_without_a_division_says_so_first(
    owner: Connection, database_url: str, tmp_path: Path
) -> None:
    before = content_hash(owner)
    told = twin(database_url, "load", str(text("a.csv", GOOD)(tmp_path)), *LAMP)
    assert (told.returncode, told.stdout) == (1, "")
    assert "twin home" in told.stderr
    assert told.stderr.rstrip().endswith("[division.none]")
    assert content_hash(owner) == before


def test_a_division_of_the_command_serves_where_there_is_no_home(database_url: str, tmp_path: Path) -> None:
    file = str(text("a.csv", GOOD)(tmp_path))
    told = twin(database_url, "load", file, *LAMP, "--division", "310115", "--json")
    assert told.returncode == 0
    assert json.loads(told.stdout)["new"] == 1


def test_a_database_that_is_down_is_told(tmp_path: Path) -> None:
    file = str(text("a.csv", GOOD)(tmp_path))
    told = twin("postgresql://nobody@127.0.0.1:1/twin", "load", file, *LAMP)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.rstrip().endswith("[database.down]")


def test_a_database_of_another_version_is_told(owner: Connection, database_url: str, tmp_path: Path) -> None:
    owner.execute("UPDATE public.twin_migration SET version_num = '0000'")
    before = content_hash(owner)
    told = twin(database_url, "load", str(text("a.csv", GOOD)(tmp_path)), *LAMP)
    assert told.returncode == 1
    assert told.stderr.rstrip().endswith("[database.migration_mismatch]")
    assert content_hash(owner) == before


def test_a_full_sequence_is_told_before_anything_is_written(
    owner: Connection, database_url: str, tmp_path: Path
) -> None:
    set_home(owner, "310115")
    owner.execute("INSERT INTO twin.code_sequence VALUES ('gbt30428', '310115', '0118', 999998)")
    before = content_hash(owner)
    told = twin(database_url, "load", str(write_csv(tmp_path / "lamps.csv", lamps(3))), *LAMP)
    assert told.returncode == 1
    assert told.stderr.rstrip().endswith("[code.sequence_full]")
    assert content_hash(owner) == before


@pytest.mark.parametrize("content", [b'GEOGCS["WGS 84"', NAMELESS])
def test_where_the_system_is_said_a_damaged_prj_does_not_matter(
    content: bytes, owner: Connection, database_url: str, tmp_path: Path
) -> None:
    set_home(owner, "310115")
    told = twin(database_url, "load", str(prj(content)(tmp_path)), *LAMP, "--crs", "EPSG:4326", "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["new"] == 2


def test_rows_that_a_format_could_not_read_are_in_the_receipt(
    owner: Connection, database_url: str, tmp_path: Path
) -> None:
    set_home(owner, "310115")
    table = 'id,name,lon,lat\n1,"24寸管,121.5,31.2\n2,"24寸,管,121.5,31.3\n3,灯,121.5,31.4\n'
    features = json.loads(collection((121.5, 31.2), (121.5, 31.3)))
    features["features"][1]["geometry"]["coordinates"] = [None, 31.3]
    features["features"].append(7)
    files = {
        text("a.csv", table): {"row.fields": 1},
        text("b.geojson", json.dumps(features)): {"geometry.unreadable": 1, "row.feature": 1},
    }
    for make, rejected in files.items():
        told = twin(database_url, "load", str(make(tmp_path)), *LAMP, "--json")
        receipt = json.loads(told.stdout)
        assert (receipt["read"], receipt["new"]) == (3, 3 - sum(rejected.values())), told.stderr
        assert receipt["reasons"] == rejected
