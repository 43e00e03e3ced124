"""OpenStreetMap PBF: the objects that a kind selects, across GDAL's layers, with their tags as columns.

Keys are ``node/…``, ``way/…`` and ``relation/…``. GDAL cuts multipolygons whose members are missing at the
edge of an extract; what it leaves of them is judged like any other geometry. Block layout: OSM wiki, "PBF
Format" [S].
"""

from __future__ import annotations

import re
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from loaders import arrow, gdal
from loaders.arrow import Column
from loaders.errors import FileBroken, KindAbsent, KindNotInOsm, UnknownLayer
from loaders.formats import OpenedFile, Request, Rows
from spatial.arrays import BoolArray
from twin.kinds.common import ADDRESS_PARTS
from twin.kinds.fields import names_of
from twin.kinds.model import Kind, OsmSelector

LAYERS: Mapping[str, str] = {
    "points": "node",
    "lines": "way",
    "multilinestrings": "relation",
    "multipolygons": "relation",
}
KEY = "osm_id"

# Fields of BlobHeader and Blob, and the most bytes that either may have.
_TYPE, _DATA_SIZE = 1, 3
_ZLIB_DATA, _OTHER_DATA = 3, (1, 4, 6, 7)
_MAX_HEADER, _MAX_BLOB = 1 << 16, 1 << 25

_TAG = re.compile(r"[a-z][a-z0-9_:]*")
# Which closed ways are areas; GDAL's own list, so that its layers are as everybody knows them.
_AREAS = (
    "aeroway,amenity,boundary,building,craft,geological,historic,landuse,leisure,military,natural,office,"
    "place,shop,sport,tourism,highway=platform,public_transport=platform"
)


@dataclass(slots=True)
class OsmFile(OpenedFile):
    """An extract of OpenStreetMap, of which the rows are the objects of one kind."""

    kind: Kind | None = None
    selectors: tuple[OsmSelector, ...] = ()
    layers: tuple[str, ...] = field(default=tuple(LAYERS))

    def rows(self) -> Iterator[Rows]:
        """The selected objects of each layer in turn. Raises ``FileBroken``, or ``KindAbsent`` at the end."""
        done = 0
        with tempfile.NamedTemporaryFile("w", suffix=".ini") as config:
            config.write(_configuration(self.columns))
            config.flush()
            for layer in self.layers:
                # Without a filter of GDAL's: it would take the members of a relation that it leaves out for
                # objects of their own.
                for batch, wkb in gdal.batches(self.path, layer, CONFIG_FILE=config.name):
                    chosen = _selected(batch.columns, self.selectors, batch.length)
                    if not chosen.any() or wkb is None:
                        continue
                    numbers = np.arange(done + 1, done + chosen.sum() + 1, dtype=np.int64)
                    yield Rows(numbers, self._columns(batch.columns, layer, chosen), arrow.take(wkb, chosen))
                    done += len(numbers)
        if not done and self.kind is not None:
            raise KindAbsent(
                path=self.path,
                kind=self.kind.name,
                layers=", ".join(self.layers),
                tags=", ".join(_written(selector) for selector in self.selectors),
            )

    def _columns(self, tags: Mapping[str, Column], layer: str, chosen: BoolArray) -> dict[str, Column]:
        kept = {name: arrow.take(column, chosen) for name, column in tags.items()}
        keys = [arrow.wrapped(f"{LAYERS[layer]}/", arrow.as_text(kept[KEY]))]
        if "osm_way_id" in kept:
            keys.append(arrow.wrapped("way/", arrow.as_text(kept["osm_way_id"])))
        return {name: kept[name] for name in self.columns if name != KEY} | {KEY: arrow.first_of(keys)}


@dataclass(frozen=True, slots=True)
class Format:
    """OSM PBF."""

    name: str = "OSM PBF"
    media_type: str = "application/vnd.openstreetmap.data+pbf"
    extensions: tuple[str, ...] = (".osm.pbf", ".pbf")

    def sniff(self, head: bytes) -> bool:
        """The first block is a header block."""
        return b"OSMHeader" in head[4:32]

    def open(self, path: Path, request: Request) -> OsmFile:
        """The objects of the kind, in one layer or all.

        Raises ``UnknownLayer``, ``KindNotInOsm`` or ``FileBroken``.
        """
        if request.layer is not None and request.layer not in LAYERS:
            raise UnknownLayer(path=path, layer=request.layer, layers=", ".join(LAYERS))
        if request.kind is not None and not request.kind.osm:
            raise KindNotInOsm(path=path, kind=request.kind.name)
        _require_whole(path)
        info = gdal.describe(path, "points")
        return OsmFile(
            path,
            request.layer,
            (KEY, *tags_of(request.kind, request.columns)),
            crs=info.crs,
            bounds=info.bounds,
            tags=True,
            kind=request.kind,
            selectors=request.kind.osm if request.kind else tuple(map(OsmSelector, request.columns)),
            layers=(request.layer,) if request.layer else tuple(LAYERS),
        )


def tags_of(kind: Kind | None, wanted: tuple[str, ...]) -> list[str]:
    """The tags that may fill a field of the kind, those it is selected by, and those that are asked for."""
    asked = [name for name in wanted if name != KEY]
    if kind is None:
        return asked
    identity = {"source_key", "code", "division"}
    names = [name for name, target in names_of(kind) if target.name not in identity and _TAG.fullmatch(name)]
    return list(dict.fromkeys([*names, *ADDRESS_PARTS, *(s.key for s in kind.osm), *asked]))


def _selected(columns: Mapping[str, Column], selectors: tuple[OsmSelector, ...], length: int) -> BoolArray:
    chosen: BoolArray = np.zeros(length, dtype=np.bool_)
    for selector in selectors:
        tag = columns[selector.key]
        chosen |= arrow.is_any(tag, selector.values) if selector.values else ~arrow.is_null(tag)
    return chosen


def _written(selector: OsmSelector) -> str:
    return f"{selector.key}={'|'.join(selector.values)}" if selector.values else selector.key


def _configuration(columns: tuple[str, ...]) -> str:
    """GDAL's osmconf.ini with just the tags that are wanted as columns."""
    tags = ",".join(name for name in columns if name != KEY)
    layer = f"osm_id=yes\nother_tags=no\nattributes={tags}\n"
    sections = "".join(f"[{name}]\n{layer}" for name in (*LAYERS, "other_relations"))
    return f"closed_ways_are_polygons={_AREAS}\nattribute_name_laundering=no\n{sections}"


def _require_whole(path: Path) -> None:
    """Walk over the blocks: GDAL ends without a word at one that is cut short or damaged.

    Raises ``FileBroken``.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        while (start := file.tell()) < size:
            length = int.from_bytes(file.read(4))
            header = file.read(length) if length <= _MAX_HEADER else b""
            blob = _field(header, _DATA_SIZE)
            if not isinstance(blob, int) or not _field(header, _TYPE):
                raise FileBroken(path=path, reason=f"its block at byte {start:,} is damaged or cut short.")
            if file.tell() + blob > size:
                raise FileBroken(path=path, reason=f"its block at byte {start:,} is cut short.")
            if blob > _MAX_BLOB or not _unpacks(file.read(blob)):
                raise FileBroken(path=path, reason=f"its block at byte {start:,} is damaged.")


def _unpacks(blob: bytes) -> bool:
    """Whether a Blob's content, where it is packed with zlib, comes out as its checksum says."""
    packed = _field(blob, _ZLIB_DATA)
    if not isinstance(packed, bytes):
        return blob == b"" or any(_field(blob, number) is not None for number in _OTHER_DATA)
    try:
        zlib.decompress(packed)
    except zlib.error:
        return False
    return True


def _field(message: bytes, wanted: int) -> int | bytes | None:
    """A field of a Protocol Buffers message that has only varints and bytes; None where it is not there."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        value, position = _varint(message, position)
        number, wire = tag >> 3, tag & 7
        if wire == 0 and number == wanted:
            return value
        if wire == 2:
            if number == wanted:
                return message[position : position + value]
            position += value
        elif wire != 0:
            return None
    return None


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data):
        byte = data[position]
        value |= (byte & 0x7F) << shift
        shift, position = shift + 7, position + 1
        if not byte & 0x80:
            break
    return value, position


FORMATS = (Format(),)
