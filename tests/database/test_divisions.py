"""Divisions: where a point lies, who issues codes there, what a file of them must hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import psycopg
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spatial.cells import points_to_cells
from twin.registry.divisions import (
    BadDivisions,
    Division,
    Divisions,
    NoIssuer,
    UnfitHome,
    UnknownDivision,
    UnknownLevel,
    ensure_known,
    home,
    parse_level,
    save_divisions,
    set_home,
)

Connection = psycopg.Connection[Any]

DISTRICT = shapely.box(121.4, 31.1, 121.6, 31.3)
WEST, EAST = shapely.box(121.4, 31.1, 121.5, 31.3), shapely.box(121.5, 31.1, 121.6, 31.3)
# A park with a lake cut out, so that interior and edge both count.
PARK = shapely.Point(121.45, 31.2).buffer(0.03).difference(shapely.Point(121.45, 31.2).buffer(0.01))


@pytest.fixture
def district(owner: Connection) -> Connection:
    save_divisions(owner, [Division("310115", "浦东新区", 6, boundary=DISTRICT)])
    save_divisions(
        owner,
        [
            Division("310115001", "西街道", 8, boundary=WEST),
            Division("310115002", "东街道", 8, boundary=EAST),
            Division("310115001001", "公园", 10, boundary=PARK),
        ],
    )
    return owner


def test_parents_come_from_codes_and_paths_from_parents(district: Connection) -> None:
    rows = district.execute("SELECT code, parent, path FROM twin.division ORDER BY code").fetchall()
    assert rows == [
        ("310115", None, ["310115"]),
        ("310115001", "310115", ["310115", "310115001"]),
        ("310115001001", "310115001", ["310115", "310115001", "310115001001"]),
        ("310115002", "310115", ["310115", "310115002"]),
    ]


def test_parents_come_from_the_place_where_codes_say_nothing(owner: Connection) -> None:
    save_divisions(owner, [Division("FI-091", "Helsinki", 6, boundary=DISTRICT)])
    save_divisions(owner, [Division("kallio", "Kallio", 8, boundary=WEST), Division("far", "Far", 8)])
    rows = owner.execute("SELECT code, parent FROM twin.division WHERE level = 8 ORDER BY code").fetchall()
    assert rows == [("far", None), ("kallio", "FI-091")]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    points=st.lists(st.tuples(st.floats(121.35, 121.65), st.floats(31.05, 31.35)), min_size=1, max_size=400)
)
def test_each_point_belongs_to_the_most_detailed_division_that_covers_it(
    known: Divisions, points: list[tuple[float, float]]
) -> None:
    lon, lat = np.array(points).T
    expected = [_by_brute_force(x, y) for x, y in points]
    assert list(known.assign(lon, lat, points_to_cells(lon, lat))) == expected
    assert list(known.assign(lon, lat)) == expected


@pytest.fixture
def known(district: Connection) -> Divisions:
    return Divisions.read(district)


def _by_brute_force(x: float, y: float) -> str | None:
    point = shapely.Point(x, y)
    ordered = (("310115001001", PARK), ("310115001", WEST), ("310115002", EAST), ("310115", DISTRICT))
    return next((code for code, shape in ordered if shape.covers(point)), None)


def test_covers_have_interior_ranges(district: Connection) -> None:
    rows = district.execute("SELECT DISTINCT division FROM twin.division_cover WHERE interior").fetchall()
    assert {row[0] for row in rows} >= {"310115", "310115001", "310115002"}


def test_codes_are_issued_by_the_nearest_division_that_a_scheme_reads(district: Connection) -> None:
    known = Divisions.read(district)
    assert known.issuing("310115001001") == ("gbt30428", "310115")
    assert known.issuing("310115") == ("gbt30428", "310115")


def test_without_a_fitting_division_home_issues(owner: Connection) -> None:
    save_divisions(owner, [Division("kallio", "Kallio", 8, boundary=WEST)])
    with pytest.raises(NoIssuer):
        Divisions.read(owner).issuing("kallio")
    set_home(owner, "FI-091")
    assert Divisions.read(owner).issuing("kallio") == ("generic", "FI-091")


def test_home_is_set_once_and_must_fit_a_scheme(owner: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    assert home(owner) is None
    with pytest.raises(UnfitHome):
        set_home(owner, "somewhere")
    set_home(owner, "fi-091")
    assert home(owner) == "FI-091"
    set_home(owner, "310115")
    assert home(owner) == "310115"
    assert "310115" in Divisions.read(owner)
    monkeypatch.setenv("TWIN_DIVISION", "FI-091")
    assert home(owner) == "FI-091"


def test_a_known_chinese_division_bears_its_name(owner: Connection) -> None:
    ensure_known(owner, "310115")
    assert owner.execute("SELECT name FROM twin.division").fetchall() == [("浦东新区",)]


def test_an_unknown_division_is_said_so(owner: Connection) -> None:
    with pytest.raises(UnknownDivision, match="nowhere"):
        ensure_known(owner, "nowhere")


@pytest.mark.parametrize(
    "divisions",
    [
        [Division("", "no code", 6)],
        [Division("1", "", 6)],
        [Division("1", "twice", 6), Division("1", "twice", 6)],
        [Division("1", "a line", 6, boundary=shapely.LineString([(0, 0), (1, 1)]))],
    ],
)
def test_unsound_divisions_change_nothing(owner: Connection, divisions: list[Division]) -> None:
    with pytest.raises(BadDivisions):
        save_divisions(owner, divisions)
    assert owner.execute("SELECT count(*) FROM twin.division").fetchone() == (0,)


def test_the_fingerprint_changes_with_any_boundary(district: Connection) -> None:
    before = Divisions.read(district).fingerprint
    save_divisions(district, [Division("310115002", "东街道", 8, boundary=EAST.buffer(0.001))])
    assert Divisions.read(district).fingerprint != before


def test_levels_have_names_and_numbers() -> None:
    assert parse_level("street") == parse_level("8") == 8
    with pytest.raises(UnknownLevel):
        parse_level("16")
