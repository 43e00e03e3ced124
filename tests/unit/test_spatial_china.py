"""GCJ-02 and BD-09: closed, of the known magnitude, and nothing outside China."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import Geod

from spatial.china import bd09_to_wgs84, gcj02_to_wgs84, in_china, wgs84_to_bd09, wgs84_to_gcj02

GEOD = Geod(ellps="WGS84")
PAIRS = [(wgs84_to_gcj02, gcj02_to_wgs84), (wgs84_to_bd09, bd09_to_wgs84)]


def shanghai(count: int = 5000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(31)
    return rng.uniform(120.85, 122.2, count), rng.uniform(30.67, 31.88, count)


@pytest.mark.parametrize(("there", "back"), PAIRS)
def test_there_and_back_closes_to_a_tenth_of_a_millimetre(there, back) -> None:
    lon, lat = shanghai()
    for first, second in ((there, back), (back, there)):
        x, y = second(*first(lon, lat))
        assert GEOD.inv(lon, lat, x, y)[2].max() < 0.0001


def test_gcj02_lies_456_to_500_metres_away_at_shanghai() -> None:
    lon, lat = shanghai()
    metres = GEOD.inv(lon, lat, *wgs84_to_gcj02(lon, lat))[2]
    assert 450 < metres.min() < 462
    assert 494 < metres.max() < 506


def test_all_of_china_closes() -> None:
    rng = np.random.default_rng(8)
    lon, lat = rng.uniform(73.6, 134.8, 5000), rng.uniform(18, 53.5, 5000)
    for there, back in PAIRS:
        assert GEOD.inv(lon, lat, *back(*there(lon, lat)))[2].max() < 0.001


def test_a_known_point() -> None:
    """A point of Shanghai by the published reconstruction, computed here term by term."""
    lon, lat = 121.4737, 31.2304
    x, y, pi = lon - 105, lat - 35, np.pi
    ripple = (20 * np.sin(6 * x * pi) + 20 * np.sin(2 * x * pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(abs(x)) + ripple
    north += (20 * np.sin(y * pi) + 40 * np.sin(y / 3 * pi)) * 2 / 3
    north += (160 * np.sin(y / 12 * pi) + 320 * np.sin(y * pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(abs(x)) + ripple
    east += (20 * np.sin(x * pi) + 40 * np.sin(x / 3 * pi)) * 2 / 3
    east += (150 * np.sin(x / 12 * pi) + 300 * np.sin(x / 30 * pi)) * 2 / 3
    krasovsky = Geod(a=6378245.0, es=0.00669342162296594323)
    moved_lon, moved_lat = wgs84_to_gcj02(np.array([lon]), np.array([lat]))
    along = krasovsky.inv(lon, lat, moved_lon[0], lat)[2], krasovsky.inv(lon, lat, lon, moved_lat[0])[2]
    assert along == pytest.approx((abs(east), abs(north)), abs=0.05)


@pytest.mark.parametrize("place", [(24.94, 60.17), (-77.03, 38.9), (121.0, -31.0), (140.0, 35.0)])
def test_outside_china_nothing_moves(place: tuple[float, float]) -> None:
    lon, lat = np.array([place[0]]), np.array([place[1]])
    assert not in_china(lon, lat).any()
    for pair in PAIRS:
        for function in pair:
            x, y = function(lon, lat)
            assert (x[0], y[0]) == place


def test_nan_stays_nan_and_input_stays_as_it_was() -> None:
    lon, lat = np.array([np.nan, 121.0]), np.array([31.0, 31.0])
    x, y = wgs84_to_bd09(lon, lat)
    assert np.isnan(x[0])
    assert lon[1] == lat[1] + 90
    assert x[1] != 121
    assert y[0] == 31
