"""Logs: a line for each request if that is wanted, slow ones named, and the request's id on every line.

Lines go to standard error, as text or as JSON (one object a line). No line holds variables, parameters,
headers, or addresses as they were asked for: an address may name a person's vehicle.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from twin.settings import TelemetrySettings
from twin.telemetry.records import Operation, Request, current_request

requests = logging.getLogger("twin.requests")
_PLAIN = re.compile(r"[\w./:{}+-]+")
LONGEST_STATEMENT = 2_000
"""Characters of a slow statement that are told."""


@dataclass(frozen=True, slots=True)
class RequestLog:
    """Writes a line for each request, and a warning for each that takes longer than ``slow_ms``, unless 0."""

    slow_ms: int
    each: bool

    def __call__(self, request: Request) -> None:
        """Write the line of a request that is over: an outlet."""
        if self.slow_ms and request.seconds * 1e3 >= self.slow_ms:
            facts = {**_facts(request), "slow_ms": self.slow_ms, "statements": _statements(request)}
            _tell(logging.WARNING, "slow request", facts)
        elif self.each:
            _tell(logging.INFO, "request", _facts(request))


def _tell(level: int, message: str, facts: dict[str, Any]) -> None:
    """Log it, without looking for the line of code that does, which takes as long as the rest."""
    extra = {"facts": facts}
    requests.handle(requests.makeRecord(requests.name, level, __file__, 0, message, (), None, extra=extra))


def outlet(settings: TelemetrySettings) -> RequestLog | None:
    """The log of requests that the settings want, if they want one."""
    each = settings.log != "problems"
    return RequestLog(settings.slow_ms, each) if each or settings.slow_ms else None


def configure(settings: TelemetrySettings) -> None:
    """Send what this process logs to standard error, in the form that the settings want."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if settings.log == "json" else TextLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    requests.setLevel(logging.INFO)


def _facts(request: Request) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "method": request.method,
        "route": request.route,
        "status": request.status,
        "duration_ms": round(request.seconds * 1e3, 3),
        "client": request.client,
    }
    if request.trace_id is not None:
        facts["trace_id"] = request.trace_id
    if request.operations:
        facts["operations"] = [_operation(one) for one in request.operations]
    return facts


def _operation(operation: Operation) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": operation.name,
        "document": operation.digest,
        "answered_by": operation.answered_by,
        "duration_ms": round(operation.seconds * 1e3, 3),
        "rows": operation.rows,
    }
    if operation.errors:
        facts["errors"] = operation.errors
    return facts


def _statements(request: Request) -> list[dict[str, Any]]:
    return [
        {
            "duration_ms": _milliseconds(one.ended - one.began),
            "rows": one.rows,
            **({"shared": True} if one.shared else {}),
            **({} if one.error is None else {"error": one.sqlstate or one.error}),
            "sql": one.text[:LONGEST_STATEMENT],
        }
        for one in request.all_statements
    ]


def _milliseconds(nanoseconds: int) -> float:
    return round(nanoseconds / 1e6, 3)


class _Lines(logging.Formatter):
    """Lines with the time, the id of the request that is being answered, and what is told of it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        request = current_request()
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _sound(record.getMessage()),
        }
        if request is not None:
            line["request_id"] = request.id
        line |= getattr(record, "facts", {})
        trace = _sound(self.formatException(record.exc_info)) if record.exc_info else None
        return self.written(line, trace)

    def written(self, line: Mapping[str, Any], trace: str | None) -> str:
        """How a line is written."""
        raise NotImplementedError


class JsonLines(_Lines):
    """A JSON object a line."""

    def written(self, line: Mapping[str, Any], trace: str | None) -> str:
        """The line, with the stack trace as a member."""
        whole = line if trace is None else {**line, "exception": trace}
        return orjson.dumps(whole, default=str).decode()


class TextLines(_Lines):
    """Lines for people: time, level, request and message; then what else there is as ``name=value``."""

    def written(self, line: Mapping[str, Any], trace: str | None) -> str:
        """The line, with the stack trace below."""
        head = [line["time"], line["level"].upper(), line.get("request_id", "-"), line["message"]]
        rest = {
            k: v for k, v in line.items() if k not in {"time", "level", "request_id", "message", "logger"}
        }
        facts = [f"{name}={_shown(value)}" for name, value in rest.items()]
        return "\n".join(filter(None, [" ".join([*head, *facts]), trace]))


def _shown(value: Any) -> str:
    """A value as text; one that could be read as several, or as lines, in quotation marks."""
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return value
    return orjson.dumps(value, default=str).decode()


def _sound(text: str) -> str:
    """The text without halves of surrogates, such as names of files may hold, which JSON cannot."""
    return text.encode(errors="replace").decode()
