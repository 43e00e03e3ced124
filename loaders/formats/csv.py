"""CSV and TSV with a header: positions in columns, the usual delimiters, in whatever encoding people use."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from msgspec import field

from loaders import arrow, bundle, encodings, quotes
from loaders.arrow import BadLine, BrokenStream
from loaders.errors import FileBroken, FileEmpty
from loaders.formats import BaseFormat, OpenedFile, Request, Rows, Unread, require_no_layer
from loaders.gdal import BATCH_ROWS
from spatial.arrays import Int64Array
from twin.errors import sentence

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DELIMITERS = ",;\t|"
_OPENING = re.compile(rf'(?:^|[{_DELIMITERS}])"')


class CsvFile(OpenedFile):
    """A CSV file of known encoding and delimiter; ``text`` is a copy in UTF-8 with quotes mended."""

    delimiter: str = ","
    text: Path | None = None
    _bad: list[BadLine] = field(default_factory=list)

    def rows(self) -> Iterator[Rows]:
        """All rows as text; lines with too few or too many fields are ``unread``. Raises ``FileBroken``."""
        done = 0
        self._bad.clear()
        try:
            for whole in arrow.csv_batches(
                self.text or self.path,
                self.columns,
                delimiter=self.delimiter,
                encoding="UTF-8" if self.text else self.encoding or "UTF-8",
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


class Format(BaseFormat, frozen=True):
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
    """A file in a known encoding. Raises ``FileEmpty``, or ``FileBroken`` where a NUL stands in the text."""
    with path.open(encoding=_header_encoding(encoding), newline="") as file:
        head, followed = _first_record(file)
    if not followed or not head.strip():
        raise FileEmpty(path=path, where_en="", where_zh="")
    headers = {d: _fields(head, d) for d in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda d: len(headers[d]))
    names = unique_names(headers[delimiter])
    copy = with_quotes_mended(path, encoding, delimiter, len(names))
    return CsvFile(
        path,
        None,
        names,
        has_geometry=False,
        encoding=encoding,
        encoding_found=found,
        decimal_comma=delimiter == ";",
        delimiter=delimiter,
        notes=("text.quotes",) if copy else (),
        text=copy,
    )


def with_quotes_mended(path: Path, encoding: str, delimiter: str, width: int) -> Path | None:
    """A copy in UTF-8 where a quote is text that would be taken for a field's; None where none is.

    Raises ``FileBroken`` where a NUL stands in the text.
    """
    found = False
    for text, changed in quotes.mended(encodings.texts(path, encoding), delimiter, width):
        if "\0" in text:
            raise FileBroken(path=path, reason="a NUL character stands in its text.")
        found |= changed
    return bundle.with_quotes_mended(path, encoding, delimiter, width) if found else None


def encoding_of(path: Path) -> tuple[str, str]:
    """The encoding, and how it was found: ``BOM`` or ``detected``. Raises ``UnknownEncoding``."""
    with path.open("rb") as file:
        mark = file.read(3)
    if mark.startswith(_UTF16):
        return encodings.require(path, "UTF-16"), "BOM"
    if mark == codecs.BOM_UTF8:
        return encodings.require(path, "UTF-8"), "BOM"
    return encodings.of_text_file(path), "detected"


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


def _first_record(file: io.TextIOWrapper) -> tuple[str, bool]:
    """The header, and whether something follows it.

    It may hold line breaks between quotes; where these are not closed, it is the first line.
    """
    first = head = file.readline()
    for _ in range(quotes.MAX_LINES if _OPENING.search(first) else 0):
        if head.count('"') % 2 == 0:
            break
        head += file.readline()
    else:
        return first, len(head) > len(first) or bool(file.read(1))
    return head, bool(file.read(1))


def _fields(head: str, delimiter: str) -> list[str]:
    """The header's names; a quote that is not closed is a character."""
    if head.count('"') % 2:
        return head.rstrip("\r\n").split(delimiter)
    return next(csv.reader(io.StringIO(head), delimiter=delimiter))


def _header_encoding(encoding: str) -> str:
    return "utf-8-sig" if encoding == "UTF-8" else encoding


FORMATS = (Format(),)
