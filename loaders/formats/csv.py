"""CSV and TSV with a header: positions in columns, the usual delimiters, in whatever encoding people use."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from loaders import arrow, encodings
from loaders.arrow import BadLine, BrokenStream
from loaders.errors import FileBroken, FileEmpty
from loaders.formats import BaseFormat, OpenedFile, Request, Rows, Unread, require_no_layer
from loaders.gdal import BATCH_ROWS
from spatial.arrays import Int64Array
from twin.errors import sentence

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DELIMITERS = ",;\t|"


@dataclass(slots=True)
class CsvFile(OpenedFile):
    """A CSV file of known encoding and delimiter."""

    delimiter: str = ","
    _bad: list[BadLine] = field(default_factory=list)

    def rows(self) -> Iterator[Rows]:
        """All rows as text; lines with too few or too many fields are ``unread``. Raises ``FileBroken``."""
        done = 0
        self._bad.clear()
        try:
            for whole in arrow.csv_batches(
                self.path,
                self.columns,
                delimiter=self.delimiter,
                encoding=self.encoding or "UTF-8",
                on_bad_line=self._bad.append,
            ):
                for batch in arrow.sliced(whole, BATCH_ROWS):
                    numbers, bad = self._number(done, batch.length)
                    yield Rows(numbers, dict(batch.columns), None, bad)
                    done = int(numbers[-1])
        except BrokenStream as error:
            raise FileBroken(path=self.path, reason=sentence(error)) from error
        if self._bad:
            yield Rows(
                np.zeros(0, dtype=np.int64), {n: arrow.nulls(0) for n in self.columns}, None, self._unread()
            )

    def _number(self, done: int, length: int) -> tuple[Int64Array, list[Unread]]:
        """The places of the next rows: bad lines, which Arrow leaves out, count too."""
        bad = np.array([line.row for line in self._bad], dtype=np.int64)
        places = np.arange(done + 1, done + length + len(bad) + 1, dtype=np.int64)
        numbers = np.setdiff1d(places, bad)[:length]
        return numbers, self._unread(int(numbers[-1]))

    def _unread(self, last: int | None = None) -> list[Unread]:
        """The bad lines up to a row, which are then done with."""
        taken = [line for line in self._bad if last is None or line.row <= last]
        # In place: the reader goes on appending to this list.
        self._bad[:] = [line for line in self._bad if last is not None and line.row > last]
        return [Unread(line.row, "row.fields", line.text) for line in taken]


@dataclass(frozen=True, slots=True)
class Format(BaseFormat):
    """CSV."""

    name: str = "CSV"
    media_type: str = "text/csv"
    extensions: tuple[str, ...] = (".csv", ".tsv", ".txt")
    tested: str = "Washington, New York, Shanghai, Athens"

    def sniff(self, head: bytes) -> bool:
        """Whether it is text whose first line has a delimiter or is one plain word, and no markup."""
        text = head.removeprefix(codecs.BOM_UTF8)
        if head.startswith(_UTF16):
            text = head.decode("utf-16", errors="ignore").encode()
        if b"\0" in text or text.lstrip()[:1] in (b"{", b"[", b"<", b"\x1e"):
            return False
        return text.startswith(tuple(b"%c" % code for code in range(9, 256))) and not text.startswith(b"%PDF")

    def open(self, path: Path, request: Request) -> CsvFile:
        """The file. Raises ``UnknownLayer``, ``UnknownEncoding``, ``FileBroken`` or ``FileEmpty``."""
        require_no_layer(path, request, self.name)
        return open_text(path, *encoding_of(path))


def open_text(path: Path, encoding: str, found: str) -> CsvFile:
    """A file in a known encoding. Raises ``FileEmpty``."""
    with path.open(encoding=_header_encoding(encoding), newline="") as file:
        head = _first_record(file)
        empty = not file.read(1)
    if empty or not head.strip():
        raise FileEmpty(path=path, where_en="", where_zh="")
    headers = {d: next(csv.reader(io.StringIO(head), delimiter=d)) for d in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda d: len(headers[d]))
    names = unique_names(headers[delimiter])
    return CsvFile(
        path,
        None,
        names,
        has_geometry=False,
        encoding=encoding,
        encoding_found=found,
        decimal_comma=delimiter == ";",
        delimiter=delimiter,
    )


def encoding_of(path: Path) -> tuple[str, str]:
    """The encoding, and how it was found: ``BOM`` or ``detected``.

    Raises ``UnknownEncoding``, or ``FileBroken`` where a NUL stands in the text.
    """
    with path.open("rb") as file:
        mark = file.read(3)
    if mark.startswith(_UTF16):
        found = encodings.require(path, "UTF-16"), "BOM"
    elif mark == codecs.BOM_UTF8:
        found = encodings.require(path, "UTF-8"), "BOM"
    else:
        found = encodings.of_text_file(path), "detected"
    if any("\0" in text for text in encodings.texts(path, found[0])):
        raise FileBroken(path=path, reason="a NUL character stands in its text.")
    return found


def unique_names(names: list[str]) -> tuple[str, ...]:
    """The header's names, stripped; one that is empty or comes again gets its place behind it."""
    found: dict[str, None] = {}
    for place, name in enumerate(names, start=1):
        plain = name.strip()
        unique = plain or f"column_{place}"
        while unique in found:
            unique = f"{unique}_{place}"
        found[unique] = None
    return tuple(found)


def _first_record(file: io.TextIOWrapper) -> str:
    """The header, which may hold line breaks between quotes."""
    head = file.readline()
    while head.count('"') % 2 and (line := file.readline()):
        head += line
    return head


def _header_encoding(encoding: str) -> str:
    return "utf-8-sig" if encoding == "UTF-8" else encoding


FORMATS = (Format(),)
