"""Answers in everybody's form, so that they can be compared."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

_FIELDS = """
    code kind name address status installed division lon lat geometry cell source_key updated power lamp
    height levels category floors rated_load distance elevators
"""
FIELDS = frozenset(_FIELDS.split())
_WORDS = ("kind", "status", "lamp", "category")
"""What GraphQL's enums write in capitals."""


class AnswersDiffer(Exception):
    """Two that were asked the same said something else, so that their times say nothing."""


def asset(found: Mapping[str, Any], **further: Any) -> dict[str, Any]:
    """The fields of an asset, named and written in one way; what else an answer holds is left out."""
    named = {_snake(name): value for name, value in {**found, **further}.items()}
    named |= named.pop("position", None) or {}
    return {name: _plain(name, value) for name, value in named.items() if name in FIELDS}


def cell_count(cell: str, count: int) -> tuple[str, int]:
    """A cell and how many assets are in it."""
    return cell, int(count)


def require_same(question: str, arguments: Any, answers: Mapping[str, Any]) -> None:
    """See that everybody answered the same, and something. Raises ``AnswersDiffer``."""
    (first, expected), *others = answers.items()
    if not expected:
        raise AnswersDiffer(f"{question} {arguments}: {first} found nothing")
    for name, answer in others:
        if not same(answer, expected):
            raise AnswersDiffer(f"{question} {arguments}: {difference(first, expected, name, answer)}")


def difference(first: str, expected: Any, name: str, answer: Any) -> str:
    """The first thing that differs."""
    if isinstance(expected, Sequence) and isinstance(answer, Sequence) and len(expected) != len(answer):
        return f"{len(expected)} of {first}, {len(answer)} of {name}"
    pairs = zip(expected, answer, strict=True) if isinstance(expected, Sequence) else [(expected, answer)]
    return next(f"\n{first}: {one}\n{name}: {other}" for one, other in pairs if not same(one, other))


def same(one: Any, other: Any) -> bool:
    """Whether two values say the same: numbers to 7 decimals, of which the last may be rounded either way."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=0, abs_tol=1.1e-7)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def _plain(name: str, value: Any) -> Any:
    """A value as JSON has it: words in small letters, moments in UTC."""
    if isinstance(value, str):
        if name == "updated":
            return datetime.fromisoformat(value).astimezone(UTC)
        return value.lower() if name in _WORDS else value
    if isinstance(value, Mapping):
        return {key: _plain(key, each) for key, each in value.items()}
    return [_plain("", each) for each in value] if isinstance(value, list) else value
