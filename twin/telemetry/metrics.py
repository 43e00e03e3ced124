"""Prometheus metrics, counted from records of requests.

Nothing that a client can choose freely becomes a label: routes, methods, statuses and error codes are ours,
and operations have a name only if it is one of those given; all others count as one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from twin.telemetry.records import METHODS, Asking, Operation, Request

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
"""Seconds: a lookup takes some of the first, a report may take the last."""
GONE = "499"
"""Stands for the status where the client went away before there was one, as proxies write it."""
OTHER = "other"
TOGETHER = 64
"""Requests that are counted at a time: one by one, between other work, each takes several times as long."""
LARGE = 20_000
"""Characters of a document that is not kept for that."""
Labels = tuple[str, ...]


@dataclass(slots=True)
class Durations:
    """How many durations fell into which bucket, the last being for all that is longer, and their sum."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.seconds += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """How many were at most so long, for each bound."""
        return list(zip([*map(str, BUCKETS), "+Inf"], accumulate(self.counts), strict=True))


class Metrics(Collector):
    """The metrics of one application; ``operations`` are the names of GraphQL operations that count apart.

    ``watched`` are collectors of what is looked at when somebody reads. Counts are plain numbers, made into
    Prometheus's metrics when they are read: those of the library's own take several times as long to count.
    """

    def __init__(self, operations: Collection[str], *watched: Collector) -> None:
        self._operations = frozenset(operations)
        self._over: list[Request] = []
        self._requests: Counter[Labels] = Counter()
        self._request_durations: defaultdict[Labels, Durations] = defaultdict(Durations)
        self._answers: Counter[Labels] = Counter()
        self._operation_durations: defaultdict[Labels, Durations] = defaultdict(Durations)
        self._rows: Counter[Labels] = Counter()
        self._errors: Counter[Labels] = Counter()
        self._statement_durations: defaultdict[Labels, Durations] = defaultdict(Durations)
        self._statement_errors: Counter[Labels] = Counter()
        self._shared = 0
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        for one in (*watched, self):
            self._registry.register(one)

    def count(self, request: Request) -> None:
        """Have a request counted that is over, and what it did: an outlet."""
        self._over.append(request)
        large = request.operations and len(request.operations[-1].document) > LARGE
        if large or len(self._over) >= TOGETHER:
            self._count_all()

    def _count_all(self) -> None:
        over, self._over = self._over, []
        for request in over:
            self._count(request)

    def _count(self, request: Request) -> None:
        method = request.method if request.method in METHODS else OTHER
        status = GONE if request.status is None else str(request.status)
        self._requests[method, request.route, status] += 1
        self._request_durations[request.route,].add(request.seconds)
        self._count_statements(request)
        for operation in request.operations:
            self._count_operation(operation)

    def _count_operation(self, operation: Operation) -> None:
        name = operation.name if operation.name and operation.name in self._operations else OTHER
        self._answers[name, operation.answered_by or "nobody"] += 1
        self._operation_durations[name,].add(operation.seconds)
        self._rows[name,] += self._count_statements(operation)
        for code in operation.errors:
            self._errors[code,] += 1

    def _count_statements(self, asking: Asking) -> int:
        """Count what was sent, and tell how many rows came back."""
        rows = 0
        for statement in asking.statements:
            rows += statement.rows
            if statement.shared:
                self._shared += 1
                continue
            self._statement_durations[()].add((statement.ended - statement.began) / 1e9)
            if statement.error is not None:
                self._statement_errors[statement.sqlstate or "none",] += 1
        return rows

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """All metrics in the text format that the ``Accept`` header asks for, and its media type."""
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type

    def describe(self) -> Iterable[Metric]:
        """The metrics, without numbers."""
        return self.collect()

    def collect(self) -> Iterable[Metric]:
        """The metrics with their numbers of now."""
        self._count_all()
        yield _counts("twin_http_requests", "HTTP requests.", ["method", "route", "status"], self._requests)
        yield _durations(
            "twin_http_request_duration_seconds", "Their duration.", ["route"], self._request_durations
        )
        yield _counts(
            "twin_graphql_operations",
            "GraphQL operations by name and by who answered: planner, executor, or nobody.",
            ["operation", "answered_by"],
            self._answers,
        )
        yield _durations(
            "twin_graphql_operation_duration_seconds",
            "Their duration.",
            ["operation"],
            self._operation_durations,
        )
        yield _counts(
            "twin_graphql_rows", "Rows that the database gave for operations.", ["operation"], self._rows
        )
        yield _counts("twin_graphql_errors", "Errors in answers.", ["code"], self._errors)
        yield _durations(
            "twin_database_statement_duration_seconds",
            "Duration of SQL statements, their rows fetched.",
            [],
            self._statement_durations,
        )
        yield CounterMetricFamily(
            "twin_database_lookups_shared",
            "Lookups that were answered by a statement which was sent for another one too.",
            self._shared,
        )
        yield _counts(
            "twin_database_statement_errors",
            "SQL statements that failed.",
            ["sqlstate"],
            self._statement_errors,
        )


def _counts(name: str, words: str, labels: Sequence[str], found: Mapping[Labels, int]) -> Metric:
    family = CounterMetricFamily(name, words, labels=labels)
    for values, number in found.items():
        family.add_metric(values, number)
    return family


def _durations(name: str, words: str, labels: Sequence[str], found: Mapping[Labels, Durations]) -> Metric:
    family = HistogramMetricFamily(name, words, labels=labels)
    for values, durations in found.items():
        family.add_metric(values, durations.buckets(), durations.seconds)
    return family
