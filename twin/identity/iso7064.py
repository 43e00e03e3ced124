"""Check characters of ISO 7064's hybrid systems, MOD 11,10 and MOD 37,36, over whole arrays of codes.

Such a check character finds every single wrong character, but not every swap of two neighbours.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_VALUES = np.full(256, 255, dtype=np.uint8)
_VALUES[np.frombuffer(ALPHABET.encode(), dtype=np.uint8)] = np.arange(36, dtype=np.uint8)


def values_of(characters: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What ASCII characters stand for, 0 to 35; 255 for a character that is neither digit nor capital."""
    return _VALUES[characters]


class Check(Struct, frozen=True, dict=True):
    """The system MOD ``modulus + 1``, ``modulus`` over the first ``modulus`` characters of 0-9A-Z.

    Each character moves a state of 0 to ``modulus`` - 1 on; a code and its check character end in state 1.
    """

    name: str
    modulus: int

    @cached_property
    def _next(self) -> NDArray[np.uint8]:
        """The state that follows a state (row) and a character's value (column)."""
        state = np.arange(self.modulus)
        state[0] = self.modulus
        doubled = state * 2 % (self.modulus + 1)
        following = (doubled[:, None] + np.arange(self.modulus)) % self.modulus
        return np.asarray(following, dtype=np.uint8)

    @cached_property
    def _closing(self) -> NDArray[np.uint8]:
        """The value of the check character that closes a state."""
        return np.asarray(np.argmax(self._next == 1, axis=1), dtype=np.uint8)

    @cached_property
    def _scalar(self) -> tuple[list[dict[str, int]], str]:
        """The same two tables for one text at a time."""
        following = [dict(zip(ALPHABET, map(int, row), strict=False)) for row in self._next]
        return following, "".join(ALPHABET[value] for value in self._closing)

    def states(self, values: NDArray[np.uint8], start: int | None = None) -> NDArray[np.uint8]:
        """The state after each row of ``values``, from ``start`` or the beginning.

        ``values`` is an array (codes, characters) of numbers below ``modulus``.
        """
        first = self.modulus // 2 if start is None else start
        state = np.full(len(values), first, dtype=np.uint8)
        for column in range(values.shape[1]):
            state = self._next[state, values[:, column]]
        return state

    def closing_values(self, values: NDArray[np.uint8], start: int | None = None) -> NDArray[np.uint8]:
        """The check characters' values of the rows of ``values``."""
        closing: NDArray[np.uint8] = self._closing[self.states(values, start)]
        return closing

    def state(self, text: str) -> int:
        """The state after ``text``. Raises ``KeyError`` on a character outside the alphabet."""
        following, _ = self._scalar
        state = self.modulus // 2
        for character in text:
            state = following[state][character]
        return state

    def character(self, text: str) -> str:
        """The check character of ``text``. Raises ``KeyError`` on a character outside the alphabet."""
        return self._scalar[1][self.state(text)]


CHECKS_BY_NAME: dict[str, Check] = {
    check.name: check for check in (Check("mod_11_10", 10), Check("mod_37_36", 36))
}
