"""Spreadsheets (XLSX, XLS, ODS): each sheet that can be seen and is not empty is a layer.

Rows are numbered as the spreadsheet shows them, so that a person finds them. People write titles above the
header, groups of columns over two rows, values merged over several rows, totals and remarks below:

- The header is, of the rows that are all text and at least half as full as the fullest, the fullest one above
  the first row with a number or a date; of equal ones the first.
- Where cells of the header are merged, it reaches as far down as they do, or a row further for a group.
- A cell merged over several rows stands in each of them.
- Totals, and lines with one cell below the last full one, are unread. A total begins with 合计 or the like
  and has no position; where more stands in that cell, such as a number, at most half of its cells are filled.

These rules are ours. Leading zeros that a spreadsheet has dropped, and digits after the fifteenth, are gone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from msgspec import Struct, field

from loaders import arrow
from loaders.errors import FileEmpty
from loaders.formats import BaseFormat, OpenedFile, Request, Rows, Unread, choose_layer
from loaders.formats.csv import unique_names
from loaders.gdal import BATCH_ROWS
from loaders.plan import DEGREES, PLANE, WKT
from loaders.sheets import Cell, Sheet, Workbook, text
from twin.kinds.names import normalise_name

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How a compound file begins: an XLS, or an XLSX with a password ([MS-CFB] 2.2)."""

_HEAD = 50
"""Rows in which the header is looked for."""
_TOTAL = re.compile(
    r"\s*(?:合\s*计|总\s*计|小\s*计|共\s*计|(?:grand\s+|sub)?totals?\b|sum\b)\s*[:：]?\s*(?=[\d(（]|$)", re.I
)

Line = tuple[int, list[str | None]]


class Header(Struct, frozen=True):
    """The columns' names, and the first and last row of the header, counted from 0."""

    names: tuple[str, ...]
    first: int
    last: int


class SheetFile(OpenedFile):
    """A sheet."""

    sheet: Sheet | None = None
    header: Header = field(default_factory=lambda: Header((), 0, 0))

    def rows(self) -> Iterator[Rows]:
        """All rows below the header as text; totals and remarks are ``unread``."""
        judged = self._judged()
        while batch := list(islice(judged, BATCH_ROWS)):
            lines = [line for line in batch if not isinstance(line, Unread)]
            cells = list(zip(*(line for _, line in lines), strict=True)) or [()] * len(self.columns)
            yield Rows(
                np.array([number for number, _ in lines], dtype=np.int64),
                {name: arrow.texts(values) for name, values in zip(self.columns, cells, strict=True)},
                None,
                [line for line in batch if isinstance(line, Unread)],
            )

    def _judged(self) -> Iterator[Line | Unread]:
        """The lines, each read or unread; what may be a remark waits for the next full line."""
        waiting: list[Line] = []
        for number, line in self._lines():
            filled = [value for value in line if value is not None]
            if not filled:
                continue
            if self._is_total(line, filled):
                yield Unread(number, "row.total", " ".join(filled)[:200])
            elif len(filled) == 1 and len(self.columns) > 2:
                waiting.append((number, line))
            else:
                yield from waiting
                waiting = []
                yield number, line
        for number, line in waiting:
            yield Unread(number, "row.total", next(value for value in line if value is not None)[:200])

    def _is_total(self, line: list[str | None], filled: list[str]) -> bool:
        """Whether it begins as a total does, and is no asset that is called so."""
        word = _TOTAL.match(filled[0])
        if word is None or any(all(line[column] for column in pair) for pair in self._positions()):
            return False
        alone = word.end() == len(filled[0])
        return alone or len(filled) * 2 <= len(line)

    def _positions(self) -> list[tuple[int, ...]]:
        """The columns, in pairs or one alone, that hold positions by their names."""
        places = {normalise_name(name): place for place, name in enumerate(self.columns)}
        known = (*DEGREES, *PLANE, *((name,) for name in WKT))
        return [tuple(places[name] for name in names) for names in known if places.keys() >= set(names)]

    def _lines(self) -> Iterator[Line]:
        """The lines below the header by their numbers, with merged cells in each row that they span."""
        if self.sheet is None:
            return
        spans = {(top, left): bottom for (top, left), (bottom, _) in self.sheet.merges if bottom > top}
        standing: dict[int, tuple[int, str | None]] = {}
        for place, cells in enumerate(self.sheet.rows()):
            if place <= self.header.last:
                continue
            line = [text(cell) for cell in cells]
            for column, value in enumerate(line):
                if (place, column) in spans:
                    standing[column] = spans[place, column], value
                elif value is None and column in standing and place <= standing[column][0]:
                    line[column] = standing[column][1]
            yield place + 1, line


class Spreadsheet(BaseFormat, frozen=True):
    """A spreadsheet: a zip archive with the part ``member``, or a file that begins with ``signature``."""

    member: str
    signature: bytes

    def sniff(self, head: bytes) -> bool:
        """Whether it begins so; zip archives are told by what they hold."""
        return bool(self.signature) and head.startswith(self.signature)

    def holds(self, names: Sequence[str]) -> bool:
        """Whether its own part is among them."""
        return self.member in names

    def layers(self, path: Path) -> tuple[str, ...]:
        """The sheets that can be seen and are not empty."""
        return Workbook(path).layers()

    def tables(self, path: Path) -> tuple[str, ...]:
        """The sheets that can be seen."""
        return Workbook(path).visible

    def open(self, path: Path, request: Request) -> SheetFile:
        """The wanted sheet; a hidden one has to be asked for. Raises ``FileBroken`` or ``FileEmpty``."""
        book = Workbook(path)
        hidden = request.layer if request.layer in book.hidden else None
        name = hidden or choose_layer(path, book.layers(), request.layer)
        sheet = book.sheet(name)
        if sheet is None:
            raise FileEmpty(path=path, where_en=f" in layer {name}", where_zh=f"图层 {name} ")
        header = find_header(list(islice(sheet.rows(), sheet.top + _HEAD)), sheet)
        notes = {
            "sheet.hidden": bool(book.hidden) and hidden is None,
            "sheet.titles": header.first > sheet.top,
            "sheet.merged": any(bottom > max(top, header.last) for (top, _), (bottom, _) in sheet.merges),
        }
        return SheetFile(
            path,
            name,
            header.names,
            has_geometry=False,
            notes=tuple(note for note, true in notes.items() if true),
            sheet=sheet,
            header=header,
        )


def find_header(head: Sequence[Sequence[Cell]], sheet: Sheet) -> Header:
    """The header among a sheet's first rows."""
    lines = [[text(cell) for cell in row] for row in head]
    filled = [sum(value is not None for value in line) for line in lines]
    wide = [place for place, count in enumerate(filled) if count and count * 2 >= max(filled)]
    plain = [p for p in wide if all(isinstance(cell, str) for cell in head[p])]
    data = next((p for p in wide if p not in plain), None)
    above = [p for p in plain if data is None or p < data]
    if data is None:
        above = above[:1]
    first = max(above, key=lambda p: (filled[p], -p)) if above else wide[0]
    last = first
    for (top, left), (bottom, right) in sheet.merges:
        if top == first:
            last = max(last, bottom + (right > left))
    last = min(last, len(lines) - 1)
    return Header(_names(lines[first : last + 1], first, sheet), first, last)


def _names(lines: Sequence[Sequence[str | None]], first: int, sheet: Sheet) -> tuple[str, ...]:
    """Each column's lowest name in the header, with the one above where others are called the same."""
    rows = [list(line) for line in lines]
    for (top, left), (_, right) in sheet.merges:
        if first <= top < first + len(rows):
            for column in range(left + 1, right + 1):
                rows[top - first][column] = rows[top - first][left]
    stacks = [[name for row in rows if (name := row[column])] for column in range(sheet.width)]
    lowest = Counter(stack[-1] for stack in stacks if stack)
    return unique_names(
        [" ".join(stack[-1 - (lowest[stack[-1]] > 1) :]) if stack else "" for stack in stacks]
    )


FORMATS = (
    Spreadsheet(
        "XLSX",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        (".xlsx", ".xlsm"),
        "workbooks by openpyxl and GDAL",
        "xl/workbook.xml",
        b"",
    ),
    Spreadsheet(
        "ODS",
        "application/vnd.oasis.opendocument.spreadsheet",
        (".ods",),
        "workbooks by GDAL",
        "content.xml",
        b"",
    ),
    Spreadsheet("XLS", "application/vnd.ms-excel", (".xls",), "workbooks by xlwt", "Workbook", OLE),
)
