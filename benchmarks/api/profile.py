"""Where a question's time goes in our server: ``python -m benchmarks.api.profile [--question Q]``.

py-spy samples the server while 16 connections ask. The summary is a flame graph's: of the time that the
server's thread works, the share of each part by the innermost function that is one's own, then the functions
themselves. ``--out`` keeps the stacks, a line each, as flame graphs are drawn from.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.api.data import registry
from benchmarks.api.peers import INSTALLED, LOAD_CORE, SERVER_CORE, Peer, await_listening, free_port, ours
from benchmarks.api.questions import QUESTIONS, drawn
from benchmarks.api.wrk import prepared
from benchmarks.lab import ROOT, Lab
from benchmarks.page import table

_VERSION = "0.4.3"
_FOLDER = INSTALLED / f"py-spy-{_VERSION}"
_RATE = 250
"""Samples a second."""
PARTS = (
    ("psycopg: sending, waiting for and reading rows", ("psycopg/", "psycopg_pool/", "psycopg_binary/")),
    (
        "answers: rows into JSON, orjson",
        ("<shape>", "planner/shapes", "registry/rows", "query/position", "Answer.json"),
    ),
    (
        "HTTP: uvicorn, Starlette, our middleware",
        ("uvicorn/", "starlette/", "fastapi/", "twin/web/", "planner/http"),
    ),
    ("questions: arguments and statements", ("twin/registry/", "twin/identity/", "spatial/", "sqlalchemy/")),
    ("planner or executor: documents, plans, resolvers", ("citygraph/", "strawberry/", "graphql/")),
    ("asyncio, uvloop", ("asyncio/", "uvloop", "contextlib")),
)
"""What parts are called, and what the files of their functions hold."""
_OTHER = "other"
_LOOP = "asyncio/runners.py"
"""Where a server's work goes through."""
_SHOWN = 15


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.api.profile", description=__doc__.splitlines()[0])
    parser.add_argument("--assets", type=int, default=10_000_000)
    parser.add_argument("--question", choices=QUESTIONS, default="list1000")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--planner-off", action="store_true")
    parser.add_argument("--out", type=Path, help="where the stacks go")
    asked = parser.parse_args()
    install()
    lab = registry(asked.assets)
    os.sched_setaffinity(0, {LOAD_CORE})
    with TemporaryDirectory() as folder:
        written = asked.out or Path(folder) / "stacks"
        with lab.running():
            arguments = drawn(lab)[asked.question]
            with spied(lab, written) as twin:
                peer = ours.executor(twin) if asked.planner_off else twin
                with prepared(peer, [peer.request(asked.question, one) for one in arguments]) as asking:
                    load = asking.run(asked.seconds)
        print(f"{peer.name}, {asked.question}: {load.rate:.0f} a second while it is sampled\n")
        print(summary(stacks_of(written)))
    return 0


def install() -> None:
    """Put py-spy into ``.bench`` where it is not there."""
    if not _FOLDER.exists():
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--target", str(_FOLDER), f"py-spy=={_VERSION}"], check=True)


@contextmanager
def spied(lab: Lab, stacks: Path) -> Iterator[Peer]:
    """The server as a child of py-spy, which thus needs no rights; in the end its stacks are written."""
    port = free_port()
    code = f"import os; os.sched_setaffinity(0, {{{SERVER_CORE}}}); from twin.cli import main; main()"
    spy = [_FOLDER / "bin" / "py-spy", "record", "--rate", str(_RATE), "--format", "raw", "--output", stacks]
    command = [*spy, "--full-filenames", "--", sys.executable, "-c", code, "serve", "--port", str(port)]
    process = subprocess.Popen([*map(str, command)], env=lab.environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        await_listening(process, port)
        yield Peer("twin", port, process.pid, ours.request, ours.read)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def stacks_of(file: Path) -> Mapping[Sequence[str], int]:
    """How often each stack was seen, the outermost function first; those of starting are left out."""
    lines = (line.rsplit(" ", 1) for line in file.read_text(encoding="utf-8").splitlines())
    stacks = {tuple(stack.split(";")): int(count) for stack, count in lines}
    return {stack: count for stack, count in stacks.items() if any(_LOOP in function for function in stack)}


def part_of(stack: Sequence[str]) -> str:
    """Whose the time is: the part of the innermost function that is of one."""
    for function in reversed(stack):
        for name, places in PARTS:
            if any(place in function for place in places):
                return name
    return _OTHER


def summary(stacks: Mapping[Sequence[str], int]) -> str:
    """Shares by part, and of the innermost functions, the largest first."""
    parts: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for stack, count in stacks.items():
        parts[part_of(stack)] += count
        functions[_short(stack[-1])] += count
    total = parts.total()
    shares = [
        table(
            (heading, "share"),
            [(name, f"{count / total:.1%}") for name, count in counted.most_common(_SHOWN)],
        )
        for heading, counted in (("part", parts), ("innermost function", functions))
    ]
    return "\n".join(shares)


def _short(function: str) -> str:
    """A function's name and the last of its path."""
    name, _, place = function.partition(" (")
    file, _, line = place.rstrip(")").rpartition(":")
    return f"{name} ({'/'.join(Path(file).parts[-2:])}:{line})"


if __name__ == "__main__":
    sys.exit(main())
