"""Cells against scalar h3: ancestors, ranges, outlines, covers, at every resolution and around pentagons."""

from __future__ import annotations

import random
from itertools import combinations

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spatial.cells import (
    MAX_DISK,
    REACH,
    CoverTooLarge,
    DiskTooLarge,
    InvalidCell,
    InvalidResolution,
    ancestor,
    ancestor_of,
    boundary,
    box_cover,
    cell_range,
    cell_ranges,
    compact,
    cover,
    disk,
    format_cell,
    merge_ranges,
    parse_cell,
    points_to_cells,
    resolution_of,
    selecting_cover,
)

LON = st.floats(-180, 180, allow_nan=False)
LAT = st.floats(-90, 90, allow_nan=False)
RESOLUTION = st.integers(0, 15)
# Places where H3 is at its strangest: an icosahedron's edge, pentagons, the antimeridian.
ODD_PLACES = [(122.06, 39.85), (-67.24, 23.82), (113.0, -23.8), (180.0, -17.0), (58.2, 10.4)]
# A pole, and the middle of one of the icosahedron's faces.
FURTHER_PLACES = [(0.0, 90.0), (-108.21946, 24.48926)]


def near_pentagons() -> list[int]:
    return [c for r in range(0, 15, 2) for p in h3.get_pentagons(r)[:4] for c in h3.grid_disk(p, 1)]


@given(LON, LAT, RESOLUTION)
def test_a_point_gets_the_cell_that_h3_gives_it(lon: float, lat: float, resolution: int) -> None:
    cells = points_to_cells(np.array([lon]), np.array([lat]), resolution)
    assert cells.tolist() == [h3.latlng_to_cell(lat, lon, resolution)]


@given(st.integers(0, 2**32 - 1), RESOLUTION)
@settings(max_examples=60, deadline=None)
def test_many_points_get_the_cells_that_h3_gives_them(seed: int, resolution: int) -> None:
    """All over the globe, and in one place where they share a face, a base cell and their first digits."""
    dice = np.random.default_rng(seed)
    lat, lon = np.degrees(np.arcsin(dice.uniform(-1, 1, 500))), dice.uniform(-180, 180, 500)
    places = ODD_PLACES + FURTHER_PLACES
    odd = [places[dice.integers(len(places))], (lon[0], lat[0])]
    for east, north in odd:
        spread = 10 ** dice.uniform(-6, 1)
        lon = np.append(lon, np.clip(east + dice.normal(0, spread, 300), -180, 180))
        lat = np.append(lat, np.clip(north + dice.normal(0, spread, 300), -90, 90))
    for some in (slice(None), slice(500, 800), slice(800, None)):
        expected = [h3.latlng_to_cell(*point, resolution) for point in zip(lat[some], lon[some], strict=True)]
        assert points_to_cells(lon[some], lat[some], resolution).tolist() == expected


def on_icosahedron(share: float) -> np.ndarray:
    """Latitudes and longitudes of points so far along each of the icosahedron's thirty edges."""
    lat, lon = np.radians([h3.cell_to_latlng(one) for one in h3.get_pentagons(0)]).T
    corners = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]).T
    edges = [(one, other) for one, other in combinations(corners, 2) if one @ other > 0.4]
    assert len(edges) == 30
    x, y, z = np.array([(1 - share) * one + share * other for one, other in edges]).T
    return np.degrees([np.arctan2(z, np.hypot(x, y)), np.arctan2(y, x)]).T


@given(
    LON, LAT, RESOLUTION, st.sampled_from([0.0, 1e-14, -1e-14, 1e-12, -1e-12, 3e-5, -3e-5]), st.floats(0, 1)
)
@settings(max_examples=200, deadline=None)
def test_points_on_edges_get_the_cells_that_h3_gives_them(
    lon: float, lat: float, resolution: int, beside: float, share: float
) -> None:
    """Corners of cells, what is between two of them, and points on the edges of the icosahedron."""
    corners = np.array(h3.cell_to_boundary(h3.latlng_to_cell(lat, lon, resolution)))
    between = (corners + np.roll(corners, 1, axis=0)) / 2
    points = np.vstack([corners, between, on_icosahedron(share)]) + beside
    points[:, 0] = np.clip(points[:, 0], -90, 90)
    points = points[np.abs(points[:, 1]) <= 180]
    expected = [h3.latlng_to_cell(*point, resolution) for point in points]
    assert points_to_cells(points[:, 1], points[:, 0], resolution).tolist() == expected


def test_points_off_the_globe_have_no_cell() -> None:
    lon = np.array([np.nan, 0.0, np.inf, 181.0, 0.0, 121.47])
    lat = np.array([0.0, np.nan, 0.0, 0.0, -90.5, 31.23])
    assert points_to_cells(lon, lat).tolist() == [0, 0, 0, 0, 0, h3.latlng_to_cell(31.23, 121.47, 15)]


@given(LON, LAT, RESOLUTION, RESOLUTION)
def test_ancestor_is_cell_to_parent(lon: float, lat: float, a: int, b: int) -> None:
    coarse, fine = sorted((a, b))
    cell = h3.latlng_to_cell(lat, lon, fine)
    assert ancestor_of(cell, coarse) == h3.cell_to_parent(cell, coarse)
    assert ancestor(np.array([cell, 0]), coarse).tolist() == [h3.cell_to_parent(cell, coarse), 0]
    assert resolution_of(cell) == fine


def test_ancestors_around_pentagons() -> None:
    for cell in near_pentagons():
        for resolution in range(h3.get_resolution(cell) + 1):
            assert ancestor_of(cell, resolution) == h3.cell_to_parent(cell, resolution)


def test_no_ancestor_is_finer_than_its_cell() -> None:
    cell = h3.latlng_to_cell(31.23, 121.47, 7)
    with pytest.raises(InvalidResolution):
        ancestor_of(cell, 8)
    with pytest.raises(InvalidResolution):
        ancestor(np.array([cell]), 8)
    with pytest.raises(InvalidResolution):
        ancestor(np.array([cell]), -1)


@given(LON, LAT, RESOLUTION)
def test_a_range_ends_at_the_first_and_the_last_descendant(lon: float, lat: float, resolution: int) -> None:
    cell = h3.latlng_to_cell(lat, lon, resolution)
    assert cell_range(cell) == extreme_descendants(cell)


def test_ranges_of_pentagons_and_their_neighbours_are_exact() -> None:
    cells = near_pentagons()
    assert [tuple(r) for r in cell_ranges(np.array(cells)).tolist()] == [cell_range(c) for c in cells]
    for cell in cells:
        assert cell_range(cell) == extreme_descendants(cell)


def extreme_descendants(cell: int) -> tuple[int, int]:
    last = h3.cell_to_children_size(cell, 15) - 1
    return h3.child_pos_to_cell(cell, 15, 0), h3.child_pos_to_cell(cell, 15, last)


@given(LON, LAT, RESOLUTION, LON, LAT)
def test_a_cell_is_in_the_range_exactly_if_it_descends(
    lon: float, lat: float, resolution: int, other_lon: float, other_lat: float
) -> None:
    cell = h3.latlng_to_cell(lat, lon, resolution)
    low, high = cell_range(cell)
    for place in ((lat, lon), (other_lat, other_lon), (min(90.0, lat + 1e-4), lon)):
        point = h3.latlng_to_cell(*place, 15)
        assert (low <= point <= high) == (h3.cell_to_parent(point, resolution) == cell)


def test_merged_ranges_hold_the_same_cells() -> None:
    rng = np.random.default_rng(3)
    center = h3.latlng_to_cell(31.23, 121.47, 9)
    cells = np.array(h3.grid_disk(center, 20))[rng.random(1261) < 0.7]
    merged = merge_ranges(cell_ranges(np.concatenate([cells, cells[:100]])))
    assert len(merged) < len(cells) / 2
    assert (merged[1:, 0] > merged[:-1, 1]).all()
    chosen = set(cells.tolist())
    near = h3.grid_disk(center, 22)
    points = cell_ranges(np.array(near))
    expected = [cell in chosen for cell in near]
    assert held(merged, points[:, 0]).tolist() == held(merged, points[:, 1]).tolist() == expected


def test_siblings_and_cousins_merge_into_one_range() -> None:
    parent = h3.latlng_to_cell(31.23, 121.47, 8)
    grandchildren = np.array(h3.cell_to_children(parent, 10))
    assert [tuple(r) for r in merge_ranges(cell_ranges(grandchildren)).tolist()] == [cell_range(parent)]


def test_cells_are_written_and_read() -> None:
    cell = h3.latlng_to_cell(31.23, 121.47, 15)
    text = h3.int_to_str(cell)
    assert format_cell(cell) == text
    for written in (text, text.upper(), f" {text} ", cell, str(cell)):
        assert parse_cell(written) == cell


@pytest.mark.parametrize(
    "value", ["", "zz", "8f", "0x8f309e69a8a1a40", -1, 0, 5, 2**63, 2**70, "9" * 18, "8" * 15]
)
def test_what_is_no_cell_is_refused(value: str | int) -> None:
    with pytest.raises(InvalidCell, match="not an H3 cell"):
        parse_cell(value)


def test_disks() -> None:
    cell = h3.latlng_to_cell(31.23, 121.47, 9)
    assert disk(cell, 2) == sorted(h3.grid_disk(cell, 2))
    for k in (-1, MAX_DISK + 1):
        with pytest.raises(DiskTooLarge):
            disk(cell, k)


def test_compact_cells_have_the_same_descendants() -> None:
    parent = h3.latlng_to_cell(31.23, 121.47, 7)
    cells = np.array([*h3.cell_to_children(parent, 9), h3.latlng_to_cell(60.0, 25.0, 9)])
    assert set(compact(np.append(cells, cells[:3])).tolist()) == {parent, int(cells[-1])}


@given(LON, st.floats(-84, 84), st.integers(3, 15))
@example(180.0, -17.0, 5)
@example(179.9999, 65.0, 9)
@example(180.0, 1.84375, 10)
def test_an_outline_has_the_corners_and_holds_the_centre(lon: float, lat: float, resolution: int) -> None:
    cell = h3.latlng_to_cell(lat, lon, resolution)
    outline = boundary(cell)
    corners = shapely.MultiPoint([(x, y) for y, x in h3.cell_to_boundary(cell)])
    assert outline.is_valid
    assert outline.bounds[0] >= -180
    assert outline.bounds[2] <= 180
    assert shapely.distance(outline, corners) < 1e-9
    assert outline.intersects(shapely.Point(*reversed(h3.cell_to_latlng(cell))))
    assert outline.area == pytest.approx(flat_area(cell), rel=1e-6)


def flat_area(cell: int) -> float:
    """The area in square degrees with longitudes counted from the centre."""
    lon = h3.cell_to_latlng(cell)[1]
    ring = [((x - lon + 180) % 360 - 180, y) for y, x in h3.cell_to_boundary(cell)]
    return shapely.Polygon(ring).area


def test_an_outline_across_the_antimeridian_is_cut_there() -> None:
    outline = boundary(h3.latlng_to_cell(-17.0, 180.0, 4))
    assert outline.geom_type == "MultiPolygon"
    assert outline.bounds[0] == -180
    assert outline.bounds[2] == 180
    assert outline.area < 1


def test_an_outline_around_a_pole_holds_it() -> None:
    outline = boundary(h3.latlng_to_cell(90.0, 0.0, 4))
    assert outline.is_valid
    assert outline.bounds[0] == -180
    assert outline.bounds[2:] == (180, 90)
    assert shapely.intersects_xy(outline, [0.0, 100.0, -179.0], [89.99, 89.99, 89.99]).all()


def star(lon: float, lat: float, size: float, corners: int, seed: int) -> shapely.Polygon:
    """A polygon around a place, its corners at random distances up to ``size`` degrees."""
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    far = size * rng.uniform(0.2, 1, corners)
    ring = np.column_stack([lon + far * np.cos(angle), np.clip(lat + far * np.sin(angle), -90, 90)])
    return shapely.make_valid(shapely.Polygon(ring), method="structure", keep_collapsed=False)


STARS = st.builds(
    star,
    st.floats(-170, 170),
    st.floats(-80, 80),
    st.sampled_from([1e-4, 1e-3, 1e-2, 0.1, 1, 10]),
    st.integers(3, 40),
    st.integers(0, 10_000),
)


def held(ranges: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Which cells lie in one of the ranges, by the plainest test there is."""
    found = np.zeros(len(cells), dtype=bool)
    for low, high in ranges:
        found |= (cells >= low) & (cells <= high)
    return found


def assert_cover_selects(polygon: shapely.Polygon, max_cells: int, seed: int) -> None:
    west, south, east, north = polygon.bounds
    rng = np.random.default_rng(seed)
    along = shapely.get_coordinates(
        shapely.line_interpolate_point(polygon.boundary, rng.random(300), normalized=True)
    ) + rng.normal(0, (east - west) / 1000, (300, 2))
    spread = np.column_stack([rng.uniform(west, east, 300), rng.uniform(south, north, 300)])
    lon, lat = np.concatenate([along, spread]).T
    cells, inside = points_to_cells(lon, lat), shapely.intersects_xy(polygon, lon, lat)
    chosen = selecting_cover(polygon, max_cells)
    sure, unsure = held(chosen.interior, cells), held(chosen.edge, cells)
    assert not (inside & ~sure & ~unsure).any(), "an asset inside the polygon is missed"
    assert not (sure & ~inside).any(), "an asset outside the polygon would skip the exact test"
    assert not (sure & unsure).any(), "an asset would come twice"
    assert len(chosen.interior) + len(chosen.edge) <= max(max_cells, 122)


@settings(max_examples=120, deadline=None)
@given(STARS, st.sampled_from([30, 300, 1000]), st.integers(0, 10_000))
def test_the_selecting_cover_misses_nothing_and_is_sure_of_its_interior(
    polygon: shapely.Polygon, max_cells: int, seed: int
) -> None:
    if not polygon.is_empty:
        assert_cover_selects(polygon, max_cells, seed)


@pytest.mark.parametrize("place", ODD_PLACES)
@pytest.mark.parametrize("size", [0.003, 0.1, 2])
def test_the_selecting_cover_where_h3_is_strange(place: tuple[float, float], size: float) -> None:
    half = shapely.box(-180, -90, 180, 90)
    for seed in range(3):
        assert_cover_selects(star(*place, size, 30, seed).intersection(half), 600, seed)


@pytest.mark.parametrize("resolution", range(3, 12))
def test_descendants_reach_no_further_than_the_covers_allow_for(resolution: int) -> None:
    """The measurement behind ``REACH``: at odd resolutions they reach 1.39 beside the icosahedron's edges."""
    furthest = 1.0
    for lon, lat in (*ODD_PLACES, (121.47, 31.23), (24.94, 60.17)):
        for cell in h3.grid_disk(h3.latlng_to_cell(lat, lon, resolution), 3):
            furthest = max(furthest, reach(cell))
    assert 1.1 < furthest < REACH - 0.04


def reach(cell: int) -> float:
    """How much the outline of the cell must grow about its centre to hold its grandchildren's corners."""
    center = np.array(h3.cell_to_latlng(cell))
    ring = from_center(h3.cell_to_boundary(cell), center)
    grandchildren = h3.cell_to_children(cell, h3.get_resolution(cell) + 2)
    corners = from_center([c for g in grandchildren for c in h3.cell_to_boundary(g)], center)
    normals = np.roll(ring, -1, axis=0) - ring
    normals = np.column_stack([normals[:, 1], -normals[:, 0]])
    return float((corners @ normals.T / (normals * ring).sum(axis=1)).max())


def from_center(corners: object, center: np.ndarray) -> np.ndarray:
    steps = np.array(corners) - center
    steps[:, 1] = (steps[:, 1] + 180) % 360 - 180
    return steps


def test_a_large_polygon_is_mostly_interior() -> None:
    polygon = shapely.Point(121.47, 31.23).buffer(0.3, quad_segs=100)
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(121.1, 121.8, 5000), rng.uniform(30.9, 31.6, 5000)
    inside = shapely.intersects_xy(polygon, lon, lat)
    cells = points_to_cells(lon, lat)[inside]
    assert held(selecting_cover(polygon, 2000).interior, cells).mean() > 0.9


def test_the_cover_of_nothing_is_empty() -> None:
    chosen = selecting_cover(shapely.Polygon())
    assert chosen.interior.shape == chosen.edge.shape == (0, 2)


def h3_overlap(polygon: shapely.Polygon, resolution: int) -> set[int]:
    rings = [[(y, x) for x, y in ring.coords] for ring in (polygon.exterior, *polygon.interiors)]
    return set(h3.h3shape_to_cells_experimental(h3.LatLngPoly(*rings), resolution, "overlap"))


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-170, 170), st.floats(-75, 75), st.integers(3, 12), st.integers(3, 12), st.integers(0, 10_000)
)
def test_cover_is_what_h3_calls_overlap(lon: float, lat: float, resolution: int, n: int, seed: int) -> None:
    polygon = star(lon, lat, 4 * h3.average_hexagon_edge_length(resolution) / 111, n, seed)
    for part in shapely.get_parts(polygon):
        found = set(cover(part, resolution).tolist())
        for cell in found ^ h3_overlap(part, resolution):
            assert shapely.area(boundary(cell).intersection(part)) < 1e-6 * boundary(cell).area


def test_cover_leaves_out_what_lies_in_a_hole() -> None:
    cell = h3.latlng_to_cell(31.23, 121.47, 9)
    hole = boundary(cell).buffer(1e-5)
    ring = shapely.Point(121.47, 31.23).buffer(0.01).difference(hole)
    assert cell not in cover(ring, 9)
    assert set(cover(ring, 9).tolist()) == h3_overlap(ring, 9)


@settings(max_examples=60, deadline=None)
@given(STARS, st.integers(0, 4))
def test_cover_of_lines_and_points_is_every_outline_they_touch(polygon: shapely.Polygon, deeper: int) -> None:
    line = polygon.boundary
    if line.is_empty:
        return
    resolution = next(
        r for r in range(16) if h3.average_hexagon_edge_length(r) / 111 < max(line.length, 1e-5) / 2
    )
    resolution = min(15, max(3, resolution + deeper - 2))
    found = set(cover(line, resolution).tolist())
    around = {c for cell in found for c in h3.grid_disk(cell, 1)}
    assert found == {c for c in around if boundary(c).intersects(line)}
    lon, lat = shapely.get_coordinates(line).T
    on_line = points_to_cells(lon, lat, resolution).tolist()
    assert all(cell in found or boundary(cell).distance(line) < 1e-6 for cell in on_line)


def test_cover_of_a_point_is_its_cell_and_of_several_the_cells_of_each() -> None:
    places = [(121.47, 31.23), (24.94, 60.17), (-77.03, 38.9)]
    cells = [h3.latlng_to_cell(lat, lon, 11) for lon, lat in places]
    assert cover(shapely.Point(places[0]), 11).tolist() == cells[:1]
    assert cover(shapely.MultiPoint(places), 11).tolist() == sorted(cells)


def test_a_cover_is_bounded() -> None:
    with pytest.raises(CoverTooLarge, match="1000 cells of resolution 12"):
        cover(shapely.box(121, 31, 122, 32), 12, max_cells=1000)
    with pytest.raises(CoverTooLarge):
        cover(shapely.box(121, 31, 121.01, 31.01), 9, max_cells=3)
    with pytest.raises(InvalidResolution):
        cover(shapely.Point(0, 0), 16)


def test_a_boxes_cells_lie_inside_and_fill_its_core() -> None:
    """Random boxes, random points: who descends from the cells is in the box, who is in the core descends."""
    dice, tried = random.Random(5), 0
    for _ in range(10_000):
        size = 10 ** dice.uniform(-2.5, 0.8)
        west, south = dice.uniform(-180, 180 - size), dice.uniform(-80, 80 - size)
        box = (west, south, west + size * dice.uniform(0.2, 1), south + size * dice.uniform(0.2, 1))
        found = box_cover(box, finest=9)
        if found is None:
            continue
        tried += 1
        left, low, right, high = found.core
        assert box[0] < left < right < box[2] and box[1] < low < high < box[3]
        lat, lon = (
            np.array([dice.uniform(*side) for _ in range(40)]) for side in ((low, high), (left, right))
        )
        inner = np.unique(ancestor(points_to_cells(lon, lat), found.resolution))
        assert np.isin(inner, found.cells).all()
        chosen = dice.sample(found.cells.tolist(), min(4, len(found.cells)))
        near = np.array([p for cell in chosen for p in _around(cell, dice)])
        own = ancestor(points_to_cells(near[:, 1], near[:, 0]), found.resolution)
        near = near[np.isin(own, chosen)]
        assert ((near >= (box[1], box[0])) & (near <= (box[3], box[2]))).all()
    assert tried > 3_000


def _around(cell: int, dice: random.Random) -> list[tuple[float, float]]:
    """Points of the cell and around it, near its corners above all."""
    lat, lon = h3.cell_to_latlng(cell)
    corners = [dice.choice(h3.cell_to_boundary(cell)) for _ in range(10)]
    shares = [dice.uniform(0.7, 1.2) for _ in corners]
    return [(lat + (y - lat) * s, lon + (x - lon) * s) for (y, x), s in zip(corners, shares, strict=True)]
