"""GeoParquet 1.1: the geometry as WKB in column ``geometry``, described in the file's ``geo`` metadata."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import shapely
from pyproj import CRS

from spatial.arrays import GeometryArray
from twin.export.model import GEOMETRY_COLUMN, Batch, Format, Layer

_TYPES = (
    "Point",
    "LineString",
    "",
    "Polygon",
    "MultiPoint",
    "MultiLineString",
    "MultiPolygon",
    "GeometryCollection",
)


def write(layers: Sequence[Layer], path: Path, crs: CRS | None) -> None:
    """Write the one layer to ``path``; what its metadata says of the geometries is seen on the way."""
    from twin.export.arrow import write_parquet

    (layer,) = layers
    seen = _Seen()
    watched = Layer(layer.name, layer.columns, _watched(layer.batches, seen))
    write_parquet(watched, path, lambda: {"geo": orjson.dumps(_metadata(seen, crs))})


@dataclass(slots=True)
class _Seen:
    """Which types of geometry a file holds, and the box around all of them."""

    types: set[str] = field(default_factory=set)
    box: tuple[float, float, float, float] | None = None

    def add(self, geometries: GeometryArray) -> None:
        pairs = zip(shapely.get_type_id(geometries), shapely.has_z(geometries), strict=True)
        self.types |= {_TYPES[number] + " Z" * bool(z) for number, z in set(pairs) if number >= 0}
        bounds = shapely.total_bounds(geometries)
        if not np.isnan(bounds).any():
            west, south, east, north = (
                bounds.tolist() if self.box is None else _around(self.box, bounds.tolist())
            )
            self.box = (west, south, east, north)


def _around(one: Sequence[float], other: Sequence[float]) -> list[float]:
    return [min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])]


def _watched(batches: Iterator[Batch], seen: _Seen) -> Iterator[Batch]:
    for batch in batches:
        seen.add(batch.geometries)
        yield batch


def _metadata(seen: _Seen, crs: CRS | None) -> dict[str, Any]:
    """The ``geo`` object of GeoParquet 1.1.0; a ``crs`` of null means that it is not known."""
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": sorted(seen.types),
        "crs": crs.to_json_dict() if crs is not None else None,
        "edges": "planar",
    }
    if seen.box is not None:
        column["bbox"] = list(seen.box)
    return {"version": "1.1.0", "primary_column": GEOMETRY_COLUMN, "columns": {GEOMETRY_COLUMN: column}}


FORMAT = Format("geoparquet", "application/vnd.apache.parquet", (".parquet", ".geoparquet"), write)
