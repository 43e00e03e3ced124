"""Geometry: the asset's point, validity and repair, lengths, areas and envelopes."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyproj import Geod
from shapely import from_wkt

from spatial.geometry import asset_points, from_wkb, geometry_type_names, repair, to_wkb, usable, validity
from spatial.measure import envelope_around, geodesic_area, geodesic_length

GEOD = Geod(ellps="WGS84")


def column(*texts: str | None) -> np.ndarray:
    return np.array([text and from_wkt(text) for text in texts], dtype=object)


def points(*texts: str | None) -> list[tuple[float, float]]:
    lon, lat = asset_points(column(*texts))
    return list(zip(lon.tolist(), lat.tolist(), strict=True))


def test_a_point_is_itself_and_of_several_the_first() -> None:
    assert points("POINT (1 2)", "POINT Z (1 2 3)", "MULTIPOINT (5 6, 1 2)") == [(1, 2), (1, 2), (5, 6)]


def test_nothing_has_no_point() -> None:
    found = points(None, "POINT EMPTY", "POLYGON EMPTY", "GEOMETRYCOLLECTION EMPTY", "POINT (1 2)")
    assert np.isnan(found[:4]).all()
    assert found[4] == (1, 2)


def test_coordinates_that_are_not_finite_give_no_point_and_spoil_no_other() -> None:
    broken = [
        shapely.points([np.nan, 1]),
        shapely.linestrings([[0, 0], [np.nan, 1]]),
        shapely.linestrings([[0, 0], [np.inf, 1]]),
        shapely.polygons([[0, 0], [1, 0], [np.nan, 1], [0, 0]]),
    ]
    fine = column("LINESTRING (0 0, 2 0)", "POINT (1 2)")
    lon, lat = asset_points(np.array([*broken, *fine], dtype=object))
    assert np.isnan(lon[:4]).all()
    assert (lon[4:].tolist(), lat[4:].tolist()) == ([1, 1], [0, 2])


def test_the_middle_is_half_the_length_along_on_the_ground() -> None:
    """100 m east and 100 m north at Helsinki: the middle is the corner, though the degrees differ by two."""
    east = GEOD.fwd(24.94, 60.17, 90, 100)[:2]
    north = GEOD.fwd(*east, 0, 100)[:2]
    lon, lat = asset_points(np.array([shapely.LineString([(24.94, 60.17), east, north])], dtype=object))
    assert GEOD.inv(lon[0], lat[0], *east)[2] < 0.01


LINES = st.lists(
    st.tuples(st.integers(-500, 500), st.integers(-500, 500)), min_size=2, max_size=8, unique=True
).map(lambda steps: shapely.LineString([(121 + x * 1e-5, 31 + y * 1e-5) for x, y in steps]))


@given(st.lists(LINES, min_size=1, max_size=5))
def test_the_middle_lies_on_the_line_and_halves_it(lines: list[shapely.LineString]) -> None:
    lon, lat = asset_points(np.array(lines, dtype=object))
    for line, x, y in zip(lines, lon, lat, strict=True):
        middle = shapely.Point(x, y)
        assert line.distance(middle) < 1e-12
        lengths = walked(line, middle)
        assert min(abs(a - GEOD.geometry_length(line) / 2) for a in lengths) < 0.01


def walked(line: shapely.LineString, middle: shapely.Point) -> list[float]:
    """The geodesic length up to the point, once for each segment that it lies on."""
    done, found = 0.0, []
    for a, b in zip(line.coords, line.coords[1:], strict=False):
        if shapely.LineString([a, b]).distance(middle) < 1e-12:
            found.append(done + GEOD.inv(*a, middle.x, middle.y)[2])
        done += GEOD.inv(*a, *b)[2]
    return found


def test_of_lines_the_longest_on_the_ground_of_polygons_the_largest() -> None:
    found = points(
        "MULTILINESTRING ((0 60, 0 61), (10 60, 11.5 60))",  # 111 km northwards, 83 km eastwards
        "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 1, 0 0)), ((5 5, 8 5, 8 8, 5 8, 5 5)))",
        "MULTILINESTRING ((0 0, 1 0), (5 0, 6 0))",  # equals: the first
        "LINESTRING (3 4, 3 4)",
    )
    assert found[0] == pytest.approx((0, 60.5))
    assert 5 < found[1][0] < 8
    assert found[2] == pytest.approx((0.5, 0))
    assert found[3] == (3, 4)


def test_a_collection_goes_by_its_highest_dimension() -> None:
    found = points(
        "GEOMETRYCOLLECTION (POINT (9 9), LINESTRING (0 0, 2 0))",
        "GEOMETRYCOLLECTION (POINT (9 9), POLYGON EMPTY)",
        "GEOMETRYCOLLECTION (LINESTRING (20 20, 90 80), GEOMETRYCOLLECTION (POLYGON ((0 0, 1 0, 1 1, 0 0))))",
    )
    assert found[:2] == [(1, 0), (9, 9)]
    assert 0 < found[2][1] < found[2][0] < 1


def ring(draw_angle: list[float], seed: int) -> shapely.Polygon:
    rng = np.random.default_rng(seed)
    angle = np.sort(np.array(draw_angle))
    far = rng.uniform(0.2, 1, len(angle)) * 1e-3
    return shapely.Polygon(np.column_stack([121 + far * np.cos(angle), 31 + far * np.sin(angle)]))


RINGS = st.builds(
    ring, st.lists(st.floats(0, 6.28), min_size=3, max_size=12, unique=True), st.integers(0, 999)
)


@given(st.lists(RINGS, min_size=1, max_size=4))
def test_the_point_of_a_polygon_lies_on_it(polygons: list[shapely.Polygon]) -> None:
    sound = [p for p in polygons if p.is_valid and p.area > 1e-12]
    lon, lat = asset_points(np.array([*sound, shapely.MultiPolygon(sound[:1])], dtype=object))
    for polygon, x, y in zip(sound, lon, lat, strict=False):
        assert polygon.intersects(shapely.Point(x, y))


BOW_TIE = "POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))"
SPIKED = "POLYGON ((0 0, 2 0, 2 2, 2 5, 2 2, 0 2, 0 0))"


def test_validity_gives_reasons_and_missing_is_not_invalid() -> None:
    valid, reasons = validity(column("POINT (1 2)", BOW_TIE, None, "LINESTRING (1 1, 1 1)"))
    assert valid.tolist() == [True, False, True, False]
    assert reasons[1].startswith("Self-intersection")
    assert reasons[0] == reasons[2] == ""


def test_repair_mends_only_what_is_broken_and_says_so() -> None:
    before = column("POLYGON ((0 0, 1 0, 1 1, 0 0))", BOW_TIE, None, SPIKED, "LINESTRING (1 1, 1 1)")
    original = before.copy()
    after, changes = repair(before)
    assert after[0] is before[0]
    assert all(a is b for a, b in zip(before, original, strict=True))
    assert geometry_type_names(after).tolist()[:4] == ["Polygon", "MultiPolygon", "", "Polygon"]
    assert after[1].area == 0.5
    assert after[3].area == 4
    assert after[4].is_empty
    assert [(c.row, c.parts) for c in changes] == [(1, 2), (3, 1), (4, 0)]
    assert "Self-intersection [0.5 0.5]" in changes[0].text("en")
    assert "MultiPolygon of 2 part" in changes[0].text("en")
    assert "自相交 [0.5 0.5]" in changes[0].text("zh")
    assert "nothing of it was left" in changes[2].text("en")


def test_repair_leaves_nothing_of_what_has_no_finite_coordinates() -> None:
    broken = np.array([shapely.polygons([[0, 0], [1, 0], [np.nan, 1], [0, 0]])], dtype=object)
    after, changes = repair(broken)
    assert after[0].is_empty
    assert changes[0].reason.startswith("Invalid Coordinate")


CROSSED = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=9, unique=True).map(
    shapely.Polygon
)


@given(st.lists(CROSSED, min_size=1, max_size=5))
@example([shapely.Polygon([(0, 1), (3, 3), (0, 0), (1, 0), (2, 2), (1, 1)])])
def test_repaired_polygons_are_valid_and_stay_polygons(polygons: list[shapely.Polygon]) -> None:
    after, changes = repair(np.array(polygons, dtype=object))
    assert shapely.is_valid(after).all()
    for geometry in after:
        assert geometry.geom_type in {"Polygon", "MultiPolygon"}
    assert {c.row for c in changes} == {i for i, p in enumerate(polygons) if not p.is_valid}


def test_usable() -> None:
    column_ = column("POINT (1 2)", None, "POLYGON EMPTY", "POINT Z (1 2 3)", "LINESTRING (0 0, 1 1)")
    nan_height = shapely.points([1.0, 2.0, np.nan])
    nowhere = shapely.linestrings([[0, 0], [np.inf, 0]])
    found = usable(np.array([*column_, nan_height, nowhere], dtype=object))
    assert found.tolist() == [True, False, False, True, True, shapely.has_z(nan_height) is False, False]


def test_wkb_goes_there_and_back() -> None:
    geometries = column("POINT Z (1 2 3)", None, "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)))")
    written = to_wkb(shapely.set_srid(geometries, 4490))
    assert shapely.equals_identical(from_wkb(written)[[0, 2]], geometries[[0, 2]]).all()
    assert written[0].hex().startswith("01" + "01000080") and len(written[0]) == 5 + 3 * 8
    assert from_wkb([b"nonsense", None]).tolist() == [None, None]


@given(st.lists(LINES, min_size=1, max_size=5))
def test_lengths_are_geodesic(lines: list[shapely.LineString]) -> None:
    several = shapely.MultiLineString(lines)
    found = geodesic_length(np.array([*lines, several, None, shapely.Point(1, 2)], dtype=object))
    expected = [GEOD.geometry_length(line) for line in lines]
    assert found[:-3] == pytest.approx(expected, rel=1e-9)
    assert found[-3] == pytest.approx(sum(expected), rel=1e-9)
    assert np.isnan(found[-2])
    assert found[-1] == 0


@settings(deadline=None)
@given(
    st.floats(-179, 179),
    st.floats(-85, 85),
    st.sampled_from([1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1]),
    st.integers(3, 20),
    st.integers(0, 9999),
)
def test_areas_are_geodesic(lon: float, lat: float, size: float, corners: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False) + rng.uniform(0, 0.3, corners)
    far = size * rng.uniform(0.5, 1, corners)
    shell = shapely.Polygon(np.column_stack([lon + far * np.cos(angle), lat + far * np.sin(angle)]))
    hole = shapely.affinity.scale(shell, 0.3, 0.3, origin=(lon, lat))
    if not (shell.is_valid and shell.contains(hole)):
        return
    holed = shapely.Polygon(shell.exterior.coords, [hole.exterior.coords])
    whole, cut = abs(GEOD.geometry_area_perimeter(shell)[0]), abs(GEOD.geometry_area_perimeter(hole)[0])
    found = geodesic_area(
        np.array([shell, shell.reverse(), holed, shapely.MultiPolygon([holed])], dtype=object)
    )
    assert found == pytest.approx([whole, whole, whole - cut, whole - cut], rel=1e-6, abs=1e-3)


def test_areas_of_what_has_none() -> None:
    found = geodesic_area(column("POINT (1 2)", "LINESTRING (0 0, 1 1)", "POLYGON EMPTY", None))
    assert found[:3].tolist() == [0, 0, 0]
    assert np.isnan(found[3])


@given(st.floats(-180, 180), st.floats(-90, 90), st.floats(0, 500_000), st.floats(0, 360), st.floats(0, 1))
def test_an_envelope_holds_the_whole_circle(
    lon: float, lat: float, metres: float, azimuth: float, share: float
) -> None:
    west, south, east, north = envelope_around(lon, lat, metres)
    for distance in (metres * share, metres):
        x, y, _ = GEOD.fwd(lon, lat, azimuth, distance)
        assert south <= y <= north
        assert west <= x <= east or (west, east) == (-180, 180)
    assert -180 <= west <= east <= 180
    assert -90 <= south <= north <= 90


def test_an_envelope_is_not_much_larger_than_its_circle() -> None:
    west, south, east, north = envelope_around(121.47, 31.23, 1000)
    assert GEOD.inv(west, 31.23, east, 31.23)[2] < 2030
    assert GEOD.inv(121.47, south, 121.47, north)[2] < 2030


def test_an_empty_column_is_no_trouble() -> None:
    nothing = np.array([], dtype=object)
    assert [len(a) for a in asset_points(nothing)] == [0, 0]
    assert repair(nothing)[1] == []
    for function in (usable, geodesic_area, geodesic_length, geometry_type_names, to_wkb, from_wkb):
        assert len(function(nothing)) == 0
    missing = np.array([None, None], dtype=object)
    assert np.isnan([*asset_points(missing), geodesic_area(missing), geodesic_length(missing)]).all()
