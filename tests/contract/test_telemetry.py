"""What operators see of a server: metrics, logs and traces, each read as a machine reads them."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import orjson
import psycopg
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from prometheus_client.parser import text_string_to_metric_families

from citygraph.operations import operation, operations
from tests.contract.test_graphql import CITY, LAMP
from tests.registry_rows import insert_city
from tests.serving import ROOT, serving
from twin.telemetry.metrics import Metrics
from twin.telemetry.records import Operation, Request

LOOKUP = "query identity_file($code: String) { asset(code: $code) { code name } }"
SAFE = "order-42_b.7"
UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203331-00"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def until(found: Callable[[], Any], what: str) -> Any:
    """What is found in the end."""
    for _ in range(400):
        if answer := found():
            return answer
        time.sleep(0.05)
    raise AssertionError(what)


@dataclass
class Served:
    """A server, a client of it, and what it has logged so far."""

    client: httpx.Client
    process: subprocess.Popen[str]
    logged: list[str] = field(default_factory=list)

    def read(self) -> None:
        """Read what it logs, until it ends."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.logged.append(line)

    def ask(self, query: str, headers: Mapping[str, str] | None = None, **variables: Any) -> httpx.Response:
        """The answer to a document."""
        body = {"query": query, "variables": variables}
        return self.client.post("/graphql", json=body, headers=dict(headers or {}))

    def metrics(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Every sample of /metrics."""
        answer = self.client.get("/metrics")
        assert answer.status_code == 200, answer.text
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    def line(self, request_id: str) -> dict[str, Any]:
        """The JSON line of a request."""
        found: dict[str, Any] = until(
            lambda: next((one for one in self._lines() if one.get("request_id") == request_id), None),
            f"no line of {request_id}",
        )
        return found

    def _lines(self) -> Iterator[dict[str, Any]]:
        yield from (orjson.loads(one) for one in list(self.logged) if one.startswith("{"))


@contextmanager
def server(url: str, **environment: str) -> Iterator[Served]:
    """``twin serve`` with these settings."""
    with serving(url, env=environment) as (address, process), httpx.Client(base_url=address) as client:
        served = Served(client, process)
        reading = threading.Thread(target=served.read)
        reading.start()
        yield served
        process.terminate()
        reading.join(20)


def sample(found: Mapping[Any, float], name: str, **labels: str) -> float:
    """One sample; 0 where there is none."""
    return found.get((name, frozenset(labels.items())), 0.0)


class Collector:
    """A receiver of OTLP over HTTP: what was sent, decoded."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.raw = b""

    @property
    def spans(self) -> list[Span]:
        """Every span that came."""
        return [
            s for r in self.requests for rs in r.resource_spans for ss in rs.scope_spans for s in ss.spans
        ]

    def trace(self, request_id: str) -> list[Span]:
        """The spans of a request, as soon as its outermost has come."""

        def found() -> list[Span]:
            roots = [s for s in self.spans if attributes(s).get("twin.request_id") == request_id]
            return [s for s in self.spans if roots and s.trace_id == roots[0].trace_id]

        spans: list[Span] = until(found, f"no trace of {request_id}")
        return spans


@pytest.fixture(scope="module")
def collector() -> Iterator[tuple[str, Collector]]:
    collected = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                import gzip

                body = gzip.decompress(body)
            collected.raw += body
            collected.requests.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}", collected
        listening.shutdown()


def attributes(span: Span) -> dict[str, Any]:
    """A span's attributes."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


@pytest.fixture(scope="module")
def url(new_database: Callable[[], str]) -> str:
    made = new_database()
    with psycopg.connect(made, autocommit=True) as owner:
        insert_city(owner, CITY)
    return made


@pytest.fixture(scope="module")
def served(url: str, collector: tuple[str, Collector]) -> Iterator[Served]:
    """A server that tells everything."""
    with server(
        url,
        TWIN_TELEMETRY_LOG="json",
        TWIN_TELEMETRY_SLOW_MS="60000",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector[0],
        OTEL_BSP_SCHEDULE_DELAY="100",
    ) as made:
        yield made


# Metrics


def test_requests_and_operations_are_counted(served: Served) -> None:
    before = served.metrics()
    for _ in range(3):
        assert served.ask(LOOKUP, code=LAMP.code).json()["data"]["asset"]["code"] == LAMP.code
    served.ask("{ __schema { queryType { name } } }")
    served.ask("query find { assets(first: 100000) { nodes { code } } }")
    served.client.get(f"/a/{LAMP.code}")
    served.client.get("/static/twin.css")
    served.client.get("/nowhere/at/all")
    served.client.request("BREW", "/graphql")

    def counted() -> Mapping[Any, float] | None:
        """The metrics once all that reach the application are over: a file is closed after it is sent."""
        found = served.metrics()
        ended = sum(
            value - before.get(key, 0.0)
            for key, value in found.items()
            if key[0] == "twin_http_requests_total" and ("route", "/metrics") not in key[1]
        )
        return found if ended >= 8 else None

    after = until(counted, "requests that never end")

    def more(name: str, **labels: str) -> float:
        return sample(after, name, **labels) - sample(before, name, **labels)

    assert more("twin_http_requests_total", method="POST", route="/graphql", status="200") == 5
    assert more("twin_http_requests_total", method="GET", route="/a/{code:path}", status="200") == 1
    assert more("twin_http_requests_total", method="GET", route="/static/{path:path}", status="200") == 1
    assert more("twin_http_requests_total", method="GET", route="unmatched", status="404") == 1
    assert more("twin_http_request_duration_seconds_count", route="/graphql") >= 5
    assert more("twin_http_request_duration_seconds_sum", route="/graphql") > 0
    assert (
        more("twin_graphql_operations_total", operation="identity_file", answered_by="planner") == 4
    )  # the page asks too
    assert more("twin_graphql_operations_total", operation="other", answered_by="executor") == 1
    assert more("twin_graphql_operations_total", operation="find", answered_by="planner") == 1
    assert more("twin_graphql_rows_total", operation="identity_file") == 4
    assert more("twin_graphql_errors_total", code="page.size") == 1
    assert more("twin_database_statement_duration_seconds_count") == 4
    assert sample(after, "twin_database_pool_connections", state="idle") >= 1
    assert sample(after, "twin_database_pool_max") == 4
    assert more("twin_database_pool_lendings_total") >= 4
    assert sample(after, "twin_planner_documents") >= 3
    assert sample(after, "twin_planner_plans") >= 2
    assert sample(after, "process_resident_memory_bytes") > 1e6
    assert sample(after, "process_cpu_seconds_total") > 0


def test_buckets_add_up(served: Served) -> None:
    served.ask(LOOKUP, code=LAMP.code)
    found = served.metrics()
    name = "twin_graphql_operation_duration_seconds"
    buckets = sorted(
        (float(dict(labels)["le"]), value)
        for (sample_name, labels), value in found.items()
        if sample_name == f"{name}_bucket" and ("operation", "identity_file") in labels
    )
    assert [value for _, value in buckets] == sorted(value for _, value in buckets)
    assert buckets[-1][1] == sample(found, f"{name}_count", operation="identity_file") > 0


def test_clients_cannot_make_series(served: Served) -> None:
    served.ask("query a1 { kinds { en } }")
    served.client.get("/x")
    served.client.request("BREW", "/x")
    before = served.metrics().keys()
    for number in range(200):
        served.ask(f"query b{number} {{ __typename }}")
        served.ask("{ nothing }" + " " * number, headers={"x-request-id": f"c{number}"})
        served.client.get(f"/x/{number}?y={number}")
    assert served.metrics().keys() - before <= {
        (
            "twin_http_requests_total",
            frozenset({("method", "POST"), ("route", "/graphql"), ("status", "200")}),
        ),
        ("twin_graphql_errors_total", frozenset({("code", "graphql.validation")})),
    } | {key for key in served.metrics() if ("operation", "other") in key[1]}


def test_thousands_of_names_are_one() -> None:
    metrics = Metrics(operations())
    for number in range(5_000):
        named = Operation(name=f"name{number}", answered_by="planner")
        metrics.count(Request(method=f"M{number}", route="/graphql", status=200, operations=[named]))
    metrics.count(Request(method="GET", route="/", operations=[Operation(name="find")]))
    body, _ = metrics.exposition("")
    families = {one.name: one for one in text_string_to_metric_families(body.decode())}
    answers = {
        (s.labels["operation"], s.labels["answered_by"]): s.value
        for s in families["twin_graphql_operations"].samples
    }
    assert answers == {("other", "planner"): 5_000, ("find", "nobody"): 1}
    requests = {
        (s.labels["method"], s.labels["status"]): s.value for s in families["twin_http_requests"].samples
    }
    assert requests == {("other", "200"): 5_000, ("GET", "499"): 1}


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-for": "127.0.0.1"},
        {"x-forwarded-for": "no address"},
        {"forwarded": "for=127.0.0.1"},
        {"via": "1.1 proxy"},
        {"x-real-ip": "127.0.0.1"},
        {"host": "evil.example"},
    ],
    ids=lambda headers: ":".join(*headers.items()),
)
def test_metrics_are_for_this_machine_alone(served: Served, headers: dict[str, str]) -> None:
    answer = served.client.get("/metrics", headers=headers)
    assert answer.status_code == 403
    assert "twin_http" not in answer.text
    assert "metrics.refused" in answer.text


def test_metrics_may_be_off_or_for_everybody(url: str) -> None:
    with server(url, TWIN_TELEMETRY_METRICS="on") as open_:
        assert open_.client.get("/metrics", headers={"host": "twin.example"}).status_code == 200
        text = open_.client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
        assert text.headers["content-type"].startswith("application/openmetrics-text")
        assert text.text.endswith("# EOF\n")
    with server(url, TWIN_TELEMETRY_METRICS="off") as closed:
        assert closed.client.get("/metrics").status_code == 403


def test_who_goes_away_is_counted_so(url: str) -> None:
    with server(url) as served, psycopg.connect(url) as owner:
        owner.execute("LOCK TABLE twin.asset IN ACCESS EXCLUSIVE MODE")
        body = orjson.dumps({"query": "query find { assets(first: 1) { nodes { code } } }"})
        host, port = served.client.base_url.host, served.client.base_url.port
        with socket.create_connection((host, port)) as client:
            head = f"POST /graphql HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
            client.sendall(head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
            until(
                lambda: owner.execute(
                    "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'twin.asset'::regclass"
                ).fetchone(),
                "no statement waits",
            )
        gone = {"method": "POST", "route": "/graphql", "status": "499"}
        until(lambda: sample(served.metrics(), "twin_http_requests_total", **gone) == 1, "not counted")
        found = served.metrics()
    assert sample(found, "twin_graphql_operations_total", operation="find", answered_by="nobody") == 1
    assert (
        sum(value for (name, _), value in found.items() if name == "twin_database_statement_errors_total")
        == 1
    )


# Traces


def test_a_statement_that_answers_several_counts_once(
    served: Served, collector: tuple[str, Collector]
) -> None:
    before, asked = served.metrics(), 400
    with ThreadPoolExecutor(16) as several:
        answers = list(several.map(lambda _: served.ask(LOOKUP + " # at once", code=LAMP.code), range(asked)))
    assert {answer.json()["data"]["asset"]["code"] for answer in answers} == {LAMP.code}

    def more(name: str) -> float:
        return sample(after, name) - sample(before, name)

    after = served.metrics()
    sent, shared = (
        more("twin_database_statement_duration_seconds_count"),
        more("twin_database_lookups_shared_total"),
    )
    assert sent + shared == asked
    assert sent > 0 < shared

    def spans() -> list[dict[str, Any]]:
        found = [attributes(span) for span in collector[1].spans if span.name == "SELECT"]
        return [told for told in found if told.get("twin.shared")]

    told = until(spans, "no span of a shared statement")
    assert {one["db.response.returned_rows"] for one in told} == {1}


def test_a_trace_of_one_operation(served: Served, collector: tuple[str, Collector]) -> None:
    headers = {"traceparent": PARENT, "x-request-id": "traced-1"}
    served.ask(LOOKUP + " # traced", code=LAMP.code)
    served.ask(LOOKUP + " # traced", headers, code=LAMP.code)
    spans = {span.name: span for span in collector[1].trace("traced-1")}
    root, query, plan, statement = (spans[name] for name in ("POST /graphql", "query", "plan", "SELECT"))
    assert root.trace_id.hex() == TRACE
    assert root.parent_span_id.hex() == CALLER
    assert query.parent_span_id == root.span_id
    assert plan.parent_span_id == statement.parent_span_id == query.span_id
    assert (root.kind, statement.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT)
    assert root.start_time_unix_nano <= query.start_time_unix_nano <= plan.end_time_unix_nano
    assert plan.end_time_unix_nano <= statement.start_time_unix_nano < statement.end_time_unix_nano
    assert statement.end_time_unix_nano <= query.end_time_unix_nano <= root.end_time_unix_nano
    assert abs(root.start_time_unix_nano - time.time_ns()) < 60e9
    told = attributes(root)
    assert told["http.response.status_code"] == 200
    assert (told["http.request.method"], told["http.route"]) == ("POST", "/graphql")
    told = attributes(query)
    assert (told["graphql.operation.name"], told["graphql.operation.type"]) == ("identity_file", "query")
    assert (told["twin.answered_by"], told["twin.rows"], told["twin.statements_made"]) == ("planner", 1, 0)
    assert attributes(plan) == {"twin.document": "remembered", "twin.plan": "remembered"}
    told = attributes(statement)
    assert (told["db.system.name"], told["db.operation.name"]) == ("postgresql", "SELECT")
    assert told["db.response.returned_rows"] == 1
    assert told["db.query.text"].startswith("SELECT")
    assert "%(given_0)s" in told["db.query.text"]
    assert told["db.namespace"].startswith("test_")
    resource = collector[1].requests[-1].resource_spans[0].resource
    assert {one.key: one.value.string_value for one in resource.attributes}["service.name"] == "city-twin"
    assert served.line("traced-1")["trace_id"] == TRACE


def test_the_executor_s_way_is_traced_too(served: Served, collector: tuple[str, Collector]) -> None:
    document = "query seen($c: String!) { __schema { queryType { name } } asset(code: $c) { code } }"
    assert served.ask(document, {"x-request-id": "traced-2"}, c=LAMP.code).status_code == 200
    spans = collector[1].trace("traced-2")
    assert sorted(span.name for span in spans) == ["POST /graphql", "SELECT", "query"]
    told = attributes(next(span for span in spans if span.name == "query"))
    assert (told["graphql.operation.name"], told["twin.answered_by"], told["twin.rows"]) == (
        "seen",
        "executor",
        1,
    )


def test_pages_are_traced_with_what_they_ask(served: Served, collector: tuple[str, Collector]) -> None:
    served.client.get(f"/a/{LAMP.code}", headers={"x-request-id": "traced-3"})
    spans = {span.name: span for span in collector[1].trace("traced-3")}
    assert attributes(spans["GET /a/{code:path}"])["url.path"] == "/a/{code:path}"
    assert attributes(spans["query"])["graphql.operation.name"] == "identity_file"
    assert spans["SELECT"].parent_span_id == spans["query"].span_id


def test_methods_that_nobody_knows_have_one_name(served: Served, collector: tuple[str, Collector]) -> None:
    served.client.request("LOCK", "/nowhere", headers={"x-request-id": "traced-7"})
    (root,) = collector[1].trace("traced-7")
    assert (root.name, attributes(root)["http.request.method"]) == ("HTTP unmatched", "_OTHER")


def test_errors_are_told_in_traces(served: Served, collector: tuple[str, Collector]) -> None:
    served.ask("query find { assets(first: -1) { nodes { code } } }", {"x-request-id": "traced-4"})
    spans = {span.name: span for span in collector[1].trace("traced-4")}
    assert spans["query"].status.code == Status.STATUS_CODE_ERROR
    codes = next(one for one in spans["query"].attributes if one.key == "twin.error_codes")
    assert [one.string_value for one in codes.value.array_value.values] == ["page.size"]


def test_what_the_caller_does_not_sample_is_not_sent(
    served: Served, collector: tuple[str, Collector]
) -> None:
    served.ask(LOOKUP, {"traceparent": UNSAMPLED, "x-request-id": "traced-5"}, code=LAMP.code)
    served.ask(LOOKUP, {"traceparent": "00-nonsense-%ff", "x-request-id": "traced-6"}, code=LAMP.code)
    root = collector[1].trace("traced-6")[-1]
    assert root.parent_span_id == b""
    assert not [s for s in collector[1].spans if attributes(s).get("twin.request_id") == "traced-5"]
    assert served.line("traced-5")["trace_id"] == "0af7651916cd43dd8448eb211c80319d"


def test_a_trace_as_a_tree(url: str) -> None:
    with server(url, OTEL_TRACES_EXPORTER="console") as served:
        served.ask(operation("groups"), by="STATUS")
        until(lambda: any("SELECT" in line for line in served.logged), "no tree")
        root, query, plan, statement = (
            next(line for line in served.logged if re.match(rf" *\d+\.\d\d +\d+\.\d\d  {name}\b", line))
            for name in ("POST /graphql", "  query", "    plan", "    SELECT")
        )
    assert "http.response.status_code=200" in root
    assert "graphql.operation.name=groups twin.answered_by=planner" in query
    assert "twin.document=made twin.plan=made" in plan
    assert re.search(r"db\.response\.returned_rows=\d", statement)


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "telemetry.unsupported"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "telemetry.unsupported",
        ),
    ],
)
def test_traces_that_cannot_be_sent(url: str, run_twin: Any, environment: dict[str, str], code: str) -> None:
    ended = run_twin("serve", "--port", "0", env={"TWIN_DATABASE_URL": url, **environment})
    assert ended.returncode == 1
    assert ended.stderr.endswith(f"[{code}]\n")
    assert "Traceback" not in ended.stderr


def test_traces_without_the_sdk(url: str) -> None:
    absent = "import sys; sys.modules['opentelemetry.sdk'] = None; from twin.cli import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", absent, "serve", "--port", "0"],
        env={**os.environ, "TWIN_DATABASE_URL": url, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "city-twin[telemetry]" in ended.stderr
    assert ended.stderr.endswith("[telemetry.missing]\n")


# Logs


def test_a_line_for_each_request(served: Served) -> None:
    answer = served.ask(LOOKUP, {"x-request-id": SAFE}, code=LAMP.code)
    assert answer.headers["x-request-id"] == SAFE
    line = served.line(SAFE)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["time"])
    assert (line["level"], line["method"], line["route"], line["status"]) == ("info", "POST", "/graphql", 200)
    assert line["duration_ms"] > 0
    (told,) = line["operations"]
    assert (told["name"], told["answered_by"], told["rows"]) == ("identity_file", "planner", 1)
    assert re.fullmatch("[0-9a-f]{12}", told["document"])


@pytest.mark.parametrize(
    "hostile",
    ["", "a b", "x" * 65, '"},{"level":"error', "<script>", "中文", "a\tb", "%0d%0aset-cookie:x"],
    ids=lambda text: text[:8] or "empty",
)
def test_hostile_request_ids_are_replaced(served: Served, hostile: str) -> None:
    answer = served.client.post(
        "/graphql", json={"query": "{ kinds { en } }"}, headers={b"x-request-id": hostile.encode()}
    )
    given = answer.headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", given)
    assert served.line(given)["status"] == 200


def test_nothing_secret_is_told(served: Served, collector: tuple[str, Collector]) -> None:
    secret = "HuA12345"
    headers = {"authorization": f"Bearer {secret}", "cookie": f"s={secret}", "x-request-id": "secret-1"}
    where = {"identifiers": [{"scheme": "plate", "value": secret}], "text": secret}
    served.ask(operation("find"), headers, where=where)
    first = f'assets(where: {{text: "{secret}"}}) {{ nodes {{ code }} }}'
    literal = f'{{ {first} asset(identifier: {{value: "{secret}"}}) {{ code }} }}'
    served.ask(literal, {"x-request-id": "secret-2"})
    served.ask(
        f'{{ __schema {{ queryType {{ name }} }} assets(where: {{text: "{secret}"}}) {{ totalCount }} }}'
    )
    served.ask(f'{{ nothing(x: "{secret}") }}')
    served.ask(f'{{ asset(code: "{secret}") {{ code }} }}')
    served.client.get(f"/a/{secret}")
    served.client.get(f"/a?code={secret}")
    served.client.get(f"/{secret}?q={secret}", headers={"x-request-id": "secret-3"})
    for request_id in ("secret-1", "secret-2", "secret-3"):
        served.line(request_id)
        collector[1].trace(request_id)
    assert secret not in "".join(served.logged)
    assert secret.encode() not in collector[1].raw
    assert secret not in served.client.get("/metrics").text


def test_a_client_s_address_cannot_look_like_more(url: str) -> None:
    with server(url, TWIN_TELEMETRY_LOG="text") as served:
        forged = {"x-forwarded-for": "x status=500 " + "y" * 1_000, "x-request-id": "text-2"}
        served.ask(LOOKUP, forged, code=LAMP.code)
        line = until(lambda: next((one for one in served.logged if " text-2 " in one), None), "no line")
    assert re.findall(r'client=("[^"]*")', line) == [f'"x status=500 {"y" * 51}"']


def test_slow_requests_are_named(url: str) -> None:
    with server(url, TWIN_TELEMETRY_SLOW_MS="1", TWIN_TELEMETRY_LOG="json") as served:
        served.ask(operation("identity_file"), {"x-request-id": "slow-1"}, code=LAMP.code)
        line = served.line("slow-1")
    assert (line["level"], line["message"], line["slow_ms"]) == ("warning", "slow request", 1)
    assert line["operations"][0]["name"] == "identity_file"
    (statement,) = line["statements"]
    assert 0 < statement["duration_ms"] < line["duration_ms"]
    assert statement["rows"] == 1
    assert statement["sql"].startswith("SELECT")


def test_only_problems_are_logged_unless_more_is_wanted(url: str) -> None:
    with server(url, TWIN_TELEMETRY_SLOW_MS="0") as served:
        served.ask(LOOKUP, code=LAMP.code)
        served.client.get("/nowhere")
    assert [line for line in served.logged if "Stopped" not in line] == []
    with server(url, TWIN_TELEMETRY_SLOW_MS="0", TWIN_TELEMETRY_LOG="text") as served:
        served.ask(LOOKUP, {"x-request-id": "text-1"}, code=LAMP.code)
        line = until(lambda: next((one for one in served.logged if " text-1 " in one), None), "no line")
    assert re.match(r"\S+ INFO text-1 request method=POST route=/graphql status=200 duration_ms=", line)


def test_our_own_faults_are_logged_with_the_request(new_database: Callable[[], str]) -> None:
    url = new_database()
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("ALTER VIEW api.asset RENAME TO gone")
        owner.execute("ALTER VIEW api.upload RENAME TO gone_too")
    with server(url, TWIN_TELEMETRY_LOG="json", TWIN_WEB_LOADS="local") as served:
        answer = served.ask(LOOKUP, {"x-request-id": "fault-1"}, code=LAMP.code).json()
        number = re.search("[0-9a-f]{8}", answer["errors"][0]["message"])
        assert answer["errors"][0]["extensions"]["code"] == "internal" and number
        line = served.line("fault-1")
        assert served.client.get(f"/a/{LAMP.code}").status_code == 500
        page = served.client.get("/loads", headers={"x-request-id": "fault-2"})
        assert (page.status_code, page.headers["x-request-id"]) == (500, "fault-2")
        assert served.line("fault-2")["route"] == "/loads"
        until(
            lambda: any("request fault-2" in line for line in served.logged if "Traceback" in line),
            "no trace",
        )
        failed = {"operation": "identity_file", "answered_by": "planner"}
        assert sample(served.metrics(), "twin_graphql_operations_total", **failed) == 2
    assert line["level"] == "error"
    assert number[0] in line["message"]
    assert "UndefinedTable" in line["exception"]
