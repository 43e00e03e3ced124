"""In which coordinate system positions are taken to be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loaders.inspection.confidence import Confidence
from loaders.inspection.positions import Positions
from loaders.inspection.systems import SystemFinding, find_system
from spatial.crs import operation_from_wgs84, parse_crs

SHANGHAI = (120.8, 30.6, 122.3, 31.9)
RNG = np.random.default_rng(3)
CERTAIN, LIKELY, GUESS = Confidence.CERTAIN, Confidence.LIKELY, Confidence.GUESS


def positions(
    lon: float, lat: float, code: str = "EPSG:4326", *, exchanged: bool = False, degrees: bool = False
) -> Positions:
    lons, lats = lon + RNG.normal(0, 0.02, 50), lat + RNG.normal(0, 0.02, 50)
    bounds = (lons.min(), lats.min(), lons.max(), lats.max())
    x, y = operation_from_wgs84(parse_crs(code), bounds, 1_000).transform_xy(lons, lats)
    return Positions("x", "y", degrees=degrees, x=y if exchanged else x, y=x if exchanged else y)


def codes(found: SystemFinding) -> list[str]:
    return [guess.code for guess in found.guesses]


def test_what_the_file_says_is_certain_where_it_fits() -> None:
    found = find_system("EPSG:4549", positions(121.5, 31.2, "EPSG:4549"))
    assert [(guess.code, guess.confidence) for guess in found.guesses] == [("EPSG:4549", CERTAIN)]


def test_what_the_file_says_is_doubted_where_it_does_not_fit() -> None:
    elsewhere = find_system("EPSG:4549", positions(7.9, 48.4, "EPSG:31467")).best
    assert elsewhere is not None and elsewhere.confidence is GUESS and not elsewhere.exchanged
    swapped = find_system("EPSG:4549", positions(121.5, 31.2, "EPSG:4549", exchanged=True)).best
    assert swapped is not None and swapped.confidence is GUESS and swapped.exchanged


@pytest.mark.parametrize(
    ("code", "lon", "lat"),
    [
        ("EPSG:4549", 121.5, 31.2),
        ("EPSG:4528", 121.0, 31.2),
        ("EPSG:4550", 122.5, 31.2),
        ("EPSG:32651", 121.5, 31.2),
        ("EPSG:26985", -77.0, 38.9),
        ("EPSG:31467", 8.5, 48.4),
        ("EPSG:3857", 14.4, 50.1),
        ("EPSG:25832", 9.9, 53.5),
        ("EPSG:3067", 24.9, 60.2),
        ("EPSG:28992", 4.36, 52.0),
    ],
)
@pytest.mark.parametrize("exchanged", [False, True])
def test_projected_positions_at_home_are_likely(code: str, lon: float, lat: float, exchanged: bool) -> None:
    home = (lon - 0.4, lat - 0.3, lon + 0.4, lat + 0.3)
    found = find_system(None, positions(lon, lat, code, exchanged=exchanged), home=home)
    likely = {guess.code: guess for guess in found.guesses if guess.confidence is LIKELY}
    assert likely[code].exchanged is exchanged
    assert all(guess.confidence is not CERTAIN for guess in found.guesses)


def test_without_a_home_ranges_are_guesses_only() -> None:
    found = find_system(None, positions(121.5, 31.2, "EPSG:4549"))
    assert codes(found)[0] == "EPSG:4549"
    assert {guess.confidence for guess in found.guesses} == {GUESS}


def test_a_code_in_the_files_name_is_likely() -> None:
    best = find_system(None, positions(8.5, 48.4, "EPSG:31467"), ["gas_epsg31467"]).best
    assert best is not None and (best.code, best.confidence) == ("EPSG:31467", LIKELY)


def test_degrees_called_so_outside_china_are_certain() -> None:
    best = find_system(None, positions(-73.9, 40.7, degrees=True)).best
    assert best is not None and (best.code, best.confidence) == ("EPSG:4326", CERTAIN)


def test_degrees_in_china_may_be_shifted() -> None:
    found = find_system(None, positions(121.5, 31.2, degrees=True))
    assert codes(found) == ["EPSG:4326", "EPSG:4490", "GCJ-02", "BD-09"]
    assert all(guess.confidence is not CERTAIN for guess in found.guesses)


@pytest.mark.parametrize(
    ("name", "code"), [("路灯_GCJ02", "GCJ-02"), ("百度坐标", "BD-09"), ("高德经度", "GCJ-02")]
)
def test_names_that_mention_a_web_map(name: str, code: str) -> None:
    best = find_system(None, positions(121.5, 31.2, degrees=True), [name]).best
    assert best is not None and (best.code, best.confidence) == (code, LIKELY)


def test_latitude_first_is_seen() -> None:
    best = find_system(None, positions(121.5, 31.2, exchanged=True, degrees=True)).best
    assert best is not None and best.exchanged
    helsinki = (24.0, 60.0, 25.5, 60.5)
    best = find_system(None, positions(24.9, 60.2, exchanged=True), home=helsinki).best
    assert best is not None and best.exchanged


def test_nothing_is_said_of_no_positions() -> None:
    assert find_system(None, Positions()).guesses == ()
    zeros = Positions("x", "y", x=np.zeros(5), y=np.zeros(5))
    assert find_system(None, zeros).guesses == ()


@settings(max_examples=25, deadline=None)
@given(zone=st.integers(26, 44), east=st.floats(0.1, 0.9), north=st.floats(0.1, 0.9))
def test_any_place_in_a_zone_with_its_number_is_told(zone: int, east: float, north: float) -> None:
    """With its number in the easting a three-degree zone of CGCS2000 is always among the candidates."""
    code = f"EPSG:{4488 + zone}"
    system = parse_crs(code)
    assert system.area is not None
    west, south, right, top = system.area
    lon, lat = west + east * (right - west), south + north * (top - south)
    x, y = operation_from_wgs84(system, (lon, lat, lon, lat)).transform_xy(np.full(3, lon), np.full(3, lat))
    assert code in codes(find_system(None, Positions("x", "y", x=x, y=y)))
