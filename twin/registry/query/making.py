"""A statement that is being made: what its making decides by which of the values that were given.

``twin.registry.query.remembered`` tells what that is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, bindparam, literal
from sqlalchemy.types import TypeEngine

if TYPE_CHECKING:
    from twin.registry.query.inputs import Given

Arguments = Mapping[str, Any]
Read = Callable[["Given"], Any]

_PER_ROW = frozenset({"children", "geometry", "wkt", "wkb", "boundary"})
"""Arguments below these are not those of the asking, but part of what is asked, which is always the same."""


@dataclass(slots=True)
class Making:
    """A statement being made, by ``arguments``: decisions in their order, and what its parameters are."""

    arguments: Arguments
    decided: dict[tuple[str, Read], Any] = field(default_factory=dict)
    bound: dict[str, tuple[str, Read]] = field(default_factory=dict)

    def decide(self, given: Given, read: Read, found: Any) -> None:
        """The statement holds where ``read`` finds the same."""
        if self._is_argument(given):
            self.decided[given.path, read] = found

    def bind(self, given: Given, read: Read, found: Any, type_: TypeEngine[Any]) -> BindParameter[Any]:
        """A parameter that is read anew by whoever asks."""
        if not self._is_argument(given):
            return literal(found, type_)
        looks = list(self.bound.values())
        look = given.path, read
        name = f"given_{looks.index(look) if look in looks else len(looks)}"
        self.bound[name] = look
        return bindparam(name, found, type_)

    def _is_argument(self, given: Given) -> bool:
        first = steps_of(given.path)[:1]
        if first and first[0] in _PER_ROW:
            return False
        if first and first[0] not in self.arguments:
            raise LookupError(given.path)
        return True


_making: ContextVar[Making | None] = ContextVar("making", default=None)
current: Callable[[], Making | None] = _making.get
"""The statement that is being made, if one is."""


@contextmanager
def noted(making: Making | None) -> Iterator[None]:
    """Within, looks at what was given are noted in ``making``, or not at all."""
    token = _making.set(making)
    try:
        yield
    finally:
        _making.reset(token)


@lru_cache(maxsize=4_096)
def steps_of(path: str) -> tuple[str | int, ...]:
    """``where.or[1].status`` as the names and places that lead there."""
    steps: list[str | int] = []
    for part in path.replace("]", "").split("."):
        name, *places = part.split("[")
        steps += [*([name] if name else []), *map(int, places)]
    return tuple(steps)
