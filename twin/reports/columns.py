"""Columns that reports share, and the words for their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from twin.kinds import all_kinds
from twin.kinds.model import Choice
from twin.reports.model import Column, Words
from twin.reports.request import AREA_WORDS


def kind_words() -> Mapping[str, Words]:
    """What kinds are called."""
    return {kind.name: (kind.en, kind.zh) for kind in all_kinds().values()}


def choice_words(choices: Callable[[], Iterable[Choice]]) -> Callable[[], Mapping[str, Words]]:
    """What the choices of an attribute are called."""
    return lambda: {choice.value: (choice.en, choice.zh) for choice in choices()}


AREA_COLUMNS = (
    Column("area", "text", "Area", "区域", labels=lambda: AREA_WORDS),
    Column("area_name", "text", "Name", "名称"),
)
"""The columns that every table begins with: a division's code or an area's number, and what it is called."""
KIND_COLUMN = Column("kind", "text", "Kind", "种类", labels=kind_words)
