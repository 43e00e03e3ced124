"""Requests seen from outside: each gets an id and a record; ``/metrics`` tells what the records add up to."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Collection, Iterable, Sequence
from random import getrandbits

from fastapi import APIRouter, Request
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from psycopg.conninfo import conninfo_to_dict
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from citygraph.execution import planner
from citygraph.operations import operations
from twin.errors import TwinError
from twin.registry.lines import Lines
from twin.settings import TelemetrySettings
from twin.telemetry import logs, traces
from twin.telemetry.metrics import Metrics
from twin.telemetry.records import Outlet, observed
from twin.telemetry.records import Request as Record
from twin.web.local import is_local

PATH = "/metrics"
REQUEST_ID = "X-Request-ID"
_SAFE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_ID_HEADER = REQUEST_ID.lower().encode()
LONGEST_CLIENT = 64
"""Characters of a client's address that are told: proxies may say anything."""
UNMATCHED = "unmatched"
"""Stands for the route of an address that nothing answers."""

router = APIRouter()


class MetricsRefused(TwinError):
    """Whoever asks may not read the metrics."""

    code = "metrics.refused"
    en = (
        "The metrics are not for everybody who reaches this server. Whoever runs it can read them on the "
        "machine itself, or open them with TWIN_TELEMETRY_METRICS=on."
    )
    zh = "运行指标不对所有访问者开放。管理者可在本机读取，或用 TWIN_TELEMETRY_METRICS=on 开放。"


class Telemetry:
    """What an application tells of itself: its outlets, as the settings and ``OTEL_*`` variables want them.

    Making it raises what ``twin.telemetry.traces.wanted`` does.
    """

    def __init__(self, settings: TelemetrySettings) -> None:
        self.settings = settings
        self.watched = Watched()
        self.metrics = Metrics(operations(), self.watched) if settings.metrics != "off" else None
        self.traces = traces.wanted()
        count = None if self.metrics is None else self.metrics.count
        made: Sequence[Outlet | None] = (self.traces, count, logs.outlet(settings))
        self.outlets: list[Outlet] = [one for one in made if one is not None]

    def open(self, pool: Lines) -> None:
        """Tell of the pool too, from now on."""
        self.watched.pool = pool
        if self.traces is not None:
            self.traces.of_database(conninfo_to_dict(str(pool.conninfo)))

    def close(self) -> None:
        """Send what waits to be sent."""
        if self.traces is not None:
            self.traces.close()


class ObservedRequests:
    """Gives each request an id, the caller's if it is a safe one, and a record that the outlets read.

    ``before`` are the paths that other middleware answers before any router sees them.
    """

    def __init__(self, app: ASGIApp, outlets: Sequence[Outlet], before: Collection[str] = ()) -> None:
        self._app = app
        self._outlets = outlets
        self._before = before

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        request_id = _request_id(headers.get(_ID_HEADER, b""))
        scope.setdefault("state", {})["request_id"] = request_id
        id_header = (_ID_HEADER, request_id.encode())
        client = scope.get("client")
        record = Record(
            id=request_id,
            method=scope["method"],
            scheme=scope.get("scheme", "http"),
            client=client[0][:LONGEST_CLIENT] if client else None,
            headers=headers,
        )

        def send_with_id(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                message["headers"] = [*message.get("headers", ()), id_header]
            return send(message)

        with observed(record, self._outlets):
            try:
                await self._app(scope, receive, send_with_id)
            except Exception as problem:
                record.status = record.status or 500
                problem.add_note(f"request {request_id}")  # the server writes the notes below the trace
                raise
            finally:
                record.route = self._route(scope)

    def _route(self, scope: Scope) -> str:
        """The pattern of the address; what was answered before any router had it stands for itself."""
        path: str = scope["path"]
        return pattern(scope) or (path if path in self._before else UNMATCHED)


class Watched(Collector):
    """What is looked at when metrics are read: the pool of connections, and what the planner remembers."""

    def __init__(self) -> None:
        self.pool: Lines | None = None

    def describe(self) -> Iterable[Metric]:
        """Nothing yet: there may be no pool."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The metrics."""
        remembered = planner().remembered()
        yield GaugeMetricFamily("twin_planner_documents", "Documents remembered.", remembered.documents)
        yield GaugeMetricFamily("twin_planner_plans", "Plans remembered.", remembered.plans)
        if self.pool is not None:
            yield from _of_pool(self.pool.get_stats())


def _of_pool(stats: dict[str, int]) -> Iterable[Metric]:
    size, idle = stats.get("pool_size", 0), stats.get("pool_available", 0)
    connections = GaugeMetricFamily(
        "twin_database_pool_connections", "Connections to the database.", labels=["state"]
    )
    connections.add_metric(["idle"], idle)
    connections.add_metric(["lent"], size - idle)
    yield connections
    gauges = {
        "max": ("pool_max", "The most connections."),
        "waiting": ("requests_waiting", "Who waits for one."),
    }
    for name, (key, words) in gauges.items():
        yield GaugeMetricFamily(f"twin_database_pool_{name}", words, stats.get(key, 0))
    counters = {
        "lendings": ("requests_num", "Connections that were asked for.", 1),
        "waits": ("requests_queued", "Those that had to be waited for.", 1),
        "wait_seconds": ("requests_wait_ms", "How long in all.", 1_000),
        "timeouts": ("requests_errors", "Those that never came.", 1),
        "lost": ("connections_lost", "Connections that broke.", 1),
    }
    for name, (key, words, scale) in counters.items():
        yield CounterMetricFamily(f"twin_database_pool_{name}", words, stats.get(key, 0) / scale)


@router.get(PATH)
async def metrics(request: Request) -> Response:
    """The metrics, for whom the settings allow them. Raises ``MetricsRefused``."""
    telemetry: Telemetry = request.app.state.telemetry
    allowed = telemetry.settings.metrics
    if telemetry.metrics is None or not (allowed == "on" or is_local(request)):
        raise MetricsRefused
    body, media_type = telemetry.metrics.exposition(request.headers.get("accept", ""))
    return Response(body, headers={"content-type": media_type, "cache-control": "no-store"})


def pattern(scope: Scope) -> str | None:
    """The pattern of the address that a router has taken, if one has."""
    found = getattr(scope.get("route"), "path", None)
    if isinstance(found, str):
        return found
    if "app_root_path" in scope:  # which mounts leave there
        return f"{scope['root_path'].removeprefix(scope['app_root_path'])}/{{path:path}}"
    return None


def _request_id(given: bytes) -> str:
    return given.decode() if _SAFE_ID.fullmatch(given) else f"{getrandbits(128):032x}"
