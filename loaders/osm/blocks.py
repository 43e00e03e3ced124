"""The blocks of an OSM PBF file, walked one at a time: whether all are whole, what areas they speak of.

GDAL ends without a word at a block that is cut short or damaged, and says nothing of an area of which a way
is missing; its tags are here nevertheless. Layout: OSM wiki, "PBF Format" [S].
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from loaders.errors import FileBroken

# Fields of BlobHeader and Blob, and the most bytes that either may have.
_TYPE, _DATA_SIZE = 1, 3
_RAW_DATA, _ZLIB_DATA, _OTHER_DATA = 1, 3, (4, 6, 7)
_MAX_HEADER, _MAX_BLOB = 1 << 16, 1 << 25

# Fields of PrimitiveBlock, PrimitiveGroup and Relation.
_STRINGS, _GROUP = 1, 2
_RELATION = 4
_ID, _KEYS, _VALUES = 1, 2, 3
# The types of relations that GDAL takes for areas.
_AREAS = (b"multipolygon", b"boundary")


class Relation(Struct, frozen=True):
    """A relation's number and tags."""

    id: int
    tags: Mapping[str, str]


def area_relations(path: Path) -> Iterator[Relation]:
    """Every relation that is an area, be its ways in the file or not. Raises ``FileBroken``."""
    for block in blocks(path):
        if any(word in block for word in _AREAS):
            yield from (one for one in _relations(block) if one.tags.get("type", "").encode() in _AREAS)


def blocks(path: Path) -> Iterator[bytes]:
    """What each block holds, unpacked; of those packed otherwise than with zlib nothing.

    Raises ``FileBroken``.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        while (start := file.tell()) < size:
            length = int.from_bytes(file.read(4))
            header = dict(_fields(file.read(length) if length <= _MAX_HEADER else b""))
            blob = header.get(_DATA_SIZE)
            if not isinstance(blob, int) or not header.get(_TYPE):
                raise FileBroken(path=path, reason=f"its block at byte {start:,} is damaged or cut short.")
            if file.tell() + blob > size:
                raise FileBroken(path=path, reason=f"its block at byte {start:,} is cut short.")
            content = _unpacked(file.read(blob)) if blob <= _MAX_BLOB else None
            if content is None:
                raise FileBroken(path=path, reason=f"its block at byte {start:,} is damaged.")
            yield content


def _unpacked(blob: bytes) -> bytes | None:
    """A Blob's content, whose checksum zlib compares; None where it is damaged."""
    fields = dict(_fields(blob))
    packed = fields.get(_ZLIB_DATA)
    if not isinstance(packed, bytes):
        raw = fields.get(_RAW_DATA)
        if isinstance(raw, bytes):
            return raw
        return b"" if blob == b"" or fields.keys() & set(_OTHER_DATA) else None
    try:
        return zlib.decompress(packed)
    except zlib.error:
        return None


def _relations(block: bytes) -> Iterator[Relation]:
    """The relations of a PrimitiveBlock; a group holds objects of one type only."""
    strings: list[bytes] = []
    for number, value in _fields(block):
        if isinstance(value, bytes) and number == _STRINGS:
            strings = [text for _, text in _fields(value) if isinstance(text, bytes)]
        elif isinstance(value, bytes) and number == _GROUP:
            for kind, message in _fields(value):
                if kind != _RELATION or not isinstance(message, bytes):
                    break
                yield _relation(message, strings)


def _relation(message: bytes, strings: list[bytes]) -> Relation:
    fields = dict(_fields(message))
    number, keys, values = fields.get(_ID), fields.get(_KEYS, b""), fields.get(_VALUES, b"")
    if not isinstance(number, int) or not isinstance(keys, bytes) or not isinstance(values, bytes):
        return Relation(0, {})
    pairs = zip(_packed(keys), _packed(values), strict=False)
    known = (pair for pair in pairs if max(pair) < len(strings))
    return Relation(number, {_text(strings[key]): _text(strings[value]) for key, value in known})


def _text(utf8: bytes) -> str:
    return utf8.decode(errors="replace")


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a Protocol Buffers message, up to the first that is neither a varint nor bytes."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        value, position = _varint(message, position)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            yield number, value
        elif wire == 2:
            yield number, message[position : position + value]
            position += value
        else:
            return


def _packed(data: bytes) -> Iterator[int]:
    position = 0
    while position < len(data):
        value, position = _varint(data, position)
        yield value


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data):
        byte = data[position]
        value |= (byte & 0x7F) << shift
        shift, position = shift + 7, position + 1
        if not byte & 0x80:
            break
    return value, position
