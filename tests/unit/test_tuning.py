"""The embedded server's memory settings, from a small machine to a large one."""

from __future__ import annotations

import pytest

from twin.registry.embedded.tuning import DURABLE, GB, MB, compression, machine_memory, tuned


@pytest.mark.parametrize(
    ("memory", "shared", "cache"),
    [
        (256 * MB, "128MB", "256MB"),
        (2 * GB, "512MB", "1536MB"),
        (24 * GB, "6144MB", "18432MB"),
        (256 * GB, "8192MB", "196608MB"),
    ],
)
def test_a_quarter_is_shared_within_bounds(memory: int, shared: str, cache: str) -> None:
    settings = tuned(memory, cores=2)
    assert (settings["shared_buffers"], settings["effective_cache_size"]) == (shared, cache)


@pytest.mark.parametrize(
    ("memory", "kept", "most"),
    [(GB, "256MB", "1024MB"), (8 * GB, "512MB", "4096MB"), (64 * GB, "1024MB", "8192MB")],
)
def test_the_log_that_is_kept_is_less_than_all_of_it(memory: int, kept: str, most: str) -> None:
    settings = tuned(memory, cores=2)
    assert (settings["min_wal_size"], settings["max_wal_size"]) == (kept, most)


def test_parallel_workers_follow_the_cores() -> None:
    assert [tuned(GB, cores)["max_parallel_workers_per_gather"] for cores in (1, 2, 64)] == ["1", "2", "4"]
    assert tuned(GB, 64)["max_worker_processes"] == "128"


def test_nothing_tuned_costs_durability() -> None:
    assert not DURABLE.keys() & tuned(GB, 2).keys()
    assert set(DURABLE.values()) == {"on"}


def test_the_machine_has_memory() -> None:
    assert machine_memory() > 128 * MB


def test_the_log_is_compressed_by_what_the_server_has() -> None:
    found = [
        compression(version, lz4=lz4)["wal_compression"]
        for version, lz4 in ((14, True), (15, True), (17, False))
    ]
    assert found == ["on", "lz4", "on"]
