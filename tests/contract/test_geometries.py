"""Geometries by their arguments: as PostGIS writes them, the same of planner and executor."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import psycopg
import pytest
import shapely
from pyproj import Geod

from tests.contract.test_graphql import CITY
from tests.contract.test_planner import Api
from tests.registry_rows import Asset, classes, code, insert_city
from twin.registry.query.geometries import LONGEST_DEGREE
from twin.registry.query.inputs import Given
from twin.registry.query.read import by_identifier
from twin.registry.query.selection import Asked
from twin.registry.query.sql import compiled

GEOD = Geod(ellps="WGS84")


def wave(lon: float, lat: float, metres: float) -> shapely.LineString:
    """A line from west to east of a hundred vertices, which wobbles by so many metres in both directions."""
    steps = np.arange(100)
    easts, norths = 20 * steps + metres * np.sin(steps * 2.1), metres * np.cos(steps * 1.7)
    east, north = GEOD.fwd(lon, lat, 90, 1)[0] - lon, GEOD.fwd(lon, lat, 0, 1)[1] - lat
    return shapely.LineString(np.column_stack([lon + easts * east, lat + norths * north]))


def asset(kind: str, number: int, geometry: Any) -> Asset:
    return Asset(kind, code(classes(kind), number), geometry, "310115", f"{kind}-{number}")


LINES = {lat: asset("pipeline", 9_000 + lat, wave(121.5, lat, 4)) for lat in (0, 31, 60, 80)}
RING = shapely.Point(121.5, 31.2).buffer(0.001, quad_segs=64)
COURT = asset("building", 9_001, shapely.Polygon(RING.exterior, [RING.buffer(-0.00002).exterior.coords]))
LAMP = asset("streetlight", 9_001, shapely.Point(121.123456789012345, 31.2, 8.5))
HOUSE = next(a for a in CITY if a.division == "310115")


@pytest.fixture(scope="module")
def api(new_database: Callable[[], str]) -> Iterator[Api]:
    url = new_database()
    with psycopg.connect(url, autocommit=True) as owner:
        insert_city(owner, [*CITY, *LINES.values(), COURT, LAMP])
        boundary = shapely.MultiPolygon([RING])
        owner.execute(
            "UPDATE twin.division SET boundary = ST_GeomFromWKB(%s, 4326) WHERE code = '310115'",
            [shapely.to_wkb(boundary)],
        )
    opened = Api(url.replace("twin_owner@", "twin_api@"))
    yield opened
    opened.close()


@pytest.fixture
def run(api: Api) -> Callable[..., dict[str, Any]]:
    """The answer that planner and executor give alike."""

    def run_(document: str, **variables: Any) -> dict[str, Any]:
        planned = api.planned(document, variables)
        assert planned is not None
        assert planned == api.executed(document, variables)
        answer: dict[str, Any] = json.loads(planned)
        return answer

    return run_


Run = Callable[..., dict[str, Any]]


def file(run: Run, asset_code: str, fields: str) -> dict[str, Any]:
    answer = run(f"query($c: String!) {{ asset(code: $c) {{ {fields} }} }}", c=asset_code)
    found: dict[str, Any] = answer["data"]["asset"]
    return found


def test_the_three_forms_say_the_same(run: Run) -> None:
    for one in (LAMP, COURT, *LINES.values()):
        found = file(run, one.code, "geometry(precision: 15) wkt(precision: 15) wkb")
        assert shapely.from_wkb(found["wkb"]).equals_exact(one.geometry, 0)
        assert shapely.to_wkb(one.geometry, hex=True, flavor="iso").lower() == found["wkb"]
        for read in (shapely.from_wkt(found["wkt"]), shapely.geometry.shape(found["geometry"])):
            assert read.equals_exact(one.geometry, 1e-13)
    assert file(run, LAMP.code, "wkt")["wkt"] == "POINT Z (121.123456789 31.2 8.5)".replace("456789", "4568")
    nowhere = next(a for a in CITY if a.geometry is None)
    assert file(run, nowhere.code, "geometry(simplify: 1) wkt wkb") == {
        "geometry": None, "wkt": None, "wkb": None,
    }  # fmt: skip


@pytest.mark.parametrize("precision", [0, 3, 7, 12, 15])
def test_precision_is_of_decimals(run: Run, precision: int) -> None:
    found = file(run, COURT.code, f"geometry(precision: {precision}) wkt(precision: {precision})")
    exterior = found["geometry"]["coordinates"][0]
    assert len(exterior) == len(COURT.geometry.exterior.coords)  # type: ignore[union-attr]
    for place, stored in zip(exterior, COURT.geometry.exterior.coords, strict=True):  # type: ignore[union-attr]
        assert place == pytest.approx(stored, abs=0.5000001 * 10**-precision)
        assert all(len(str(number).partition(".")[2]) <= precision or precision == 0 for number in place)
    assert shapely.from_wkt(found["wkt"]).exterior.coords[:] == [
        tuple(map(float, place)) for place in exterior
    ]


@pytest.mark.parametrize("metres", [0, 1, 5, 10, 60])
@pytest.mark.parametrize("latitude", LINES)
def test_nothing_is_simplified_by_more_than_the_metres(run: Run, latitude: int, metres: float) -> None:
    line = LINES[latitude]
    found = file(run, line.code, f"wkb(simplify: {metres})")
    left, stored = shapely.from_wkb(found["wkb"]), line.geometry
    assert isinstance(stored, shapely.LineString)
    assert set(left.coords) <= set(stored.coords), "vertices that remain are those that were stored"
    segments = [segment for ends in pairwise(left.coords) for segment in [ends]]
    for vertex in stored.coords:
        assert min(metres_between(vertex, segment) for segment in segments) <= metres + 1e-3
    if metres > 20 / math.cos(math.radians(latitude)):
        assert len(left.coords) < 30


def metres_between(vertex: tuple[float, ...], segment: tuple[tuple[float, ...], ...]) -> float:
    """The geodesic distance from a vertex to a line that is straight in degrees."""
    (lon, lat), (west, south), (east, north) = vertex, *segment
    shares = np.linspace(0, 1, 400)
    lons, lats = west + shares * (east - west), south + shares * (north - south)
    return float(GEOD.inv(np.full(400, lon), np.full(400, lat), lons, lats)[2].min())


def test_rings_neither_vanish_nor_cross(run: Run) -> None:
    for metres in (1, 30, 3_000, 100_000):
        found = file(run, COURT.code, f"wkb(simplify: {metres}) geometry(simplify: {metres}, precision: 15)")
        left = shapely.from_wkb(found["wkb"])
        assert left.is_valid
        assert len(left.interiors) == 1
        assert shapely.geometry.shape(found["geometry"]).equals_exact(left, 1e-13)
    assert len(left.exterior.coords) < len(RING.exterior.coords) / 10


def test_one_field_by_many_arguments(run: Run) -> None:
    document = """
    query($few: Int, $much: Float) {
      assets(where: { kinds: [BUILDING, PIPELINE] }, first: 200) { nodes {
        geometry none: geometry(precision: null) few: geometry(precision: $few)
        much: geometry(simplify: $much) both: geometry(precision: $few, simplify: $much)
        text: wkt(precision: $few) ... on Building { own: geometry(precision: 1) wkb(simplify: $much) }
        ... on Pipeline { own: geometry(precision: 2) wkb }
        parent { g: geometry(precision: $few)
          division { boundary(precision: $few) s: boundary(simplify: 9) } }
        children(first: 2) { nodes { geometry wkt(precision: 1) g: wkt(precision: $few) } }
      } } }"""
    for variables in ({"few": 2, "much": 50.0}, {"few": 5}, {"much": 0.5}, {}, {"few": None, "much": 3}):
        nodes = run(document, **variables)["data"]["assets"]["nodes"]
        assert len(nodes) > 100
        for node in nodes:
            assert node["none"] == node["geometry"]
            assert decimals(node["few"]) <= (variables.get("few") or 7)
            some, all_of = (shapely.geometry.shape(node[name]) for name in ("few", "geometry"))
            near = 10.0 ** -(variables.get("few") or 7)
            assert np.allclose(shapely.get_coordinates(some), shapely.get_coordinates(all_of), 0, near)
            if variables.get("much") is None:
                assert (node["much"], node["both"]) == (node["geometry"], node["few"])
    plain, few = nodes[0]["geometry"], nodes[0]["text"]
    assert shapely.from_wkt(few).equals_exact(shapely.geometry.shape(plain), 1e-9)


def decimals(written: object) -> int:
    """The most decimals of a number in a geometry."""
    return max(map(len, re.findall(r"(?<=\.)\d+", json.dumps(written))), default=0)


def test_kinds_may_ask_differently_under_one_name(run: Run) -> None:
    document = """{ assets(first: 1000) { nodes {
      kind ... on Building { g: wkt(precision: 1) c: children(first: 1) { nodes { code } } }
      ... on Pipeline { g: wkt(precision: 3) c: children(first: 0) { totalCount } }
      ... on Elevator { g: wkt(precision: 6) }
    } } }"""
    most: dict[str, int] = {}
    children: dict[str, int] = {}
    for node in run(document)["data"]["assets"]["nodes"]:
        most[node["kind"]] = max(decimals(node.get("g")), most.get(node["kind"], 0))
        children[node["kind"]] = max(children.get(node["kind"], 0), len(node.get("c", {}).get("nodes", [])))
    assert {kind: most[kind] for kind in ("BUILDING", "PIPELINE", "ELEVATOR")} == {
        "BUILDING": 1, "PIPELINE": 3, "ELEVATOR": 6,
    }  # fmt: skip
    assert children["BUILDING"] == 1


def test_boundaries(run: Run) -> None:
    document = """query($p: Int, $s: Float) {
      division(code: "310115") { boundary b: boundary(precision: $p) s: boundary(simplify: $s) parent { boundary(precision: 2) } }
      divisions(level: 6) { code boundary(precision: $p, simplify: $s) path { boundary(precision: 1) } }
      registry { home { boundary(simplify: $s) code } }
      asset(code: "%s") { division { path { code b: boundary(precision: $p) } } }
    }"""  # noqa: E501
    found = run(document % HOUSE.code, p=3, s=20)["data"]
    whole, few, simple = (found["division"][name] for name in ("boundary", "b", "s"))
    assert len(few["coordinates"][0][0]) == len(whole["coordinates"][0][0]) > 100
    assert simple["type"] == whole["type"] == "MultiPolygon"
    assert 4 <= len(simple["coordinates"][0][0]) < 40
    own = next(one for one in found["divisions"] if one["code"] == "310115")
    assert len(own["boundary"]["coordinates"][0][0]) == len(simple["coordinates"][0][0])
    assert {one["code"]: one["b"] for one in found["asset"]["division"]["path"]}["310115"] == few


BAD = [
    ("geometry(precision: -1)", "geometry.precision"),
    ("geometry(precision: 16)", "geometry.precision"),
    ("wkt(precision: 2147483647)", "wkt.precision"),
    ("geometry(simplify: -0.1)", "geometry.simplify"),
    ("wkt(simplify: 100000.1)", "wkt.simplify"),
    ("wkb(simplify: 1e300)", "wkb.simplify"),
    ("division { boundary(precision: -1) }", "boundary.precision"),
    ("parent { geometry(precision: 99) }", "geometry.precision"),
    ("children { nodes { wkb(simplify: -5) } }", "wkb.simplify"),
]


@pytest.mark.parametrize(("fields", "member"), BAD)
def test_what_is_out_of_range_is_told(run: Run, fields: str, member: str) -> None:
    for question in (f'asset(code: "{LAMP.code}")', "nearest(position: { lon: 1, lat: 1 })", "assets"):
        inner = {"asset": "{}", "nearest": "{{ asset {} }}", "assets": "{{ nodes {} }}"}
        document = f"{{ {question} {inner[question.partition('(')[0]].format(f'{{ {fields} }}')} }}"
        answer = run(document)
        (error,) = answer["errors"]
        assert (error["extensions"]["code"], error["extensions"]["member"]) == ("input.range", member)
        assert error["path"] == [question.partition("(")[0]]
        assert member in error["extensions"]["zh"]


@pytest.mark.parametrize("value", ["NaN", "Infinity", 1e400, "7", True, [7], 1.5])
def test_what_is_no_number_is_told(api: Api, value: Any) -> None:
    document = "query($p: Int) { assets { nodes { geometry(precision: $p) } } }"
    assert api.planned(document, {"p": value}) in (None, api.executed(document, {"p": value}))
    assert b'"graphql.validation"' in api.executed(document, {"p": value})


def test_arguments_are_bound() -> None:
    """No value is part of a statement's text."""
    asked = Asked("geometry", arguments={"precision": 11, "simplify": 12.5})
    boundary = Asked("boundary", arguments={"precision": 13, "simplify": 27.0})
    question = by_identifier(Given({"value": "P3"}, "identifier"), [asked, Asked("division", (boundary,))])
    text, parameters = compiled(question.statement)
    wanted = [11, 12.5 / LONGEST_DEGREE, 13, 27 / LONGEST_DEGREE]
    names = [next(name for name, found in parameters.items() if found == value) for value in wanted]
    assert all(f"%({name})s" in text for name in names)
