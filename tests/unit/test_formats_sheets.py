"""Spreadsheets as people write them: titles, groups, merged cells, totals, dates, hidden sheets."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
import xlwt
from format_files import NAMES, numbers, opened, read, unread, zipped
from openpyxl.worksheet.worksheet import Worksheet
from pyogrio.raw import write

from loaders.errors import FileBroken, FileEmpty, LayerNeeded, TwinError, UnknownLayer, WrongFormat
from loaders.formats import detect


def workbook(
    path: Path, *rows: Sequence[object], change: Callable[[Worksheet], object] | None = None
) -> Path:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "路灯"
    for row in rows:
        sheet.append(list(row))
    if change is not None:
        change(sheet)
    book.save(path)
    return path


HEADER = ("编号", "名称", "经度")
ONE, TWO = (1, "延安路", 121.5), (2, "南京路", 121.25)
BOTH = {"编号": ["1", "2"], "名称": ["延安路", "南京路"], "经度": ["121.5", "121.25"]}


def test_a_plain_sheet(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", HEADER, ONE, TWO)
    source = opened(path)
    assert detect(path).name == "XLSX"
    assert detect(path).layers(path) == (source.layer,) == ("路灯",)
    assert (read(source), numbers(source), source.notes) == (BOTH, [2, 3], ())
    assert (source.has_geometry, source.crs, source.encoding) == (False, None, None)


@pytest.mark.parametrize(
    "above",
    [
        [("路灯清册",)],
        [("路灯清册",), ()],
        [(), (), ("路灯清册（2024年）",), ("填报单位：某局", None, None)],
        [("填报单位：", "某局"), ("日期：", dt.date(2024, 1, 1))],
        [("单位：某局", "日期：2024", None)],
    ],
)
def test_titles_above_the_header_are_passed_over(above: list[Sequence[object]], tmp_path: Path) -> None:
    header = (*HEADER, "纬度", "备注")
    rows = [(*row, 31.2, None) for row in (ONE, TWO)]
    source = opened(workbook(tmp_path / "a.xlsx", *above, header, *rows))
    assert source.columns == header
    assert numbers(source) == [len(above) + 2, len(above) + 3]
    assert source.notes == ("sheet.titles",)


def test_a_merged_title_and_a_header_of_two_rows(tmp_path: Path) -> None:
    def merge(sheet: Worksheet) -> None:
        for cells in ("A1:F1", "A2:A3", "B2:B3", "C2:D2", "E2:F2"):
            sheet.merge_cells(cells)

    rows = [
        ("管线成果表",),
        ("编号", "材质", "起点", None, "终点", None),
        (None, None, "X", "Y", "X", "Y"),
        ("1", "PE", 1, 2, 3, 4),
    ]
    source = opened(workbook(tmp_path / "a.xlsx", *rows, change=merge))
    assert source.columns == ("编号", "材质", "起点 X", "起点 Y", "终点 X", "终点 Y")
    assert numbers(source) == [4]
    assert read(source, "终点 Y") == {"终点 Y": ["4"]}


def test_names_under_a_group_stand_alone_where_they_are_clear(tmp_path: Path) -> None:
    rows = [("编号", "位置", None), (None, "经度", "纬度"), (1, 121.5, 31.2)]
    path = workbook(tmp_path / "a.xlsx", *rows, change=lambda sheet: sheet.merge_cells("B1:C1"))
    assert opened(path).columns == ("编号", "经度", "纬度")


def test_a_row_with_a_position_is_no_total(tmp_path: Path) -> None:
    header = ("编号", "名称", "经度", "纬度")
    rows = [
        ("Total", None, 121.5, 31.2), ("小计", "灯", 121.5, 31.2), ("合计 2 盏", None, None, None),
        ("合计2盏", "灯", None, None), ("合计路1号", "灯", None, None), ("小计", None, 243.0, None),
        ("Total Wine", "灯", 121.5, 31.2), ("合计（盏）", 2, None, None),
    ]  # fmt: skip
    source = opened(workbook(tmp_path / "a.xlsx", header, *rows))
    assert numbers(source) == [2, 3, 6, 8]
    assert [number for number, _, _ in unread(source)] == [4, 5, 7, 9]


def test_totals_and_remarks_are_unread_and_told(tmp_path: Path) -> None:
    rows = [
        HEADER, ONE, ("小计", None, 121.5), TWO, (), ("合  计", 2, None), ("Total: ", 2, None),
        ("注：经度为WGS84",), (None, "制表人：张三", None),
    ]  # fmt: skip
    source = opened(workbook(tmp_path / "a.xlsx", *rows))
    assert (read(source), numbers(source)) == (BOTH, [2, 4])
    assert unread(source) == [
        (3, "row.total", "小计 121.5"),
        (6, "row.total", "合  计 2"),
        (7, "row.total", "Total:  2"),
        (8, "row.total", "注：经度为WGS84"),
        (9, "row.total", "制表人：张三"),
    ]


def test_a_sparse_row_in_the_middle_is_a_row(tmp_path: Path) -> None:
    source = opened(workbook(tmp_path / "a.xlsx", HEADER, ONE, (5,), TWO))
    assert (read(source, "编号"), numbers(source)) == ({"编号": ["1", "5", "2"]}, [2, 3, 4])


def test_cells_as_texts(tmp_path: Path) -> None:
    cells = [
        (1.0, "1"), (0.1 + 0.2, "0.3"), (-2.5, "-2.5"), (True, "true"), ("007", "007"), ("  ", None),
        (None, None), (dt.date(2020, 1, 2), "2020-01-02"), (dt.datetime(2020, 1, 2), "2020-01-02"),
        (dt.datetime(2020, 1, 2, 10, 30), "2020-01-02T10:30:00"), (31011500000001, "31011500000001"),
        ("#N/A", None), ("=1+1", None), (1e-7, "1e-07"),
    ]  # fmt: skip
    rows = [(n, value, "x") for n, (value, _) in enumerate(cells)]
    source = opened(workbook(tmp_path / "a.xlsx", HEADER, *rows))
    assert read(source, "名称")["名称"] == [text for _, text in cells]


def test_a_formula_has_the_value_that_was_last_calculated(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", HEADER, (1, "=1+1", 121.5), TWO)
    sheet = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(path) as archive:
        members: dict[str, bytes | Path] = {name: archive.read(name) for name in archive.namelist()}
    content = members[sheet]
    assert isinstance(content, bytes)
    members[sheet] = content.replace(b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>").replace(
        b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>"
    )
    assert read(opened(zipped(path, members)), "名称") == {"名称": ["2", "南京路"]}


def test_values_merged_over_rows_stand_in_each(tmp_path: Path) -> None:
    rows = [HEADER, (1, "延安路", 1.5), (2, None, 2.5), (3, None, 3.5), (4, None, 4.5)]
    path = workbook(tmp_path / "a.xlsx", *rows, change=lambda sheet: sheet.merge_cells("B2:B4"))
    source = opened(path)
    assert read(source, "名称") == {"名称": ["延安路", "延安路", "延安路", None]}
    assert source.notes == ("sheet.merged",)


def test_the_table_may_begin_anywhere(tmp_path: Path) -> None:
    def write(sheet: Worksheet) -> None:
        for place, row in enumerate([HEADER, ONE, TWO]):
            for column, value in enumerate(row):
                sheet.cell(5 + place, 3 + column, value)  # type: ignore[arg-type]

    source = opened(workbook(tmp_path / "a.xlsx", change=write))
    assert (read(source), numbers(source)) == (BOTH, [6, 7])


def several(path: Path) -> Path:
    book = openpyxl.Workbook()
    for name, rows in (("甲", [HEADER, ONE]), ("乙", [HEADER, TWO]), ("藏", [HEADER, ONE, TWO])):
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book["藏"].sheet_state = "hidden"
    book.save(path)
    return path


def test_sheets_are_layers_and_hidden_ones_are_told(tmp_path: Path) -> None:
    path = several(tmp_path / "a.xlsx")
    assert detect(path).layers(path) == ("甲", "乙"), "an empty sheet is none"
    assert (read(opened(path, "乙"), "编号"), opened(path, "乙").notes) == (
        {"编号": ["2"]},
        ("sheet.hidden",),
    )
    assert (numbers(opened(path, "藏")), opened(path, "藏").notes) == ([2, 3], ())
    with pytest.raises(LayerNeeded, match="甲, 乙"):
        opened(path)
    with pytest.raises(UnknownLayer):
        opened(path, "丙")


def test_an_empty_workbook_holds_no_rows(tmp_path: Path) -> None:
    with pytest.raises(FileEmpty):
        opened(workbook(tmp_path / "a.xlsx"))


@pytest.mark.parametrize(("name", "driver"), [("a.ods", "ODS"), ("a.xlsx", "XLSX")])
def test_sheets_that_gdal_writes(name: str, driver: str, tmp_path: Path) -> None:
    path = tables(tmp_path / name, driver)
    assert detect(path).name == driver
    assert read(opened(path), "name", "nr") == {"name": NAMES, "nr": ["1", "2", "3"]}
    assert numbers(opened(path)) == [2, 3, 4]


def tables(path: Path, driver: str) -> Path:
    fields = [np.array(NAMES, dtype=object), np.array([1, 2, 3])]
    write(path, None, fields, ["name", "nr"], driver=driver, geometry_type=None, layer="t")
    return path


def test_an_old_workbook(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("路灯")
    date = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    for place, row in enumerate([HEADER, (1, "延安路", dt.date(2020, 1, 2)), (2, None, 2.5)]):
        for column, value in enumerate(row):
            if value is not None:
                sheet.write(place, column, value, *([date] if isinstance(value, dt.date) else []))
    book.save(str(tmp_path / "a.xls"))
    assert detect(tmp_path / "a.xls").name == "XLS"
    assert read(opened(tmp_path / "a.xls")) == {
        "编号": ["1", "2"],
        "名称": ["延安路", None],
        "经度": ["2020-01-02", "2.5"],
    }
    assert detect((tmp_path / "a.xls").rename(tmp_path / "bare")).name == "XLS"


@pytest.mark.parametrize("content", [b"<html><table><tr><td>1</td></tr></table></html>", b"a\tb\n1\t2\n"])
def test_what_only_calls_itself_a_workbook_is_told(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes(content)
    with pytest.raises(WrongFormat):
        detect(path)


def test_damaged_workbooks_are_told(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", HEADER, ONE, TWO)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(TwinError):
        opened(path)
    old = tmp_path / "a.xls"
    old.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    with pytest.raises(FileBroken):
        opened(old)


def test_a_zipped_workbook_is_read(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", HEADER, ONE, TWO)
    packed = zipped(tmp_path / "a.zip", {"电梯.xlsx": path})
    assert (detect(packed).name, read(opened(packed))) == ("XLSX", BOTH)


def test_many_rows_come_in_batches(tmp_path: Path) -> None:
    book: Any = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("t")
    sheet.append(["id", "x"])
    for number in range(70_000):
        sheet.append([number, 1.5])
    book.save(tmp_path / "a.xlsx")
    batches = [len(rows) for rows in opened(tmp_path / "a.xlsx").rows()]
    assert batches == [65_536, 4_464]
