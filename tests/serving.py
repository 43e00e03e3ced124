"""``twin serve`` as a process of its own, for tests that ask over HTTP."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent


@contextmanager
def serving(
    database: str, *options: str, env: Mapping[str, str] | None = None
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """``twin serve`` on a free port: its address and its process."""
    command = [sys.executable, "-m", "twin.cli", "serve", "--port", "0", *options]
    environment = {**os.environ, "TWIN_DATABASE_URL": database, **(env or {})}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            said = process.stderr.readline()
            address = re.search(r"http://[^ ]+?:\d+", said)
            assert address, said + process.stderr.read()
            yield address[0], process
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def working(database: str, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """``twin worker`` as soon as it works: its process."""
    command = [sys.executable, "-m", "twin.cli", "worker"]
    environment = {**os.environ, "TWIN_DATABASE_URL": database, **(env or {})}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = process.stderr.readline()
            assert "Working on uploads" in said, said + process.stderr.read()
            yield process
        finally:
            process.terminate()
            process.wait(30)
