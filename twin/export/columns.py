"""The columns of an exported file, named so that ``twin load`` maps each back by itself."""

from __future__ import annotations

from collections.abc import Iterable

from twin.export.model import Column, ColumnType
from twin.kinds.common import COMMON_FIELDS
from twin.kinds.model import AttributeType, Kind

_TYPES: dict[AttributeType, ColumnType] = {
    "text": "text",
    "choice": "text",
    "date": "date",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
}
_FIRST = ("code", "kind", "source_key", "dataset")


def kind_columns(kind: Kind) -> tuple[Column, ...]:
    """The columns for assets of ``kind``: whose they are, the shared fields, identifiers, attributes."""
    shared = (field for field in COMMON_FIELDS.values() if field.name not in _FIRST)
    return (
        *(Column(name, "text") for name in _FIRST),
        *(Column(field.name, _TYPES[field.type]) for field in shared),
        *(Column(identifier.scheme, "text") for identifier in kind.identifiers),
        *(Column(attribute.name, _TYPES[attribute.type]) for attribute in kind.attributes),
    )


def all_columns(kinds: Iterable[Kind]) -> tuple[Column, ...]:
    """Every column of the kinds, once; one that is of two types in two kinds is text."""
    found: dict[str, Column] = {}
    for kind in kinds:
        for column in kind_columns(kind):
            known = found.setdefault(column.name, column)
            if known.type != column.type:
                found[column.name] = Column(column.name, "text")
    return tuple(found.values())
