"""What the heading of a column says: a name, and perhaps the unit of its numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

from twin.kinds.names import normalise_name
from twin.kinds.units import unit_named

_BRACKETED = re.compile(r"(.+?)\s*[(\[【/]\s*([^()\[\]【】/]+?)\s*[)\]】]?")
_BEHIND = re.compile(r"(.+?)[_\s\-.]+([A-Za-z²³\"']+[0-9]?)")
_AFTER_CHINESE = re.compile(r"(.*[\u4e00-\u9fff])([A-Za-z²³]+)")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[\u4e00-\u9fff]+")

# Where in GBK the Chinese characters of level 1, which are ordered by their pinyin, begin with each letter.
_FIRST_LETTERS = (
    (45217, "A"), (45253, "B"), (45761, "C"), (46318, "D"), (46826, "E"), (47010, "F"), (47297, "G"),
    (47614, "H"), (48119, "J"), (49062, "K"), (49324, "L"), (49896, "M"), (50371, "N"), (50614, "O"),
    (50622, "P"), (50906, "Q"), (51387, "R"), (51446, "S"), (52218, "T"), (52698, "W"), (52980, "X"),
    (53689, "Y"), (54481, "Z"),
)  # fmt: skip
_LEVEL_1_ENDS = 55289


class Heading(Struct, frozen=True):
    """A column's heading: all of it as names are compared, and, where it ends in a unit, what stands before.

    ``bare`` and ``unit`` are None where the heading names no unit.
    """

    text: str
    plain: str
    bare: str | None
    unit: str | None
    tokens: tuple[str, ...]

    @property
    def is_chinese(self) -> bool:
        """Whether a Chinese character stands in it."""
        return any("\u4e00" <= character <= "\u9fff" for character in self.text)


@lru_cache(maxsize=8_192)
def heading(text: str) -> Heading:
    """What a column's heading says."""
    folded = unicodedata.normalize("NFKC", text).strip()
    bare, unit = next(_with_unit(folded), (None, None))
    return Heading(text, normalise_name(text), bare and normalise_name(bare), unit, tokens(folded))


def _with_unit(text: str) -> Iterator[tuple[str, str]]:
    for pattern in (_BRACKETED, _BEHIND, _AFTER_CHINESE):
        match = pattern.fullmatch(text)
        unit = unit_named(match[2]) if match else None
        if match and unit and normalise_name(match[1]):
            yield match[1], unit


@lru_cache(maxsize=8_192)
def tokens(text: str) -> tuple[str, ...]:
    """The words of a name, in lower case: ``DV_LastInsp2`` has dv, last, insp and 2."""
    return tuple(word.lower() for word in _WORD.findall(unicodedata.normalize("NFKC", text)))


@lru_cache(maxsize=8_192)
def initials(chinese: str) -> str | None:
    """The first letters of the pinyin of a Chinese name, in capitals; None where a character has none."""
    letters = [_first_letter(character) for character in chinese]
    return "".join(filter(None, letters)) if all(letters) else None


def _first_letter(character: str) -> str | None:
    try:
        place = int.from_bytes(character.encode("gb2312"), "big")
    except UnicodeEncodeError:
        return None
    if not _FIRST_LETTERS[0][0] <= place <= _LEVEL_1_ENDS:
        return None
    return next(letter for start, letter in reversed(_FIRST_LETTERS) if place >= start)
