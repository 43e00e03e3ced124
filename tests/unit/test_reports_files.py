"""Reports as files, read back by other programs: csv, openpyxl, json."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from twin.reports.columns import AREA_COLUMNS, KIND_COLUMN
from twin.reports.errors import NoPlaces, TooManyRows
from twin.reports.files import FORMATS, xlsx
from twin.reports.model import Column, Report, Table
from twin.reports.request import Request
from twin.reports.running import Result, Rows

DANGEROUS = ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")']
COLUMNS = (
    *AREA_COLUMNS,
    KIND_COLUMN,
    Column("note", "text", "Note", "备注"),
    Column("count", "integer", "Count", "数量"),
    Column("length", "number", "Length", "长度", "m"),
    Column("share", "share", "Share", "占比"),
    Column("due", "date", "Due", "应检日期"),
)
FIRST = Table("kinds", "By kind", "按种类", COLUMNS, lambda _: select(), key="kind")
PLACES = Table(
    "assets",
    "Assets",
    "资产",
    (*AREA_COLUMNS, Column("code", "text", "Code", "身份码")),
    lambda _: select(),
    places=True,
)
OTHER = Table("sums", "Sums", "合计", (*AREA_COLUMNS, KIND_COLUMN), lambda _: select())
REPORT = Report("made", "Made", "样例", "About.", "说明。", (FIRST, PLACES, OTHER), "count")
SQUARE = '{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}'


def row(
    area: str = "1", name: str | None = "北", kind: str = "elevator", note: Any = "x", **more: Any
) -> dict[str, Any]:
    known = {"count": -5, "length": 1234.56, "share": 0.125, "due": date(2026, 5, 31)}
    return {"area": area, "area_name": name, "kind": kind, "note": note, **known, **more}


def result(table: Table, *rows: dict[str, Any], areas: tuple[str, ...] = ("1",)) -> Result:
    there = tuple(
        {"area": a, "area_name": None, "drawn": True, "outline": SQUARE if a != "9" else None} for a in areas
    )
    return Result(REPORT, Request(), there, (Rows(table, rows),))


def test_csv_opens_in_excel_and_holds_values_as_they_are() -> None:
    written = FORMATS["csv"].write(result(FIRST, row(), row(note=None, due=None)), "zh")
    assert written.startswith(b"\xef\xbb\xbf")
    assert written.count(b"\r\n") == 3
    header, one, two = csv.reader(io.StringIO(written.decode("utf-8-sig"), newline=""))
    assert header == [column.name for column in COLUMNS]
    assert one == ["1", "北", "elevator", "x", "-5", "1234.56", "0.125", "2026-05-31"]
    assert (two[3], two[7]) == ("", "")


@pytest.mark.parametrize("text", DANGEROUS)
def test_no_text_becomes_a_formula(text: str) -> None:
    found = result(FIRST, row(note=text, name=text))
    _, one = csv.reader(io.StringIO(FORMATS["csv"].write(found, "en").decode("utf-8-sig"), newline=""))
    assert one[1] == one[3] == f"'{text}"
    book = FORMATS["xlsx"].write(found, "en")
    cell = openpyxl.load_workbook(io.BytesIO(book)).active["D2"]
    assert (cell.data_type, cell.value.replace("\r", "").strip()) == ("s", text.strip())
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


def test_a_workbook_has_typed_cells_under_both_headings() -> None:
    both = Result(REPORT, Request(), (), (Rows(FIRST, [row()]), Rows(OTHER, [])))
    book = openpyxl.load_workbook(io.BytesIO(FORMATS["xlsx"].write(both, "zh")))
    assert book.sheetnames == ["按种类", "合计"]
    sheet = book["按种类"]
    assert sheet.freeze_panes == "C2"
    assert [cell.value for cell in sheet[1]][4:6] == ["数量\nCount", "长度\nLength\n(m)"]
    cells = {cell.value: cell for cell in sheet[2]}
    assert list(cells) == ["1", "北", "电梯", "x", -5, 1234.56, 0.125, datetime(2026, 5, 31)]
    assert (cells[0.125].number_format, cells[datetime(2026, 5, 31)].is_date) == ("0.0%", True)


def test_a_workbook_takes_any_text_and_no_more_rows_than_excel(monkeypatch: pytest.MonkeyPatch) -> None:
    found = result(FIRST, row(note="a\x00b\x0bc😀"))
    assert (
        openpyxl.load_workbook(io.BytesIO(FORMATS["xlsx"].write(found, "en"))).active["D2"].value
        == "a\ufffdb\ufffdc😀"
    )
    monkeypatch.setattr(xlsx, "MAX_ROWS", 1)
    with pytest.raises(TooManyRows):
        FORMATS["xlsx"].write(result(FIRST, row(), row()), "en")


def test_geojson_has_one_feature_for_each_area_with_all_its_figures() -> None:
    rows = (row("1", kind="elevator", count=5), row("1", kind="road", count=7), row("9", None, count=None))
    read = json.loads(FORMATS["geojson"].write(result(FIRST, *rows, areas=("1", "9", "7")), "zh"))
    one, two = read["features"]
    assert one["geometry"] == json.loads(SQUARE)
    properties = one["properties"]
    assert (properties["value"], properties["label"]) == (12, "北: 数量 12")
    assert (properties["elevator_count"], properties["road_count"], properties["road_due"]) == (
        5,
        7,
        "2026-05-31",
    )
    assert two["geometry"] is None
    assert (two["properties"]["value"], two["properties"]["label"]) == (None, "9: 数量 –")


def test_geojson_of_assets_has_their_places_and_pages() -> None:
    one = {"area": "*", "area_name": None, "code": "310115-2133-000001-4", "lon": 121.5, "lat": 31.2}
    other = {**one, "lon": None, "lat": None}
    first, second = json.loads(FORMATS["geojson"].write(result(PLACES, one, other), "en"))["features"]
    assert first["geometry"] == {"type": "Point", "coordinates": [121.5, 31.2]}
    assert first["properties"]["href"] == "/a/310115-2133-000001-4"
    assert second["geometry"] is None


def test_geojson_of_assets_has_the_class_that_colours_them_and_a_line_of_words() -> None:
    states = {"late": ("Late", "逾期"), "soon": ("Soon", "将到期")}
    columns = (
        *PLACES.columns,
        Column("due", "date", "Due", "应检日期"),
        Column("state", "text", "State", "状态", labels=lambda: states),
    )
    table = replace(PLACES, columns=columns, coloured_by="state")
    one = {"area": "*", "area_name": None, "code": "7", "lon": 1, "lat": 2, "due": date(2026, 5, 31)}
    rows = ({**one, "state": "soon"}, {**one, "state": None, "due": None})
    first, second = json.loads(FORMATS["geojson"].write(result(table, *rows), "zh"))["features"]
    assert first["properties"]["label"] == "7 · 将到期 · 应检日期 2026-05-31"
    assert (first["properties"]["class"], first["properties"]["class_label"]) == (2, "将到期")
    assert "class" not in second["properties"]


def test_a_table_without_places_cannot_be_drawn() -> None:
    with pytest.raises(NoPlaces, match="kinds"):
        FORMATS["geojson"].write(result(OTHER), "en")


def test_json_says_what_was_asked_and_how_columns_are_to_be_read() -> None:
    read = json.loads(FORMATS["json"].write(result(FIRST, row()), "en"))
    (table,) = read["tables"]
    assert read["report"] == "made"
    assert table["columns"][5] == {
        "name": "length",
        "type": "number",
        "unit": "m",
        "en": "Length",
        "zh": "长度",
    }
    assert table["rows"] == [row(due="2026-05-31")]
