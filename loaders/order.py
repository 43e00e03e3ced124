"""The order in which files are loaded: an asset's parents before the asset."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from twin.kinds import Kind

T = TypeVar("T")


def parents_first(items: Iterable[T], kind_of: Callable[[T], Kind]) -> list[T]:
    """The items, each behind those of its parents' kinds, otherwise in their order; a circle is cut."""
    left, ordered = list(items), list[T]()
    while left:
        waiting = {kind_of(item).name for item in left}
        free = next((item for item in left if not _others(kind_of(item)) & waiting), left[0])
        left.remove(free)
        ordered.append(free)
    return ordered


def _others(kind: Kind) -> set[str]:
    return set(kind.parents) - {kind.name}
