"""What the values of a column look like, in a sample of its rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import islice

import numpy as np
from msgspec import Struct

from loaders.dates import order_of, read_date
from loaders.mapping import DateOrder
from spatial.arrays import FloatArray
from twin.kinds.units import parse_quantity, unit_named

_LETTER = re.compile(r"[^\W\d_]")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_WITH_UNIT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)\s*([^\d\s.]+)")
_WKT = re.compile(
    r"\s*(?:SRID=\d+;\s*)?(?:MULTI)?(?:POINT|LINESTRING|POLYGON)\s*(?:Z|M|ZM)?\s*\(", re.IGNORECASE
)
_YEARS = (1850, 2100)


class Facts(Struct, frozen=True, dict=True):
    """A column of a sample: ``counts`` holds how often each value occurs, absent ones left out."""

    name: str
    rows: int
    counts: Counter[str]

    @classmethod
    def of(cls, name: str, values: Iterable[str | None]) -> Facts:
        """Those of a column's values."""
        listed = list(values)
        return cls(name, len(listed), Counter(value for value in listed if value is not None))

    @cached_property
    def filled(self) -> int:
        """The rows that have a value."""
        return self.counts.total()

    @property
    def is_empty(self) -> bool:
        """Whether no row has a value."""
        return not self.counts

    @property
    def telling(self) -> float:
        """How many different values there are for each row: 1 where the column is a key without a fault."""
        return len(self.counts) / self.rows if self.rows else 0.0

    def share(self, fits: Callable[[str], bool]) -> float:
        """The share of the filled rows whose value fits."""
        return sum(n for value, n in self.counts.items() if fits(value)) / max(1, self.filled)

    def first(self, count: int) -> Facts:
        """The column as it would be with only so many of its different values."""
        return Facts(self.name, self.rows, Counter(dict(islice(self.counts.items(), count))))

    @cached_property
    def lettered(self) -> float:
        """The share of values with a letter of any script."""
        return self.share(lambda value: _LETTER.search(value) is not None)

    @cached_property
    def numeric(self) -> float:
        """The share of plain numbers."""
        return self.share(lambda value: _NUMBER.fullmatch(value) is not None)

    @cached_property
    def numbers(self) -> FloatArray:
        """Each distinct plain number."""
        return np.array([float(v) for v in self.counts if _NUMBER.fullmatch(v)], dtype=np.float64)

    @cached_property
    def well_known_text(self) -> float:
        """The share of geometries in WKT."""
        return self.share(lambda value: _WKT.match(value) is not None)

    def quantities(self, into: str | None, assumed: str | None) -> list[tuple[float, int]]:
        """What the values write in the unit ``into``, and how often; what is no quantity is left out."""
        found = ((parse_quantity(value, into, assumed), n) for value, n in self.counts.items())
        return [(number, n) for number, n in found if number is not None]

    @cached_property
    def written_unit(self) -> tuple[str | None, float]:
        """The unit that most values write, and the share of the filled rows that write it."""
        units: Counter[str] = Counter()
        for value, n in self.counts.items():
            match = _WITH_UNIT.fullmatch(value.strip())
            unit = unit_named(match[1]) if match else None
            if unit:
                units[unit] += n
        if not units:
            return None, 0.0
        unit, n = units.most_common(1)[0]
        return unit, n / self.filled

    @cached_property
    def date_order(self) -> DateOrder | None:
        """Which of day and month comes first, where the year is last and the values tell."""
        return order_of(self.counts)

    def dates(self) -> tuple[float, float]:
        """The shares of the values that are dates of our times, and that are but for the order unknown."""
        read = ambiguous = 0
        for value, n in self.counts.items():
            reading = read_date(value, self.date_order)
            if reading.reason == "date.ambiguous":
                ambiguous += n
            elif reading.iso is not None and _YEARS[0] <= int(reading.iso[:4]) <= _YEARS[1]:
                read += n
        return read / max(1, self.filled), ambiguous / max(1, self.filled)
