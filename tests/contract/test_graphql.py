"""The API as its users meet it: the schema, the trusted operations, the answers over HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import shapely
from fastapi import FastAPI
from graphql import parse, print_schema, validate
from psycopg_pool import AsyncConnectionPool

from citygraph import app, execution
from citygraph.context import Context
from citygraph.execution import execute
from citygraph.export import schema_text
from citygraph.operations import FOLDER, operation, operations
from tests.registry_rows import insert_city, small_city
from twin.errors import TwinError
from twin.folders import NAMED
from twin.registry.lines import Lines
from twin.registry.query.sql import Single

HERE = Path(__file__).parent
CITY = small_city()
LAMP = next(a for a in CITY if a.kind == "streetlight" and a.geometry is not None and a.point[0] < 122)  # type: ignore[index]
BUILDING = next(a for a in CITY if a.kind == "building" and any(b.parent == a.code for b in CITY))
Connection = psycopg.AsyncConnection[Any]


@pytest.fixture(scope="module")
def address(new_database: Callable[[], str]) -> str:
    url = new_database()
    with psycopg.connect(url, autocommit=True) as owner:
        insert_city(owner, CITY)
    return url.replace("twin_owner@", "twin_api@")


class Counting(psycopg.AsyncCursor[Any]):
    """A cursor that counts what it executes."""

    count = 0

    async def execute(self, *arguments: Any, **options: Any) -> Any:
        Counting.count += 1
        return await super().execute(*arguments, **options)


@asynccontextmanager
async def connected(address: str, scope: str = "*") -> AsyncIterator[Connection]:
    connection = await psycopg.AsyncConnection.connect(
        address, autocommit=True, options=f"-c twin.scope={scope}", cursor_factory=Counting
    )
    async with connection:
        yield connection


@pytest.fixture
def run(address: str) -> Callable[..., dict[str, Any]]:
    """Runs a document: ``run(document, name=value)``."""

    def run_(document: str, scope: str = "*", **variables: Any) -> dict[str, Any]:
        async def go() -> dict[str, Any]:
            async with connected(address, scope) as connection:
                Counting.count = 0
                return await execute(Context(Single(connection)), document, variables)

        return asyncio.run(go())

    return run_


Run = Callable[..., dict[str, Any]]


def codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer.get("errors", [])]


# The contract


def test_the_schema_is_the_exported_one() -> None:
    """``python -m citygraph.export > graphql/schema.graphql`` after a change that is meant."""
    assert (FOLDER.parent / "schema.graphql").read_text(encoding="utf-8") == schema_text()


def test_everything_is_described_in_both_languages() -> None:
    schema = execution.schema()._schema
    for type_ in schema.type_map.values():
        if type_.name.startswith("__") or type_.name in {"Int", "Float", "String", "Boolean", "ID"}:
            continue
        fields = getattr(type_, "fields", {}).values()
        arguments = [argument for field in fields for argument in getattr(field, "args", {}).values()]
        for thing in [type_, *fields, *arguments]:
            assert re.search(r"[A-Za-z]", thing.description or ""), (type_.name, thing.description)
            assert re.search(r"[\u4e00-\u9fff]", thing.description or ""), (type_.name, thing.description)
        for value in getattr(type_, "values", {}).values():
            assert value.description, (type_.name, value)


@pytest.mark.parametrize("name", operations())
def test_operations_are_valid_and_named_like_their_files(name: str) -> None:
    document = parse(operation(name))
    assert validate(execution.schema()._schema, document) == []
    assert [d.name.value for d in document.definitions if d.kind == "operation_definition"] == [name]  # type: ignore[attr-defined]


def test_an_unknown_operation_is_told_the_nearest() -> None:
    with pytest.raises(TwinError, match="identity_file") as caught:
        operation("identityfile")
    assert caught.value.code == "operation.unknown"


def variables_of(name: str) -> dict[str, Any]:
    lon, lat = LAMP.point or (0, 0)
    variables: dict[str, dict[str, Any]] = {
        "identity_file": {"code": BUILDING.code},
        "find": {"where": {"text": "灯杆", "division": "310115"}, "orderBy": "NAME"},
        "nearest": {"position": {"lon": lon, "lat": lat}, "first": 5},
        "assets_by_codes": {"codes": [LAMP.code, BUILDING.code]},
        "changed_assets": {"first": 50},
        "cells_in_view": {"bbox": [121, 31, 122, 32], "resolution": 9},
        "assets_in_view": {"bbox": [121, 31, 122, 32], "first": 50},
        "groups": {"by": "STATUS", "where": {"division": "310115"}},
        "building_elevators": {"code": BUILDING.code},
        "load": {"id": 1},
        "loads": {"kind": "STREETLIGHT", "dataset": "survey"},
        "dataset_rows": {"dataset": "survey"},
        "division_tree": {"parent": "310115"},
        "report": {"name": "inspections", "level": "street"},
    }
    return variables.get(name, {})


def test_the_extent_is_the_box_around_every_geometry(run: Run) -> None:
    query = "{ registry { extent } }"
    placed = [asset for asset in CITY if asset.geometry is not None]
    for kinds in ({asset.kind for asset in placed}, {"streetlight"}, {"glass_panel"}):
        scope = json.dumps({"kinds": sorted(kinds)})
        inside = [asset.geometry for asset in placed if asset.kind in kinds]
        wanted = pytest.approx(list(shapely.total_bounds(inside))) if inside else None
        assert run(query, scope=scope.replace(" ", ""))["data"]["registry"]["extent"] == wanted
    assert run(query, scope='{"kinds":[]}')["data"]["registry"]["extent"] is None


def test_statements_of_each_operation_are_pinned(run: Run) -> None:
    """How many statements each operation runs on the server."""
    counted = {}
    for name in operations():
        answer = run(operation(name), **variables_of(name))
        assert "errors" not in answer, (name, answer)
        counted[name] = Counting.count
    assert counted == json.loads((HERE / "query_counts.json").read_text(encoding="utf-8"))


def test_a_new_kind_is_a_file(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hydrant.py").write_text(HYDRANT, encoding="utf-8")
    monkeypatch.setitem(NAMED, "TWIN_KINDS_PATH", str(tmp_path))
    printed = print_schema(execution.schema()._schema)
    assert "type Hydrant implements Asset {" in printed
    assert "hydrants(" in printed and "HYDRANT" in printed
    answer = run(
        "{ hydrants(where: {flow: {gte: 5}, outlet: {in: [DOUBLE]}}, orderBy: FLOW_DESC)"
        " { nodes { flow outlet } } }"
    )
    assert answer == {"data": {"hydrants": {"nodes": []}}}
    assert run(
        "{ groups(by: FLOW) { key } cells(resolution: 5, where: {hydrant: {flow: {lt: 1}}}) { cell } }"
    ) == {
        "data": {"groups": [], "cells": []},
        "extensions": {"countedBy": {"cells": "assets", "groups": "assets"}},
    }


HYDRANT = """
from twin.kinds.model import Attribute, Choice, ClassCode, Kind

KIND = Kind(
    name="hydrant", plural="hydrants", en="Hydrant", zh="消火栓", geometry=("Point",),
    classes=(ClassCode("0199", "Hydrant", "消火栓", "a test"),),
    attributes=(
        Attribute("flow", "number", "Flow", "流量", "a test", unit="L/s", indexed=True),
        Attribute("outlet", "choice", "Outlet", "出口", "a test",
                  choices=(Choice("single", "Single", "单口"), Choice("double", "Double", "双口"))),
    ),
)
"""


def test_an_attribute_may_not_take_a_filters_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hydrant.py").write_text(HYDRANT.replace('"flow"', '"bbox"'), encoding="utf-8")
    monkeypatch.setitem(NAMED, "TWIN_KINDS_PATH", str(tmp_path))
    with pytest.raises(TwinError) as caught:
        execution.schema()
    assert caught.value.code == "kind.name_taken"


# Answers


def test_the_identity_file(run: Run) -> None:
    answer = run(operation("identity_file"), code=BUILDING.code.replace("-", ""))
    file = answer["data"]["asset"]
    elevators = sorted(a.code for a in CITY if a.parent == BUILDING.code)
    assert file["code"] == BUILDING.code
    assert file["kind"] == "BUILDING"
    assert file["attributes"] == BUILDING.attributes
    assert file["geometry"]["type"] == "Polygon"
    assert [one["code"] for one in file["children"]["nodes"]] == elevators
    assert file["children"]["totalCount"] == len(elevators)


def test_codes_answer_in_the_order_asked(run: Run) -> None:
    asked = [CITY[5].code, CITY[200].code, CITY[3].code.replace("-", ""), "310115-0118-999999", CITY[5].code]
    answer = run("query($c: [String!]) { assets(codes: $c) { nodes { code } totalCount } }", c=asked)
    expected = [CITY[5].code, CITY[200].code, CITY[3].code, CITY[5].code]
    assert [one["code"] for one in answer["data"]["assets"]["nodes"]] == expected
    assert answer["data"]["assets"]["totalCount"] == 4
    assert Counting.count == 2, "one statement, and one for the code that nobody bears"
    narrowed = run(
        "query($c: [String!]) { assets(codes: $c, where: {kinds: [ELEVATOR]}) { nodes { code } } }", c=asked
    )
    assert narrowed["data"]["assets"]["nodes"] == [
        {"code": c} for c in expected if c == CITY[200].code and CITY[200].kind == "elevator"
    ]


def test_types_of_a_mixed_list(run: Run) -> None:
    answer = run(
        "{ assets(first: 1000) { nodes { __typename code ... on Building { height levels }"
        " ... on Streetlight { power lamp } ... on Pipeline { tall: height } ...lift } } }"
        " fragment lift on Elevator { ratedLoad lastInspection again: code }"
    )
    rows = {row["code"]: row for row in answer["data"]["assets"]["nodes"]}
    for asset in CITY:
        row = rows[asset.code]
        assert row["__typename"] == {"streetlight": "Streetlight", "pipeline": "Pipeline"}.get(
            asset.kind, asset.kind.capitalize()
        )
        for field, name in EXPECTED_FIELDS[asset.kind].items():
            value = asset.attributes.get(name)
            assert row[field] == (value.upper() if name == "lamp" and value else value)


EXPECTED_FIELDS: dict[str, dict[str, str]] = {
    "building": {"height": "height", "levels": "levels"},
    "streetlight": {"power": "power", "lamp": "lamp"},
    "pipeline": {"tall": "height"},
    "elevator": {"ratedLoad": "rated_load", "lastInspection": "last_inspection"},
}


def test_aliases_directives_and_variables(run: Run) -> None:
    document = """
    query($code: String!, $two: Int = 2, $no: Boolean!, $where: AssetWhere, $area: GeoJSON) {
      asset(code: $code) {
        first: children(first: 1) { nodes { code } pageInfo { hasNextPage endCursor } }
        second: children(first: $two, where: $where) { edges { cursor node { code parent { code } } } }
        third: children(where: {within: $area}) { totalCount }
        fourth: children(where: {or: [{within: $area}, {kinds: [ELEVATOR]}]}) { totalCount }
        name @skip(if: $no)
        ... @include(if: $no) { address }
        status @include(if: false)
      }
    }"""
    square = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
    answer = run(document, code=BUILDING.code, no=True, where={"kinds": ["ELEVATOR"]}, area=square)
    asset = answer["data"]["asset"]
    elevators = sorted(a.code for a in CITY if a.parent == BUILDING.code)
    assert set(asset) == {"first", "second", "third", "fourth", "address"}
    assert [one["code"] for one in asset["first"]["nodes"]] == elevators[:1]
    assert [one["node"]["code"] for one in asset["second"]["edges"]] == elevators[:2]
    assert asset["second"]["edges"][0]["node"]["parent"]["code"] == BUILDING.code
    assert (asset["third"]["totalCount"], asset["fourth"]["totalCount"]) == (0, len(elevators))
    assert Counting.count == 1


@pytest.mark.parametrize(
    "where",
    [
        "{kinds: [ELEVATOR]}",
        "{kinds: ELEVATOR}",
        "{kinds: [ELEVATOR, ELEVATOR]}",
        "{kinds: [ELEVATOR, GLASS_PANEL]}",
        "{kinds: null, or: [{kinds: [ELEVATOR]}]}",
        "{kinds: [ELEVATOR], not: {kinds: [BUILDING]}}",
    ],
)
def test_children_of_kinds_have_their_kinds_fields(run: Run, where: str) -> None:
    document = f"""
    query($code: String!) {{ asset(code: $code) {{ children(where: {where}) {{ nodes {{
      kind
      ... on Elevator {{ category floors }}
      ... on GlassPanel {{ panelArea }}
      ... on Building {{ height }}
    }} }} }} }}"""
    found = run(document, code=BUILDING.code)["data"]["asset"]["children"]["nodes"]
    assert found
    assert {(one["kind"], *one) for one in found} == {("ELEVATOR", "kind", "category", "floors")}


def test_children_page_by_page(run: Run) -> None:
    elevators = sorted(a.code for a in CITY if a.parent == BUILDING.code)
    document = "query($c: String!, $a: String) { asset(code: $c) { children(first: 1, after: $a) {"
    document += " nodes { code } pageInfo { hasNextPage hasPreviousPage endCursor } } } }"
    found, after = [], None
    while True:
        page = run(document, c=BUILDING.code, a=after)["data"]["asset"]["children"]
        found += [one["code"] for one in page["nodes"]]
        assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == elevators
    other = run(
        "query($c: String!, $a: String) {"
        ' asset(code: $c) { children(after: $a, where: {text: "xx"}) { totalCount } } }',
        c=BUILDING.code,
        a=after,
    )
    assert codes(other) == ["cursor.mismatch"]


def test_one_statement_a_field_of_query(run: Run) -> None:
    answer = run(
        "{ a: assets { totalCount nodes { code children { totalCount } } } b: streetlights { totalCount }"
        " cells(resolution: 5) { count } groups(by: KIND) { key } kinds { kind } }"
    )
    assert "errors" not in answer
    assert Counting.count == 4, "kinds are known without the database"


def test_scope_holds_through_every_field(run: Run) -> None:
    scope = '{"kinds":["elevator"]}'
    elevator = next(a for a in CITY if a.kind == "elevator")
    answer = run(
        """query($e: String!, $b: String!) {
          assets(first: 1000) { totalCount nodes { kind parent { code } } }
          groups(by: KIND) { key }
          e: asset(code: $e) { code parent { code } identifiers { value } load { id } }
          b: asset(code: $b) { code }
          c: assets(codes: [$b]) { totalCount }
          buildings { totalCount nodes { code } }
          nearest(position: {lon: 121.47, lat: 31.23}, first: 100) { asset { kind } }
          cells(resolution: 3) { count }
          p: asset(identifier: {value: "P3"}) { code }
        }""",
        scope,
        e=elevator.code,
        b=BUILDING.code,
    )
    data = answer["data"]
    visible = [a for a in CITY if a.kind == "elevator"]
    assert {node["kind"] for node in data["assets"]["nodes"]} == {"ELEVATOR"}
    assert all(node["parent"] is None for node in data["assets"]["nodes"])
    assert data["assets"]["totalCount"] == len(visible)
    assert data["groups"] == [{"key": "ELEVATOR"}]
    assert data["e"] == {"code": elevator.code, "parent": None, "identifiers": [], "load": None}
    assert (data["b"], data["c"]["totalCount"], data["p"]) == (None, 0, None)
    assert data["buildings"] == {"totalCount": 0, "nodes": []}
    assert {near["asset"]["kind"] for near in data["nearest"]} == {"ELEVATOR"}
    assert sum(cell["count"] for cell in data["cells"]) == sum(a.cell is not None for a in visible)


# Errors


def deep(levels: int) -> str:
    return "{ assets { nodes " + "{ parent " * levels + "{ code }" + " }" * levels + " } }"


ERRORS: list[tuple[str, dict[str, Any], str]] = [
    ("{ assets {", {}, "graphql.syntax"),
    ("{ assets { nodes { cod } } }", {}, "graphql.validation"),
    (
        "query($w: AssetWhere) { assets(where: $w) { totalCount } }",
        {"w": {"kinds": ["LAMP"]}},
        "graphql.validation",
    ),
    ("query($w: AssetWhere) { assets(where: $w) { totalCount } }", {"w": 5}, "graphql.validation"),
    ("{ assets(first: 1001) { nodes { code } } }", {}, "page.size"),
    ('{ assets(after: "x") { nodes { code } } }', {}, "cursor.invalid"),
    ('{ assets(codes: ["310115-0118-000001"], first: 3) { totalCount } }', {}, "page.codes"),
    ("{ asset { code } }", {}, "asset.which"),
    ('{ asset(code: "12") { code } }', {}, "code.malformed"),
    ('{ asset(code: "310115-0118-000042-0") { code } }', {}, "code.checkdigit"),
    ("{ cells(resolution: 16) { cell } }", {}, "cell.resolution"),
    ("{ nearest(position: {lon: 999, lat: 0}) { distance } }", {}, "input.range"),
    ("{ nearest(position: {lon: 1, lat: 0}, first: 1001) { distance } }", {}, "page.nearest"),
    ('{ asset(code: "FI0919999000000001") { code } }', {}, "code.unhyphenated"),
    ('{ assets(where: {text: "ab\\u0000"}) { totalCount } }', {}, "input.nul"),
    (deep(5), {}, "page.depth"),
    (deep(30), {}, "graphql.too_large"),
    ("{ " + " ".join(f"a{n}: kinds {{ en }}" for n in range(101)) + " }", {}, "graphql.too_large"),
    ("{ " + "kinds { en } " * 2_000 + "}", {}, "graphql.syntax"),
    ("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }", {}, "graphql.validation"),
]


@pytest.mark.parametrize(("document", "variables", "code"), ERRORS)
def test_errors_have_a_code_and_both_languages(
    run: Run, document: str, variables: dict[str, Any], code: str
) -> None:
    answer = run(document, **variables)
    assert code in codes(answer), answer
    for error in answer["errors"]:
        assert error["message"]
        assert re.search(r"[\u4e00-\u9fff]", error["extensions"]["zh"])
        assert "Traceback" not in json.dumps(answer)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("12", "code.malformed"),
        ("310115-0118-000042-0", "code.checkdigit"),
        ("FI0919999000000001", "code.unhyphenated"),
        ("\0", "input.nul"),
    ],
)
def test_the_code_at_fault_is_named(run: Run, wrong: str, code: str) -> None:
    listed = "query($c: [String!]) { assets(codes: $c) { nodes { code } } }"
    one = "query($c: String) { asset(code: $c) { code } }"
    for answer, member in ((run(listed, c=[LAMP.code, wrong]), "codes[1]"), (run(one, c=wrong), "code")):
        extensions = answer["errors"][0]["extensions"]
        assert (extensions["code"], extensions["member"]) == (code, member)


def test_fragments_that_double_are_refused_at_once(run: Run) -> None:
    """Sixty fragments, each spreading the next twice: written out, more fields than there are atoms."""
    fragments = " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(60))
    answer = run(f"{{ ...f0 }} {fragments} fragment f60 on Query {{ kinds {{ en }} }}")
    assert "graphql.too_large" in codes(answer)


def test_what_nobody_foresaw_is_an_id_in_the_log(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("citygraph.resolvers.counts.cells", broken)
    with caplog.at_level(logging.ERROR):
        answer = run("{ cells(resolution: 3) { cell } }")
    number = re.search(r"[0-9a-f]{8}", answer["errors"][0]["message"])
    assert codes(answer) == ["internal"]
    assert "secret" not in json.dumps(answer)
    assert number and number[0] in caplog.text and "ZeroDivisionError" in caplog.text


def test_counts_say_what_they_were_taken_from_and_what_kinds_add_up(run: Run) -> None:
    answer = run(
        "{ a: groups(by: KIND, where: { kinds: [STREETLIGHT] }) { key count sums { kind name unit value } }"
        ' b: cells(resolution: 7, where: { text: "nothing" }) { cell } }'
    )
    lamps = [asset for asset in CITY if asset.kind == "streetlight"]
    (group,) = answer["data"]["a"]
    assert (group["key"], group["count"]) == ("STREETLIGHT", len(lamps))
    assert group["sums"][0] == {
        "kind": "STREETLIGHT",
        "name": "power",
        "unit": "W",
        "value": sum(asset.attributes.get("power", 0) for asset in lamps),
    }
    assert answer["extensions"] == {"countedBy": {"a": "rollup", "b": "assets"}}


def test_a_database_that_went_away_is_said_so(address: str) -> None:
    async def go() -> dict[str, Any]:
        async with connected(address) as connection:
            await connection.close()
            return await execute(Context(Single(connection)), "{ groups(by: KIND) { key } }")

    assert codes(asyncio.run(go())) == ["database.down"]


def test_operations_raise_what_went_wrong(address: str) -> None:
    async def go() -> dict[str, Any]:
        async with connected(address) as connection:
            return await execution.ask(Context(Single(connection)), "identity_file", code="12")

    with pytest.raises(TwinError) as caught:
        asyncio.run(go())
    assert caught.value.code == "code.malformed"


# HTTP


@pytest.fixture
def http(address: str) -> Iterator[Callable[[Callable[[httpx.AsyncClient], Coroutine[Any, Any, Any]]], Any]]:
    """Runs something with a client of an application that has the router."""

    def with_client(work: Callable[[httpx.AsyncClient], Coroutine[Any, Any, Any]]) -> Any:
        async def go() -> Any:
            application = FastAPI()
            application.include_router(app.router())
            options = {"autocommit": True, "options": "-c twin.scope=*"}
            pool = AsyncConnectionPool(address, kwargs=options, min_size=1, max_size=2, open=False)
            async with Lines(pool) as application.state.pool:
                transport = httpx.ASGITransport(application)
                async with httpx.AsyncClient(transport=transport, base_url="http://twin") as client:
                    return await work(client)

        return asyncio.run(go())

    yield with_client


def test_over_http(http: Any, run: Run) -> None:
    document = (
        "query($c: String!) { asset(code: $c) { code geometry position { lon lat } attributes validFrom } }"
    )

    async def work(client: httpx.AsyncClient) -> tuple[httpx.Response, httpx.Response]:
        body = {"query": document, "variables": {"c": LAMP.code}}
        posted = await client.post("/graphql", json=body)
        variables = json.dumps(body["variables"])
        return posted, await client.get("/graphql", params={"query": document, "variables": variables})

    posted, got = http(work)
    assert posted.status_code == got.status_code == 200
    assert posted.json() == got.json() == run(document, c=LAMP.code)
    lon, lat = LAMP.point or (0, 0)
    assert f'"geometry":{{"type":"Point","coordinates":[{lon},{lat}]}}' in posted.text


def test_requests_without_a_document(http: Any) -> None:
    async def work(client: httpx.AsyncClient) -> list[httpx.Response]:
        return [
            await client.post("/graphql", content=b"{", headers={"content-type": "application/json"}),
            await client.post("/graphql", json={}),
            await client.post("/graphql", json=[1]),
            await client.post("/graphql", content=b"x", headers={"content-type": "text/plain"}),
        ]

    for response in http(work):
        assert 400 <= response.status_code < 500
        assert codes(response.json()) == ["graphql.request"]


def test_graphiql_and_the_console_without_the_internet(http: Any) -> None:
    async def work(client: httpx.AsyncClient) -> httpx.Response:
        return await client.get("/graphql", headers={"accept": "text/html"})

    page = http(work)
    assert page.headers["content-type"].startswith("text/html")
    assert "graphiql.min.js" in page.text
    assert "if (!window.GraphiQL)" in page.text
