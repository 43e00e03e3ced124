"""GeoJSON (RFC 7946), a feature a line.

RFC 7946 knows WGS 84 only. In another system the file carries the ``crs`` member of GeoJSON 2008, which GDAL
and QGIS read ("other coordinate systems can be used where all involved parties have a prior arrangement",
RFC 7946, 4). Coordinates keep all their digits, so that the file loads back to the same geometry. What an
asset does not have is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
import shapely
from pyproj import CRS

from twin.export.model import Batch, Column, Format, Layer


def write(layers: Sequence[Layer], path: Path, crs: CRS | None) -> None:
    """Write the one layer to ``path``."""
    (layer,) = layers
    with path.open("wb") as file:
        file.write(b'{"type":"FeatureCollection",' + _crs_member(crs) + b'"features":[')
        separator = b"\n"
        for batch in layer.batches:
            for feature in _features(layer.columns, batch):
                file.write(separator + feature)
                separator = b",\n"
        file.write(b"\n]}\n")


def _crs_member(crs: CRS | None) -> bytes:
    """Nothing for WGS 84; else the system's URN, or its WKT where it has none, which GDAL reads too."""
    if crs is None:
        return b""
    code = crs.to_authority(min_confidence=100)
    if code == ("EPSG", "4326"):
        return b""
    name = f"urn:ogc:def:crs:{code[0]}::{code[1]}" if code else crs.to_wkt()
    return b'"crs":' + orjson.dumps({"type": "name", "properties": {"name": name}}) + b","


def _features(columns: Sequence[Column], batch: Batch) -> Iterator[bytes]:
    names = [column.name for column in columns]
    # "A linear ring MUST follow the right-hand rule" (RFC 7946, 3.1.6).
    geometries = shapely.to_geojson(shapely.orient_polygons(batch.geometries))
    for row, geometry in zip(batch.rows(), geometries, strict=True):
        yield orjson.dumps(
            {
                "type": "Feature",
                "properties": {name: v for name, v in zip(names, row, strict=True) if v is not None},
                "geometry": None if geometry is None else orjson.Fragment(geometry),
            }
        )


FORMAT = Format("geojson", "application/geo+json", (".geojson", ".json"), write)
