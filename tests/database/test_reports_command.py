"""``twin report`` as planners use it: screens, files, areas from files of many sorts, and bad ones."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import openpyxl
import psycopg
import pytest
import shapely
from commands import twin
from registry_rows import insert_city, small_city

from twin.folders import NAMED

RunTwin = Callable[..., subprocess.CompletedProcess[str]]
Done = subprocess.CompletedProcess[str]
Twin = Callable[..., Done]

CITY = small_city()
NORTH, SOUTH = shapely.box(121.4, 31.23, 121.55, 31.3), shapely.box(121.4, 31.15, 121.55, 31.23)
ONE_MORE = '''
"""Assets by the data set that they come from."""

from __future__ import annotations

from sqlalchemy import Select, select

from twin.reports.columns import AREA_COLUMNS
from twin.reports.model import Column, Report, Table
from twin.reports.selection import area_columns, areas, asset, counted, members


def by_dataset(request) -> Select:
    area = areas(request)
    m = members(request, area, request.kind_names, {"dataset": asset.c.dataset_id})
    found = select(m.c.number, m.c.dataset, counted().label("assets")).group_by(m.c.number, m.c.dataset)
    found = found.cte("found")
    columns = (*area_columns(area), found.c.dataset, found.c.assets)
    return select(*columns).select_from(area.join(found, found.c.number == area.c.number))


FIGURES = (Column("dataset", "integer", "Data set", "数据集"), Column("assets", "integer", "Assets", "资产"))
TABLE = Table("datasets", "By data set", "按数据集", (*AREA_COLUMNS, *FIGURES), by_dataset, key="dataset")
REPORT = Report(
    name="by-dataset", en="By data set", zh="按数据集", about_en="Assets.", about_zh="资产。",
    tables=(TABLE,), figure="assets",
)
'''


@pytest.fixture(scope="module")
def url(new_database: Callable[[], str]) -> str:
    made = new_database()
    with psycopg.connect(made, autocommit=True) as owner:
        insert_city(owner, CITY)
    return made


@pytest.fixture
def report(url: str) -> Twin:
    """Runs ``twin report`` on the city."""
    return lambda *arguments, **options: twin(url, "report", *map(str, arguments), **options)


@pytest.fixture
def areas(tmp_path: Path) -> Callable[..., Path]:
    """Writes areas with names to a file; by default the north and the south of Pudong."""

    def write(name: str, *shapes: Any, crs: int | None = 4326, to: int | None = None) -> Path:
        frame = geopandas.GeoDataFrame(
            {"ward": ["north 北", "south 南", "third", "fourth"][: len(shapes or (1, 2))]},
            geometry=list(shapes or (NORTH, SOUTH)),
            crs=crs,
        )
        frame = frame if to is None else frame.to_crs(to)
        frame.to_file(tmp_path / name, encoding="UTF-8")
        return tmp_path / name

    return write


def lamps(area: Any) -> int:
    return sum(
        a.kind == "streetlight"
        and a.status != "retired"
        and a.point is not None
        and area.contains(shapely.Point(a.point))
        for a in CITY
    )


def figures(file: Path) -> dict[str, int]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return {row["area_name"]: int(row["assets"]) for row in csv.DictReader(opened)}


def test_the_reports_are_listed(report: Twin) -> None:
    done = report()
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == [
        "asset-census",
        "elevator-age",
        "inspections",
    ]
    assert "逾期与即将到期的检验" in report(lang="zh").stdout


def test_a_report_on_the_screen(report: Twin) -> None:
    done = report("asset-census", "--division", "310115", "--kind", "streetlight", lang="zh")
    expected = [a for a in CITY if a.kind == "streetlight" and a.division.startswith("310115")]
    kept = sum(a.status != "retired" for a in expected)
    line = next(line for line in done.stdout.splitlines() if "路灯" in line)
    assert line.split()[:5] == ["310115", "District", "310115", "路灯", str(kept)]


def test_a_long_table_is_cut_off_on_the_screen(report: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin.cli.report.SHOWN", 2)
    done = report("asset-census")
    assert "These are the first 2 rows" in done.stderr


def test_results_go_to_stdout_and_words_elsewhere(run_twin: RunTwin, url: str) -> None:
    run = run_twin("report", "elevator-age", "--format", "csv", env={"TWIN_DATABASE_URL": url})
    (row,) = csv.DictReader(io.StringIO(run.stdout.removeprefix("\ufeff")))
    assert int(row["elevators"]) == sum(
        a.kind == "elevator" and a.status in {"in_service", "suspended"} for a in CITY
    )
    assert run.stderr == ""


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("wards.geojson", {}),
        ("wards.gpkg", {"to": 4549}),
        ("wards.shp", {"to": 3857}),
        ("wards.fgb", {}),
        ("wards.kml", {}),
    ],
)
def test_areas_from_a_file(
    report: Twin, areas: Callable[..., Path], tmp_path: Path, name: str, options: dict[str, int]
) -> None:
    out = tmp_path / "lamps.csv"
    done = report(
        "asset-census", "--areas", areas(name, **options), "--area-name", "ward",
        "--kind", "streetlight", "--format", "csv", "--out", out,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert figures(out) == {"north 北": lamps(NORTH), "south 南": lamps(SOUTH)}


def test_areas_without_names_have_their_numbers(
    report: Twin, areas: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "age.geojson"
    done = report("elevator-age", "--areas", areas("wards.geojson"), "--format", "geojson", "--out", out)
    assert done.returncode == 0, done.stderr
    features = json.loads(out.read_text(encoding="utf-8"))["features"]
    assert [feature["properties"]["area"] for feature in features] == ["1", "2"]
    assert [
        shapely.geometry.shape(f["geometry"]).equals(s) for f, s in zip(features, (NORTH, SOUTH), strict=True)
    ] == [True, True]


def test_a_workbook_has_every_table(report: Twin, tmp_path: Path) -> None:
    out = tmp_path / "inspections.xlsx"
    assert report("inspections", "--by-level", "street", "--format", "xlsx", "--out", out).returncode == 0
    book = openpyxl.load_workbook(out)
    assert book.sheetnames == ["By area", "To inspect"]
    assert len(list(book["By area"].rows)) == 1 + 6 + 1
    again = report("inspections", "--format", "xlsx", "--out", out)
    assert (again.returncode, "--force" in again.stderr) == (1, True)
    assert report("inspections", "--format", "xlsx", "--out", out, "--force").returncode == 0


def test_a_table_of_a_report(report: Twin, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    assert report("asset-census", "--table", "sums", "--format", "json", "--out", out).returncode == 0
    assert [table["name"] for table in json.loads(out.read_text())["tables"]] == ["sums"]


def test_a_report_is_one_file(report: Twin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "by_dataset.py").write_text(ONE_MORE, encoding="utf-8")
    monkeypatch.setitem(NAMED, "TWIN_REPORTS_PATH", str(tmp_path))
    assert "by-dataset" in report().stdout
    out = tmp_path / "out.csv"
    assert report("by-dataset", "--format", "csv", "--out", out).returncode == 0
    with out.open(encoding="utf-8-sig") as file:
        assert sum(int(row["assets"]) for row in csv.DictReader(file)) == len(CITY)


# What cannot be used


def polygon(*ring: list[float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [list(ring)]}


SQUARE = [[121.4, 31.2], [121.5, 31.2], [121.5, 31.3], [121.4, 31.3], [121.4, 31.2]]


@pytest.mark.parametrize(
    ("geometry", "words"),
    [
        (
            polygon([121, 31], [122, 32], [122, 31], [121, 32], [121, 31]),
            "Area 2 (b) in a.geojson cannot be used: it is not valid: Self-intersection",
        ),
        (
            polygon([121, 31], [122, 31], [122, 32]),
            "Area 2 (b) in a.geojson cannot be used: a ring is not closed",
        ),
        (polygon([121, 31], [122, 31], [122, 32], [121, 32]), "a ring is not closed"),
        (
            polygon([640412, 3457455], [640512, 3457455], [640512, 3457555], [640412, 3457455]),
            "beyond the globe",
        ),
        ({"type": "Point", "coordinates": [121, 31]}, "it is a Point, not a polygon"),
        ({"type": "Polygon", "coordinates": []}, "it has no geometry"),
        (None, "it has no geometry"),
    ],
)
def test_an_area_that_cannot_be_used_is_named(
    report: Twin, tmp_path: Path, geometry: Any, words: str
) -> None:
    features = [
        {"type": "Feature", "properties": {"n": name}, "geometry": shape}
        for name, shape in (("a", polygon(*SQUARE)), ("b", geometry))
    ]
    file = tmp_path / "a.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    done = report("asset-census", "--areas", file, "--area-name", "n")
    assert done.returncode == 1
    assert words in done.stderr
    assert "[report.area" in done.stderr


def test_a_file_without_areas(report: Twin, tmp_path: Path) -> None:
    (tmp_path / "none.geojson").write_text('{"type":"FeatureCollection","features":[]}')
    (tmp_path / "empty.geojson").write_text("")
    (tmp_path / "table.csv").write_text("name,size\na,1\n")
    for name, code in (
        ("none.geojson", "report.areas.none"),
        ("empty.geojson", "file.empty"),
        ("gone.geojson", "file.missing"),
    ):
        done = report("asset-census", "--areas", tmp_path / name)
        assert (done.returncode, f"[{code}]" in done.stderr) == (1, True), done.stderr
    assert "it has no geometry" in report("asset-census", "--areas", tmp_path / "table.csv").stderr


def test_a_file_of_an_unknown_coordinate_system(report: Twin, areas: Callable[..., Path]) -> None:
    file = areas("wards.shp", to=4549)
    file.with_suffix(".prj").unlink()
    done = report("asset-census", "--areas", file)
    assert (done.returncode, "--crs" in done.stderr) == (1, True), done.stderr
    said = report("asset-census", "--areas", file, "--crs", "EPSG:4549", "--kind", "streetlight")
    assert said.returncode == 0, said.stderr
    wrong = report("asset-census", "--areas", file, "--crs", "EPSG:4326")
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (1, False), wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["inspection"], "report.unknown"),
        (["inspections", "--format", "pdf"], "report.format"),
        (["inspections", "--out", "x.csv"], "report.table_file"),
        (["inspections", "--area-name", "n"], "report.areas.options"),
        (["inspections", "--on", "24.11.2026"], "input.type"),
        (["inspections", "--within", "1000"], "input.range"),
        (["inspections", "--kind", "lift"], "kind.unknown"),
        (["inspections", "--kind", "building"], "report.kind"),
        (["inspections", "--division", "1"], "division.unknown"),
        (["inspections", "--by-level", "county"], "division.level"),
        (["inspections", "--by-level", "community"], "report.level"),
        (["inspections", "--table", "x"], "report.table"),
        (["asset-census", "--table", "sums", "--format", "geojson"], "report.places"),
        (["elevator-age", "--kind", "elevator"], "report.parameter"),
    ],
)
def test_what_cannot_be_asked_is_said_in_both_languages(
    report: Twin, arguments: list[str], code: str
) -> None:
    english, chinese = report(*arguments), report(*arguments, lang="zh")
    assert (english.returncode, english.stdout) == (1, "")
    assert english.stderr.endswith(f"[{code}]\n")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese.stderr)


def test_an_unknown_column_of_names_is_told_the_nearest(report: Twin, areas: Callable[..., Path]) -> None:
    done = report("asset-census", "--areas", areas("wards.geojson"), "--area-name", "wards")
    assert (done.returncode, "ward" in done.stderr) == (1, True)
