"""A report as an Excel workbook, a sheet for each table: the only module that imports openpyxl.

Headings stand in Chinese and English and stay in view. Numbers, shares and dates are typed cells; texts are
texts whatever they begin with, never formulas.
"""

from __future__ import annotations

import io
import re
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from twin.errors import Language
from twin.reports.errors import TooManyRows
from twin.reports.model import Column
from twin.reports.running import Result, Rows
from twin.reports.words import label

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_ROWS = 1_048_575
"""The rows of a sheet below its heading (ECMA-376 leaves it to Excel, which has 2²⁰ in all)."""

_FORMATS = {"integer": "#,##0", "number": "#,##0.0", "share": "0.0%", "date": "yyyy-mm-dd"}
_DEGREES = "0.0000000"
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that XML 1.0 cannot hold."""


def write(result: Result, lang: Language) -> bytes:
    """The workbook. Raises ``TooManyRows``."""
    book = Workbook(write_only=True)
    for table in result.tables:
        if len(table.rows) > MAX_ROWS:
            raise TooManyRows(table=table.table.name, limit=MAX_ROWS)
        _fill(book.create_sheet(table.table.title(lang)[:31]), table, lang)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _fill(sheet: Any, table: Rows, lang: Language) -> None:
    sheet.freeze_panes = "C2"
    for place, column in enumerate(table.columns, 1):
        sheet.column_dimensions[get_column_letter(place)].width = 30 if column.type == "text" else 16
    sheet.append([_heading(sheet, column) for column in table.columns])
    for row in table.rows:
        sheet.append([_cell(sheet, column, row[column.name], lang) for column in table.columns])


def _heading(sheet: Any, column: Column) -> Cell:
    unit = "" if column.unit is None else f"\n({column.unit})"
    cell = _text(sheet, f"{column.zh}\n{column.en}{unit}")
    cell.font = Font(bold=True)
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def _cell(sheet: Any, column: Column, value: Any, lang: Language) -> Cell | None:
    value = label(column, value, lang)
    if value is None:
        return None
    if column.type == "text":
        return _text(sheet, str(value))
    cell = WriteOnlyCell(sheet, value)
    cell.number_format = _DEGREES if column.unit == "°" else _FORMATS[column.type]
    return cell


def _text(sheet: Any, value: str) -> Cell:
    """A cell that is text; one that looks like a formula keeps being text when somebody edits it."""
    cell = WriteOnlyCell(sheet, _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", value))
    cell.data_type = "s"
    cell.quotePrefix = value.startswith(("=", "+", "-", "@"))
    return cell
