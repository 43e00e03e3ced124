"""The living processes of one embedded server, told apart by their command lines.

A process id alone proves nothing: after a kill or a reboot another program may have it. PostgreSQL writes
the cluster's name into the title of each child, and we start it with a name made from the data's path.
"""

from __future__ import annotations

import os
from pathlib import Path

from twin.registry.embedded.place import digest

PROC = Path("/proc")


def cluster_name(data: Path) -> str:
    """The name that the server of ``data`` bears in its processes' titles."""
    return f"twin-{digest(data)}"


def living(data: Path) -> list[int]:
    """Every process of the server of ``data``, the postmaster included."""
    if not data.exists():
        return []
    owner, postmaster = data.stat().st_uid, ["-D", str(data)]
    child = f"postgres: {cluster_name(data)}: "
    found = []
    for entry in PROC.iterdir():
        if entry.name.isdigit() and _owner(entry) == owner:
            words = _command(entry)
            if words[0].startswith(child) or (Path(words[0]).name == "postgres" and words[1:3] == postmaster):
                found.append(int(entry.name))
    return found


def postmaster(data: Path) -> tuple[int, str] | None:
    """The living postmaster's process id and its state: ``starting``, ``ready`` or ``stopping``."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    if not lines or not lines[0].isdigit() or int(lines[0]) not in living(data):
        return None
    return int(lines[0]), lines[7].strip() if len(lines) > 7 else "starting"


def _owner(entry: Path) -> int | None:
    try:
        return entry.stat().st_uid
    except OSError:  # it ended meanwhile
        return None


def _command(entry: Path) -> list[str]:
    try:
        return os.fsdecode((entry / "cmdline").read_bytes()).split("\0")
    except OSError:  # it ended meanwhile
        return [""]
