"""Traces as trees for people: what took how long within what."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

TOLD = (
    "graphql.operation.name",
    "twin.answered_by",
    "twin.document",
    "twin.plan",
    "twin.statements_made",
    "twin.rows",
    "twin.error_codes",
    "db.response.returned_rows",
    "http.response.status_code",
    "error.type",
    "twin.request_id",
)
"""Attributes that are shown beside a span's name."""


class Trees(SpanExporter):
    """Writes each trace as soon as its outermost span is there; the others are handed over before it."""

    def __init__(self, to: TextIO | None = None) -> None:
        self._to = to
        self._waiting: dict[int, list[ReadableSpan]] = defaultdict(list)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write the trees that are whole."""
        for span in spans:
            own = self._waiting[span.context.trace_id]
            own.append(span)
            if span.parent is None or span.parent.is_remote:
                del self._waiting[span.context.trace_id]
                print("\n".join(lines(own)), file=self._to or sys.stderr, flush=True)
        return SpanExportResult.SUCCESS


def lines(spans: Sequence[ReadableSpan]) -> Iterator[str]:
    """A trace as lines: milliseconds since it began, milliseconds that it took, and what it was."""
    children: Mapping[int, list[ReadableSpan]] = defaultdict(list)
    root = spans[-1]
    for span in spans:
        if span is not root and span.parent is not None:
            children[span.parent.span_id].append(span)
    yield f"trace {root.context.trace_id:032x}"
    yield f"{'at ms':>9}{'took ms':>9}"
    yield from _lines(root, children, root.start_time or 0, "")


def _lines(
    span: ReadableSpan, children: Mapping[int, list[ReadableSpan]], zero: int, indent: str
) -> Iterator[str]:
    began, ended, attributes = span.start_time or 0, span.end_time or 0, span.attributes or {}
    told = " ".join(f"{name}={_shown(attributes[name])}" for name in TOLD if name in attributes)
    yield f"{(began - zero) / 1e6:9.2f}{(ended - began) / 1e6:9.2f}  {indent}{span.name}  {told}".rstrip()
    for line in str(attributes.get("db.query.text", "")).splitlines():
        yield f"{'':20}{indent}| {line.rstrip()}"
    for child in sorted(children[span.context.span_id], key=lambda one: one.start_time or 0):
        yield from _lines(child, children, zero, indent + "  ")


def _shown(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
