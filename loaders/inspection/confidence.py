"""How sure something is that was only inferred, and why: the words of every proposal."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from twin.errors import Language


class Confidence(IntEnum):
    """``CERTAIN`` is meant to be right 98 times in a hundred: a load relies on it."""

    GUESS = 1
    LIKELY = 2
    CERTAIN = 3

    def word(self, lang: Language) -> str:
        """What people read."""
        return _WORDS[self][lang == "zh"]


_WORDS = {
    Confidence.GUESS: ("guess", "猜测"),
    Confidence.LIKELY: ("likely", "可能"),
    Confidence.CERTAIN: ("certain", "确定"),
}


class Why(Struct, frozen=True):
    """A reason in both languages."""

    en: str
    zh: str

    def text(self, lang: Language) -> str:
        """The reason in words."""
        return self.zh if lang == "zh" else self.en

    def __add__(self, other: Why) -> Why:
        return Why(f"{self.en}; {other.en}", f"{self.zh}；{other.zh}")
