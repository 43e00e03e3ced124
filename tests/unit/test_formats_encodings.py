"""In which encoding text is: said by a mark, a .cpg or a language driver, else detected; how it is told."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from format_files import NAMES, make, opened, read
from hypothesis import given
from hypothesis import strategies as st

from loaders import encodings
from loaders.errors import NoFormat, UnknownEncoding

CHINESE = "编号,路名\n1,南京西路\n2,延安路\n"
TAIWANESE = "編號,路名\n1,忠孝東路\n2,信義路\n"


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        (CHINESE, "utf-8", ("UTF-8", "detected")),
        (CHINESE, "utf-8-sig", ("UTF-8", "BOM")),
        (CHINESE, "utf-16", ("UTF-16", "BOM")),
        (CHINESE, "gbk", ("GB18030", "detected")),
        ("路,b\n延安路,2\n", "gbk", ("GB18030", "detected")),
        ("id,备注\n1,Größe → 大\n", "gb18030", ("GB18030", "detected")),
        ("id,name\n1,镕堃喆\n", "gb18030", ("GB18030", "detected")),
        (TAIWANESE, "big5", ("BIG5", "detected")),
        ("id,straße\n1,Königstraße\n2,Größe\n", "cp1252", ("CP1252", "detected")),
        ("id,name\n1,Åbo\n", "cp1252", ("CP1252", "detected")),
        ("id,rue\n1,Hôtel de Ville\n2,Élysée\n", "cp1252", ("CP1252", "detected")),
        ("a,b\n1,2\n", "ascii", ("UTF-8", "detected")),
    ],
)
def test_the_encoding_of_a_csv_file(text: str, encoding: str, found: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode(encoding))
    source = opened(path)
    assert (source.encoding, source.encoding_found) == found
    header, first = (line.split(",") for line in text.splitlines()[:2])
    assert {name: values[0] for name, values in read(source).items()} == dict(zip(header, first, strict=True))


@pytest.mark.parametrize(
    "content",
    [
        CHINESE.encode() + "3,中山路\n".encode("gbk"),
        codecs.BOM_UTF8 + CHINESE.encode("gbk"),
        codecs.BOM_UTF16_LE + CHINESE.encode("utf-16-le")[:-1],
        b"a,b\n1,\xff\xff\xff\xff\n",
        "код,улица\n1,Невский проспект\n".encode("cp1251"),
    ],
)
def test_text_that_is_in_no_encoding_or_in_two_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(UnknownEncoding):
        opened(path)


def test_utf_16_without_a_mark_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("a,b\n1,2\n".encode("utf-16-le"))
    with pytest.raises(NoFormat):
        opened(path)


def test_chinese_far_inside_a_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n" + b"1,plain\n" * 700_000 + "2,延安路\n".encode("gbk"))
    assert (opened(path).encoding, opened(path).encoding_found) == ("GB18030", "detected")


def by_chance_utf8(text: str) -> bool:
    """Whether the text's bytes are UTF-8 for the most part, as those of a few characters can be."""
    read = text.encode("gb18030").decode(errors="replace")
    return read.count("\ufffd") * 2 <= len(read)


COMMON = st.text(
    st.sampled_from("上海市浦东新区路灯井盖管线编号名称南北中大小三人民解放延安"), min_size=2
).filter(lambda text: not by_chance_utf8(text))


@given(COMMON)
def test_common_chinese_is_told_from_european(text: str) -> None:
    sample = f"id,name\n1,{text}\n".encode("gb18030")
    assert (
        encodings.choose(Path("a"), lambda: sample, lambda encoding: decodes(sample, encoding)) == "GB18030"
    )


@given(st.text(st.sampled_from("abcdefgäöüéèàçñ ß"), min_size=4).filter(lambda text: not text.isascii()))
def test_european_is_never_taken_for_chinese(text: str) -> None:
    words = " ".join(f"str{letter}ng" for letter in text)
    sample = words.encode("cp1252")
    assert encodings.choose(Path("a"), lambda: sample, lambda encoding: decodes(sample, encoding)) == "CP1252"


def decodes(sample: bytes, encoding: str) -> bool:
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize(
    ("encoding", "cpg", "driver", "found"),
    [
        ("GBK", None, 0x4D, ("GBK", "LDID")),
        ("GBK", None, 0x7A, ("GBK", "LDID")),
        ("BIG5", None, 0x4F, ("BIG5", "LDID")),
        ("UTF-8", None, 0x4D, ("UTF-8", "detected")),
        ("GBK", None, 0x03, ("GB18030", "detected")),
        ("GBK", "ANSI 936", 0, ("GBK", ".cpg")),
        ("GBK", "cp936", 0, ("GBK", ".cpg")),
    ],
)
def test_the_encoding_of_a_shapefile(
    encoding: str, cpg: str | None, driver: int, found: tuple[str, str], tmp_path: Path
) -> None:
    path = make(tmp_path / "a.shp", "ESRI Shapefile", encoding=encoding, field="路名")
    path.with_suffix(".cpg").unlink()
    if cpg is not None:
        path.with_suffix(".cpg").write_text(cpg, encoding="ascii")
    table = bytearray(path.with_suffix(".dbf").read_bytes())
    table[29] = driver
    path.with_suffix(".dbf").write_bytes(table)
    source = opened(path)
    assert (source.encoding, source.encoding_found) == found
    if encoding != "BIG5":
        assert read(source, "路名") == {"路名": NAMES}


@pytest.mark.parametrize("code_page", ["ISO 88591", "8859_1", "ISO-8859-1", "1252", "ANSI 1252", "CP1252"])
def test_european_code_pages_of_shapefiles(code_page: str, tmp_path: Path) -> None:
    path = make(tmp_path / "a.shp", "ESRI Shapefile", encoding="UTF-8", count=1)
    path.with_suffix(".cpg").write_text(code_page, encoding="ascii")
    table = path.with_suffix(".dbf")
    content = table.read_bytes()
    written = "南京西路0".encode()
    assert written in content
    table.write_bytes(content.replace(written, "Königstraße".encode("cp1252").ljust(len(written))))
    assert read(opened(path), "name") == {"name": ["Königstraße"]}


def test_a_code_page_that_is_wrong_is_told(tmp_path: Path) -> None:
    path = make(tmp_path / "a.shp", "ESRI Shapefile", encoding="GBK")
    path.with_suffix(".cpg").write_text("UTF-8", encoding="ascii")
    with pytest.raises(UnknownEncoding, match="not UTF-8"):
        read(opened(path))
