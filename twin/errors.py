"""Errors that users meet: each a class with a stable code and its words in English and Chinese.

A subclass declares ``code`` (dotted, stable for ever), ``en`` and ``zh``. Both texts say what happened,
where, and what to do, and may name the keyword arguments the error is raised with::

    class UnknownDivision(TwinError):
        code = "division.unknown"
        en = "There is no division {division}. `twin divisions list` shows those that exist."
        zh = "没有区划 {division}。可用 `twin divisions list` 查看已有区划。"

    raise UnknownDivision(division="310199")
"""

from __future__ import annotations

import os
from typing import ClassVar, Literal

Language = Literal["en", "zh"]


def language() -> Language:
    """The language of command-line texts: ``TWIN_LANG``, else the locale's, else English."""
    chosen = os.environ.get("TWIN_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG") or "en"
    return "zh" if chosen.lower().startswith("zh") else "en"


def sentence(problem: object) -> str:
    """A foreign message on one line, ended like a sentence."""
    text = " ".join(str(problem).split())
    plain = text.rstrip(".")
    return plain if plain.endswith(("?", "!", "。")) else f"{plain}."


class TwinError(Exception):
    """The base of every error that a user can meet; ``details`` are the facts its words name."""

    code: ClassVar[str] = "error"
    en: ClassVar[str] = "Something went wrong."
    zh: ClassVar[str] = "出现错误。"

    def __init__(self, **details: object) -> None:
        self.details = details
        super().__init__(self.text("en"))

    def text(self, lang: Language | None = None) -> str:
        """The error in words, in ``lang`` or the user's language."""
        template = self.zh if (lang or language()) == "zh" else self.en
        return template.format(**self.details)

    def __str__(self) -> str:
        return self.text()
