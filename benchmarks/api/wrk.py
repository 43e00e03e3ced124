"""The load: wrk, which takes little of the core that it shares with PostgreSQL."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.api.peers import LOAD_CORE, Peer, Request, ServerFailed

CONNECTIONS = 16
LEAD = 2
"""Seconds of asking before those that count."""
_SCRIPT = Path(__file__).with_name("wrk.lua")
_LONGEST = 60
"""Seconds until an answer counts as missing."""


@dataclass(frozen=True, slots=True)
class Load:
    """Requests a second, and the milliseconds within which half and 99 % of the answers came."""

    rate: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Prepared:
    """Requests for a peer, written into a file."""

    peer: Peer
    file: Path

    def run(self, seconds: int, connections: int = CONNECTIONS) -> Load:
        """Ask for so long, after ``LEAD`` seconds that do not count, over connections that are kept.

        It takes longer if there was no answer by then. When all is over, the server has no more to do.

        Raises ``ServerFailed`` if one answer was missing, cut short or told an error.
        """
        window = [str(LEAD), str(LEAD + seconds)]
        duration = LEAD + seconds + 1
        command = ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{connections}", f"-d{duration}s"]
        command += ["--timeout", f"{_LONGEST}s", "-s", str(_SCRIPT), f"http://127.0.0.1:{self.peer.port}"]
        printed = subprocess.run(
            [*command, "--", str(self.file), *self.peer.frame, *window],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        line = next((line for line in printed.splitlines() if line.startswith("result ")), "")
        if not line:
            raise ServerFailed(f"{self.peer.name}: {printed}")
        count, p50, p99, failed, *sample = line.split(" ", 5)[1:]
        if failed != "0":
            raise ServerFailed(f"{self.peer.name}: {failed} requests failed. {' '.join(sample)}")
        self.peer.await_idle()
        if count == "0" and seconds < _LONGEST:
            return self.run(4 * seconds, connections)
        return Load(int(count) / seconds, int(p50) / 1e3, int(p99) / 1e3)


@contextmanager
def prepared(peer: Peer, requests: Sequence[Request]) -> Iterator[Prepared]:
    """Requests as wrk reads them."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "requests"
        with file.open("wb") as out:
            for text in (request.written() for request in requests):
                out.write(b"%d\n" % len(text) + text)
        yield Prepared(peer, file)
