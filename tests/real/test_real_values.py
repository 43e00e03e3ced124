"""What the real rows say: attributes, divisions, belongings; each counted by csv, pandas or geopandas too."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas
import psycopg
import pyogrio
import pytest
import shapely
from pyproj import Geod

from loaders.boundaries import read_divisions
from tests.real import controls, readings
from tests.real.cities import DATA_SETS, Cities, City
from twin.registry.divisions import save_divisions


def assets(city: City, name: str) -> dict[str, dict[str, Any]]:
    """The registered rows of a data set by source key, the attributes beside the columns."""
    city.receipt(name)
    with city.owner as owner:
        found = owner.execute(
            "SELECT a.source_key, a.name, a.status, a.owner, a.division, a.parent, a.code, a.row_number,"
            " a.attributes FROM twin.asset a JOIN twin.dataset d ON d.id = a.dataset_id WHERE d.name = %s",
            (name,),
        ).fetchall()
    names = ("name", "status", "owner", "division", "parent", "code", "row")
    return {key: dict(zip(names, rest, strict=True)) | more for key, *rest, more in found}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [{key: value.strip() for key, value in row.items()} for row in csv.DictReader(file)]


def number(text: str) -> float | None:
    return float(text) if text.replace(".", "", 1).isdigit() else None


# Washington


def test_the_lamps_of_washington(cities: Cities, real_data: Path) -> None:
    stored = assets(cities["washington"], "washington-streetlights")
    rows = table(real_data / DATA_SETS["washington-streetlights"].file)
    for row in rows:
        lamp = stored[row["STREETLIGHTID"]]
        feet = number(row["POLEHEIGHT_DESC"].removesuffix(" ft"))
        assert lamp.get("power") == number(row["WATTAGE1"])
        assert lamp.get("pole_height") == (None if feet is None else pytest.approx(feet * 0.3048, abs=1e-6))
        assert lamp["owner"] == (None if row["OWNER_DESC"] in ("", "N/A", "None") else row["OWNER_DESC"])
        assert lamp.get("road", "") == row["STREETNAME"]
    kinds = Counter(row["LIGHTTYPE_DESC"].split("-")[0] for row in rows)
    lamps = Counter(lamp.get("lamp") for lamp in stored.values())
    words = {"HPS": "hps", "LED": "led", "INC": "incandescent", "MV": "mercury", "MH": "metal_halide"}
    assert {words[word]: count for word, count in kinds.items() if word in words} == {
        lamp: count for lamp, count in lamps.items() if lamp in words.values()
    }


def test_the_sewershed_of_washington_is_a_division_to_the_metre(
    owner: psycopg.Connection, real_data: Path
) -> None:
    """NAD 83 is taken for WGS 84, which is said to be right within 4 m: against ITRF2014 it is 1 m."""
    path = real_data / "washington-dc" / "cso.shp"
    save_divisions(owner, read_divisions(path, code="GIS_ID", name="NAME", level=10))
    ((held,),) = owner.execute("SELECT ST_AsBinary(boundary) FROM twin.division").fetchall()
    source = shapely.get_coordinates(readings.shape(readings.rows(path, None)[0]))
    corners = shapely.points(shapely.get_coordinates(shapely.from_wkb(held)))
    near, apart = shapely.STRtree(corners).query_nearest(
        shapely.points(controls.NAD_83(source)), return_distance=True, all_matches=False
    )
    assert apart.max() < 1e-9
    ours = shapely.get_coordinates(corners[near[1]])
    metres = np.array(Geod(ellps="WGS84").inv(*controls.MARYLAND(source).T, *ours.T)[2])
    print(f"\nwashington sewershed: {metres.max():.3f} m at most, {metres.mean():.3f} m on average")
    assert 1.0 < metres.min() <= metres.max() < 1.1


# New York


def test_the_elevators_of_new_york_stand_in_their_buildings(cities: Cities, real_data: Path) -> None:
    city = cities["new-york"]
    elevators = assets(city, "new-york-elevators")
    codes = {asset["code"]: asset["row"] for asset in assets(city, "new-york-buildings").values()}
    rows = pandas.DataFrame(table(real_data / DATA_SETS["new-york-elevators"].file)).replace("", None)
    rows = rows.dropna(subset=["LATITUDE", "LONGITUDE"]).set_index("DV_DEVICE_NUMBER")
    places = geopandas.points_from_xy(rows["LONGITUDE"].astype(float), rows["LATITUDE"].astype(float))
    footprints = geopandas.read_file(real_data / DATA_SETS["new-york-buildings"].file)
    within = geopandas.GeoDataFrame(geometry=places, index=rows.index, crs=4326).sjoin(
        footprints.to_crs(4326), predicate="within"
    )
    expected = {key: place + 1 for key, place in within["index_right"].items()}
    assert (len(expected), len(set(expected.values()))) == (1_908, 90)
    assert {key: codes[one["parent"]] for key, one in elevators.items() if one["parent"]} == expected


def test_loads_speeds_and_travels_of_new_york(cities: Cities, real_data: Path) -> None:
    stored = assets(cities["new-york"], "new-york-elevators")
    rows = table(real_data / DATA_SETS["new-york-elevators"].file)
    read = Counter[str]()
    for row in rows:
        one = stored[row["DV_DEVICE_NUMBER"]]
        for field, column, scale in (
            ("rated_load", "DV_CAPACITY_LBS", 0.45359237),
            ("rated_speed", "DV_SPEED_FPM", 0.3048 / 60),
            ("travel", "DV_TRAVEL_DISTANCE", 0.3048),
        ):
            written = in_feet(row[column]) if field == "travel" else number(row[column])
            if written is not None:
                assert one[field] == pytest.approx(written * scale, abs=1e-6), (
                    row["DV_DEVICE_NUMBER"],
                    field,
                )
                read[field] += 1
    assert read == {"rated_load": 68_364, "rated_speed": 40_052, "travel": 26_571}


def in_feet(text: str) -> float | None:
    """Feet as New York mostly writes them: 60, 60', 16'4", 9'0."""
    match = re.fullmatch(r"(\d+)(?:'|'(\d+)\"?)?", text)
    if match is None or int(match[2] or 0) >= 12:
        return None
    return int(match[1]) + int(match[2] or 0) / 12


# Networks


@pytest.mark.parametrize(
    ("name", "key", "start", "end"),
    [
        ("schutterwald-gas", "pipe_id", "from_junction", "to_junction"),
        ("schutterwald-power", "line_id", "from_bus", "to_bus"),
        ("oberrhein-power", "line_id", "from_bus", "to_bus"),
    ],
)
def test_networks_keep_their_nodes(
    cities: Cities, real_data: Path, name: str, key: str, start: str, end: str
) -> None:
    one = DATA_SETS[name]
    stored = assets(cities[one.city], name)
    layer = geopandas.read_file(real_data / one.file, layer=one.layer)
    assert {
        str(number): (str(a), str(b))
        for number, a, b in zip(layer[key], layer[start], layer[end], strict=True)
    } == {number: (pipe["start_node"], pipe["end_node"]) for number, pipe in stored.items()}


@pytest.mark.parametrize(
    ("name", "medium", "voltage"),
    [
        ("schutterwald-gas", "gas", None),
        ("schutterwald-power", "power", 400.0),
        ("oberrhein-power", "power", 20_000.0),
    ],
)
def test_networks_say_what_flows(cities: Cities, name: str, medium: str, voltage: float | None) -> None:
    stored = assets(cities[DATA_SETS[name].city], name)
    assert {(pipe["medium"], pipe.get("voltage")) for pipe in stored.values()} == {(medium, voltage)}


def test_the_gas_pipes_are_as_wide_as_they_were(cities: Cities, real_data: Path) -> None:
    stored = assets(cities["schutterwald"], "schutterwald-gas")
    layer = pyogrio.read_dataframe(real_data / DATA_SETS["schutterwald-gas"].file, layer="pipes")
    expected = dict(zip(layer["pipe_id"].astype(str), layer["inner_diameter_mm"], strict=True))
    assert {key: pipe["diameter"] for key, pipe in stored.items()} == pytest.approx(expected)


# Vermont


def test_the_sewers_of_vermont_lie_in_its_towns(cities: Cities, real_data: Path) -> None:
    towns = geopandas.read_file(real_data / "admin-vermont" / "Vermont_Town_GEOID_RPC_County.geojson")
    assert len(towns) == len(cities["vermont"].towns) == 256
    for name in ("vermont-sewers-montpelier", "vermont-sewers-newport"):
        stored = assets(cities["vermont"], name)
        lines = geopandas.read_file(real_data / DATA_SETS[name].file)
        inside = lines.sjoin(towns[["TOWNGEOID", "geometry"]], predicate="within")
        assert len(inside) > 0.95 * len(lines)
        for key, town in zip(inside["GlobalID"], inside["TOWNGEOID"], strict=True):
            assert stored[key]["division"] == town
        assert all(pipe["code"].startswith("US-VT-") for pipe in stored.values())


@pytest.mark.parametrize("name", ["vermont-sewers-montpelier", "vermont-sewers-newport"])
def test_what_flows_in_vermont_and_whether_it_does(cities: Cities, real_data: Path, name: str) -> None:
    media = {"Stormwater": "stormwater", "Wastewater": "wastewater", "Combined": "combined_sewer"}
    states = {"Existing": "in_service", "Abandoned": "retired", "Proposed": "planned", None: "in_service"}
    features = json.loads((real_data / DATA_SETS[name].file).read_text(encoding="utf-8"))["features"]
    expected = Counter(
        (media.get(said["SystemType"], "water_supply"), states[said["Status"]])
        for said in (feature["properties"] for feature in features)
    )
    stored = assets(cities["vermont"], name).values()
    assert Counter((pipe["medium"], pipe["status"]) for pipe in stored) == expected


# Buildings


def test_the_heights_of_delft(cities: Cities, real_data: Path) -> None:
    stored = assets(cities["delft"], "delft-buildings")
    city = json.loads((real_data / DATA_SETS["delft-buildings"].file).read_text(encoding="utf-8"))
    places = readings.vertices(city)
    for name, item in city["CityObjects"].items():
        if item["type"] != "Building":
            continue
        shells = (shell for solid in item["geometry"] for shell in solid["boundaries"])
        levels = [places[n][2] for shell in shells for face in shell for ring in face for n in ring]
        building = stored[name]
        assert building["ground_level"] == pytest.approx(min(levels), abs=1e-3)
        assert building["height"] == pytest.approx(max(levels) - min(levels), abs=1e-3)
        assert building["vertical_datum"] == "Normaal Amsterdams Peil"


def test_the_heights_of_new_york(cities: Cities, real_data: Path) -> None:
    stored = assets(cities["new-york"], "new-york-buildings")
    feet = geopandas.read_file(real_data / DATA_SETS["new-york-buildings"].file)["height"]
    heights = {building["row"]: building["height"] for building in stored.values()}
    assert heights == pytest.approx({place + 1: height * 0.3048 for place, height in enumerate(feet)})


def test_the_names_of_tsinghua(cities: Cities, real_data: Path) -> None:
    features = json.loads((real_data / DATA_SETS["tsinghua-buildings"].file).read_text(encoding="utf-8"))
    said = {str(one["properties"]["id"]): one["properties"]["name"] for one in features["features"]}
    stored = assets(cities["tsinghua"], "tsinghua-buildings")
    assert {key: one["name"] for key, one in stored.items()} == {
        key: name and name.strip() for key, name in said.items()
    }
    assert {building["code"][:6] for building in stored.values()} == {"110108"}


def test_broken_areas_of_helsinki_are_left_out_or_repaired(cities: Cities, real_data: Path) -> None:
    """Clipped at the edge of the extract: rings of two points, which nobody reads, and areas of nothing."""
    receipt = cities["helsinki"].receipt("helsinki-buildings")
    shapes = np.array(
        list(
            DATA_SETS["helsinki-buildings"].reading(real_data / DATA_SETS["helsinki-buildings"].file).values()
        )
    )
    unreadable = shapely.is_missing(shapes)
    flat = ~unreadable & (shapely.area(shapes) == 0) & (shapely.get_dimensions(shapes) == 2)
    crossed = ~unreadable & ~flat & ~shapely.is_valid(shapes)
    assert receipt.rejections.counts == {
        "geometry.incomplete": 3,
        "geometry.unreadable": unreadable.sum(),
        "geometry.invalid": flat.sum(),
    }
    assert receipt.warnings.counts["geometry.repaired"] == crossed.sum()


# Brussels


def test_the_vehicles_of_brussels(cities: Cities, real_data: Path) -> None:
    with zipfile.ZipFile(real_data / DATA_SETS["brussels-vehicles"].file) as feed:
        trips, routes = (pandas.read_csv(feed.open(f"{name}.txt"), dtype=str) for name in ("trips", "routes"))
    assert (len(routes), len(trips)) == (90, 3_937)
    whole = trips.merge(routes, on="route_id")
    stored = assets(cities["brussels"], "brussels-vehicles")
    assert {key: one["trips"] for key, one in stored.items()} == {
        f"block/{block}": count for block, count in trips["block_id"].value_counts().items()
    }
    for block, own in whole.groupby("block_id"):
        vehicle = stored[f"block/{block}"]
        assert set(vehicle["routes"].split(", ")) == set(own["route_short_name"])
        assert vehicle["category"] in {"0": "tram", "1": "metro", "3": "bus"}[own["route_type"].iloc[0]]
        assert vehicle["owner"] == "STIB"
