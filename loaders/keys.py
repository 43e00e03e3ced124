"""Who a row is, and whether it is as it was: key, doubles within the file, hash of the source values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
import xxhash
from msgspec import Struct

from loaders import arrow
from loaders.arrow import Column
from loaders.findings import Verdict, shown
from loaders.formats import Rows
from loaders.places import Raw, Written
from loaders.plan import Plan
from loaders.row_hashes import row_hashes
from loaders.runs import LONG, Run, ascending, remember
from loaders.text_hashes import text_hashes
from loaders.values import MAX_NAME, present
from spatial.arrays import BoolArray, Int64Array

_BEGINNING = 24
"""Bits of a hash by which it may be known to be new."""
_MOSTLY = 0.5
"""A column that is only assumed to be the key has at least this share of different values at first."""


def choose_key(plan: Plan, first: Rows) -> str | None:
    """The mapping's key column, else the first of the likely ones that tells most of the first rows apart."""

    def tells_apart(name: str) -> bool:
        return arrow.count_distinct(present(first.columns[name])) >= _MOSTLY * len(first)

    return plan.key or next(filter(tells_apart, plan.likely_keys), None)


class Seen:
    """Every hash so far with the row in which it came first.

    Most hashes are new, and few of those begin like an earlier one: only these are looked up. A bit for each
    beginning takes 2 MB. Where it is ``counting``, all times are remembered and not the first alone. As long
    as the texts that are hashed ascend, none can have come before: they are only noted.
    """

    def __init__(self, *, counting: bool = False) -> None:
        self._counting = counting
        self._ascending = True
        self._greatest: object = None
        self._runs: list[Run] = []
        self._later: list[tuple[Int64Array, Int64Array]] = []
        self._begun = np.zeros(1 << _BEGINNING - 3, dtype=np.uint8)

    def add_texts(
        self, texts: Column, hashes: Int64Array, numbers: Int64Array
    ) -> tuple[Int64Array, Int64Array]:
        """The same as ``add`` of the hashes of texts, of which none is null."""
        self._ascending = self._ascending and arrow.ascend(texts, self._greatest)
        if not self._ascending:
            return self._add(hashes, numbers)
        if len(texts):
            self._greatest = arrow.last(texts)
        self._note(hashes, numbers)
        return np.zeros(len(hashes), dtype=np.int64), numbers

    def add(self, hashes: Int64Array, numbers: Int64Array) -> tuple[Int64Array, Int64Array]:
        """How often each hash came before, in earlier rows, and the row in which it came first.

        ``numbers`` ascend. The first row of a hash that is new is the row itself. What came in earlier
        batches has come once where nobody counts.
        """
        self._ascending = False
        return self._add(hashes, numbers)

    def _add(self, hashes: Int64Array, numbers: Int64Array) -> tuple[Int64Array, Int64Array]:
        self._catch_up()
        order = ascending(hashes)
        run = Run(hashes[order], numbers[order])
        came, came_first = _among_themselves(run)
        alike = self._begin(run.hashes)
        times, rows = self._look_up(run.hashes[alike])
        came[alike] += times
        came_first[alike] = np.where(times > 0, rows, came_first[alike])
        before, first = np.empty((2, len(hashes)), dtype=np.int64)
        before[order], first[order] = came, came_first
        new = slice(None) if self._counting or not came.any() else came == 0
        remember(self._runs, Run(run.hashes[new], run.values[new]))
        return before, first

    def note(self, hashes: Int64Array, numbers: Int64Array) -> None:
        """Add hashes of which nobody asks whether they came before: they are sorted in when somebody asks."""
        self._ascending = False
        self._note(hashes, numbers)

    def _note(self, hashes: Int64Array, numbers: Int64Array) -> None:
        self._later.append((hashes, numbers))
        if sum(len(noted) for noted, _ in self._later) >= LONG:
            self._catch_up()

    def _catch_up(self) -> None:
        noted, self._later = self._later, []
        for hashes, numbers in noted:
            self._add(hashes, numbers)

    def _begin(self, hashes: Int64Array) -> Int64Array:
        """The places of those of the hashes, which ascend, that begin like an earlier batch's; mark all."""
        beginnings = hashes >> 64 - _BEGINNING
        bytes_ = beginnings >> 3  # a negative one counts from the end of the marks
        bits = np.left_shift(1, beginnings & 7, dtype=np.uint8, casting="unsafe")
        alike = np.flatnonzero(self._begun[bytes_] & bits)
        if len(bytes_):
            firsts = np.flatnonzero(np.append(True, bytes_[1:] != bytes_[:-1]))
            self._begun[bytes_[firsts]] |= np.bitwise_or.reduceat(bits, firsts)
        return alike

    def _look_up(self, hashes: Int64Array) -> tuple[Int64Array, Int64Array]:
        """How often each of the hashes, which ascend, is remembered, and the row of its first time."""
        times, rows = np.zeros((2, len(hashes)), dtype=np.int64)
        for run in reversed(self._runs):
            for known, left in run.matches(hashes):
                times[known] += np.searchsorted(run.hashes, hashes[known], side="right") - left
                rows[known] = run.values[left]
        return times, rows

    def holds(self, hashes: Int64Array) -> BoolArray:
        """Which of the hashes came before; adds none."""
        self._catch_up()
        found: BoolArray = np.zeros(len(hashes), dtype=np.bool_)
        for run in self._runs:
            found |= run.find(hashes)[0] >= 0
        return found


def _among_themselves(run: Run) -> tuple[Int64Array, Int64Array]:
    """How often each hash of a run came before in it, and the value of its first time."""
    if (run.hashes[1:] != run.hashes[:-1]).all():
        return np.zeros(len(run), dtype=np.int64), run.values.copy()
    left = np.searchsorted(run.hashes, run.hashes, side="left")
    return np.arange(len(run)) - left, run.values[left]


def lookup(sorted_values: Int64Array, wanted: Int64Array) -> Int64Array:
    """The place of each wanted value in a sorted array, -1 where it is not there."""
    if not len(sorted_values):
        return np.full(len(wanted), -1, dtype=np.int64)
    places = np.minimum(np.searchsorted(sorted_values, wanted), len(sorted_values) - 1)
    return np.where(sorted_values[places] == wanted, places, -1).astype(np.int64)


def fingerprint(*facts: object) -> int:
    """What the hashes are seeded with: they change when anything that turns values into assets changes."""
    return xxhash.xxh3_64_intdigest("\x1f".join(map(repr, facts)).encode())


class Identity(Struct, frozen=True):
    """The rows' keys, the keys' hashes, and the hashes of all that the rows say beside their keys."""

    keys: Column
    key_hashes: Int64Array
    hashes: Int64Array

    def take(self, mask: BoolArray) -> Identity:
        """The rows of the mask."""
        return Identity(arrow.take(self.keys, mask), self.key_hashes[mask], self.hashes[mask])

    @classmethod
    def joined(cls, parts: Sequence[Identity]) -> Identity:
        """One part after the other."""
        return cls(
            arrow.concatenated([part.keys for part in parts]),
            np.concatenate([part.key_hashes for part in parts]),
            np.concatenate([part.hashes for part in parts]),
        )


def identify(rows: Rows, written: Raw | Written, key: str | None, seed: int, places: Seen) -> Identity:
    """Key and hash of every row; without a key column the place is the key, and ``places`` keeps count."""
    keys = present(rows.columns[key]) if key is not None else _place_keys(rows, written.read(), places)
    said = [column for name, column in rows.columns.items() if name != key]
    said += [rows.wkb] if rows.wkb is not None else []
    return Identity(keys, text_hashes(keys), row_hashes(said or [keys], seed))


def _place_keys(rows: Rows, raw: Raw, places: Seen) -> Column:
    """``place:`` and xxh3 (64 bits) of the geometry's WKB; ``~2`` behind the second at one place."""
    wkb = shapely.to_wkb(raw.geometries, byte_order=1, include_srid=False)
    # The keys are stored, and have to be the same for ever.
    digests = [xxhash.xxh3_64_intdigest(one or b"\0") for one in wkb]
    hashes = np.array(digests, dtype=np.uint64).view(np.int64)
    digits = np.frombuffer(hashes.astype(">i8").tobytes().hex().encode(), dtype="S16")
    keys = arrow.wrapped("place:", arrow.texts(digits.astype(str)))
    before, _ = places.add(hashes, rows.numbers)
    ordinals = arrow.as_text(arrow.numbers(before + 1))
    keys = arrow.where(before > 0, arrow.joined([keys, ordinals], "~"), keys)
    return arrow.without(keys, shapely.is_missing(raw.geometries))


def judge_keys(identity: Identity, seen: Seen, verdict: Verdict, key: str | None) -> None:
    """Reject rows without a key and those whose key stood in an earlier row."""
    empty = arrow.is_null(identity.keys)
    verdict.reject(empty, "key.no_place" if key is None else "key.missing", key)
    limit = {"limit": str(MAX_NAME)}
    long = arrow.longer_than(identity.keys, MAX_NAME)
    verdict.reject(long, "key.too_long", key, shown(identity.keys), lambda _: limit)
    alive = np.flatnonzero(verdict.alive)
    before, first = np.zeros((2, len(verdict.numbers)), dtype=np.int64)
    before[alive], first[alive] = seen.add_texts(
        arrow.take(identity.keys, verdict.alive), identity.key_hashes[alive], verdict.numbers[alive]
    )
    doubled: BoolArray = before > 0
    verdict.reject(
        doubled, "key.duplicate", key, shown(identity.keys), lambda place: {"first": str(first[place])}
    )


def judge_twins(
    identity: Identity, candidates: BoolArray, new: BoolArray, seen: Seen, verdict: Verdict, *, reject: bool
) -> None:
    """Tell of new rows at whose place an earlier row says the same under another key.

    Two lamps on one pole are such rows, and so is a lamp that was written down twice. ``candidates`` are the
    rows that have a place; ``reject`` leaves the later ones out.
    """
    places = np.flatnonzero(candidates & verdict.alive)
    if not (new & verdict.alive).any():
        seen.note(identity.hashes[places], verdict.numbers[places])
        return
    before, first = np.zeros((2, len(verdict.numbers)), dtype=np.int64)
    before[places], first[places] = seen.add(identity.hashes[places], verdict.numbers[places])
    tell = verdict.reject if reject else verdict.warn
    tell(
        (before > 0) & new,
        "row.twin",
        None,
        shown(identity.keys),
        lambda place: {"first": str(first[place])},
    )
