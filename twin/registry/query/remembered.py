"""Statements that are made once for many askings: what their making decided, and which values they bind.

Making a statement takes longer than a lookup by it. So while one is made, every look at what was given is
noted: ``Given.value`` and all that is read through it are *decided*, the statement holds for just these
values; ``Given.decide`` holds wherever the same comes of what was given; ``Given.bound`` is a parameter that
is read anew each time. Whoever forgets to bind a value gets a statement that fits less often, never a wrong
one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import ref

from sqlalchemy import BindParameter, bindparam, literal
from sqlalchemy.types import TypeEngine

if TYPE_CHECKING:
    from twin.registry.query.inputs import Given

Arguments = Mapping[str, Any]
Read = Callable[["Given"], Any]
T = TypeVar("T")

MOST = 16
"""Statements of one asking that are remembered."""
ALL = 1_000
"""Statements of all askings that are remembered."""
LARGEST = 20_000
"""Characters of a statement that is remembered, and bytes of the values that it holds for."""
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
        number = looks.index(look) if (look := (given.path, read)) in looks else len(looks)
        name = f"given_{number}"
        self.bound[name] = look
        return bindparam(name, found, type_)

    def _is_argument(self, given: Given) -> bool:
        first = _steps(given.path)[:1]
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


@dataclass(frozen=True, slots=True)
class Made(Generic[T]):
    """A statement with its parameters: those that never change, and how the others are read."""

    thing: T
    text: str
    constants: Mapping[str, Any]
    decided: tuple[tuple[str, Read, Any], ...]
    bound: tuple[tuple[str, str, Read], ...]

    def fits(self, arguments: Arguments) -> bool:
        """Whether the statement is the one that these arguments would make."""
        try:
            return all(read(given_at(arguments, path)) == found for path, read, found in self.decided)
        except Exception:  # noqa: BLE001 - what is wrong with them is told where a statement is made of them
            return False

    def parameters(self, arguments: Arguments) -> dict[str, Any]:
        """The statement's parameters for these arguments. Raises what reading them raises."""
        return {
            **self.constants,
            **{name: read(given_at(arguments, path)) for name, path, read in self.bound},
        }


class Memory(Generic[T]):
    """The statements that one asking has made lately, the last used first."""

    def __init__(self) -> None:
        self._made: list[Made[T]] = []

    def find(self, arguments: Arguments) -> Made[T] | None:
        """One that fits."""
        for place, made in enumerate(self._made):
            if made.fits(arguments):
                if place:
                    self._made.insert(0, self._made.pop(place))
                return made
        return None

    def make(
        self,
        arguments: Arguments,
        make: Callable[[], tuple[T, str, dict[str, Any]]],
    ) -> tuple[T, str, dict[str, Any]]:
        """Make one with its text and parameters, and remember it. Raises what making raises."""
        making = Making(arguments)
        with noted(making):
            thing, text, parameters = make()
        constants = {name: value for name, value in parameters.items() if name not in making.bound}
        decided = tuple((path, read, found) for (path, read), found in making.decided.items())
        # Also those that the statement can do without, such as what must hold beside what never does: reading
        # them tells what is wrong with them.
        bound = tuple((name, path, read) for name, (path, read) in making.bound.items())
        if len(text) + len(repr(decided)) + len(repr(constants)) <= LARGEST:
            self._keep(Made(thing, text, constants, decided, bound))
        return thing, text, parameters

    def _keep(self, made: Made[T]) -> None:
        self._made.insert(0, made)
        del self._made[MOST:]
        _LAST.append((ref(self), made))
        if len(_LAST) > ALL:
            owner, oldest = _LAST.popleft()
            memory = owner()
            if memory is not None:
                memory._made = [one for one in memory._made if one is not oldest]


_LAST: deque[tuple[ref[Memory[Any]], Made[Any]]] = deque()
"""What was made last, by whomever: of all askings the oldest statements are forgotten first."""


def given_at(arguments: Arguments, path: str) -> Given:
    """What the arguments have at a path. Raises ``LookupError`` or ``TypeError`` where that is nothing."""
    from twin.registry.query.inputs import Given

    value: Any = arguments
    for step in _steps(path):
        if isinstance(step, str) or isinstance(value, list | tuple):
            value = value[step]
        elif step:  # a single value is a list of one
            raise LookupError(path)
    return Given(value, path)


@lru_cache(maxsize=4_096)
def _steps(path: str) -> tuple[str | int, ...]:
    """``where.or[1].status`` as the names and places that lead there."""
    steps: list[str | int] = []
    for part in path.replace("]", "").split("."):
        name, *places = part.split("[")
        steps += [*([name] if name else []), *map(int, places)]
    return tuple(steps)
