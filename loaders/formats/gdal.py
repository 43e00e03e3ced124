"""GeoJSON, GeoPackage and FlatGeobuf: what GDAL reads without our knowing more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from loaders import gdal
from loaders.formats import OpenedFile, Request, Rows, choose_layer


@dataclass(slots=True)
class GdalFile(OpenedFile):
    """A layer of a file that GDAL reads."""

    def rows(self) -> Iterator[Rows]:
        """All rows, in GDAL's order."""
        done = 0
        for batch, wkb in gdal.batches(self.path, self.layer or "", encoding=self.encoding):
            numbers = np.arange(done + 1, done + batch.length + 1, dtype=np.int64)
            yield Rows(numbers, dict(batch.columns), wkb)
            done += batch.length


def open_gdal(path: Path, request: Request, encoding: str | None = None) -> GdalFile:
    """The layer that is wanted of a file that GDAL reads."""
    layer = choose_layer(path, gdal.layers(path), request.layer)
    info = gdal.describe(path, layer, encoding=encoding)
    return GdalFile(path, layer, info.fields, info.has_geometry, info.crs, encoding, info.count, info.bounds)


@dataclass(frozen=True, slots=True)
class GdalFormat:
    """A format that needs no more than GDAL; ``signatures`` are how its files may begin."""

    name: str
    media_type: str
    extensions: tuple[str, ...]
    signatures: tuple[bytes, ...]

    def sniff(self, head: bytes) -> bool:
        """Whether the file begins with one of the signatures."""
        return head.startswith(self.signatures)

    def open(self, path: Path, request: Request) -> GdalFile:
        """The file's wanted layer."""
        return open_gdal(path, request)


@dataclass(frozen=True, slots=True)
class GeoJson(GdalFormat):
    """GeoJSON (RFC 7946): one object, with or without a byte order mark."""

    def sniff(self, head: bytes) -> bool:
        """Whether it is an object that says so of itself."""
        text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
        return text.startswith(b"{") and any(word in head for word in (b'"FeatureCollection"', b'"features"'))


FORMATS = (
    GeoJson("GeoJSON", "application/geo+json", (".geojson", ".json"), ()),
    GdalFormat("GeoPackage", "application/geopackage+sqlite3", (".gpkg",), (b"SQLite format 3\0",)),
    GdalFormat("FlatGeobuf", "application/vnd.flatgeobuf", (".fgb",), (b"fgb\x03fgb",)),
)
