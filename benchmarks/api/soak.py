"""A soak: ``python -m benchmarks.api.soak [--assets N] [--seconds S] [--clients C]``.

Clients ask all that the benchmark asks, identity files and nonsense, over connections that they keep for a
while, and some leave before they are answered. The exit status is 1 if an answer was missing, cut short or
another than expected, if a statement is still running when all have gone, or if memory grew: the median of
the server's resident memory in the last quarter of the time is more than ``GROWTH`` times that in the second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.api.data import registry
from benchmarks.api.peers import LOAD_CORE, Peer, graphql, ours
from benchmarks.api.questions import QUESTIONS, Arguments, drawn
from benchmarks.lab import REGISTRY, ROOT, Lab

GROWTH = 1.1
SAMPLES = 200
LEAVING = 0.05
"""The share of questions whose answers nobody waits for."""
PATIENCE = 60.0
"""Seconds until an answer counts as missing."""
_RARE = {"list1000": 1, "nested50": 3, "cells500": 3, "groups": 3}
_OFTEN, _SELDOM = 10, 1
_OPERATIONS = ROOT / "graphql" / "operations"
_WRONG = {
    "unknown field": (graphql("{ nothing }", {}), "graphql.validation"),
    "no document": (graphql("query {", {}), "graphql.syntax"),
    "no code": (graphql('{ asset(code: "nonsense") { code } }', {}), "code.malformed"),
    "large page": (graphql("{ streetlights(first: 100000) { nodes { code } } }", {}), "page.size"),
    "odd box": (graphql("{ cells(resolution: 9, where: { bbox: [1, 2, 3] }) { count } }", {}), "input.type"),
    "no resolution": (graphql("{ cells(resolution: 16) { count } }", {}), "cell.resolution"),
    "foreign cursor": (graphql('{ streetlights(after: "abc") { nodes { code } } }', {}), "cursor.invalid"),
    "unknown field, planner off": (graphql("{ nothing }", {}, **ours.EXECUTOR), "graphql.validation"),
    "missing variable": (
        graphql("query ($c: String!) { asset(code: $c) { code } }", {}),
        "graphql.validation",
    ),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and the code of the error that must come of it, None where none may."""

    name: str
    request: bytes
    error: str | None = None


@dataclass(slots=True)
class Seen:
    """How often what came, the first few things that should not have come, and megabytes of memory."""

    came: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def growth(self) -> float:
        """Memory of the last quarter as a multiple of that of the second."""
        quarter = len(self.memory) // 4
        return median(self.memory[-quarter:]) / median(self.memory[quarter : 2 * quarter])


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.api.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--assets", type=int, default=10_000_000)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--clients", type=int, default=64)
    asked = parser.parse_args()
    lab = registry(asked.assets)
    os.sched_setaffinity(0, {LOAD_CORE})
    seen = Seen()
    with lab.running():
        ask = questions(lab)
        with ours.planner(lab) as served:
            asyncio.run(soak(served, ask, seen, asked.seconds, asked.clients))
            left = running_statements(lab)
    return conclude(seen, left)


def questions(lab: Lab) -> Callable[[], Asked]:
    """Draws what is asked next."""
    arguments: Mapping[str, Sequence[Arguments]] = drawn(lab)
    often: dict[str, Callable[[], Asked]] = {
        name: partial(_asked, name, arguments[name]) for name in QUESTIONS
    }
    often["planner off"] = partial(_asked, "lookup", arguments["lookup"], ours.EXECUTOR)
    often["identity_file"] = partial(_operation, "identity_file", arguments["lookup"])
    boxes = [{"by": "KIND", "where": {"bbox": one["box"]}} for one in arguments["cells500"]]
    often["groups"] = partial(_operation, "groups", boxes)
    seldom = {name: partial(_operation, name, [{}]) for name in ("registry", "loads", "reports")}
    seldom |= {name: partial(Asked, name, one.written(), code) for name, (one, code) in _WRONG.items()}
    makers = often | seldom
    weights = [*(_RARE.get(name, _OFTEN) for name in often), *(_SELDOM for _ in seldom)]

    def draw() -> Asked:
        (name,) = random.choices(list(makers), weights)
        return replace(makers[name](), name=name)

    return draw


def _operation(name: str, variables: Sequence[Arguments]) -> Asked:
    document = (_OPERATIONS / f"{name}.graphql").read_text(encoding="utf-8")
    return Asked(name, graphql(document, random.choice(variables)).written())


def _asked(question: str, arguments: Sequence[Arguments], headers: Mapping[str, str] | None = None) -> Asked:
    return Asked(question, ours.request(question, random.choice(arguments), headers).written())


async def soak(served: Peer, ask: Callable[[], Asked], seen: Seen, seconds: int, clients: int) -> None:
    """Many clients until the time is over, while memory is looked at."""
    until = time.monotonic() + seconds
    asking = (client(served.port, ask, seen, until) for _ in range(clients))
    await asyncio.gather(watch(served.pid, seen, until, seconds / SAMPLES), *asking)


async def watch(pid: int, seen: Seen, until: float, pause: float) -> None:
    """Note the process's memory again and again."""
    shown = time.monotonic()
    while (now := time.monotonic()) < until:
        seen.memory.append(resident(pid))
        if now >= shown:
            answers = sum(seen.came.values())
            print(f"{until - now:5.0f} s left, {seen.memory[-1]:.0f} MB, {answers:,} answers", flush=True)
            shown += 20
        await asyncio.sleep(pause)


def resident(pid: int) -> float:
    """Megabytes of memory that a process has."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def client(port: int, ask: Callable[[], Asked], seen: Seen, until: float) -> None:
    """One client: connects, asks some questions, closes or leaves, and comes again."""
    while time.monotonic() < until:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(random.randrange(1, 12)):
            asked = ask()
            writer.write(asked.request)
            if random.random() < LEAVING:
                await asyncio.sleep(random.random() * 0.02)
                seen.came["left before the answer"] += 1
                break
            try:
                came = expected(asked, *await asyncio.wait_for(answer(reader), PATIENCE))
            except (OSError, EOFError, TimeoutError, ValueError) as problem:
                came = f"{asked.name}: {problem!r}"
                seen.wrong.append(came)
                break
            if came:
                seen.wrong.append(came)
            seen.came[asked.name] += 1
        writer.close()


async def answer(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """Status line and body of an answer. Raises ``EOFError`` where it is cut short."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return status, await reader.readexactly(int(headers["content-length"]))


def expected(asked: Asked, status: str, body: bytes) -> str | None:
    """None if the answer is what it should be, else what it is."""
    errors = json.loads(body).get("errors", [])
    codes = [error.get("extensions", {}).get("code") for error in errors]
    if " 200 " in status and codes == ([asked.error] if asked.error else []):
        return None
    return f"{asked.name}: {status} {codes} {body[:300].decode(errors='replace')}"


def running_statements(lab: Lab) -> int:
    """How many statements of the API's role are running after a moment of quiet."""
    time.sleep(1)
    with lab.connection(REGISTRY) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'twin_api' AND state <> 'idle'"
        ).fetchone()
    return int(row[0]) if row else 0


def conclude(seen: Seen, left: int) -> int:
    """Print what came; gives the exit status."""
    for name, count in seen.came.most_common():
        print(f"{name:24} {count:10,}")
    growth = seen.growth()
    print(f"memory {seen.memory[0]:.0f} MB at first, {max(seen.memory):.0f} MB at most, growth {growth:.3f}")
    print(f"{left} statements left running, {len(seen.wrong)} answers that should not have come")
    print(*seen.wrong[:10], sep="\n")
    good = growth <= GROWTH and not left and not seen.wrong
    print("soak ok" if good else "soak failed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
