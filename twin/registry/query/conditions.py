"""Conditions on the attributes of a kind, by their types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import any_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement

from twin.kinds.model import Attribute, AttributeType
from twin.registry.attributes import attribute_value
from twin.registry.query.errors import InputText
from twin.registry.query.inputs import Given
from twin.registry.query.names import constant, stored

MAX_VALUES = 1_000

_ORDERED = ("eq", "in", "lt", "lte", "gt", "gte", "isNull")
OPERATORS: Mapping[AttributeType, tuple[str, ...]] = {
    "text": (*_ORDERED, "contains", "startsWith"),
    "integer": _ORDERED,
    "number": _ORDERED,
    "date": _ORDERED,
    "choice": ("eq", "in", "isNull"),
    "boolean": ("eq", "isNull"),
}

_WITHIN_TEXTS = ("contains", "startsWith")

Condition = ColumnElement[bool]
Compare = Callable[[ColumnElement[Any], Any], Condition]

COMPARISONS: Mapping[str, Compare] = {
    "eq": lambda column, value: column == value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "contains": lambda column, value: column.contains(value, autoescape=True),
    "startsWith": lambda column, value: column.startswith(value, autoescape=True),
}


def attribute_conditions(
    attributes: ColumnElement[Any], attribute: Attribute, given: Given
) -> list[Condition]:
    """What ``{gte: 3, lt: 10}`` and the like mean for ``attribute``; all of it must hold.

    An asset without the attribute meets no condition but ``isNull: true``. Texts, and dates as ISO text,
    compare by the database's collation, which is by code point in the embedded database.
    """
    column = attribute_value(attributes, attribute)
    found: list[Condition] = []
    for operator, operand in given.members(OPERATORS[attribute.type]).items():
        if operator == "isNull":
            found.append(column.is_(None) if operand.flag() else column.is_not(None))
        elif operator == "in":
            values = operand.bound(partial(_values, attribute), ARRAY(column.type))
            found.append(column == any_(values))
        elif operator in _WITHIN_TEXTS or attribute.type == "boolean":
            found.append(COMPARISONS[operator](column, _value(attribute, operand)))
            _require_letters(operator, operand)
        else:
            value = operand.bound(partial(_value, attribute), column.type)
            found.append(COMPARISONS[operator](column, value))
    return found


def _values(attribute: Attribute, given: Given) -> list[Any]:
    return [_value(attribute, item) for item in given.items(MAX_VALUES)]


def _value(attribute: Attribute, given: Given) -> Any:
    if attribute.type == "number":
        return given.number()
    if attribute.type == "integer":
        return given.integer()
    if attribute.type == "boolean":
        return given.flag()
    if attribute.type == "choice":
        return stored(given.word([constant(choice.value) for choice in attribute.choices]))
    return _date(given) if attribute.type == "date" else given.text()


def _date(given: Given) -> str:
    """A date as it is stored: ISO 8601, ``2024-05-31``."""
    try:
        return date.fromisoformat(given.text()).isoformat()
    except ValueError:
        raise given.wrong("a date such as 2024-05-31", "日期，如 2024-05-31") from None


def _require_letters(operator: str, operand: Given) -> None:
    if operator in _WITHIN_TEXTS and not operand.value:
        raise InputText(path=operand.path, least=1)
