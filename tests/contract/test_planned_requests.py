"""Requests that the planner answers over HTTP: as the router would, and only as long as somebody waits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool

from citygraph import app as graphql
from citygraph.planner.http import LARGEST, PlannedRequests
from citygraph.planner.plans import Planner
from tests.contract.test_graphql import BUILDING, CITY
from tests.registry_rows import insert_city
from twin.registry.lines import Lines
from twin.web.app import create_app
from twin.web.middleware import JSON_HEADERS

Work = Callable[[FastAPI], Coroutine[Any, Any, Any]]


@pytest.fixture(scope="module")
def owner_url(new_database: Callable[[], str]) -> str:
    url = new_database()
    with psycopg.connect(url, autocommit=True) as owner:
        insert_city(owner, CITY)
    return url


@asynccontextmanager
async def application(owner_url: str, *, planned: bool = True) -> AsyncIterator[FastAPI]:
    made = FastAPI()
    made.include_router(graphql.router())
    if planned:
        made.add_middleware(PlannedRequests, path=graphql.PATH)
    async with lines(owner_url) as made.state.pool:
        yield made


def lines(owner_url: str) -> Lines:
    options = {"autocommit": True, "options": "-c twin.scope=*"}
    url = owner_url.replace("twin_owner@", "twin_api@")
    return Lines(AsyncConnectionPool(url, kwargs=options, min_size=1, max_size=2, open=False))


@pytest.fixture
def ask(owner_url: str) -> Iterator[Callable[..., httpx.Response]]:
    """Sends a request to an application with or without the planner's road."""

    def ask_(method: str = "POST", *, planned: bool = True, **request: Any) -> httpx.Response:
        async def go() -> httpx.Response:
            async with application(owner_url, planned=planned) as made:
                transport = httpx.ASGITransport(made)
                async with httpx.AsyncClient(transport=transport, base_url="http://twin") as client:
                    return await client.request(method, "/graphql", **request)

        return asyncio.run(go())

    yield ask_


FILE = "query($c: String!) { asset(code: $c) { code geometry position { lon lat } children { totalCount } } }"
BODIES: list[dict[str, Any]] = [
    {"query": "{ kinds { kind field } }"},
    {"query": FILE, "variables": {"c": BUILDING.code}},
    {"query": FILE, "variables": {"c": "nonsense"}, "operationName": None},
    {"query": "query a { registry { extent } } query b { kinds { en } }", "operationName": "b"},
    {"query": FILE, "variables": {}},
    {"query": "{ nothing }"},
    {"query": "{ __schema { queryType { name } } }"},
    {"query": "{ assets(first: 100000) { totalCount } streetlights(first: 2) { nodes { code } } }"},
    {"query": "{ kinds { en } }", "variables": [1]},
    {"query": "{ kinds { en } }", "variables": []},
    {"query": "{ kinds { en } }", "variables": ""},
    {"query": "query($x: Boolean = true) { kinds @include(if: $x) { en } }", "variables": {"x": None}},
    {"query": "{ kinds { en } }", "extensions": {}},
    {"query": 1},
    {},
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: json.dumps(body)[:60])
def test_the_answer_is_the_routers(ask: Callable[..., httpx.Response], body: dict[str, Any]) -> None:
    ours, theirs = (ask(json=body, planned=planned) for planned in (True, False))
    assert (ours.status_code, ours.content) == (theirs.status_code, theirs.content)
    assert ours.headers["content-type"] == theirs.headers["content-type"]


@pytest.mark.parametrize(
    "request_",
    [
        {"method": "GET", "params": {"query": "{ kinds { en } }"}},
        {"content": b"{", "headers": {"content-type": "application/json"}},
        {"content": b"[1]", "headers": {"content-type": "application/json"}},
        {"content": b"x", "headers": {"content-type": "text/plain"}},
        {"json": {"query": "{ kinds { en } }" + " " * LARGEST}},
        {"json": {"query": "{ kinds { en } }"}, "headers": {"accept": "application/graphql-response+json"}},
    ],
    ids=["GET", "no JSON", "a list", "a text", "too large", "another answer"],
)
def test_other_requests_go_the_other_way(
    ask: Callable[..., httpx.Response], request_: dict[str, Any]
) -> None:
    ours, theirs = (ask(planned=planned, **request_) for planned in (True, False))
    assert (ours.status_code, ours.content) == (theirs.status_code, theirs.content)


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/json",
        "application/graphql-response+json; charset=utf-8, application/json; charset=utf-8",
        "multipart/mixed, application/json;q=0.9",
    ],
)
def test_what_clients_accept_is_planned(accept: str) -> None:
    """There is no router to hand it on to."""

    async def go() -> httpx.Response:
        made = FastAPI()
        made.add_middleware(PlannedRequests, path=graphql.PATH)
        made.state.pool = None
        transport = httpx.ASGITransport(made)
        async with httpx.AsyncClient(transport=transport, base_url="http://twin") as client:
            body = {"query": "{ reports { name } }"}
            return await client.post("/graphql", json=body, headers={"accept": accept})

    assert asyncio.run(go()).json()["data"]["reports"]


def test_the_executors_fields_take_one_connection_too(owner_url: str) -> None:
    """Introspection is left to it, and what is asked beside."""
    files = " ".join(
        f'a{n}: asset(code: "{asset.code}") {{ code name }}' for n, asset in enumerate(CITY[:10])
    )
    body = {"query": f'{{ {files} registry {{ extent home {{ code }} }} __type(name: "Asset") {{ name }} }}'}

    async def go() -> Any:
        async with application(owner_url) as made:
            transport = httpx.ASGITransport(made)
            async with httpx.AsyncClient(transport=transport, base_url="http://twin") as client:
                answer = await client.post("/graphql", json=body)
            assert made.state.pool.get_stats()["requests_num"] == 1
            return answer.json()

    answer = asyncio.run(go())
    assert "errors" not in answer
    assert [answer["data"][f"a{n}"]["code"] for n in range(10)] == [asset.code for asset in CITY[:10]]


@pytest.mark.parametrize("fails", [False, True])
def test_answers_of_the_whole_application_bear_its_headers_once(
    owner_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, *, fails: bool
) -> None:
    """Also where a fault of the planner's leaves the answer to the executor."""

    async def fault(*_: Any) -> None:
        raise ZeroDivisionError

    if fails:
        monkeypatch.setattr(Planner, "answer", fault)

    async def go() -> httpx.Response:
        made = create_app()
        async with lines(owner_url) as made.state.pool:
            transport = httpx.ASGITransport(made)
            async with httpx.AsyncClient(transport=transport, base_url="http://twin") as client:
                body = {"query": "{ streetlights(first: 1) { nodes { kind } } }"}
                return await client.post("/graphql", json=body, headers={"x-request-id": "once"})

    answer = asyncio.run(go())
    assert answer.json() == {"data": {"streetlights": {"nodes": [{"kind": "STREETLIGHT"}]}}}
    assert ("the planner failed" in caplog.text) == fails
    names = [name.decode() for name, _ in JSON_HEADERS]
    assert sorted(answer.headers.keys()) == sorted([*names, "content-type", "content-length", "x-request-id"])
    assert all(len(answer.headers.get_list(name)) == 1 for name in answer.headers)
    assert answer.headers.get_list("x-request-id") == ["once"]


WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'twin.asset'::regclass"


async def waiting(owner: psycopg.AsyncConnection[Any], wanted: int) -> None:
    """Wait until so many statements wait for the assets."""
    async with asyncio.timeout(20):
        while True:
            found = await (await owner.execute(WAITING)).fetchone()
            if found == (wanted,):
                return
            await asyncio.sleep(0.01)


def asgi_request(document: str) -> tuple[dict[str, Any], bytes]:
    """A request as servers hand it over: its scope and its body."""
    body = json.dumps({"query": document}).encode()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "method": "POST",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ],
    }
    return scope, body


class Client:
    """A client that is there until it goes, as applications see it."""

    def __init__(self, body: bytes) -> None:
        self.gone = asyncio.Event()
        self.sent: list[Any] = []
        self._messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive(self) -> Any:
        if self._messages:
            return self._messages.pop()
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)


@pytest.mark.parametrize(
    "document", ["{ streetlights(first: 1) { nodes { code } } }", "{ registry { extent } }"]
)
def test_who_goes_away_has_the_statement_cancelled(owner_url: str, document: str) -> None:
    scope, body = asgi_request(document)

    async def go() -> None:
        client = Client(body)
        async with application(owner_url) as made, await psycopg.AsyncConnection.connect(owner_url) as owner:
            await owner.execute("LOCK TABLE twin.asset IN ACCESS EXCLUSIVE MODE")
            answering = asyncio.ensure_future(made(scope, client.receive, client.send))
            await waiting(owner, 1)
            client.gone.set()
            await asyncio.wait_for(answering, 20)
            await waiting(owner, 0)
        assert client.sent == []

    asyncio.run(go())


def test_what_goes_on_after_the_answer_is_not_stopped_by_its_end() -> None:
    """Servers say that the client has gone as soon as the answer is whole."""
    scope, body = asgi_request("{ __schema { queryType { name } } }")
    done: list[str] = []

    async def inner(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"answer"})
        await asyncio.sleep(0.05)
        done.append("the rest")

    async def go() -> None:
        client = Client(body)

        async def send(message: Any) -> None:
            await client.send(message)
            if message["type"] == "http.response.body":
                client.gone.set()

        scope["app"] = FastAPI()
        scope["app"].state.pool = None
        await PlannedRequests(inner, graphql.PATH)(scope, client.receive, send)

    asyncio.run(go())
    assert done == ["the rest"]


def test_who_stops_the_server_stops_the_request_too() -> None:
    scope, body = asgi_request("{ __schema { queryType { name } } }")

    async def inner(*_: Any) -> None:
        await asyncio.sleep(20)

    async def go() -> None:
        client = Client(body)
        scope["app"] = FastAPI()
        scope["app"].state.pool = None
        answering = asyncio.ensure_future(
            PlannedRequests(inner, graphql.PATH)(scope, client.receive, client.send)
        )
        await asyncio.sleep(0.05)
        client.gone.set()
        answering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answering

    asyncio.run(go())
