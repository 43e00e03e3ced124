"""Microsoft Access databases, read by mdbtools: the only module that runs its programs.

``mdb-tables`` and ``mdb-export`` are called with lists of arguments, never through a shell, and stopped when
they take too long.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from loaders.errors import FileBroken, ToolMissing
from twin.errors import sentence

SIGNATURES = (b"\x00\x01\x00\x00Standard Jet DB\x00", b"\x00\x01\x00\x00Standard ACE DB\x00")
"""How .mdb and .accdb files begin [V]."""

LIST_SECONDS = 60
EXPORT_SECONDS = 900

# Access 97 keeps text in the code page of the machine it was made on; later versions in Unicode.
_ENVIRONMENT = {"MDB_JET3_CHARSET": "GB18030", "MDBICONV": "UTF-8", "LC_ALL": "C.UTF-8"}


def table_names(path: Path) -> tuple[str, ...]:
    """The names of the tables. Raises ``ToolMissing`` or ``FileBroken``."""
    with tempfile.TemporaryFile() as listed:
        _run(path, ["mdb-tables", "-1", str(path.resolve())], listed, LIST_SECONDS)
        listed.seek(0)
        return tuple(name for name in listed.read().decode(errors="replace").splitlines() if name)


def export(path: Path, table: str, target: Path) -> None:
    """Write a table as CSV in UTF-8, dates as ISO 8601. Raises ``ToolMissing`` or ``FileBroken``."""
    dates = ["-D", "%Y-%m-%d", "-T", "%Y-%m-%d %H:%M:%S", "-b", "strip"]
    with target.open("wb") as file:
        _run(path, ["mdb-export", *dates, str(path.resolve()), table], file, EXPORT_SECONDS)


def _run(path: Path, command: Sequence[str], out: IO[bytes], seconds: float) -> None:
    """Run a program. One that ends with 0 and wrote nothing but a complaint has failed too."""
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        raise ToolMissing(path=path, tool=command[0], package="mdbtools") from None
    except subprocess.TimeoutExpired:
        raise FileBroken(path=path, reason=f"{command[0]} did not finish within {seconds:g} s.") from None
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode != 0 or (said and out.tell() == 0):
        raise FileBroken(path=path, reason=sentence(said or f"{command[0]} ended with {done.returncode}"))
