"""What somebody gave, read with care: each value knows the path to it, so that each error names it.

Nothing here trusts a GraphQL server to have looked before: ``twin export --where`` hands over plain JSON.
A member that is null counts as left out.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from sqlalchemy import BindParameter, literal
from sqlalchemy.types import TypeEngine

from twin.registry.query.errors import (
    InputLimit,
    InputMissing,
    InputNul,
    InputRange,
    InputType,
    InputUnknown,
    InputValue,
)
from twin.registry.query.making import current, noted

MAX_TEXT = 1_000
"""The most characters of one text."""


T = TypeVar("T")


@dataclass(slots=True)
class Given:
    """A value and the path to it.

    A statement that is being made holds for what was read of it, see ``twin.registry.query.remembered``.
    """

    raw: Any
    path: str

    @property
    def value(self) -> Any:
        """The value itself: a statement made by it holds for no other."""
        making = current()
        if making is not None:
            making.decide(self, _exactly, _exactly(self))
        return self.raw

    def decide(self, read: Callable[[Given], T]) -> T:
        """What ``read`` finds in it: a statement made by that holds wherever it finds the same."""
        making = current()
        if making is None:
            return read(self)
        with noted(None):
            found = read(self)
        making.decide(self, read, found)
        return found

    def bound(self, read: Callable[[Given], T], type_: TypeEngine[Any]) -> BindParameter[T]:
        """What ``read`` finds in it as a parameter of a statement, which holds whatever that is."""
        making = current()
        if making is None:
            return literal(read(self), type_)
        with noted(None):
            found = read(self)
        return making.bind(self, read, found, type_)

    def members(self, known: Collection[str], needed: Collection[str] = ()) -> dict[str, Given]:
        """An object's members that are not null. Raises ``InputType``, ``InputUnknown``, ``InputMissing``."""
        if not isinstance(self.raw, Mapping):
            raise self.wrong("an object", "对象")
        self.decide(_names)
        for name in self.raw:
            if name not in known:
                nearest = difflib.get_close_matches(str(name), known, n=1, cutoff=0.0)
                raise InputUnknown(
                    path=self.path, member=name, nearest=nearest[0] if nearest else "", known=", ".join(known)
                )
        found = {
            name: Given(value, f"{self.path}.{name}") for name, value in self.raw.items() if value is not None
        }
        for name in needed:
            if name not in found:
                raise InputMissing(path=self.path, member=name)
        return found

    def items(self, limit: int) -> list[Given]:
        """A list's values; a single value is a list of one, as in GraphQL. Raises ``InputLimit``."""
        self.decide(_length)
        values = self.raw if isinstance(self.raw, list | tuple) else [self.raw]
        if len(values) > limit:
            raise InputLimit(path=self.path, limit=limit, what_en="values", what_zh="值")
        return [Given(value, f"{self.path}[{place}]") for place, value in enumerate(values)]

    def text(self) -> str:
        """A text of at most ``MAX_TEXT`` characters, without NUL. Raises ``InputType``, ``InputNul`` or
        ``InputLimit``."""
        text = self.value
        if not isinstance(text, str):
            raise self.wrong("a text", "文本")
        if "\0" in text:
            raise InputNul(path=self.path)
        if len(text) > MAX_TEXT:
            raise InputLimit(path=self.path, limit=MAX_TEXT, what_en="characters", what_zh="字符")
        return text

    def number(self, lowest: float = -math.inf, highest: float = math.inf) -> float:
        """A finite number from ``lowest`` to ``highest``. Raises ``InputType`` or ``InputRange``."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.wrong("a number", "数字")
        if not (math.isfinite(self.value) and lowest <= self.value <= highest):
            raise InputRange(
                path=self.path, given=self.value, lowest=f"{lowest:.12g}", highest=f"{highest:.12g}"
            )
        return float(self.value)

    def integer(self, lowest: int = -(2**63), highest: int = 2**63 - 1) -> int:
        """An integer from ``lowest`` to ``highest``. Raises ``InputType`` or ``InputRange``."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.wrong("an integer", "整数")
        if not lowest <= self.value <= highest:
            raise InputRange(path=self.path, given=self.value, lowest=lowest, highest=highest)
        return int(self.value)

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            raise self.wrong("true or false", "true 或 false")
        return self.value

    def word(self, known: Collection[str]) -> str:
        """One of the words ``known``, in their spelling. Raises ``InputType`` or ``InputValue``."""
        text = self.text()
        if text not in known:
            raise InputValue(path=self.path, given=text, known=", ".join(known))
        return text

    def wrong(self, expected_en: str, expected_zh: str) -> InputType:
        """The error that this should have been something else."""
        given = "null" if self.raw is None else repr(self.raw)
        short = given if len(given) <= 60 else given[:57] + "..."
        return InputType(path=self.path, expected_en=expected_en, expected_zh=expected_zh, given=short)


def _exactly(given: Given) -> tuple[type, Any]:
    """The value, told apart from others that Python takes for equal."""
    raw = given.raw
    return type(raw), orjson.dumps(raw) if isinstance(raw, list | tuple | Mapping) else raw


def _names(given: Given) -> list[tuple[str, bool]] | None:
    """An object's members, and whether each is null."""
    raw = given.raw
    return [(name, value is None) for name, value in raw.items()] if isinstance(raw, Mapping) else None


def _length(given: Given) -> int:
    """How many values a list has; -1 for a single value."""
    return len(given.raw) if isinstance(given.raw, list | tuple) else -1
