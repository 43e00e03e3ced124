"""Reports on a small city whose every fact is known here: figures, areas, dates, limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
import shapely
from dateutil.relativedelta import relativedelta
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Geod
from registry_rows import STREETS, Asset, classes, code, insert_city, small_city
from sqlalchemy import Select, func, literal, select

from spatial.geometry import asset_points
from twin.folders import NAMED
from twin.kinds import kind
from twin.registry.divisions import UnknownDivision
from twin.registry.query.errors import InputRange, InputType
from twin.registry.query.inputs import Given
from twin.registry.query.sql import compiled
from twin.registry.statements import statement
from twin.reports import report, running
from twin.reports.columns import AREA_COLUMNS
from twin.reports.due import due_date
from twin.reports.errors import (
    KindNotReported,
    NoSuchLevel,
    ParameterNotTaken,
    ReportTimeout,
    TooManyRows,
    UnknownTable,
    WhichAreas,
)
from twin.reports.model import Column, Report, Table
from twin.reports.request import Area, Request, request
from twin.reports.running import Result, Row, run_now, wanted

GEOD = Geod(ellps="WGS84")
ON = date(2026, 11, 24)
BIRTHDAYS = ("2011-11-23", "2011-11-24", "2016-11-24", "2021-11-23", "2021-11-24", "2026-11-24", "2026-11-25")
"""Days about which one class of ages ends and the next begins."""
PLAIN_ELEVATOR = """
from twin.kinds.model import ClassCode, Kind
CLASSES = (ClassCode("2133", "Elevator", "电梯", "ours"),)
KIND = Kind(
    "elevator", "elevators", "Elevator", "电梯", ("Point",), CLASSES, parents=("building",), relation="in"
)
"""
Connection = psycopg.Connection[Any]


def elevators(dice: np.random.Generator) -> Iterator[Asset]:
    """Elevators with every mixture of dates, in and around Pudong."""

    def day(start: int, end: int, likely: float) -> date | None:
        return (
            date(start, 1, 1) + timedelta(int(dice.integers(0, 365 * (end - start))))
            if dice.random() < likely
            else None
        )

    for number in range(1001, 1301):
        anchor, last, planned = day(2000, 2027, 0.8), day(2015, 2027, 0.6), day(2026, 2029, 0.3)
        dates = {"acceptance_date": anchor, "last_inspection": last, "next_inspection": planned}
        attributes = {name: value.isoformat() for name, value in dates.items() if value is not None}
        if dice.random() < 0.9:
            attributes["category"] = str(dice.choice(["escalator", "traction_passenger", "dumbwaiter"]))
        place = shapely.Point(121.4 + dice.integers(0, 21) / 100, 31.1 + dice.integers(0, 21) / 100)
        yield Asset(
            kind="elevator",
            code=code(classes("elevator"), number),
            geometry=None if dice.random() < 0.05 else place,
            division=str(dice.choice([*STREETS, "310115"])),
            source_key=f"dated-{number}",
            status=str(
                dice.choice(["in_service", "in_service", "in_service", "suspended", "planned", "retired"])
            ),
            installed=day(2000, 2027, 0.3),
            owner=None if dice.random() < 0.5 else "O1",
            attributes=attributes,
        )
    for number, birthday in enumerate(BIRTHDAYS, 1301):
        dated = {"acceptance_date": birthday}
        yield Asset("elevator", code(classes("elevator"), number), None, "310115", birthday, attributes=dated)


CITY = [*(replace(a, code=a.code) for a in small_city()), *elevators(np.random.default_rng(3))]
GRID = [
    Area(f"{x},{y}", shapely.box(121.4 + x / 20, 31.1 + y / 20, 121.45 + x / 20, 31.15 + y / 20))
    for y in range(4)
    for x in range(4)
]
"""Squares side by side, on whose edges many of the elevators stand."""


@pytest.fixture(scope="module")
def city(new_database: Callable[[], str]) -> Iterator[Connection]:
    """The city, as the API's role sees it."""
    url = new_database()
    with psycopg.connect(url, autocommit=True) as owner:
        insert_city(owner, CITY)
    address = url.replace("twin_owner@", "twin_api@")
    with psycopg.connect(address, autocommit=True, options="-c twin.scope=*") as connection:
        yield connection


def run(city: Connection, name: str, *tables: str, **asked: Any) -> Result:
    """A report; texts and numbers are given as people give them."""
    given = {
        key: Given(value, key) if key not in {"areas", "kinds"} else value for key, value in asked.items()
    }
    chosen = report(name)
    return run_now(city, wanted(chosen, request(chosen, **given), tables or None))


def first(result: Result) -> list[Row]:
    return list(result.tables[0].rows)


def inside(areas: Iterable[Area], assets: Iterable[Asset]) -> list[tuple[int, Asset]]:
    """Which area each asset belongs to, by shapely: on an edge the first area that has the point."""
    found = []
    for asset in assets:
        if asset.point is None:
            continue
        point, edge_taken = shapely.Point(asset.point), False
        for number, area in enumerate(areas, 1):
            if area.shape.contains(point) or (area.shape.intersects(point) and not edge_taken):
                found.append((number, asset))
            edge_taken = edge_taken or area.shape.intersects(point)
    return found


def geodesic(asset: Asset, what: str) -> float:
    shape = asset.geometry
    if shape is None:
        return 0.0
    if what == "area":
        return (
            abs(GEOD.geometry_area_perimeter(shapely.geometry.polygon.orient(shape))[0])
            if shape.geom_type == "Polygon"
            else sum(abs(GEOD.geometry_area_perimeter(part)[0]) for part in shape.geoms)
        )
    return GEOD.geometry_length(shape)


# Where assets belong


def test_areas_side_by_side_count_each_asset_once(city: Connection) -> None:
    rows = first(run(city, "asset-census", areas=GRID, kinds=["elevator"]))
    expected = Counter(
        number for number, a in inside(GRID, CITY) if a.kind == "elevator" and a.status != "retired"
    )
    assert [(row["area"], row["area_name"], row["assets"]) for row in rows] == [
        (str(number), area.name, expected[number]) for number, area in enumerate(GRID, 1)
    ]
    whole = [Area("all", shapely.union_all([area.shape for area in GRID]))]
    assert first(run(city, "asset-census", areas=whole, kinds=["elevator"]))[0]["assets"] == sum(
        expected.values()
    )


def test_an_asset_counts_in_each_of_overlapping_areas(city: Connection) -> None:
    lower, upper = Area("a", shapely.box(121, 31, 121.5, 32)), Area("b", shapely.box(121.4, 31, 122, 32))
    for areas in ([lower, upper], [upper, lower]):
        rows = first(run(city, "asset-census", areas=areas, kinds=["elevator", "building", "pipeline"]))
        expected = Counter((n, a.kind) for n, a in inside(areas, CITY) if a.status != "retired")
        assert {(int(row["area"]), row["kind"]): row["assets"] for row in rows} == {
            (n, k): expected[n, k] for n in (1, 2) for k in ("building", "elevator", "pipeline")
        }


def pieces() -> st.SearchStrategy[shapely.Geometry]:
    """Lines, polygons with several parts and points, about a place."""
    offset = st.integers(-60, 60).map(lambda n: n / 997)
    spot = st.tuples(offset.map(lambda x: 121.47 + x), offset.map(lambda y: 31.23 + y))
    line = st.lists(spot, min_size=2, max_size=7, unique=True).map(shapely.LineString)
    box = st.tuples(spot, st.integers(1, 30), st.integers(1, 30)).map(
        lambda b: shapely.box(b[0][0], b[0][1], b[0][0] + b[1] / 1999, b[0][1] + b[2] / 1999)
    )
    boxes = st.lists(box, min_size=2, max_size=4).map(shapely.union_all)
    lines = st.lists(line, min_size=2, max_size=4).map(shapely.MultiLineString)
    points = st.lists(spot, min_size=1, max_size=3).map(shapely.MultiPoint)
    return st.one_of(spot.map(shapely.Point), line, lines, box, boxes, points)


@pytest.fixture(scope="module")
def rule(city: Connection) -> str:
    """The condition of ``in_area.sql`` for one geometry and one area."""
    return f"""
        WITH area AS (SELECT 1 AS number, ST_GeomFromWKB(%s, 4326) AS shape)
        SELECT n FROM unnest(%s::bytea[]) WITH ORDINALITY AS g (wkb, n)
        CROSS JOIN LATERAL (SELECT ST_GeomFromWKB(g.wkb, 4326) AS geom) AS a, area
        WHERE {statement("twin.reports", "in_area")}"""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shapes=st.lists(pieces(), min_size=1, max_size=40), turn=st.floats(0, 90))
def test_an_asset_is_where_its_point_is(
    city: Connection, rule: str, shapes: list[shapely.Geometry], turn: float
) -> None:
    """The SQL agrees with ``spatial.geometry.asset_points`` on which side of an area's edge a point lies."""
    area = shapely.affinity.rotate(shapely.box(121.44, 31.2, 121.4713, 31.2537), turn)
    lon, lat = asset_points(np.array(shapes, dtype=object))
    points = shapely.points(lon, lat)
    clear = shapely.distance(shapely.boundary(area), points) > 1e-9
    rows = city.execute(rule, [shapely.to_wkb(area), [shapely.to_wkb(one) for one in shapes]]).fetchall()
    found = np.isin(np.arange(1, len(shapes) + 1), [row[0] for row in rows])
    assert (found == shapely.intersects(area, points))[clear].all()


def test_divisions_hold_what_is_recorded_in_them(city: Connection) -> None:
    row = first(run(city, "elevator-age", division="310101"))
    expected = sum(
        a.kind == "elevator" and a.division.startswith("310101") and a.status in {"in_service", "suspended"}
        for a in CITY
    )
    assert [(r["area"], r["area_name"], r["elevators"]) for r in row] == [
        ("310101", "District 310101", expected)
    ]


def test_a_row_for_each_division_of_a_level_and_for_the_rest(city: Connection) -> None:
    standing = [a for a in CITY if a.kind == "elevator" and a.status in {"in_service", "suspended"}]
    streets = first(run(city, "elevator-age", level="street"))
    expected = Counter(a.division if a.division in STREETS else "-" for a in standing)
    assert {row["area"]: row["elevators"] for row in streets} == expected
    assert streets[-1]["area"] == "-"
    districts = first(run(city, "elevator-age", level="6"))
    assert {row["area"]: row["elevators"] for row in districts} == Counter(a.division[:6] for a in standing)
    within = first(run(city, "elevator-age", division="310101", level="street"))
    assert [row["area"] for row in within] == [s for s in sorted(STREETS) if s.startswith("310101")]


def test_an_area_of_nothing_has_a_row_of_zeros(city: Connection) -> None:
    nowhere = [Area("sea", shapely.box(0, 0, 1, 1))]
    for name in ("elevator-age", "inspections"):
        (row,) = first(run(city, name, areas=nowhere))
        assert {value for key, value in row.items() if key not in {"area", "area_name"}} <= {0, None}
    rows = first(run(city, "asset-census", areas=nowhere))
    assert len(rows) == 8
    assert {row["assets"] for row in rows} == {0}
    assert {row["kind"]: row["length_m"] for row in rows if row["length_m"] is not None} == {
        "pipeline": 0,
        "road": 0,
    }


# Figures


def test_the_census_counts_and_measures(city: Connection) -> None:
    result = run(city, "asset-census")
    rows = {row["kind"]: row for row in first(result)}
    assert list(rows) == ["building", "elevator", "pipeline", "streetlight"]
    for name, row in rows.items():
        assets = [a for a in CITY if a.kind == name]
        kept = [a for a in assets if a.status != "retired"]
        states = Counter(a.status for a in assets)
        assert {s: row[s] for s in ("planned", "in_service", "suspended", "retired")} == {
            s: states[s] for s in ("planned", "in_service", "suspended", "retired")
        }
        assert (row["assets"], row["undated"]) == (len(kept), sum(a.installed is None for a in kept))
        length = sum(geodesic(a, "length") for a in kept) if name == "pipeline" else None
        area = sum(geodesic(a, "area") for a in kept) if name == "building" else None
        assert row["length_m"] == (None if length is None else pytest.approx(length, rel=1e-9))
        assert row["area_m2"] == (None if area is None else pytest.approx(area, rel=1e-6))
    lamps = [a for a in CITY if a.kind == "streetlight" and a.status != "retired" and "power" in a.attributes]
    assert list(result.tables[1].rows) == [
        {
            "area": "*",
            "area_name": None,
            "kind": "streetlight",
            "sum": "power",
            "total": sum(a.attributes["power"] for a in lamps),
            "unit": "W",
            "assets": len(lamps),
        }
    ]


def age_class(asset: Asset) -> str:
    accepted = asset.attributes.get("acceptance_date")
    since = asset.installed or (date.fromisoformat(accepted) if accepted else None)
    if since is None:
        return "unknown"
    if since > ON:
        return "later"
    limits = {"age_0_5": 5, "age_5_10": 10, "age_10_15": 15}
    return next((name for name, years in limits.items() if since >= ON - relativedelta(years=years)), "older")


def test_ages_by_category(city: Connection) -> None:
    result = run(city, "elevator-age", on=ON.isoformat())
    standing = [a for a in CITY if a.kind == "elevator" and a.status in {"in_service", "suspended"}]
    names = ("age_0_5", "age_5_10", "age_10_15", "older", "later", "unknown")
    categories = {a.attributes.get("category") for a in standing}
    chosen = {None: standing} | {
        c: [a for a in standing if a.attributes.get("category") == c] for c in categories
    }
    rows = {row["category"]: row for row in result.tables[1].rows}
    assert set(rows) == categories
    for row, assets in [
        (first(result)[0], standing),
        *(
            (rows[c], chosen[c] if c else [a for a in standing if "category" not in a.attributes])
            for c in categories
        ),
    ]:
        expected = Counter(age_class(a) for a in assets)
        assert {name: row[name] for name in names} == {name: expected[name] for name in names}
        known = len(assets) - expected["later"] - expected["unknown"]
        assert row["elevators"] == len(assets)
        assert row["share_older"] == pytest.approx(expected["older"] / known)


# Inspections


def judged(asset: Asset, within: int) -> tuple[str, date | None, str | None]:
    """Basis, due date and state, by the words of ``twin.reports.inspections``."""
    day = {
        name: date.fromisoformat(value)
        for name, value in asset.attributes.items()
        if name.endswith(("date", "inspection"))
    }
    anchor, last, planned = (day.get(n) for n in ("acceptance_date", "last_inspection", "next_inspection"))
    rule = kind("elevator").inspection
    assert rule is not None
    if anchor and last:
        basis, due = "anchor", due_date(rule, anchor, last)
    elif planned:
        basis, due = "source", planned
    elif anchor:
        basis, due = "anchor", due_date(rule, anchor, None)
    else:
        return "unknown", None, None
    if due < ON:
        return basis, due, "overdue"
    return basis, due, "coming" if due <= ON + relativedelta(months=within) else "later"


@pytest.mark.parametrize("within", [0, 3, 12, 120])
def test_what_is_due(city: Connection, within: int) -> None:
    result = run(city, "inspections", on=ON.isoformat(), within=within)
    (row,) = first(result)
    running = [a for a in CITY if a.kind == "elevator" and a.status == "in_service"]
    facts = {a.code: judged(a, within) for a in running}
    states, bases = Counter(f[2] for f in facts.values()), Counter(f[0] for f in facts.values())
    unrecorded = sum(
        f[2] == "overdue" and f[0] == "anchor" and "last_inspection" not in a.attributes
        for a in running
        for f in [facts[a.code]]
    )
    assert {k: row[k] for k in row if k not in {"area", "area_name"}} == {
        "assets": len(running),
        "overdue": states["overdue"],
        "unrecorded": unrecorded,
        "coming": states["coming"],
        "later": states["later"],
        "unknown": bases["unknown"],
        "by_anchor": bases["anchor"],
        "by_source": bases["source"],
        "suspended": sum(a.kind == "elevator" and a.status == "suspended" for a in CITY),
    }
    listed = {r["code"]: (r["basis"], r["due"], r["state"]) for r in result.tables[1].rows}
    assert listed == {c: f for c, f in facts.items() if f[2] in {"overdue", "coming"}}


def test_what_is_to_be_inspected_is_listed_with_its_place_and_owner(city: Connection) -> None:
    result = run(city, "inspections", on=ON.isoformat(), areas=GRID)
    assets = {a.code: a for a in CITY}
    rows = result.tables[1].rows
    assert [(int(r["area"]), r["due"], r["code"]) for r in rows] == sorted(
        (int(r["area"]), r["due"], r["code"]) for r in rows
    )
    assert len(rows) > 50
    for row in rows:
        asset = assets[row["code"]]
        assert (row["lon"], row["lat"]) == asset.point
        assert row["owner"] == ("Lighting Department" if asset.owner == "O1" else asset.owner)
        assert row["days"] == (row["due"] - ON).days


# What may be asked


@pytest.mark.parametrize(
    ("name", "asked", "expected"),
    [
        ("inspections", {"division": "999"}, UnknownDivision),
        ("inspections", {"division": "999", "level": "street"}, UnknownDivision),
        ("inspections", {"level": "community"}, NoSuchLevel),
        ("inspections", {"division": "310115", "level": "city"}, NoSuchLevel),
        ("inspections", {"division": "310115", "areas": GRID}, WhichAreas),
        ("inspections", {"kinds": ["building"]}, KindNotReported),
        ("inspections", {"within": 121}, InputRange),
        ("inspections", {"within": -1}, InputRange),
        ("inspections", {"on": "yesterday"}, InputType),
        ("elevator-age", {"kinds": ["elevator"]}, ParameterNotTaken),
        ("asset-census", {"on": "2026-11-24"}, ParameterNotTaken),
    ],
)
def test_what_cannot_be_asked_is_said(
    city: Connection, name: str, asked: dict[str, Any], expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        run(city, name, **asked)


def test_a_table_that_is_not_there_is_said(city: Connection) -> None:
    with pytest.raises(UnknownTable, match="kinds, sums"):
        run(city, "asset-census", "figures")


def test_a_report_that_takes_too_long_is_stopped(city: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIN_REPORT_TIMEOUT_MS", "1")
    with pytest.raises(ReportTimeout):
        run(city, "asset-census", areas=GRID * 30)
    assert city.execute("SHOW statement_timeout").fetchone() == ("0",)


def test_more_rows_than_a_table_holds_are_an_error_or_cut_off(
    city: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "MAX_ROWS", 20)
    with pytest.raises(TooManyRows):
        run(city, "inspections", "assets")
    chosen = report("inspections")
    cut = run_now(city, wanted(chosen, request(chosen), ["assets"], rows=20)).tables[0]
    assert (len(cut.rows), cut.more) == (20, True)


def test_reports_read_one_snapshot_and_cannot_write(city: Connection) -> None:
    names = ("transaction_read_only", "transaction_isolation", "statement_timeout")

    def settings_there(_: Request) -> Select[Any]:
        area = literal("*").label("area"), literal("").label("area_name")
        return select(
            *area, *(func.current_setting(name).label(name) for name in names), literal(1).label("n")
        )

    columns = (*AREA_COLUMNS, Column("n", "integer", "N", "数"))
    table = Table("settings", "Settings", "设置", columns, settings_there)
    made = Report("settings", "Settings", "设置", "-", "-", (table,), "n")
    (row,) = run_now(city, wanted(made, request(made))).tables[0].rows
    assert [row[name] for name in names] == ["on", "repeatable read", "1min"]


@pytest.mark.parametrize("name", ["asset-census", "inspections", "elevator-age"])
@pytest.mark.parametrize(
    ("asked", "index"),
    [({"areas": GRID}, "geom_idx"), ({"division": Given("310101001", "division")}, "division_idx")],
)
def test_assets_are_found_through_an_index(
    city: Connection, name: str, asked: dict[str, Any], index: str
) -> None:
    """Of a table as small as this PostgreSQL would read all; told not to, it can do without."""
    chosen = report(name)
    with city.transaction():
        city.execute("SET LOCAL enable_seqscan = off")
        for table in chosen.tables:
            text, arguments = compiled(table.statement(request(chosen, **asked)))
            plan = "\n".join(line for (line,) in city.execute("EXPLAIN " + text, arguments).fetchall())
            assert index in plan
            assert "Seq Scan on asset" not in plan


def test_the_session_s_scope_holds(city: Connection) -> None:
    city.execute("""SELECT set_config('twin.scope', '{"divisions": ["310101001"]}', false)""")
    try:
        rows = first(run(city, "elevator-age", level="street"))
    finally:
        city.execute("SELECT set_config('twin.scope', '*', false)")
    assert [row["area"] for row in rows if row["elevators"]] == ["310101001"]


def test_a_city_s_own_elevators_may_know_less(
    city: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elevator.py").write_text(PLAIN_ELEVATOR, encoding="utf-8")
    monkeypatch.setitem(NAMED, "TWIN_KINDS_PATH", str(tmp_path))
    (row,) = first(run(city, "elevator-age", on=ON.isoformat()))
    assert row["unknown"] == sum(
        a.kind == "elevator" and a.status in {"in_service", "suspended"} and a.installed is None for a in CITY
    )
