"""PostgreSQL's binary COPY format, built from whole columns without a loop over rows.

A tuple is its number of fields (16 bits), then each field's length (32 bits, -1 for null) and bytes, all
big-endian; PostgreSQL documentation, COPY, "Binary Format".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from loaders import arrow
from loaders.arrow import Column

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

FieldType = Literal["text", "jsonb", "bytes", "int8", "float4", "date", "bool"]

# Dates count from 2000-01-01, Arrow's and NumPy's from 1970-01-01.
_EPOCH_DAYS = 10_957
_WIDTHS: Mapping[str, str] = {"int8": "i8", "float4": "f4", "date": "i4", "bool": "u1"}


def tuples(columns: Sequence[tuple[FieldType, Column]]) -> memoryview:
    """The rows of the columns as COPY's tuples, to stand between ``HEADER`` and ``TRAILER``.

    ``text`` and ``jsonb`` take texts, ``bytes`` bytes (a geometry is its extended WKB), ``date`` ISO 8601
    texts, the others numbers or booleans.
    """
    parts: list[Column | bytes] = [len(columns).to_bytes(2, "big")]
    for kind, column in columns:
        parts.extend(_field(kind, column))
    return arrow.joined_bytes(parts)


def _field(kind: FieldType, column: Column) -> list[Column]:
    """The field's lengths and its bytes."""
    payload = _payload(kind, column)
    lengths = arrow.byte_lengths(payload).astype(np.int32)
    return [arrow.big_endian(lengths), arrow.empty_for_null(payload)]


def _payload(kind: FieldType, column: Column) -> Column:
    if kind == "jsonb":
        return arrow.as_bytes(arrow.wrapped("\x01", column))
    if kind in {"text", "bytes"}:
        return arrow.as_bytes(column)
    missing = arrow.is_null(column)
    values = arrow.days(column) - _EPOCH_DAYS if kind == "date" else arrow.filled(column)
    return arrow.without(arrow.big_endian(values.astype(_WIDTHS[kind])), missing)
