"""What telemetry costs, and what a trace looks like: ``python -m benchmarks.telemetry [--trace]``.

The sample city is loaded once, into a database of its own under ``.bench/``. Servers with different telemetry
then answer the same lookup by code, over loopback, in turn: each a slice of each round. Told are the medians
of the requests a second, and of the processor time of the server for one request, which neighbours on the
machine disturb less.

``--trace`` prints what ``OTEL_TRACES_EXPORTER=console`` prints of one operation, asked twice.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import sys
import threading
import time
import timeit
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from time import perf_counter_ns

import httpx
import orjson

from citygraph.operations import operation
from loaders.city import load_city
from loaders.load import Options
from twin.registry.database import connect, embedded, migrate, url
from twin.telemetry.metrics import Metrics
from twin.telemetry.records import Outlet, Request, Statement, observed, operating, waited

ROOT = Path(__file__).parent.parent
CLIENTS = 8
LOOKUP = """query lookup($code: String!) { asset(code: $code) {
  code kind name status address validFrom division { code } position { lon lat }
  cell sourceKey rowNumber updated
} }"""
OFF = {"TWIN_TELEMETRY_METRICS": "off", "TWIN_TELEMETRY_SLOW_MS": "0", "OTEL_TRACES_EXPORTER": "none"}
METRICS = {**OFF, "TWIN_TELEMETRY_METRICS": "local", "TWIN_TELEMETRY_SLOW_MS": "1000"}
TRACES = {**OFF, "OTEL_TRACES_EXPORTER": "otlp"}
SAMPLED = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"}
WAYS: Mapping[str, Mapping[str, str]] = {
    "nothing": OFF,
    "metrics, slow requests (the default)": METRICS,
    "a line of JSON for each request": {**OFF, "TWIN_TELEMETRY_LOG": "json"},
    "traces, 1 of 100": {**TRACES, **SAMPLED},
    "traces, all": TRACES,
    "all of it": {**METRICS, "OTEL_TRACES_EXPORTER": "otlp", "TWIN_TELEMETRY_LOG": "json"},
}


@dataclass
class Served:
    """A server, and what it took: requests a second, and microseconds of processor time for each."""

    address: str
    process: subprocess.Popen[str]
    speeds: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)

    def processor_seconds(self) -> float:
        """The processor time of all its threads until now."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def measure(self, request: bytes, seconds: float) -> None:
        """Ask for so long."""
        spent, began = self.processor_seconds(), time.perf_counter()
        answered = asyncio.run(ask_for(self.address, request, seconds))
        self.speeds.append(answered / (time.perf_counter() - began))
        self.costs.append((self.processor_seconds() - spent) / answered * 1e6)


def prepare() -> None:
    """Load the sample city, unless it is there."""
    os.environ.pop("TWIN_DATABASE_URL", None)
    os.environ["TWIN_HOME"] = str(ROOT / ".bench" / "home-telemetry")
    migrate(url())
    with connect() as connection:
        row = connection.execute("SELECT count(*) FROM twin.load").fetchone()
    if row == (0,):
        for receipt in load_city(ROOT / "fixtures" / "city", Options()):
            print(f"loaded {receipt.source}: {receipt.new}", flush=True)


@contextmanager
def serving(environment: Mapping[str, str]) -> Iterator[Served]:
    """``twin serve`` on a free port."""
    command = [sys.executable, "-m", "twin.cli", "serve", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            said = process.stderr.readline()
            address = re.search(r"http://[^ ]+?:\d+", said)
            assert address, said
            yield Served(address[0], process)
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def collecting() -> Iterator[str]:
    """A collector that takes whatever is sent to it, and forgets it: its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Collector(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Take it."""
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of it."""


async def ask_for(address: str, request: bytes, seconds: float) -> int:
    """Ask again and again on some connections for so long; gives how many answers came."""
    host, port = address.removeprefix("http://").split(":")
    end = time.perf_counter() + seconds

    async def one() -> int:
        answers = 0
        reader, writer = await asyncio.open_connection(host, int(port))
        while time.perf_counter() < end:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            assert head.startswith(b"HTTP/1.1 200") and length, head
            body = await reader.readexactly(int(length[1]))
            assert body.startswith(b'{"data":{"asset":{"code"'), body
            answers += 1
        writer.close()
        return answers

    return sum(await asyncio.gather(*(one() for _ in range(CLIENTS))))


def some_code(address: str) -> str:
    """The code of some lamp."""
    document = "{ streetlights(first: 1) { nodes { code } } }"
    found = httpx.post(f"{address}/graphql", json={"query": document}).json()
    return str(found["data"]["streetlights"]["nodes"][0]["code"])


def lookup(address: str) -> bytes:
    """The request that is measured, as it goes over the wire."""
    body = orjson.dumps({"query": LOOKUP, "variables": {"code": some_code(address)}})
    lines = [
        "POST /graphql HTTP/1.1",
        "host: localhost",
        "content-type: application/json",
        f"content-length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def costs(rounds: int, seconds: float) -> None:
    """Measure the ways in turn, and print their medians."""
    with ExitStack() as stack:
        collector = {"OTEL_EXPORTER_OTLP_ENDPOINT": stack.enter_context(collecting())}
        served = {
            name: stack.enter_context(serving({**collector, **environment}))
            for name, environment in WAYS.items()
        }
        for one in served.values():
            threading.Thread(target=one.process.communicate, daemon=True).start()  # takes what is logged
        request = lookup(served["nothing"].address)
        for number in range(rounds + 1):
            for one in served.values():
                one.measure(request, seconds)
                if number == 0:  # when everything is done for the first time
                    one.speeds.clear(), one.costs.clear()
    nothing = served["nothing"]
    print(f"{'told':40}{'requests/s':>12}{'us of CPU':>12}{'more us':>10}")
    for name, one in served.items():
        more = median(b - a for a, b in zip(nothing.costs, one.costs, strict=True))
        print(f"{name:40}{median(one.speeds):12.0f}{median(one.costs):12.0f}{more:10.0f}")


def alone(repeat: int = 30, number: int = 2_000) -> None:
    """Print what the record of a lookup takes by itself, and with what counts it, without any server."""
    metrics = Metrics(["lookup"])
    print("in a loop, without a server; the least of some")
    for name, outlets in {"the record": (), "and metrics": (metrics.count,)}.items():
        took = min(timeit.repeat(partial(recorded, outlets), repeat=repeat, number=number))
        print(f"{name:40}{'':12}{'':12}{took / number * 1e6:10.1f}")


def recorded(outlets: Sequence[Outlet]) -> None:
    """Write the record of one lookup as a server does."""
    record = Request(id="0" * 32, method="POST", route="/graphql", status=200)
    with observed(record, outlets), operating(LOOKUP) as asked:
        assert asked is not None
        asked.read("query", "lookup", "remembered")
        asked.has_plan("remembered")
        waited(perf_counter_ns())
        with Statement("SELECT") as statement:
            statement.rows = 1
        asked.answered("planner")


def trace() -> None:
    """Print the traces of one operation: asked for the first time, and again."""
    with serving({"OTEL_TRACES_EXPORTER": "console"}) as served:
        for _ in range(2):
            body = {"query": operation("groups"), "variables": {"by": "STATUS"}}
            httpx.post(f"{served.address}/graphql", json=body)
        served.process.terminate()
        print(served.process.communicate()[1].partition("Stopped")[0], end="")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each way in each round")
    parser.add_argument("--trace", action="store_true")
    wanted = parser.parse_args(arguments)
    prepare()
    try:
        if wanted.trace:
            trace()
        else:
            costs(wanted.rounds, wanted.seconds)
            alone()
    finally:
        server = embedded()
        if server is not None:
            server.stop()


if __name__ == "__main__":
    main()
