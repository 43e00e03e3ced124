"""A few values by what they were made for."""

from __future__ import annotations

from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Few(dict[Key, Value]):
    """The values that were made last, at most so many: the oldest goes, however often it was read.

    So reading costs what a dictionary's does.
    """

    __slots__ = ("_most",)

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def keep(self, key: Key, value: Value) -> None:
        """Remember a value, and forget the oldest where there are too many."""
        while len(self) >= self._most:
            del self[next(iter(self))]
        self[key] = value
