"""The drawing of a geometry: to scale, north up, small however long the line."""

from __future__ import annotations

import json
import math
import re

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from twin.web.outline import LONGEST_BAR, WIDTH, Outline, outline

GEOD = Geod(ellps="WGS84")


def drawn(geometry: shapely.Geometry) -> Outline:
    made = outline(shapely.geometry.mapping(geometry))
    assert made is not None
    return made


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]


def metres(label: str) -> float:
    number, unit = label.split()
    return float(number) * (1000 if unit == "km" else 1)


@given(
    lon=st.floats(-179, 179),
    lat=st.floats(-80, 80),
    width=st.floats(1, 5_000),
    ratio=st.floats(0.05, 20),
)
def test_the_bar_measures_what_it_says(lon: float, lat: float, width: float, ratio: float) -> None:
    height = width * ratio
    east = GEOD.fwd(lon, lat, 90, width)[0]
    north = GEOD.fwd(lon, lat, 0, height)[1]
    made = drawn(shapely.LineString([(lon, lat), (east, lat), (east, north)]))
    (x0, y0), (x1, y1), (_, y2) = points(made.lines)
    per_metre = made.bar / metres(made.bar_label)
    tolerance = 0.2 + 0.02 * max(width, height) * per_metre
    assert math.isclose(x1 - x0, width * per_metre, abs_tol=tolerance)
    assert math.isclose(y1 - y2, height * per_metre, abs_tol=tolerance)
    assert 0 < made.bar <= LONGEST_BAR
    assert y2 <= y0
    assert x1 >= x0
    assert all(0 <= x <= made.width and 0 <= y <= made.height for x, y in points(made.lines))
    assert made.width == WIDTH


def test_holes_are_drawn() -> None:
    shell, hole = shapely.box(121, 31, 121.01, 31.01), shapely.box(121.004, 31.004, 121.006, 31.006)
    made = drawn(shapely.difference(shell, hole))
    assert made.areas.count("M") == made.areas.count("Z") == 2
    assert made.lines.count("M") == 2


def test_lines_have_no_area() -> None:
    made = drawn(shapely.MultiLineString([[(121, 31), (121.1, 31)], [(121, 31.1), (121.1, 31.1)]]))
    assert made.areas == ""
    assert made.lines.count("M") == 2


@pytest.mark.parametrize(
    "geometry", [shapely.Point(121, 31), shapely.MultiPoint([(121, 31), (121.1, 31)]), shapely.Polygon()]
)
def test_what_has_no_outline_is_not_drawn(geometry: shapely.Geometry) -> None:
    assert outline(shapely.geometry.mapping(geometry)) is None


def test_a_long_outline_stays_small() -> None:
    coast = [
        (121 + 0.1 * math.cos(a / 1e4) * (1 + a % 7 / 1e4), 31 + 0.1 * math.sin(a / 1e4))
        for a in range(60_000)
    ]
    made = drawn(shapely.Polygon(coast))
    assert len(made.lines) + len(made.areas) < 5_000


def test_what_is_smaller_than_a_pixel_is_still_drawn() -> None:
    far = shapely.MultiPolygon([shapely.box(121, 31, 121.00001, 31.00001), shapely.box(122, 32, 122.5, 32.5)])
    assert drawn(far).lines
    flat = shapely.LineString([(121, 31, 4.5), (121.001, 31, 9)])
    assert len(points(drawn(flat).lines)) == 2


def test_the_drawing_takes_geojson_as_the_api_writes_it() -> None:
    geojson = json.loads('{"type": "LineString", "coordinates": [[121, 31], [121.01, 31.01]]}')
    assert outline(geojson) == drawn(shapely.LineString([(121, 31), (121.01, 31.01)]))
