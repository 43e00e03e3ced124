"""The clients that people have: gql, graphql-request, and the one that ``twin client`` writes."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import psycopg
import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport, HTTPXTransport
from graphql import GraphQLError, build_schema

from citygraph.clients.module import client_source
from citygraph.clients.shapes import snake
from citygraph.context import Context
from citygraph.execution import execute
from citygraph.operations import FOLDER, operation, operations
from tests.contract.test_graphql import BUILDING, CITY, LAMP, variables_of
from tests.registry_rows import insert_city
from tests.serving import serving
from twin.registry.query.sql import Single

ROOT = Path(__file__).parents[2]
SCHEMA = (FOLDER.parent / "schema.graphql").read_text(encoding="utf-8")
Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def registry(new_database: Callable[[], str]) -> str:
    """A registry's database."""
    url = new_database()
    with psycopg.connect(url, autocommit=True) as owner:
        insert_city(owner, CITY)
    return url


@pytest.fixture(scope="module")
def address(registry: str) -> Iterator[str]:
    """A server's address."""
    with serving(registry) as (served, _):
        yield served


@pytest.fixture(scope="module")
def within(registry: str) -> Ask:
    """The data of the same registry, asked within this process, and errors if there are any."""

    async def ask(document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        url = registry.replace("twin_owner@", "twin_api@")
        scope = "-c twin.scope=*"
        async with await psycopg.AsyncConnection.connect(url, autocommit=True, options=scope) as connection:
            answer = await execute(Context(Single(connection)), document, variables)
            return {name: answer[name] for name in ("data", "errors") if name in answer}

    return lambda document, variables: asyncio.run(ask(document, variables))


# gql


@pytest.mark.parametrize("name", operations())
def test_gql_asks_what_the_committed_schema_has(address: str, within: Ask, name: str) -> None:
    client = Client(schema=SCHEMA, transport=HTTPXTransport(url=f"{address}/graphql"))
    request = gql(operation(name))
    request.variable_values = variables_of(name)
    assert {"data": client.execute(request)} == within(operation(name), variables_of(name))


def test_gql_asks_several_at_the_same_time(address: str, within: Ask) -> None:
    async def ask() -> list[dict[str, Any]]:
        transport = HTTPXAsyncTransport(url=f"{address}/graphql")
        async with Client(transport=transport, fetch_schema_from_transport=True) as session:
            requests = [gql(operation(name)) for name in operations()]
            for name, request in zip(operations(), requests, strict=True):
                request.variable_values = variables_of(name)
            return await asyncio.gather(*map(session.execute, requests))

    found = asyncio.run(ask())
    assert [{"data": data} for data in found] == [
        within(operation(name), variables_of(name)) for name in operations()
    ]


def test_gql_tells_errors_by_their_codes(address: str) -> None:
    client = Client(schema=SCHEMA, transport=HTTPXTransport(url=f"{address}/graphql"))
    request = gql(operation("identity_file"))
    request.variable_values = {"code": "12"}
    with pytest.raises(TransportQueryError) as caught:
        client.execute(request)
    assert caught.value.errors
    assert caught.value.errors[0]["extensions"]["code"] == "code.malformed"
    with pytest.raises(GraphQLError, match="heigth"):
        client.execute(gql("{ buildings { nodes { heigth } } }"))


# graphql-request


def test_graphql_request_gets_the_same_answers(address: str, within: Ask) -> None:
    asked = [{"document": operation(name), "variables": variables_of(name)} for name in operations()]
    asked.append({"document": operation("identity_file"), "variables": {"code": "12"}})
    done = subprocess.run(
        [str(ROOT / "scripts" / "npm.sh"), "run", "--silent", "node", "--", "test/operations.mjs"],
        input=json.dumps({"address": address, "asked": asked}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert answers == [within(one["document"], one["variables"]) for one in asked]
    assert [error["extensions"]["code"] for error in answers[-1]["errors"]] == ["code.malformed"]


# The client that twin client writes


def loaded(path: Path) -> ModuleType:
    """A module, from its file."""
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    sys.modules[path.stem] = module
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The client for the trusted operations."""
    file = tmp_path_factory.mktemp("client") / "city.py"
    command = [sys.executable, "-m", "twin.cli", "client", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return loaded(file)


def same(value: Any, raw: Any) -> bool:
    """Whether a typed value says all that JSON says, and no more."""
    if dataclasses.is_dataclass(value):
        names = {snake(key): key for key in raw}
        return names.keys() == {one.name for one in dataclasses.fields(value)} and all(
            same(getattr(value, name), raw[key]) for name, key in names.items()
        )
    if isinstance(value, list):
        return len(value) == len(raw) and all(map(same, value, raw))
    if isinstance(value, datetime):
        return value == datetime.fromisoformat(raw)
    if isinstance(value, date):
        return value == date.fromisoformat(raw)
    return bool(value == raw)


@pytest.mark.parametrize("name", operations())
def test_the_client_gives_what_the_operation_does(
    address: str, within: Ask, city: ModuleType, name: str
) -> None:
    given = {snake(key): value for key, value in variables_of(name).items()}
    with city.Client(f"{address}/graphql") as client:
        found = getattr(client, name)(**given)
    document = getattr(city, f"_{name.upper()}")
    assert same(found, within(document, variables_of(name))["data"])


def test_the_client_knows_types(address: str, city: ModuleType) -> None:
    with city.Client(f"{address}/graphql") as client:
        asset = client.identity_file(code=BUILDING.code).asset
        view = client.assets_in_view(bbox=(121, 31, 122, 32), kinds=[city.Kind.PIPELINE, city.Kind.BUILDING])
        found = client.find(where={"kinds": [city.Kind.STREETLIGHT], "near": {
            "position": {"lon": LAMP.point[0], "lat": LAMP.point[1]}, "metres": 1}})  # type: ignore[index]  # fmt: skip
        assert client.identity_file(code="310115-0118-999999").asset is None
        report = client.report(name="inspections", on=date(2024, 5, 31)).report
    assert asset.kind is city.Kind.BUILDING
    assert (type(asset.valid_from), asset.valid_from.utcoffset().total_seconds()) == (datetime, 0)
    assert type(asset.children.nodes[0]) is city.IdentityFileLine
    media = {type(node).__name__: getattr(node, "medium", None) for node in view.assets.nodes}
    assert media == {
        "AssetsInViewAssetsNodesPipeline": city.PipelineMedium.GAS,
        "AssetsInViewAssetsNodesOther": None,
    }
    assert LAMP.code in {node.code for node in found.assets.nodes}
    assert report.on == date(2024, 5, 31)


def test_the_client_asks_several_at_the_same_time(address: str, city: ModuleType) -> None:
    async def ask() -> list[Any]:
        async with city.AsyncClient(f"{address}/graphql", httpx.AsyncClient(timeout=20)) as client:
            return await asyncio.gather(
                client.groups(by=city.GroupBy.KIND), client.nearest(position={"lon": 121.47, "lat": 31.23})
            )

    groups, nearest = asyncio.run(ask())
    assert {one.key for one in groups.groups} == {asset.kind.upper() for asset in CITY}
    assert len(nearest.nearest) == 20


def test_the_client_tells_what_went_wrong(address: str, city: ModuleType) -> None:
    with city.Client(f"{address}/graphql") as client, pytest.raises(city.ApiError) as caught:
        client.assets_by_codes(codes=[LAMP.code, "12"])
    error = caught.value
    assert (error.code, error.member) == ("code.malformed", "codes[1]")
    assert re.search(r"[\u4e00-\u9fff]", error.zh)
    assert error.en in str(error)
    assert error.problems[0].path == ("assets",)
    with city.Client(f"{address}/graphql") as client, pytest.raises(city.ApiError) as caught:
        client.groups(by="NOTHING")
    assert caught.value.code == "graphql.validation"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("{}/healthz", "client.answer"),
        ("{}/nothing", "client.answer"),
        ("http://127.0.0.1:1/graphql", "client.unreachable"),
        ("http://[/graphql", "client.unreachable"),
    ],
)
def test_the_client_tells_that_there_is_no_api(address: str, city: ModuleType, url: str, code: str) -> None:
    async def ask() -> None:
        async with city.AsyncClient(url.format(address)) as client:
            await client.start()

    with city.Client(url.format(address)) as client, pytest.raises(city.ApiError) as caught:
        client.start()
    assert caught.value.code == code
    assert re.search(r"[\u4e00-\u9fff]", caught.value.zh)
    with pytest.raises(city.ApiError) as caught:
        asyncio.run(ask())
    assert caught.value.code == code


def test_the_client_tells_that_it_is_of_another_schema(address: str, tmp_path: Path) -> None:
    other = build_schema(SCHEMA.replace("  code: ID!", "  code: Int!"))
    file = tmp_path / "other_city.py"
    file.write_text(client_source({"a.graphql": operation("assets_by_codes")}, other), encoding="utf-8")
    other_city = loaded(file)
    with other_city.Client(f"{address}/graphql") as client, pytest.raises(other_city.ApiError) as caught:
        client.assets_by_codes(codes=[LAMP.code])
    assert caught.value.code == "client.schema"
    assert "assets.nodes.0.code" in caught.value.en
    assert caught.value.data["assets"]["nodes"][0]["code"] == LAMP.code


PROGRAM = """
from datetime import date

from city import AsyncClient, AssetsInViewAssetsNodesPipeline, Client, Kind, PipelineMedium, Status

with Client("http://127.0.0.1:8000/graphql") as client:
    page = client.find(
        where={"kinds": [Kind.BUILDING], "and": [{"building": {"height": {"gte": 3}}}]},
        first=3,
    )
    names: list[str | None] = [node.name for node in page.assets.nodes]
    asset = client.identity_file(code="310115-0118-000001").asset
    if asset is not None:
        day: date | None = asset.installed
        status: Status = asset.status
    for node in client.assets_in_view(bbox=(1, 2, 3, 4)).assets.nodes:
        if isinstance(node, AssetsInViewAssetsNodesPipeline):
            medium: PipelineMedium | None = node.medium
        else:
            place = node.position


async def main() -> int:
    async with AsyncClient("http://127.0.0.1:8000/graphql") as client:
        return sum(one.count for one in (await client.assets_by_kind()).groups)
"""
WRONG = """
from city import Client, Kind

client = Client("http://127.0.0.1:8000/graphql")
client.find(where={"kind": [Kind.BUILDING]})
client.find(where={"kinds": ["LAMP"]})
client.find(where={"near": {"metres": 3}})
client.identity_file(code="x").asset.code
client.start().registry.extend
client.groups()
client.assets_in_view(bbox=[1, 2, 3, 4]).assets.nodes[0].medium
"""


def test_programs_are_checked_against_the_client(city: ModuleType, tmp_path: Path) -> None:
    """By mypy: what is right passes, and each wrong line is told."""
    (tmp_path / "city.py").write_text(Path(str(city.__file__)).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "right.py").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "wrong.py").write_text(WRONG, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "right.py", "wrong.py", "city.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    told = re.findall(r"^(\w+\.py):(\d+): error: .*\[([a-z-]+)\]$", done.stdout, re.MULTILINE)
    assert told == [
        ("wrong.py", "5", "arg-type"),
        ("wrong.py", "6", "arg-type"),
        ("wrong.py", "7", "arg-type"),
        ("wrong.py", "8", "union-attr"),
        ("wrong.py", "9", "attr-defined"),
        ("wrong.py", "10", "call-arg"),
        ("wrong.py", "11", "union-attr"),
    ], done.stdout
