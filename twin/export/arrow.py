"""pyarrow as it is needed to write layers, typed: the only module here that imports it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyproj import CRS

from loaders import gdal, parquet
from spatial.geometry import to_wkb
from twin.export.model import GEOMETRY_COLUMN, Batch, Layer

_TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}


def write_layer(layer: Layer, path: Path, driver: str, crs: CRS | None, *, append: bool) -> None:
    """Add the layer to a file of GDAL's ``driver``; its geometries may be of any type, 2D or 3D.

    Raises ``OSError`` with GDAL's words.
    """
    schema = _schema(layer)
    stream = pa.RecordBatchReader.from_batches(schema, _record_batches(layer, schema))
    wkt = crs.to_wkt() if crs is not None else None
    gdal.write_stream(stream, path, driver, layer.name, geometry=GEOMETRY_COLUMN, crs=wkt, append=append)


def write_parquet(layer: Layer, path: Path, metadata: Callable[[], dict[str, bytes]]) -> None:
    """Write the layer as Parquet; ``metadata`` is asked for when all rows have been written."""
    schema = _schema(layer)
    stream = pa.RecordBatchReader.from_batches(schema, _record_batches(layer, schema))
    parquet.write_stream(stream, path, metadata)


def _schema(layer: Layer) -> Any:
    fields = [pa.field(column.name, _TYPES[column.type]) for column in layer.columns]
    return pa.schema([*fields, pa.field(GEOMETRY_COLUMN, pa.binary())])


def _record_batches(layer: Layer, schema: Any) -> Iterator[Any]:
    for batch in layer.batches:
        yield _record_batch(batch, schema)


def _record_batch(batch: Batch, schema: Any) -> Any:
    columns = [*batch.values, to_wkb(batch.geometries)]
    arrays = [pa.array(values, type=field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.record_batch(arrays, schema=schema)
