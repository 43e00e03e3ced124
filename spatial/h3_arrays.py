"""The one place that imports h3ronpy (cells of whole columns, from the ``load`` extra), with types."""

from __future__ import annotations

import numpy as np
from h3ronpy.vector import coordinates_to_cells

from spatial.arrays import FloatArray, Int64Array


def cells_at(lat: FloatArray, lon: FloatArray, resolution: int) -> Int64Array:
    """The cells that hold the points; every coordinate must be finite."""
    cells = np.asarray(coordinates_to_cells(lat, lon, resolution), dtype=np.uint64)
    return cells.astype(np.int64)
