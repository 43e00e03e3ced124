"""Connections over which a question costs little: straight to libpq, without a cursor for each.

psycopg's cursors wait for each statement anew and make an object for each part of it, which takes longer than
a lookup. A line keeps its connection's socket known to the event loop, its statements prepared, and what
turns values into parameters and columns into values. All else is psycopg's: its pool makes the connections,
tries them, and replaces those that are lost; ``Lines.connection`` lends one for whatever needs a cursor.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from functools import lru_cache, partial
from itertools import count
from time import monotonic, perf_counter_ns
from types import TracebackType
from typing import Any, Self

import orjson
from msgspec import Struct
from psycopg import AsyncConnection, errors
from psycopg.adapt import AdaptersMap, PyFormat, Transformer
from psycopg.pq import ExecStatus, PipelineStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.types.json import set_json_loads
from psycopg.types.string import TextLoader
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from twin.registry.awaited import Awaited
from twin.registry.lookups import Keys, Lookups
from twin.registry.rows import Rows, Values
from twin.telemetry.records import Statement, waited

Parameters = Mapping[str, Any]
Pool = AsyncConnectionPool[AsyncConnection]

MOST_PREPARED = 200
"""Statements that a line has prepared."""
TRIED_AFTER = 1.0
"""Seconds after which a connection that nobody used goes back to the pool, which tries it."""
STOP_SECONDS = 5.0
"""How long what is stopped may take to end before its connection is given up."""
CANCELLED_AGAIN = 0.1
"""Seconds after which what is stopped is cancelled again, where it goes on."""

_PLACE = re.compile(r"%\((\w+)\)s|%%")
_LONG = b"0" * 19
"""Digits, once all are written as 0, of which an integer may have more than 64 bits."""
_ZEROS = bytes(ord("0") if chr(byte).isdigit() and byte < 128 else ord(" ") for byte in range(256))
_LINE = "_twin_line"
_TEXTS, _INTEGERS = 1009, 1016
"""PostgreSQL's types text[] and bigint[] (pg_type)."""
_JSONS = frozenset({114, 3802})
"""PostgreSQL's types json and jsonb."""
_FITS_NO_MORE = (errors.FeatureNotSupported, errors.InvalidSqlStatementName)
"""What PostgreSQL says of a statement that was prepared before tables have changed, or that is no more."""


class _Query(Struct, frozen=True):
    """A statement's text as PostgreSQL takes it, and the names of its parameters in their order."""

    text: bytes
    names: tuple[str, ...]


@lru_cache(maxsize=1_000)
def _query(text: str) -> _Query:
    """A statement in psycopg's ``%(name)s`` style."""
    places: dict[str, int] = {}

    def written(found: re.Match[str]) -> str:
        name = found[1]
        return "%" if name is None else f"${places.setdefault(name, len(places) + 1)}"

    return _Query(_PLACE.sub(written, text).encode(), tuple(places))


class _Columns(Struct, frozen=True):
    """The names of a result's columns, and the places of those that are JSON."""

    names: tuple[str, ...]
    jsons: tuple[int, ...]

    @classmethod
    def of(cls, result: PGresult) -> _Columns:
        """Those of a result."""
        places = range(result.nfields)
        names = tuple((result.fname(place) or b"").decode() for place in places)
        return cls(names, tuple(place for place in places if result.ftype(place) in _JSONS))


class _Adapting(Struct, frozen=True):
    """What psycopg turns values by: JSON stays text, which is read a column at a time."""

    connection: AsyncConnection
    adapters: AdaptersMap

    @classmethod
    def of(cls, connection: AsyncConnection) -> _Adapting:
        """That of a connection."""
        adapters = AdaptersMap(connection.adapters)
        for json_type in _JSONS:
            adapters.register_loader(json_type, TextLoader)
        return cls(connection, adapters)


class Asked(Awaited, eq=False):
    """A statement, in psycopg's ``%(name)s`` style, that is asked with others."""

    text: str
    parameters: Parameters
    prepared: bool


class _Ready(Struct, eq=False):
    """One of several statements, as it is sent; or why it cannot be."""

    asked: Asked
    query: _Query
    values: Sequence[Any] = ()
    types: tuple[int, ...] = ()
    formats: Sequence[Any] | None = None
    problem: Exception | None = None


class Line:
    """A connection that is used by one who asks at a time, within the event loop that makes it."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.made = self.used = monotonic()
        self._pg = connection.pgconn
        set_json_loads(_json, connection)
        # Where a transaction is rolled back, psycopg deallocates all statements, if any is its own.
        connection.prepare_threshold = None
        self._dump, self._load = Transformer(connection), Transformer(_Adapting.of(connection))
        self._numbers = count(1)
        self._prepared: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        self._columns: dict[bytes, _Columns] = {}
        self._waiting: asyncio.Future[None] | None = None
        self._sending: asyncio.Future[None] | None = None
        self._watched: int | None = None

    @property
    def broken(self) -> bool:
        """Whether the connection is lost."""
        return self.connection.closed

    @property
    def busy(self) -> bool:
        """Whether statements are under way."""
        pg = self._pg
        return pg.transaction_status == TransactionStatus.ACTIVE or pg.pipeline_status != PipelineStatus.OFF

    @property
    def idle(self) -> bool:
        """Whether nothing is under way, no transaction either."""
        return self._pg.transaction_status == TransactionStatus.IDLE

    def watch(self) -> None:
        """Let the event loop tell when something comes from the server.

        What it watches is a second number of the socket: libpq closes its own as soon as the connection is
        lost, and a loop that watches a number which is closed, or another socket's by now, ends the process.
        """
        self._watched = os.dup(self._pg.socket)
        # In a context of its own: whoever asks now would be remembered as long as the line lives.
        Context().run(asyncio.get_running_loop().add_reader, self._watched, self._readable)

    def leave(self) -> None:
        """Leave the socket to others."""
        if self._watched is not None:
            watched, self._watched = self._watched, None
            loop = asyncio.get_running_loop()
            loop.remove_reader(watched)
            loop.remove_writer(watched)
            os.close(watched)

    def _readable(self) -> None:
        """Take in what has come, a part of an answer mostly; whoever waits goes on when it is whole."""
        try:
            self._pg.consume_input()
            whole = not self._pg.is_busy()
        except errors.OperationalError as lost:
            for waiting in (self._waiting, self._sending):
                if waiting is not None and not waiting.done():
                    waiting.set_exception(lost)
            self.leave()
            return
        if whole and self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def ask(self, text: str, parameters: Parameters, *, prepared: bool) -> Rows:
        """The rows of a statement, which is in psycopg's ``%(name)s`` style. Raises psycopg's errors."""
        query = _query(text)
        values, types, formats = self._dumped([parameters[name] for name in query.names])
        if prepared:
            name = self._prepared.get((query.text, types)) or await self._prepare(query.text, types)
            self._pg.send_query_prepared(name, values, formats)
        else:
            self._pg.send_query_params(query.text, values, types, formats)
        result = await self._result()
        if result.status != ExecStatus.TUPLES_OK:
            problem = errors.error_from_result(result, encoding="utf-8")
            if isinstance(problem, _FITS_NO_MORE):
                await self._forget(query.text, types)
            raise problem
        return self._rows(query, result)

    async def ask_all(self, asked: Sequence[Asked]) -> None:
        """Answer several statements, each as soon as it can be: all are sent before the first has ended.

        Each is a transaction of its own, and what goes wrong with it is told to who asked it.
        """
        ready = [await self._ready(one) for one in asked if not one.rows.done()]
        began = perf_counter_ns()
        self._pg.enter_pipeline_mode()
        for one in ready:
            self._send(one)
        for one in ready:
            began = await self._answer(one, began)
        self._pg.exit_pipeline_mode()
        for one in ready:
            if isinstance(one.problem, _FITS_NO_MORE):
                await self._forget(one.query.text, one.types)

    async def _ready(self, asked: Asked) -> _Ready:
        made = _Ready(asked, _query(asked.text))
        try:
            given = [asked.parameters[name] for name in made.query.names]
            made.values, made.types, made.formats = self._dumped(given)
            if asked.prepared and (made.query.text, made.types) not in self._prepared:
                await self._prepare(made.query.text, made.types)
        except Exception as problem:  # noqa: BLE001 - told to who asked
            made.problem = problem
        return made

    def _send(self, one: _Ready) -> None:
        """Send it, if it can be; as a text where others took its place among those that are prepared."""
        if one.problem is not None:
            return
        name = self._prepared.get((one.query.text, one.types)) if one.asked.prepared else None
        try:
            if name is None:
                self._pg.send_query_params(one.query.text, one.values, one.types, one.formats)
            else:
                self._pg.send_query_prepared(name, one.values, one.formats)
            self._pg.pipeline_sync()
        except errors.OperationalError as problem:  # the connection may be lost while all is being sent
            one.problem = problem

    async def _answer(self, one: _Ready, began: int) -> int:
        """Answer one whose turn it is since ``began``; when it ended, as ``perf_counter_ns`` has it."""
        seen = Statement(one.asked.text)
        try:
            with seen:
                seen.began = began
                rows = await self._read(one)
                seen.rows = len(rows)
        except Exception as problem:  # noqa: BLE001 - told to who asked
            one.problem = problem
            one.asked.fail(problem)
        else:
            one.asked.answer(rows)
        return seen.ended

    async def _read(self, one: _Ready) -> Rows:
        """Its rows. Raises what went wrong with it so far, and as ``ask``."""
        if one.problem is not None:
            raise one.problem
        result = await self._result()
        await self._synchronised()
        if result.status != ExecStatus.TUPLES_OK:
            raise errors.error_from_result(result, encoding="utf-8")
        return self._rows(one.query, result)

    def _rows(self, query: _Query, result: PGresult) -> Rows:
        self._load.set_pgresult(result)
        columns = self._columns.get(query.text) or self._remember(query.text, result)
        values = self._load.load_rows(0, result.ntuples, tuple)
        self._load.set_pgresult(None)
        for place in columns.jsons:
            values = _read(values, place)
        return Rows(columns.names, values)

    async def stop(self) -> None:
        """End what is under way, each statement that was sent; where that fails, the connection is closed."""
        try:
            async with asyncio.timeout(STOP_SECONDS):
                while self._pg.transaction_status == TransactionStatus.ACTIVE:
                    await self.connection.cancel_safe(timeout=STOP_SECONDS)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(CANCELLED_AGAIN):
                            await self._ended()
            self._pg.exit_pipeline_mode()
        except (TimeoutError, errors.Error):
            self.leave()
            await self.connection.close()

    def _dumped(self, given: Sequence[Any]) -> tuple[list[Any], tuple[int, ...], Sequence[Any] | None]:
        """Parameters as they are sent, their types and formats."""
        if len(given) == 1 and (array := _array(given[0])):
            return [array[0]], (array[1],), None
        arrays = {place: found for place, value in enumerate(given) if (found := _array(value))}
        plain = [None if place in arrays else value for place, value in enumerate(given)] if arrays else given
        values = list(self._dump.dump_sequence(plain, [PyFormat.AUTO] * len(given)))
        types = list(self._dump.types or ())
        for place, found in arrays.items():
            values[place], types[place] = found
        return values, tuple(types), self._dump.formats

    async def _prepare(self, query: bytes, types: tuple[int, ...]) -> bytes:
        if len(self._prepared) >= MOST_PREPARED:
            oldest = next(iter(self._prepared))
            await self._done(self._pg.send_query, b"DEALLOCATE %s" % self._prepared.pop(oldest))
        name = b"twin_%d" % next(self._numbers)
        await self._done(self._pg.send_prepare, name, query, types)
        self._prepared[query, types] = name
        return name

    async def _done(self, send: Any, *what: Any) -> None:
        send(*what)
        result = await self._result()
        if result.status != ExecStatus.COMMAND_OK:
            raise errors.error_from_result(result, encoding="utf-8")

    def _remember(self, query: bytes, result: PGresult) -> _Columns:
        if len(self._columns) >= MOST_PREPARED:
            self._columns.clear()
        return self._columns.setdefault(query, _Columns.of(result))

    async def _forget(self, query: bytes, types: tuple[int, ...]) -> None:
        """What was prepared fits no more, where tables have changed; or is no more."""
        self._columns.pop(query, None)
        name = self._prepared.pop((query, types), None)
        if name is not None:
            with suppress(errors.ProgrammingError):
                await self._done(self._pg.send_query, b"DEALLOCATE %s" % name)

    async def _result(self) -> PGresult:
        """The statement's one result. Raises ``OperationalError`` where the connection is lost."""
        while self._pg.flush():
            await self._writable()
        found = None
        while True:
            while self._pg.is_busy():
                await self._more()
            result = self._pg.get_result()
            if result is None:
                break
            found = result
        self.used = monotonic()
        if found is None:
            raise errors.OperationalError("the connection is lost")
        return found

    async def _synchronised(self) -> None:
        """The end of a statement's transaction, in pipeline mode. Raises as ``_result``."""
        while self._pg.is_busy():
            await self._more()
        result = self._pg.get_result()
        if result is None or result.status != ExecStatus.PIPELINE_SYNC:
            raise errors.OperationalError("the connection is lost")

    async def _ended(self) -> None:
        """Drop what comes of the statement that is under way. Raises as ``_result``."""
        while self._pg.flush():
            await self._writable()
        while self._pg.transaction_status == TransactionStatus.ACTIVE:
            while self._pg.is_busy():
                await self._more()
            result = self._pg.get_result()
            if result is not None and result.status == ExecStatus.PIPELINE_SYNC:
                break
            await asyncio.sleep(0)  # or a connection that tells nothing more would never be given up

    async def _more(self) -> None:
        """Wait until a result is whole. Raises as ``_result``."""
        if self._watched is None:
            raise errors.OperationalError("the connection is lost")
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            await self._waiting
        finally:
            self._waiting = None

    async def _writable(self) -> None:
        """Wait until more can be sent; what comes meanwhile is taken in, or the server might wait for us."""
        if self._watched is None:
            raise errors.OperationalError("the connection is lost")
        loop = asyncio.get_running_loop()
        self._sending = loop.create_future()
        loop.add_writer(self._watched, _go_on, self._sending)
        try:
            await self._sending
        finally:
            self._sending = None
            if self._watched is not None:
                loop.remove_writer(self._watched)


def _go_on(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


def _read(rows: list[Values], place: int) -> list[Values]:
    """The rows with the JSON of one column read, all at once: one by one takes several times as long."""
    if not rows:
        return rows
    texts = ["null" if row[place] is None else row[place] for row in rows]
    found = _json(f"[{','.join(texts)}]".encode())
    return [(*row[:place], one, *row[place + 1 :]) for row, one in zip(rows, found, strict=True)]


def _json(text: str | bytes) -> Any:
    """JSON; integers of more than 64 bits and numbers that no double holds are left to Python's reader."""
    if isinstance(text, str) or _LONG in text.translate(_ZEROS):
        return json.loads(text)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def _array(given: Any) -> tuple[bytes, int] | None:
    """A list of texts or of integers as PostgreSQL writes arrays, and its type: psycopg takes long for them.

    None for everything else, and for what psycopg has to refuse.
    """
    if type(given) is not list or not given:
        return None
    if all(type(value) is int for value in given):
        return b"{%s}" % ",".join(map(str, given)).encode(), _INTEGERS
    if not all(type(value) is str and "\0" not in value for value in given):
        return None
    quoted = ",".join('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in given)
    return b"{%s}" % quoted.encode(), _TEXTS


class Lines:
    """A pool's connections as lines: those that are in use, and those that were a moment ago."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._idle: list[Line] = []
        self._doing: set[asyncio.Task[None]] = set()
        self._waiters: deque[asyncio.Future[Line]] = deque()
        self._tidying: asyncio.TimerHandle | None = None
        self._lookups = Lookups(partial(self._ask, prepared=True), self._later)
        self._lent = 0
        self._asked, self._queued, self._late, self._waited_ns = 0, 0, 0, 0
        self._closed = False

    @property
    def conninfo(self) -> str:
        """Where the connections lead, as libpq writes it."""
        return str(self._pool.conninfo)

    async def __aenter__(self) -> Self:
        await self._pool.open()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _raised: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._closed = True
        if self._tidying is not None:
            self._tidying.cancel()
        while self._idle:
            self._later(self._return(self._idle.pop()))
        while self._doing:
            await asyncio.wait(self._doing)
        await self._pool.close()

    def ask(
        self, text: str, parameters: Parameters, *, prepared: bool, keys: Keys | None = None
    ) -> Awaitable[Rows]:
        """The rows that a statement gives. Raises psycopg's errors, and ``PoolTimeout``.

        Whoever is stopped while it waits has the statement stopped as well, and need not wait for that.
        Statements that look up ``keys`` are prepared, and may be asked with others.
        """
        if keys is not None:
            return self._lookups.ask(text, parameters, keys)
        return self._ask(text, parameters, prepared=prepared)

    async def _ask(self, text: str, parameters: Parameters, *, prepared: bool) -> Rows:
        line = await self._take()
        try:
            with Statement(text) as seen:
                rows = await line.ask(text, parameters, prepared=prepared)
                seen.rows = len(rows)
                return rows
        finally:
            self._release(line)

    async def ask_all(self, asked: Sequence[Asked]) -> None:
        """Answer several statements over one connection. Raises what concerns all of them, as ``ask``.

        Whoever is stopped meanwhile has them all stopped.
        """
        line = await self._take()
        try:
            await line.ask_all(asked)
        finally:
            self._release(line)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """A connection, for what needs cursors or transactions; what it began is committed or rolled back."""
        line = await self._take()
        line.leave()
        try:
            async with line.connection:
                yield line.connection
        finally:
            if line.idle:
                line.watch()
                self._give(line)
            else:
                self._later(self._return(line))

    def get_stats(self) -> dict[str, int]:
        """What psycopg's pools tell of themselves, for which a connection that is lent to us is in use."""
        stats = self._pool.get_stats()
        own = {
            "pool_available": len(self._idle),
            "requests_num": self._asked - stats.get("requests_num", 0),
            "requests_waiting": len(self._waiters),
            "requests_queued": self._queued,
            "requests_wait_ms": self._waited_ns // 1_000_000,
            "requests_errors": self._late,
        }
        return {**stats, **{name: stats.get(name, 0) + value for name, value in own.items()}}

    async def _take(self) -> Line:
        """A line that is idle, else the first that is given back or that the pool lends."""
        wanted = perf_counter_ns()
        self._asked += 1
        line = self._fresh() or await self._another()
        waited(wanted)
        return line

    def _fresh(self) -> Line | None:
        while self._idle:
            line = self._idle.pop()
            if not line.broken and monotonic() - line.used < TRIED_AFTER:
                return line
            self._later(self._return(line))
        return None

    async def _another(self) -> Line:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Line] = loop.create_future()
        self._waiters.append(waiter)
        if not self._borrow():
            self._queued += 1
        since = perf_counter_ns()
        late = loop.call_later(self._pool.timeout, _too_late, waiter)
        try:
            return await waiter
        except PoolTimeout:
            self._late += 1
            raise
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._give(waiter.result())  # handed over in the moment in which its asker was stopped
            raise
        finally:
            late.cancel()
            self._waited_ns += perf_counter_ns() - since

    def _borrow(self) -> bool:
        """Have the pool lend another connection, if it has any more; whether it has."""
        if self._lent >= self._pool.max_size or self._closed:
            return False
        self._lent += 1
        self._later(self._borrowed())
        return True

    async def _borrowed(self) -> None:
        try:
            connection = await self._pool.getconn()
        except Exception as problem:  # noqa: BLE001 - whoever waits longest is told
            self._lent -= 1
            waiter = self._next()
            if waiter is not None:
                waiter.set_exception(problem)
            return
        line: Line | None = getattr(connection, _LINE, None)
        if line is None:
            line = Line(connection)
            setattr(connection, _LINE, line)
        line.used = monotonic()
        line.watch()
        self._give(line)

    def _release(self, line: Line) -> None:
        """Hand it on, once nothing is under way any more."""
        if line.busy:
            self._later(self._stop(line))
        else:
            self._give(line)

    def _give(self, line: Line) -> None:
        if line.broken or self._closed or monotonic() - line.made > self._pool.max_lifetime:
            self._later(self._return(line))
            return
        waiter = self._next()
        if waiter is not None:
            waiter.set_result(line)
            return
        self._idle.append(line)
        if self._tidying is None:
            self._tidying = asyncio.get_running_loop().call_later(TRIED_AFTER, self._tidy)

    def _next(self) -> asyncio.Future[Line] | None:
        """Who waits longest."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                return waiter
        return None

    def _tidy(self) -> None:
        """Give back what nobody needed for a while: the pool closes it in time."""
        self._tidying = None
        now = monotonic()
        for line in [line for line in self._idle if now - line.used >= TRIED_AFTER]:
            self._idle.remove(line)
            self._later(self._return(line))
        if self._idle:
            self._tidying = asyncio.get_running_loop().call_later(TRIED_AFTER, self._tidy)

    async def _return(self, line: Line) -> None:
        line.leave()
        try:
            await self._pool.putconn(line.connection)
        finally:
            self._lent -= 1
            if self._waiters:
                self._borrow()

    async def _stop(self, line: Line) -> None:
        await line.stop()
        self._give(line)

    def _later(self, doing: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do it beside whoever asks, who may be stopped; in a context of its own, as it belongs to nobody."""
        task = asyncio.get_running_loop().create_task(doing, context=Context())
        self._doing.add(task)
        task.add_done_callback(self._doing.discard)
        return task


def _too_late(waiter: asyncio.Future[Line]) -> None:
    if not waiter.done():
        waiter.set_exception(PoolTimeout("all connections were in use all the time"))
