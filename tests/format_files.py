"""What tests of formats share: small files written by GDAL, zip archives, and reading all of a source."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from pyogrio.raw import write

from loaders import arrow
from loaders.formats import Request, Source, detect

NAMES = ["南京西路", "延安路", "淮海中路"]
POINTS = shapely.points([[121.5, 31.2], [121.6, 31.3], [121.7, 31.4]])


def make(path: Path, driver: str, *, count: int = 3, field: str = "name", **options: Any) -> Path:
    """Points with Chinese names and a number, in longitude and latitude unless ``crs`` says otherwise."""
    places = shapely.points(np.column_stack([121 + np.arange(count) / 1e4, 31 + np.arange(count) / 1e4]))
    points = POINTS if count == len(POINTS) else places
    names = NAMES if count == len(NAMES) else [f"{NAMES[n % 3]}{n}" for n in range(count)]
    write(
        path,
        shapely.to_wkb(points),
        [np.array(names, dtype=object), np.arange(1, count + 1)],
        [field, "nr"],
        geometry_type="Point",
        driver=driver,
        **{"crs": "EPSG:4326", **options},
    )
    return path


def zipped(path: Path, files: Mapping[str, bytes | Path]) -> Path:
    """A zip archive of files by their names in it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content.read_bytes() if isinstance(content, Path) else content)
    return path


def parts(path: Path, inside: str = "") -> dict[str, bytes | Path]:
    """The files beside ``path`` of its name, by their names in an archive."""
    return {f"{inside}{part.name}": part for part in sorted(path.parent.glob(f"{path.stem}.*"))}


def opened(path: Path, layer: str | None = None, columns: tuple[str, ...] = ()) -> Source:
    """The file's layer."""
    return detect(path).open(path, Request(layer=layer, columns=columns))


def read(source: Source, *names: str) -> dict[str, list[str | None]]:
    """Columns as texts, all of them unless some are named."""
    batches = list(source.rows())
    return {
        name: [value for rows in batches for value in arrow.as_text(rows.columns[name]).to_pylist()]
        for name in names or source.columns
    }


def numbers(source: Source) -> list[int]:
    """The numbers of all rows that were read."""
    return [int(number) for rows in source.rows() for number in rows.numbers]


def unread(source: Source) -> list[tuple[int, str, str]]:
    """Number, reason and value of every row that was not read."""
    return [(one.number, one.reason, one.value) for rows in source.rows() for one in rows.unread]


def places(source: Source) -> Sequence[Any]:
    """The geometries of all rows."""
    return [
        shapely.from_wkb(value)
        for rows in source.rows()
        if rows.wkb is not None
        for value in rows.wkb.to_pylist()
    ]
