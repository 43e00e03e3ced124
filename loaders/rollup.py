"""What a load's rows add to the roll-ups, counted from the arrays that they are copied from.

It is what ``twin.rollup_query`` counts of them when they are there; but that reads every row, and its JSON,
once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from loaders import arrow
from loaders.arrow import Column
from spatial.arrays import Int64Array
from spatial.cells import ancestor
from twin.kinds import Kind
from twin.registry.rollups import COARSEST, FINEST, UNIT, UNREASONABLE

_ROWS = 1 << 18
"""So many counts wait at least before those of the same cell, status and division are added up."""
_MOST = 1 << 62
"""Whole numbers of 64 bits that stay below this together can be added up."""

Counts = tuple[Int64Array, Int64Array, Int64Array]
"""Cells, places of status and division, and for each pair of these what is counted: arrays of shapes (n,),
(n,) and (1 + sums, n). What could not be added up in 64 bits are Python's own whole numbers."""


def countable(kind: Kind) -> bool:
    """Whether all that the kind adds up are attributes: what geometries measure, PostGIS alone knows."""
    return all(kind.attribute(total.of) is not None for total in kind.sums)


class RollUp:
    """Counts assets of a ``countable`` kind, batch by batch."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._places: dict[tuple[str, str], int] = {}
        self._counts: list[Counts] = []
        self._waiting = 0

    def add(
        self, cells: Int64Array, statuses: Column, divisions: Column, attributes: Mapping[str, Column]
    ) -> None:
        """Count a batch: all rows' cells of resolution 15, 0 for nowhere, their statuses and divisions."""
        amounts = [np.ones(len(cells), dtype=np.int64)]
        for total in self._kind.sums:
            column = attributes.get(total.of)
            amounts.append(np.zeros_like(amounts[0]) if column is None else _thousandths(column))
        groups = self._groups(statuses, divisions)
        self._counts.append(_added_up(ancestor(cells, FINEST), groups, np.stack(amounts)))
        self._waiting += len(self._counts[-1][0])
        if self._waiting > max(_ROWS, len(self._counts[0][0])):
            self._gather()

    def written(self) -> Iterator[memoryview]:
        """What was counted, as the CSV that ``rollups.keep`` takes, by cell, status and division."""
        if not self._counts:
            return
        self._gather()
        cells, places, amounts = self._counts[0]
        named = sorted(self._places)
        groups = np.argsort([self._places[name] for name in named])[places]
        keys = [f"{_quoted(status)},{_quoted(division)}" for status, division in named]
        placed = cells != 0
        for resolution in range(COARSEST, FINEST):
            coarser = ancestor(cells[placed], resolution)
            yield self._lines(_added_up(coarser, groups[placed], amounts[:, placed]), keys)
        yield self._lines(_added_up(cells, groups, amounts), keys)

    def _lines(self, counts: Counts, keys: Sequence[str]) -> memoryview:
        cells, groups, (assets, *sums) = counts
        key = arrow.as_bytes(arrow.chosen(keys, groups))
        added = [part for amount in sums for part in (b",", _digits(amount))]
        parts = [_digits(cells), b",", key, b",", _digits(assets), b',"{', *added[1:], b'}"\n']
        return arrow.joined_bytes(parts, len(cells))

    def _gather(self) -> None:
        """Make one of all counts so far."""
        cells, groups, amounts = zip(*self._counts, strict=True)
        joined = np.concatenate(cells), np.concatenate(groups), np.concatenate(amounts, axis=1)
        self._counts = [_added_up(*joined)]
        self._waiting = 0

    def _groups(self, statuses: Column, divisions: Column) -> Int64Array:
        """The place of each row's status and division among all that were met."""
        by_status, status_names = arrow.encoded(statuses)
        by_division, division_names = arrow.encoded(divisions)
        pairs = by_status * len(division_names) + by_division
        places = np.zeros(len(status_names) * len(division_names), dtype=np.int64)
        for pair in np.flatnonzero(np.bincount(pairs, minlength=len(places))):
            status, division = divmod(int(pair), len(division_names))
            name = status_names[status], division_names[division]
            places[pair] = self._places.setdefault(name, len(self._places))
        found: Int64Array = places[pairs]
        return found


def _thousandths(column: Column) -> Int64Array:
    """What each row adds to a sum, as ``rollups.thousandths`` has it in SQL: 0 where it has no number."""
    values = arrow.floats(column)
    reasonable = np.abs(values) < float(UNREASONABLE)
    rounded: Int64Array = np.rint(UNIT * np.where(reasonable, values, 0.0)).astype(np.int64)
    return rounded


def _added_up(cells: Int64Array, groups: Int64Array, amounts: Int64Array) -> Counts:
    """One row for each pair of a cell and a group, in their order."""
    if not len(cells):
        return cells, groups, amounts
    if int(np.abs(amounts).max()) * len(cells) >= _MOST:
        amounts = amounts.astype(object)
    _, places = np.unique(cells, return_inverse=True)
    keys = places * (groups.max() + 1) + groups
    order = np.argsort(keys)
    ordered = keys[order]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    kept = order[first]
    return cells[kept], groups[kept], np.add.reduceat(amounts[:, order], first, axis=1)


def _digits(values: Int64Array) -> Column:
    if values.dtype == object:
        return arrow.as_bytes(arrow.texts(str(value) for value in values))
    return arrow.as_bytes(arrow.as_text(arrow.numbers(values)))


def _quoted(text: str) -> str:
    """A text of CSV (RFC 4180): without quotation marks PostgreSQL takes an empty one for null."""
    return '"' + text.replace('"', '""') + '"'
