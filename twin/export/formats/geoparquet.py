"""GeoParquet 1.1: the geometry as WKB in column ``geometry``, described in the file's ``geo`` metadata."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pyproj import CRS

from spatial.geoparquet import Seen
from twin.export.model import GEOMETRY_COLUMN, Batch, Format, Layer


def write(layers: Sequence[Layer], path: Path, crs: CRS | None) -> None:
    """Write the one layer to ``path``; what its metadata says of the geometries is seen on the way."""
    from twin.export.arrow import write_parquet

    (layer,) = layers
    seen = Seen()
    watched = Layer(layer.name, layer.columns, _watched(layer.batches, seen))
    write_parquet(watched, path, lambda: seen.metadata(GEOMETRY_COLUMN, crs))


def _watched(batches: Iterator[Batch], seen: Seen) -> Iterator[Batch]:
    for batch in batches:
        seen.add(batch.geometries)
        yield batch


FORMAT = Format("geoparquet", "application/vnd.apache.parquet", (".parquet", ".geoparquet"), write)
