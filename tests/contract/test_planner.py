"""The planner answers as the executor does: the same bytes, whatever is asked and whatever goes wrong."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import date, timedelta
from typing import Any, TypeVar

import orjson
import psycopg
import pytest
from graphql import get_variable_values
from graphql.execution.collect_fields import collect_fields
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import (
    DrawFn,
    booleans,
    composite,
    dates,
    floats,
    integers,
    just,
    lists,
    one_of,
    sampled_from,
)
from psycopg_pool import AsyncConnectionPool
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from citygraph import execution
from citygraph.context import Context
from citygraph.operations import operation, operations
from citygraph.planner.documents import CHARACTERS, LONGEST, Documents
from citygraph.planner.shapes import Shaper
from citygraph.schema import Schema, build_schema
from tests.contract.documents import Made, Maker, Values, every_field
from tests.contract.test_graphql import BUILDING, CITY, variables_of
from tests.registry_rows import insert_city
from twin.kinds import all_kinds
from twin.registry.lines import Lines
from twin.registry.query.ordering import DEFAULT, Order, where_hash, write_cursor
from twin.reports import all_reports

DOCUMENTS = 5_000
T = TypeVar("T")
PLAIN = build_schema(StrawberryGraphQLCoreExecutionContext)
"""The schema as graphql-core executes it."""
Connection = psycopg.AsyncConnection[Any]


class Api:
    """A pool of connections to the registry, and both ways to ask over it."""

    def __init__(self, url: str, options: str = "") -> None:
        # It runs all the time, as a server's does: what is stopped takes a while to end.
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._lines: Lines = self._run(_opened(url, options))

    def _run(self, asked: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result()

    def close(self) -> None:
        self._run(self._lines.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def planned(self, document: str, variables: dict[str, Any] | None = None) -> bytes | None:
        asked = execution.planner().answer(Context(self._lines), document, variables)
        found = self._run(asked)
        return None if found is None else found.json()

    def planned_at_once(self, document: str, every: Sequence[dict[str, Any]]) -> list[bytes | None]:
        async def asked() -> list[Any]:
            planner = execution.planner()
            return await asyncio.gather(
                *(planner.answer(Context(self._lines), document, variables) for variables in every)
            )

        return [None if found is None else found.json() for found in self._run(asked())]

    def executed(
        self, document: str, variables: dict[str, Any] | None = None, by: Schema | None = PLAIN
    ) -> bytes:
        """The answer of graphql-core itself, or of our executor."""
        asked = execution.executed(Context(self._lines), document, variables, by=by)
        return self._run(asked).json()

    @property
    def lent(self) -> int:
        """How often a connection was lent."""
        return self._lines.get_stats()["requests_num"]

    @property
    def lost(self) -> int:
        """How many connections were given up."""
        return self._lines.get_stats().get("returns_bad", 0)


async def _opened(url: str, options: str) -> Lines:
    given = {"autocommit": True, "options": f"-c twin.scope=* {options}"}
    pool = AsyncConnectionPool(url, kwargs=given, min_size=4, max_size=4, open=False)
    return await Lines(pool).__aenter__()


@pytest.fixture(scope="module")
def url(new_database: Callable[[], str]) -> str:
    url = new_database()
    with psycopg.connect(url, autocommit=True) as owner:
        insert_city(owner, CITY)
        # Values that do not fit their types: what a version before, or another program, may have written.
        lamps, odd = "twin.asset WHERE kind = 'streetlight'", f"{2**40}"
        owner.execute(
            f"UPDATE twin.asset SET row_number = {odd} WHERE code = (SELECT max(code) FROM {lamps})"
        )
        owner.execute(
            'UPDATE twin.asset SET attributes = attributes || \'{"lamp": "candle"}\''
            f" WHERE code = (SELECT min(code) FROM {lamps})"
        )
    return url


@pytest.fixture(scope="module")
def api(url: str) -> Iterator[Api]:
    opened = Api(url.replace("twin_owner@", "twin_api@"))
    yield opened
    opened.close()


PLACES = [asset.point for asset in CITY if asset.point is not None]
SQUARE = {"type": "Polygon", "coordinates": [[[121.4, 31.2], [121.5, 31.2], [121.5, 31.3], [121.4, 31.2]]]}
AREAS = [
    SQUARE,
    {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]},
    {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0]]]},
    {"type": "Point", "coordinates": list(PLACES[0])},
    {"type": "MultiPolygon", "coordinates": [SQUARE["coordinates"]]},
    {"type": "Polygon", "coordinates": [[[0, 0], [999, 1], [1, 0], [0, 0]]]},
    "nothing",
]
CODES = [BUILDING.code, CITY[3].code, CITY[70].code.replace("-", ""), "310115-0118-999999", "nonsense", ""]
SOME_CODES = sampled_from([*CODES, *(asset.code for asset in CITY)])
DIVISIONS = sampled_from(["310115", "310115001", "310115001001", "999999", ""])
CURSORS = [
    write_cursor(Order(DEFAULT, None), where_hash([None, None]), None, CITY[40].code),
    write_cursor(Order(DEFAULT, None), where_hash({"children": None}), None, CITY[250].code),
]
TEXTS = ["灯杆", "Lamp", "%", "_ ", "x", "", "南京路", "a\0b"]
CELLS = sampled_from(["8930e4c2b3bffff", "8f30e4c2b2c4c01", "872830828ffffff", "8030fffffffffff", "zz"])
VALUES: Values = {
    "asset.code": SOME_CODES,
    "assets.codes": lists(SOME_CODES, max_size=4),
    "division.code": DIVISIONS,
    "division": DIVISIONS,
    "parent": DIVISIONS,
    "divisions.after": DIVISIONS,
    "divisions.level": sampled_from([4, 5, 6, 8, 10, -1, 99]),
    "first": integers(-1, 12),
    "after": sampled_from([*CURSORS, "", "x", "7"]),
    "resolution": integers(-1, 16),
    "bbox": sampled_from(
        [[121, 31, 122, 32], [179, -17, -179, -16], [0, 0, 1], [9, 9, 8, 8], [121.47, 31.23] * 2]
    ),
    "lon": sampled_from([*(place[0] for place in PLACES[:20]), 181.0]),
    "lat": sampled_from([*(place[1] for place in PLACES[:20]), 91.0]),
    "precision": sampled_from([*range(16)] * 3 + [-1, 16]),
    "simplify": sampled_from([*[0, 0.5, 12, 30.25, 500, 100_000] * 4, -1, 1e9]),
    "metres": sampled_from([0, 50, 500.5, 20_000, -1]),
    "cells.cells": lists(CELLS, max_size=3),
    "steps": integers(-1, 18),
    "datasets": lists(sampled_from(["survey", "council", "nobody"]), max_size=2),
    "dataset": sampled_from(["survey", "council", "nobody"]),
    "scheme": sampled_from(["pole_number", "rescue_number", "nothing"]),
    "value": sampled_from([*[value for asset in CITY for _, value in asset.identifiers][:20], "", "P3"]),
    "load.id": integers(-1, 3),
    "report.name": sampled_from([*all_reports(), "nothing"]),
    "report.level": sampled_from(["street", "district", "nothing"]),
    "report.within": integers(-1, 400),
    "report.tables": lists(sampled_from(["counts", "nothing"]), max_size=1),
    "String": sampled_from(TEXTS),
    "ID": sampled_from(TEXTS),
    "Int": one_of(integers(-3, 300), just(2**31 - 1)),
    "Float": one_of(
        floats(-10, 500, allow_nan=False).map(lambda n: round(n, 2)), integers(-2, 300).map(float)
    ),
    "Boolean": booleans(),
    "Date": one_of(dates(date(2019, 1, 1), date(2020, 1, 1) + timedelta(9)).map(str), just("2020-13-01")),
    "Cell": CELLS,
    "GeoJSON": sampled_from(AREAS),
}


@composite
def documents(draw: DrawFn) -> Made:
    return Maker(execution.schema()._schema, VALUES, draw).document()


class Tally:
    """What was asked in all documents, and who answered."""

    def __init__(self) -> None:
        self.fields: Counter[str] = Counter()
        self.arguments: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()

    def add(self, made: Made, planned: bytes | None, executed: bytes) -> None:
        self.fields += made.fields
        self.arguments += made.arguments
        answer = orjson.loads(executed)
        self.answers["documents"] += 1
        self.answers["planned"] += planned is not None
        self.answers["with errors"] += "errors" in answer
        self.answers["refused before they ran"] += planned is None and answer["data"] is None

    def told(self) -> tuple[str, set[str]]:
        """The counts in words, and what nobody asked for."""
        fields, arguments = every_field(execution.schema()._schema)
        lines = [f"{count:6} {what}" for what, count in self.answers.items()]
        for what, all_of, seen in (("fields", fields, self.fields), ("arguments", arguments, self.arguments)):
            found = len(all_of & set(seen))
            least = min(all_of, key=lambda name: seen[name])
            share = f"{100 * found / len(all_of):.0f} %; {least} least, {seen[least]} times"
            lines.append(f"{found:6} of {len(all_of)} {what} asked for ({share})")
        return "\n".join(lines), (fields - set(self.fields)) | (arguments - set(self.arguments))


def test_random_documents_are_answered_alike(
    api: Api, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    tally = Tally()

    @settings(max_examples=DOCUMENTS, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(documents())
    def alike(made: Made) -> None:
        executed = [api.executed(made.text, values) for values in (made.variables, made.others)]
        # The second time statements of the first are used again where they fit, and then the other way round.
        planned = [api.planned(made.text, values) for values in (made.variables, made.others, made.variables)]
        tally.add(made, planned[0], executed[0])
        for found, wanted in zip(planned, [*executed, executed[0]], strict=True):
            assert b'"internal"' not in wanted
            assert b'"database.down"' not in wanted, caplog.text[-1_000:]
            assert found in (None, wanted)
        assert api.executed(made.text, made.variables, by=None) == executed[0]

    alike()
    assert api.lost == 0
    words, missing = tally.told()
    with capsys.disabled():
        print(f"\n{words}")
    assert not missing
    assert tally.answers["planned"] > 0.8 * tally.answers["documents"]


def test_fields_that_are_stopped_cost_no_connection(api: Api) -> None:
    """One that may not be null fails while others wait, within what fails as well."""
    slow = " ".join(f"a{n}: assets {{ totalCount nodes {{ parent {{ code }} }} }}" for n in range(6))
    document = f"{{ {slow} registry {{ extent home {{ code }} }} b: roads(first: -1) {{ totalCount }} }}"
    for _ in range(20):
        assert b'"errors"' in api.executed(document)
        assert api.planned(document) == api.executed(document)
    assert api.lost == 0


FILES = " ".join(
    f'a{n}: asset(code: "{asset.code}") {{ code kind geometry children {{ totalCount }} }}'
    for n, asset in enumerate(CITY[:7])
)
LISTS = """
    streetlights(first: 3) { nodes { code power } totalCount } groups(by: KIND) { key count }
    nearest(position: { lon: 121.5, lat: 31.2 }, first: 3) { distance asset { code } }
"""


@pytest.mark.parametrize(
    ("document", "lent"),
    [
        (f"{{ {FILES} {LISTS} }}", 1),
        (f"{{ ...a kinds {{ kind }} __typename ...b }} fragment a on Query {{ {FILES} }} "
         f"fragment b on Query {{ {LISTS} }}", 1),
        (f"{{ {FILES} registry {{ extent home {{ code }} datasets {{ name }} }} {LISTS} }}", 1),
        ("{ registry { extent home { code } datasets { name } } }", 1),
        (f'{{ {FILES} b: asset(code: "nonsense") {{ code }} }}', 1),
        ('{ a: asset(code: "310115-0118-999999") { code } b: assets(codes: "310115-0118-999998") '
         "{ nodes { code } } loads { totalCount } }", 2),
        (f"{{ {FILES.partition(' a1')[0]} __typename }}", 1),
        ("{ kinds { kind } reports { name } }", 0),
    ],
    ids=["ten", "fragments", "objects", "object", "error", "asked again", "one", "none"],
)  # fmt: skip
def test_all_fields_take_one_connection_at_a_time(api: Api, document: str, lent: int) -> None:
    wanted = api.executed(document)
    for _ in range(3):
        before = api.lent
        assert api.planned(document) == wanted
        assert api.lent - before == lent


LOOKUP = """query ($code: String!) { asset(code: $code) {
    code name position { lon lat } identifiers { scheme value } parent { code }
    ... on Streetlight { lamp } } }"""


def test_lookups_at_once_are_answered_as_if_alone(api: Api) -> None:
    """By few statements; also those of other kinds, of codes that nobody bears, and of no codes."""
    codes = [*CODES, *(asset.code for asset in CITY[::4])]
    every = [{"code": code} for code in codes * 2]
    wanted = [api.planned(LOOKUP, variables) for variables in every]
    answers = [answer for answer in wanted if answer is not None]
    assert len(answers) > len(every) * 0.9, "one does not fit its type, which the executor tells"
    assert all(
        answer in {None, api.executed(LOOKUP, variables)}
        for answer, variables in zip(wanted, every, strict=True)
    )
    assert api.planned_at_once(LOOKUP, every) == wanted
    before = api.lent
    assert api.planned_at_once(LOOKUP, every) == wanted
    nobody = sum(b'"asset":null' in answer and b'"errors"' not in answer for answer in answers)
    assert nobody and api.lent - before < len(every) // 3 + nobody, "who finds none asks for successors too"


def test_a_filter_that_comes_and_goes_is_heeded(api: Api) -> None:
    document = """query ($codes: [String!], $where: AssetWhere) {
        assets(codes: $codes, where: $where) { nodes { code } } }"""
    codes = [asset.code for asset in CITY[:40:8]]
    for where in (None, {"kinds": ["ELEVATOR"]}, None, {"status": ["RETIRED"]}, {"kinds": ["STREETLIGHT"]}):
        variables = {"codes": codes, "where": where}
        assert api.planned(document, variables) == api.executed(document, variables)


def test_lists_of_children_are_asked_for_alone(api: Api) -> None:
    """One answer may hold thousands of rows: those of many are not fetched at once."""
    document = "query ($code: String!) { asset(code: $code) { children { nodes { code } } } }"
    every = [{"code": BUILDING.code}] * 6
    before = api.lent
    assert api.planned_at_once(document, every) == [api.planned(document, every[0])] * 6
    assert api.lent - before == 6 + 1


def test_a_field_that_is_late_leaves_the_others_their_answers(url: str) -> None:
    opened = Api(url.replace("twin_owner@", "twin_api@"), "-c statement_timeout=400")
    document = f'{{ {FILES} load(id: 1) {{ id }} {LISTS} division(code: "310115") {{ code }} }}'
    try:
        whole = opened.planned(document)
        with psycopg.connect(url) as owner:
            owner.execute("LOCK TABLE twin.load IN ACCESS EXCLUSIVE MODE")
            found, wanted = opened.planned(document), opened.executed(document)
        assert found == wanted
        assert whole is not None and found is not None
        answer = orjson.loads(found)
        assert [(one["path"], one["extensions"]["code"]) for one in answer["errors"]] == [
            (["load"], "query.timeout")
        ]
        assert answer["data"] == orjson.loads(whole)["data"] | {"load": None}
        assert opened.lost == 0
        assert opened.planned(document) == whole
    finally:
        opened.close()


@pytest.mark.parametrize("name", operations())
def test_operations_are_planned(api: Api, name: str) -> None:
    variables = variables_of(name)
    assert api.planned(operation(name), variables) == api.executed(operation(name), variables)


@pytest.mark.parametrize(
    "document",
    [
        "{ registry { __typename home { name } extent datasets { name } } __typename }",
        '{ a: asset(code: "x") { code } b: streetlights(first: -1) { totalCount } }',
        "{ streetlights(first: 300) { nodes { code rowNumber } } }",
        "{ streetlights(first: 300) { nodes { code lamp } } }",
        "{ asset { code } }",
        "{ registry { home { code } } registry { extent } }",
    ],
)
def test_odd_documents_are_answered_alike(api: Api, document: str) -> None:
    assert api.planned(document) in (None, api.executed(document))


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "{ nothing }",
        "{ __schema { queryType { name fields { name args { name } } } types { name } } a: kinds { en } }",
        "query a { kinds { en } } query b { kinds { zh } }",
    ],
)
def test_what_is_no_sound_question_is_left_to_the_executor(api: Api, document: str) -> None:
    assert api.planned(document) is None
    assert json.loads(api.executed(document)) == json.loads(api.executed(document, by=None))


def test_parents_of_parents_are_written_by_as_many_functions_as_there_are_levels() -> None:
    """And not by as many as there are kinds, to the power of their depth."""
    schema = execution.schema()._schema
    deep = 15
    text = "{ assets { nodes " + "{ code parent " * deep + "{ code }" + " }" * deep + " } }"
    document = Documents(schema).read(text, None)
    assert document is not None and schema.query_type is not None
    values = get_variable_values(schema, [], {})
    assert not isinstance(values, list)
    found = collect_fields(schema, {}, values, schema.query_type, document.operation)
    shaper = Shaper(schema, document, values)
    shaper.shape(schema.query_type.fields["assets"].type, found.grouped_field_set["assets"])
    assert len(shaper._objects) <= (deep + 2) * len(all_kinds())


def test_more_ways_to_ask_than_a_plan_is_worth_are_the_executors(api: Api) -> None:
    """What stands for an asset's parent may depend on its kind, and so on: to the power of their depth."""

    def chain(depth: int) -> str:
        if not depth:
            return "code"
        inner = chain(depth - 1)
        return f"code parent {{ {inner} }} ... on Streetlight {{ parent {{ name {inner} }} }}"

    for depth in (3, 9):
        document = f"{{ assets {{ nodes {{ {chain(depth)} }} }} }}"
        assert api.planned(document) in (None, api.executed(document))
    levels = [
        "parent { " * level + f"... on {kind} {{ parent {{ name }} }} code" + " }" * level
        for level in range(5)
        for kind in ("Streetlight", "Building", "Elevator", "Pipeline", "Road", "Vehicle")
    ]
    nested = f"{{ assets {{ nodes {{ {' '.join(levels)} }} }} }}"
    assert api.planned(nested) in (None, api.executed(nested))


def test_a_directives_variable_that_is_null_is_refused(api: Api) -> None:
    document = "query($x: Boolean = true) { kinds @include(if: $x) { en } }"
    assert api.planned(document, {"x": None}) is None
    assert b"graphql.validation" in api.executed(document, {"x": None})
    assert api.planned(document, {}) == api.executed(document, {})


def test_columns_that_move_with_the_variables_are_found(api: Api) -> None:
    """Two fields that ask for the same are one column, and what follows stands elsewhere."""
    document = """query($a: Int, $b: Int, $c: Int) { streetlights(first: 3) { totalCount nodes {
        a: geometry(precision: $a) b: geometry(precision: $b) c: geometry(precision: $c)
        code name position { lat lon } division { code } power
        d: children(first: $a) { nodes { code } totalCount } e: children(first: $b) { nodes { kind } } updated
    } } }"""
    for values in (
        (1, 1, 1),
        (1, 2, 1),
        (1, 2, 3),
        (1, 1, 2),
        (2, 1, 1),
        (None, 1, None),
        (1, 1, 1),
        (9, 9, 9),
    ):
        given_ = dict(zip("abc", values, strict=True))
        planned = api.planned(document, given_)
        assert planned is not None and b'"errors"' not in planned
        assert planned == api.executed(document, given_) == api.executed(document, given_, by=None)


def test_long_arguments_are_not_remembered(api: Api) -> None:
    document = (
        "query($w: AssetWhere) { streetlights(first: 1) { nodes { children(where: $w) { totalCount } } } }"
    )
    for where in ({"text": "灯杆"}, {"text": "x" * 900}, {"datasets": ["x" * 900] * 9}):
        assert api.planned(document, {"w": where}) == api.executed(document, {"w": where})
    known = execution.planner()._documents.read(document, None)
    assert known is not None
    (plan,) = (known.plans[key] for key in list(known.plans))
    assert sum(len(step.asked) for step in plan.steps) == 2


def test_long_documents_are_the_executors() -> None:
    documents = Documents(execution.schema()._schema)
    assert documents.read("{ kinds { en } }", None) is not None
    assert documents.read("{ kinds { en } }" + " " * LONGEST, None) is None
    assert documents.read("query a { kinds { en } }", "a" * LONGEST) is None
    assert len(documents._known) == 1


def test_documents_asked_last_are_remembered() -> None:
    documents = Documents(execution.schema()._schema)
    texts = ["{ kinds { en } }" + " " * (LONGEST - 250 - number) for number in range(15)]
    for text in texts:
        assert documents.read(text, None) is not None
    assert [text for text, _ in documents._known] == texts[-10:]
    assert documents._characters <= CHARACTERS
    documents.read(texts[5], None)
    documents.read(texts[0], None)
    assert [text for text, _ in documents._known][-2:] == [texts[5], texts[0]]
    for number in range(3_000):
        documents.read("", f"name{number}")
    assert len(documents._known) <= 1_000
