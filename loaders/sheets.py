"""Spreadsheets' cells as texts: the only module of the loaders that imports python-calamine.

A cell is what was typed or last calculated. Rows and columns are counted from 0 here.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from io import BytesIO
from pathlib import Path

from msgspec import Struct
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from loaders.errors import FileBroken
from twin.errors import sentence

Cell = str | int | float | bool | date | datetime | time | timedelta
Merge = tuple[tuple[int, int], tuple[int, int]]


class Sheet(Struct, frozen=True):
    """A sheet: all its rows, of which the first with anything is ``top``, from its first column used.

    ``merges`` are the first and last row and column of merged cells, counted likewise.
    """

    name: str
    top: int
    width: int
    merges: tuple[Merge, ...]
    _cells: CalamineSheet

    def rows(self) -> Iterator[list[Cell]]:
        """The rows in order, all of one width; an empty cell is an empty text."""
        return self._cells.iter_rows()


class Workbook:
    """A spreadsheet file with its sheets; ``hidden`` are the names of those that are not to be seen."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises ``FileBroken``."""
        self.path = path
        with _told(path):
            self._book = CalamineWorkbook.from_object(_tidied(path) if is_ods(path) else path)
        tables = [one for one in self._book.sheets_metadata if one.typ is SheetTypeEnum.WorkSheet]
        self.visible = tuple(one.name for one in tables if one.visible is SheetVisibleEnum.Visible)
        self.hidden = tuple(one.name for one in tables if one.visible is not SheetVisibleEnum.Visible)
        self._last: CalamineSheet | None = None

    def sheet(self, name: str) -> Sheet | None:
        """A sheet, None where it is empty. Raises ``FileBroken``."""
        cells = self._parsed(name)
        if cells.start is None:
            return None
        top, left = cells.start
        merges = tuple(
            ((first_row, first - left), (last_row, last - left))
            for (first_row, first), (last_row, last) in cells.merged_cell_ranges or []
        )
        return Sheet(name, top, cells.width, merges, cells)

    def _parsed(self, name: str) -> CalamineSheet:
        """A sheet's cells; the last that were asked for are kept, as parsing takes longest."""
        if self._last is None or self._last.name != name:
            with _told(self.path):
                self._last = self._book.get_sheet_by_name(name)
        return self._last

    def layers(self) -> tuple[str, ...]:
        """The sheets that can be seen and are not empty."""
        return tuple(name for name in self.visible if self.sheet(name) is not None)


def is_ods(path: Path) -> bool:
    """Whether a file is an OpenDocument package: its first member says so (ODF 1.3, part 2, 3.3)."""
    with path.open("rb") as file:
        return b"application/vnd.oasis.opendocument" in file.read(128)


def _tidied(path: Path) -> BytesIO:
    """An ODS without white space between elements, which GDAL and QGIS write and calamine can't read."""
    tidied = BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tidied, "w") as new:
        for name in ("mimetype", "META-INF/manifest.xml", "content.xml"):
            content = old.read(name)
            new.writestr(name, re.sub(rb">\s+<", b"><", content) if name == "content.xml" else content)
    tidied.seek(0)
    return tidied


def text(cell: Cell) -> str | None:
    """A cell as text: whole numbers without a point, others with 15 digits, dates in ISO 8601."""
    if isinstance(cell, str):
        return cell if cell.strip() else None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return f"{cell:.0f}" if cell.is_integer() else f"{cell:.15g}"
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Errors of calamine in our words; a workbook with a password is no zip archive but an OLE file."""
    try:
        yield
    except PasswordError:
        raise FileBroken(path=path, reason="it is protected by a password.") from None
    except (CalamineError, zipfile.BadZipFile, KeyError) as error:
        raise FileBroken(path=path, reason=sentence(error)) from error
