"""Clients of other schemas and documents than the trusted ones, and what is wrong with documents."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from commands import twin
from graphql import build_schema, graphql_sync
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from citygraph.clients.module import client_source
from citygraph.clients.shapes import pascal, snake
from citygraph.execution import schema
from citygraph.operations import operations
from twin.errors import TwinError

SCHEMA = build_schema('''
"""A "thing" with \\\\ in its words. 物"""
interface Thing { id: ID! when: Date }
enum Mode { name title None2 _dark in }
scalar Date
scalar Odd
type Tree implements Thing { id: ID! when: Date leaves(first: Int = 2): [[Int!]]! friend: Thing }
type Bench implements Thing { id: ID! when: Date seats: Float! material: Mode! }
type Pole implements Thing { id: ID! when: Date }
union Found = Tree | Bench
input Near { in: [Int!]! from: Near, class: Mode = in, note: String }
type Query {
  thing(id: ID!): Thing things: [Thing!]! found(near: Near): [Found!]! odd: Odd self: Int class: Mode
}
type Mutation { move(id: ID!, to: Near!): Boolean! }
''')
TREE = {"__typename": "Tree", "id": "t", "when": "2024-05-31", "leaves": [[1, 2], None]}
BENCH = {"__typename": "Bench", "id": "b", "when": None, "seats": 2, "material": "in"}
TREE["friend"] = BENCH
THINGS = {"t": TREE, "b": BENCH, "p": {"__typename": "Pole", "id": "p"}}
DATA: dict[str, Any] = {
    "thing": lambda _info, **given: THINGS.get(given["id"]),
    "things": list(THINGS.values()),
    "found": lambda info, near=None: [TREE, BENCH] if near is None or near["in"] else [],
    "odd": [{"any": 1}],
    "self": 7,
    "class": "name",
    "move": lambda _info, to, **given: given["id"] in THINGS and to["class"] == "in",
}


def answering(request: dict[str, Any]) -> dict[str, Any]:
    done = graphql_sync(
        SCHEMA, request["query"], DATA, variable_values=request["variables"],
        operation_name=request["operationName"],
    )  # fmt: skip
    return {"data": done.data, **({"errors": [e.formatted for e in done.errors]} if done.errors else {})}


async def served(request: Request) -> Response:
    return JSONResponse(answering(await request.json()))


Made = Callable[..., ModuleType]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """The client for a document, as a module."""

    def make(text: str) -> ModuleType:
        file = tmp_path / "own_client.py"
        file.write_text(client_source({"own.graphql": text}, SCHEMA), encoding="utf-8")
        specification = importlib.util.spec_from_file_location("own_client", file)
        assert specification and specification.loader
        module = importlib.util.module_from_spec(specification)
        sys.modules["own_client"] = module
        specification.loader.exec_module(module)
        return module

    return make


def asked(module: ModuleType, name: str, **given: Any) -> Any:
    """What a method gives, of a server of the schema."""

    async def go() -> Any:
        application = Starlette(routes=[Route("/graphql", served, methods=["POST"])])
        http = httpx.AsyncClient(transport=httpx.ASGITransport(application))
        async with module.AsyncClient("http://own/graphql", http) as client:
            return await getattr(client, name)(**given)

    return asyncio.run(go())


def test_objects_are_told_apart_by_their_type(made: Made) -> None:
    module = made("query all { things { id ...wood ... on Bench { seats pal: id } } }"
                  " fragment wood on Tree { leaves friend { id ... on Bench { material } } }")  # fmt: skip
    tree, bench, pole = asked(module, "all").things
    assert (type(tree).__name__, tree.leaves) == ("AllThingsTree", [[1, 2], None])
    assert tree.friend.material is module.Mode.in_
    assert (type(bench).__name__, bench.seats, bench.pal) == ("AllThingsBench", 2.0, "b")
    assert type(pole).__name__ == "AllThingsOther"
    assert not hasattr(pole, "seats")


def test_members_of_unions(made: Made) -> None:
    module = made("query all { found { ... on Thing { id when } ... on Tree { leaves(first: 1) } } }")
    tree, bench = asked(module, "all").found
    assert (tree.when, tree.leaves, bench.when) == (date(2024, 5, 31), [[1, 2], None], None)
    assert bench.id == "b"


def test_what_directives_leave_out_is_none(made: Made) -> None:
    module = made(
        'query one($a: Boolean!, $b: Boolean = false) { thing(id: "b") @include(if: $a) { id }'
        ' thing(id: "b") { when @skip(if: $a) ... @include(if: $b) { key: id } }'
        " more: things @include(if: $a) { id } more: things @include(if: $b) { when } }"
    )
    without = asked(module, "one", a=False)
    assert (without.thing.id, without.thing.key, without.more) == (None, None, None)
    some = asked(module, "one", a=True)
    assert (some.thing.id, some.thing.key, some.more[0].id, some.more[0].when) == ("b", None, "t", None)
    every = asked(module, "one", a=True, b=True)
    assert (every.thing.key, every.more[0].when) == ("b", date(2024, 5, 31))


def test_names_that_mean_something_in_python(made: Made) -> None:
    module = made(
        "query class($from: Near, $self: Boolean = true) { self @include(if: $self) class odd in: self"
        " None: self str: self found(near: $from) { __typename } sourceKey: self source_key: self }"
    )
    found = asked(module, "class_", from_={"in": [], "from": {"in": [1], "class": module.Mode.name_}})
    assert (found.self_, found.in_, found.none, found.str_, found.source_key, found.source_key_) == (7,) * 6
    assert (found.class_, found.odd, found.found) == (module.Mode.name_, [{"any": 1}], [])
    assert [one.value for one in module.Mode] == ["name", "title", "None2", "_dark", "in"]


def test_mutations_and_errors(made: Made) -> None:
    module = made("mutation move($id: ID!) { move(id: $id, to: { in: 1 }) } query gone { thing { id } }"
                  .replace("thing {", 'thing(id: "b") {'))  # fmt: skip
    assert asked(module, "move", id="t").move is True
    assert asked(module, "gone").thing.id == "b"
    with pytest.raises(module.ApiError) as caught:
        asked(module, "move", id={"no": "id"})
    assert (caught.value.code, caught.value.member) == ("graphql", None)
    assert caught.value.zh == caught.value.en


def test_documents_begin_with_what_they_are_about(made: Made) -> None:
    module = made('# All \\d "things".\n# 全部\nquery all { things { id } }\n')
    assert module.Client.all.__doc__.split("\n")[0] == 'All \\d "things".'
    assert '"thing" with \\' in module.AllThings.__doc__


WRONG = [
    ("{ things { id } }", "client.unnamed"),
    ("query a { things { id } } query a { self }", "client.document"),
    ("query a { nothing }", "client.document"),
    ("query a {", "client.document"),
    ("query a { things { ...b } }", "client.document"),
    ("fragment a on Thing { id }", "client.document"),
    ("", "client.document"),
]


@pytest.mark.parametrize(("text", "code"), WRONG)
def test_what_is_wrong_with_documents(text: str, code: str) -> None:
    with pytest.raises(TwinError) as caught:
        client_source({"own.graphql": text}, SCHEMA)
    assert caught.value.code == code
    assert "own.graphql" in caught.value.text("en")
    assert "own.graphql" in caught.value.text("zh")


def test_two_documents_with_one_name() -> None:
    with pytest.raises(TwinError) as caught:
        client_source({"a.graphql": "query a { self }", "b.graphql": "query a { self }"}, SCHEMA)
    assert (caught.value.code, caught.value.details["file"]) == ("client.twice", "b.graphql")


def test_subscriptions_are_refused() -> None:
    listening = build_schema("type Query { a: Int } type Subscription { b: Int }")
    with pytest.raises(TwinError) as caught:
        client_source({"a.graphql": "subscription s { b }"}, listening)
    assert caught.value.code == "client.subscription"


def test_the_same_documents_make_the_same_client() -> None:
    made = schema()._schema
    documents = {f"{name}.graphql": text for name, text in operations().items()}
    assert client_source(documents, made) == client_source(documents, made)


def test_names() -> None:
    assert [snake(name) for name in ("sourceKey", "HTTPStatus", "__typename", "a1B", "_", "x")] == [
        "source_key", "http_status", "typename", "a1_b", "field", "x",
    ]  # fmt: skip
    assert pascal("identity_file") == "IdentityFile"
    assert pascal("pageInfo") == "PageInfo"


def test_the_command(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    missing = twin("", "client", str(tmp_path / "city.py"), "--operations", str(own))
    assert (missing.returncode, "[client.nothing]" in missing.stderr) == (1, True)
    (own / "lamps.graphql").write_text("query lamps { streetlights { nodes { power } } }", encoding="utf-8")
    for arguments, code in (([], 0), ([], 1), (["--force"], 0)):
        done = twin("", "client", str(tmp_path / "city.py"), "--operations", str(own), *arguments)
        assert done.returncode == code, done.stderr
    (own / "more.graphql").write_text("query more { streetlights { nodes { powre } } }", encoding="utf-8")
    done = twin("", "client", str(tmp_path / "city.py"), "--operations", str(own), "--force", lang="zh")
    assert (done.returncode, "more.graphql 第 1 行" in done.stderr) == (1, True)
    assert "def lamps(" in (tmp_path / "city.py").read_text(encoding="utf-8")
