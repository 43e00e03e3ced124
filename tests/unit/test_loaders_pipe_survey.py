"""Pipe surveys: tables from every container, lines drawn between points, and what does not fit."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import openpyxl
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyogrio.raw import write

from loaders import access
from loaders.errors import (
    FileBroken,
    LayerNeeded,
    NoFormat,
    SurveyTablesMissing,
    ToolMissing,
    UnknownLayer,
)
from loaders.formats import Request, Unread, detect
from loaders.formats.pipe_survey import Format
from twin.kinds import kind

DATABASE = Path(__file__).parent.parent / "files" / "pipe_survey.mdb"

POINTS = [
    {"Exp_No": "JS1", "X": "3454100.12", "Y": "640790.31", "High": "4.52", "Subsid": "阀门井"},
    {"Exp_No": "JS2", "X": "3454140.775", "Y": "640790.905", "High": "4.48", "Subsid": "雨水篦子"},
    {"Exp_No": "JS3", "X": "3454181.43", "Y": "640802.25", "High": "", "Subsid": "消防栓"},
]
LINES = [
    {"QD_ID": "JS1", "ZD_ID": "JS2", "QDMS": "1.2", "ZDMS": "1.25", "GJ": "DN300"},
    {"QD_ID": "JS2", "ZD_ID": "JS3", "QDMS": "1.25", "ZDMS": "1.3", "GJ": "800×600"},
    {"QD_ID": "JS3", "ZD_ID": "JS9", "QDMS": "1.3", "ZDMS": "", "GJ": "200"},
]
Table = Iterable[Mapping[str, str]]


def text(rows: Table) -> str:
    listed = list(rows)
    return "\n".join([",".join(listed[0]), *(",".join(row.values()) for row in listed)]) + "\n"


def folder(where: Path, tables: Mapping[str, Table], encoding: str = "utf-8") -> Path:
    where.mkdir(exist_ok=True)
    for name, rows in tables.items():
        (where / f"{name}.csv").write_text(text(rows), encoding=encoding)
    return where


def read(path: Path, layer: str = "lines") -> tuple[list[dict[str, Any]], list[Unread]]:
    """The rows as dictionaries, with number and geometry, and what is unread."""
    rows: list[dict[str, Any]] = []
    unread: list[Unread] = []
    for batch in detect(path).open(path, Request(layer)).rows():
        assert batch.wkb is not None
        columns = {name: column.to_pylist() for name, column in batch.columns.items()}
        shapes = [value and shapely.from_wkb(value).wkt for value in batch.wkb.to_pylist()]
        columns |= {"number": batch.numbers.tolist(), "shape": shapes}
        rows += [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        unread += batch.unread
    return rows, unread


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    return folder(tmp_path / "survey", {"JSPOINT": POINTS, "JSLINE": LINES})


def zipped(path: Path, target: Path, inside: str = "") -> Path:
    with ZipFile(target, "w") as archive:
        for file in path.iterdir():
            archive.write(file, inside + file.name)
        archive.writestr(f"{inside}说明.pdf", b"%PDF-1.4")
    return target


def workbook(target: Path, tables: Mapping[str, Table]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in {"说明": [{"a": "b"}], **tables}.items():
        sheet = book.create_sheet(name)
        listed = list(rows)
        sheet.append(list(listed[0]))
        for row in listed:
            sheet.append([float(v) if v.replace(".", "", 1).isdigit() else v or None for v in row.values()])
    book.save(target)
    return target


def dbase(where: Path, tables: Mapping[str, Table]) -> Path:
    where.mkdir()
    for name, rows in tables.items():
        listed = list(rows)
        values = [np.array([row[column] for row in listed], dtype=object) for column in listed[0]]
        write(
            where / f"{name}.dbf",
            None,
            values,
            list(listed[0]),
            geometry_type=None,
            driver="ESRI Shapefile",
            encoding="GBK",
        )
        for mark in where.glob("*.cpg"):
            mark.unlink()
    return where


def test_every_container_gives_the_same_lines(survey: Path, tmp_path: Path) -> None:
    tables = {"JSPOINT": POINTS, "JSLINE": LINES}
    expected, unread = read(survey)
    assert [row["shape"] for row in expected] == [
        "LINESTRING Z (640790.31 3454100.12 3.32, 640790.905 3454140.775 3.23)",
        "LINESTRING (640790.905 3454140.775, 640802.25 3454181.43)",
    ]
    assert unread == [Unread(3, "pipe.dangling", "JSLINE QD_ID=JS3 ZD_ID=JS9")]
    places = [
        *(zipped(survey, tmp_path / "a.zip"), zipped(survey, tmp_path / "b.zip", "普查/")),
        *(workbook(tmp_path / "a.xlsx", tables), dbase(tmp_path / "dbf", tables)),
        folder(tmp_path / "gbk", tables, "gb18030"),
    ]
    for place in places:
        assert detect(place).name == "Pipe survey"
        rows, lost = read(place)
        first = 1 if place.suffix == ".xlsx" else 0
        assert [row | {"number": row["number"] - first} for row in rows] == expected
        assert [(u.number - first, u.value) for u in lost] == [(3, "JSLINE QD_ID=JS3 ZD_ID=JS9")]
        assert [row["Subsid"] for row in read(place, "points")[0]] == ["阀门井", "雨水篦子", "消防栓"]


def test_an_access_database() -> None:
    assert detect(DATABASE).name == "Pipe survey"
    rows, unread = read(DATABASE)
    assert [(row["id"], row["CZ"], row["年代"], row["道路"], row["medium code"]) for row in rows] == [
        ("JS/JS1-JS2", "球墨铸铁", "2008", "世纪大道", "JS"),
        ("JS/JS2-JS3", "球墨铸铁", "2008", "世纪大道", "JS"),
        ("JS/JS3-JS4", "PE", "2015", "杨高南路", "JS"),
    ]
    assert rows[0]["shape"] == "LINESTRING Z (640790.31 3454100.12 3.32, 640790.905 3454140.775 3.23)"
    assert unread == [Unread(4, "pipe.dangling", "JSLINE QD_ID=JS4 ZD_ID=JS9")]
    points, _ = read(DATABASE, "points")
    assert points[3]["Note"] == '备注含"引号",逗号'
    assert points[0]["SDate"] == "2023-05-04 00:00:00"
    assert [row["id"] for row in points] == ["JS/JS1", "JS/JS2", "JS/JS3", "JS/JS4", "JS/JS2"]
    assert [row["id"] for row in read(DATABASE, "manholes")[0]] == ["JS/JS1"]


def test_the_reader_of_access_databases_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ToolMissing, match="apt-get install mdbtools"):
        read(DATABASE)


def test_a_broken_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mdb"
    path.write_bytes(DATABASE.read_bytes()[:5_000])
    with pytest.raises((FileBroken, SurveyTablesMissing)):
        read(path)
    path.write_bytes(b"no database")
    with pytest.raises(NoFormat):
        detect(path)


def test_a_reader_that_does_not_end_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    slow = tmp_path / "mdb-tables"
    slow.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(access, "LIST_SECONDS", 0.2)
    with pytest.raises(FileBroken, match=r"did not finish within 0\.2 s"):
        read(DATABASE)


def test_a_path_that_looks_like_an_option_is_a_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copy(DATABASE, tmp_path / "-S.mdb")
    monkeypatch.chdir(tmp_path)
    assert len(read(Path("-S.mdb"))[0]) == 3


def test_a_database_without_survey_tables_says_which_it_has(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"JSPOINT": POINTS})
    assert detect(path).name == "XLSX"
    with pytest.raises(SurveyTablesMissing, match="JSPOINT"):
        Format().open(path, Request("lines"))


def test_shapefiles_of_such_names_are_shapefiles() -> None:
    assert Format().holds(["JSPOINT.csv", "JSLINE.csv"])
    assert Format().holds(["a/jspoint.DBF", "a/JS_LINE.dbf"])
    assert not Format().holds(["JSPOINT.dbf", "JSPOINT.shp", "JSLINE.dbf", "JSLINE.SHP"])
    assert not Format().holds(["JSPOINT.csv", "YSLINE.csv"])
    assert not Format().holds(["HEADLINE.csv", "JSPOINT.csv", "JSLINE.pdf"])
    assert not Format().holds([])


def test_the_layer_is_the_kinds_or_has_to_be_said(survey: Path) -> None:
    chosen = detect(survey)
    assert chosen.layers(survey) == ("lines", "points", "manholes")
    assert chosen.open(survey, Request(kind=kind("pipeline"))).layer == "lines"
    assert chosen.open(survey, Request(kind=kind("manhole"))).layer == "manholes"
    with pytest.raises(LayerNeeded, match="lines, points, manholes"):
        chosen.open(survey, Request(kind=kind("building")))
    with pytest.raises(UnknownLayer, match="JSLINE"):
        chosen.open(survey, Request("JSLINE"))


def test_wells_and_grates_are_manholes(survey: Path) -> None:
    rows, unread = read(survey, "manholes")
    assert [(row["number"], row["Subsid"]) for row in rows] == [(1, "阀门井"), (2, "雨水篦子")]
    assert rows[0]["shape"] == "POINT Z (640790.31 3454100.12 4.52)"
    assert unread == []


def test_points_of_other_media_are_found_where_the_number_is_one_points_only(tmp_path: Path) -> None:
    other = [point | {"Exp_No": name} for point, name in zip(POINTS, ("WS1", "JS1", "9"), strict=True)]
    third = [POINTS[0] | {"Exp_No": "9"}]
    lines = [LINES[0] | {"QD_ID": start, "ZD_ID": "JS2"} for start in ("WS1", "JS1", "9")]
    path = folder(
        tmp_path / "s",
        {
            "JSPOINT": POINTS,
            "JSLINE": lines,
            "WSPOINT": other,
            "YSPOINT": third,
            "WSLINE": LINES[:0] or lines[:1],
        },
    )
    rows, unread = read(path)
    assert [row["id"] for row in rows] == ["JS/WS1-JS2", "JS/JS1-JS2", "WS/WS1-JS2"]
    # JS1 is meant as the medium's own, at (640790.31, 3454100.12), not the WS table's.
    assert rows[1]["shape"].startswith("LINESTRING Z (640790.31 3454100.12")
    assert [(u.number, u.value) for u in unread] == [(3, "JSLINE QD_ID=9 ZD_ID=JS2")]


def test_x_and_y_the_other_way_round_are_read_so(survey: Path, tmp_path: Path) -> None:
    turned = [point | {"X": point["Y"], "Y": point["X"]} for point in POINTS]
    path = folder(tmp_path / "turned", {"JSPOINT": turned, "JSLINE": LINES})
    assert [row["shape"] for row in read(path)[0]] == [row["shape"] for row in read(survey)[0]]
    assert [row["shape"] for row in read(path, "points")[0]] == [
        r["shape"] for r in read(survey, "points")[0]
    ]
    assert detect(path).open(path, Request("lines")).notes == ("survey.axes_exchanged",)
    assert detect(survey).open(survey, Request("lines")).notes == ()


@pytest.mark.parametrize(("x", "y"), [("-1203.5", "880.2"), ("3454100", "40640790"), ("0", "0")])
def test_coordinates_that_tell_nothing_are_read_as_they_should_be_written(
    x: str, y: str, tmp_path: Path
) -> None:
    path = folder(tmp_path / "s", {"JSPOINT": [{"Exp_No": "1", "X": x, "Y": y}], "JSLINE": LINES})
    ((point,), _) = read(path, "points")
    assert shapely.from_wkt(point["shape"]) == shapely.Point(float(y), float(x))


def test_positions_that_are_none(tmp_path: Path) -> None:
    points = [
        {"Exp_No": name, "X": x, "Y": y}
        for name, x, y in (
            ("JS1", "3454100", "640790"),
            ("JS2", "abc", "640790"),
            ("JS3", "", ""),
            ("JS4", "0", "0"),
        )
    ]
    lines = [{"QD_ID": "JS1", "ZD_ID": name} for name in ("JS2", "JS3", "JS4", "")]
    path = folder(tmp_path / "s", {"JSPOINT": points, "JSLINE": lines})
    rows, unread = read(path, "points")
    assert [(row["number"], row["shape"]) for row in rows] == [
        *((1, "POINT (640790 3454100)"), (3, None), (4, "POINT (0 0)")),
    ]
    assert unread == [Unread(2, "geometry.unreadable", "JSPOINT X=abc Y=640790")]
    assert [u.number for u in read(path)[1]] == [1, 2, 3, 4]


def test_tables_without_rows_are_passed_over(survey: Path) -> None:
    (survey / "YSPOINT.csv").write_text("Exp_No,X,Y\n", encoding="utf-8")
    (survey / "YSLINE.csv").write_text("QD_ID,ZD_ID\n", encoding="utf-8")
    assert len(read(survey)[0]) == 2


def test_rows_count_on_from_table_to_table(survey: Path) -> None:
    (survey / "YSPOINT.csv").write_text(text(POINTS).replace("JS", "YS"), encoding="utf-8")
    (survey / "YSLINE.csv").write_text("QD_ID,ZD_ID\nYS1,YS2\nYS1\nYS1,YS7\n", encoding="utf-8")
    rows, unread = read(survey)
    assert [(row["id"], row["number"]) for row in rows] == [
        *(("JS/JS1-JS2", 1), ("JS/JS2-JS3", 2), ("YS/YS1-YS2", 4)),
    ]
    assert [(u.number, u.reason) for u in unread] == [
        *((3, "pipe.dangling"), (5, "row.fields"), (6, "pipe.dangling")),
    ]
    assert [row["number"] for row in read(survey, "points")[0]] == [1, 2, 3, 4, 5, 6]


def test_lines_between_the_same_points_are_told_apart(tmp_path: Path) -> None:
    path = folder(tmp_path / "s", {"JSPOINT": POINTS, "JSLINE": [LINES[0]] * 3})
    assert [row["id"] for row in read(path)[0]] == ["JS/JS1-JS2", "JS/JS1-JS2~2", "JS/JS1-JS2~3"]


def test_a_line_table_that_names_no_points_is_refused(survey: Path) -> None:
    (survey / "JSLINE.csv").write_text("A,B\n1,2\n", encoding="utf-8")
    with pytest.raises(FileBroken, match="QD_ID"):
        read(survey)


@pytest.mark.parametrize(
    ("written", "diameter", "width", "height"),
    [
        *(("300", "300", None, None), ("DN300", "300", None, None), ("Φ 219", "219", None, None)),
        *(
            ("800×600", None, "800", "600"),
            ("800*600", None, "800", "600"),
            ("800 x 600mm", None, "800", "600"),
        ),
        *(("4孔", "4孔", None, None), ("", None, None, None)),
    ],
)
def test_sections(
    written: str, diameter: str | None, width: str | None, height: str | None, tmp_path: Path
) -> None:
    path = folder(tmp_path / "s", {"JSPOINT": POINTS, "JSLINE": [LINES[0] | {"GJ": written}]})
    ((line,), _) = read(path)
    assert (line["GJ"], line["section width"], line["section height"]) == (diameter, width, height)


def test_other_names_of_columns_and_numbers_of_spreadsheets(tmp_path: Path) -> None:
    points = [
        {"物探点号": f"{n}", "X坐标": f"345410{n}.5", "Y坐标": "640790.5", "地面高程": "4"} for n in (1, 2)
    ]
    lines = [{"起点点号": "1.0", "终点点号": "2", "起点埋深": "1", "终点埋深": "1.5", "管径": "100"}]
    path = folder(tmp_path / "s", {"RQPOINT": points, "RQLINE": lines})
    ((line,), _) = read(path)
    assert line["id"] == "RQ/1-2"
    assert line["shape"] == "LINESTRING Z (640790.5 3454101.5 3, 640790.5 3454102.5 2.5)"


NETWORKS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=20)


@settings(max_examples=25, deadline=None)
@given(ends=NETWORKS, missing=st.sets(st.integers(0, 9), max_size=5))
def test_every_line_is_drawn_or_accounted_for(
    ends: list[tuple[int, int]], missing: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    points = [
        {"Exp_No": f"JS{n}", "X": f"{3454000 + n * 10}", "Y": "640790"} for n in range(10) if n not in missing
    ] or [{"Exp_No": "", "X": "", "Y": ""}]
    lines = [{"QD_ID": f"JS{a}", "ZD_ID": f"JS{b}"} for a, b in ends]
    path = folder(tmp_path_factory.mktemp("s"), {"JSPOINT": points, "JSLINE": lines})
    rows, unread = read(path)
    loose = {n for n, (a, b) in enumerate(ends, 1) if a in missing or b in missing}
    assert {u.number for u in unread} == loose
    assert {row["number"] for row in rows} == set(range(1, len(ends) + 1)) - loose
    for row in rows:
        a, b = ends[row["number"] - 1]
        assert shapely.from_wkt(row["shape"]).coords[:] == [
            (640790, 3454000 + a * 10),
            (640790, 3454000 + b * 10),
        ]
