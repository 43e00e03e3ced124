"""What a statement answers with: the values of each row in the order of its columns, and their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, overload

Row = dict[str, Any]
Values = tuple[Any, ...]


class Rows(Sequence[Row]):
    """Rows, of which dictionaries are made as they are looked at.

    Whoever goes through many of them, and knows by ``names`` where each value lies, reads ``values``.
    """

    __slots__ = ("names", "values")

    def __init__(self, names: tuple[str, ...], values: list[Values]) -> None:
        self.names, self.values = names, values

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Rows: ...
    def __getitem__(self, place: int | slice) -> Row | Rows:
        if isinstance(place, slice):
            return Rows(self.names, self.values[place])
        made: Row = _row_maker(self.names)(self.values[place])
        return made

    def __iter__(self) -> Iterator[Row]:
        return map(_row_maker(self.names), self.values)

    def __len__(self) -> int:
        return len(self.values)


@lru_cache(maxsize=1_000)
def _row_maker(names: tuple[str, ...]) -> Any:
    """Makes a row of its values: the names of its columns are written into a function."""
    members = ", ".join(f"{name!r}: v[{place}]" for place, name in enumerate(names))
    return eval(f"lambda v: {{{members}}}")  # noqa: S307 - of names that are written as texts
