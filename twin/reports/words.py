"""Values of reports as people read them."""

from __future__ import annotations

from typing import Any

from twin.errors import Language
from twin.reports.model import Column
from twin.reports.request import area_label
from twin.reports.running import Row

_NONE = {"en": "not recorded", "zh": "未登记"}


def label(column: Column, value: Any, lang: Language) -> Any:
    """The words for a value that is a name of ours; other values as they are."""
    if column.labels is None:
        return value
    if value is None:
        return _NONE[lang]
    words = column.labels().get(value)
    return value if words is None else words[lang == "zh"]


def shown(column: Column, value: Any, lang: Language) -> str:
    """A value as text: thousands set apart, a share in percent, nothing where there is no value."""
    value = label(column, value, lang)
    if value is None:
        return ""
    if column.type == "share":
        return f"{value:.1%}"
    if column.type == "integer":
        return f"{value:,}"
    if column.type == "number":
        return f"{value:.7f}".rstrip("0").rstrip(".") if column.unit == "°" else f"{value:,.1f}"
    return str(value)


def area_of(row: Row, lang: Language) -> str:
    """What people call the area of a row."""
    return area_label(row["area"], row["area_name"], lang)
