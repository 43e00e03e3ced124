"""Every filter against brute force in Python over the same assets, with shapely, pyproj and h3."""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import h3
import psycopg
import pytest
import shapely
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pyproj import Geod
from sqlalchemy import select

from tests.registry_rows import Asset, insert_city, small_city
from twin.errors import TwinError
from twin.kinds import kind
from twin.registry.query.pages import PageWanted, page
from twin.registry.query.sql import Question, ask_now, compiled
from twin.registry.query.where import condition
from twin.registry.tables import asset_view
from twin.registry.words import folded

GEOD = Geod(ellps="WGS84")
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CITY = small_city()
Connection = psycopg.Connection[Any]
Select = Callable[[Any], set[str]]


@pytest.fixture(scope="module")
def city_url(new_database: Callable[[], str]) -> str:
    url = new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        insert_city(connection, CITY)
    return url


def connect(url: str, scope: object = "*") -> Connection:
    connection = psycopg.connect(url.replace("twin_owner@", "twin_api@"), autocommit=True)
    text = scope if isinstance(scope, str) else json.dumps(scope)
    connection.execute("SELECT set_config('twin.scope', %s, false)", [text])
    return connection


@pytest.fixture(scope="module")
def reader(city_url: str) -> Iterator[Connection]:
    with connect(city_url) as connection:
        yield connection


@pytest.fixture(scope="module")
def selected(reader: Connection) -> Select:
    return lambda where: codes_of(reader, where)


def codes_of(connection: Connection, where: Any) -> set[str]:
    statement = select(asset_view.c.code).where(condition(where))
    return set(ask_now(connection, Question(statement, lambda rows: [row["code"] for row in rows])))


def brute(meets: Callable[[Asset], bool]) -> set[str]:
    return {asset.code for asset in CITY if meets(asset)}


def placed(meets: Callable[[Any], bool]) -> set[str]:
    return brute(lambda asset: asset.geometry is not None and bool(meets(asset.geometry)))


# Places

near_a_place = st.sampled_from([(121.47, 31.23), (24.94, 60.17), (179.995, -16.8)])
offsets = st.floats(-0.015, 0.015).map(lambda x: round(x, 6))


@st.composite
def positions(draw: st.DrawFn) -> tuple[float, float]:
    lon, lat = draw(near_a_place)
    return round(min(lon + draw(offsets), 180.0), 6), round(lat + draw(offsets), 6)


@st.composite
def polygons(draw: st.DrawFn) -> Any:
    """A star around a position: radii at equal angles."""
    lon, lat = draw(positions())
    radii = draw(st.lists(st.floats(0.001, 0.015), min_size=3, max_size=9))
    turns = [2 * math.pi * number / len(radii) for number in range(len(radii))]
    corners = [
        (min(lon + radius * math.cos(turn), 180.0), lat + radius * math.sin(turn))
        for radius, turn in zip(radii, turns, strict=True)
    ]
    polygon = shapely.Polygon(corners)
    assume(polygon.is_valid and polygon.area > 0)
    return polygon


def geojson(geometry: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(shapely.to_geojson(geometry))
    return made


@QUICK
@given(positions(), positions())
def test_bbox(selected: Select, one: tuple[float, float], other: tuple[float, float]) -> None:
    south, north = sorted((one[1], other[1]))
    box = [one[0], south, other[0], north]
    west, east = one[0], other[0]
    spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    areas = [shapely.box(left, south, right, north) for left, right in spans]
    assume(west != east and south != north)
    assert selected({"bbox": box}) == placed(lambda g: any(g.intersects(area) for area in areas))


def test_boxes_without_area(selected: Select) -> None:
    lamp = next(a for a in CITY if a.kind == "streetlight" and a.point is not None)
    lon, lat = lamp.point or (0, 0)
    assert lamp.code in selected({"bbox": [lon, lat, lon, lat]})
    assert lamp.code in selected({"bbox": [lon, lat - 0.001, lon, lat + 0.001]})


@QUICK
@given(polygons())
def test_within_and_intersects(selected: Select, polygon: Any) -> None:
    assert selected({"within": geojson(polygon)}) == placed(lambda g: g.within(polygon))
    assert selected({"intersects": geojson(polygon)}) == placed(lambda g: g.intersects(polygon))


def test_the_edge_is_met_but_not_within(selected: Select) -> None:
    lamp = next(a for a in CITY if a.kind == "streetlight" and a.point is not None and a.point[0] < 170)
    lon, lat = lamp.point or (0, 0)
    ring = [[lon, lat], [lon + 0.001, lat], [lon + 0.001, lat + 0.001], [lon, lat + 0.001], [lon, lat]]
    corner = {"type": "Polygon", "coordinates": [ring]}
    assert lamp.code in selected({"intersects": corner})
    assert lamp.code not in selected({"within": corner})


@QUICK
@given(positions(), st.floats(0, 3000))
def test_near_points(selected: Select, position: tuple[float, float], metres: float) -> None:
    lamps = [a for a in CITY if a.kind == "streetlight" and a.point is not None]
    distances = {a.code: GEOD.inv(*position, *(a.point or (0, 0)))[2] for a in lamps}
    assume(all(abs(distance - metres) > 1e-4 for distance in distances.values()))
    where = {"kinds": ["STREETLIGHT"], "near": near(position, metres)}
    assert selected(where) == {code for code, distance in distances.items() if distance <= metres}


@QUICK
@given(positions(), st.floats(1, 3000))
def test_near_anything(
    selected: Select, reader: Connection, position: tuple[float, float], metres: float
) -> None:
    rows = reader.execute(
        "SELECT code, ST_Distance(geom::geography, ST_SetSRID(ST_Point(%s, %s), 4326)::geography)"
        " FROM api.asset WHERE geom IS NOT NULL",
        position,
    ).fetchall()
    assume(all(abs(distance - metres) > 1e-4 for _, distance in rows))
    assert selected({"near": near(position, metres)}) == {
        code for code, distance in rows if distance <= metres
    }


def near(position: tuple[float, float], metres: float) -> dict[str, Any]:
    return {"position": {"lon": position[0], "lat": position[1]}, "metres": metres}


# Cells


@QUICK
@given(positions(), st.lists(st.integers(0, 15), min_size=1, max_size=4))
def test_own_cells(selected: Select, position: tuple[float, float], resolutions: list[int]) -> None:
    wanted = [h3.latlng_to_cell(position[1], position[0], resolution) for resolution in resolutions]
    expected = brute(
        lambda a: (
            a.cell is not None and any(h3.cell_to_parent(a.cell, h3.get_resolution(c)) == c for c in wanted)
        )
    )
    assert selected({"cells": {"cells": wanted}}) == expected


@QUICK
@given(positions(), st.integers(5, 13), st.integers(0, 4))
def test_disks(selected: Select, position: tuple[float, float], resolution: int, steps: int) -> None:
    middle = h3.latlng_to_cell(position[1], position[0], resolution)
    cells = set(h3.grid_disk(middle, steps))
    own = brute(lambda a: a.cell is not None and h3.cell_to_parent(a.cell, resolution) in cells)
    assert selected({"disk": {"cell": middle, "steps": steps, "mode": "OWN"}}) == own


@QUICK
@given(positions().filter(lambda p: p[0] < 170), st.integers(6, 12), st.integers(0, 2))
def test_hexagons_themselves(
    selected: Select, position: tuple[float, float], resolution: int, steps: int
) -> None:
    middle = h3.latlng_to_cell(position[1], position[0], resolution)
    hexagons = [
        shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(cell)])
        for cell in h3.grid_disk(middle, steps)
    ]
    touching = placed(lambda g: any(g.intersects(hexagon) for hexagon in hexagons))
    assert selected({"disk": {"cell": middle, "steps": steps, "mode": "TOUCHES"}}) == touching


def test_a_hexagon_across_the_antimeridian(selected: Select) -> None:
    lamp = next(a for a in CITY if a.kind == "streetlight" and a.point is not None and a.point[0] < -179)
    cell = h3.latlng_to_cell((lamp.point or (0, 0))[1], 180.0, 7)
    meeting = selected({"cells": {"cells": [cell], "mode": "TOUCHES"}})
    assert any(a.code in meeting and (a.point or (0, 0))[0] > 179 for a in CITY)
    assert any(a.code in meeting and (a.point or (0, 0))[0] < -179 for a in CITY)


# What assets are

some = st.sampled_from
attribute_filters = st.one_of(
    st.tuples(
        st.just(("streetlight", "power")), some(["eq", "lt", "lte", "gt", "gte"]), some([50, 100, 150.5, 200])
    ),
    st.tuples(st.just(("streetlight", "power")), st.just("in"), st.lists(some([50, 150.5]))),
    st.tuples(st.just(("streetlight", "lamp")), st.just("isNull"), st.booleans()),
    st.tuples(
        st.just(("streetlight", "circuit")),
        some(["eq", "contains", "startsWith", "lt", "gte"]),
        some(["A", "A1", "B_", "%", "B%", "_"]),
    ),
    st.tuples(st.just(("building", "levels")), some(["eq", "lt", "gte"]), st.integers(0, 45)),
    st.tuples(
        st.just(("elevator", "lastInspection")), some(["eq", "lt", "gte"]), some(["2024-03-15", "2024-05-01"])
    ),
).map(lambda drawn: {drawn[0][0]: {drawn[0][1]: {drawn[1]: drawn[2]}}})
simple = st.one_of(
    st.lists(st.sampled_from(["STREETLIGHT", "BUILDING", "ELEVATOR"])).map(lambda names: {"kinds": names}),
    st.lists(st.sampled_from(["IN_SERVICE", "PLANNED", "RETIRED"])).map(lambda names: {"status": names}),
    st.sampled_from(["310115", "310101", "310115001", "310000", "999999"]).map(lambda d: {"division": d}),
    st.lists(st.sampled_from(["survey", "council", "none"])).map(lambda names: {"datasets": names}),
    st.sampled_from(["灯杆", "人民", "lamp pole 1", "nanjing", "南京路", "_5", "0%", "%_%", "P1", "1号"]).map(
        lambda text: {"text": text}
    ),
    st.sampled_from(["P3", "p-12", "P0", "zz"]).map(lambda value: {"identifiers": [{"value": value}]}),
    attribute_filters,
)
trees = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: {"and": parts}),
        st.lists(inner, max_size=3).map(lambda parts: {"or": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=6,
)


def meets(asset: Asset, where: dict[str, Any]) -> bool:
    return all(MEANINGS.get(name, of_kind(name))(asset, value) for name, value in where.items())


def of_kind(name: str) -> Callable[[Asset, Any], bool]:
    def check(asset: Asset, where: dict[str, Any]) -> bool:
        return asset.kind == name and all(
            compares(asset.attributes.get(snake(member)), *condition_)
            for member, conditions in where.items()
            for condition_ in conditions.items()
        )

    return check


def snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "in": lambda value, operand: value in operand,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "contains": operator.contains,
    "startsWith": str.startswith,
}


def compares(value: Any, name: str, operand: Any) -> bool:
    if name == "isNull":
        return bool((value is None) == operand)
    return value is not None and bool(OPERATIONS[name](value, operand))


MEANINGS: dict[str, Callable[[Asset, Any], bool]] = {
    "kinds": lambda asset, names: asset.kind.upper() in names,
    "status": lambda asset, names: asset.status.upper() in names,
    "division": lambda asset, code: asset.division.startswith(code) or code == "310000",
    "datasets": lambda asset, names: asset.dataset in names,
    "text": lambda asset, text: asset.words is not None and folded(text) in asset.words,
    "identifiers": lambda asset, wanted: any(
        value in {wanted[0]["value"], wanted[0]["value"].upper().replace("-", "")}
        for _, value in asset.identifiers
    ),
    "and": lambda asset, parts: all(meets(asset, part) for part in parts),
    "or": lambda asset, parts: any(meets(asset, part) for part in parts),
    "not": lambda asset, part: not meets(asset, part),
}


@settings(QUICK, max_examples=200)
@given(trees)
def test_filters_of_every_shape(selected: Select, where: dict[str, Any]) -> None:
    assert selected(where) == brute(lambda asset: meets(asset, where))


def test_an_identifier_by_scheme(selected: Select) -> None:
    bearers = brute(lambda a: ("vin", "1M8GDM9AXKP042788") in a.identifiers)
    assert len(bearers) == 1
    assert selected({"identifiers": [{"scheme": "vin", "value": "1m8-gdm9 axkp042788"}]}) == bearers
    assert selected({"identifiers": [{"scheme": "pole_number", "value": "1M8GDM9AXKP042788"}]}) == set()


def test_wildcards_are_letters(selected: Select) -> None:
    """Words that hold both pairs of characters of the text, yet not the text."""
    assert any("%_" in (a.words or "") and "_%" in (a.words or "") for a in CITY)
    assert selected({"text": "%_%"}) == set()
    assert selected({"text": "%_"}) == brute(lambda a: "%_" in (a.words or ""))


def test_nothing_asked_is_everything(selected: Select) -> None:
    assert selected(None) == selected({}) == selected({"bbox": None}) == brute(lambda asset: True)


# Mistakes

SQUARE = [[0, 0], [1, 0], [1, 1], [0, 0]]
MISTAKES: list[tuple[Any, str, str]] = [
    ([], "input.type", "where"),
    ({"kind": ["ROAD"]}, "input.unknown", "where"),
    ({"kinds": ["LAMP"]}, "input.value", "where.kinds[0]"),
    ({"kinds": [3]}, "input.type", "where.kinds[0]"),
    ({"status": ["in_service"]}, "input.value", "where.status[0]"),
    ({"division": 310115}, "input.type", "where.division"),
    ({"division": "3101\0"}, "input.nul", "where.division"),
    ({"text": "灯\0杆"}, "input.nul", "where.text"),
    ({"bbox": [1, 2, 3]}, "input.type", "where.bbox"),
    ({"bbox": [1, 5, 3, 4]}, "input.bbox", "where.bbox"),
    ({"bbox": [1, 2, 3, float("nan")]}, "input.range", "where.bbox[3]"),
    ({"bbox": [1, 2, 3, True]}, "input.type", "where.bbox[3]"),
    ({"bbox": list(range(9))}, "input.limit", "where.bbox"),
    ({"within": {"type": "Point", "coordinates": [1, 2]}}, "input.value", "where.within.type"),
    ({"within": {"type": "Polygon"}}, "input.missing", "where.within"),
    ({"within": {"type": "Polygon", "coordinates": []}}, "input.geometry", "where.within"),
    ({"within": {"type": "Polygon", "coordinates": 5}}, "input.type", "where.within.coordinates"),
    (
        {"within": {"type": "Polygon", "coordinates": [SQUARE[:3]]}},
        "input.geometry",
        "where.within.coordinates[0]",
    ),
    (
        {"within": {"type": "Polygon", "coordinates": [[*SQUARE[:3], [2, 2]]]}},
        "input.geometry",
        "where.within.coordinates[0]",
    ),
    (
        {"within": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}},
        "input.geometry",
        "where.within",
    ),
    (
        {"intersects": {"type": "LineString", "coordinates": [[0, 0], [200, 0]]}},
        "input.geometry",
        "where.intersects.coordinates[1]",
    ),
    (
        {"intersects": {"type": "LineString", "coordinates": [[0, 0], ["a", 0]]}},
        "input.type",
        "where.intersects.coordinates[1]",
    ),
    (
        {"intersects": {"type": "MultiPoint", "coordinates": [[0, 0]] * 20_001}},
        "input.limit",
        "where.intersects.coordinates",
    ),
    ({"near": {"metres": 5}}, "input.missing", "where.near"),
    ({"near": {"position": {"lon": 200, "lat": 0}, "metres": 5}}, "input.range", "where.near.position.lon"),
    ({"near": {"position": {"lon": 0, "lat": 0}, "metres": -1}}, "input.range", "where.near.metres"),
    ({"cells": {"cells": ["8f309e69a8a1a4"]}}, "input.cell", "where.cells.cells[0]"),
    ({"cells": {"cells": ["8f309e69a8a1a40"] * 1_001}}, "input.limit", "where.cells.cells"),
    ({"cells": {"cells": [], "mode": "NEAR"}}, "input.value", "where.cells.mode"),
    ({"disk": {"cell": "87309e69affffff", "steps": 18}}, "input.range", "where.disk.steps"),
    ({"identifiers": [{"value": " "}]}, "input.text", "where.identifiers[0].value"),
    ({"text": "a"}, "input.text", "where.text"),
    ({"text": "x" * 2_000}, "input.limit", "where.text"),
    ({"streetlight": {"power": {"gt": "100"}}}, "input.type", "where.streetlight.power.gt"),
    ({"streetlight": {"power": {"contains": 1}}}, "input.unknown", "where.streetlight.power"),
    ({"streetlight": {"lamp": {"eq": "led"}}}, "input.value", "where.streetlight.lamp.eq"),
    ({"streetlight": {"circuit": {"contains": ""}}}, "input.text", "where.streetlight.circuit.contains"),
    ({"pipeline": {"cables": {"eq": 2**70}}}, "input.range", "where.pipeline.cables.eq"),
    (
        {"elevator": {"lastInspection": {"lt": "2024-13-01"}}},
        "input.type",
        "where.elevator.lastInspection.lt",
    ),
    ({"building": {"kinds": ["ROAD"]}}, "input.unknown", "where.building"),
    ({"or": [{"not": {"text": "y"}}]}, "input.text", "where.or[0].not.text"),
    ({"or": [{"text": "yy"}] * 201}, "input.limit", "where.or"),
    (
        {"and": [{"or": [{"text": "yy"}] * 100}, {"or": [{"text": "yy"}] * 100}]},
        "input.limit",
        "where.and[1].or[97].text",
    ),
]


@pytest.mark.parametrize(("where", "code", "path"), MISTAKES)
def test_mistakes_are_named_with_their_place(where: Any, code: str, path: str) -> None:
    with pytest.raises(TwinError) as caught:
        condition(where)
    assert (caught.value.code, caught.value.details["path"]) == (code, path)
    assert path in caught.value.text("en")
    assert path in caught.value.text("zh")


def test_nesting_has_an_end() -> None:
    where: dict[str, Any] = {"text": "yy"}
    for _ in range(8):
        where = {"not": where}
    with pytest.raises(TwinError) as caught:
        condition(where)
    assert caught.value.code == "input.depth"


# Indexes and scope

CELL = h3.latlng_to_cell(31.23, 121.47, 9)
INDEXES: list[tuple[Any, str]] = [
    ({"bbox": [121.4, 31.2, 121.5, 31.3]}, "geom_idx"),
    ({"within": {"type": "Polygon", "coordinates": [SQUARE]}}, "geom_idx"),
    ({"intersects": {"type": "Polygon", "coordinates": [SQUARE]}}, "geom_idx"),
    ({"near": near((121.47, 31.23), 500)}, "geom_idx"),
    ({"cells": {"cells": [CELL]}}, "cell_idx"),
    ({"cells": {"cells": [CELL], "mode": "TOUCHES"}}, "geom_idx"),
    ({"disk": {"cell": CELL, "steps": 3}}, "cell_idx"),
    ({"division": "310115"}, "division_idx"),
    ({"datasets": ["survey"]}, "dataset_id_source_key"),
    ({"identifiers": [{"scheme": "pole_number", "value": "P3"}]}, "asset_streetlight_1_pkey"),
    ({"text": "灯杆"}, "words_idx"),
    ({"streetlight": {"power": {"gte": 100}}}, "asset_streetlight_1_power"),
    ({"streetlight": {"lamp": {"eq": "LED"}}}, "asset_streetlight_1_lamp"),
    ({"streetlight": {"circuit": {"in": ["A1"]}}}, "asset_streetlight_1_circuit"),
    ({"building": {"levels": {"lt": 3}}}, "asset_building_1_levels"),
    ({"elevator": {"lastInspection": {"lt": "2024-02-01"}}}, "asset_elevator_1_last_inspection"),
]


@pytest.mark.parametrize(("where", "index"), INDEXES)
def test_every_filter_can_use_its_index(city_url: str, where: Any, index: str) -> None:
    with connect(city_url) as connection:
        connection.execute("SET enable_seqscan = off")
        text, arguments = compiled(page(PageWanted(where, rows=False, total=True), 100).statement)
        plan = "\n".join(row[0] for row in connection.execute("EXPLAIN " + text, arguments).fetchall())
    assert index in plan


@pytest.mark.parametrize(
    ("scope", "visible"),
    [
        ({"kinds": ["building"]}, lambda a: a.kind == "building"),
        ({"divisions": ["310115001"]}, lambda a: a.division == "310115001"),
        ({"kinds": ["streetlight"], "divisions": ["310115001"]},
         lambda a: a.kind == "streetlight" and a.division == "310115001"),
        ({}, lambda a: True),
        ("", lambda a: False),
    ],
)  # fmt: skip
def test_nobody_sees_beyond_the_scope(city_url: str, scope: object, visible: Callable[[Asset], bool]) -> None:
    with connect(city_url, scope) as connection:
        assert codes_of(connection, None) == brute(visible)
        for where in (
            near_everything,
            {"text": "灯杆"},
            {"division": "310115"},
            {"identifiers": [{"value": "P3"}]},
        ):
            assert codes_of(connection, where) <= brute(visible)


near_everything = {"bbox": [-180, -90, 180, 90]}


def test_the_api_role_reads_views_only(city_url: str) -> None:
    with connect(city_url) as connection:
        tables = [
            "asset",
            f"asset_{kind('streetlight').name}",
            "asset_version",
            "identifier",
            "setting",
            "load",
        ]
        for table in tables:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT * FROM twin.{table}")
