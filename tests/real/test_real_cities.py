"""Every real data set loaded: its receipt as pinned, its rows and positions as other software reads them.

``pytest -s tests/real/test_real_cities.py -k control`` prints the control points' table.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import shapely
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

from tests.real.cities import DATA_SETS, Cities, DataSet
from tests.real.controls import Control, Places
from tests.real.pinned import CONTROL_POINTS, PAGE, compare, facts, page, written
from tests.real.readings import Geometries
from twin.kinds import kind

ALL = pytest.mark.parametrize("one", DATA_SETS.values(), ids=list(DATA_SETS))
DEGREES = 1e-9
"""A tenth of a millimetre: how far a position may be from that of other software by the same operation."""
POINTS = 5
EARTH = Geod(ellps="WGS84")


@ALL
def test_the_receipt_is_the_pinned_one(cities: Cities, one: DataSet) -> None:
    compare(one.receipt, written(facts(cities.of(one).receipt(one.name))))


@ALL
def test_rows_and_positions_are_those_of_an_independent_reading(cities: Cities, one: DataSet) -> None:
    city = cities.of(one)
    receipt, ours, theirs = city.receipt(one.name), city.registered(one), one.reading(city.folder / one.file)
    # Multipolygons cut by the edge of an extract: other readers leave them out without a word.
    cut = receipt.rejections.counts["geometry.incomplete"]
    assert receipt.read - cut == len(theirs)
    assert set(ours) <= set(theirs)
    assert len(theirs) - len(ours) == receipt.rejected - cut
    assert all(not fits(theirs[key], one.kind) for key in set(theirs) - set(ours))
    assert {key for key in ours if ours[key] is None} == {key for key in ours if theirs[key] is None}
    shared = [key for key in ours if ours[key] is not None and sound(theirs[key])]
    repaired = receipt.warnings.counts["geometry.repaired"]
    assert len(ours) - len(shared) == repaired + sum(shape is None for shape in ours.values())
    assert farthest(ours, moved(theirs, shared, one.same or one.control), shared) <= DEGREES


def sound(shape: BaseGeometry | None) -> bool:
    """Whether it is one that is stored as it is."""
    return shape is not None and shapely.is_valid(shape) and not shapely.is_empty(shape)


def fits(shape: BaseGeometry | None, name: str) -> bool:
    """Whether it is sound, and of a type that assets of the kind have."""
    return shape is not None and sound(shape) and shape.geom_type.removeprefix("Multi") in kind(name).geometry


def moved(shapes: Geometries, keys: list[str], control: Control) -> Geometries:
    """The geometries of some keys in longitude and latitude."""
    many = np.array([shapely.force_2d(shapes[key]) for key in keys], dtype=object)
    places = control.move(shapely.get_coordinates(many))
    return dict(zip(keys, shapely.set_coordinates(many, places), strict=True))


def farthest(ours: Geometries, theirs: Geometries, keys: list[str]) -> float:
    """Degrees between the two; of areas whichever way their rings begin and turn."""
    a, b = (np.array([side[key] for key in keys], dtype=object) for side in (ours, theirs))
    exact = shapely.equals_exact(a, b, DEGREES) | shapely.equals_exact(
        shapely.normalize(a), shapely.normalize(b), DEGREES
    )
    return float(shapely.hausdorff_distance(a[~exact], b[~exact]).max(initial=0.0))


@ALL
def test_loading_again_changes_nothing(cities: Cities, one: DataSet) -> None:
    first, again = cities.of(one).receipt(one.name), cities.of(one).load(one)
    assert (again.new, again.changed, again.same) == (0, 0, first.new)
    assert again.rejected == first.rejected


# Control points


def control_points(cities: Cities, one: DataSet) -> tuple[Places, Places]:
    """Of a few rows the first vertex: where it is by the control, and where the registry has it."""
    city = cities.of(one)
    theirs, ours = one.reading(city.folder / one.file), city.registered(one)
    keys = [key for key in theirs if key in ours and sound(theirs[key])]
    chosen = [keys[place] for place in np.linspace(0, len(keys) - 1, POINTS).astype(int)]
    source = np.array([first(theirs[key]) for key in chosen])
    known = one.control.move(source)
    held = [shapely.get_coordinates(ours[key]) for key in chosen]
    if one.reading.__name__ == "by_cityjson":
        held = [corner[[nearest(corner, place)]] for corner, place in zip(held, known, strict=True)]
    return known, np.array([corners[0] for corners in held])


def first(shape: BaseGeometry | None) -> Places:
    return shapely.get_coordinates(shape)[0]


def nearest(corners: Places, place: Places) -> int:
    """Which corner: a union of faces begins where it likes."""
    return int(np.hypot(*(corners - place).T).argmin())


def measured(cities: Cities, one: DataSet) -> dict[str, Any]:
    """The errors at the control points in metres, beside the accuracy that the operation states."""
    known, held = control_points(cities, one)
    metres = np.array(EARTH.inv(*known.T, *held.T)[2])
    return {
        "control": one.control.name,
        "stated": cities.of(one).receipt(one.name).accuracy or 0.0,
        "largest": round(float(metres.max()), 3),
        "mean": round(float(metres.mean()), 3),
    }


def test_control_points_are_within_the_stated_accuracy(cities: Cities) -> None:
    errors = {name: measured(cities, one) for name, one in DATA_SETS.items()}
    print(f"\n{'data set':28} {'stated':>8} {'largest':>8} {'mean':>8}  metres, measured against")
    for name, error in errors.items():
        figures = " ".join(f"{error[part]:8.3f}" for part in ("stated", "largest", "mean"))
        print(f"{name:28} {figures}  {error['control']}")
    for name, error in errors.items():
        assert error["largest"] <= max(error["stated"], 0.001), name
    compare(CONTROL_POINTS, written(errors))


def test_the_docs_show_the_pinned_figures() -> None:
    assert json.loads(CONTROL_POINTS.read_text(encoding="utf-8")).keys() == DATA_SETS.keys()
    compare(PAGE, page())
