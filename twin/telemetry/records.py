"""The record of one request: its operations, and the statements that they sent.

Times are nanoseconds of ``time.perf_counter_ns``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from time import perf_counter_ns as now
from types import TracebackType
from typing import Any, Literal

from msgspec import Struct, field

AnsweredBy = Literal["planner", "executor"]
Found = Literal["remembered", "made"]

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
"""Methods that are told; clients may send others."""
LONGEST_NAME = 100
"""Characters of an operation's name that are told."""
_OPERATION = re.compile(r"\b(query|mutation|subscription)\b[ \t]*([_A-Za-z][_0-9A-Za-z]*)?")


class Statement(Struct):
    """One statement while it is sent and answered: a context manager, which adds itself to what asks.

    ``rows`` is how many came back; ``error`` is the exception's name, ``sqlstate`` what PostgreSQL calls it.
    ``shared`` where it was sent for others too, of whom one has it unshared.
    """

    text: str
    began: int = 0
    ended: int = 0
    rows: int = 0
    error: str | None = None
    sqlstate: str | None = None
    shared: bool = False

    def __enter__(self) -> Statement:
        self.began = now()
        return self

    def __exit__(self, kind: type[BaseException] | None, raised: Any, _trace: TracebackType | None) -> None:
        self.ended = now()
        if kind is not None:
            self.error, self.sqlstate = kind.__name__, getattr(raised, "sqlstate", None)
        noted(self)


class Asking(Struct):
    """What sends statements.

    ``waited`` is how long it waited for connections in all, ``made`` how many statements had to be made anew.
    """

    began: int = field(default_factory=now)
    ended: int = 0
    statements: list[Statement] = field(default_factory=list)
    waited: int = 0
    made: int = 0

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.ended - self.began) / 1e9


class Operation(Asking):
    """One GraphQL operation.

    ``document_was`` and ``plan_was`` say whether the planner remembered the document and its plan, and
    ``planned`` when it had them; ``answered_by`` is None for what nobody answered, as when the client goes.
    """

    document: str = ""
    name: str | None = None
    type: str = "query"
    document_was: Found | None = None
    plan_was: Found | None = None
    planned: int = 0
    answered_by: AnsweredBy | None = None
    errors: list[str] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """What tells documents apart without showing what stands in them: 12 hexadecimal digits."""
        return hashlib.sha256(self.document.encode(errors="replace")).hexdigest()[:12]

    @property
    def rows(self) -> int:
        """The rows of all its statements."""
        return sum(one.rows for one in self.statements)

    def read(self, kind: str, name: str | None, was: Found) -> None:
        """Its document was read: what it says of itself, and whether that was remembered."""
        self.type, self.name, self.document_was = kind, name[:LONGEST_NAME] if name else None, was

    def has_plan(self, was: Found) -> None:
        """Its plan is there, remembered or made."""
        self.planned, self.plan_was = now(), was

    def unread(self, name: str | None) -> None:
        """Nobody has read its document yet: its type and name are what they seem to be.

        What came as its name may be anything.
        """
        if self.document_was is not None:
            return
        found = _OPERATION.search(self.document)
        self.type, first = (found[1], found[2]) if found else ("query", None)
        wanted = name if name and name.isascii() and name.isidentifier() else first
        self.name = wanted[:LONGEST_NAME] if wanted else None

    def answered(self, by: AnsweredBy, errors: Iterable[str] = ()) -> None:
        """It is answered, with errors of these codes."""
        self.ended, self.answered_by = now(), by
        self.errors += errors


class Request(Asking):
    """One HTTP request. ``route`` is the address's pattern, ``status`` None where nothing was answered."""

    id: str = ""
    method: str = ""
    route: str = ""
    scheme: str = "http"
    client: str | None = None
    headers: Mapping[bytes, bytes] = field(default_factory=dict)
    status: int | None = None
    operations: list[Operation] = field(default_factory=list)
    trace_id: str | None = None

    @property
    def all_statements(self) -> Iterator[Statement]:
        """Its own statements and those of its operations."""
        yield from self.statements
        for operation in self.operations:
            yield from operation.statements

    @property
    def all_waited(self) -> int:
        """How long it waited for connections, in nanoseconds."""
        return self.waited + sum(operation.waited for operation in self.operations)


Outlet = Callable[[Request], None]
"""Reads the record of a request that is over."""

_asking: ContextVar[Asking | None] = ContextVar("asking", default=None)
_request: ContextVar[Request | None] = ContextVar("request", default=None)
current: Callable[[], Asking | None] = _asking.get
"""What asks here: an operation or a request, or None where nobody observes."""
current_request: Callable[[], Request | None] = _request.get


def waited(since: int, until: int | None = None) -> None:
    """A connection is there, now or since ``until``, that was wanted since then."""
    asking = _asking.get()
    if asking is not None:
        asking.waited += (until or now()) - since


def noted(statement: Statement) -> None:
    """A statement that was sent elsewhere is noted here too."""
    asking = _asking.get()
    if asking is not None:
        asking.statements.append(statement)


def apart() -> Asking:
    """From now on, what this task does is noted by itself."""
    asking = Asking()
    _asking.set(asking)
    return asking


def made_anew() -> None:
    """No statement of before fits: one is made."""
    asking = _asking.get()
    if asking is not None:
        asking.made += 1


class observed:  # noqa: N801 - a context manager; one of contextlib's takes as long as all the rest
    """Within, what happens is noted in ``request``; in the end the outlets read it."""

    __slots__ = ("_asking", "_known", "_outlets", "_record")

    def __init__(self, request: Request, outlets: Iterable[Outlet]) -> None:
        self._record, self._outlets = request, outlets

    def __enter__(self) -> Request:
        self._asking, self._known = _asking.set(self._record), _request.set(self._record)
        return self._record

    def __exit__(self, *_: object) -> None:
        self._record.ended = now()
        try:
            for outlet in self._outlets:
                outlet(self._record)
        finally:
            _asking.reset(self._asking)
            _request.reset(self._known)


class operating:  # noqa: N801 - as above
    """Within, statements belong to an operation; it is None where nobody observes.

    What the planner has left to the executor is one operation, not two.
    """

    __slots__ = ("_document", "_operation", "_token")

    def __init__(self, document: str) -> None:
        self._document = document
        self._operation: Operation | None = None

    def __enter__(self) -> Operation | None:
        request = _request.get()
        if request is None:
            return None
        operation = _left(request, self._document)
        if operation is None:
            operation = Operation(document=self._document)
            request.operations.append(operation)
        self._operation, self._token = operation, _asking.set(operation)
        return operation

    def __exit__(self, *_: object) -> None:
        operation = self._operation
        if operation is not None:
            _asking.reset(self._token)
            if operation.answered_by is None:
                operation.ended = now()


def _left(request: Request, document: str) -> Operation | None:
    last = request.operations[-1] if request.operations else None
    return last if last is not None and last.answered_by is None and last.document == document else None
