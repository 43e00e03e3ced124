"""Rejected rows in the format that a reject file's name says: GDAL's, or CSV like the loaded file."""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import shapely

from loaders import arrow, gdal
from loaders.arrow import Batch
from loaders.formats import Source
from twin.errors import TwinError

WKB = "twin_wkb"
"""The column of geometries."""

_DRIVERS = {
    ".gpkg": "GPKG",
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".geojsonl": "GeoJSONSeq",
    ".geojsons": "GeoJSONSeq",
    ".fgb": "FlatGeobuf",
    ".shp": "ESRI Shapefile",
    ".gml": "GML",
    ".kml": "LIBKML",
    ".tab": "MapInfo File",
    ".mif": "MapInfo File",
    ".xlsx": "XLSX",
    ".ods": "ODS",
}
_SPREADSHEETS = (".xlsx", ".ods")
_SIDES = {
    ".shp": (".shx", ".dbf", ".prj", ".cpg"),
    ".tab": (".dat", ".map", ".id"),
    ".mif": (".mid",),
    ".gml": (".xsd",),
}
_DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}


class RejectsFormatUnknown(TwinError):
    """The name of a reject file tells no format that can be written."""

    code = "rejects.format"
    en = "The rejected rows can't be written to {file}: its name must end with one of {endings}."
    zh = "无法将拒收行写入 {file}：文件名须以 {endings} 之一结尾。"


def require_known(path: Path) -> None:
    """Raise ``RejectsFormatUnknown`` where the name does not tell a format."""
    known = [*_DELIMITERS, *_DRIVERS]
    if path.suffix.lower() not in known:
        raise RejectsFormatUnknown(file=path.name, endings=" ".join(known))


def alone(name: str) -> str:
    """The name of a reject file, for a loaded file of that name, that needs no other beside it."""
    own = Path(name)
    ending = own.suffix.lower()
    known = ending in {*_DELIMITERS, *_DRIVERS} and ending not in _SIDES
    return f"{own.stem}-rejected{ending if known else '.gpkg'}"


def sides(path: Path) -> tuple[str, ...]:
    """The endings of the files that belong beside one of this name."""
    return _SIDES.get(path.suffix.lower(), ())


def write(path: Path, source: Source, rows: Iterator[Batch]) -> None:
    """Write rows of the source to ``path``; tables without geometry get it as WKT. Raises ``OSError``."""
    ending = path.suffix.lower()
    if ending in _DELIMITERS:
        _write_csv(path, source, map(_with_wkt, rows), _DELIMITERS[ending])
        return
    layer = source.layer or path.stem
    if ending not in _SPREADSHEETS:
        gdal.write(path, _DRIVERS[ending], layer, rows, geometry=WKB, crs=source.crs)
        return
    # GDAL takes a folder whose name has such an ending for an archive.
    with tempfile.TemporaryDirectory(prefix="twin-") as folder:
        book = Path(folder) / f"rejects{ending}"
        gdal.write(book, _DRIVERS[ending], layer, map(_with_wkt, rows), geometry=WKB, crs=None)
        shutil.move(book, path)


def _write_csv(path: Path, source: Source, rows: Iterator[Batch], delimiter: str) -> None:
    """Text with the loaded file's delimiter and encoding, if it was text."""
    encoding = source.encoding if source.encoding and not source.has_geometry else "UTF-8"
    delimiter = getattr(source, "delimiter", delimiter)
    # Excel knows UTF-8 by its mark alone.
    with path.open("w", encoding="utf-8-sig" if encoding == "UTF-8" else encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        for number, batch in enumerate(rows):
            if number == 0:
                writer.writerow(batch.columns)
            columns = (column.to_pylist() for column in batch.columns.values())
            writer.writerows(zip(*columns, strict=True))


def _with_wkt(batch: Batch) -> Batch:
    """The rows with their geometry, if they have one, as text."""
    columns = dict(batch.columns)
    if WKB in columns:
        shapes = shapely.from_wkb(arrow.objects(columns.pop(WKB)), on_invalid="fix")
        columns["WKT"] = arrow.texts(shapely.to_wkt(shapes, rounding_precision=-1, trim=True))
    return Batch(columns, batch.length)
