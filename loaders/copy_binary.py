"""PostgreSQL's binary COPY format, built from whole columns without a loop over rows.

A tuple is its number of fields (16 bits), then each field's length (32 bits, -1 for null) and bytes, all
big-endian; PostgreSQL documentation, COPY, "Binary Format". What has the same length in every row, lengths
among it, is laid out as one block of bytes, so that a tuple is few pieces to join.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from msgspec import Struct, field

from loaders import arrow
from loaders.arrow import Column
from spatial.arrays import Int64Array

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

FieldType = Literal["text", "jsonb", "geometry", "int8", "float4", "date", "bool"]
Field = tuple[FieldType, Column] | bytes | None
"""A field's type and values; or what it is in every row, as PostgreSQL sends it, ``None`` for null."""

SRID = 4326
"""The system of all geometries: WGS 84."""
_WKB_HEAD = 5
"""Bytes of WKB that say its byte order, then its type (OGC 06-103r4, 8.2)."""

_NULL = b"\xff\xff\xff\xff"
_JSONB_VERSION = b"\x01"
# Dates and times count from 2000-01-01, Arrow's and NumPy's from 1970-01-01.
_EPOCH_DAYS = 10_957
_EPOCH_MICROSECONDS = _EPOCH_DAYS * 86_400_000_000
_WIDTHS: Mapping[str, str] = {"int8": "i8", "float4": "f4", "date": "i4", "bool": "u1"}


def constant(value: str | int) -> bytes:
    """A text, or a whole number of 64 bits, as a field that is the same in every row."""
    return value.encode() if isinstance(value, str) else value.to_bytes(8, "big", signed=True)


def instant(microseconds: int) -> bytes:
    """Microseconds since 1970-01-01 UTC as a field of type ``timestamptz``, the same in every row."""
    return constant(microseconds - _EPOCH_MICROSECONDS)


def instants(microseconds: Int64Array) -> Field:
    """The same for each row."""
    return ("int8", arrow.numbers(microseconds - _EPOCH_MICROSECONDS))


def tuples(fields: Sequence[Field], length: int) -> memoryview:
    """``length`` rows of the fields as COPY's tuples, to stand between ``HEADER`` and ``TRAILER``.

    ``text`` and ``jsonb`` take texts, ``geometry`` little-endian WKB in WGS 84, ``date`` ISO 8601 texts, the
    others numbers or booleans.
    """
    tuple_ = _Tuple(length)
    tuple_.block.append(len(fields).to_bytes(2, "big"))
    for one in fields:
        tuple_.add(one)
    return arrow.joined_bytes(list(tuple_.pieces()), length)


Block = bytes | np.typing.NDArray[Any]
"""Bytes that are the same in every row, or one value of a fixed size for each row."""


class _Tuple(Struct):
    """The pieces of the tuples so far, and the block of what has the same length in every row."""

    length: int
    block: list[Block] = field(default_factory=list)
    done: list[Column | bytes] = field(default_factory=list)

    def add(self, one: Field) -> None:
        if one is None:
            self.block.append(_NULL)
        elif isinstance(one, bytes):
            self.block += [len(one).to_bytes(4, "big"), one]
        elif one[0] in _WIDTHS and not one[1].null_count:
            values = _numbers(*one)
            self.block += [values.dtype.itemsize.to_bytes(4, "big"), values]
        elif one[0] == "jsonb" and not one[1].null_count:
            self._add_bytes(arrow.as_bytes(one[1]), _JSONB_VERSION)
        elif one[0] == "geometry":
            self._add_geometry(one[1])
        else:
            self._add_bytes(_payload(*one))

    def _add_geometry(self, wkb: Column) -> None:
        head = arrow.head(wkb, _WKB_HEAD)
        if head is None:
            self._add_bytes(arrow.with_heads(wkb, _WKB_HEAD, _extended))
        else:
            self._add_bytes(arrow.without_head(wkb, _WKB_HEAD), _extended(head))

    def _add_bytes(self, payload: Column, before: bytes = b"") -> None:
        """``before`` stands before each value, of which then none may be null."""
        lengths = arrow.byte_lengths(payload)
        if len(lengths) and lengths[0] > 0 and (lengths == lengths[0]).all():
            width = int(lengths[0])
            self.block += [
                (width + len(before)).to_bytes(4, "big"),
                before,
                arrow.fixed_values(payload, width),
            ]
            return
        self.block += [(lengths + len(before)).astype(">i4"), before]
        self.flush()
        self.done.append(arrow.empty_for_null(payload))

    def flush(self) -> None:
        if all(isinstance(part, bytes) for part in self.block):
            self.done.append(b"".join(map(bytes, self.block)))
        else:
            self.done.append(arrow.fixed_bytes(_rows(self.block, self.length)))
        self.block = []

    def pieces(self) -> Iterator[Column | bytes]:
        if self.block:
            self.flush()
        return iter(self.done)


def _extended(head: bytes) -> bytes:
    """The head of the same geometry's extended WKB, whose type tells that its system follows (PostGIS)."""
    return head[:-1] + bytes([head[-1] | 0x20]) + SRID.to_bytes(4, "little")


_AT_A_TIME = 1024
"""Rows laid out at a time: they stay in the processor's cache while part after part comes."""


def _rows(block: Sequence[Block], length: int) -> np.typing.NDArray[np.uint8]:
    """The parts side by side, a row of bytes for each tuple."""
    same, parts = bytearray(), dict[int, np.typing.NDArray[Any]]()
    for part in block:
        if isinstance(part, bytes):
            same += part
        else:
            parts[len(same)] = np.ascontiguousarray(part).view(f"V{part.dtype.itemsize}")
            same += bytes(part.dtype.itemsize)
    rows = np.empty((length, len(same)), dtype=np.uint8)
    places = np.dtype(
        {
            "names": [str(start) for start in parts],
            "formats": [values.dtype for values in parts.values()],
            "offsets": list(parts),
            "itemsize": len(same),
        }
    )
    records = rows.reshape(-1).view(places)
    for begin in range(0, length, _AT_A_TIME):
        some = slice(begin, begin + _AT_A_TIME)
        rows[some] = np.frombuffer(same, np.uint8)
        for start, values in parts.items():
            records[str(start)][some] = values[some]
    return rows


def _payload(kind: FieldType, column: Column) -> Column:
    if kind == "jsonb":
        return arrow.as_bytes(arrow.wrapped(_JSONB_VERSION.decode(), column))
    if kind == "text":
        return arrow.as_bytes(column)
    return arrow.without(arrow.big_endian(_numbers(kind, column)), arrow.is_null(column))


def _numbers(kind: FieldType, column: Column) -> np.typing.NDArray[Any]:
    values = arrow.days(column) - _EPOCH_DAYS if kind == "date" else arrow.filled(column)
    return np.asarray(values.astype(_WIDTHS[kind]).astype(">" + _WIDTHS[kind]))
