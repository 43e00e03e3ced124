"""Few rows of several batches become one batch: none is lost, moved, or carried over an end."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from loaders import arrow, remaining
from loaders.formats import Rows
from loaders.keys import Identity
from loaders.places import written_geometries
from loaders.plan import Position
from loaders.remaining import Remaining, gathered

ENOUGH = 5
BATCHES = st.lists(
    st.tuples(st.integers(0, 7), st.booleans(), st.sampled_from(["int8", "int16"])), max_size=30
)
"""How many rows of each batch remain, whether what is registered by itself ends, and the type of a column."""


def of(numbers: range, type_: str) -> Remaining:
    """Rows with these numbers, each with its own key, hashes and place."""
    count = np.array(numbers, dtype=np.int64)
    wkb = arrow.binaries([bytes([number % 256]) for number in numbers])
    rows = Rows(count, {"a": pa.array([number % 100 for number in numbers], type_)}, wkb)
    identity = Identity(arrow.texts(f"K{number}" for number in numbers), count * 2, count * 3)
    return Remaining(rows, written_geometries(rows, Position()), identity, count % 2 == 0)


@given(BATCHES)
def test_all_rows_come_in_order_and_end_where_they_ended(batches: list[tuple[int, bool, str]]) -> None:
    coming, ends, first = [], [], 0
    for size, full, type_ in batches:
        coming.append((of(range(first, first + size), type_), full))
        first += size
        ends += [first] if full else []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remaining, "ENOUGH", ENOUGH)
        parts = list(gathered(coming))
    numbers = [number for part, _ in parts for number in part.rows.numbers.tolist()]
    assert numbers == list(range(first))
    edges = np.cumsum([len(part.rows) for part, _ in parts]).tolist()
    assert [edge for edge, (_, full) in zip(edges, parts, strict=True) if full] == ends
    for part, _ in parts:
        count = part.rows.numbers
        assert part.rows.columns["a"].to_pylist() == (count % 100).tolist()
        assert part.rows.wkb is not None and part.rows.wkb.to_pylist() == [bytes([n % 256]) for n in count]
        assert part.identity.keys.to_pylist() == [f"K{number}" for number in count]
        assert part.identity.key_hashes.tolist() == (count * 2).tolist()
        assert part.identity.hashes.tolist() == (count * 3).tolist()
        assert part.existing.tolist() == (count % 2 == 0).tolist()
    for (part, full), (following, _) in pairwise(parts):
        assert (
            max(len(part.rows), len(following.rows)) >= ENOUGH
            or full
            or part.rows.schema != following.rows.schema
        )


def test_what_is_enough_alone_is_left_as_it_came() -> None:
    few, whole = of(range(3), "int8"), of(range(3, 3 + remaining.ENOUGH), "int8")
    (first, _), (second, _) = gathered([(few, False), (whole, False)])
    assert first is few and second is whole


def test_large_rows_are_not_joined_beyond_what_arrow_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remaining, "LARGE", 25)
    parts = list(gathered((of(range(first, first + 1), "int8"), False) for first in range(9)))
    assert 1 < len(parts) < 9
    assert all(part.rows.size < 25 + of(range(1), "int8").rows.size for part, _ in parts)


def test_geometries_of_two_types_are_kept_apart() -> None:
    small, large = of(range(2), "int8"), of(range(2, 4), "int8")
    other = Rows(large.rows.numbers, large.rows.columns, large.rows.wkb.cast(pa.large_binary()))  # type: ignore[union-attr]
    parts = list(gathered([(small, False), (replace(large, rows=other), False)]))
    assert [part.rows.numbers.tolist() for part, _ in parts] == [[0, 1], [2, 3]]
