"""JSON objects of whole columns, joined in Arrow: absent values are absent keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from loaders import arrow
from loaders.arrow import Column

# What JSON has to escape (RFC 8259, 7); everything else stands for itself.
_TO_ESCAPE = r'["\\\x00-\x1f]'


def objects(values: Mapping[str, Column], length: int) -> Column:
    """One JSON object a row with a member for each column's value that is there.

    Those that every row has come first. Either stand in the order in which PostgreSQL keeps the members of a
    ``jsonb``, shorter keys first: where no others follow, it need not sort them in each row.
    """
    if not values:
        return arrow.constant("{}", length)
    ordered = sorted(values.items(), key=lambda member: (len(member[0].encode()), member[0]))
    always = {name: column for name, column in ordered if not column.null_count}
    sometimes = {name: column for name, column in ordered if column.null_count}
    parts: list[Column | str] = []
    for name, column in always.items():
        parts += [f"{',' if parts else '{'}{_key(name)}", *_value(column)]
    if parts:
        members = [arrow.concatenated_texts(["," + _key(n), *_value(c)]) for n, c in sometimes.items()]
        parts += [arrow.empty_for_null(member) for member in members]
        return arrow.concatenated_texts(_literals_joined([*parts, "}"]))
    members = [arrow.concatenated_texts([_key(n), *_value(c)]) for n, c in sometimes.items()]
    joined = arrow.first_of([arrow.joined(members, ","), arrow.constant("", length)])
    return arrow.wrapped("{", joined, "}")


def _key(name: str) -> str:
    return orjson.dumps(name).decode() + ":"


def _value(column: Column) -> list[Column | str]:
    """What writes a value: texts between quotes, with what has to be escaped."""
    if not arrow.is_text(column):
        return [arrow.numbers_as_text(column)]
    data = arrow.text_bytes(column)
    if not ((data < ord(" ")) | (data == ord('"')) | (data == ord("\\"))).any():
        return ['"', column, '"']
    difficult = arrow.matches(column, _TO_ESCAPE)
    escaped = arrow.map_distinct(column, lambda text: orjson.dumps(text).decode())
    return [arrow.where(difficult, escaped, arrow.wrapped('"', column, '"'))]


def _literals_joined(parts: Sequence[Column | str]) -> list[Column | str]:
    """The parts with literals that follow each other made one."""
    found: list[Column | str] = []
    for part in parts:
        if found and isinstance(part, str) and isinstance(found[-1], str):
            found[-1] += part
        else:
            found.append(part)
    return found
