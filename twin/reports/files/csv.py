"""A table of a report as CSV (RFC 4180).

UTF-8 with a byte order mark, without which Excel takes Chinese text for another encoding. Texts that a
spreadsheet would take for a formula get an apostrophe before them.
"""

from __future__ import annotations

import csv
import io
from typing import Any

from twin.errors import Language
from twin.reports.running import Result

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a cell begins with that a spreadsheet takes for a formula (OWASP, CSV injection)."""


def write(result: Result, _lang: Language) -> bytes:
    """The first table, under the columns' own names."""
    table = result.tables[0]
    names = [column.name for column in table.columns]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows([_cell(row[name]) for name in names] for row in table.rows)
    return out.getvalue().encode("utf-8-sig")


def _cell(value: Any) -> Any:
    return harmless(value) if isinstance(value, str) else value


def harmless(text: str) -> str:
    """The text, which no spreadsheet takes for a formula."""
    return f"'{text}" if len(text) > 1 and text.startswith(FORMULA_SIGNS) else text
