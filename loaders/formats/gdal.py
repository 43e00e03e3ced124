"""What GDAL reads without our knowing more: GeoPackage, FlatGeobuf, GeoJSON, File Geodatabase, KML, GML, GPX.

What GDAL passes over in silence is looked for here: the end of XML that is cut short, rows that a table has
by its own count and that do not come, text that is not UTF-8.
"""

from __future__ import annotations

import codecs
import json
import re
import xml.parsers.expat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Self

import numpy as np
from msgspec import Struct, field

from loaders import arrow, bundle, encodings, gdal, geojson
from loaders.errors import CoordinatesEncoded, FileBroken, FormatUnclear, UnknownEncoding
from loaders.formats import BaseFormat, OpenedFile, Request, Rows, Unread, choose_layer
from spatial.arrays import Int64Array
from spatial.crs import parse_crs
from twin.errors import TwinError, sentence

_ASSUMED = "EPSG:4326"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
NO_OPTIONS: Mapping[str, str] = {}


class Origin(Struct, frozen=True):
    """What GDAL is to open: often the file itself, else what it was unpacked or transcoded to.

    ``encoding`` is what GDAL is told, ``transcoded_from`` what the file was in that ``path`` is a copy of.
    """

    path: Path
    encoding: str | None = None
    transcoded_from: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


class GdalFile(OpenedFile):
    """A layer of a file that GDAL reads; ``whole``: its count is its own, and so many rows must come."""

    origin: Origin = field(default_factory=lambda: Origin(Path()))
    origin_layer: str = ""
    whole: bool = False

    @classmethod
    def opened(
        cls,
        path: Path,
        request: Request,
        origin: Origin | None = None,
        *,
        layers: Sequence[str] | None = None,
    ) -> Self:
        """The layer wanted of a file that GDAL reads; ``layers`` where not all of GDAL's are meant."""
        origin = origin or Origin(path)
        layer = choose_layer(path, gdal.layers(origin.path) if layers is None else layers, request.layer)
        info = gdal.describe(origin.path, layer, encoding=origin.encoding, **origin.options)
        return cls(
            path,
            layer,
            info.fields,
            info.has_geometry,
            info.crs,
            origin.encoding,
            info.count,
            info.bounds,
            origin=origin,
            origin_layer=layer,
        )

    @classmethod
    def opened_text(cls, path: Path, request: Request) -> Self:
        """A file that is UTF-8 by its standard, read as what it is in where it is not."""
        with path.open("rb") as file:
            marked = file.read(2) in _UTF16
        encoding = encodings.require(path, "UTF-16") if marked else encodings.of_text_file(path)
        if encoding == "UTF-8":
            return cls.opened(path, request)
        source = cls.opened(path, request, Origin(bundle.as_utf8(path, encoding)))
        source.encoding, source.encoding_found = encoding, "BOM" if marked else "detected"
        return source

    def rows(self) -> Iterator[Rows]:
        """All rows, in GDAL's order. Raises ``FileBroken`` at the end where some did not come."""
        done = 0
        origin = self.origin
        for batch, wkb in gdal.batches(
            origin.path, self.origin_layer, encoding=origin.encoding, **origin.options
        ):
            numbers = np.arange(done + 1, done + batch.length + 1, dtype=np.int64)
            yield Rows(numbers, dict(batch.columns), wkb)
            done += batch.length
        if self.whole and self.count is not None and done < self.count:
            raise FileBroken(path=self.path, reason=f"{done:,} of its {self.count:,} rows are there.")


class GdalFormat(BaseFormat, frozen=True):
    """A format that needs no more than GDAL; ``signatures`` are how its files may begin."""

    signatures: tuple[bytes, ...]

    def sniff(self, head: bytes) -> bool:
        """Whether the file begins with one of the signatures."""
        return head.startswith(self.signatures)

    def layers(self, path: Path) -> tuple[str, ...]:
        """The names of the file's layers."""
        return gdal.layers(path)

    def open(self, path: Path, request: Request) -> GdalFile:
        """The file's wanted layer."""
        return GdalFile.opened(path, request)


class FlatGeobuf(GdalFormat, frozen=True):
    """FlatGeobuf, whose header counts its features, or is 0 where its writer could not know."""

    def open(self, path: Path, request: Request) -> GdalFile:
        """The one layer. Raises ``FileBroken`` where GDAL finds none: the header is damaged."""
        layers = gdal.layers(path)
        if not layers:
            raise FileBroken(path=path, reason="its header or its index is damaged or cut short.")
        source = GdalFile.opened(path, request, layers=layers)
        source.whole = True
        return source


class GeoJsonFile(GdalFile):
    """A GeoJSON file; ``strange`` are the members of ``features`` that are no features, by their places."""

    strange: dict[int, str] = field(default_factory=dict)

    @classmethod
    def examined(cls, path: Path, request: Request) -> Self:
        """The file, of which is known what GDAL does not tell. Raises ``FileBroken``."""
        source = cls.opened_text(path, request)
        with source.origin.path.open("rb") as file:
            found = geojson.glance(iter(lambda: file.read(1 << 22), b""))
        if found.nul:
            raise FileBroken(path=path, reason="a NUL character stands in its text.")
        if found.scalars or found.objects != source.count:
            source._find_strange()
        if found.crs and source.crs == _ASSUMED:
            source._settle_crs()
        return source

    def rows(self) -> Iterator[Rows]:
        """All features; what is none, or has a broken geometry, is ``unread``. Raises ``FileBroken``."""
        strange = np.array(sorted(self.strange), dtype=np.int64)
        before = strange - np.arange(len(strange))
        features = self._features()
        waiting = [Unread(place, "row.feature", self.strange[place]) for place in strange.tolist()]
        for rows in super().rows():
            numbers = rows.numbers + np.searchsorted(before, rows.numbers, side="right")
            broken = self._broken(rows, numbers, features)
            last = int(numbers[-1]) if len(numbers) else 0
            due = [one for one in waiting if one.number < last]
            waiting = waiting[len(due) :]
            whole = Rows(numbers, rows.columns, rows.wkb)
            if broken:
                whole = whole.take(~np.isin(numbers, list(broken)))
            yield Rows(
                whole.numbers,
                whole.columns,
                whole.wkb,
                [*due, *(Unread(n, "geometry.unreadable", text) for n, text in broken.items())],
            )
        if waiting:
            nothing = {name: arrow.nulls(0) for name in self.columns}
            yield Rows(np.zeros(0, dtype=np.int64), nothing, None, waiting)

    def _broken(self, rows: Rows, numbers: Int64Array, features: Iterator[tuple[int, Any]]) -> dict[int, str]:
        """The geometries that are there and of which GDAL made none, by their rows' numbers."""
        if rows.wkb is None or not rows.wkb.null_count:
            return {}
        wanted = set(numbers[arrow.is_null(rows.wkb)].tolist())
        last = max(wanted)
        found: dict[int, str] = {}
        for place, feature in features:
            geometry = feature.get("geometry") if place in wanted else None
            if geometry is not None:
                found[place] = _shown(geometry)
            if place >= last:
                break
        return found

    def _find_strange(self) -> None:
        """Look at each member. Raises ``FileBroken`` where GDAL's rows can't be those that are features."""
        count = 0
        for place, member in self._features():
            count = place
            if not isinstance(member, dict) or member.get("type") != "Feature":
                self.strange[place] = _shown(member)
        lost = count - len(self.strange) - (self.count or 0)
        if count and lost:
            raise FileBroken(path=self.path, reason=f"{lost:,} of its {count:,} features do not come.")

    def _settle_crs(self) -> None:
        """Take for the system what the member ``crs`` says: GDAL has WGS 84 for what it does not know."""
        said = next((value for name, value in self._members() if name == "crs"), None)
        if said is None:
            return
        properties = said.get("properties") if isinstance(said, dict) else None
        name = properties.get("name") if isinstance(properties, dict) else None
        if isinstance(said, dict) and said.get("type") == "EPSG" and isinstance(properties, dict):
            name = f"EPSG:{properties.get('code')}"
        try:
            parse_crs(str(name))
        except TwinError:
            self.crs, self.crs_unread = None, str(name or _shown(said))

    def _features(self) -> Iterator[tuple[int, Any]]:
        features = (value for name, value in self._members() if name == "features")
        return enumerate(features, 1)

    def _members(self) -> Iterator[tuple[str, Any]]:
        try:
            yield from geojson.members(encodings.texts(self.origin.path, "UTF-8"))
        except ValueError as error:
            raise FileBroken(path=self.path, reason=sentence(error)) from error


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)[:200]


class GeoJson(GdalFormat, frozen=True):
    """GeoJSON (RFC 7946): one object, with or without a byte order mark."""

    _encoded: ClassVar[re.Pattern[bytes]] = re.compile(
        rb'"UTF8Encoding"\s*:\s*true|"encodeOffsets"|"coordinates"\s*:\s*[\[\s]*"', re.IGNORECASE
    )
    _collection: ClassVar[re.Pattern[bytes]] = re.compile(rb'"FeatureCollection"|"features"')
    _other: ClassVar[re.Pattern[bytes]] = re.compile(
        rb'"CityObjects"\s*:|"type"\s*:\s*"(?:CityJSON|CityJSONFeature|Topology)"'
    )
    _alone: ClassVar[re.Pattern[bytes]] = re.compile(
        rb'"type"\s*:\s*"(?:Feature|(?:Multi)?(?:Point|LineString|Polygon)|GeometryCollection)"'
    )

    def sniff(self, head: bytes) -> bool:
        """Whether it is an object that says so of itself: a collection, or one feature or geometry alone."""
        text = head.removeprefix(codecs.BOM_UTF8)
        if head.startswith(_UTF16):
            text = head.decode("utf-16", errors="ignore").encode()
        text = text.lstrip()
        if not text.startswith(b"{"):
            return False
        first, _, more = text.partition(b"\n")
        is_sequence = first.rstrip().endswith(b"}") and bool(more.strip())
        alone = self._alone.search(text) and not is_sequence and not self._other.search(text)
        return bool(self._collection.search(text) or alone)

    def open(self, path: Path, request: Request) -> GdalFile:
        """The one layer. Raises ``CoordinatesEncoded``, ``UnknownEncoding`` or ``FileBroken``."""
        with path.open("rb") as file:
            found = self._encoded.search(file.read(1 << 20))
        if found:
            raise CoordinatesEncoded(path=path, found=found[0].decode("ascii"))
        return GeoJsonFile.examined(path, request)


class XmlFormat(GdalFormat, frozen=True):
    """A format in XML, told by ``signatures`` anywhere in its head; read whole before it is believed.

    Of the layers those count that hold something: of GPX's five mostly one does.
    """

    options: Mapping[str, str] = {}

    _declared: ClassVar[re.Pattern[bytes]] = re.compile(
        rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']"""
    )

    def sniff(self, head: bytes) -> bool:
        """Whether it is XML in which one of the signatures stands."""
        text = head.removeprefix(codecs.BOM_UTF8).lstrip()
        return text.startswith(b"<") and any(word in text for word in self.signatures)

    def layers(self, path: Path) -> tuple[str, ...]:
        """The names of the layers."""
        return tuple(self._found(path))

    def open(self, path: Path, request: Request) -> GdalFile:
        """The wanted layer. Raises ``FileBroken`` where it is not well-formed, or ``UnknownEncoding``."""
        found = self._found(path)
        layer = choose_layer(path, tuple(found), request.layer)
        origin, name = found[layer]
        source = GdalFile.opened(path, Request(name), origin, layers=(name,))
        source.layer = layer
        if origin.transcoded_from:
            source.encoding, source.encoding_found = origin.transcoded_from, "declared"
        return source

    def _found(self, path: Path) -> dict[str, tuple[Origin, str]]:
        """By their names the layers: what GDAL opens, and the layer's name there."""
        origin = self._origin(path)
        return {name: (origin, name) for name in self._layers(origin)}

    def _layers(self, origin: Origin) -> tuple[str, ...]:
        """The layers of what GDAL opens that hold something."""
        return tuple(layer for layer in gdal.layers(origin.path) if gdal.count(origin.path, layer))

    def _origin(self, path: Path) -> Origin:
        """The file in UTF-8, as expat wants it. Raises ``UnknownEncoding`` or ``FileBroken``."""
        with path.open("rb") as file:
            declared = self._declared.search(file.read(1000).removeprefix(codecs.BOM_UTF8))
        name = declared[1].decode("ascii") if declared else "UTF-8"
        if name.upper() in ("UTF-8", "UTF-16", "ISO-8859-1", "US-ASCII"):
            _require_well_formed(path, path)
            return Origin(path, options=self.options)
        try:
            known = "GB18030" if name.upper() in ("GB2312", "GBK") else codecs.lookup(name).name
            copy = bundle.as_utf8(path, known)
        except (LookupError, UnicodeDecodeError):
            raise UnknownEncoding(path=path, tried=name) from None
        _require_well_formed(path, copy)
        return Origin(copy, None, known, self.options)


def _require_well_formed(path: Path, copy: Path) -> None:
    """Read the whole: GDAL ends without a word where XML does. Raises ``FileBroken``."""
    parser = xml.parsers.expat.ParserCreate()
    try:
        with copy.open("rb") as stream:
            parser.ParseFile(stream)
    except xml.parsers.expat.ExpatError as error:
        raise FileBroken(path=path, reason=sentence(error)) from error


class Kml(XmlFormat, frozen=True):
    """KML 2.2 and 2.3 (OGC 12-007r2), and KMZ: a zip of documents, of which one may only link the others."""

    def holds(self, names: Sequence[str]) -> bool:
        """Whether a document is among them."""
        return any(name.lower().endswith(".kml") for name in names)

    def _found(self, path: Path) -> dict[str, tuple[Origin, str]]:
        if path.is_file() and not bundle.is_zip(path):
            return super()._found(path)
        every = [
            (name, (origin, layer))
            for name, file in bundle.members(path, (".kml",)).items()
            for origin in [self._origin(file)]
            for layer in self._layers(origin)
        ]
        often = Counter(layer for _, (_, layer) in every)
        return {one[1] if often[one[1]] == 1 else f"{name}/{one[1]}": one for name, one in every}


class Gml(XmlFormat, frozen=True):
    """GML 2 to 3.2, as far as GDAL tells layers without an application schema."""

    def _layers(self, origin: Origin) -> tuple[str, ...]:
        # Listing layers of the plain path, GDAL would write what it found beside the user's file.
        return gdal.layers(f"/vsisubfile/0_0,{origin.path.resolve()}")


class FileGeodatabase(GdalFormat, frozen=True):
    """Esri's File Geodatabase, a folder or zipped; layout: Even Rouault, "dump_gdbtable" [S]."""

    _catalogue: ClassVar[str] = "a00000001.gdbtable"

    def holds(self, names: Sequence[str]) -> bool:
        """Whether the system catalogue is among them."""
        return any(PurePosixPath(name.lower()).name == self._catalogue for name in names)

    def layers(self, path: Path) -> tuple[str, ...]:
        """The feature classes and tables."""
        return gdal.layers(self._folder(path))

    def open(self, path: Path, request: Request) -> GdalFile:
        """The wanted feature class or table. Raises ``FormatUnclear`` or ``FileBroken``."""
        folder = self._folder(path)
        for table in folder.glob("*.gdbtablx"):
            _require_offsets(table)
        source = GdalFile.opened(path, request, Origin(folder))
        source.whole = True
        return source

    def _folder(self, path: Path) -> Path:
        folder = bundle.contents(path)
        names = (PurePosixPath(name) for name in bundle.folder_names(folder))
        found = [folder / name.parent for name in names if name.name.lower() == self._catalogue]
        if len(found) != 1:
            raise FormatUnclear(path=path, formats=", ".join(one.name for one in found) or path.name)
        if found[0].suffix.lower() != ".gdb":
            raise FileBroken(path=path, reason="the folder of a File Geodatabase must be called ….gdb.")
        return found[0]


def _require_offsets(table: Path) -> None:
    """Raise ``FileBroken`` for an index of rows that is cut short: GDAL would find no rows at all."""
    with table.open("rb") as file:
        header = file.read(16)
    blocks, width = int.from_bytes(header[4:8], "little"), int.from_bytes(header[12:16], "little")
    size, needed = table.stat().st_size, 16 + blocks * 1024 * width
    if size < needed:
        raise FileBroken(path=table, reason=f"it has {size:,} of the {needed:,} bytes that its header says.")


FORMATS = (
    GeoJson(
        "GeoJSON",
        "application/geo+json",
        (".geojson", ".json"),
        "Tsinghua, Vermont, Oberrhein, Schutterwald, Shanghai",
        (),
    ),
    GdalFormat(
        "GeoPackage",
        "application/geopackage+sqlite3",
        (".gpkg",),
        "Bubenec, Schutterwald, Limerick",
        (b"SQLite format 3\0",),
    ),
    FlatGeobuf(
        "FlatGeobuf", "application/vnd.flatgeobuf", (".fgb",), "the generated cities", (b"fgb\x03fgb",)
    ),
    FileGeodatabase("File Geodatabase", "application/x-filegdb", (".gdb",), "Bubenec, by GDAL", ()),
    Kml(
        "KML",
        "application/vnd.google-earth.kml+xml",
        (".kml", ".kmz"),
        "Tsinghua, by GDAL",
        (b"<kml", b"http://www.opengis.net/kml"),
    ),
    Gml(
        "GML",
        "application/gml+xml",
        (".gml",),
        "Bubenec, by GDAL",
        (b"http://www.opengis.net/gml",),
        options={"WRITE_GFS": "NO"},
    ),
    XmlFormat("GPX", "application/gpx+xml", (".gpx",), "Limerick", (b"<gpx",)),
)
