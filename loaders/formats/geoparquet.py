"""GeoParquet 1.0 and 1.1 with geometries as WKB, and plain Parquet with positions in columns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from loaders import arrow
from loaders.arrow import BrokenStream
from loaders.errors import FileBroken
from loaders.formats import BaseFormat, OpenedFile, Request, Rows, require_no_layer
from loaders.gdal import BATCH_ROWS
from twin.errors import sentence

LONGITUDE_LATITUDE = "OGC:CRS84"
"""What a column without ``crs`` is in (GeoParquet 1.1, "crs")."""


class ParquetFile(OpenedFile):
    """A Parquet file; ``geometry`` is the name of its primary geometry column."""

    geometry: str | None = None

    def rows(self) -> Iterator[Rows]:
        """All rows. Raises ``FileBroken``."""
        done = 0
        try:
            for batch in arrow.parquet_batches(self.path, BATCH_ROWS):
                numbers = np.arange(done + 1, done + batch.length + 1, dtype=np.int64)
                columns = {name: batch.columns[name] for name in self.columns}
                yield Rows(numbers, columns, batch.columns[self.geometry] if self.geometry else None)
                done += batch.length
        except BrokenStream as error:
            raise FileBroken(path=self.path, reason=sentence(error)) from error


class Format(BaseFormat, frozen=True):
    """GeoParquet."""

    name: str = "GeoParquet"
    media_type: str = "application/vnd.apache.parquet"
    extensions: tuple[str, ...] = (".parquet", ".geoparquet")
    tested: str = "files by GeoPandas and of `twin export`"

    def sniff(self, head: bytes) -> bool:
        """Parquet's magic number."""
        return head.startswith(b"PAR1")

    def open(self, path: Path, request: Request) -> ParquetFile:
        """The file; its geometry column's ``crs`` is PROJJSON. Raises ``UnknownLayer`` or ``FileBroken``."""
        require_no_layer(path, request, self.name)
        try:
            names, count, said = arrow.parquet_facts(path)
        except BrokenStream as error:
            raise FileBroken(path=path, reason=sentence(error)) from error
        primary, columns = _geometries(path, said)
        column = columns.get(primary or "", {})
        if primary is not None and column.get("encoding") != "WKB":
            raise FileBroken(path=path, reason=f"its geometries are {column.get('encoding')}, not WKB.")
        return ParquetFile(
            path,
            None,
            tuple(name for name in names if name not in columns),
            has_geometry=primary is not None,
            crs=_crs(column) if primary is not None else None,
            count=count,
            geometry=primary,
        )


def _geometries(path: Path, said: dict[str, str]) -> tuple[str | None, dict[str, dict[str, Any]]]:
    """The primary geometry column, and what is said of each. Raises ``FileBroken``."""
    if "geo" not in said:
        return None, {}
    try:
        geo = json.loads(said["geo"])
        return str(geo["primary_column"]), {str(name): dict(one) for name, one in geo["columns"].items()}
    except (ValueError, LookupError, TypeError, AttributeError):
        raise FileBroken(path=path, reason='its metadata "geo" is not that of GeoParquet.') from None


def _crs(column: dict[str, Any]) -> str | None:
    """Nothing said means longitude and latitude, null that nobody knows."""
    crs = column.get("crs", LONGITUDE_LATITUDE)
    return json.dumps(crs) if isinstance(crs, dict) else crs


FORMATS = (Format(),)
