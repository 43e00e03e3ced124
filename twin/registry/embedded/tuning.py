"""Settings of the embedded server, derived from the machine's memory and cores; durable whatever it costs."""

from __future__ import annotations

import os
from pathlib import Path

_LZ4_SINCE = 15
MB = 1024 * 1024
GB = 1024 * MB
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where POSIX shared memory lives, not a temporary file


def machine_memory() -> int:
    """Bytes of memory this process may count on: the machine's, or its container's limit if that is less."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for file in CGROUP_LIMITS:
        if file.is_file() and (limit := file.read_text().strip()).isdigit():
            memory = min(memory, int(limit))
    return memory


def tuned(memory: int, cores: int) -> dict[str, str]:
    """PostgreSQL settings for ``memory`` bytes and ``cores``.

    A quarter of the memory for shared buffers and three quarters expected of the system's cache follow
    PostgreSQL's manual (20.4.1, 20.7.2); the caps and the other shares are ours. Up to a
    gigabyte of the log, which a load of a million rows fills, is kept to be written over: a new file of it is
    filled with zeros first.
    """
    return {
        "shared_buffers": _megabytes(memory // 4, 128 * MB, 8 * GB),
        "effective_cache_size": _megabytes(memory * 3 // 4, 256 * MB, 1024 * GB),
        "maintenance_work_mem": _megabytes(memory // 16, 64 * MB, 2 * GB),
        "work_mem": _megabytes(memory // 256, 8 * MB, 128 * MB),
        "max_wal_size": _megabytes(memory // 2, 1 * GB, 8 * GB),
        "min_wal_size": _megabytes(memory // 16, 256 * MB, 1 * GB),
        "max_worker_processes": str(max(8, 2 * cores)),
        "max_parallel_workers": str(cores),
        "max_parallel_workers_per_gather": str(min(4, cores)),
        "max_parallel_maintenance_workers": str(min(4, cores)),
        "dynamic_shared_memory_type": _dynamic_shared_memory(),
        "random_page_cost": "1.1",
        "effective_io_concurrency": "200",
        "checkpoint_timeout": "15min",
        "jit": "off",
    }


def compression(version: int, *, lz4: bool) -> dict[str, str]:
    """How the server's log is compressed: by LZ4 where it has that, which costs loads a fifth less."""
    return {"wal_compression": "lz4" if lz4 and version >= _LZ4_SINCE else "on"}


DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
PLAIN = {"timezone": "UTC", "log_timezone": "UTC", "listen_addresses": "", "unix_socket_permissions": "0700"}


def _megabytes(size: int, least: int, most: int) -> str:
    return f"{min(max(size, least), most) // MB}MB"


def _dynamic_shared_memory() -> str:
    """A container's /dev/shm often holds 64 MB, too little for parallel workers."""
    if not SHARED_MEMORY.is_dir():
        return "sysv"
    room = os.statvfs(SHARED_MEMORY)
    return "posix" if room.f_blocks * room.f_frsize >= GB else "sysv"
