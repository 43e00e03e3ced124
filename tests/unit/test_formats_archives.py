"""Zip archives and folders: what is in them is found, junk is ignored, and what is unsafe is not unpacked."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest
from format_files import NAMES, make, opened, parts, read, zipped

from loaders import bundle
from loaders.errors import (
    ArchiveNested,
    ArchiveUnsafe,
    FileBroken,
    FileEmpty,
    FileIsFolder,
    FormatUnclear,
    NoFormat,
    TwinError,
    UnknownFormat,
)
from loaders.formats import detect


def lamps(folder: Path) -> Path:
    return make(folder / "lamps.shp", "ESRI Shapefile")


def test_junk_is_ignored(tmp_path: Path) -> None:
    junk: dict[str, bytes | Path] = {
        "__MACOSX/._lamps.shp": b"\0",
        "Thumbs.db": b"x",
        "export/.DS_Store": b"x",
        "dump.sql": b"DROP TABLE lamps;",
        "readme.txt": b"Read me.",
    }
    path = zipped(tmp_path / "lamps.zip", parts(lamps(tmp_path), "export/") | junk)
    source = opened(path)
    assert detect(path).name == "Shapefile"
    assert (source.layer, read(source, "name")) == ("lamps", {"name": NAMES})


def test_an_archive_without_a_name_is_told_by_its_content(tmp_path: Path) -> None:
    assert detect(zipped(tmp_path / "bare", parts(lamps(tmp_path)))).name == "Shapefile"


@pytest.mark.parametrize(
    ("name", "driver"),
    [("a.gpkg", "GPKG"), ("a.geojson", "GeoJSON"), ("a.fgb", "FlatGeobuf"), ("a.kml", "KML")],
)
def test_a_file_that_is_zipped_alone_is_read(name: str, driver: str, tmp_path: Path) -> None:
    file = make(tmp_path / name, driver)
    path = zipped(tmp_path / "a.zip", {f"deep/er/{name}": file, "notes.md": b"notes"})
    assert detect(path).name == detect(file).name
    assert detect(path).layers(path) == detect(file).layers(file)
    assert sorted(NAMES) in [sorted(map(str, values)) for values in read(opened(path)).values()]


def test_a_csv_that_is_zipped_alone_is_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"路灯.csv": "编号,名称\n1,延安路\n".encode("gb18030")})
    source = opened(path)
    assert (read(source), source.encoding) == ({"编号": ["1"], "名称": ["延安路"]}, "GB18030")


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "cp437"])
def test_names_of_members_in_the_encoding_of_their_packer(encoding: str, tmp_path: Path) -> None:
    name = "wells" if encoding == "cp437" else "路灯"
    members = {part.replace("lamps", name): content for part, content in parts(lamps(tmp_path)).items()}
    path = zipped(tmp_path / "a.zip", members)
    if encoding != "utf-8":
        recode(path, name, encoding)
    assert detect(path).layers(path) == (name,)
    assert read(opened(path), "name") == {"name": NAMES}


def recode(path: Path, name: str, encoding: str) -> None:
    """Write the archive again, with names in an encoding that nothing tells."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    stand_in = "x" * len(name.encode(encoding))
    zipped(path, {member.replace(name, stand_in): content for member, content in members.items()})
    path.write_bytes(path.read_bytes().replace(stand_in.encode(), name.encode(encoding)))


def test_a_zip_of_zips_is_refused(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", parts(lamps(tmp_path)))
    with pytest.raises(ArchiveNested, match="zip of zips"):
        detect(zipped(tmp_path / "outer.zip", {"inner.zip": inner, "readme.md": b"."}))


@pytest.mark.parametrize(
    "name", ["../evil.csv", "/etc/evil.csv", "a/../../evil.csv", "C:/evil.csv", "..\\evil.csv"]
)
def test_a_member_that_would_leave_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {name: b"a,b\n1,2\n"})
    with pytest.raises(ArchiveUnsafe, match="would leave"):
        detect(path)


def test_an_archive_that_would_grow_without_bound_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.csv": b"a,b\n" + b"0" * (bundle.RATIO_COUNTS_FROM + 1)})
    with pytest.raises(ArchiveUnsafe, match="more than 400 times"):
        detect(path)


def test_an_archive_of_very_many_members_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(bundle.MAX_MEMBERS + 1):
            archive.writestr(f"{number}.csv", b"")
    with pytest.raises(ArchiveUnsafe, match=r"10,001 members"):
        detect(path)


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a.csv", b"a,b\n1,2\n")
        archive.writestr("a.csv", b"a,b\n3,4\n")
    with pytest.raises(ArchiveUnsafe, match="two members"):
        detect(tmp_path / "a.zip")


def test_a_member_with_a_password_is_told(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.csv": b"a,b\n1,2\n"})
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.index(signature) + offset
        content[at : at + 2] = struct.pack("<H", 1)
    path.write_bytes(content)
    with pytest.raises(ArchiveUnsafe, match="password"):
        detect(path)


@pytest.mark.parametrize("share", [0.3, 0.95])
def test_an_archive_that_is_cut_short_is_told(share: float, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", parts(lamps(tmp_path)))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(FileBroken):
        detect(path)


def test_a_damaged_member_is_told(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.csv": b"a,b\n" + bytes(range(256)) * 20})
    content = bytearray(path.read_bytes())
    content[60:80] = b"\0" * 20
    path.write_bytes(content)
    with pytest.raises(FileBroken):
        detect(path)


def test_what_is_not_clear_is_asked(tmp_path: Path) -> None:
    two = zipped(tmp_path / "two.zip", {"a.csv": b"a,b\n1,2\n", "b.csv": b"a,b\n1,2\n"})
    with pytest.raises(FormatUnclear, match=r"a\.csv, b\.csv"):
        detect(two)
    gdb = make(tmp_path / "a.gdb", "OpenFileGDB")
    mixed = parts(lamps(tmp_path)) | {f"a.gdb/{part.name}": part for part in gdb.iterdir()}
    with pytest.raises(FormatUnclear, match="File Geodatabase, Shapefile"):
        detect(zipped(tmp_path / "mixed.zip", mixed))


@pytest.mark.parametrize("paper", ["README.txt", "notes.txt", "meta.xml", "说明.csv", "docs/license.csv"])
def test_papers_beside_the_data_are_passed_over(paper: str, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"lamps.csv": b"a,b\n1,2\n", paper: b"Some,words\nof,it\n"})
    assert read(opened(path)) == {"a": ["1"], "b": ["2"]}


@pytest.mark.parametrize(
    ("head", "called"), [(b"Rar!\x1a\x07\0", "RAR"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"\x1f\x8b\x08", "gzip")]
)
@pytest.mark.parametrize("ending", ["zip", "rar"])
def test_other_archives_are_called_what_they_are(
    head: bytes, called: str, ending: str, tmp_path: Path
) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_bytes(head + bytes(100))
    with pytest.raises(UnknownFormat, match=rf"{called} archive.*Unpack"):
        detect(path)


def test_a_member_whose_name_no_disk_can_hold_is_told(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"灯" * 90 + ".csv": b"a,b\n1,2\n"})
    with pytest.raises(ArchiveUnsafe, match="name of its member") as told:
        detect(path)
    assert "twin-" not in str(told.value)


def test_folders_and_archives_of_nothing_are_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileIsFolder):
        detect(tmp_path / "empty")
    with pytest.raises(FileEmpty):
        detect(zipped(tmp_path / "empty.zip", {}))
    with pytest.raises(UnknownFormat):
        detect(zipped(tmp_path / "plan.zip", {"plan.pdf": b"%PDF"}))
    with pytest.raises(NoFormat):
        detect(zipped(tmp_path / "a.geojson", {"plan.pdf": b"%PDF"}))


def test_a_folder_as_large_as_a_disk_is_not_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_MEMBERS", 3)
    lamps(tmp_path)
    with pytest.raises(FileIsFolder):
        detect(tmp_path)


def test_an_archive_that_does_not_fit_on_the_disk_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path / "a.zip", parts(lamps(tmp_path)))
    monkeypatch.setattr(bundle.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(ArchiveUnsafe, match="10 are free"):
        opened(path)


def test_a_changed_archive_is_unpacked_again(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.csv": b"a,b\n1,2\n"})
    assert read(opened(path)) == {"a": ["1"], "b": ["2"]}
    zipped(path, {"a.csv": b"a,b\n1,2\n3,4\n"})
    assert read(opened(path)) == {"a": ["1", "3"], "b": ["2", "4"]}


def test_messages_are_in_both_languages(tmp_path: Path) -> None:
    with pytest.raises(TwinError) as told:
        detect(zipped(tmp_path / "a.zip", {"../x": b""}))
    assert "不解压" in told.value.text("zh")
