"""Writing Parquet and GeoParquet 1.1, whose metadata is known when all rows have been written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shapely

from loaders import arrow
from loaders.arrow import Batch
from spatial import proj
from spatial.geoparquet import Seen

if TYPE_CHECKING:
    from pyproj import CRS


def write_stream(stream: Any, path: Path, metadata: Callable[[], Mapping[str, bytes]]) -> None:
    """Write a pyarrow reader's rows; ``metadata`` is asked for after the last of them."""
    import pyarrow.parquet as pq

    # Arrow's own copy of the schema, written before the rows, would hide metadata that comes after them.
    with pq.ParquetWriter(path, stream.schema, compression="zstd", store_schema=False) as writer:
        for batch in stream:
            writer.write_batch(batch)
        writer.add_key_value_metadata(dict(metadata()))


def write(path: Path, rows: Iterable[Batch], *, geometry: str | None, crs: str | None) -> None:
    """Write rows, at least one; the column ``geometry``, where there is one, is WKB. Raises ``OSError``."""
    seen = Seen()
    if geometry is None:
        write_stream(arrow.stream(rows), path, dict)
        return
    stream = arrow.stream(_watched(rows, geometry, seen))
    write_stream(stream, path, lambda: seen.metadata(geometry, _system(crs)))


def _watched(rows: Iterable[Batch], geometry: str, seen: Seen) -> Iterator[Batch]:
    for batch in rows:
        seen.add(shapely.from_wkb(arrow.objects(batch.columns[geometry]), on_invalid="fix"))
        yield batch


def _system(crs: str | None) -> CRS | None:
    """The system of that definition; None where PROJ knows of none, as of GCJ-02."""
    try:
        return None if crs is None else proj.crs(crs)
    except proj.NoSuchSystem:
        return None
