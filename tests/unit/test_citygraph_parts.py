"""The parts of the API that need no database."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

import numpy as np
import pytest
import shapely
from graphql import parse, validate
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from strawberry.utils.str_converters import to_camel_case

from citygraph.execution import schema
from citygraph.limits import DocumentLimits, Size
from spatial.geometry import asset_points
from twin.errors import TwinError
from twin.kinds import all_kinds
from twin.registry.query import geojson
from twin.registry.query.inputs import Given
from twin.registry.query.names import argument_label, attribute_label, camel, constant, stored
from twin.registry.query.ordering import Order, order, orders, read_cursor, where_hash, write_cursor
from twin.registry.query.position import position
from twin.registry.query.selection import Asked, asked, merged, node_fields
from twin.registry.query.sql import compiled
from twin.registry.query.where import condition
from twin.registry.tables import asset_view
from twin.registry.words import folded, searchable

# Names


def test_names_go_there_and_back() -> None:
    for kind in all_kinds().values():
        for attribute in kind.attributes:
            assert camel(attribute.name) == to_camel_case(attribute.name)
            assert len(attribute_label(kind, attribute)) <= 63, "PostgreSQL cuts longer names"
            for choice in attribute.choices:
                assert stored(constant(choice.value)) == choice.value


def test_labels_tell_arguments_apart() -> None:
    arguments = [
        {"first": 1},
        {"first": 2},
        {"after": "a" * 80},
        {"after": "a" * 79 + "b"},
        {"where": {"x": 2**70}},
    ]
    labels = {argument_label("children", one) for one in arguments}
    assert len(labels) == len(arguments)
    assert max(map(len, labels)) <= 63
    assert argument_label("children", {"first": None}) == argument_label("children", {}) == "children"


# Words


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)


def test_words_are_one_a_line() -> None:
    assert searchable(["ＬＥＤ  灯", None, "", "Nanjing\nRoad"]) == "led 灯\nnanjing road"
    assert searchable([None, " "]) is None


# Cursors

keys: dict[str, st.SearchStrategy[Any]] = {
    "CODE": st.none(),
    "CELL": st.none() | st.integers(-(2**63), 2**63 - 1),
    "NAME_DESC": st.none() | st.text().filter(lambda text: "\0" not in text),
    "INSTALLED": st.none() | st.dates().map(lambda day: day.isoformat()),
    "UPDATED": st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
}


@given(st.data(), st.sampled_from(list(keys)), st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_cursors_hold_their_place(data: st.DataObject, name: str, code: str) -> None:
    key, by, hashed = data.draw(keys[name]), order(Given(name, "orderBy"), None), where_hash({"text": code})
    place = read_cursor(Given(write_cursor(by, hashed, key, code), "after"), by, hashed)
    assert place is not None
    assert (place.key, place.code) == (key, code)


def test_the_arrangement_of_a_filter_does_not_matter() -> None:
    assert where_hash({"a": 1, "b": [2]}) == where_hash({"b": [2], "a": 1}) != where_hash({"a": 1, "b": [3]})
    assert where_hash(None) == where_hash({})


def test_orders_are_by_code_first() -> None:
    assert orders(None)[:2] == ["CODE", "CODE_DESC"]
    assert order(Given(None, "orderBy"), None) == Order("CODE", None)
    assert "POWER_DESC" in orders(all_kinds()["streetlight"])
    with pytest.raises(TwinError) as caught:
        order(Given("POWER", "orderBy"), None)
    assert caught.value.code == "input.value"


# Geometry

numbers = st.floats(-80, 80).map(lambda number: round(number, 4))
points = st.tuples(numbers, numbers)


@given(st.lists(points, min_size=2, max_size=6), st.lists(points, min_size=1, max_size=4))
def test_valid_geometries_are_taken_as_they_are(line: list[Any], several: list[Any]) -> None:
    made: list[Any] = [shapely.Point(several[0]), shapely.MultiPoint(several), shapely.LineString(line)]
    made += [shapely.MultiLineString([line]), shapely.Point(line[0]).buffer(1, 2)]
    for geometry in filter(lambda g: g.is_valid, made):
        given_ = Given({"type": geometry.geom_type, "coordinates": mapping(geometry)}, "where.intersects")
        assert geojson.geometry(given_).equals(geometry)


def mapping(geometry: Any) -> Any:
    return shapely.geometry.mapping(geometry)["coordinates"]


def test_heights_are_left_out() -> None:
    given_ = Given({"type": "Point", "coordinates": [1, 2, 3]}, "where.intersects")
    assert not geojson.geometry(given_).has_z


@pytest.mark.parametrize(
    "coordinates",
    [
        [[[1, 2], [3, 4], [5, 6], [1, 2]]] * 30_000,
        [[[[[[1]]]]]],
        [[1, 2], [[3]]],
        [[], [], []],
        [None],
        "1,2",
        {"0": 1},
        [[[1, 2], [3, 4], [5, 6], [1, math.inf]]],
    ],
)
@pytest.mark.parametrize("kind", list(geojson.DEPTHS))
def test_coordinates_of_any_shape_are_an_error(kind: str, coordinates: Any) -> None:
    with pytest.raises(TwinError) as caught:
        geojson.geometry(Given({"type": kind, "coordinates": coordinates}, "where.intersects"))
    assert caught.value.code.startswith("input.")
    assert str(caught.value.details["path"]).startswith("where.intersects")


shapes = st.one_of(
    points.map(shapely.Point),
    st.lists(points, min_size=1, max_size=3).map(shapely.MultiPoint),
    st.lists(points, min_size=2, max_size=5, unique=True).map(shapely.LineString),
    points.map(lambda at: shapely.Point(at).buffer(0.5, 3)),
)


@given(shapes)
def test_positions_are_spatials(geometry: Any) -> None:
    lon, lat = asset_points(np.array([geometry], dtype=object))
    hex_wkb = shapely.to_wkb(shapely.set_srid(geometry, 4326), hex=True, include_srid=True)
    assert position(hex_wkb) == {"lon": lon[0], "lat": lat[0]}


def test_no_geometry_is_nowhere() -> None:
    assert position(None) is None
    empty = shapely.set_srid(shapely.Polygon(), 4326)
    assert position(shapely.to_wkb(empty, hex=True, include_srid=True)) is None


# What is asked


def test_what_is_asked_twice_is_asked_once() -> None:
    fields = [Asked("parent", asked("name")), Asked("parent", asked("code")), *asked("name", "name")]
    together = merged(fields)
    assert [one.name for one in together] == ["parent", "name"]
    assert [one.name for one in together[0].fields] == ["name", "code"]


def test_nodes_and_edges_ask_for_assets() -> None:
    connection = (
        Asked("nodes", asked("name")),
        Asked("edges", (Asked("node", asked("code")), Asked("cursor"))),
    )
    assert [one.name for one in node_fields(connection)] == ["name", "code"]


# Statements


@given(st.lists(st.tuples(st.text("abc", min_size=2), st.integers(-5, 5)), min_size=2, max_size=4))
def test_a_statements_text_is_reused_and_its_values_are_not(values: list[tuple[str, int]]) -> None:
    texts = set()
    for text, number in values:
        where = {"text": text, "pipeline": {"cables": {"lt": number}}}
        made, arguments = compiled(select(asset_view.c.code).where(condition(where)))
        texts.add(made)
        assert text in arguments.values() and number in arguments.values()
    assert len(texts) == 1


# Limits


def sizes_of(document: str) -> list[str]:
    return [error.message for error in validate(schema()._schema, parse(document), [DocumentLimits])]


def test_sizes_add_up() -> None:
    assert Size(2, 3, 1).beside(Size(4, 1, 0)) == Size(4, 4, 1)
    assert Size(2, 3, 1).within_field(aliased=True, is_report=False) == Size(3, 4, 2)
    assert Size(2, 3, 1, 1).within_field(aliased=False, is_report=True) == Size(3, 4, 1, 2)


def test_a_usual_document_is_no_matter() -> None:
    assert sizes_of("{ assets { nodes { ...a } } } fragment a on Asset { code parent { name } }") == []


def test_introspection_is_no_matter() -> None:
    from graphql import get_introspection_query

    assert sizes_of(get_introspection_query()) == []


@settings(max_examples=5, deadline=None)
@given(st.integers(30, 200))
def test_doubling_fragments_are_measured_quickly(depth: int) -> None:
    fragments = " ".join(
        f"fragment f{n} on Asset {{ ...f{n + 1} a: parent {{ ...f{n + 1} }} }}" for n in range(depth)
    )
    began = time.perf_counter()
    problems = sizes_of(
        f"{{ assets {{ nodes {{ ...f0 }} }} }} {fragments} fragment f{depth} on Asset {{ code }}"
    )
    # Too deep, too many fields, too many aliases; very deep ones graphql-core gives up on by itself.
    assert len(problems) == 3 or problems == ["Validation aborted."]
    assert time.perf_counter() - began < 1


def test_many_fields_of_query_are_refused() -> None:
    fields = " ".join(f"a{n}: kinds {{ en }}" for n in range(21))
    assert len(sizes_of(f"{{ {fields} }}")) == 1


def test_a_document_runs_in_a_loop_of_its_own() -> None:
    from citygraph.context import Context
    from citygraph.execution import execute

    answer = asyncio.run(execute(Context(None), "{ kinds { kind field } }"))  # type: ignore[arg-type]
    assert {"kind": "BUILDING", "field": "buildings"} in answer["data"]["kinds"]
