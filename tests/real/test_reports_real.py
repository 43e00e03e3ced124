"""Each report on real cities, against figures that pandas and GeoPandas make of the source files alone.

Nothing here uses the loader's reading or the reports' SQL: files are read by pandas and GDAL, areas joined by
GeoPandas, lengths and areas measured by PROJ's geodesics, and due dates found month by month.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import chain, count
from pathlib import Path
from typing import Any

import geopandas
import h3
import numpy as np
import pandas
import psycopg
import pytest
import shapely
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

from tests.real.cities import DATA_SETS, Cities, City
from twin.registry.query.inputs import Given
from twin.reports import report
from twin.reports.request import Area, request
from twin.reports.running import Row, run_now, wanted

EARTH = Geod(ellps="WGS84")
ON = pandas.Timestamp("2018-06-15")
"""A day in the life of New York's data, which ends in 2016."""
TOWNS = "admin-vermont/Vermont_Town_GEOID_RPC_County.geojson"

Figures = Callable[..., list[Row]]


def areas_of(frame: geopandas.GeoDataFrame, name: str) -> tuple[Area, ...]:
    return tuple(Area(str(called), shape) for called, shape in zip(frame[name], frame.geometry, strict=True))


def figures(city: City, name: str, table: str, areas: Iterable[Area] = (), **asked: Any) -> list[Row]:
    """The rows of a report's table, asked as the API's role."""
    given = {key: Given(value, key) if key != "kinds" else value for key, value in asked.items()}
    chosen = report(name)
    address = city.url.replace("twin_owner@", "twin_api@")
    with psycopg.connect(address, autocommit=True, options="-c twin.scope=*") as connection:
        asking = wanted(chosen, request(chosen, areas=tuple(areas), **given), [table])
        return list(run_now(connection, asking).tables[0].rows)


# New York's elevators, in hexagons


@pytest.fixture(scope="module")
def new_york(cities: Cities) -> City:
    return cities.of(DATA_SETS["new-york-elevators"])


@pytest.fixture(scope="module")
def devices(real_data: Path) -> pandas.DataFrame:
    """DOB's devices as pandas reads them, with the hexagon that each stands in."""
    found = pandas.read_csv(real_data / "elevators-nyc/elevators_raw.csv", dtype=str)
    words = {"ACTIVE": "in_service", "NYCHA": "in_service", "NO JURIST": "in_service"}
    words |= {"WK IN PROG": "suspended", "DISMANTLED": "retired"}
    found["status"] = found["DV_DEVICE_STATUS_DESCRIPTION"].map(words)
    for column, name in (("accepted", "DV_APPROVAL_DATE"), ("last", "DV_LASTPER_INSP_DATE")):
        digits = found[name].str.extract(r"^(\d{8})(?:\.0)?$", expand=False)  # pandas would take 2010116 too
        found[column] = pandas.to_datetime(digits, format="%Y%m%d", errors="coerce")
    for name in ("LATITUDE", "LONGITUDE"):
        found[name] = found[name].astype(float)
    return found


@pytest.fixture(scope="module")
def hexagons(devices: pandas.DataFrame) -> geopandas.GeoDataFrame:
    """The H3 cells of resolution 6 about Manhattan, as polygons."""
    cells = sorted(h3.grid_disk(h3.latlng_to_cell(40.75, -73.98, 6), 2))
    shapes = [shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(cell)]) for cell in cells]
    return geopandas.GeoDataFrame({"cell": cells}, geometry=shapes, crs=4326)


@pytest.fixture(scope="module")
def placed(devices: pandas.DataFrame, hexagons: geopandas.GeoDataFrame) -> pandas.DataFrame:
    """The devices in the hexagons that they stand in, by GeoPandas."""
    points = geopandas.points_from_xy(devices["LONGITUDE"], devices["LATITUDE"], crs=4326)
    frame = geopandas.GeoDataFrame(devices, geometry=points)
    joined = geopandas.sjoin(frame, hexagons, predicate="within")
    assert 30_000 < len(joined) < len(devices)
    return joined


def test_the_census_of_new_york(
    new_york: City, hexagons: geopandas.GeoDataFrame, placed: pandas.DataFrame
) -> None:
    rows = figures(new_york, "asset-census", "kinds", areas_of(hexagons, "cell"), kinds=["elevator"])
    counted = placed.groupby(["cell", "status"]).size().unstack(fill_value=0)
    expected = counted.reindex(hexagons["cell"], fill_value=0)
    assert [row["area_name"] for row in rows] == list(hexagons["cell"])
    for status in ("in_service", "suspended", "retired"):
        assert [row[status] for row in rows] == expected[status].tolist(), status
    assert [row["assets"] for row in rows] == (expected["in_service"] + expected["suspended"]).tolist()
    assert sum(row["assets"] for row in rows) > 20_000


def test_the_ages_of_new_york_s_elevators(
    new_york: City, hexagons: geopandas.GeoDataFrame, placed: pandas.DataFrame
) -> None:
    areas = areas_of(hexagons, "cell")
    rows = figures(new_york, "elevator-age", "areas", areas, on=ON.date().isoformat())
    standing = placed[placed["status"].isin(["in_service", "suspended"])].copy()
    edges = [ON - pandas.DateOffset(years=years) for years in (15, 10, 5)]
    bins = [pandas.Timestamp.min, *edges, ON + pandas.Timedelta(days=1), pandas.Timestamp.max]
    names = ["older", "age_10_15", "age_5_10", "age_0_5", "later"]
    standing["age"] = pandas.cut(standing["accepted"], bins, labels=names, right=False).astype(object)
    standing["age"] = standing["age"].fillna("unknown")
    expected = standing.groupby(["cell", "age"]).size().unstack(fill_value=0)
    expected = expected.reindex(index=hexagons["cell"], columns=[*names, "unknown"], fill_value=0)
    for name in expected.columns:
        assert [row[name] for row in rows] == expected[name].tolist(), name
    known = expected[names[:4]].sum(axis=1)
    shares = (expected["older"] / known.where(known > 0)).tolist()
    assert [row["share_older"] for row in rows] == [
        None if np.isnan(share) else pytest.approx(share) for share in shares
    ]
    varieties = figures(new_york, "elevator-age", "categories", areas, on=ON.date().isoformat())
    escalators = standing[standing["Device Type"] == "Escalator (E)"].groupby("cell").size()
    assert {
        r["area_name"]: r["elevators"] for r in varieties if r["category"] == "escalator"
    } == escalators.to_dict()
    assert sum(row["elevators"] for row in varieties) == len(standing)


def due(accepted: pandas.Series, last: pandas.Series) -> pandas.Series:
    """The end of the first due month since the acceptance that nothing fulfils, by TSG T7001's years."""
    begun, done = accepted.dt.to_period("M"), accepted.where(last.isna() | (last < accepted), last)
    found = pandas.Series(pandas.NaT, index=accepted.index, dtype="datetime64[ns]")
    years, waiting = chain([1, 4, 7, 9, 11, 13], count(15)), found.index
    while len(waiting):
        month = begun[waiting] + 12 * next(years)
        missed = done[waiting] < (month - 2).dt.start_time
        found[waiting[missed]] = month[missed].dt.end_time.dt.normalize()
        waiting = waiting[~missed]
    return found


def test_what_is_due_in_new_york(
    new_york: City, hexagons: geopandas.GeoDataFrame, placed: pandas.DataFrame
) -> None:
    """As if TSG T7001 held there."""
    asked: dict[str, Any] = {"on": ON.date().isoformat(), "within": 6}
    areas = areas_of(hexagons, "cell")
    running = placed[placed["status"] == "in_service"].copy()
    dated = running[running["accepted"].notna()].copy()
    dated["due"] = due(dated["accepted"], dated["last"])
    dated["overdue"] = dated["due"] < ON
    dated["coming"] = ~dated["overdue"] & (dated["due"] <= ON + pandas.DateOffset(months=6))
    dated["unrecorded"] = dated["overdue"] & dated["last"].isna()
    rows = figures(new_york, "inspections", "areas", areas, **asked)
    sums = dated.groupby("cell")[["overdue", "coming", "unrecorded"]].sum()
    expected = sums.reindex(hexagons["cell"], fill_value=0).astype(int)
    for name in expected.columns:
        assert [row[name] for row in rows] == expected[name].tolist(), name
    total = running.groupby("cell").size().reindex(hexagons["cell"], fill_value=0)
    with_anchor = dated.groupby("cell").size().reindex(hexagons["cell"], fill_value=0)
    assert [row["assets"] for row in rows] == total.tolist()
    assert [row["unknown"] for row in rows] == (total - with_anchor).tolist()
    assert expected.sum().min() > 100
    listed = figures(new_york, "inspections", "assets", areas, **asked)
    shown = dated[dated["overdue"] | dated["coming"]]
    assert Counter((r["area_name"], r["due"], r["last_inspection"]) for r in listed) == Counter(
        (cell, day.date(), None if pandas.isna(last) else last.date())
        for cell, day, last in zip(shown["cell"], shown["due"], shown["last"], strict=True)
    )
    positions = sorted((round(row["lon"], 9), round(row["lat"], 9)) for row in listed)
    assert positions == sorted(zip(shown["LONGITUDE"].round(9), shown["LATITUDE"].round(9), strict=True))


# Vermont's pipes, in its towns


def middle(line: BaseGeometry) -> BaseGeometry:
    """The point half the length along the longest line, by geodesics between its corners."""
    longest = max(shapely.get_parts(line), key=EARTH.geometry_length)
    corners = shapely.get_coordinates(longest)
    along = np.concatenate([[0.0], np.cumsum(EARTH.line_lengths(*corners.T)[: len(corners) - 1])])
    return shapely.Point([np.interp(along[-1] / 2, along, axis) for axis in corners.T])


def test_the_pipes_of_vermont_s_towns(cities: Cities, real_data: Path) -> None:
    city = cities.of(DATA_SETS["vermont-sewers-newport"])
    towns = geopandas.read_file(real_data / TOWNS)
    files = [real_data / f"sewers-vermont/{name}_lines.geojson" for name in ("Montpelier", "NewportCity")]
    pipes = pandas.concat([geopandas.read_file(file) for file in files])
    pipes["metres"] = [EARTH.geometry_length(shape) for shape in pipes.geometry]
    points = pipes.set_geometry([middle(shape) for shape in pipes.geometry], crs=4326)
    joined = geopandas.sjoin(points, towns[["TOWNGEOID", "geometry"]], predicate="within")
    assert len(joined) == len(pipes) == 4_874 + 2_500
    gone = joined["Status"] == "Abandoned"
    kept, retired = joined[~gone].groupby("TOWNGEOID"), joined[gone].groupby("TOWNGEOID").size()
    rows = figures(city, "asset-census", "kinds", areas_of(towns, "TOWNGEOID"), kinds=["pipeline"])
    assert len(rows) == len(towns) == 256
    assert {r["area_name"]: r["assets"] for r in rows if r["assets"]} == kept.size().to_dict()
    assert {r["area_name"]: r["retired"] for r in rows if r["retired"]} == retired.to_dict()
    assert {r["area_name"]: r["length_m"] for r in rows if r["assets"]} == {
        town: pytest.approx(metres, rel=1e-7) for town, metres in kept["metres"].sum().items()
    }


def test_a_town_s_polygon_and_the_town_as_a_division_have_the_same_pipes(
    cities: Cities, real_data: Path
) -> None:
    city = cities.of(DATA_SETS["vermont-sewers-newport"])
    towns = geopandas.read_file(real_data / TOWNS)
    by_area = figures(city, "asset-census", "kinds", areas_of(towns, "TOWNGEOID"), kinds=["pipeline"])
    by_level = figures(city, "asset-census", "kinds", level="8", kinds=["pipeline"])
    facts = ("assets", "in_service", "planned", "retired", "length_m")
    assert {r["area_name"]: [r[f] for f in facts] for r in by_area} == {
        r["area"]: [pytest.approx(r[f]) for f in facts] for r in by_level
    }


# Helsinki and Washington, in squares


def squares(west: float, south: float, east: float, north: float, count: int) -> geopandas.GeoDataFrame:
    xs, ys = np.linspace(west, east, count + 1), np.linspace(south, north, count + 1)
    boxes = {
        f"{i},{j}": shapely.box(xs[i], ys[j], xs[i + 1], ys[j + 1])
        for j in range(count)
        for i in range(count)
    }
    return geopandas.GeoDataFrame({"square": list(boxes)}, geometry=list(boxes.values()), crs=4326)


def surface(area: BaseGeometry) -> BaseGeometry:
    parts = [area] if area.geom_type == "Polygon" else list(area.geoms)
    return max(parts, key=lambda part: part.area).point_on_surface()


PLACES: Mapping[str, Callable[[BaseGeometry], BaseGeometry]] = {
    "Point": lambda shape: shape,
    "LineString": middle,
    "MultiLineString": middle,
    "Polygon": surface,
    "MultiPolygon": surface,
}
HELSINKI = {
    "buildings": ("Polygon", "MultiPolygon", "Point"),
    "elevators": ("Point", "LineString", "Polygon"),
    "streetlights": ("Point",),
    "manholes": ("Point", "LineString"),
    "pipelines": ("LineString",),
    "roads": ("LineString",),
}
"""The types that assets of a kind have there; pedestrian areas are no roads."""


def square_metres(shape: BaseGeometry) -> float:
    if "Polygon" not in shape.geom_type:
        return 0.0
    parts = (shapely.geometry.polygon.orient(part) for part in shapely.get_parts(shape))
    return sum(abs(EARTH.geometry_area_perimeter(part)[0]) for part in parts)


@pytest.mark.parametrize("kinds", HELSINKI)
def test_the_census_of_helsinki(cities: Cities, kinds: str) -> None:
    one = DATA_SETS[f"helsinki-{kinds}"]
    city = cities.of(one)
    read = {key: s for key, s in one.reading(city.folder / one.file).items() if s is not None}
    shapes = [s for s in read.values() if s.geom_type in HELSINKI[kinds] and s.is_valid and not s.is_empty]
    warnings = city.receipt(one.name).warnings
    mended = [read[one.key] for one in warnings.kept if one.reason == "geometry.repaired" and one.key]
    assert len(mended) == warnings.counts["geometry.repaired"]
    frame = geopandas.GeoDataFrame(geometry=[PLACES[s.geom_type](s) for s in shapes], crs=4326)
    frame["length_m"] = [EARTH.geometry_length(s) if "Line" in s.geom_type else 0.0 for s in shapes]
    frame["area_m2"] = [square_metres(shape) for shape in shapes]
    grid = squares(24.93, 60.16, 24.97, 60.185, 5)
    joined = geopandas.sjoin(frame, grid, predicate="within").groupby("square")
    counts = joined.size().reindex(grid["square"], fill_value=0).tolist()
    rows = figures(city, "asset-census", "kinds", areas_of(grid, "square"), kinds=[one.kind])
    found = [row["assets"] for row in rows]
    assert 0 <= sum(found) - sum(counts) <= len(mended)
    exact = [not any(box.intersects(shapely.box(*s.bounds)) for s in mended) for box in grid.geometry]
    assert sum(exact) > len(exact) / 2
    assert all(a == b for a, b, same in zip(found, counts, exact, strict=True) if same)
    for column, owner in (("length_m", ("pipeline", "road")), ("area_m2", ("building",))):
        if one.kind in owner:
            sums = joined[column].sum().reindex(grid["square"], fill_value=0.0).tolist()
            pairs = zip(rows, sums, exact, strict=True)
            assert all(row[column] == pytest.approx(total, rel=1e-6) for row, total, same in pairs if same)


def test_the_lamps_of_washington(cities: Cities, real_data: Path) -> None:
    one = DATA_SETS["washington-streetlights"]
    city = cities.of(one)
    lamps = pandas.read_csv(city.folder / one.file, dtype=str, encoding="utf-8-sig")
    points = geopandas.points_from_xy(lamps["XCOORD"].astype(float), lamps["YCOORD"].astype(float), crs=4326)
    west, south, east, north = points.total_bounds
    grid = squares(west - 1e-6, south - 1e-6, east + 1e-6, north + 1e-6, 6)
    joined = geopandas.sjoin(geopandas.GeoDataFrame(lamps, geometry=points), grid, predicate="within")
    joined = joined.drop_duplicates("STREETLIGHTID")
    areas = areas_of(grid, "square")
    rows = figures(city, "asset-census", "kinds", areas)
    counted = [row["assets"] + row["retired"] for row in rows if row["kind"] == "streetlight"]
    assert len(joined) == len(lamps)
    expected = joined.groupby("square").size().reindex(grid["square"], fill_value=0).tolist()
    assert counted == expected
    watts = pandas.to_numeric(joined["WATTAGE1"], errors="coerce")
    sums = figures(city, "asset-census", "sums", areas, kinds=["streetlight"])
    total = sum(row["total"] for row in sums if row["sum"] == "power")
    assert total == pytest.approx(watts.sum(), rel=1e-9)
