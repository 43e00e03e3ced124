"""A kind's attributes as typed SQL: one rule for indexes, views, filters, ordering and answers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Double, Text, cast, literal_column
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeEngine

from twin.kinds.model import Attribute

# Dates compare as their ISO text: a cast from text to date is not immutable, so no index could hold it.
SQL_TYPES: dict[str, TypeEngine[Any]] = {
    "text": Text(),
    "choice": Text(),
    "date": Text(),
    "integer": BigInteger(),
    "number": Double(),
    "boolean": Boolean(),
}


def attribute_value(attributes: ColumnElement[Any], attribute: Attribute) -> ColumnElement[Any]:
    """``attribute`` out of the jsonb column ``attributes``, in its SQL type; null where it is missing."""
    if isinstance(SQL_TYPES[attribute.type], Text):
        return attributes.op("->>", return_type=Text())(_literal(attribute.name))
    value = attributes.op("->")(_literal(attribute.name))
    return cast(value, SQL_TYPES[attribute.type])


def _literal(name: str) -> ColumnElement[str]:
    """An attribute's name written into the SQL: as a parameter no expression index would match it."""
    return literal_column("'" + name.replace("'", "''") + "'", Text())
