"""Shapefiles: several files side by side, in whatever encoding their maker used.

Layout: ESRI Shapefile Technical Description (1998) for .shp and .shx; dBASE III+ for .dbf. The encoding is
the .cpg's, else what the .dbf's language driver says of Chinese (0x4D means GBK [V]), else UTF-8 where all of
the text is, else GB18030.
"""

from __future__ import annotations

import codecs
import struct
from dataclasses import dataclass
from pathlib import Path

from loaders.errors import FileBroken, ShapefilePartMissing, UnknownCodePage, UnknownEncoding
from loaders.formats import Request
from loaders.formats.gdal import GdalFile, open_gdal

_GBK_DRIVER = 0x4D
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Format:
    """Shapefile."""

    name: str = "Shapefile"
    media_type: str = "application/vnd.shp"
    extensions: tuple[str, ...] = (".shp",)

    def sniff(self, head: bytes) -> bool:
        """File code 9994, big-endian, in the header of .shp."""
        return head.startswith(b"\x00\x00\x27\x0a")

    def open(self, path: Path, request: Request) -> GdalFile:
        """The whole shapefile. Raises ``ShapefilePartMissing``, ``FileBroken`` or ``UnknownEncoding``."""
        parts = {suffix: part_of(path, suffix) for suffix in (".shp", ".shx", ".dbf")}
        _require_whole(path, parts[".shp"], parts[".dbf"])
        return open_gdal(path, request, encoding=encoding_of(path, parts[".dbf"]))


def part_of(path: Path, suffix: str) -> Path:
    """The part with this ending, in either case. Raises ``ShapefilePartMissing``."""
    for name in (suffix, suffix.upper()):
        if path.with_suffix(name).is_file():
            return path.with_suffix(name)
    raise ShapefilePartMissing(path=path, part=suffix)


def encoding_of(path: Path, dbf: Path) -> str:
    """The encoding of the text. Raises ``UnknownEncoding``."""
    declared = next((p for p in (path.with_suffix(".cpg"), path.with_suffix(".CPG")) if p.is_file()), None)
    name = declared.read_text(encoding="ascii", errors="replace").strip(" \t\r\n\0") if declared else ""
    if name:
        return _known(path, name)
    with dbf.open("rb") as file:
        if file.read(30)[29] == _GBK_DRIVER:
            return "GBK"
    for encoding in ("UTF-8", "GB18030"):
        if _is_all(dbf, encoding):
            return encoding
    raise UnknownEncoding(path=dbf, tried="UTF-8 / GB18030")


def _known(path: Path, name: str) -> str:
    """The name that GDAL understands; ESRI also writes bare code page numbers, such as 936."""
    code_page = {"65001": "UTF-8", "936": "GBK", "54936": "GB18030"}
    name = code_page.get(name, name)
    try:
        codecs.lookup(f"cp{name}" if name.isdigit() else name)
    except (LookupError, ValueError):
        raise UnknownCodePage(path=path, name=name) from None
    return f"CP{name}" if name.isdigit() else name


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
