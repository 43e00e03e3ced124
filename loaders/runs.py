"""Sorted runs of hashes, each with a value: in memory while they are short, mapped from files later on.

So what a load remembers of its rows takes some tens of megabytes of memory, however many rows there are; the
files take sixteen bytes a row of the temporary folder, and go with the process.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from loaders.room import room_needed
from spatial.arrays import Int64Array

LONG = 1 << 20
"""Hashes from which a run has a file, and of how many the pages are in memory at a time."""


@dataclass(frozen=True, slots=True)
class Run:
    """Hashes that ascend, a value with each, and what they are mapped from if they are."""

    hashes: Int64Array
    values: Int64Array
    mapped: mmap.mmap | None = None

    @classmethod
    def of(cls, hashes: Int64Array, values: Int64Array) -> Run:
        """In their order; of equal hashes the earlier ones stay before the later ones."""
        order = np.argsort(hashes, kind="stable")
        return cls(hashes[order], values[order])

    def __len__(self) -> int:
        return len(self.hashes)

    def stretches(self, wanted: Int64Array) -> Iterator[slice]:
        """Parts of ``wanted``, which ascend, such that each is found in about ``LONG`` hashes of the run."""
        step = max(1, len(wanted) * LONG // max(1, len(self)))
        for begin in range(0, len(wanted), step):
            yield slice(begin, begin + step)
            self.let_go()

    def find(self, wanted: Int64Array) -> tuple[Int64Array, Int64Array]:
        """The first place of each wanted hash, -1 where it is not there, and the value with it, else 0."""
        order = np.argsort(wanted, kind="stable")
        ascending = wanted[order]
        places, values = np.full(len(wanted), -1), np.zeros(len(wanted), dtype=np.int64)
        for some in self.stretches(ascending):
            left = np.searchsorted(self.hashes, ascending[some])
            known = np.flatnonzero(left < len(self))
            known = known[self.hashes[left[known]] == ascending[some][known]]
            places[order[some][known]] = left[known]
            values[order[some][known]] = self.values[left[known]]
        return places, values

    def let_go(self) -> None:
        """Let the pages of the file leave the process; the system's cache may keep them."""
        if self.mapped is not None:
            self.mapped.madvise(mmap.MADV_DONTNEED)


def remember(runs: list[Run], run: Run) -> None:
    """Add a run, merging those that are alike in length: a row is moved as often as their number doubles."""
    runs.append(run)
    while len(runs) > 1 and len(runs[-2]) <= len(runs[-1]):
        later, earlier = runs.pop(), runs.pop()
        runs.append(merged(earlier, later))


def merged(earlier: Run, later: Run) -> Run:
    """Both as one; of equal hashes the earlier run's come first. Raises ``DiskFull``."""
    length = len(earlier) + len(later)
    if length < LONG:
        return Run.of(*_joined([earlier, later]))
    with room_needed(), tempfile.TemporaryFile() as file:
        # Room that is only promised would be missed where a page is written, and end the process.
        os.posix_fallocate(file.fileno(), 0, 2 * length * np.dtype(np.int64).itemsize)
        mapped = mmap.mmap(file.fileno(), 0)
    hashes, values = np.frombuffer(mapped, np.int64).reshape(2, length)
    whole = Run(hashes, values, mapped)
    end = 0
    for parts in _side_by_side(earlier, later):
        part = Run.of(*_joined(parts))
        begin, end = end, end + len(part)
        whole.hashes[begin:end], whole.values[begin:end] = part.hashes, part.values
        for one in (earlier, later, whole):
            one.let_go()
    return whole


def all_merged(runs: Iterable[Run]) -> Run:
    """All as one, which may be empty."""
    left: list[Run] = []
    for run in runs:
        remember(left, run)
    whole = left.pop() if left else Run(*np.empty((2, 0), dtype=np.int64))
    while left:
        whole = merged(left.pop(), whole)
    return whole


def _side_by_side(earlier: Run, later: Run) -> Iterator[tuple[Run, Run]]:
    """The parts of both, one after the other, between which no hash of one lies among the other's."""
    longer = max(earlier, later, key=len)
    cuts = longer.hashes[LONG // 2 :: LONG // 2]
    edges = [[0, *np.searchsorted(one.hashes, cuts).tolist(), len(one)] for one in (earlier, later)]
    for a, b, c, d in zip(edges[0], edges[0][1:], edges[1], edges[1][1:], strict=False):
        yield (
            Run(earlier.hashes[a:b], earlier.values[a:b]),
            Run(later.hashes[c:d], later.values[c:d]),
        )


def _joined(parts: Sequence[Run]) -> tuple[Int64Array, Int64Array]:
    return np.concatenate([one.hashes for one in parts]), np.concatenate([one.values for one in parts])
