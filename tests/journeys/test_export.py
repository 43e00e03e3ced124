"""``twin export``: what is written is what is registered, and loads back to the same in every format."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pyogrio
import pytest
import shapely
from pyproj import Transformer

from spatial.crs import WGS84
from tests.commands import twin
from twin.export.errors import ExportStopped
from twin.export.export import export
from twin.export.formats import all_formats
from twin.kinds import all_kinds, kind
from twin.kinds.model import Attribute, Kind

KINDS = ("building", "elevator", "pipeline", "streetlight")
EXTENSIONS = {"geojson": ".geojson", "gpkg": ".gpkg", "csv": ".csv", "geoparquet": ".parquet"}
SYSTEMS = ("EPSG:4326", "EPSG:4549")
SHAPES: dict[str, list[str | None]] = {
    "building": [
        "POLYGON ((121.5 31.2, 121.5 31.2003, 121.5004 31.2003, 121.5004 31.2, 121.5 31.2), "
        "(121.5001 31.2001, 121.5002 31.2001, 121.5002 31.2002, 121.5001 31.2001))",
        "MULTIPOLYGON (((121.51 31.21, 121.5101 31.21, 121.5101 31.2101, 121.51 31.21)), "
        "((121.52 31.21, 121.5201 31.21, 121.5201 31.2101, 121.52 31.21)))",
        None,
    ],
    "elevator": ["POINT Z (121.50011 31.20015 4.25)", "POINT (121.5123456789 31.2123456789)", None],
    "pipeline": [
        "LINESTRING Z (121.5 31.2 -1.5, 121.5011111111 31.2011111111 -1.75)",
        "MULTILINESTRING ((121.5 31.3, 121.6 31.3), (121.6 31.31, 121.7 31.31))",
        "LINESTRING (121.7 31.1, 121.7000001 31.1000001)",
    ],
    "streetlight": ["POINT (121.5000000123 31.2)", "MULTIPOINT ((121.5 31.2), (121.50001 31.2))", None],
}


def value_of(attribute: Attribute, number: int) -> object:
    """A value that the attribute may have, another for each row; none in the last row."""
    if number == 2 or attribute.check:
        return None
    lowest = attribute.minimum if attribute.minimum is not None else 0
    values: dict[str, object] = {
        "text": f'第 {number} "号", a;b\n{attribute.name}',
        "integer": int(lowest) + number,
        "number": lowest + 0.1 * (number + 1),
        "boolean": number == 0,
        "date": date(2019, 2, 28 - number).isoformat(),
        "choice": attribute.choices[number % len(attribute.choices)].value if attribute.choices else None,
    }
    return values[attribute.type]


def sample(wanted: Kind) -> dict[str, Any]:
    """Three assets of a kind that have everything, something and next to nothing."""
    features = []
    for number, shape in enumerate(SHAPES[wanted.name]):
        properties = {a.name: value_of(a, number) for a in wanted.attributes}
        properties |= {
            "source_key": f"{wanted.name}-{number}",
            "name": ["“引号”, 逗号", "0012", None][number],
        }
        if number < 2:
            properties |= {
                "status": "suspended",
                "owner": "权属单位",
                "accuracy": 0.25,
                "address": "2019/02/28 号",
            }
        geometry = None if shape is None else json.loads(shapely.to_geojson(shapely.from_wkt(shape)))
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return {"type": "FeatureCollection", "features": features}


@dataclass(frozen=True, slots=True)
class City:
    """A registry with a few assets of several kinds, each kind a dataset, and its ``twin`` command."""

    url: str
    folder: Path

    def twin(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return twin(self.url, *arguments)

    def load(self, file: Path, name: str, *options: str) -> dict[str, Any]:
        done = self.twin("load", str(file), "--kind", name, "--dataset", name, "--json", *options)
        assert done.stdout, done.stderr
        receipt: dict[str, Any] = json.loads(done.stdout)
        return receipt

    def export(self, file: Path, *options: str) -> str:
        done = self.twin("export", str(file), *options)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def city(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> City:
    made = City(new_database(), tmp_path_factory.mktemp("city"))
    made.twin("home", "310115").check_returncode()
    for name in KINDS:
        file = made.folder / f"{name}.geojson"
        file.write_text(json.dumps(sample(kind(name)), ensure_ascii=False), encoding="utf-8")
        receipt = made.load(file, name)
        assert (receipt["new"], receipt["rejected"]) == (3, 0), receipt
    return made


@pytest.mark.parametrize("crs", SYSTEMS)
@pytest.mark.parametrize("format_", list(EXTENSIONS))
def test_an_export_loads_back_to_the_same(city: City, tmp_path: Path, format_: str, crs: str) -> None:
    for name in KINDS:
        file = tmp_path / f"out-{name}{EXTENSIONS[format_]}"
        city.export(file, "--kind", name, "--format", format_, "--crs", crs)
        options = ("--crs", crs) if format_ == "csv" else ()
        receipt = city.load(file, name, *options)
        counts = {part: receipt[part] for part in ("read", "new", "changed", "same", "rejected")}
        assert counts == {"read": 3, "new": 0, "changed": 0, "same": 3, "rejected": 0}, (name, receipt)


KEPT_CODES = ("US-DC-0118-00000ZZZZ-9", "notacode", "US-DC-2151-00000YYYY")


@pytest.fixture(scope="module")
def kept(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> City:
    """Lamps whose files gave them codes that could not be theirs; the first has two pole numbers."""
    made = City(new_database(), tmp_path_factory.mktemp("kept"))
    made.twin("home", "310115").check_returncode()
    file = made.folder / "lamps.csv"
    lines = [f"{n},{code},lamp,121.5{n},31.2,P{n}" for n, code in enumerate(KEPT_CODES)]
    file.write_text("\n".join(["id,code,name,lon,lat,pole_number", *lines]), encoding="utf-8")
    receipt = made.load(file, "streetlight")
    assert (receipt["new"], len(receipt["warnings"])) == (3, 3), receipt
    with psycopg.connect(made.url) as connection:
        connection.execute(
            "INSERT INTO twin.identifier"
            " SELECT scheme, issuer, 'P0 too', kind, issued_in, code, load_id, valid_from"
            " FROM twin.identifier WHERE value = 'P0'"
        )
    return made


def borne(city: City) -> list[tuple[Any, ...]]:
    """What the assets bear now."""
    with psycopg.connect(city.url) as connection:
        return connection.execute(
            "SELECT code, scheme, value FROM twin.identifier WHERE valid_to IS NULL ORDER BY 2, 3"
        ).fetchall()


@pytest.mark.parametrize("format_", list(EXTENSIONS))
def test_identifiers_survive_an_export(kept: City, tmp_path: Path, format_: str) -> None:
    before = borne(kept)
    assert [row[2] for row in before] == [*sorted(KEPT_CODES), "P0", "P0 too", "P1", "P2"]
    file = tmp_path / f"lamps{EXTENSIONS[format_]}"
    kept.export(file, "--format", format_)
    options = ("--crs", "EPSG:4326") if format_ == "csv" else ()
    receipt = kept.load(file, "streetlight", *options)
    assert {part: receipt[part] for part in ("read", "same", "rejected")} == {
        "read": 3, "same": 3, "rejected": 0,
    }  # fmt: skip
    assert borne(kept) == before


@pytest.mark.parametrize("format_", ["geojson", "csv", "geoparquet"])
def test_of_an_export_of_several_kinds_each_loads_its_own(city: City, tmp_path: Path, format_: str) -> None:
    file = tmp_path / f"all{EXTENSIONS[format_]}"
    city.export(file, "--format", format_)
    options = ("--crs", "EPSG:4326") if format_ == "csv" else ()
    for name in KINDS:
        done = city.twin("load", str(file), "--kind", name, "--json", *options)
        receipt = json.loads(done.stdout)
        counts = {part: receipt[part] for part in ("dataset", "read", "new", "changed", "same", "rejected")}
        assert counts == {
            "dataset": name, "read": 12, "new": 0, "changed": 0, "same": 3, "rejected": 9,
        }, receipt  # fmt: skip
        assert {one["reason"] for one in receipt["rejections"]} == {"kind.other"}


def test_every_kind_of_one_geopackage_loads_back(city: City, tmp_path: Path) -> None:
    file = tmp_path / "all.gpkg"
    city.export(file, "--crs", "EPSG:4549")
    assert sorted(name for name, _ in pyogrio.list_layers(file)) == sorted(KINDS)
    for name in KINDS:
        receipt = city.load(file, name, "--layer", name)
        assert receipt["same"] == receipt["read"] == 3, receipt


def test_what_is_written_is_what_is_registered(city: City, tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    city.export(file, "--crs", "4549")
    with file.open(encoding="utf-8-sig", newline="") as text:
        rows = {row["code"]: row for row in csv.DictReader(text)}
    home = Transformer.from_crs(4549, 4326, always_xy=True)
    with psycopg.connect(city.url) as connection:
        registered = connection.execute(
            "SELECT code, kind, source_key, name, status, owner, attributes, ST_AsBinary(geom)"
            " FROM twin.asset"
        ).fetchall()
    assert len(rows) == len(registered) == 3 * len(KINDS)
    for code, kind_, key, name, status, owned_by, attributes, wkb in registered:
        row = rows[code]
        assert (row["kind"], row["source_key"], row["name"], row["status"]) == (
            kind_,
            key,
            name or "",
            status,
        )
        assert row["owner"] == (owned_by or "")
        assert row["dataset"] == kind_
        for attribute in all_kinds()[kind_].attributes:
            value = attributes.get(attribute.name)
            written = "" if value is None else str(value).lower() if isinstance(value, bool) else value
            if isinstance(written, float | int):
                assert float(row[attribute.name]) == written
            else:
                assert row[attribute.name] == written
        if wkb is None:
            assert row["wkt"] == ""
            continue
        back = shapely.transform(shapely.from_wkt(row["wkt"]), home.transform, interleaved=False)
        assert shapely.equals_exact(back, shapely.force_2d(shapely.from_wkb(wkb)), 1e-10)
        assert shapely.has_z(shapely.from_wkt(row["wkt"])) == shapely.has_z(shapely.from_wkb(wkb))


def test_a_filter_means_what_it_means_in_graphql(city: City, tmp_path: Path) -> None:
    where = tmp_path / "where.json"
    where.write_text('{"bbox": [121.49, 31.19, 121.505, 31.205]}', encoding="utf-8")
    file = tmp_path / "part.geojson"
    said = city.export(file, "--where", f"@{where}")
    keys = {f["properties"]["source_key"] for f in json.loads(file.read_bytes())["features"]}
    assert keys == {"building-0", "elevator-0", "pipeline-0", "streetlight-0", "streetlight-1"}
    assert "5 assets" in said
    only = tmp_path / "only.geojson"
    city.export(only, "--kind", "building", "--where", '{"status": "SUSPENDED"}')
    assert len(json.loads(only.read_bytes())["features"]) == 2
    both = tmp_path / "both.geojson"
    mixed = '{"kinds": ["BUILDING", "ELEVATOR"], "not": {"building": {"height": {"isNull": true}}}}'
    city.export(both, "--kind", "building", "--where", mixed)
    assert {f["properties"]["source_key"] for f in json.loads(both.read_bytes())["features"]} == {
        "building-0", "building-1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--format", "shapefil"), "export.format.unknown", "geojson"),
        (("--crs", "EPSG:999999"), "crs.unknown", "EPSG:999999"),
        (("--kind", "buildin"), "kind.unknown", "building"),
        (("--where", '{"status": "IN_SERVICE"'), "export.where", "line 1"),
        (("--where", '{"statu": "IN_SERVICE"}'), "input.unknown", "status"),
        (("--where", "[1]"), "input.type", "object"),
        (("--where", "@nowhere.json"), "export.where_file", "nowhere.json"),
        (("--kind", "vehicle"), "export.nothing", "No asset"),
        (("--kind", "building", "--where", '{"kinds": ["ELEVATOR"]}'), "export.nothing", "No asset"),
        (("--crs", "EPSG:3067"), "export.crs.area", "Choose another --crs, or fewer assets with --where"),
    ],
)
def test_bad_input_is_named_and_nothing_written(
    city: City, tmp_path: Path, options: tuple[str, ...], code: str, words: str
) -> None:
    done = city.twin("export", str(tmp_path / "out.geojson"), *options)
    assert done.returncode == 1
    assert code in done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format_", list(EXTENSIONS))
def test_a_position_that_a_system_cannot_write_is_named(city: City, tmp_path: Path, format_: str) -> None:
    other_side = "+proj=gnom +lat_0=-31 +lon_0=-59 +datum=WGS84"
    done = city.twin("export", str(tmp_path / "out"), "--format", format_, "--crs", other_side)
    assert (done.returncode, "export.crs.outside" in done.stderr) == (1, True), done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format_", list(EXTENSIONS))
def test_a_database_that_goes_away_leaves_nothing(city: City, tmp_path: Path, format_: str) -> None:
    def stop(_written: int, _total: int) -> None:
        with psycopg.connect(city.url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [reading.info.backend_pid])

    path = tmp_path / "out"
    with (
        psycopg.connect(city.url, autocommit=True) as reading,
        pytest.raises(ExportStopped, match="terminating"),
    ):
        reading.execute("SELECT set_config('twin.scope', '*', false)")
        export(reading, path, all_formats()[format_], WGS84, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_files_are_replaced_only_by_force(city: City, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.write_text("mine", encoding="utf-8")
    refused = city.twin("export", str(file))
    assert (refused.returncode, "export.file.exists" in refused.stderr) == (1, True)
    assert file.read_text(encoding="utf-8") == "mine"
    city.export(file, "--force")
    assert file.read_text(encoding="utf-8-sig").startswith("code,")
