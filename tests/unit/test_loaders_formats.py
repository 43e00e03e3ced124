"""Formats: how files are told, what is read of them, and in which encoding."""

from __future__ import annotations

import codecs
import json
import re
import struct
from contextlib import suppress
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st
from pyogrio.raw import write

from loaders.errors import UnknownEncoding, UnknownFormat
from loaders.formats import Request, all_formats, detect
from loaders.formats.csv import unique_names
from loaders.formats.osm import tags_of
from loaders.formats.shapefile import encoding_of
from loaders.mapping import Mapping
from loaders.places import read_geometries
from loaders.plan import settle
from loaders.quotes import mended
from twin.errors import sentence
from twin.kinds import kind

NAMES = ["南京西路", "延安路"]
POINTS = shapely.points([[121.5, 31.2], [121.6, 31.3]])


def make(path: Path, driver: str, **options: str) -> Path:
    """Two points with Chinese names."""
    write(
        path,
        shapely.to_wkb(POINTS),
        [np.array(NAMES, dtype=object), np.array([1, 2])],
        ["路名", "nr"],
        geometry_type="Point",
        crs="EPSG:4326",
        driver=driver,
        **options,
    )
    return path


@pytest.mark.parametrize(
    ("name", "driver", "format_"),
    [
        ("a.geojson", "GeoJSON", "GeoJSON"),
        ("a.geojsonl", "GeoJSONSeq", "GeoJSONSeq"),
        ("a.gpkg", "GPKG", "GeoPackage"),
        ("a.fgb", "FlatGeobuf", "FlatGeobuf"),
        ("a.shp", "ESRI Shapefile", "Shapefile"),
    ],
)
def test_a_file_is_told_by_name_and_content_and_read(
    name: str, driver: str, format_: str, tmp_path: Path
) -> None:
    path = make(tmp_path / name, driver)
    chosen = detect(path)
    source = chosen.open(path, Request())
    (rows,) = source.rows()
    assert chosen.name == format_
    assert source.crs == "EPSG:4326"
    assert source.columns[:2] == ("路名", "nr")
    assert sorted(rows.columns["路名"].to_pylist()) == sorted(NAMES)
    assert rows.numbers.tolist() == [1, 2]
    assert rows.wkb is not None
    assert {shapely.from_wkb(value) for value in rows.wkb.to_pylist()} == set(POINTS)
    bare = path.rename(tmp_path / "bare") if format_ != "Shapefile" else path
    assert detect(bare).name == format_


def test_formats_are_discovered_and_say_what_they_are() -> None:
    names = [one.name for one in all_formats()]
    assert set(names) >= {
        "CSV",
        "FlatGeobuf",
        "GeoJSON",
        "GeoJSONSeq",
        "GeoPackage",
        "GeoParquet",
        "OSM PBF",
        "Shapefile",
    }
    assert names[-1] == "CSV"
    extensions = [extension for one in all_formats() for extension in one.extensions]
    assert len(extensions) == len(set(extensions))
    assert all(extension.startswith(".") for extension in extensions)
    assert all("/" in one.media_type for one in all_formats())


def csv_rows(path: Path, content: bytes) -> list[tuple[list[int], dict[str, list[str | None]], list[int]]]:
    """The numbers, the columns and the numbers of unread rows of each batch."""
    path.write_bytes(content)
    source = detect(path).open(path, Request())
    return [
        (
            rows.numbers.tolist(),
            {n: c.to_pylist() for n, c in rows.columns.items()},
            [u.number for u in rows.unread],
        )
        for rows in source.rows()
    ]


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        (b"a,b\n1,2\n", {"a": ["1"], "b": ["2"]}),
        (b"\xef\xbb\xbfa,b\r\n1,2\r\n", {"a": ["1"], "b": ["2"]}),
        (b"a;b\n1;2,5\n", {"a": ["1"], "b": ["2,5"]}),
        (b"a\tb\n1\t\n", {"a": ["1"], "b": [None]}),
        (b'"a\nx",b\n"1\n2",""\n', {"a\nx": ["1\n2"], "b": [""]}),
        ("路,b\n延安路,2\n".encode("gb18030"), {"路": ["延安路"], "b": ["2"]}),
        (b"a,a,,b\n1,2,3,4\n", {"a": ["1"], "a_2": ["2"], "column_3": ["3"], "b": ["4"]}),
        (b"a,b\n007,1e5\n", {"a": ["007"], "b": ["1e5"]}),
        ("路,b\r\n延安路,2\r\n".encode("utf-16"), {"路": ["延安路"], "b": ["2"]}),
        (codecs.BOM_UTF16_BE + "路\tb\n延\t2\n".encode("utf-16-be"), {"路": ["延"], "b": ["2"]}),
    ],
)
def test_csv_as_people_write_it(content: bytes, columns: dict[str, list[str | None]], tmp_path: Path) -> None:
    assert csv_rows(tmp_path / "a.csv", content) == [([1], columns, [])]


def test_lines_of_the_wrong_width_are_counted_where_they_stand(tmp_path: Path) -> None:
    (first, _, bad), (last, _, rest) = csv_rows(tmp_path / "a.csv", b"a,b\n1\n2,2\n\n3,3,3\n4,4\n5\n")
    assert (first, bad) == ([2, 4], [1, 3])
    assert (last, rest) == ([], [5])


@given(
    widths=st.lists(st.sampled_from([1, 2, 2, 2, 3]), min_size=1, max_size=40),
)
def test_every_line_is_read_or_unread(widths: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    content = "a,b\n" + "".join(",".join("x" * width) + "\n" for width in widths)
    batches = csv_rows(tmp_path_factory.mktemp("csv") / "a.csv", content.encode())
    read = [number for numbers, _, _ in batches for number in numbers]
    unread = [number for _, _, numbers in batches for number in numbers]
    assert read == [n for n, width in enumerate(widths, 1) if width == 2]
    assert unread == [n for n, width in enumerate(widths, 1) if width != 2]


@example(["a", "a_3", "a"])
@given(st.lists(st.sampled_from(["a", "a_2", "a_3", "", " b ", "b"]), max_size=8))
def test_names_of_a_header_become_different(names: list[str]) -> None:
    unique = unique_names(names)
    assert len(set(unique)) == len(names)
    assert "" not in unique


def shapefile(folder: Path, encoding: str, *, cpg: str | None = None, driver: int = 0) -> Path:
    """A shapefile in an encoding that only its ``.cpg`` or language driver, or nothing, tells."""
    path = make(folder / "a.shp", "ESRI Shapefile", encoding=encoding)
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if cpg is not None:
        path.with_suffix(".cpg").write_text(cpg, encoding="ascii")
    table = bytearray(path.with_suffix(".dbf").read_bytes())
    table[29] = driver
    path.with_suffix(".dbf").write_bytes(table)
    return path


@pytest.mark.parametrize(
    ("encoding", "cpg", "driver", "found"),
    [
        ("GBK", None, 0, "GB18030"),
        ("GBK", None, 0x57, "GB18030"),
        ("GBK", None, 0x4D, "GBK"),
        ("GBK", "936", 0, "GBK"),
        ("GBK", "GB2312", 0, "GB2312"),
        ("GB18030", "GB18030", 0, "GB18030"),
        ("UTF-8", None, 0, "UTF-8"),
        ("UTF-8", "65001", 0, "UTF-8"),
        ("UTF-8", " \n", 0, "UTF-8"),
        ("UTF-8", "utf-8", 0x4D, "utf-8"),
    ],
)
def test_chinese_in_shapefiles(
    encoding: str, cpg: str | None, driver: int, found: str, tmp_path: Path
) -> None:
    path = shapefile(tmp_path, encoding, cpg=cpg, driver=driver)
    source = detect(path).open(path, Request())
    (rows,) = source.rows()
    assert source.encoding == found
    assert rows.columns["路名"].to_pylist() == NAMES


def test_a_text_cut_off_within_a_character_is_no_other_encoding(tmp_path: Path) -> None:
    path = shapefile(tmp_path, "UTF-8")
    table = path.with_suffix(".dbf")
    content = bytearray(table.read_bytes())
    header, width = struct.unpack("<HH", content[8:12])
    content[header + 1 : header + width] = ("延" * width).encode()[: width - 1]
    table.write_bytes(content)
    assert encoding_of(path, table) == ("UTF-8", "detected")


def test_text_in_no_encoding_that_is_known(tmp_path: Path) -> None:
    path = shapefile(tmp_path, "UTF-8")
    table = path.with_suffix(".dbf")
    content = bytearray(table.read_bytes())
    header = struct.unpack("<H", content[8:10])[0]
    content[header + 1 : header + 5] = b"\xff\xff\xff\xff"
    table.write_bytes(content)
    with pytest.raises(UnknownEncoding):
        encoding_of(path, table)


def test_lists_and_objects_in_geojson_are_texts(tmp_path: Path) -> None:
    properties = {"id": 1, "tags": ["a", "b"], "more": {"x": 1}, "when": "2020-01-02"}
    point = {"type": "Point", "coordinates": [121.5, 31.2]}
    feature = {"type": "Feature", "properties": properties, "geometry": point}
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    (rows,) = detect(path).open(path, Request()).rows()
    from loaders import arrow

    texts = {name: arrow.as_text(column).to_pylist() for name, column in rows.columns.items()}
    assert texts["tags"] == ["a;b"]
    assert json.loads(texts["more"][0] or "") == {"x": 1}
    assert texts["when"] == ["2020-01-02"]


@pytest.mark.parametrize("name", ["building", "streetlight", "pipeline", "elevator", "manhole"])
def test_the_tags_that_are_asked_of_osm(name: str) -> None:
    tags = tags_of(kind(name), ("name:zh", "osm_id"))
    assert {selector.key for selector in kind(name).osm} <= set(tags)
    assert "name:zh" in tags
    assert not {"osm_id", "id", "code", "division"} & set(tags)
    assert len(tags) == len(set(tags))


def test_bad_lines_are_found_in_every_part_of_a_large_csv_file(tmp_path: Path) -> None:
    megabyte = "x" * (1 << 20)
    lines = [f"{n},{n},{n}" if n in (2, 30, 58) else f"{n},{megabyte}" for n in range(1, 61)]
    path = tmp_path / "large.csv"
    path.write_text("\n".join(["id,text", *lines]), encoding="utf-8")
    source = detect(path).open(path, Request())
    batches = source.rows()
    next(batches)
    for batches in (source.rows(), source.rows()):
        rows = list(batches)
        assert [line.number for batch in rows for line in batch.unread] == [2, 30, 58]
        numbers = [int(number) for batch in rows for number in batch.numbers]
        assert numbers == [int(str(key)) for b in rows for key in b.columns["id"].to_pylist()]
        assert len(numbers) == 57


@pytest.mark.parametrize(
    ("content", "position"),
    [
        (b"id;lon;lat\n1;121,5;31,25\n", (121.5, 31.25)),
        (b"id;lon;lat\n1;121.5;-31,25\n", (121.5, -31.25)),
        (b'id,lon,lat\n1,"121,5",31.25\n', None),
        (b"id;lon;lat\n1;1,215,5;31,25\n", None),
    ],
)
def test_decimal_commas_of_positions(
    content: bytes, position: tuple[float, float] | None, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    source = detect(path).open(path, Request())
    (rows,) = source.rows()
    raw = read_geometries(rows, settle(source, kind("streetlight"), Mapping(), None).position)
    assert raw.unreadable.tolist() == [position is None]
    assert position is None or raw.geometries[0] == shapely.Point(position)


@pytest.mark.parametrize("length", [1, 4, 8, 10, 15])
@pytest.mark.parametrize(
    ("name", "driver"), [("a.gpkg", "GPKG"), ("a.fgb", "FlatGeobuf"), ("a.json", "GeoJSON")]
)
def test_a_beginning_of_another_format_is_never_taken_for_csv(
    name: str, driver: str, length: int, tmp_path: Path
) -> None:
    path = make(tmp_path / name, driver)
    bare = tmp_path / "bare"
    bare.write_bytes(path.read_bytes()[:length])
    with suppress(UnknownFormat):
        assert detect(bare).name != "CSV"


@pytest.mark.parametrize(
    ("message", "ended"),
    [("a", "a."), ("a.", "a."), ("a\n b..", "a b."), ("Is it  up?", "Is it up?"), ("", ".")],
)
def test_messages_of_others_end_with_one_full_stop(message: str, ended: str) -> None:
    assert sentence(message) == ended


def lamp(number: int, name: str = "灯") -> str:
    return f"L{number},{name},121.4,31.2"


@pytest.mark.parametrize(
    ("named", "unread"),
    [
        ({3: '"24寸管'}, {}),
        ({3: '"24寸管', 900: '"24寸管'}, {}),
        ({3: '"24寸管', 9: '24"'}, {}),
        ({3: '"24寸管', 9: '"甲,乙"'}, {}),
        ({3: '"24寸,管', 9: '"a'}, {3: 'L3,"""24寸",管,121.4,31.2'}),
        ({1999: '"24寸管'}, {}),
        ({3: '24" 管', 5: '""', 9: '"a ""b"""'}, {}),
    ],
)
def test_a_stray_quote_takes_no_line_with_it(
    named: dict[int, str], unread: dict[int, str], tmp_path: Path
) -> None:
    lines = ["编号,名称,lon,lat", *(lamp(n, named.get(n, "灯")) for n in range(1, 2001))]
    path = tmp_path / "a.csv"
    for encoding, end in (("utf-8", "\n"), ("gb18030", "\r\n"), ("utf-16", "\r")):
        path.write_text(end.join(lines), encoding=encoding, newline="")
        batches = list(detect(path).open(path, Request()).rows())
        assert {u.number: u.value for rows in batches for u in rows.unread} == unread
        keys = [key for rows in batches for key in rows.columns["编号"].to_pylist()]
        assert keys == [f"L{n}" for n in range(1, 2001) if n not in unread]
        assert [n for rows in batches for n in rows.numbers.tolist()] == [
            n for n in range(1, 2001) if n not in unread
        ]


def test_a_cell_may_have_lines_of_its_own(tmp_path: Path) -> None:
    remark = "坏, 换灯\n" * 90 + '24" 管'
    lines = [lamp(1), lamp(2, '"' + remark.replace('"', '""') + '"'), lamp(3, '"24寸管'), lamp(4)]
    ((numbers, columns, unread),) = csv_rows(
        tmp_path / "a.csv", "\n".join(["编号,名称,lon,lat", *lines]).encode()
    )
    assert (numbers, unread) == ([1, 2, 3, 4], [])
    assert columns["名称"] == ["灯", remark, '"24寸管', "灯"]


@given(
    cells=st.lists(
        st.tuples(*[st.sampled_from(["a", '"a"', '"a,b"', '"a\nb"', '24"', '"24', '"a" b', '""'])] * 2),
        min_size=1,
        max_size=30,
    ),
)
def test_whatever_quotes_do_every_key_is_read_or_unread(
    cells: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    lines = [f"K{n:03},{one},x,{other},K{n:03}" for n, (one, other) in enumerate(cells)]
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    batches = csv_rows(path, "\n".join(["a,b,c,d,e", *lines]).encode())
    told = [str(key) for _, columns, _ in batches for key in columns["a"] if str(key).startswith("K")]
    assert len(told) <= len(cells)
    plain = [f"K{n:03}" for n, line in enumerate(lines) if '"' not in line]
    assert set(plain) <= set(told)


@given(
    lines=st.lists(
        st.sampled_from(["a,b", '"a",b', '"a\nb",c', '"a,b', 'a,"b', '24",x', '"a ""b""",c', '"a" x,b', ""]),
        max_size=30,
    ),
    ends=st.sampled_from(["\n", "\r\n", "\r"]),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5),
)
def test_where_a_text_is_cut_does_not_matter_to_its_quotes(
    lines: list[str], ends: str, sizes: list[int]
) -> None:
    text = "".join(line + ends for line in lines)
    pieces, start = [], 0
    for size in cycle(sizes):
        pieces.append(text[start : start + size])
        start += size
        if start >= len(text):
            break
    whole, cut = ("".join(one for one, _ in mended(texts, ",", 2)) for texts in ([text], pieces))
    assert whole.rstrip("\r\n") == cut.rstrip("\r\n")
    assert len(re.findall(r"\r\n|\r|\n", cut)) - len(re.findall(r"\r\n|\r|\n", text)) in (0, 1)
