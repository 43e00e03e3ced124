"""CSV (RFC 4180) in UTF-8 with a byte order mark, for spreadsheets; the geometry is WKT in column ``wkt``.

CSV cannot say its coordinate system: who loads the file again names it with ``--crs``.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import shapely
from pyproj import CRS

from twin.export.model import Format, Layer

GEOMETRY_COLUMN = "wkt"


def write(layers: Sequence[Layer], path: Path, _crs: CRS | None) -> None:
    """Write the one layer to ``path``."""
    (layer,) = layers
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*(column.name for column in layer.columns), GEOMETRY_COLUMN])
        for batch in layer.batches:
            # Without rounding: the shortest digits that are read back as the same number.
            geometries = shapely.to_wkt(batch.geometries, rounding_precision=-1)
            writer.writerows(
                [*map(_text, row), geometry] for row, geometry in zip(batch.rows(), geometries, strict=True)
            )


def _text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


FORMAT = Format("csv", "text/csv", (".csv",), write)
