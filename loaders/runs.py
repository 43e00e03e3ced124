"""Sorted runs of hashes, each with a value: in memory while they are short, mapped from files later on.

So what a load remembers of its rows takes some tens of megabytes of memory, however many rows there are; the
files take sixteen bytes a row of the temporary folder, and go with the process.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from msgspec import Struct

from spatial.arrays import Int64Array

LONG = 1 << 20
"""Hashes from which a run has a file, and of how many the pages are in memory at a time."""
FAN = 4
"""Runs of about one length that are merged into one."""


class Run(Struct, frozen=True):
    """Hashes that ascend, a value with each, and what they are mapped from if they are."""

    hashes: Int64Array
    values: Int64Array
    mapped: mmap.mmap | None = None

    @classmethod
    def of(cls, hashes: Int64Array, values: Int64Array) -> Run:
        """In their order; of equal hashes the earlier ones stay before the later ones."""
        order = ascending(hashes)
        return cls(hashes[order], values[order])

    def __len__(self) -> int:
        return len(self.hashes)

    def matches(self, wanted: Int64Array) -> Iterator[tuple[Int64Array, Int64Array]]:
        """Of wanted hashes, which ascend, the places of those that are here, and their first places here.

        They come in parts, each of which is found in about ``LONG`` hashes of the run.
        """
        step = max(1, len(wanted) * LONG // max(1, len(self)))
        for begin in range(0, len(wanted), step):
            part = wanted[begin : begin + step]
            left = np.searchsorted(self.hashes, part)
            known = np.flatnonzero(left < len(self))
            known = known[self.hashes[left[known]] == part[known]]
            yield begin + known, left[known]
            self.let_go()

    def find(self, wanted: Int64Array) -> tuple[Int64Array, Int64Array]:
        """The first place of each wanted hash, -1 where it is not there, and the value with it, else 0."""
        order = ascending(wanted)
        places, values = np.full(len(wanted), -1), np.zeros(len(wanted), dtype=np.int64)
        for known, left in self.matches(wanted[order]):
            places[order[known]], values[order[known]] = left, self.values[left]
        return places, values

    def let_go(self) -> None:
        """Let the pages of the file leave the process; the system's cache may keep them."""
        if self.mapped is not None:
            self.mapped.madvise(mmap.MADV_DONTNEED)


def ascending(hashes: Int64Array) -> Int64Array:
    """The order in which hashes ascend, of equal ones the earlier first.

    Hashes that differ are sorted in half the time where equal ones need not keep their order.
    """
    order = np.argsort(hashes)
    ordered = hashes[order]
    return np.argsort(hashes, kind="stable") if (ordered[1:] == ordered[:-1]).any() else order


def remember(runs: list[Run], run: Run) -> None:
    """Add a run, merging the last ones where ``FAN`` have become alike in length; one of nothing is none."""
    if len(run):
        runs.append(run)
    while len(runs) >= FAN and len(runs[-FAN]) < 2 * len(runs[-1]):
        runs[-FAN:] = [merged(runs[-FAN:])]


def merged(runs: Sequence[Run]) -> Run:
    """All as one, which may be empty; of equal hashes the earlier runs' come first."""
    if len(runs) == 1:
        return runs[0]
    length = sum(map(len, runs))
    if length < LONG:
        return _merged(runs)
    with tempfile.TemporaryFile() as file:
        # Room that is only promised would be missed where a page is written, and end the process.
        os.posix_fallocate(file.fileno(), 0, 2 * length * np.dtype(np.int64).itemsize)
        mapped = mmap.mmap(file.fileno(), 0)
    hashes, values = np.frombuffer(mapped, np.int64).reshape(2, length)
    whole = Run(hashes, values, mapped)
    end = 0
    for parts in _side_by_side(runs):
        part = _merged(parts)
        begin, end = end, end + len(part)
        whole.hashes[begin:end], whole.values[begin:end] = part.hashes, part.values
        for one in (*runs, whole):
            one.let_go()
    return whole


def all_merged(runs: Iterable[Run]) -> Run:
    """The same of any number of runs, which are merged as they come."""
    left: list[Run] = []
    for run in runs:
        remember(left, run)
    return merged(left)


def _side_by_side(runs: Sequence[Run]) -> Iterator[list[Run]]:
    """The parts of all, one after the other, between which no hash of one lies among another's."""
    step = max(1, LONG // len(runs))
    cuts = max(runs, key=len).hashes[step::step]
    edges = [[0, *np.searchsorted(run.hashes, cuts).tolist(), len(run)] for run in runs]
    for begins_and_ends in zip(*(pairwise(of_run) for of_run in edges), strict=True):
        yield [
            Run(run.hashes[begin:end], run.values[begin:end])
            for run, (begin, end) in zip(runs, begins_and_ends, strict=True)
        ]


def _merged(runs: Sequence[Run]) -> Run:
    nothing = np.empty(0, dtype=np.int64)
    hashes = np.concatenate([nothing, *(run.hashes for run in runs)])
    order = np.argsort(hashes, kind="stable")  # which finds the runs that there are
    return Run(hashes[order], np.concatenate([nothing, *(run.values for run in runs)])[order])
