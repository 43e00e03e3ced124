"""A bounded sample of a layer's rows: the first ones, and some spread over what follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
import shapely
from msgspec import Struct, field

from loaders import arrow
from loaders.formats import Rows
from loaders.inspection.facts import Facts
from loaders.values import present
from spatial.arrays import GeometryArray
from spatial.geometry import geometry_type_names

FIRST_ROWS = 10_000
"""Rows taken from the beginning."""
SPREAD_ROWS = 2_000
"""Rows taken of each further batch."""
READ_ROWS = 1_000_000
"""Rows after which reading ends, so that no file takes long."""


class Sample(Struct):
    """Some rows of a layer, as texts; ``geometries`` as they came, None where the layer has none.

    ``read`` rows were gone through, of which ``unreadable`` could not be read; ``whole`` says that these are
    all. ``types`` counts the geometry types of all that were gone through.
    """

    values: dict[str, list[str | None]] = field(default_factory=dict)
    geometries: GeometryArray | None = None
    read: int = 0
    taken: int = 0
    whole: bool = False
    unreadable: int = 0
    types: Counter[str] = field(default_factory=Counter)

    def facts(self) -> list[Facts]:
        """What the values of each column look like."""
        return [Facts.of(name, values) for name, values in self.values.items()]


def take_sample(batches: Iterable[Rows]) -> Sample:
    """A sample of the rows, and all of them if they are few. Raises as the source does."""
    sample = Sample(whole=True)
    pieces: list[GeometryArray] = []
    for rows in batches:
        if sample.read >= READ_ROWS:
            sample.whole = False
            break
        geometries = _geometries(rows)
        if geometries is not None:
            names, counts = np.unique(geometry_type_names(geometries).astype(str), return_counts=True)
            sample.types.update(dict(zip(names.tolist(), counts.tolist(), strict=True)))
        chosen = _chosen(len(rows), sample.taken)
        _add(sample, rows.take(chosen))
        if geometries is not None:
            pieces.append(geometries[chosen])
        sample.read += len(rows) + len(rows.unread)
        sample.unreadable += len(rows.unread)
    sample.geometries = np.concatenate(pieces) if pieces else None
    return sample


def _chosen(length: int, taken: int) -> np.typing.NDArray[np.bool_]:
    chosen = np.zeros(length, dtype=np.bool_)
    first = max(0, FIRST_ROWS - taken)
    chosen[:first] = True
    rest = length - first
    if rest > 0:
        chosen[first :: max(1, -(-rest // SPREAD_ROWS))] = True
    return chosen


def _add(sample: Sample, rows: Rows) -> None:
    for name, column in rows.columns.items():
        sample.values.setdefault(name, []).extend(present(column).to_pylist())
    sample.taken += len(rows)


def _geometries(rows: Rows) -> GeometryArray | None:
    if rows.wkb is None:
        return None
    found: GeometryArray = shapely.from_wkb(arrow.objects(rows.wkb), on_invalid="ignore")
    return found
