"""Who answers: one file each, which starts its server, writes its requests and reads its answers."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.api.questions import Arguments
from benchmarks.lab import CORES, ROOT

INSTALLED = ROOT / ".bench"
"""Where competitors are installed, by name and version."""
_LONGEST_REST = 30
POOL = 4
"""Connections to the database, everybody's."""
SERVER_CORE, LOAD_CORE = (CORES * 2)[:2]
"""One core for the server that is measured, another for PostgreSQL and whoever asks."""


class ServerFailed(Exception):
    """A server did not start, or did not answer as it should."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: a path, the body that is posted if there is one, and headers besides those it needs."""

    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def method(self) -> str:
        return "GET" if self.body is None else "POST"

    def written(self) -> bytes:
        """The request as it goes over a connection that is kept."""
        lines = [
            f"{self.method} {self.path} HTTP/1.1",
            "Host: localhost",
            *map(": ".join, self.headers.items()),
        ]
        body = self.body or b""
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body else []
        return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody who answers: how to write a request for arguments, and to read what an answer says.

    Whole answers without errors begin and end with ``frame``.
    """

    name: str
    port: int
    pid: int
    request: Callable[[str, Arguments], Request]
    read: Callable[[str, Any], Any]
    frame: tuple[str, str] = ('{"data":{', "}}")

    def answer(self, request: Request) -> bytes:
        """The answer's body. Raises ``ServerFailed`` where it is not one."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {**request.headers} | ({"Content-Type": "application/json"} if request.body else {})
        connection.request(request.method, request.path, request.body, headers)
        got = connection.getresponse()
        body = got.read()
        connection.close()
        begin, end = (part.encode() for part in self.frame)
        if got.status != 200 or not (body.startswith(begin) and body.endswith(end)):
            raise ServerFailed(f"{self.name}: {got.status} {body[:500].decode(errors='replace')}")
        return body

    def await_idle(self) -> None:
        """Wait until the server's process does nothing more, as it may for those who have gone.

        Raises ``ServerFailed``.
        """
        until = time.monotonic() + _LONGEST_REST
        spent = _ticks(self.pid)
        while time.monotonic() < until:
            time.sleep(0.2)
            before, spent = spent, _ticks(self.pid)
            if spent - before <= 1:
                return
        raise ServerFailed(f"{self.name}: still works {_LONGEST_REST} s after everybody has gone")

    def ask(self, question: str, arguments: Arguments) -> Any:
        """What it answers, in everybody's form."""
        return self.read(question, json.loads(self.answer(self.request(question, arguments))))


def _ticks(pid: int) -> int:
    """Ticks of the processor, a hundredth of a second each, that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def graphql(document: str, variables: Mapping[str, Any], **headers: str) -> Request:
    """A document with variables, posted to ``/graphql``."""
    body = json.dumps({"query": document, "variables": variables}).encode()
    return Request("/graphql", body, headers)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number: int = listening.getsockname()[1]
    return number


@contextmanager
def serving(
    command: Sequence[str | Path], port: int, environment: Mapping[str, str], folder: Path = ROOT
) -> Iterator[int]:
    """The process of a server on its core, from when it listens; raises ``ServerFailed``."""
    pinned = ["taskset", "-c", str(SERVER_CORE), *map(str, command)]
    process = subprocess.Popen(
        pinned, env={**os.environ, **environment}, cwd=folder, stdout=subprocess.DEVNULL
    )
    try:
        await_listening(process, port)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def await_listening(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until somebody listens; raises ``ServerFailed``."""
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    raise ServerFailed(f"{' '.join(map(str, process.args))}: does not listen")  # type: ignore[arg-type]
