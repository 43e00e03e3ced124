"""GeoPackage (OGC 12-128), a layer for each kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pyproj import CRS

from twin.export.model import Format, Layer


def write(layers: Sequence[Layer], path: Path, crs: CRS | None) -> None:
    """Write all layers to ``path``."""
    from twin.export.arrow import write_layer

    for number, layer in enumerate(layers):
        write_layer(layer, path, "GPKG", crs, append=number > 0)


FORMAT = Format("gpkg", "application/geopackage+sqlite3", (".gpkg",), write, layered=True)
