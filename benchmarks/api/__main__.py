"""Measures the API: ``python -m benchmarks.api [--assets N] [--rounds R] [--only PART …] [--write FILE]``.

A small run, of a minute or two: ``--assets 100000 --rounds 1 --seconds 1``. The exit status is 1 where a bar
is short.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.api import city
from benchmarks.api.answers import AnswersDiffer, require_same
from benchmarks.api.bars import BARS
from benchmarks.api.data import SMALL, registry
from benchmarks.api.page import page
from benchmarks.api.peers import LOAD_CORE, Peer, Request, graphql, ours, postgraphile, tipg
from benchmarks.api.peers.floor import floor
from benchmarks.api.questions import QUESTIONS, ROWS, Arguments, drawn
from benchmarks.api.results import CITY, DEEP_PAGE, FIRST_PAGE, GIST, LARGE, Results
from benchmarks.api.results import SMALL as AMONG_FEW
from benchmarks.api.wrk import Prepared, prepared
from benchmarks.lab import REGISTRY, Lab
from benchmarks.page import write_part

SQL = Path(__file__).parent / "sql"
PARTS = (*QUESTIONS, "pages", "city", "growth")
COMPARED = 5
"""Times that each question is asked of everybody before anybody is timed."""
PATIENT = "60000"
"""Milliseconds that a statement may take, ours as a competitor's: what is slow is measured, too."""
DEEP = 10_000
"""The page that is as fast as the first."""

Measure = Callable[[], None]


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.api", description=__doc__.splitlines()[0])
    parser.add_argument("--assets", type=int, default=10_000_000, help="how many the registry holds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="how long each is asked in each round")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART",
                        help=f"some of: {', '.join(PARTS)}")  # fmt: skip
    parser.add_argument("--write", type=Path, help="where the part about the API goes: docs/performance.md")
    asked = parser.parse_args()
    results = Results(asked.assets, asked.rounds, asked.seconds)
    installed = [postgraphile.install(), tipg.install()]
    lab, few = registry(asked.assets), registry(min(SMALL, asked.assets))
    # All that is started from here on shares the core of the load, but for servers, which are given theirs.
    os.sched_setaffinity(0, {LOAD_CORE})
    with ExitStack() as running:
        running.enter_context(lab.running())
        results.versions = [*lab.versions(), *installed]
        print(*results.versions, sep="\n", flush=True)
        furnish(lab)
        measures = [running.enter_context(measured(lab, results, asked.only))]
        if "growth" in asked.only and few.home != lab.home:
            running.enter_context(few.running())
            measures.append(running.enter_context(growth(lab, few, results)))
        for number in range(results.rounds):
            for everybody in (one for some in measures for one in some):
                first = number % len(everybody)
                for measure in everybody[first:] + everybody[:first]:
                    measure()
    return conclude(results, asked.write)


def furnish(lab: Lab) -> None:
    """What competitors read, and the tables and indexes of assets in PostgreSQL's memory."""
    with lab.connection(REGISTRY) as connection:
        connection.execute((SQL / "peers.sql").read_bytes())
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
        connection.execute((SQL / "warm.sql").read_bytes())


@contextmanager
def measured(lab: Lab, results: Results, parts: Sequence[str]) -> Iterator[list[list[Measure]]]:
    """What is measured in each round, all servers running: lists of those that take turns at being first."""
    arguments = drawn(lab)
    with ExitStack() as running:
        twin = running.enter_context(ours.planner(lab, TWIN_API_STATEMENT_TIMEOUT_MS=PATIENT))
        executor = ours.executor(twin)
        others = {peer.name: peer for peer in (
            running.enter_context(start(lab)) for start in (postgraphile.postgraphile, floor, tipg.tipg)
        )}  # fmt: skip
        rivals, bare, items = others["PostGraphile"], others["floor"], others["tipg"]
        asked: Mapping[str, Sequence[Peer]] = {
            **dict.fromkeys(QUESTIONS, (twin, rivals)),
            "list100": (twin, rivals, bare, items),
            "list1000": (twin, executor, rivals, bare),
        }
        measures = []
        for question in (name for name in QUESTIONS if name in parts):
            compare(question, asked[question], arguments[question])
            measures.append([
                running.enter_context(load_of(results, question, peer, arguments[question]))
                for peer in asked[question]
            ])  # fmt: skip
        if "pages" in parts:
            for by in ("CODE", "CELL"):
                measures.append([
                    running.enter_context(alone(results, what, twin, [request], rows=ROWS["list100"]))
                    for what, request in pages(lab, results, by).items()
                ])  # fmt: skip
        if "city" in parts:
            measures.append([lambda: measure_city(lab, results, twin)])
        yield measures


def compare(question: str, peers: Sequence[Peer], arguments: Sequence[Arguments]) -> None:
    """Ask everybody the same, and see that they answer the same. Raises ``AnswersDiffer``."""
    for one in arguments[:COMPARED]:
        require_same(question, one, {peer.name: peer.ask(question, one) for peer in peers})
    print(f"{question:12} {', '.join(peer.name for peer in peers)} answer alike", flush=True)


@contextmanager
def load_of(results: Results, question: str, peer: Peer, arguments: Sequence[Arguments]) -> Iterator[Measure]:
    """Asks a peer a question by many connections, and keeps what came of it."""

    def measure(asking: Prepared) -> None:
        load = asking.run(results.seconds)
        results.add(question, peer.name, load)
        print(
            f"{question:12} {peer.name:18} {load.rate:9.1f}/s {load.p50:8.2f} {load.p99:8.2f} ms", flush=True
        )

    with prepared(peer, [peer.request(question, one) for one in arguments]) as asking:
        yield lambda: measure(asking)


@contextmanager
def alone(
    results: Results, what: str, peer: Peer, requests: Sequence[Request], rows: int = 0
) -> Iterator[Measure]:
    """Asks by one connection, and keeps the median time. Answers of lists have ``rows`` rows."""
    if rows and len(ours.read("list100", json.loads(peer.answer(requests[0])))) != rows:
        raise AnswersDiffer(f"{what}: not {rows} rows")

    def measure(asking: Prepared) -> None:
        load = asking.run(results.seconds, connections=1)
        results.add_alone(what, load.p50)
        print(f"{what:40} {load.p50:8.3f} ms", flush=True)

    with prepared(peer, requests) as asking:
        yield lambda: measure(asking)


def pages(lab: Lab, results: Results, by: str) -> dict[str, Request]:
    """The first page of streetlights in an order, and a deep one: the last whole one where there are few."""
    size = ROWS["list100"]
    with lab.connection(REGISTRY) as connection:
        (lamps,) = connection.execute("SELECT count(cell) FROM twin.asset_streetlight").fetchone() or (0,)
        number = min(DEEP, lamps // size)
        (code, cell) = connection.execute(
            f"SELECT code, cell FROM twin.asset_streetlight ORDER BY {by}, code OFFSET %s LIMIT 1",
            [(number - 1) * size - 1],
        ).fetchone() or ("", 0)
    document = ours.DOCUMENTS["list100"].replace("streetlights(", f"streetlights(orderBy: {by}, ")
    after = ours.cursor(code, cell if by == "CELL" else None, by=by)
    first, deep = FIRST_PAGE.format(by), DEEP_PAGE.format(number, by)
    results.pages[by] = first, deep
    return {
        first: graphql(document, {"first": size}),
        deep: graphql(document, {"first": size, "after": after}),
    }


def measure_city(lab: Lab, results: Results, twin: Peer) -> None:
    """The city's cells by the API, asked once before, and by a join."""
    city.by_api(twin)
    taken, counts = city.by_api(twin)
    results.add_alone(CITY, taken)
    results.add_alone(GIST, city.by_gist(lab, counts))
    for what in (CITY, GIST):
        print(f"{what:40} {results.alone[what][-1]:8.1f} ms", flush=True)


@contextmanager
def growth(lab: Lab, few: Lab, results: Results) -> Iterator[list[list[Measure]]]:
    """A lookup among all assets and among few."""
    with ExitStack() as running:
        taking_turns = []
        for what, among in ((LARGE, lab), (AMONG_FEW, few)):
            twin = running.enter_context(ours.planner(among))
            requests = [twin.request("lookup", one) for one in drawn(among)["lookup"]]
            taking_turns.append(running.enter_context(alone(results, what, twin, requests)))
        yield [taking_turns]


def conclude(results: Results, target: Path | None) -> int:
    """Print the part and the bars, and write the part if all were measured; gives the exit status."""
    found = results.bars()
    lines = BARS.lines(found)
    written = page(results, lines)
    print(written)
    if left := BARS.unmeasured(found):
        print(f"not measured, so nothing is written: {', '.join(left)}")
    elif target:
        write_part(target, written)
    print(*lines, sep="\n")
    return 1 if BARS.short(found) else 0


if __name__ == "__main__":
    sys.exit(main())
