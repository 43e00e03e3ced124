"""What a file that ``twin export`` wrote says of itself: each row's dataset and kind."""

from __future__ import annotations

import numpy as np

from loaders import arrow
from loaders.formats import Rows
from loaders.values import present
from spatial.arrays import BoolArray
from twin.kinds import Kind, all_kinds

_COLUMNS = frozenset({"dataset", "source_key", "kind"})


def of_other_kinds(rows: Rows, kind: Kind) -> BoolArray:
    """Which rows of an export are assets of another kind than ``kind``; none of any other file."""
    if not rows.columns.keys() >= _COLUMNS:
        return np.zeros(len(rows), dtype=np.bool_)
    others = [name for name in all_kinds() if name != kind.name]
    return arrow.is_any(present(rows.columns["kind"]), others)


def dataset_of(first: Rows) -> str | None:
    """The one dataset that the rows of an export name; None for any other file."""
    column = first.columns.get("dataset")
    if column is None or "source_key" not in first.columns:
        return None
    named = arrow.distinct(arrow.as_text(column))
    return str(named[0]) if len(named) == 1 else None
