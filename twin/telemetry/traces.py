"""OpenTelemetry traces, made from records of requests when these are over.

One server span for a request, and within it each operation, its plan and its statements, by the semantic
conventions for HTTP, GraphQL and PostgreSQL. While a request is answered there are no spans, and so nothing
that costs where traces are off. Their variables are OpenTelemetry's own (``OTEL_EXPORTER_OTLP_ENDPOINT``,
``OTEL_TRACES_SAMPLER``, ``OTEL_SERVICE_NAME`` …).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import version
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from twin.errors import TwinError
from twin.telemetry.records import METHODS, Asking, Operation, Request, Statement

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

SERVICE = "city-twin"
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


class TelemetryMissing(TwinError):
    """Traces are wanted, but what sends them is not installed."""

    code = "telemetry.missing"
    en = (
        "{variable} asks for traces, but OpenTelemetry's SDK is not installed. Install city-twin[telemetry], "
        "or unset the variable."
    )
    zh = (
        "{variable} 要求发送追踪数据，但未安装 OpenTelemetry SDK。请安装 city-twin[telemetry]，或取消该变量。"
    )


class TelemetryUnsupported(TwinError):
    """Traces are wanted in a way that we cannot send."""

    code = "telemetry.unsupported"
    en = "{variable} is {value}; traces can be sent with {known}. Choose one of these, or unset it."
    zh = "{variable} 的值为 {value}；追踪数据可用的方式为 {known}。请从中选择，或取消该变量。"


class Traces:
    """Sends a request's spans when it is over: an outlet."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer(SERVICE, version(SERVICE))
        self._epoch = 0
        """What makes times of records times of the world."""
        self._database: dict[str, Any] = {"db.system.name": "postgresql"}

    def __call__(self, request: Request) -> None:
        """Hand the request's spans on, if it is sampled."""
        self._epoch = time_ns() - perf_counter_ns()
        span = self._span(
            f"{request.method if request.method in METHODS else 'HTTP'} {request.route}",
            request.began,
            parent=_parent(request.headers),
            kind=SpanKind.SERVER,
            attributes=_http(request),
        )
        request.trace_id = f"{span.get_span_context().trace_id:032x}"
        if not span.is_recording():
            return
        if request.status is None or request.status >= 500:
            span.set_status(Status(StatusCode.ERROR))
            span.set_attribute("error.type", str(request.status or "client_gone"))
        within = set_span_in_context(span)
        for operation in request.operations:
            self._operation(operation, within)
        self._statements(request, within)
        span.end(self._epoch + request.ended)

    def of_database(self, address: Mapping[str, Any]) -> None:
        """Say which database statements are sent to; of its address, nothing but the place."""
        names = {"db.namespace": "dbname", "server.address": "host"}
        self._database |= {ours: address[theirs] for ours, theirs in names.items() if address.get(theirs)}
        port = str(address.get("port") or 5432)
        if port.isdigit():  # else several servers are named
            self._database["server.port"] = int(port)

    def close(self) -> None:
        """Send what waits to be sent."""
        self._provider.shutdown()

    def _operation(self, operation: Operation, parent: Context) -> None:
        attributes = _graphql(operation)
        span = self._span(operation.type, operation.began, parent, attributes=attributes)
        if operation.errors:
            span.set_status(Status(StatusCode.ERROR))
        within = set_span_in_context(span)
        if operation.planned:
            was = {
                "twin.document": operation.document_was or "",
                "twin.plan": operation.plan_was or "",
            }
            plan = self._span("plan", operation.began, within, attributes=was)
            plan.end(self._epoch + operation.planned)
        self._statements(operation, within)
        span.end(self._epoch + operation.ended)

    def _statements(self, asking: Asking, parent: Context) -> None:
        for one in asking.statements:
            attributes = {**self._database, **_sql(one)}
            span = self._span(_verb(one), one.began, parent, kind=SpanKind.CLIENT, attributes=attributes)
            if one.error is not None:
                span.set_status(Status(StatusCode.ERROR))
            span.end(self._epoch + one.ended)

    def _span(
        self,
        name: str,
        began: int,
        parent: Context | None,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, Any] | None = None,
    ) -> Span:
        return self._tracer.start_span(
            name,
            context=parent,
            kind=kind,
            attributes=attributes,
            start_time=self._epoch + began,
        )


def wanted() -> Traces | None:
    """The traces that ``OTEL_*`` variables ask for, if they do.

    ``OTEL_TRACES_EXPORTER`` may be ``otlp``, ``console`` (a tree on standard error) or ``none``; without it
    an endpoint of OTLP is reason enough. Raises ``TelemetryMissing`` and ``TelemetryUnsupported``.
    """
    asking = next((name for name in ("OTEL_TRACES_EXPORTER", *_ENDPOINTS) if os.environ.get(name)), None)
    chosen = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    if asking is None or chosen == "none" or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    if chosen not in {"otlp", "console"}:
        raise TelemetryUnsupported(variable=asking, value=chosen, known="otlp, console, none")
    try:
        return Traces(_provider(chosen))
    except ModuleNotFoundError:
        raise TelemetryMissing(variable=asking) from None


def _provider(chosen: str) -> TracerProvider:
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider

    known = Resource.create({"service.version": version(SERVICE)})
    if str(known.attributes.get(SERVICE_NAME)).startswith("unknown_service"):
        known = known.merge(Resource({SERVICE_NAME: SERVICE}))
    provider = TracerProvider(resource=known, shutdown_on_exit=False)
    provider.add_span_processor(_processor(chosen))
    return provider


def _processor(chosen: str) -> SpanProcessor:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

    if chosen == "console":
        from twin.telemetry.tree import Trees

        return SimpleSpanProcessor(Trees())
    for name in _PROTOCOLS:
        protocol = os.environ.get(name)
        if protocol and protocol != "http/protobuf":
            raise TelemetryUnsupported(variable=name, value=protocol, known="http/protobuf")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return BatchSpanProcessor(OTLPSpanExporter())


def _parent(headers: Mapping[bytes, bytes]) -> Context | None:
    """Whose part the request is, where it says so soundly (W3C Trace Context)."""
    if b"traceparent" not in headers:
        return None
    named = ("traceparent", "tracestate")
    carrier = {name: headers.get(name.encode(), b"").decode("latin-1") for name in named}
    return TraceContextTextMapPropagator().extract(carrier)


def _http(request: Request) -> dict[str, Any]:
    """The request by the conventions, but that the path stands there as its pattern.

    The conventions have sensitive parts of an address left out; a path of ours may hold a vehicle's plate.
    """
    return {
        "http.request.method": request.method if request.method in METHODS else "_OTHER",
        "url.scheme": request.scheme,
        "url.path": request.route,
        "http.route": request.route,
        "twin.request_id": request.id,
        **({} if request.status is None else {"http.response.status_code": request.status}),
        **({} if request.client is None else {"client.address": request.client}),
    }


def _graphql(operation: Operation) -> dict[str, Any]:
    """The operation. Names that clients choose stay out of the names of spans, as the conventions advise."""
    return {
        "graphql.operation.type": operation.type,
        **({} if operation.name is None else {"graphql.operation.name": operation.name}),
        "twin.document_sha256": operation.digest,
        "twin.answered_by": operation.answered_by or "nobody",
        "twin.rows": operation.rows,
        "twin.statements_made": operation.made,
        "twin.connection_wait_ms": operation.waited / 1e6,
        **({"twin.error_codes": operation.errors} if operation.errors else {}),
    }


def _sql(statement: Statement) -> dict[str, Any]:
    failed = {
        "error.type": statement.sqlstate or statement.error,
        **({"db.response.status_code": statement.sqlstate} if statement.sqlstate else {}),
    }
    return {
        "db.operation.name": _verb(statement),
        "db.query.text": statement.text,
        "db.response.returned_rows": statement.rows,
        **({"twin.shared": True} if statement.shared else {}),
        **(failed if statement.error else {}),
    }


def _verb(statement: Statement) -> str:
    """What it does: what begins with ``WITH`` reads, since this API does nothing else."""
    first = statement.text.split(maxsplit=1)[0].upper()
    return "SELECT" if first == "WITH" else first
