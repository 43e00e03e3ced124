"""Files that GDAL reads, as Arrow batches: the only module of the loaders that imports pyogrio, typed."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pyogrio
from msgspec import Struct
from pyogrio.errors import CRSError, DataLayerError, DataSourceError

from loaders import arrow
from loaders.arrow import Batch, BrokenStream, Column
from loaders.errors import CrsUnread, FileBroken, UnknownEncoding
from spatial.systems import Area
from twin.errors import sentence

BATCH_ROWS = 65_536
"""Rows held in memory at a time."""

pyogrio.set_gdal_config_options(
    {
        # A file that names a schema somewhere else is read without asking there.
        "GML_DOWNLOAD_SCHEMA": False,
        "GDAL_HTTP_CONNECTTIMEOUT": 15,
        "GDAL_HTTP_TIMEOUT": 300,
        "GDAL_HTTP_MAX_RETRY": 2,
        "GDAL_HTTP_RETRY_DELAY": 1,
        "OGR_WFS_PAGE_SIZE": 10_000,
    }
)

T = TypeVar("T")


class LayerInfo(Struct, frozen=True):
    """What GDAL tells of a layer without reading it: ``bounds`` and ``count`` only where that is cheap."""

    fields: tuple[str, ...]
    has_geometry: bool
    crs: str | None
    count: int | None
    bounds: Area | None


def layers(path: Path | str) -> tuple[str, ...]:
    """The names of the layers; ``path`` may be one of GDAL's. Raises ``FileBroken``."""
    with _told(path, None), _quiet():
        return tuple(str(name) for name, _ in pyogrio.list_layers(path))


def count(path: Path | str, layer: str) -> int:
    """How many rows a layer has, counted. Raises ``FileBroken``."""
    with _told(path, None), _quiet():
        return int(pyogrio.read_info(path, layer=layer, force_feature_count=True)["features"])


def describe(path: Path | str, layer: str, *, encoding: str | None = None, **options: str) -> LayerInfo:
    """What is known of a layer; ``options`` are the driver's. Raises like ``batches``, or ``CrsUnread``."""
    with _told(path, encoding), _quiet():
        info = _info(path, layer=layer, encoding=encoding, **options)
    count, bounds = info["features"], info["total_bounds"]
    return LayerInfo(
        fields=tuple(str(name) for name in info["fields"]),
        has_geometry=info["geometry_type"] is not None,
        crs=info["crs"],
        count=count if count >= 0 else None,
        bounds=tuple(bounds) if bounds is not None else None,
    )


def batches(
    path: Path | str, layer: str, size: int = BATCH_ROWS, /, *, encoding: str | None = None, **options: str
) -> Iterator[tuple[Batch, Column | None]]:
    """The rows in order, at most ``size`` at a time, with their geometry as WKB.

    Raises ``FileBroken`` or ``UnknownEncoding``.
    """
    opened = pyogrio.open_arrow(
        path, layer=layer, encoding=encoding, batch_size=size, use_pyarrow=True, **options
    )
    with _told(path, encoding), opened as (meta, reader):
        name = meta["geometry_name"] or "wkb_geometry"
        for batch in _quietly(arrow.record_batches(reader)):
            columns = dict(batch.columns)
            geometry = columns.pop(name, None)
            yield Batch(columns, batch.length), geometry


def write(
    path: Path, driver: str, layer: str, rows: Iterable[Batch], *, geometry: str, crs: str | None
) -> None:
    """Write rows, at least one, as a layer of a new file; the column ``geometry``, if it is there, is WKB.

    Raises ``OSError`` with GDAL's words.
    """
    stream = arrow.stream(rows)
    placed = geometry if geometry in stream.schema.names else None
    write_stream(stream, path, driver, layer, geometry=placed, crs=crs)


def write_stream(
    stream: Any,
    path: Path,
    driver: str,
    layer: str,
    *,
    geometry: str | None,
    crs: str | None,
    append: bool = False,
) -> None:
    """Write a pyarrow reader's rows as a layer, of a new file or with ``append`` of one that is there.

    ``geometry`` is the column of WKB, of any type, 2D or 3D. Raises ``OSError`` with GDAL's words.
    """
    with _quiet(), warnings.catch_warnings():
        # GCJ-02, BD-09 and others have no definition that GDAL could write.
        warnings.filterwarnings("ignore", message="'crs' was not provided")
        try:
            pyogrio.write_arrow(
                stream,
                path,
                layer=layer,
                driver=driver,
                geometry_name=geometry,
                geometry_type=None if geometry is None else "Unknown",
                crs=None if geometry is None else crs,
                append=append,
            )
        except RuntimeError as error:  # the base of pyogrio's errors, and what a broken stream becomes
            raise OSError(str(error)) from error


def _info(path: Path | str, **options: str | None) -> dict[str, Any]:
    try:
        info: dict[str, Any] = pyogrio.read_info(path, **options)
    except CRSError as error:
        raise CrsUnread(path=path, said=str(error)) from error
    except UnboundLocalError as error:
        # pyogrio 0.13 fails so on a system that GDAL reads and cannot write as WKT.
        raise CrsUnread(path=path, said="WKT") from error
    return info


@contextmanager
def _told(path: Path | str, encoding: str | None) -> Iterator[None]:
    """Errors of GDAL and Arrow in our words."""
    try:
        yield
    except UnicodeDecodeError:
        raise UnknownEncoding(path=path, tried=encoding or "UTF-8") from None
    except (DataSourceError, DataLayerError, BrokenStream) as error:
        if "UTF8" in str(error):
            raise UnknownEncoding(path=path, tried=encoding or "UTF-8") from None
        raise FileBroken(path=path, reason=sentence(error)) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """GDAL warns of unclosed rings and of versions it half knows; rows are judged one by one later."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def _quietly(items: Iterable[T]) -> Iterator[T]:
    """The items, each fetched in quiet: warnings are global, and between two items others run."""
    iterator = iter(items)
    while True:
        with _quiet():
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield item
