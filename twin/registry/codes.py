"""Allocation of asset codes: ranges of sequence numbers, reserved for a load in a transaction of their own.

A load reserves what it needs for its new rows before it begins, and returns what it did not use. A load that
is killed burns no more than its range: gaps are normal, codes are never issued twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import psycopg
from msgspec import Struct
from psycopg.types.multirange import Int8Multirange
from psycopg.types.range import Range

from twin.errors import TwinError
from twin.identity import ParsedCode, scheme

Connection = psycopg.Connection[Any]
Ranges = tuple[tuple[int, int], ...]


class CodeSequenceFull(TwinError):
    """A division and class have not enough numbers left."""

    code = "code.sequence_full"
    en = (
        "Division {division} has {left} codes of class {class_code} left under scheme {scheme}, and {wanted}"
        " are needed. Give the class a further number in the scheme's file, [classes]."
    )
    zh = (
        "区划 {division} 在编码方案 {scheme} 下，类 {class_code} 仅余 {left} 个身份码，需要 {wanted} 个。"
        "请在该编码方案文件的 [classes] 中为该类增加编号。"
    )


class Key(NamedTuple):
    """What sequence numbers are counted within."""

    scheme: str
    division: str
    class_code: str


class Reservation(Struct, frozen=True):
    """Sequence numbers that belong to one load: ``ranges`` are half-open, ascending, and apart."""

    scheme: str
    division: str
    class_code: str
    ranges: Ranges

    @property
    def count(self) -> int:
        """How many numbers are reserved."""
        return _size(self.ranges)

    def split(self, used: int) -> tuple[Reservation, Reservation]:
        """The first ``used`` numbers, and the rest, which ``release`` takes back."""
        first, rest = _take(self.ranges, used)
        return self._with(first), self._with(rest)

    def _with(self, ranges: Ranges) -> Reservation:
        return Reservation(self.scheme, self.division, self.class_code, ranges)


def capacity(name: str) -> int:
    """How many codes a division and class can have under the scheme ``name``."""
    return scheme(name).capacity


def reserve(connection: Connection, wants: Mapping[Key, int]) -> dict[Key, Reservation]:
    """Reserve as many sequence numbers as ``wants`` says for each key: all, or none.

    ``connection`` is in autocommit mode and outside a transaction: the reservation commits by itself and
    outlives the load that asked for it. Raises ``CodeSequenceFull`` before anything is reserved.
    """
    _require_own_transaction(connection)
    keys = sorted(Key(*key) for key, count in wants.items() if count)
    if not keys:
        return {}
    with connection.transaction():
        # Whatever bears the codes is written to the log later, so that none can outlast its reservation.
        connection.execute("SET LOCAL synchronous_commit = off")
        connection.execute(_ENSURE, _columns(keys))
        taken: dict[Key, Reservation] = {}
        kept: list[tuple[int, Int8Multirange]] = []
        for *columns, following, free in connection.execute(_LOCK, _columns(keys)):
            key = Key(*columns)
            ranges, follows, rest = _allocate(key, following, free, wants[key])
            taken[key] = Reservation(key.scheme, key.division, key.class_code, ranges)
            kept.append((follows, rest))
        connection.execute(_KEEP, (*_columns(taken), [n for n, _ in kept], [free for _, free in kept]))
    return taken


def release(connection: Connection, reservations: Iterable[Reservation]) -> None:
    """Return the numbers of ``reservations`` that no asset bears, each once, for the next load to use.

    A transaction of its own, as ``reserve`` is: for when the load has ended.
    """
    _require_own_transaction(connection)
    returned: dict[Key, Ranges] = {}
    for reservation in reservations:
        key = Key(reservation.scheme, reservation.division, reservation.class_code)
        returned[key] = (*returned.get(key, ()), *reservation.ranges)
    with connection.transaction():
        connection.execute(_LOCK, _columns(returned))
        connection.execute(
            _RELEASE, (*_columns(returned), [_multirange(ranges) for ranges in returned.values()])
        )


def room(connection: Connection, keys: Iterable[Key]) -> dict[Key, int]:
    """How many numbers each key has left; looked at, not locked."""
    wanted = sorted({Key(*key) for key in keys})
    left = {key: capacity(key.scheme) for key in wanted}
    for *key, following, free in connection.execute(_LOOK, _columns(wanted)):
        left[Key(*key)] += 1 - following + _size(_bounds(free))
    return left


def require_room(connection: Connection, wants: Mapping[Key, int]) -> None:
    """Raise ``CodeSequenceFull`` when a key has fewer numbers left than ``wants`` says; reserve nothing."""
    for key, left in room(connection, wants).items():
        if left < wants[key]:
            raise CodeSequenceFull(**key._asdict(), left=left, wanted=wants[key])


def spread(left: Mapping[Key, int], keys: Sequence[Key], count: int) -> dict[Key, int]:
    """What to ``reserve`` for ``count`` assets of a class that owns the numbers of ``keys``, in their order.

    ``left`` is how much ``room`` there is. Raises ``CodeSequenceFull`` when all of it is not enough.
    """
    wants: dict[Key, int] = {}
    missing = count
    for key in keys:
        wants[key] = min(missing, left[key])
        missing -= wants[key]
    if missing:
        raise CodeSequenceFull(**keys[-1]._asdict(), left=sum(left[key] for key in keys), wanted=count)
    return {key: wanted for key, wanted in wants.items() if wanted}


def note_adopted(connection: Connection, codes: Iterable[ParsedCode]) -> None:
    """Make sure that the numbers of adopted ``codes`` are never issued.

    An adopted number beyond the next one moves the next one behind it, and the gap between becomes free, so
    that nothing is burned; one that is free is taken out. One below that is not free belongs to an asset or
    to a load in progress already: the unique key on codes decides. A transaction of its own, as ``reserve``
    is: for before the load merges.
    """
    _require_own_transaction(connection)
    adopted = [(c.scheme, c.division, c.class_code, c.sequence) for c in codes if c.sequence > 0]
    if not adopted:
        return
    with connection.transaction():
        keys = sorted({Key(*code[:3]) for code in adopted})
        connection.execute(_ENSURE, _columns(keys))
        connection.execute(_LOCK, _columns(keys))
        connection.execute(_ADOPT, tuple(list(column) for column in zip(*adopted, strict=True)))


# Arithmetic on ranges


def _allocate(
    key: Key, following: int, free: Int8Multirange, count: int
) -> tuple[Ranges, int, Int8Multirange]:
    """``count`` numbers, free ones first, then from ``following`` on; and what then follows and is free."""
    ranges, rest = _take(_bounds(free), count)
    missing = count - _size(ranges)
    left = capacity(key.scheme) + 1 - following
    if missing > left:
        raise CodeSequenceFull(**key._asdict(), left=count - missing + left, wanted=count)
    if missing:
        ranges = _joined((*ranges, (following, following + missing)))
    return ranges, following + missing, _multirange(rest)


def _take(ranges: Ranges, count: int) -> tuple[Ranges, Ranges]:
    """The first ``count`` numbers of ``ranges``, or as many as there are, and the rest."""
    taken: list[tuple[int, int]] = []
    for position, (lower, upper) in enumerate(ranges):
        if count < upper - lower:
            part = ((lower, lower + count),) if count else ()
            return (*taken, *part), ((lower + count, upper), *ranges[position + 1 :])
        taken.append((lower, upper))
        count -= upper - lower
    return tuple(taken), ()


def _joined(ranges: Ranges) -> Ranges:
    """``ranges`` with the last two made one where they touch."""
    *before, (lower, upper) = ranges
    if before and before[-1][1] == lower:
        return (*before[:-1], (before[-1][0], upper))
    return ranges


def _size(ranges: Ranges) -> int:
    return sum(upper - lower for lower, upper in ranges)


def _bounds(numbers: Int8Multirange) -> Ranges:
    return tuple((r.lower, r.upper) for r in numbers if r.lower is not None and r.upper is not None)


def _multirange(ranges: Ranges) -> Int8Multirange:
    return Int8Multirange(Range(lower, upper) for lower, upper in ranges)


def _columns(keys: Iterable[Key]) -> tuple[list[str], list[str], list[str]]:
    """Keys as three arrays, for ``unnest``."""
    listed = list(keys)
    return [k.scheme for k in listed], [k.division for k in listed], [k.class_code for k in listed]


def _require_own_transaction(connection: Connection) -> None:
    idle = connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    if not (connection.autocommit and idle):
        raise ValueError("codes are reserved on a connection in autocommit mode, outside any transaction")


# Statements. Rows are made and locked in the order of their keys, so that two loads never wait in a circle.

_ENSURE = """
INSERT INTO twin.code_sequence (scheme, division, class)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[]) AS wanted (scheme, division, class)
ORDER BY scheme, division, class
ON CONFLICT DO NOTHING
"""

_LOOK = """
SELECT scheme, division, class, next, free
FROM twin.code_sequence
JOIN unnest(%s::text[], %s::text[], %s::text[]) AS wanted (scheme, division, class)
USING (scheme, division, class)
"""

_LOCK = """
SELECT s.scheme, s.division, s.class, s.next, s.free
FROM twin.code_sequence AS s
JOIN unnest(%s::text[], %s::text[], %s::text[]) AS wanted (scheme, division, class)
USING (scheme, division, class)
ORDER BY s.scheme, s.division, s.class
FOR UPDATE OF s
"""

_KEEP = """
UPDATE twin.code_sequence AS s
SET next = kept.next, free = kept.free
FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::int8multirange[])
    AS kept (scheme, division, class, next, free)
WHERE (s.scheme, s.division, s.class) = (kept.scheme, kept.division, kept.class)
"""

_RELEASE = """
UPDATE twin.code_sequence AS s
SET free = s.free + returned.free
FROM unnest(%s::text[], %s::text[], %s::text[], %s::int8multirange[])
    AS returned (scheme, division, class, free)
WHERE (s.scheme, s.division, s.class) = (returned.scheme, returned.division, returned.class)
"""

_ADOPT = """
UPDATE twin.code_sequence AS s
SET next = greatest(s.next, adopted.last + 1),
    free = s.free + int8multirange(int8range(s.next, greatest(s.next, adopted.last + 1))) - adopted.numbers
FROM (
    SELECT scheme, division, class, max(number) AS last, range_agg(int8range(number, number + 1)) AS numbers
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[]) AS code (scheme, division, class, number)
    GROUP BY scheme, division, class
) AS adopted
WHERE (s.scheme, s.division, s.class) = (adopted.scheme, adopted.division, adopted.class)
"""
