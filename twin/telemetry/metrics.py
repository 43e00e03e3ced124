"""Prometheus metrics, counted from records of requests.

Nothing that a client can choose freely becomes a label: routes, methods, statuses and error codes are ours,
and operations have a name only if it is one of those given; all others count as one.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from twin.telemetry.records import Operation, Request

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
"""Seconds: a lookup takes some of the first, a report may take the last."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
GONE = "499"
"""Stands for the status where the client went away before there was one, as proxies write it."""
OTHER = "other"


class Metrics:
    """The metrics of one application; ``operations`` are the names of GraphQL operations that count apart.

    ``watched`` are collectors of what is looked at when somebody reads.
    """

    def __init__(self, operations: Collection[str], *watched: Collector) -> None:
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        for one in watched:
            self._registry.register(one)
        self._operations = frozenset(operations)
        self._requests = self._counter("twin_http_requests", "HTTP requests.", "method", "route", "status")
        self._durations = self._histogram("twin_http_request_duration_seconds", "Their duration.", "route")
        self._answers = self._counter(
            "twin_graphql_operations",
            "GraphQL operations by name and by who answered: planner, executor, or nobody.",
            "operation",
            "answered_by",
        )
        self._answering = self._histogram(
            "twin_graphql_operation_duration_seconds", "Their duration.", "operation"
        )
        self._rows = self._counter(
            "twin_graphql_rows", "Rows that the database gave for operations.", "operation"
        )
        self._errors = self._counter("twin_graphql_errors", "Errors in answers.", "code")
        self._statements = Histogram(
            "twin_database_statement_duration_seconds",
            "Duration of SQL statements, their rows fetched.",
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._failures = self._counter(
            "twin_database_statement_errors", "SQL statements that failed.", "sqlstate"
        )
        # Finding a metric by its labels takes longer than counting in it.
        self._of_requests = cache(self._requests_of)
        self._of_operations = cache(self._operations_of)

    def count(self, request: Request) -> None:
        """Count a request that is over, and what it did: an outlet."""
        method = request.method if request.method in METHODS else OTHER
        number, durations = self._of_requests(method, request.route, request.status)
        number.inc()
        durations.observe(request.seconds)
        for operation in request.operations:
            self._count(operation)
        for statement in request.all_statements:
            self._statements.observe((statement.ended - statement.began) / 1e9)
            if statement.error is not None:
                self._failures.labels(statement.sqlstate or "none").inc()

    def _count(self, operation: Operation) -> None:
        name = operation.name if operation.name in self._operations else OTHER
        number, durations, rows = self._of_operations(name, operation.answered_by)
        number.inc()
        durations.observe(operation.seconds)
        rows.inc(operation.rows)
        for code in operation.errors:
            self._errors.labels(code).inc()

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """All metrics in the text format that the ``Accept`` header asks for, and its media type."""
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type

    def _requests_of(self, method: str, route: str, status: int | None) -> tuple[Counter, Histogram]:
        number = self._requests.labels(method, route, GONE if status is None else str(status))
        return number, self._durations.labels(route)

    def _operations_of(self, name: str | None, answered_by: str | None) -> tuple[Counter, Histogram, Counter]:
        number = self._answers.labels(name, answered_by or "nobody")
        return number, self._answering.labels(name), self._rows.labels(name)

    def _counter(self, name: str, help_: str, *labels: str) -> Counter:
        return Counter(name, help_, labels, registry=self._registry)

    def _histogram(self, name: str, help_: str, *labels: str) -> Histogram:
        return Histogram(name, help_, labels, buckets=BUCKETS, registry=self._registry)
