"""Reports through GraphQL: the same figures, areas of one's own, limits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from registry_rows import insert_city, small_city

from citygraph import reports
from citygraph.context import Context
from citygraph.execution import execute
from citygraph.operations import operation
from twin.registry.query.sql import Single
from twin.reports import all_reports, report
from twin.reports.request import request
from twin.reports.running import run_now, wanted

CITY = small_city()
SQUARE = [[121.4, 31.1], [121.6, 31.1], [121.6, 31.4], [121.4, 31.4], [121.4, 31.1]]
ROWS = (
    "query($name: String!, $areas: GeoJSON) { report(name: $name, areas: $areas) { tables { name rows } } }"
)

Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def address(new_database: Callable[[], str]) -> str:
    url = new_database()
    with psycopg.connect(url, autocommit=True) as owner:
        insert_city(owner, CITY)
    return url.replace("twin_owner@", "twin_api@")


@pytest.fixture
def city(address: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(address, autocommit=True, options="-c twin.scope=*") as connection:
        yield connection


@pytest.fixture
def run(address: str) -> Run:
    """Runs a document: ``run(document, name=value)``."""

    def run_(document: str, **variables: Any) -> dict[str, Any]:
        async def go() -> dict[str, Any]:
            connection = await psycopg.AsyncConnection.connect(
                address, autocommit=True, options="-c twin.scope=*"
            )
            async with connection:
                return await execute(Context(Single(connection)), document, variables)

        return asyncio.run(go())

    return run_


def collection(*rings: Any, **properties: Any) -> dict[str, Any]:
    features = [
        {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for ring in rings
    ]
    return {"type": "FeatureCollection", "features": features}


def codes(answer: dict[str, Any]) -> set[str]:
    return {error["extensions"]["code"] for error in answer.get("errors", [])}


def test_reports_are_listed_with_all_that_they_take(run: Run) -> None:
    listed = run(operation("reports"))["data"]["reports"]
    assert [one["name"] for one in listed] == list(all_reports())
    inspections = next(one for one in listed if one["name"] == "inspections")
    assert inspections["takes"] == ["division", "level", "areas", "kinds", "on", "within"]
    assert inspections["kinds"] == ["ELEVATOR"]
    assert [table["name"] for table in inspections["tables"]] == ["areas", "assets"]


@pytest.mark.parametrize("name", all_reports())
def test_figures_are_those_of_the_report(run: Run, city: psycopg.Connection[Any], name: str) -> None:
    answer = run(operation("report"), name=name, division="310115")
    chosen = report(name)
    from twin.registry.query.inputs import Given

    expected = run_now(city, wanted(chosen, request(chosen, division=Given("310115", "division"))))
    assert "errors" not in answer
    for table, rows in zip(answer["data"]["report"]["tables"], expected.tables, strict=True):
        assert [column["name"] for column in table["columns"]] == [column.name for column in rows.columns]
        assert table["rows"] == [
            {key: value.isoformat() if hasattr(value, "isoformat") else value for key, value in row.items()}
            for row in rows.rows
        ]
        assert table["more"] is False


def test_areas_of_one_s_own_come_back_with_their_figures(run: Run) -> None:
    answer = run(
        operation("report"),
        name="asset-census",
        areas=collection(SQUARE, ward="北"),
        areaName="ward",
        kinds=["STREETLIGHT"],
        tables=["kinds"],
    )
    (table,) = answer["data"]["report"]["tables"]
    (row,) = table["rows"]
    lamps = [
        a for a in CITY if a.kind == "streetlight" and a.point and a.point[0] < 122 and 31 < a.point[1] < 32
    ]
    assert (row["area_name"], row["assets"]) == ("北", sum(a.status != "retired" for a in lamps))
    (feature,) = table["geojson"]["features"]
    assert feature["geometry"]["coordinates"] == [SQUARE]
    assert feature["properties"]["value"] == row["assets"]


def test_tables_are_cut_off(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MAX_ROWS", 2)
    (table,) = run(operation("report"), name="asset-census", tables=["kinds"])["data"]["report"]["tables"]
    assert (len(table["rows"]), table["more"]) == (2, True)


@pytest.mark.parametrize(
    ("areas", "code", "words"),
    [
        (collection(SQUARE[:-1]), "input.geometry", "areas.features[0].geometry.coordinates[0]: "),
        (collection(SQUARE, [[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]), "input.geometry", "not valid"),
        (collection([[900, 0], [901, 0], [901, 1], [900, 0]]), "input.geometry", "not on the globe"),
        (collection(), "report.areas.none", "areas holds no area"),
        (collection(*[SQUARE] * 1_001), "input.limit", "1000"),
        (
            collection(*[[*SQUARE[:-1], *[[121.4, 31.2]] * 9_000, SQUARE[0]]] * 12),
            "report.areas.many",
            "100000",
        ),
        ({"type": "Polygon", "coordinates": [SQUARE]}, "input.unknown", "coordinates"),
        ("POLYGON EMPTY", "input.type", "areas"),
    ],
)
def test_areas_that_cannot_be_used_are_said(run: Run, areas: Any, code: str, words: str) -> None:
    answer = run(ROWS, name="elevator-age", areas=areas)
    assert codes(answer) == {code}, answer
    assert words.rstrip(": ") in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ('{ report(name: "x") { name } }', "report.unknown"),
        ('{ report(name: "inspections", division: "9") { name } }', "division.unknown"),
        ('{ report(name: "inspections", on: "soon") { name } }', "input.type"),
        ('{ report(name: "inspections", within: 1000) { name } }', "input.range"),
        ('{ report(name: "inspections", kinds: [ROAD]) { name } }', "report.kind"),
        ('{ report(name: "inspections", tables: ["x"]) { name } }', "report.table"),
        ('{ report(name: "inspections", level: "ward") { name } }', "division.level"),
        ('{ report(name: "inspections", division: "\\u0000") { name } }', "input.nul"),
        (
            "{ ...r } fragment r on Query { "
            + " ".join(f'r{n}: report(name: "inspections") {{ name }}' for n in range(3))
            + " }",
            "graphql.too_large",
        ),
    ],
)
def test_what_cannot_be_asked_has_a_code(run: Run, document: str, code: str) -> None:
    assert codes(run(document)) == {code}


def test_a_report_that_takes_too_long_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIN_REPORT_TIMEOUT_MS", "1")
    assert codes(run(ROWS, name="asset-census", areas=collection(*[SQUARE] * 300))) == {"report.timeout"}


def test_one_report_runs_at_a_time(address: str) -> None:
    """However many ask: lookups keep the other connections."""
    lent, most = 0, 0

    class Counting:
        @asynccontextmanager
        async def connection(self) -> Any:
            nonlocal lent, most
            options = "-c twin.scope=*"
            async with await psycopg.AsyncConnection.connect(
                address, autocommit=True, options=options
            ) as one:
                lent += 1
                most = max(most, lent)
                yield one
                lent -= 1

    async def go() -> list[dict[str, Any]]:
        asked = (execute(Context(Counting()), ROWS, {"name": "asset-census"}) for _ in range(5))
        return await asyncio.gather(*asked)

    answers = asyncio.run(go())
    assert all("errors" not in answer for answer in answers)
    assert most == 1
