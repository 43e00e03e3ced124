"""Hashes of whole rows, by which a later load knows what changed; stored, so what they are must not vary.

The hash of each column's text (``loaders.text_hashes``) is mixed into what the columns before it came to.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loaders import arrow
from loaders.arrow import Column
from loaders.text_hashes import Words, mixed, text_hashes
from spatial.arrays import Int64Array

_NULL = np.int64(0x2545F4914F6CDD1D)
"""The hash of no value, which is none that a text is likely to have."""


def row_hashes(columns: Sequence[Column], seed: int = 0) -> Int64Array:
    """A hash of 64 bits, as a signed integer, of what each row says; ``seed`` has 64 bits, too.

    Null and empty differ, and so does a text that stands in another column. Numbers and dates count as they
    are written.
    """
    rows: Words = mixed(np.full(len(columns[0]), seed, dtype=np.uint64))
    for column in columns:
        rows ^= _value_hashes(column).view(np.uint64)
        mixed(rows)
    return rows.view(np.int64)


def _value_hashes(column: Column) -> Int64Array:
    """The hash of each value; where few are different, each of these is written and hashed once."""
    return arrow.once_each(column, lambda values: text_hashes(arrow.written(values)), _NULL)
