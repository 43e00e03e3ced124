"""JSON objects of whole columns, joined in Arrow: absent values are absent keys."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from loaders import arrow
from loaders.arrow import Column

# What JSON has to escape (RFC 8259, 7); everything else stands for itself.
_TO_ESCAPE = r'["\\\x00-\x1f]'


def objects(values: Mapping[str, Column], length: int) -> Column:
    """One JSON object a row with a member for each column's value that is there."""
    members = [_member(name, column) for name, column in values.items()]
    if not members:
        return arrow.constant("{}", length)
    joined = arrow.first_of([arrow.joined(members, ","), arrow.constant("", length)])
    return arrow.wrapped("{", joined, "}")


def _member(name: str, column: Column) -> Column:
    return arrow.wrapped(orjson.dumps(name).decode() + ":", _written(column))


def _written(column: Column) -> Column:
    if not arrow.is_text(column):
        return arrow.as_text(column)
    difficult = arrow.matches(column, _TO_ESCAPE)
    plain = arrow.wrapped('"', column, '"')
    if not difficult.any():
        return plain
    return arrow.where(difficult, arrow.map_distinct(column, lambda text: orjson.dumps(text).decode()), plain)
