"""What a GeoParquet 1.1 file says of the geometries in one of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import shapely
from msgspec import Struct, field

from spatial.arrays import GeometryArray

if TYPE_CHECKING:
    from pyproj import CRS

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


class Seen(Struct):
    """Which types of geometry a file holds, and the box around all of them."""

    types: set[str] = field(default_factory=set)
    box: tuple[float, float, float, float] | None = None

    def add(self, geometries: GeometryArray) -> None:
        """Geometries of the file, None where a row has none."""
        pairs = zip(shapely.get_type_id(geometries), shapely.has_z(geometries), strict=True)
        self.types |= {_TYPES[number] + " Z" * bool(z) for number, z in set(pairs) if number >= 0}
        bounds = shapely.total_bounds(geometries)
        if not np.isnan(bounds).any():
            west, south, east, north = (
                bounds.tolist() if self.box is None else _around(self.box, bounds.tolist())
            )
            self.box = (west, south, east, north)

    def metadata(self, column: str, crs: CRS | None) -> dict[str, bytes]:
        """The file's metadata ``geo`` (GeoParquet 1.1.0); a system of None means that it is not known."""
        said: dict[str, Any] = {
            "encoding": "WKB",
            "geometry_types": sorted(self.types),
            "crs": crs.to_json_dict() if crs is not None else None,
            "edges": "planar",
        }
        if self.box is not None:
            said["bbox"] = list(self.box)
        geo = {"version": "1.1.0", "primary_column": column, "columns": {column: said}}
        return {"geo": orjson.dumps(geo)}


def _around(one: Sequence[float], other: Sequence[float]) -> list[float]:
    return [min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])]
