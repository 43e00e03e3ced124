"""What a load remembers from row to row: sixteen bytes a row, whatever the rows hold."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from loaders.keys import Seen

ROWS = 400_000
BATCH = 20_000


def held(make: Callable[[], Any]) -> tuple[float, float]:
    """Bytes a row that remain of what is made, and bytes a row while it is made."""
    tracemalloc.start()
    try:
        made = make()
        remaining, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert made is not None
    return remaining / ROWS, most / ROWS


def test_keys_that_were_seen_take_sixteen_bytes() -> None:
    hashes = np.random.default_rng(1).integers(-(2**63), 2**63, ROWS)

    def make() -> Seen:
        seen = Seen()
        for start in range(0, ROWS, BATCH):
            before, _ = seen.add(hashes[start : start + BATCH], np.arange(start, start + BATCH))
            assert not before.any()
        return seen

    remaining, most = held(make)
    assert 16 <= remaining < 18
    assert most < 80
