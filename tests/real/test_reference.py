"""Real layers against a second opinion: ``ogr2ogr`` loads them as well, and what it says is what is expected.

The registry is asked through GraphQL; the reference stands in a schema of the same database, loaded by the
``ogr2ogr`` on the path. Figures come from plain pyogrio, csv, shapely and h3, and from SQL on the reference.
"""

from __future__ import annotations

import asyncio
import csv
import subprocess
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import h3
import numpy as np
import psycopg
import pyogrio
import pytest
import shapely
from psycopg import sql
from psycopg.conninfo import make_conninfo
from shapely.geometry.base import BaseGeometry

from citygraph.context import Context
from citygraph.execution import execute
from loaders.load import Options, Receipt, load
from twin.registry.divisions import set_home
from twin.registry.query.sql import Single

DEGREES = 1e-7
"""How far a position may be from the reference's: about a centimetre."""

# EPSG:31467 by the operation EPSG:1777, "DHDN to WGS 84 (2)" [V]; ogr2ogr by itself would take a grid where
# PROJ has one.
GAUSS_KRUGER_3 = (
    "+proj=tmerc +lat_0=0 +lon_0=9 +k=1 +x_0=3500000 +y_0=0 +ellps=bessel"
    " +towgs84=598.1,73.7,418.2,0.202,0.045,-2.455,6.7"
)
HELSINKI = "helsinki/Helsinki.osm.pbf"
LIGHTS = "washington-dc/streetlights.csv"
GAS = "utilities-schutterwald/gas_epsg31467.gpkg"

SOURCES: dict[str, list[str]] = {
    "osm_points": [HELSINKI, "points"],
    "osm_areas": [HELSINKI, "multipolygons"],
    "lights": [
        LIGHTS,
        "-s_srs",
        "EPSG:4326",
        "-oo",
        "X_POSSIBLE_NAMES=XCOORD",
        "-oo",
        "Y_POSSIBLE_NAMES=YCOORD",
    ],
    "gas": [GAS, "pipes", "-s_srs", GAUSS_KRUGER_3],
}
"""What ``ogr2ogr`` loads. It filters nothing: an attribute filter makes GDAL report members of relations."""

LAYERS: dict[str, tuple[str, Options, str]] = {
    "lamps": (
        HELSINKI,
        Options(kind="streetlight", dataset="lamps"),
        "SELECT 'node/' || osm_id AS key, geom FROM ref.osm_points WHERE highway = 'street_lamp'",
    ),
    "buildings": (
        HELSINKI,
        Options(kind="building", dataset="buildings"),
        "SELECT coalesce('way/' || osm_way_id, 'relation/' || osm_id) AS key, geom FROM ref.osm_areas"
        " WHERE building IS NOT NULL UNION ALL"
        " SELECT 'node/' || osm_id, geom FROM ref.osm_points WHERE other_tags LIKE '%\"building\"=>%'",
    ),
    "lights": (
        LIGHTS,
        Options(kind="streetlight", dataset="lights", crs="EPSG:4326", division="US-DC"),
        "SELECT streetlightid AS key, geom FROM ref.lights",
    ),
    "pipes": (
        GAS,
        Options(kind="pipeline", layer="pipes", dataset="pipes", division="DE-08317"),
        "SELECT pipe_id::text AS key, geom FROM ref.gas",
    ),
}
"""Each layer's file, how ``load`` is told to read it, and the same rows and keys in the reference."""

PLACED = ("lamps", "lights")
"""The layers of points, whose own H3 cells need no rule."""

Geometries = dict[str, BaseGeometry]


class Reference(NamedTuple):
    """A layer as ``ogr2ogr`` read it; ``invalid`` are keys of geometries that PostGIS calls invalid."""

    geometries: Geometries
    invalid: set[str]


@dataclass(frozen=True)
class City:
    """Both loads of the same files, and the ways to ask them."""

    owner: psycopg.Connection[Any]
    url: str
    receipts: dict[str, Receipt]

    def ask(self, document: str, **variables: Any) -> Any:
        """The data of a GraphQL document."""

        async def go() -> dict[str, Any]:
            address = self.url.replace("twin_owner@", "twin_api@")
            async with await psycopg.AsyncConnection.connect(
                address, autocommit=True, options="-c twin.scope=*"
            ) as connection:
                return await execute(Context(Single(connection)), document, variables)

        answer = asyncio.run(go())
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def registered(self, layer: str, where: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the registry has of a layer, GeoJSON by source key, through every page."""
        found: dict[str, Any] = {}
        after, count, total = None, 0, -1
        while count != total:
            page = self.ask(PAGE, where={"datasets": [layer], **(where or {})}, after=after)["assets"]
            found |= {node["sourceKey"]: node["geometry"] for node in page["nodes"]}
            count, total, after = (
                count + len(page["nodes"]),
                page["totalCount"],
                page["pageInfo"]["endCursor"],
            )
            assert page["nodes"] or count == total
        assert len(found) == total
        return found

    def reference(self, layer: str) -> Reference:
        """What the reference has of a layer."""
        rows = self.owner.execute(
            sql.SQL("SELECT key, ST_AsBinary(geom), ST_IsValid(geom) FROM ref.{}").format(table(layer))
        ).fetchall()
        usable = {key: shapely.from_wkb(wkb) for key, wkb, valid in rows if valid}
        assert len({key for key, *_ in rows}) == len(rows)
        return Reference(usable, {key for key, _, valid in rows if not valid})

    def selected(self, layer: str, condition: str, *values: Any) -> set[str]:
        """The keys of the valid geometries in the reference that meet an SQL condition."""
        statement = sql.SQL("SELECT key FROM ref.{} WHERE ST_IsValid(geom) AND {}").format(
            table(layer),
            sql.SQL(condition),
        )
        return {key for (key,) in self.owner.execute(statement, values)}


PAGE = """query ($where: AssetWhere, $after: String) { assets(where: $where, first: 500, after: $after) {
    nodes { sourceKey geometry } pageInfo { endCursor } totalCount } }"""
CELLS = "query ($where: AssetWhere, $r: Int!) { cells(where: $where, resolution: $r) { cell count } }"


def table(layer: str) -> sql.Identifier:
    return sql.Identifier(f"{layer}_layer")


@pytest.fixture(scope="module")
def city(real_data: Path, new_database: Callable[[], str]) -> Iterator[City]:
    """Every layer in the registry and, by ``ogr2ogr``, in the schema ``ref``."""
    url = new_database()
    with pytest.MonkeyPatch.context() as patch, psycopg.connect(url, autocommit=True) as owner:
        patch.setenv("TWIN_DATABASE_URL", url)
        set_home(owner, "FI-091")
        receipts = {name: load(real_data / file, options) for name, (file, options, _) in LAYERS.items()}
        owner.execute("CREATE SCHEMA ref")
        for name, (file, *arguments) in SOURCES.items():
            ogr2ogr(url, name, real_data / file, arguments)
        for name, (_, _, rows) in LAYERS.items():
            made = sql.SQL("CREATE TABLE ref.{} AS ").format(table(name))
            owner.execute(made + sql.SQL(rows))
        yield City(owner, url, receipts)


def ogr2ogr(url: str, name: str, file: Path, arguments: list[str]) -> None:
    """Load a layer as ``ref.name``; without ``ogr2ogr`` there is no second opinion, and the test fails."""
    command = ["ogr2ogr", "-f", "PostgreSQL", f"PG:{make_conninfo(url)}", str(file), *arguments]
    command += ["-nln", f"ref.{name}", "-t_srs", "EPSG:4326", "-lco", "GEOMETRY_NAME=geom"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def columns(path: Path, layer: str, name: str) -> tuple[Any, Any]:
    """The geometries and one column of a layer, by plain pyogrio."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, _, wkb, (values,) = pyogrio.raw.read(path, layer=layer, columns=[name])
    return wkb, values


def lights(real_data: Path) -> list[dict[str, str]]:
    with (real_data / LIGHTS).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


# Counts


def counted(real_data: Path, layer: str) -> int:
    """How many rows a layer has, by other readers than ours and ``ogr2ogr``."""
    if layer == "lights":
        return len(lights(real_data))
    if layer == "pipes":
        return len(columns(real_data / GAS, "pipes", "pipe_id")[1])
    if layer == "lamps":
        return int((columns(real_data / HELSINKI, "points", "highway")[1] == "street_lamp").sum())
    areas = columns(real_data / HELSINKI, "multipolygons", "building")[1]
    points = columns(real_data / HELSINKI, "points", "other_tags")[1]
    return sum(v is not None for v in areas) + sum('"building"=>' in (v or "") for v in points)


def cut(receipt: Receipt) -> int:
    """Multipolygons cut by the edge of an extract, which ``ogr2ogr`` leaves out without a word."""
    return receipt.rejections.counts["geometry.incomplete"]


@pytest.mark.parametrize(
    ("layer", "rows"), [("lamps", 1128), ("buildings", 1492 + 90), ("lights", 3963), ("pipes", 2559)]
)
def test_every_row_is_read_and_accounted_for(city: City, real_data: Path, layer: str, rows: int) -> None:
    receipt, reference = city.receipts[layer], city.reference(layer)
    assert counted(real_data, layer) == rows
    assert len(reference.geometries) + len(reference.invalid) == rows
    assert receipt.read - cut(receipt) == rows
    assert receipt.new + receipt.changed + receipt.same + receipt.rejected == receipt.read
    assert (receipt.changed, receipt.same) == (0, 0)


def test_of_1492_building_areas_only_broken_ones_are_left_out_or_repaired(
    city: City, real_data: Path
) -> None:
    areas = columns(real_data / HELSINKI, "multipolygons", "building")[1]
    assert sum(value is not None for value in areas) == 1492
    receipt = city.receipts["buildings"]
    assert len(city.reference("buildings").invalid) == 34
    assert receipt.rejected - cut(receipt) + receipt.warnings.counts["geometry.repaired"] == 34


@pytest.mark.parametrize("layer", LAYERS)
def test_only_invalid_geometries_are_missing(city: City, layer: str) -> None:
    registered, reference = set(city.registered(layer)), city.reference(layer)
    assert set(reference.geometries) <= registered <= set(reference.geometries) | reference.invalid
    receipt = city.receipts[layer]
    assert len(reference.invalid - registered) == receipt.rejected - cut(receipt)


# Positions


@pytest.mark.parametrize("layer", LAYERS)
def test_positions_are_the_references(city: City, layer: str) -> None:
    registered, expected = city.registered(layer), city.reference(layer).geometries
    ours = {key: shapely.geometry.shape(registered[key]) for key in expected}
    for key, theirs in expected.items():
        a, b = (shapely.get_coordinates(one) for one in normalised(ours[key], theirs))
        assert a.shape == b.shape, key
        assert np.abs(a - b).max() <= DEGREES, key


def normalised(*geometries: BaseGeometry) -> Iterator[BaseGeometry]:
    """Areas with their rings and parts in one order; lines and points as they are."""
    for one in geometries:
        yield shapely.normalize(one) if shapely.get_dimensions(one) == 2 else one


# Filters


class Place(NamedTuple):
    """Somewhere in the middle of a layer: what filters are about."""

    lon: float
    lat: float

    @classmethod
    def within(cls, geometries: Geometries) -> Place:
        """The median position, a little off any vertex."""
        points = shapely.get_coordinates(shapely.point_on_surface(np.array(list(geometries.values()))))
        lon, lat = np.median(points, axis=0) + 3e-6
        return cls(float(lon), float(lat))

    def polygon(self, size: float) -> BaseGeometry:
        """A star of ten corners with a hole, ``size`` degrees of latitude from centre to tip."""
        angles = np.linspace(0, 2 * np.pi, 10, endpoint=False) + 0.1
        reach = np.where(np.arange(10) % 2, 0.5, 1.0) * size
        star = np.column_stack([self.lon + 2 * reach * np.cos(angles), self.lat + reach * np.sin(angles)])
        hole = shapely.box(self.lon - size / 8, self.lat - size / 8, self.lon + size / 8, self.lat + size / 8)
        return shapely.Polygon(star).difference(hole)

    def cell(self, resolution: int) -> str:
        return str(h3.latlng_to_cell(self.lat, self.lon, resolution))


def check(city: City, layer: str, where: dict[str, Any], expected: set[str]) -> None:
    """The filter selects what is expected, which is neither nothing nor everything."""
    reference = city.reference(layer)
    assert 0 < len(expected) < len(reference.geometries)
    assert set(city.registered(layer, where)) - reference.invalid == expected


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("size", [0.001, 0.004])
def test_bbox_is_st_intersects(city: City, layer: str, size: float) -> None:
    place = Place.within(city.reference(layer).geometries)
    box = [place.lon - 2 * size, place.lat - size, place.lon + 2 * size, place.lat + size]
    expected = city.selected(layer, "ST_Intersects(geom, ST_MakeEnvelope(%s, %s, %s, %s, 4326))", *box)
    check(city, layer, {"bbox": box}, expected)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("member", ["within", "intersects"])
def test_a_polygon_is_st_within_and_st_intersects(city: City, layer: str, member: str) -> None:
    area = Place.within(city.reference(layer).geometries).polygon(0.006)
    condition = f"ST_{member.capitalize()}(geom, ST_GeomFromText(%s, 4326))"
    expected = city.selected(layer, condition, shapely.to_wkt(area, rounding_precision=-1))
    check(city, layer, {member: shapely.geometry.mapping(area)}, expected)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("metres", [150.0, 400.0])
def test_near_is_st_dwithin_of_geographies(city: City, layer: str, metres: float) -> None:
    lon, lat = Place.within(city.reference(layer).geometries)
    point = "ST_SetSRID(ST_MakePoint(%s, %s), 4326)::geography"
    expected = city.selected(layer, f"ST_DWithin(geom::geography, {point}, %s)", lon, lat, metres)
    check(city, layer, {"near": {"position": {"lon": lon, "lat": lat}, "metres": metres}}, expected)


def own(geometries: Geometries, cells: set[str]) -> set[str]:
    """The keys of the points whose cell of resolution 15 descends from one of the cells, by h3."""
    resolution = h3.get_resolution(next(iter(cells)))
    positions = shapely.get_coordinates(np.array(list(geometries.values())))
    finest = [h3.latlng_to_cell(lat, lon, 15) for lon, lat in positions]
    return {
        key
        for key, cell in zip(geometries, finest, strict=True)
        if h3.cell_to_parent(cell, resolution) in cells
    }


def touching(city: City, layer: str, cells: set[str]) -> set[str]:
    """The keys of what meets the outline of one of the cells, as h3 draws it."""
    outlines = [shapely.Polygon([(x, y) for y, x in h3.cell_to_boundary(cell)]) for cell in cells]
    wkts = [shapely.to_wkt(outline, rounding_precision=-1) for outline in outlines]
    met = "ST_Intersects(geom, ST_GeomFromText(wkt, 4326))"
    return city.selected(layer, f"EXISTS (SELECT FROM unnest(%s::text[]) AS o (wkt) WHERE {met})", wkts)


def cells_about(geometries: Geometries, resolution: int) -> set[str]:
    """Three cells that do not touch: one in the middle, two at steps from it."""
    middle = Place.within(geometries).cell(resolution)
    return {middle, *sorted(h3.grid_ring(middle, 2))[::6]}


@pytest.mark.parametrize("layer", PLACED)
@pytest.mark.parametrize("resolution", [8, 9, 10])
def test_cells_own_what_h3_says_they_hold(city: City, layer: str, resolution: int) -> None:
    geometries = city.reference(layer).geometries
    cells = cells_about(geometries, resolution)
    check(city, layer, {"cells": {"cells": sorted(cells), "mode": "OWN"}}, own(geometries, cells))


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("resolution", [8, 9, 10])
def test_cells_touch_what_meets_their_outlines(city: City, layer: str, resolution: int) -> None:
    cells = cells_about(city.reference(layer).geometries, resolution)
    expected = touching(city, layer, cells)
    check(city, layer, {"cells": {"cells": sorted(cells), "mode": "TOUCHES"}}, expected)


@pytest.mark.parametrize("layer", PLACED)
def test_a_disk_owns_what_its_cells_own(city: City, layer: str) -> None:
    geometries = city.reference(layer).geometries
    middle = Place.within(geometries).cell(10)
    expected = own(geometries, set(h3.grid_disk(middle, 3)))
    check(city, layer, {"disk": {"cell": middle, "steps": 3}}, expected)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_disk_touches_what_its_cells_touch(city: City, layer: str) -> None:
    middle = Place.within(city.reference(layer).geometries).cell(10)
    expected = touching(city, layer, set(h3.grid_disk(middle, 3)))
    check(city, layer, {"disk": {"cell": middle, "steps": 3, "mode": "TOUCHES"}}, expected)


# Counts by cell


def positions(real_data: Path, layer: str) -> list[tuple[float, float]]:
    """Longitudes and latitudes of a layer of points, by plain pyogrio or csv."""
    if layer == "lights":
        return [(float(row["XCOORD"]), float(row["YCOORD"])) for row in lights(real_data)]
    wkb, highway = columns(real_data / HELSINKI, "points", "highway")
    return [
        (lon, lat) for lon, lat in shapely.get_coordinates(shapely.from_wkb(wkb[highway == "street_lamp"]))
    ]


@pytest.mark.parametrize("layer", PLACED)
def test_cells_count_what_h3_counts_at_every_resolution(city: City, real_data: Path, layer: str) -> None:
    finest = [h3.latlng_to_cell(lat, lon, 15) for lon, lat in positions(real_data, layer)]
    for resolution in range(16):
        counts = city.ask(CELLS, where={"datasets": [layer]}, r=resolution)["cells"]
        assert {one["cell"]: one["count"] for one in counts} == Counter(
            h3.cell_to_parent(cell, resolution) for cell in finest
        ), resolution
