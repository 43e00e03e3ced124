"""Small helpers that make Strawberry types from descriptions, in English and Chinese.

Rows are dictionaries: a field's Python name is the key of its value. Input objects stay the plain
dictionaries that GraphQL made of them, which is the form that ``twin.registry.query`` reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import new_class
from typing import Annotated, Any, Optional

import strawberry
from strawberry.types.field import StrawberryField

OF_VALUE = "of_value"
"""What a field's metadata calls ``Member.of_value``."""


def described(en: str, zh: str) -> str:
    """A description in both languages."""
    return f"{en} {zh}"


@dataclass(frozen=True, slots=True)
class Member:
    """A field of an object or an input: its GraphQL name, type and words, and the key of its value.

    ``resolver`` computes it from the row; ``nullable`` adds null to the type. ``of_value`` is the same for
    plans: of the field's arguments it makes a function of what rows have under ``argument_label``.
    """

    name: str
    type: Any
    en: str
    zh: str
    nullable: bool = True
    key: str | None = None
    resolver: Callable[..., Any] | None = None
    of_value: Callable[..., Callable[[Any], Any]] | None = None

    @property
    def python_name(self) -> str:
        """The key of the value in a row and ``_``: ``and``, ``or`` and ``in`` are no names in Python."""
        return f"{self.key or self.name}_"

    @property
    def annotation(self) -> Any:
        """The type as Strawberry reads it."""
        return Optional[self.type] if self.nullable else self.type  # noqa: UP045


def many(type_: Any) -> Any:
    """The type of lists of ``type_``, without nulls."""
    return list[type_]


def value_of(row: Mapping[str, Any], name: str) -> Any:
    """The value of a field without a resolver."""
    return row[name.removesuffix("_")]


def unchanged(**_arguments: Any) -> Callable[[Any], Any]:
    """``Member.of_value`` of fields that are what rows have."""
    return lambda value: value


def declare(name: str, bases: tuple[type, ...] = ()) -> type:
    """A class that types can refer to before ``complete`` has made it a type."""
    return new_class(name, bases)


def complete(
    cls: type,
    members: Iterable[Member],
    en: str,
    zh: str,
    *,
    is_interface: bool = False,
    is_input: bool = False,
) -> type:
    """Make a declared class a Strawberry type."""
    cls.__annotations__ = {member.python_name: member.annotation for member in members}
    for member in members:
        setattr(cls, member.python_name, _field(member, is_input=is_input))
    if not is_input:
        cls.is_type_of = staticmethod(lambda _row, _info: True)  # type: ignore[attr-defined]
    made: type = strawberry.type(
        cls, name=cls.__name__, description=described(en, zh), is_interface=is_interface, is_input=is_input
    )
    if is_input:
        made.__strawberry_definition__.from_input = _as_it_is  # type: ignore[attr-defined]
    return made


def object_type(name: str, members: Iterable[Member], en: str, zh: str) -> type:
    """An object type."""
    return complete(declare(name), list(members), en, zh)


def input_type(name: str, members: Iterable[Member], en: str, zh: str) -> type:
    """An input type, whose values stay dictionaries."""
    return complete(declare(name), list(members), en, zh, is_input=True)


def enum_type(name: str, values: Mapping[str, tuple[str, str]], en: str, zh: str) -> Any:
    """An enum of names with their words; its members are texts equal to their names."""
    made: Any = strawberry.enum(_texts(name, values), description=described(en, zh))
    for value in made.__strawberry_definition__.values:
        value.description = described(*values[value.name])
    return made


def _texts(name: str, values: Iterable[str]) -> Any:
    make: Any = StrEnum
    return make(name, {value: value for value in values})


def argument(type_: Any, en: str, zh: str, name: str | None = None) -> Any:
    """The annotation of a resolver's argument."""
    return Annotated[type_, strawberry.argument(description=described(en, zh), name=name)]


def typed(resolver: Callable[..., Any], returns: Any, **arguments: Any) -> Callable[..., Any]:
    """The resolver with the types of its arguments and result, which are only known now."""
    resolver.__annotations__ = {**resolver.__annotations__, **arguments, "return": returns}
    return resolver


def _field(member: Member, *, is_input: bool) -> StrawberryField:
    options: dict[str, Any] = {"name": member.name, "description": described(member.en, member.zh)}
    if is_input and member.nullable:
        options["default"] = strawberry.UNSET
    if member.resolver is not None:
        options |= {"resolver": member.resolver, "metadata": {OF_VALUE: member.of_value}}
    made: StrawberryField = strawberry.field(**options)
    return made


def _as_it_is(_cls: type, value: Mapping[str, Any], _context: object) -> dict[str, Any]:
    return dict(value)
