"""Which field of a kind a column of somebody's file is, and which choice a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from twin.kinds.common import common_fields
from twin.kinds.model import Attribute, Identifier, Kind
from twin.kinds.names import normalise_name


class Field(Struct, frozen=True):
    """What a name stands for: a shared field, an attribute or an identifier of the kind.

    ``unit`` is the unit in which fields of that name hold numbers, where it is not the attribute's own.
    """

    where: Literal["common", "attribute", "identifier"]
    name: str
    unit: str | None = None


def names_of(kind: Kind) -> Iterator[tuple[str, Field]]:
    """Every name by which a field of ``kind`` is known, the better names of a field first."""
    for common in common_fields(kind).values():
        yield from _names(common, "common")
    for attribute in kind.attributes:
        yield from _names(attribute, "attribute")
        for other in attribute.in_units:
            yield from ((name, Field("attribute", attribute.name, other.unit)) for name in other.names)
    for identifier in kind.identifiers:
        names = (identifier.scheme, *identifier.names, identifier.en, identifier.zh)
        yield from ((name, Field("identifier", identifier.scheme)) for name in names)


def _names(attribute: Attribute, where: Literal["common", "attribute"]) -> Iterator[tuple[str, Field]]:
    names = (attribute.name, *attribute.names, attribute.en, attribute.zh)
    return ((name, Field(where, attribute.name)) for name in names)


def field_names(kind: Kind) -> Mapping[str, Field]:
    """The fields of ``kind`` by normalised name (``twin.kinds.names.normalise_name``).

    The order is that of preference: where a file has several columns for one field, the first name listed
    here is the one to take.
    """
    found: dict[str, Field] = {}
    for name, field in names_of(kind):
        found.setdefault(normalise_name(name), field)
    return found


def identifier(kind: Kind, scheme: str) -> Identifier | None:
    """The identifier of ``kind`` in ``scheme``, if the kind bears one."""
    return next((i for i in kind.identifiers if i.scheme == scheme), None)


@lru_cache(maxsize=1_024)
def choice_words(attribute: Attribute) -> Mapping[str, str]:
    """The choices' values by normalised word: the value itself, its labels and synonyms.

    Words that are not here mean ``attribute.fallback``, where the attribute has one.
    """
    words: dict[str, str] = {}
    for choice in attribute.choices:
        for word in (choice.value, choice.en, choice.zh, *choice.synonyms):
            words.setdefault(normalise_name(word), choice.value)
    return words
