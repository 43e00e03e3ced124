"""Lengths, areas, validity and envelopes against PostGIS, which computes them by code that is not ours."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest
import shapely

from spatial.cells import boundary, parse_cell
from spatial.geometry import repair, to_wkb, validity
from spatial.measure import envelope_around, geodesic_area, geodesic_length

Connection = psycopg.Connection[tuple[object, ...]]


def ask(owner: Connection, expression: str, geometries: np.ndarray) -> list[object]:
    """The expression over each geometry ``g``, in order."""
    rows = owner.execute(
        f"SELECT {expression} FROM unnest(%s::bytea[]) WITH ORDINALITY AS t(wkb, n), "
        "LATERAL ST_GeomFromWKB(wkb, 4326) AS g ORDER BY n",
        [to_wkb(geometries).tolist()],
    )
    return [row[0] for row in rows.fetchall()]


def shapes(count: int, size: float) -> np.ndarray:
    """Polygons of five to nine corners all over the world, a third of them crossing themselves."""
    rng = np.random.default_rng(5)
    made = []
    for _ in range(count):
        corners = int(rng.integers(5, 10))
        angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
        if rng.random() < 1 / 3:
            rng.shuffle(angle)
        far = size * rng.uniform(0.3, 1, corners)
        lon, lat = rng.uniform(-179, 179), rng.uniform(-65, 65)
        made.append(shapely.Polygon(np.column_stack([lon + far * np.cos(angle), lat + far * np.sin(angle)])))
    return np.array(made, dtype=object)


@pytest.mark.parametrize("size", [1e-4, 1e-2, 0.5])
def test_validity_is_postgis_validity(owner: Connection, size: float) -> None:
    polygons = shapes(600, size)
    valid, _ = validity(polygons)
    assert 0.1 < valid.mean() < 0.95
    assert valid.tolist() == ask(owner, "ST_IsValid(g)", polygons)
    repaired, _ = repair(polygons)
    assert all(ask(owner, "ST_IsValid(g) AND ST_Dimension(g) = 2", repaired))


@pytest.mark.parametrize("size", [1e-4, 1e-2, 0.5])
def test_areas_and_lengths_are_those_of_geography(owner: Connection, size: float) -> None:
    polygons = repair(shapes(600, size))[0]
    areas = np.array(ask(owner, "ST_Area(g::geography)", polygons), dtype=float)
    assert geodesic_area(polygons) == pytest.approx(areas, rel=1e-6, abs=1e-3)
    lines = shapely.boundary(polygons)
    lengths = np.array(ask(owner, "ST_Length(g::geography)", lines), dtype=float)
    assert geodesic_length(lines) == pytest.approx(lengths, rel=1e-8, abs=1e-6)


def test_polygons_have_no_length_and_lines_no_area(owner: Connection) -> None:
    geometries = np.array([shapely.box(0, 0, 1, 1), shapely.LineString([(0, 0), (1, 1)])], dtype=object)
    assert ask(owner, "ST_Area(g::geography)", geometries)[1] == geodesic_area(geometries)[1] == 0
    assert ask(owner, "ST_Length(g::geography)", geometries)[0] == geodesic_length(geometries)[0] == 0


@pytest.mark.parametrize("place", [(121.47, 31.23), (24.94, 60.17), (-70.6, -33.4), (0.0, 84.0)])
@pytest.mark.parametrize("metres", [1.0, 500.0, 50_000.0])
def test_whatever_is_within_the_distance_is_within_the_envelope(
    owner: Connection, place: tuple[float, float], metres: float
) -> None:
    lon, lat = place
    west, south, east, north = envelope_around(lon, lat, metres)
    rng = np.random.default_rng(2)
    wide, high = east - west, north - south
    points: np.ndarray = shapely.points(  # type: ignore[assignment]
        rng.uniform(west - wide / 4, east + wide / 4, 4000),
        np.clip(rng.uniform(south - high / 4, north + high / 4, 4000), -90, 90),
    )
    near = f"ST_DWithin(g::geography, ST_MakePoint({lon}, {lat})::geography, {metres})"
    box = f"g && ST_MakeEnvelope({west!r}, {south!r}, {east!r}, {north!r}, 4326)"
    answers = ask(owner, f"ARRAY[{near}, {box}]", points)
    within, enclosed = np.array(answers, dtype=bool).T
    assert 200 < within.sum() < enclosed.sum() < len(points)
    assert enclosed[within].all()


def test_outlines_of_cells_are_valid_in_postgis(owner: Connection) -> None:
    cells = ["8f309e69a8a1a40", "839b5bfffffffff", "8403263ffffffff"]
    outlines = np.array([boundary(parse_cell(cell)) for cell in cells], dtype=object)
    assert ask(owner, "ST_IsValid(g)", outlines) == [True] * len(cells)
