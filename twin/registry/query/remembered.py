"""Statements that are made once for many askings: what their making decided, and which values they bind.

Making a statement takes longer than a lookup by it. So while one is made, every look at what was given is
noted: ``Given.value`` and all that is read through it are *decided*, the statement holds for just these
values; ``Given.decide`` holds wherever the same comes of what was given; ``Given.bound`` is a parameter that
is read anew each time. Whoever forgets to bind a value gets a statement that fits less often, never a wrong
one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import ref

from twin.registry.query.inputs import Given
from twin.registry.query.making import Arguments, Making, Read, noted, steps_of

T = TypeVar("T")

MOST = 16
"""Statements of one asking that are remembered."""
ALL = 1_000
"""Statements of all askings that are remembered."""
LARGEST = 20_000
"""Characters of a statement that is remembered, and bytes of the values that it holds for."""

Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Made(Generic[T]):
    """A statement with its parameters: those that never change, and how the others are read.

    ``paths`` are where it looks at arguments; ``decided`` is what it holds for, ``bound`` the parameters that
    are read, each with the number of its path.
    """

    thing: T
    text: str
    constants: Mapping[str, Any]
    paths: tuple[tuple[str, Steps], ...]
    decided: tuple[tuple[int, Read, Any], ...]
    bound: tuple[tuple[str, int, Read], ...]

    @classmethod
    def by(cls, making: Making, thing: T, text: str, parameters: Mapping[str, Any]) -> Made[T]:
        """What has been made of the arguments of ``making``."""
        looks = [*making.decided, *making.bound.values()]
        numbers = {path: number for number, path in enumerate(dict.fromkeys(path for path, _ in looks))}
        return cls(
            thing,
            text,
            {name: value for name, value in parameters.items() if name not in making.bound},
            tuple((path, steps_of(path)) for path in numbers),
            tuple((numbers[path], read, found) for (path, read), found in making.decided.items()),
            # Also those that the statement can do without, such as what must hold beside what never does:
            # reading them tells what is wrong with them.
            tuple((name, numbers[path], read) for name, (path, read) in making.bound.items()),
        )

    @property
    def size(self) -> int:
        """Characters of the statement, and of what it holds."""
        return len(self.text) + len(repr(self.decided)) + len(repr(self.constants))

    def given(self, arguments: Arguments) -> list[Given] | None:
        """What the arguments have where it looks; None where they would make another statement."""
        try:
            given = [Given(_at(arguments, steps), path) for path, steps in self.paths]
            for place, read, found in self.decided:
                if read(given[place]) != found:
                    return None
        except Exception:  # noqa: BLE001 - what is wrong with them is told where a statement is made of them
            return None
        return given

    def parameters(self, given: Sequence[Given]) -> dict[str, Any]:
        """The statement's parameters for what ``given`` gave. Raises what reading them raises."""
        return {**self.constants, **{name: read(given[place]) for name, place, read in self.bound}}


def _at(arguments: Arguments, steps: Steps) -> Any:
    """What the arguments have at a path. Raises ``LookupError`` or ``TypeError`` where that is nothing."""
    value: Any = arguments
    for step in steps:
        if isinstance(step, str) or isinstance(value, list | tuple):
            value = value[step]
        elif step:  # a single value is a list of one
            raise LookupError(step)
    return value


class Memory(Generic[T]):
    """The statements that one asking has made lately, the last used first."""

    def __init__(self) -> None:
        self._made: list[Made[T]] = []

    def find(self, arguments: Arguments) -> tuple[T, str, dict[str, Any]] | None:
        """One that fits, its text and parameters. Raises what reading the parameters raises."""
        for place, made in enumerate(self._made):
            given = made.given(arguments)
            if given is not None:
                if place:
                    self._made.insert(0, self._made.pop(place))
                return made.thing, made.text, made.parameters(given)
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
        made = Made.by(making, thing, text, parameters)
        if made.size <= LARGEST:
            self._keep(made)
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
