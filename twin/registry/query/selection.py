"""What is asked for: a tree of fields, as a GraphQL document or a program names them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from twin.registry.query.names import argument_label


@dataclass(frozen=True, slots=True)
class Asked:
    """A field that is asked for: its name and arguments, and what is asked of its value.

    ``kind`` is set where it is asked of assets of that kind only.
    """

    name: str
    fields: tuple[Asked, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    kind: str | None = None

    @property
    def label(self) -> str:
        """What a row calls the value. A field with arguments may be asked several times, differently."""
        return argument_label(self.name, self.arguments)


def asked(*names: str) -> tuple[Asked, ...]:
    """Fields without arguments, by their names."""
    return tuple(Asked(name) for name in names)


def merged(fields: Iterable[Asked]) -> list[Asked]:
    """The fields, those with one label and kind put together into one that asks for all of it."""
    found: dict[tuple[str | None, str], Asked] = {}
    for one in fields:
        known = found.get((one.kind, one.label))
        together = one if known is None else replace(known, fields=(*known.fields, *one.fields))
        found[one.kind, one.label] = together
    return list(found.values())


def node_fields(connection: Iterable[Asked]) -> tuple[Asked, ...]:
    """What is asked of the assets of a connection, through ``nodes`` and through ``edges``."""
    found: list[Asked] = []
    for part in connection:
        if part.name in {"nodes", "node"}:
            found += part.fields
        elif part.name == "edges":
            found += node_fields(part.fields)
    return tuple(found)


def asks_for(fields: Iterable[Asked], *names: str) -> bool:
    """Whether any of the fields is among those asked for."""
    return any(one.name in names for one in fields)
