"""Rejected rows in the format that a reject file's name says: GDAL's, GeoParquet, or the loaded text's."""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import shapely

from loaders import arrow, gdal, parquet
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
_PARQUET = (".parquet", ".geoparquet")
_SPREADSHEETS = (".xlsx", ".ods")
_PLACED = (".shp", ".fgb", ".geojson", ".json", ".geojsonl", ".geojsons", ".kml", ".mif")
"""Whose rows always have geometry, so that positions in columns would not be looked for."""
_SIDES = {
    ".shp": (".shx", ".dbf", ".prj", ".cpg"),
    ".tab": (".dat", ".map", ".id"),
    ".mif": (".mid",),
    ".gml": (".xsd",),
}
_DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
_KNOWN = (*_DELIMITERS, *_DRIVERS, *_PARQUET)


class RejectsFormatUnknown(TwinError):
    """The name of a reject file tells no format that can be written."""

    code = "rejects.format"
    en = "The rejected rows can't be written to {file}: its name must end with one of {endings}."
    zh = "无法将拒收行写入 {file}：文件名须以 {endings} 之一结尾。"


class RejectsNeedGeometry(TwinError):
    """The file would be of a format whose rows have geometry, and those of the loaded file have none."""

    code = "rejects.geometry"
    en = (
        "The rejected rows can't be written to {file}: rows of {format} have geometry, and those of {source}"
        " have none. Let its name end like the file's, for example {example}."
    )
    zh = (
        "无法将拒收行写入 {file}：{format} 的各行须有几何，而 {source} 的各行没有。"
        "请换用与原文件相同的扩展名，例如 {example}。"
    )


def require_known(path: Path) -> None:
    """Raise ``RejectsFormatUnknown`` where the name does not tell a format."""
    if path.suffix.lower() not in _KNOWN:
        raise RejectsFormatUnknown(file=path.name, endings=" ".join(_KNOWN))


def require_fit(path: Path, source: Source, name: str) -> None:
    """Raise ``RejectsNeedGeometry`` where rows of the source, a file of that name, could not be mended."""
    ending = path.suffix.lower()
    if ending in _PLACED and not source.has_geometry:
        own = next((one for one in (Path(name).suffix.lower(),) if one in _KNOWN), ".csv")
        example = path.with_suffix(own).name
        raise RejectsNeedGeometry(file=path.name, format=_DRIVERS[ending], source=name, example=example)


def alone(name: str) -> str:
    """The name of a reject file, for a loaded file of that name, that needs no other beside it."""
    own = Path(name)
    ending = own.suffix.lower()
    known = ending in _KNOWN and ending not in _SIDES
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
    if ending in _PARQUET:
        geometry = _geometry_name(source)
        named = (_renamed(batch, WKB, geometry) for batch in rows)
        parquet.write(path, named, geometry=geometry if source.has_geometry else None, crs=source.crs)
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


def _geometry_name(source: Source) -> str:
    """How the column of geometries is called: as in the loaded file if that says, else as no other."""
    own = getattr(source, "geometry", None)
    return own or next(name for name in ("geometry", "geom", WKB) if name not in source.columns)


def _renamed(batch: Batch, old: str, new: str) -> Batch:
    columns = {new if name == old else name: column for name, column in batch.columns.items()}
    return Batch(columns, batch.length)


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
