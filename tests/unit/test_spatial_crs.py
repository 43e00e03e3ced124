"""Coordinate systems and operations, against the figures of the domain and against PROJ itself."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Geod, Transformer

from spatial import proj
from spatial.crs import (
    NoOperation,
    OutsideAreaOfUse,
    UnknownCrs,
    UnsupportedCrs,
    operation_from_wgs84,
    operation_to_wgs84,
    outside_area_of_use,
    parse_crs,
)

GEOD = Geod(ellps="WGS84")
SHANGHAI_4549 = (639000.0, 3456000.0, 642000.0, 3459000.0)
SHANGHAI = (121.3, 31.25, 121.6, 31.4)
SCHUTTERWALD = (3417000.0, 5370000.0, 3420000.0, 5372000.0)
OWN_SYSTEM = "+proj=tmerc +lat_0=0 +lon_0=121.4644444 +k=1 +x_0=0 +y_0=-3457000 +ellps=GRS80 +units=m"


@pytest.mark.parametrize(
    "text",
    [
        *("EPSG:4549", "epsg:4549", "4549", " 4549 ", "urn:ogc:def:crs:EPSG::4549"),
        *("http://www.opengis.net/def/crs/EPSG/0/4549", CRS(4549).to_wkt()),
        *(CRS(4549).to_wkt("WKT1_ESRI"), CRS(4549).to_json()),
    ],
)
def test_one_system_is_written_in_many_ways(text: str) -> None:
    system = parse_crs(text)
    assert (system.code, system.definition, system.datum) == ("EPSG:4549", "EPSG:4549", "China 2000")
    assert operation_to_wgs84(system, SHANGHAI_4549).accuracy == 1.0


def test_of_wgs84_is_known_what_proj_says() -> None:
    system, said = parse_crs("EPSG:4326"), CRS("EPSG:4326")
    assert said.area_of_use is not None and said.datum is not None
    assert (system.name, system.area, system.datum) == (said.name, said.area_of_use.bounds, said.datum.name)
    assert system == parse_crs(said.to_wkt())
    operation, best = operation_to_wgs84(system, SHANGHAI), proj.candidates("EPSG:4326").transformers[0]
    assert best.area_of_use is not None
    assert operation.name in best.description.split(" + ")
    assert operation.accuracy == best.accuracy
    assert operation.area_of_use == best.area_of_use.bounds


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_what_is_in_wgs84_stays_where_it_is(lon: float, lat: float) -> None:
    operation = operation_to_wgs84(parse_crs("EPSG:4326"), (lon, lat, lon, lat))
    (x,), (y,) = operation.transform_xy(np.array([lon]), np.array([lat]))
    assert (x, y) == (lon, lat)
    proj = Transformer.from_crs(4326, CRS(4326).to_wkt(), always_xy=True)
    assert proj.transform(lon, lat) == pytest.approx((lon, lat))


@pytest.mark.parametrize("text", ["GCJ-02", "gcj02", "Gcj-02", "BD-09", "bd09"])
def test_shifted_systems_go_by_name(text: str) -> None:
    assert parse_crs(text).shift in {"GCJ-02", "BD-09"}


@pytest.mark.parametrize(
    ("text", "code"), [("WGS84", "EPSG:4326"), ("CGCS2000", "EPSG:4490"), ("国家2000", "EPSG:4490")]
)
def test_aliases(text: str, code: str) -> None:
    assert parse_crs(text).code == code


@pytest.mark.parametrize(
    "text", ["", "hello", "Beijing", "EPSG:999999", "+proj=bogus", 'PROJCS["', '{"a": 1}', "4549x", "٤٥٤٩"]
)
def test_what_names_no_system_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(UnknownCrs, match="EPSG:4490"):
        parse_crs(text)


@pytest.mark.parametrize(
    ("text", "ellipsoid"), [("西安80", "IAU76"), ("北京54", "krass"), ("上海2000", "towgs84")]
)
def test_names_that_do_not_say_enough_get_a_hint(text: str, ellipsoid: str) -> None:
    with pytest.raises(UnknownCrs) as refusal:
        parse_crs(text)
    assert ellipsoid in refusal.value.text("en")
    assert ellipsoid in refusal.value.text("zh")


@pytest.mark.parametrize("text", ["EPSG:4978", "EPSG:5773", 'LOCAL_CS["site",UNIT["metre",1]]'])
def test_systems_without_a_place_on_the_map_are_refused(text: str) -> None:
    with pytest.raises(UnsupportedCrs):
        parse_crs(text)


def test_the_known_point_of_shanghai() -> None:
    operation = operation_to_wgs84(parse_crs("4549"), SHANGHAI_4549)
    lon, lat = operation.transform_xy(np.array([640412.315]), np.array([3457455.489]))
    assert GEOD.inv(lon[0], lat[0], 121.4737, 31.2304)[2] < 0.001
    back = operation_from_wgs84(parse_crs("4549"), (121.4, 31.2, 121.5, 31.3))
    assert np.hstack(back.transform_xy(lon, lat)) == pytest.approx([640412.315, 3457455.489], abs=1e-6)


def test_zone_and_prefix_agree() -> None:
    x, y = np.array([40640412.315]), np.array([3457455.489])
    lon, lat = operation_to_wgs84(parse_crs("4528"), (40639000, 3456000, 40642000, 3459000)).transform_xy(
        x, y
    )
    assert GEOD.inv(lon[0], lat[0], 121.4737, 31.2304)[2] < 0.001


def test_a_lower_limit_than_a_metre_refuses_cgcs2000() -> None:
    with pytest.raises(NoOperation, match=r"accuracy 1 m > 0\.5 m"):
        operation_to_wgs84(parse_crs("4549"), SHANGHAI_4549, accuracy=0.5)


def test_xian_80_is_refused_and_taken_with_parameters() -> None:
    with pytest.raises(NoOperation) as refusal:
        operation_to_wgs84(parse_crs("EPSG:4610"), SHANGHAI)
    assert "Ballpark" in refusal.value.text("en")
    assert "+ellps=IAU76 +towgs84" in refusal.value.text("en")
    assert "西安80" in refusal.value.text("zh")
    supplied = parse_crs("+proj=longlat +ellps=IAU76 +towgs84=10,-20,30")
    operation = operation_to_wgs84(supplied, SHANGHAI)
    assert operation.accuracy is None
    lon, lat = operation.transform_xy(np.array([121.4]), np.array([31.3]))
    expected = geocentric_shift(121.4, 31.3, 6378140.0, 298.257, (10, -20, 30))
    assert GEOD.inv(lon[0], lat[0], *expected)[2] < 0.001


def geocentric_shift(
    lon: float, lat: float, a: float, rf: float, shift: tuple[int, ...]
) -> tuple[float, float]:
    """A three-parameter shift by its textbook formulas."""
    m, p, e2 = np.radians(lon), np.radians(lat), (2 - 1 / rf) / rf
    n = a / np.sqrt(1 - e2 * np.sin(p) ** 2)
    x, y = (n * np.cos(p) * np.cos(m) + shift[0], n * np.cos(p) * np.sin(m) + shift[1])
    z = n * (1 - e2) * np.sin(p) + shift[2]
    for _ in range(20):
        n = GEOD.a / np.sqrt(1 - GEOD.es * np.sin(p) ** 2)
        p = np.arctan2(z + GEOD.es * n * np.sin(p), np.hypot(x, y))
    return float(np.degrees(np.arctan2(y, x))), float(np.degrees(p))


def test_beijing_54_counts_only_where_an_operation_was_made_for() -> None:
    system = parse_crs("EPSG:4214")
    with pytest.raises(NoOperation) as refusal:
        operation_to_wgs84(system, SHANGHAI)
    words = refusal.value.text("en")
    assert "Beijing 1954 to WGS 84 (2): accuracy 15 m > 5 m" in words
    assert "Beijing 1954 to WGS 84 (6): made for 107" in words
    assert "适用于 107" in refusal.value.text("zh")
    assert operation_to_wgs84(system, (107.5, 36, 108, 37)).accuracy == 1.0
    assert operation_to_wgs84(system, SHANGHAI, accuracy=15).accuracy == 15.0


def test_dhdn_works_without_its_grid() -> None:
    operation = operation_to_wgs84(parse_crs("EPSG:31467"), SCHUTTERWALD)
    assert operation.accuracy == 3.0
    assert "DHDN to WGS 84 (2)" in operation.name
    with pytest.raises(NoOperation, match=r"lacks the grid de_adv_BETA2007\.tif"):
        operation_to_wgs84(parse_crs("EPSG:31467"), SCHUTTERWALD, accuracy=1.5)


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1))
def test_what_is_exported_comes_back_the_same(across: float, along: float) -> None:
    for text, bounds in (
        ("EPSG:31467", SCHUTTERWALD),
        ("EPSG:4549", SHANGHAI_4549),
        ("EPSG:28992", (84000.0, 446000.0, 85000.0, 447000.0)),
        ("GCJ-02", SHANGHAI),
        ("BD-09", SHANGHAI),
        (OWN_SYSTEM + " +towgs84=10,20,30,1,2,3,4", (0.0, 0.0, 5000.0, 5000.0)),
    ):
        x = np.array([bounds[0] + across * (bounds[2] - bounds[0])])
        y = np.array([bounds[1] + along * (bounds[3] - bounds[1])])
        lon, lat = operation_to_wgs84(parse_crs(text), bounds).transform_xy(x, y)
        away = operation_from_wgs84(parse_crs(text), (lon[0], lat[0], lon[0], lat[0]))
        assert np.hstack(away.transform_xy(lon, lat)) == pytest.approx([x[0], y[0]], abs=1e-5, rel=0)


def test_one_operation_serves_every_part_of_a_load() -> None:
    """PROJ's default would change its mind at 9.92° E, where a regional operation begins."""
    bounds = (3550000.0, 5600000.0, 3600000.0, 5650000.0)
    operation = operation_to_wgs84(parse_crs("EPSG:31467"), bounds)
    x, y = np.array([3551000.0, 3599000.0]), np.array([5601000.0, 5649000.0])
    together = operation.transform_xy(x, y)
    apart = [operation.transform_xy(x[i : i + 1], y[i : i + 1]) for i in (1, 0)]
    assert together[0].tolist() == [apart[1][0][0], apart[0][0][0]]


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("EPSG:26985", (397000, 135000, 399000, 137000)),
        ("EPSG:3879", (25496000, 6672000, 25498000, 6674000)),
        ("EPSG:3857", (1605000, 6462000, 1606000, 6463000)),
        ("EPSG:32651", (354000, 3456000, 356000, 3458000)),
        ("EPSG:2193", (1700000, 5400000, 1800000, 5500000)),
    ],
)
def test_ordinary_systems_give_what_proj_gives(text: str, bounds: tuple[float, float, float, float]) -> None:
    x, y = np.linspace(bounds[0], bounds[2], 50), np.linspace(bounds[1], bounds[3], 50)
    ours = operation_to_wgs84(parse_crs(text), bounds).transform_xy(x, y)
    theirs = Transformer.from_crs(text, "EPSG:4326", always_xy=True).transform(x, y)
    assert GEOD.inv(*ours, *theirs)[2].max() < 1e-6


def test_3d_and_compound_systems_move_in_plan_and_keep_their_heights() -> None:
    rd = parse_crs("EPSG:7415")
    assert (rd.code, rd.definition) == ("EPSG:7415", "EPSG:28992")
    solid = shapely.from_wkt("POLYGON Z ((84000 446000 7, 84010 446000 8, 84010 446010 9, 84000 446000 7))")
    flat = shapely.from_wkt("POINT (84000 446000)")
    column = np.array([solid, None, flat], dtype=object)
    moved = operation_to_wgs84(rd, (84000, 446000, 84010, 446010)).transform(column)
    assert shapely.get_coordinates(moved[0], include_z=True)[:, 2].tolist() == [7, 8, 9, 7]
    assert moved[1] is None
    assert not moved[2].has_z
    plan = Transformer.from_crs("EPSG:28992", "EPSG:4326", always_xy=True).transform(84000, 446000)
    assert shapely.get_coordinates(moved[2])[0] == pytest.approx(plan, abs=1e-9)
    assert solid.equals(column[0]), "the input is not changed"
    assert parse_crs("EPSG:4979").definition == "EPSG:4326"


def test_columns_without_geometry_pass_through() -> None:
    operation = operation_to_wgs84(parse_crs("4549"), SHANGHAI_4549)
    assert operation.transform(np.array([None, shapely.Point()], dtype=object))[0] is None
    assert len(operation.transform(np.array([], dtype=object))) == 0


def test_a_proj_string_without_parameters_is_refused() -> None:
    with pytest.raises(NoOperation, match="towgs84"):
        operation_to_wgs84(parse_crs(OWN_SYSTEM), (0, 0, 5000, 5000))


def test_data_outside_the_area_of_use() -> None:
    for text, bounds in (
        ("4549", (3456000, 639000, 3459000, 642000)),  # x and y exchanged
        ("4490", (639000, 3456000, 642000, 3459000)),  # projected, called geographic
        ("4549", (121, 31, 122, 32)),  # geographic, called projected
        ("31467", (639000, 3456000, 642000, 3459000)),
        ("WGS84", (639000, 3456000, 642000, 3459000)),
    ):
        with pytest.raises(OutsideAreaOfUse, match="--crs"):
            operation_to_wgs84(parse_crs(text), bounds)


def test_rows_outside_the_area_of_use() -> None:
    x = np.array([640412.315, 0.0, 3457455.489, np.nan, np.inf, 705000.0])
    y = np.array([3457455.489, 0.0, 640412.315, 3457455.489, 0.0, 3450000.0])
    outside = outside_area_of_use(parse_crs("4549"), x, y)
    assert outside.tolist() == [False, True, True, True, True, False], "eastern Shanghai belongs to 4549"
    own = parse_crs(OWN_SYSTEM + " +towgs84=0,0,0")
    assert not outside_area_of_use(own, np.array([0.0, 90000.0]), np.array([0.0, -90000.0])).any()
    wgs84 = outside_area_of_use(parse_crs("4326"), np.array([180.0, 181.0, 0.0]), np.array([0.0, 0.0, 90.1]))
    assert wgs84.tolist() == [False, True, True]
    assert outside_area_of_use(
        parse_crs("GCJ-02"), np.array([121.0, 500.0]), np.array([31.0, 1.0])
    ).tolist() == [False, True]


def test_an_area_across_the_antimeridian() -> None:
    lon, lat = np.array([176.0, -176.5, -160.0, 150.0]), np.full(4, -44.0)
    outside = outside_area_of_use(parse_crs("EPSG:4167"), lon, lat)
    assert outside.tolist() == [False, False, True, True]


def test_a_definition_without_a_code_is_taken_by_its_datum() -> None:
    """A city's own projection of CGCS2000, as a .prj file would hold it."""
    own = CRS(4549).to_wkt("WKT1_GDAL").replace('",120]', '",121.5]').replace("Kruger CM 120E", "Kruger own")
    system = parse_crs(own.split(',AUTHORITY["EPSG","4549"]')[0] + "]")
    assert system.code is None
    operation = operation_to_wgs84(system, (499000, 3456000, 501000, 3458000))
    assert operation.accuracy == 1.0
    assert operation.transform_xy(np.array([500000.0]), np.array([3457000.0]))[0][0] == pytest.approx(121.5)
