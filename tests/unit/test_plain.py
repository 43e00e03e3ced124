"""Geometries that are read as arrays: nothing unsound passes, and what passes is as GEOS has it."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import affinity

from loaders import arrow
from spatial.arrays import GeometryArray
from spatial.geometry import asset_points
from spatial.plain import Plain, point_wkb, read_plain

COORDINATES = st.one_of(
    st.integers(0, 6).map(float), st.floats(-180, 180), st.integers(0, 40).map(lambda n: 121.5 + n * 1e-5)
)
SQUARE = [(0, 0), (9, 0), (9, 9), (0, 9)]
RINGS = st.lists(st.tuples(COORDINATES, COORDINATES), min_size=3, max_size=26)
Ring = list[tuple[float, float]]


def read(shapes: GeometryArray) -> Plain:
    column = arrow.binaries(shapely.to_wkb(shapes, byte_order=1))
    return read_plain(*arrow.binary_parts(column), points=True, polygons=True)


def hold(shapes: GeometryArray) -> Plain:
    """What passes, seen to be valid, and to stand where GEOS finds a point within it."""
    found = read(shapes)
    sound = shapes[found.rows]
    assert shapely.is_valid(sound).all() and (np.diff(found.rows) > 0).all()
    lon, lat = asset_points(sound)
    np.testing.assert_array_equal((found.lon, found.lat), (lon, lat))
    np.testing.assert_array_equal(found.bounds, shapely.bounds(sound).reshape(-1, 4))
    return found


@given(st.lists(RINGS, min_size=1, max_size=20))
def test_what_passes_is_valid_and_stands_where_geos_says(rings: list[Ring]) -> None:
    shapes = np.array([shapely.Polygon(ring) for ring in rings] + [None], dtype=object)
    hold(shapes)


@given(st.lists(st.tuples(RINGS, RINGS), min_size=1, max_size=20))
def test_courtyards_that_pass_are_valid_too(polygons: list[tuple[Ring, Ring]]) -> None:
    hold(np.array([shapely.Polygon(outer, [inner]) for outer, inner in polygons], dtype=object))


@given(st.integers(3, 11), st.integers(3, 11), st.floats(0.05, 1.5), st.integers(0, 2**32 - 1))
def test_rings_around_each_other_that_pass_are_valid_too(
    outer: int, inner: int, size: float, seed: int
) -> None:
    draws = np.random.default_rng(seed)
    rings = [
        np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius * draws.uniform(0.7, 1.3, (count, 1))
        for count, radius in ((outer, 1.0), (inner, size))
        for angles in [np.sort(draws.uniform(0, 2 * np.pi, count))]
    ]
    hold(np.array([shapely.Polygon(rings[0], [rings[1]])], dtype=object))


def test_what_cities_are_made_of_passes() -> None:
    outlines = [
        [(0, 2), (2, 2), (2, 0), (4, 0), (4, 2), (6, 2), (6, 4), (4, 4), (4, 6), (2, 6), (2, 4), (0, 4)],
        [(0, 0), (4, 0), (4, 3), (0, 3)],
        [(0, 0), (6, 0), (6, 2), (2, 2), (2, 5), (0, 5)],
        [(0, 0), (6, 0), (6, 5), (4, 5), (4, 2), (2, 2), (2, 4), (0, 4)],
        [(0, 0), (2, 0), (4, 0), (4, 3), (0, 3)],
    ]
    outlines += [[(x, -y) for x, y in outline] for outline in outlines]
    placed = [[(121.5 + x * 1e-4, 31.2 + y * 1e-4) for x, y in outline] for outline in outlines]
    shapes = np.array([shapely.Point(1, 2), *map(shapely.Polygon, placed), None], dtype=object)
    assert hold(shapes).rows.tolist() == list(range(1 + len(outlines)))


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize("angle", [0, 17, 90])
def test_courtyards_pass_among_others(turn: int, angle: float) -> None:
    court = [(1, 1), (2, 1), (2, 3), (1, 3)][::turn]
    shapes = [shapely.Polygon(SQUARE, [court]), shapely.Polygon(SQUARE), shapely.Polygon(court)]
    shapes = [affinity.translate(affinity.rotate(shape, angle, (0, 0)), 121.5, 31.2) for shape in shapes]
    assert hold(np.array(shapes, dtype=object)).rows.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "shape",
    [
        shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)]),
        shapely.Polygon([(0, 3), (2, -3), (-3, 1), (3, 1), (-2, -3)]),
        shapely.Polygon([(0, 0), (4, 0), (4, 4), (2, 0), (0, 4)]),
        shapely.Polygon([(0, 0), (4, 0), (8, 0), (4, 0)]),
        shapely.Polygon([(0, 0), (4, 0), (4, 4), (4, 0), (0, 4)]),
        shapely.Polygon([(0, 0), (4, 0), (0, 4)]).buffer(0).boundary,
        shapely.Polygon(SQUARE, [[(8, 8), (12, 8), (12, 12), (8, 12)]]),
        shapely.Polygon(SQUARE, [[(1, 1), (2, 1), (9, 2)]]),
        shapely.Polygon(SQUARE, [[(11, 1), (12, 1), (12, 2)]]),
        shapely.Polygon(SQUARE, [[(-1, -1), (10, -1), (10, 10), (-1, 10)]]),
        shapely.Polygon(SQUARE, [[(1, 1), (3, 3), (3, 1), (1, 3)]]),
        shapely.Polygon(SQUARE, [SQUARE]),
        shapely.Polygon(SQUARE, [[(1, 1), (2, 1), (2, 2)], [(5, 5), (6, 5), (6, 6)]]),
        shapely.MultiPoint([(0, 0), (1, 1)]),
        shapely.Point(),
        shapely.Point(1, 2, 3),
        shapely.Point(1, np.inf),
    ],
    ids=lambda shape: shape.wkt[:40],
)
def test_what_is_crossed_or_more_than_plain_does_not_pass(shape: shapely.Geometry) -> None:
    assert read(np.array([shape, None], dtype=object)[:1]).rows.tolist() == []


@pytest.mark.parametrize("shapes", [[], [None], [shapely.Point()], [shapely.Point(1, 2)]])
def test_what_holds_no_polygon_is_looked_through(shapes: list[shapely.Geometry | None]) -> None:
    assert len(hold(np.array(shapes, dtype=object)).rows) == sum(
        shape == shapely.Point(1, 2) for shape in shapes
    )


def test_points_are_written_as_they_are_read() -> None:
    x, y = np.array([121.5, -0.0]), np.array([31.2, 7.0])
    column = arrow.fixed_bytes(point_wkb(x, y))
    assert shapely.get_coordinates(shapely.from_wkb(arrow.objects(column))).tolist() == [
        [121.5, 31.2],
        [-0.0, 7.0],
    ]
