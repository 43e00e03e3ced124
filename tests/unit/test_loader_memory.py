"""What a load remembers from row to row: sixteen bytes a row at most, beside marks for all of them."""

from __future__ import annotations

import resource
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loaders import arrow, runs
from loaders.keys import Seen
from loaders.room import DiskFull, room_needed
from loaders.runs import Run, all_merged
from loaders.text_hashes import text_hashes

ROWS = 400_000
BATCH = 20_000
MARKS = 2**24 // 8


def held(make: Callable[[], Any], marks: int = MARKS) -> tuple[float, float]:
    """Bytes a row, beside the marks, that remain of what is made, and bytes a row while it is made."""
    tracemalloc.start()
    try:
        made = make()
        remaining, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert made is not None
    return (remaining - marks) / ROWS, (most - marks) / ROWS


def test_hashes_that_were_seen_take_sixteen_bytes() -> None:
    remaining, most = held(seen)
    assert 16 <= remaining < 18
    assert most < 80


def test_hashes_beyond_a_length_take_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "LONG", BATCH)
    remaining, most = held(seen)
    assert remaining < 2
    assert most < 12


def test_the_pages_of_long_runs_leave_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "LONG", BATCH)
    remembered = seen()
    shared = mapped_in_memory()
    assert not remembered.holds(np.arange(BATCH)).any()
    assert mapped_in_memory() - shared < 4 * BATCH * 16


def test_a_hash_that_comes_again_and_again_is_remembered_once() -> None:
    def make() -> Seen:
        remembered = Seen()
        for start in range(0, ROWS, BATCH):
            before, first = remembered.add(np.full(BATCH, 7), np.arange(start, start + BATCH))
            assert before[1:].all()
            assert not first.any()
        return remembered

    remaining, most = held(make)
    assert remaining < 1
    assert most < 12


def test_registered_keys_take_sixteen_bytes_and_their_text_goes() -> None:
    def piece(start: int) -> Run:
        keys = [f"building-{number:020d}-with-a-long-key" for number in range(start, start + BATCH)]
        ends = np.cumsum([len(key) for key in keys])
        return Run.of(text_hashes(arrow.cut("".join(keys).encode(), ends)), np.arange(BATCH))

    def make() -> Run:
        return all_merged(piece(start) for start in range(0, ROWS, BATCH))

    piece(0)
    remaining, most = held(make, marks=0)
    assert 16 <= remaining < 18
    assert most < 80


def test_a_full_disk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "LONG", BATCH)
    room = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (BATCH, room[1]))
    try:
        with pytest.raises(DiskFull), room_needed():
            seen()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, room)


def seen() -> Seen:
    remembered = Seen()
    random = np.random.default_rng(1)
    for start in range(0, ROWS, BATCH):
        hashes = random.integers(-(2**63), 2**63, BATCH)
        before, _ = remembered.add(hashes, np.arange(start, start + BATCH))
        assert not before.any()
    return remembered


def mapped_in_memory() -> int:
    """Bytes of mapped files that are in this process's memory (proc(5))."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.split("RssFile:")[1].split()[0])
