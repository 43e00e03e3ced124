"""Whole columns in Apache Arrow: the only module of the loaders that imports pyarrow, with types.

A ``Column`` holds one value per row, null where there is none. Every function takes and gives whole columns;
where Python has to look at values one by one, it looks at each distinct value once (``map_distinct``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from msgspec import Struct

from spatial.arrays import BoolArray, FloatArray, Int64Array

_LONGEST_LINE = 1 << 24
"""Bytes of a CSV's row; Arrow reads a block at a time, and a row must fit into one."""

_LAST_YEAR = 9999
_FIRST, _REPEATED = 1_024, 4
"""Rows that tell how often values repeat, and how often each then does at least."""

ObjectArray = np.typing.NDArray[np.object_]
_NOTHING = pa.scalar(b"", pa.large_binary())
Scalar = str | bytes | int | float | bool
Values = TypeVar("Values", BoolArray, Int64Array)


class Column(Protocol):
    """One value per row (a ``pyarrow.Array``)."""

    @property
    def null_count(self) -> int:
        """How many rows have no value."""

    def __len__(self) -> int:
        """How many rows there are."""

    @property
    def type(self) -> Any:
        """What the values are (a ``pyarrow.DataType``)."""

    def __getitem__(self, rows: slice) -> Column:
        """Some rows in a row."""

    def to_numpy(self, *, zero_copy_only: bool) -> Any:
        """The values as NumPy's."""

    def to_pylist(self) -> list[Any]:
        """The values as Python's own."""


class BrokenStream(Exception):
    """Arrow could not go on reading; ``str`` of it tells why."""


class Batch(Struct, frozen=True):
    """Some rows: columns of one length, by name."""

    columns: Mapping[str, Column]
    length: int


def nulls(length: int) -> Column:
    """A text column without a value."""
    return _column(pa.nulls(length, pa.string()))


def constant(value: Scalar, length: int) -> Column:
    """The same value in every row."""
    return _column(pa.repeat(pa.scalar(value), length))


def texts(values: Iterable[str | None] | ObjectArray) -> Column:
    """A column of texts."""
    return _column(pa.array(values, pa.string()))


def binaries(values: Iterable[bytes | None] | ObjectArray) -> Column:
    """A column of bytes."""
    return _column(pa.array(values, pa.binary()))


def numbers(values: FloatArray | Int64Array | BoolArray, missing: BoolArray | None = None) -> Column:
    """A column of NumPy's numbers or booleans, null where ``missing``."""
    return _column(pa.array(values, mask=missing if missing is not None and missing.any() else None))


def floats(column: Column) -> FloatArray:
    """A numeric column as floats, NaN where null."""
    # Whole numbers beyond 2**53 lose their last digits, which checked casts refuse.
    inexact = pa.types.is_integer(column.type)
    numbers = pc.cast(column, pa.float64(), safe=not inexact)
    result: FloatArray = numbers.to_numpy(zero_copy_only=False, writable=True)
    return result


def filled(column: Column) -> np.typing.NDArray[Any]:
    """A column of numbers or booleans as NumPy's, with 0 or false for null."""
    values: np.typing.NDArray[Any] = pc.fill_null(column, pa.scalar(0).cast(column.type)).to_numpy(
        zero_copy_only=False
    )
    return values


def days(column: Column) -> Int64Array:
    """ISO 8601 dates as days since 1970-01-01, 0 for null."""
    dates = pc.cast(pc.cast(column, pa.date32()), pa.int32())
    values: Int64Array = filled(_column(dates)).astype(np.int64)
    return values


def is_text(column: Column) -> bool:
    """Whether the column holds texts."""
    return bool(pa.types.is_string(column.type) or pa.types.is_null(column.type))


def is_number(column: Column) -> bool:
    """Whether the column holds whole numbers or floats."""
    return bool(pa.types.is_integer(column.type) or pa.types.is_floating(column.type))


def without_nan(column: Column) -> Column:
    """The numbers with null for what is no number."""
    return without(column, _mask(pc.fill_null(pc.is_nan(column), False)))


def is_date(column: Column) -> bool:
    """Whether the column holds dates or times, of years that are written with four digits."""
    if not (pa.types.is_date(column.type) or pa.types.is_timestamp(column.type)):
        return False
    years = pc.min_max(pc.year(column)).as_py()
    return years["min"] is None or 1 <= years["min"] <= years["max"] <= _LAST_YEAR


def iso_dates(column: Column) -> Column:
    """Dates, and those of times (UTC), as ISO 8601 texts."""
    return _column(pc.cast(pc.cast(column, pa.date32(), safe=False), pa.string()))


def objects(column: Column) -> ObjectArray:
    """Texts or bytes as Python objects, ``None`` where null."""
    array: ObjectArray = column.to_numpy(zero_copy_only=False)
    return array


def is_null(column: Column) -> BoolArray:
    """Which rows have no value."""
    return _mask(pc.is_null(column))


def equals(column: Column, value: Scalar) -> BoolArray:
    """Which rows have that value."""
    return _mask(pc.fill_null(pc.equal(column, pa.scalar(value)), False))


def is_any(column: Column, values: Sequence[str]) -> BoolArray:
    """Which rows have one of the values."""
    return _mask(pc.is_in(column, value_set=pa.array(values, pa.string())))


def matches(column: Column, pattern: str) -> BoolArray:
    """Which texts match the regular expression (RE2) somewhere; null does not."""
    return _mask(pc.fill_null(pc.match_substring_regex(column, pattern), False))


def take(column: Column, rows: Int64Array | BoolArray) -> Column:
    """The rows of a mask or of these places."""
    if rows.dtype != np.bool_:
        return _column(pc.take(column, pa.array(rows)))
    return column if rows.all() else _column(pc.filter(column, pa.array(rows)))


def without(column: Column, mask: BoolArray) -> Column:
    """The column with null in the rows of the mask."""
    if not mask.any():
        return column
    return _column(pc.if_else(pa.array(mask), pa.scalar(None, column.type), column))


def concatenated(columns: Sequence[Column]) -> Column:
    """One column after the other."""
    return _column(pa.concat_arrays(columns))


def where(mask: BoolArray, chosen: Column, otherwise: Column) -> Column:
    """One column's values in the rows of the mask, the other's in the rest."""
    return _column(pc.if_else(pa.array(mask), chosen, otherwise))


def first_of(columns: Sequence[Column]) -> Column:
    """In each row the first value that is not null."""
    return columns[0] if len(columns) == 1 else _column(pc.coalesce(*columns))


def joined(columns: Sequence[Column], separator: str) -> Column:
    """Each row's texts joined, null ones left out; null where all are."""
    nothing: BoolArray = np.logical_and.reduce([is_null(column) for column in columns])
    first, *others = columns
    # Told to skip null, Arrow loses the rows whose texts are all null.
    parts = (pc.if_else(pa.array(nothing), "", first), *others, pa.scalar(separator))
    return without(_column(_row_join(parts, null_handling="skip")), nothing)


def wrapped(before: str, column: Column, after: str = "") -> Column:
    """Each text with others around it; null stays null."""
    return concatenated_texts([before, column, after])


def concatenated_texts(parts: Sequence[Column | str]) -> Column:
    """Each row's texts one after the other; a literal is in every row. Null where one of them is."""
    return _column(_row_join((*(pa.scalar(p) if isinstance(p, str) else p for p in parts), pa.scalar(""))))


def stripped(column: Column) -> Column:
    """The texts without white space around them and without NUL, which PostgreSQL lacks; empty is null."""
    if is_text(column) and not _may_be_blank(text_bytes(column)) and (byte_lengths(column) != 0).all():
        return column
    text = pc.utf8_trim_whitespace(column)
    if pc.any(pc.match_substring(text, "\0")).as_py():
        text = pc.utf8_trim_whitespace(pc.replace_substring(text, "\0", ""))
    return _column(pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text))


def _may_be_blank(data: np.typing.NDArray[np.uint8]) -> bool:
    """Whether a byte of UTF-8 is white space or NUL, or begins a character that may be: C2, E1, E2, E3."""
    if data.min(initial=0xFF) <= ord(" "):
        return True
    return data.max(initial=0) > 0x7F and bool(((data == 0xC2) | (data - np.uint8(0xE1) <= 2)).any())


def lower(column: Column) -> Column:
    """The texts in lower case."""
    return _column(pc.utf8_lower(column))


def single_spaced(column: Column) -> Column:
    """The texts with each run of white space become one space, and none around them."""
    return _column(pc.utf8_trim_whitespace(pc.replace_substring_regex(column, r"\s+", " ")))


def decimal_points(column: Column) -> Column:
    """The texts with the comma of those like ``-1,5`` become a point."""
    return _column(pc.replace_substring_regex(column, r"^([+-]?[0-9]+),([0-9]+)$", r"\1.\2"))


def longer_than(column: Column, characters: int) -> BoolArray:
    """Where a text has more than so many characters."""
    if (byte_lengths(column) <= characters).all():
        return np.zeros(len(column), dtype=np.bool_)
    return _mask(pc.fill_null(pc.greater(pc.utf8_length(column), characters), False))


def text_bytes(column: Column) -> np.typing.NDArray[np.uint8]:
    """All texts' UTF-8 bytes in a row, without regard to where one ends."""
    if not pa.types.is_string(column.type):
        return np.empty(0, np.uint8)
    array: Any = column
    _, offsets, data = array.buffers()
    edges = np.frombuffer(offsets, np.int32)
    first, last = edges[array.offset], edges[array.offset + len(array)]
    return np.frombuffer(data, np.uint8)[first:last] if last > first else np.empty(0, np.uint8)


def is_ascii(column: Column) -> BoolArray:
    """Which texts are plain ASCII; null counts as such."""
    if pa.types.is_string(column.type) and text_bytes(column).max(initial=0) <= 0x7F:
        return np.ones(len(column), dtype=np.bool_)
    return _mask(pc.fill_null(pc.string_is_ascii(column), True))


def parsed_floats(column: Column) -> FloatArray:
    """Texts that are plain decimal numbers as floats; NaN for null. Raises ``ValueError`` for others."""
    return floats(_column(pc.cast(column, pa.float64())))


def distinct(column: Column) -> list[Any]:
    """The different values, without null."""
    return [value for value in pc.unique(column).to_pylist() if value is not None]


def size(column: Column) -> int:
    """The bytes of all values, and of what tells where each ends."""
    values: Any = column
    return int(values.nbytes)


def count_distinct(column: Column) -> int:
    """How many different values there are, null aside."""
    return len(pc.unique(column)) - bool(column.null_count)


def last(column: Column) -> Any:
    """The last value of a column that has some."""
    values: Any = column
    return values[-1].as_py()


def ascend(column: Column, beyond: object) -> bool:
    """Whether each value is greater than the one before it, and the first one than ``beyond``.

    Texts are compared by their bytes. None may be null, nor is one ``beyond`` which there is nothing.
    """
    values: Any = column
    if len(values) and beyond is not None and not values[0].as_py() > beyond:
        return False
    rising = pc.less(values[:-1], values[1:])
    return bool(pc.all(rising, min_count=0).as_py())


def parsed_integers(column: Column) -> Int64Array:
    """Texts that are whole numbers of 64 bits; none may be null."""
    integers: Int64Array = pc.cast(column, pa.int64()).to_numpy(zero_copy_only=False)
    return integers


def encoded(column: Column) -> tuple[Int64Array, list[Any]]:
    """Each row's value as a number, -1 for null, and the values that the numbers stand for."""
    numbers, values = dictionary(column)
    return numbers, values.to_pylist()


def dictionary(column: Column) -> tuple[Int64Array, Column]:
    """The same with the values as a column."""
    encoded = pc.dictionary_encode(column)
    numbers: Int64Array = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return numbers, _column(encoded.dictionary)


def repeats(column: Column) -> bool:
    """Whether few of the first rows' values are different. Of lists that is not asked."""
    if pa.types.is_nested(column.type):
        return False
    first = column[:_FIRST]
    return len(pc.unique(first)) * _REPEATED < len(first)


def once_each(column: Column, compute: Callable[[Column], Values], of_null: Scalar | np.int64) -> Values:
    """What ``compute`` gives for each value, an array, and ``of_null`` where there is none.

    Where few values are different, it is asked of each of these once.
    """
    if repeats(column):
        numbers, values = dictionary(column)
        # Null is number -1.
        repeated: Values = np.append(compute(values), of_null)[numbers]
        return repeated
    found = compute(column)
    if column.null_count:
        found[is_null(column)] = of_null
    return found


def numbers_as_text(column: Column) -> Column:
    """Numbers as texts; where few are different, each of these is written once."""
    if not repeats(column):
        return as_text(column)
    encoded = pc.dictionary_encode(column)
    return _column(pc.take(as_text(encoded.dictionary), encoded.indices))


def positions(column: Column, values: Column) -> Int64Array:
    """Where each value stands first among ``values``; -1 where it does not, and for null."""
    found = pc.index_in(column, value_set=values, skip_nulls=True)
    places: Int64Array = pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return places


def chosen(values: Sequence[str], places: Int64Array) -> Column:
    """The text at each of these places among ``values``, null for -1."""
    return _column(pc.take(pa.array(values, pa.string()), numbers(places, places < 0)))


def scattered(parts: Sequence[tuple[Int64Array, np.typing.NDArray[np.bytes_]]], length: int) -> Column:
    """ASCII texts at the places that stand beside them; null elsewhere."""
    order = np.full(length, -1, dtype=np.int64)
    done = 0
    for places, _ in parts:
        order[places] = np.arange(done, done + len(places))
        done += len(places)
    values = pa.concat_arrays([_fixed_texts(texts) for _, texts in parts])
    return _column(pc.take(values, numbers(order, order < 0)))


def _fixed_texts(values: np.typing.NDArray[np.bytes_]) -> Any:
    """ASCII texts of one length."""
    width = values.dtype.itemsize
    offsets = pa.py_buffer(np.arange(0, (len(values) + 1) * width, width, dtype=np.int32))
    return pa.Array.from_buffers(pa.string(), len(values), [None, offsets, pa.py_buffer(values)])


def map_distinct(column: Column, function: Callable[[str], Scalar | None], kind: str = "string") -> Column:
    """``function`` of each value, called once for each distinct one; ``kind`` is what it gives (Arrow)."""
    encoded = pc.dictionary_encode(column)
    results = pa.array([function(value) for value in encoded.dictionary.to_pylist()], pa.type_for_alias(kind))
    return _column(pc.take(results, encoded.indices))


def as_text(column: Column) -> Column:
    """Any column as texts: dates as ISO 8601, lists joined by ``;``, bytes as hexadecimal digits."""
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _column(pc.binary_join(pc.cast(column, pa.list_(pa.string())), pa.scalar(";")))
    if pa.types.is_nested(kind) or _is_binary(kind):
        return texts(
            value.hex() if isinstance(value, bytes) else None if value is None else str(value)
            for value in column.to_pylist()
        )
    return column if pa.types.is_string(kind) else _column(pc.cast(column, pa.string()))


def written(column: Column) -> Column:
    """Bytes as they are, anything else as texts."""
    return column if _is_binary(column.type) else as_text(column)


def big_endian(values: np.typing.NDArray[Any]) -> Column:
    """Numbers as the bytes of their big-endian form, without a loop."""
    array = np.ascontiguousarray(values.astype(values.dtype.newbyteorder(">")))
    return fixed_bytes(array.view(np.uint8).reshape(len(array), array.dtype.itemsize))


def fixed_bytes(rows: np.typing.NDArray[np.uint8]) -> Column:
    """A matrix of bytes, one row each, as a column of bytes."""
    length, width = rows.shape
    offsets = pa.py_buffer(np.arange(0, (length + 1) * width, max(width, 1), dtype=np.int64)[: length + 1])
    return _column(pa.Array.from_buffers(pa.large_binary(), length, [None, offsets, pa.py_buffer(rows)]))


def fixed_values(column: Column, width: int) -> np.typing.NDArray[Any]:
    """A column of so many bytes in every row as NumPy's values of that size."""
    data, starts, _ = binary_parts(column)
    first = int(starts[0]) if len(starts) else 0
    return data[first : first + width * len(column)].view(f"V{width}")


def cut(text: bytes, ends: Int64Array) -> Column:
    """A run of UTF-8 as a column of texts, each of which ends where one of ``ends`` says, in bytes."""
    offsets = pa.py_buffer(np.concatenate([[0], ends]).astype(np.int64))
    buffers = [None, offsets, pa.py_buffer(text)]
    return _column(pa.Array.from_buffers(pa.large_string(), len(ends), buffers))


def binary_parts(column: Column) -> tuple[np.typing.NDArray[np.uint8], Int64Array, Int64Array]:
    """A column of bytes as one run of them, and where each value begins and how long it is; null is empty."""
    buffer, edges = _buffer(pc.cast(column, pa.large_binary()))
    return np.frombuffer(buffer, np.uint8), edges[:-1], np.diff(edges)


def head(column: Column, length: int) -> bytes | None:
    """The bytes, so many of them, that all values begin with; None where one does not, or is null."""
    data, starts, lengths = binary_parts(column)
    if column.null_count or not len(lengths) or lengths.min() < length:
        return None
    begin = np.lib.stride_tricks.sliding_window_view(data, length)[starts]
    return bytes(begin[0]) if (begin == begin[0]).all() else None


def without_head(column: Column, length: int) -> Column:
    """Bytes without the first of them, so many."""
    # Without an end Arrow 26 asks for a negative number of bytes.
    return _column(pc.binary_slice(as_bytes(column), length, 2**31 - 1))


def with_heads(column: Column, length: int, replaced: Callable[[bytes], bytes]) -> Column:
    """Bytes with others in place of the first of them, so many."""
    heads = [value and replaced(value) for value in pc.binary_slice(as_bytes(column), 0, length).to_pylist()]
    return _column(_row_join((pa.array(heads, pa.large_binary()), without_head(column, length), _NOTHING)))


def mixed(mask: BoolArray, chosen: Column, others: Column) -> Column:
    """A column of bytes: in the rows of the mask the values of one, in turn, in the rest the other's."""
    if not mask.any():
        return others
    places = np.where(mask, np.cumsum(mask) - 1, len(chosen) + np.cumsum(~mask) - 1)
    both = [pc.cast(column, pa.large_binary()) for column in (chosen, others)]
    return _column(pc.take(pa.concat_arrays(both), pa.array(places)))


def as_bytes(column: Column) -> Column:
    """Texts as their UTF-8 bytes; bytes stay what they are."""
    return _column(pc.cast(column, pa.large_binary()))


def byte_lengths(column: Column) -> Int64Array:
    """How many bytes each value has; -1 where null, as PostgreSQL's binary COPY wants it."""
    lengths: Int64Array = pc.fill_null(pc.binary_length(column), -1).to_numpy(zero_copy_only=False)
    return lengths.astype(np.int64)


def empty_for_null(column: Column) -> Column:
    """Texts or bytes with null become empty ones."""
    if not column.null_count:
        return column
    return _column(pc.fill_null(column, pa.scalar("").cast(column.type)))


def joined_bytes(parts: Sequence[Column | bytes], length: int) -> memoryview:
    """The parts of ``length`` rows one after the other, all rows in one buffer; a literal is in every row."""
    literals = [part for part in parts if isinstance(part, bytes)]
    if len(literals) == len(parts):
        return memoryview(b"".join(literals) * length)
    values = [pa.scalar(part, pa.large_binary()) if isinstance(part, bytes) else part for part in parts]
    buffer, offsets = _buffer(_row_join((*values, _NOTHING)))
    return buffer[offsets[0] : offsets[-1]]


class BadLine(Struct, frozen=True):
    """A line of a CSV file with more or fewer fields than its header; ``row`` counts data rows from 1."""

    row: int
    expected: int
    found: int
    text: str


def csv_batches(
    path: Path,
    names: Sequence[str],
    *,
    delimiter: str,
    encoding: str,
    on_bad_line: Callable[[BadLine], None],
    wanted: Sequence[str] = (),
) -> Iterator[Batch]:
    """The data rows of a CSV file with a header, every column as text, empty ones as null.

    ``wanted`` are the columns to read, if not all. Raises ``BrokenStream`` where the file cannot be parsed
    any further.
    """

    def bad_line(line: Any) -> str:
        on_bad_line(BadLine(int(line.number) - 1, line.expected_columns, line.actual_columns, line.text))
        return "skip"

    try:
        with pa.csv.open_csv(
            path,
            read_options=pa.csv.ReadOptions(
                column_names=names,
                skip_rows_after_names=1,
                block_size=_LONGEST_LINE,
                encoding=encoding,
                use_threads=False,
            ),
            parse_options=pa.csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=bad_line
            ),
            convert_options=_as_text_options(names, wanted),
        ) as reader:
            yield from record_batches(reader)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise BrokenStream(str(error)) from error


def parquet_facts(path: Path) -> tuple[tuple[str, ...], int, dict[str, str]]:
    """A Parquet file's columns, how many rows it has, and what its writer says of it."""
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            said = file.schema_arrow.metadata or {}
            words = {key.decode(): value.decode() for key, value in said.items()}
            return tuple(file.schema_arrow.names), int(file.metadata.num_rows), words
    except (pa.ArrowException, OSError) as error:
        raise BrokenStream(str(error)) from error


def parquet_batches(path: Path, size: int) -> Iterator[Batch]:
    """The rows of a Parquet file, at most ``size`` at a time. Raises ``BrokenStream``."""
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        yield from record_batches(file.iter_batches(size))


def record_batches(reader: Iterable[Any]) -> Iterator[Batch]:
    """The batches of any Arrow stream. Raises ``BrokenStream`` where it ends badly or text is not UTF-8."""
    try:
        for batch in reader:
            batch.validate(full=True)
            yield Batch(dict(zip(batch.schema.names, batch.columns, strict=True)), batch.num_rows)
    except (pa.ArrowException, OSError) as error:
        if "straddling object" in str(error):  # Arrow's words for a row longer than a block
            raise BrokenStream(f"a line is longer than {_LONGEST_LINE:,} bytes") from error
        raise BrokenStream(str(error)) from error


class Spool:
    """Batches of the same columns, put by in a file to be read again, as often as wanted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None
        self.length = 0

    def add(self, batch: Batch) -> None:
        """Put a batch by."""
        rows = pa.record_batch(list(batch.columns.values()), names=list(batch.columns))
        if self._writer is None:
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            self._writer = pa.ipc.new_stream(self._path, rows.schema, options=options)
        self._writer.write_batch(rows)
        self.length += batch.length

    def close(self) -> None:
        """End the file; from now on it can be read."""
        if self._writer is not None:
            self._writer.close()

    def batches(self) -> Iterator[Batch]:
        """The batches, in order, one in memory at a time."""
        if self._writer is not None:
            with pa.OSFile(str(self._path)) as file, pa.ipc.open_stream(file) as reader:
                yield from record_batches(reader)


def stream(batches: Iterable[Batch]) -> Any:
    """A ``pyarrow.RecordBatchReader`` of batches that have the columns and types of the first.

    Raises ``StopIteration`` where there is none.
    """
    remaining = iter(batches)
    first = next(remaining)
    schema = pa.schema([(name, column.type) for name, column in first.columns.items()])

    def records() -> Iterator[Any]:
        for batch in chain([first], remaining):
            columns = [pc.cast(batch.columns[field.name], field.type) for field in schema]
            yield pa.record_batch(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, records())


def sliced(batch: Batch, size: int) -> Iterator[Batch]:
    """The batch in pieces of at most ``size`` rows."""
    for start in range(0, batch.length, size):
        columns = {name: column[start : start + size] for name, column in batch.columns.items()}
        yield Batch(columns, min(size, batch.length - start))


def _as_text_options(names: Sequence[str], wanted: Sequence[str] = ()) -> Any:
    return pa.csv.ConvertOptions(
        column_types={name: pa.string() for name in names}, strings_can_be_null=True, null_values=[""],
        quoted_strings_can_be_null=False, include_columns=list(wanted),
    )  # fmt: skip


def _row_join(parts: Sequence[Any], **options: Any) -> Any:
    """Each row's parts joined by the last of them; scalars stand in every row."""
    rows = next(part for part in parts if isinstance(part, pa.Array))
    # Of no rows and some scalars Arrow makes one row.
    return pc.binary_join_element_wise(*parts, **options) if len(rows) else rows.slice(0, 0)


def _buffer(rows: Any) -> tuple[memoryview, Int64Array]:
    _, offsets, data = rows.buffers()
    starts = np.frombuffer(offsets, np.int64)[rows.offset : rows.offset + len(rows) + 1]
    return memoryview(data) if data is not None else memoryview(b""), starts


def _mask(values: Any) -> BoolArray:
    result: BoolArray = np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.bool_)
    return result


def _column(array: Any) -> Column:
    column: Column = array
    return column


def _is_binary(kind: Any) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
