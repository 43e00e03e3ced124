"""Shapefiles: several files side by side, in whatever encoding their maker used.

Layout: ESRI Shapefile Technical Description (1998) for .shp and .shx; dBASE III+ for .dbf. The encoding is
the .cpg's, else what the .dbf's language driver says (0x4D means GBK [V]) where that can be meant, else it is
detected.
"""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from loaders import bundle, encodings
from loaders.errors import CrsUnread, FileBroken, ShapefilePartMissing, UnknownCodePage
from loaders.formats import BaseFormat, Request, choose_layer
from loaders.formats.gdal import GdalFile, Origin

# Language drivers that say which encoding it is; those of DOS and Windows in the West are written by default
# and say nothing. Values: GDAL, ogrshapelayer.cpp [S].
_DRIVERS = {
    0x13: "CP932", 0x26: "CP866", 0x4D: "GBK", 0x4E: "CP949", 0x4F: "BIG5", 0x65: "CP866", 0x78: "BIG5",
    0x79: "CP949", 0x7A: "GBK", 0x7B: "CP932", 0xC8: "CP1250", 0xC9: "CP1251",
}  # fmt: skip
_CHUNK = 1 << 20


class Format(BaseFormat, frozen=True):
    """Shapefile: one, or those in a folder or a zip archive, each a layer."""

    name: str = "Shapefile"
    media_type: str = "application/vnd.shp"
    extensions: tuple[str, ...] = (".shp",)
    tested: str = "Washington (a folder), New York"

    def sniff(self, head: bytes) -> bool:
        """File code 9994, big-endian, in the header of .shp."""
        return head.startswith(b"\x00\x00\x27\x0a")

    def holds(self, names: Sequence[str]) -> bool:
        """Whether one is among them."""
        return any(name.lower().endswith((".shp", ".shx")) for name in names)

    def layers(self, path: Path) -> tuple[str, ...]:
        """The names of the shapefiles, whole or not."""
        return tuple(_shapefiles(path))

    def open(self, path: Path, request: Request) -> GdalFile:
        """The whole shapefile. Raises ``ShapefilePartMissing``, ``FileBroken`` or ``UnknownEncoding``."""
        found = _shapefiles(path)
        layer = choose_layer(path, tuple(found), request.layer)
        one = found[layer]
        parts = {suffix: part_of(one, suffix) for suffix in (".shp", ".shx", ".dbf")}
        _require_whole(one, parts[".shp"], parts[".dbf"])
        encoding, how = encoding_of(one, parts[".dbf"])
        try:
            source = GdalFile.opened(path, Request(), Origin(one, encoding))
        except CrsUnread:
            source = GdalFile.opened(path, Request(), Origin(bundle.without_part(one, ".prj"), encoding))
            source.crs_unread = f"{one.stem}.prj"
        source.layer, source.encoding_found = layer, how
        return source


def _shapefiles(path: Path) -> dict[str, Path]:
    """By name the .shp files that are there, or that the other parts belong to."""
    if path.is_file() and not bundle.is_zip(path):
        return {path.stem: path}
    present = bundle.members(path, (".shp",))
    orphans = {name: part.with_suffix(".shp") for name, part in bundle.members(path, (".shx",)).items()}
    return dict(sorted((orphans | present).items()))


def part_of(path: Path, suffix: str) -> Path:
    """The part with this ending, in either case. Raises ``ShapefilePartMissing``."""
    for name in (suffix, suffix.upper()):
        if path.with_suffix(name).is_file():
            return path.with_suffix(name)
    raise ShapefilePartMissing(path=path, part=suffix)


def encoding_of(path: Path, dbf: Path) -> tuple[str, str]:
    """The encoding of the text, and how it was found: ``.cpg``, ``LDID`` or ``detected``.

    Raises ``UnknownEncoding``.
    """
    declared = next((p for p in (path.with_suffix(".cpg"), path.with_suffix(".CPG")) if p.is_file()), None)
    name = declared.read_text(encoding="ascii", errors="replace").strip(" \t\r\n\0") if declared else ""
    if name:
        return _known(path, name), ".cpg"
    with dbf.open("rb") as file:
        driver = _DRIVERS.get(file.read(30)[29])
    if driver is not None and _is_all(dbf, driver):
        return driver, "LDID"

    def sampled() -> bytes:
        with dbf.open("rb") as file:
            return encodings.non_ascii(piece.replace(b" ", b"\n") for piece in _records(file))

    return encodings.choose(dbf, sampled, lambda encoding: _is_all(dbf, encoding)), "detected"


def _known(path: Path, name: str) -> str:
    """The name that GDAL understands; ESRI also writes numbers, such as 936, ``ANSI 936`` or ``88591``."""
    code_page = {"65001": "UTF-8", "936": "GBK", "54936": "GB18030"}
    name = re.sub(r"^(?:ANSI|OEM|CP|WINDOWS)[ _-]?(?=[0-9]+$)", "", name, flags=re.IGNORECASE)
    name = re.sub(r"^(?:ISO)?[ _-]?8859[-_]?([0-9]{1,2})$", r"ISO-8859-\1", name, flags=re.IGNORECASE)
    name = code_page.get(name, name)
    try:
        codecs.lookup(f"cp{name}" if name.isdigit() else name)
    except (LookupError, ValueError):
        raise UnknownCodePage(path=path, name=name) from None
    return f"CP{name}" if name.isdigit() else name


def _records(file: BinaryIO) -> Iterator[bytes]:
    """The records of a .dbf, many at a time."""
    _, header_length, record_length = struct.unpack("<LHH", file.read(12)[4:])
    file.seek(header_length)
    while chunk := file.read(max(1, _CHUNK // record_length) * record_length):
        yield chunk


def _is_all(dbf: Path, encoding: str) -> bool:
    """Whether each record, and the names of the fields, decode: a record never ends within a character."""
    with dbf.open("rb") as file:
        header = file.read(32)
        _, header_length, record_length = struct.unpack("<LHH", header[4:12])
        descriptors = file.read(header_length - 32)
        try:
            for start in range(0, len(descriptors) - 31, 32):
                descriptors[start : start + 11].rstrip(b"\0").split(b"\0")[0].decode(encoding)
            step = max(1, _CHUNK // record_length) * record_length
            while chunk := file.read(step):
                _decode_records(chunk, record_length, encoding)
        except UnicodeDecodeError:
            return False
    return True


def _decode_records(chunk: bytes, record_length: int, encoding: str) -> None:
    try:
        chunk.decode(encoding)
    except UnicodeDecodeError:
        # A text cut off at its field's width may end within a character; that alone is no other encoding.
        decoder = codecs.getincrementaldecoder(encoding)()
        for start in range(0, len(chunk), record_length):
            decoder.reset()
            decoder.decode(chunk[start : start + record_length])


def _require_whole(path: Path, shp: Path, dbf: Path) -> None:
    """Both files are as long as their headers say: GDAL takes what is missing for empty."""
    (words,) = struct.unpack(">24xI", _header(shp, 100)[:28])
    count, header_length, record_length = struct.unpack("<4xLHH", _header(dbf, 32)[:12])
    if header_length <= 32 or record_length == 0:
        raise FileBroken(path=dbf, reason="its header says that it has no fields.")
    for part, needed in ((shp, words * 2), (dbf, header_length + count * record_length)):
        size = part.stat().st_size
        if size < needed:
            raise FileBroken(
                path=part, reason=f"it has {size:,} of the {needed:,} bytes that its header says."
            )


def _header(part: Path, length: int) -> bytes:
    """The first bytes of a part. Raises ``FileBroken`` where it has fewer."""
    with part.open("rb") as file:
        header = file.read(length)
    if len(header) < length:
        raise FileBroken(
            path=part, reason=f"it has {len(header):,} of the {length:,} bytes that its header takes."
        )
    return header


FORMATS = (Format(),)
