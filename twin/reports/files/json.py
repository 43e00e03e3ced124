"""A report as one JSON document: what was asked, and every table."""

from __future__ import annotations

import orjson

from twin.errors import Language
from twin.reports.running import Result, Rows


def write(result: Result, _lang: Language) -> bytes:
    """Rows are objects; values are as they are stored, dates ISO 8601."""
    report, asked = result.report, result.request
    document = {
        "report": report.name,
        "en": report.en,
        "zh": report.zh,
        "on": asked.on if "on" in report.takes else None,
        "within": asked.within if "within" in report.takes else None,
        "kinds": asked.kind_names,
        "tables": [_table(table) for table in result.tables],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _table(rows: Rows) -> dict[str, object]:
    columns = [{key: getattr(c, key) for key in ("name", "type", "unit", "en", "zh")} for c in rows.columns]
    return {
        "name": rows.table.name,
        "en": rows.table.en,
        "zh": rows.table.zh,
        "columns": columns,
        "rows": rows.rows,
    }
