"""Assets for tests of what is asked of the registry: a small city whose every fact is known here as well.

Rows go in by plain SQL, so that nothing of the loading road is needed or trusted.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

import h3
import numpy as np
import psycopg
import shapely
from psycopg.types.json import Jsonb
from shapely.geometry.base import BaseGeometry

from spatial.geometry import asset_points
from twin.identity import scheme
from twin.kinds import all_kinds, kind
from twin.registry.partitions import ensure_partitions
from twin.registry.words import searchable

DISTRICTS = ("310115", "310101")
STREETS = tuple(f"{district}{number:03}" for district in DISTRICTS for number in (1, 2, 3))
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Asset:
    """One asset as a test knows it."""

    kind: str
    code: str
    geometry: BaseGeometry | None
    division: str
    source_key: str
    dataset: str = "survey"
    name: str | None = None
    address: str | None = None
    status: str = "in_service"
    parent: str | None = None
    installed: date | None = None
    owner: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    identifiers: tuple[tuple[str, str], ...] = ()
    updated: datetime = BEGIN

    @cached_property
    def point(self) -> tuple[float, float] | None:
        """The asset's point, by the rule of ``spatial``."""
        if self.geometry is None:
            return None
        lon, lat = asset_points(np.array([self.geometry], dtype=object))
        return float(lon[0]), float(lat[0])

    @cached_property
    def cell(self) -> str | None:
        """Its H3 cell of resolution 15, by h3 itself."""
        return None if self.point is None else h3.latlng_to_cell(self.point[1], self.point[0], 15)

    @cached_property
    def words(self) -> str | None:
        """What it is found by."""
        return searchable([self.name, self.address, *(value for _, value in self.identifiers)])


def code(class_code: str, number: int) -> str:
    """A code issued in Pudong."""
    return scheme("gbt30428").format("310115", class_code, number)


def classes(name: str) -> str:
    """The first class number of a kind."""
    return kind(name).classes[0].code


def small_city(seed: int = 11) -> list[Asset]:
    """Lamps, buildings, pipes and elevators around three places, some far north, some at the antimeridian."""
    dice = random.Random(seed)
    assets = [_lamp(dice, number) for number in range(1, 161)]
    buildings = [_building(dice, number) for number in range(1, 61)]
    pipes = [_pipe(dice, number) for number in range(1, 41)]
    elevators = [_elevator(dice, number, buildings) for number in range(1, 51)]
    return [*assets, *buildings, *pipes, *elevators]


def _place(dice: random.Random) -> tuple[float, float]:
    lon, lat = dice.choice([(121.47, 31.23), (121.47, 31.23), (24.94, 60.17), (179.999, -16.8)])
    lon, lat = lon + dice.uniform(-0.01, 0.01), lat + dice.uniform(-0.01, 0.01)
    return round(lon if lon <= 180 else lon - 360, 7), round(lat, 7)


def _common(dice: random.Random, name: str, class_code: str, number: int) -> dict[str, Any]:
    words = dice.choice(
        [None, f"灯杆{number}号", f"Lamp POLE {number}", f"人民路{number % 9}号", "百分之_50%", "%_ 与 _%"]
    )
    return {
        "kind": name,
        "code": code(class_code, number),
        "division": dice.choice([*STREETS, "310115"]),
        "source_key": f"{name}-{number}",
        "dataset": dice.choice(["survey", "survey", "council"]),
        "name": words,
        "address": dice.choice([None, "ＮＡＮＪＩＮＧ Road", "南京路步行街"]),
        "status": dice.choice(["in_service", "in_service", "planned", "suspended", "retired"]),
        "installed": dice.choice([None, date(2020, 1, 1) + timedelta(days=dice.randrange(5))]),
        "owner": dice.choice([None, "O1", "Somebody"]),
        "updated": BEGIN + timedelta(seconds=dice.randrange(4), microseconds=dice.randrange(3)),
    }


def _lamp(dice: random.Random, number: int) -> Asset:
    attributes: dict[str, Any] = {}
    if dice.random() < 0.8:
        attributes["power"] = float(dice.choice([50, 100, 150.5, 250]))
    if dice.random() < 0.8:
        attributes["lamp"] = dice.choice([choice.value for choice in _choices("streetlight", "lamp")[:3]])
    if dice.random() < 0.5:
        attributes["circuit"] = dice.choice(["A1", "A2", "B_1", "B%"])
    lon, lat = _place(dice)
    placed = shapely.Point(lon, lat, 8.5) if number % 9 == 5 else shapely.Point(lon, lat)
    geometry = None if number % 20 == 0 else placed
    identifiers = ((("pole_number", f"P{number % 150}"),) if number % 3 == 0 else ()) + (
        (("vin", "1M8GDM9AXKP042788"),) if number == 7 else ()
    )
    common = _common(dice, "streetlight", classes("streetlight"), number)
    return Asset(**common, geometry=geometry, attributes=attributes, identifiers=identifiers)


def _building(dice: random.Random, number: int) -> Asset:
    lon, lat = _place(dice)
    size = dice.uniform(0.0001, 0.0005)
    house = shapely.box(lon - size, lat - size, min(lon + size, 180), lat + size)
    shed = shapely.box(lon - 3 * size, lat, lon - 2 * size, lat + size / 2)
    geometry = shapely.MultiPolygon([house, shed]) if number % 7 == 0 else house
    attributes: dict[str, Any] = {"levels": dice.randrange(1, 40)} if dice.random() < 0.7 else {}
    if dice.random() < 0.7:
        attributes["height"] = round(dice.uniform(3, 200), 1)
    common = _common(dice, "building", classes("building"), number)
    return Asset(**common, geometry=geometry, attributes=attributes)


def _pipe(dice: random.Random, number: int) -> Asset:
    lon, lat = _place(dice)
    corners = [(lon, lat)]
    for _ in range(dice.randrange(1, 4)):
        lon, lat = max(min(lon + dice.uniform(-0.002, 0.002), 180), -180), lat + dice.uniform(-0.001, 0.001)
        corners.append((lon, lat))
    attributes = {"diameter": float(dice.choice([100, 300, 600])), "medium": "gas", "height": 900.5}
    common = _common(dice, "pipeline", classes("pipeline"), number)
    return Asset(**common, geometry=shapely.LineString(corners), attributes=attributes)


def _elevator(dice: random.Random, number: int, buildings: Sequence[Asset]) -> Asset:
    parent = dice.choice(buildings[:10])
    attributes: dict[str, Any] = {"rated_load": float(dice.choice([630, 1000, 1600]))}
    if dice.random() < 0.7:
        attributes["last_inspection"] = f"2024-0{dice.randrange(1, 9)}-15"
    common = _common(dice, "elevator", classes("elevator"), number)
    geometry = None if number % 2 else shapely.Point(parent.point or (0, 0))
    return Asset(**common, geometry=geometry, attributes=attributes, parent=parent.code)


def _choices(kind_name: str, attribute: str) -> Sequence[Any]:
    found = kind(kind_name).attribute(attribute)
    return found.choices if found else ()


def insert_city(connection: psycopg.Connection[Any], assets: Iterable[Asset]) -> None:
    """Write the assets, with partitions, divisions, data sets and organisations."""
    for each in all_kinds().values():
        ensure_partitions(connection, each)
    _insert_divisions(connection)
    connection.execute("INSERT INTO twin.organisation VALUES ('O1', 'Lighting Department')")
    connection.execute(
        "INSERT INTO twin.dataset (name, attribution) VALUES ('survey', 'City survey'), ('council', NULL)"
    )
    numbers = dict(connection.execute("SELECT name, id FROM twin.dataset").fetchall())
    connection.execute(
        "INSERT INTO twin.load"
        " VALUES (1, %s, 'streetlight', 'lamps.shp', 'shapefile', '{}', 0, 0, 0, 0, 0, '{}', %s, %s)",
        [numbers["survey"], BEGIN, BEGIN + timedelta(seconds=2)],
    )
    with connection.cursor() as cursor:
        for row, asset in enumerate(assets, 1):
            cursor.execute(_INSERT, _values(asset, numbers[asset.dataset], row))
            for scheme_name, value in asset.identifiers:
                cursor.execute(
                    _IDENTIFIER, [scheme_name, asset.source_key, value, asset.kind, asset.code, BEGIN]
                )
    connection.execute("ANALYZE")


_INSERT = """
INSERT INTO twin.asset (kind, issued_in, code, scheme, dataset_id, source_key, name, address, status,
    division, parent, relation, owner, installed, attributes, words, geom, cell, load_id, row_number,
    source_hash, valid_from, recorded_from)
VALUES (%s, '310115', %s, 'gbt30428', %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,
    ST_GeomFromWKB(%s, 4326), %s, 1, %s, 0, %s, %s)
"""
_IDENTIFIER = """
INSERT INTO twin.identifier (scheme, issuer, value, kind, issued_in, code, valid_from)
VALUES (%s, %s, %s, %s, '310115', %s, %s)
"""


def _values(asset: Asset, dataset: int, row: int) -> list[Any]:
    return [
        asset.kind, asset.code, dataset, asset.source_key, asset.name, asset.address, asset.status,
        asset.division, asset.parent, "inside" if asset.parent else None, asset.owner, asset.installed,
        Jsonb(asset.attributes), asset.words,
        None if asset.geometry is None else shapely.to_wkb(asset.geometry),
        None if asset.cell is None else int(asset.cell, 16), row, BEGIN, asset.updated,
    ]  # fmt: skip


def _insert_divisions(connection: psycopg.Connection[Any]) -> None:
    rows: list[tuple[str, str, int, str | None, list[str]]] = [("310000", "上海市", 4, None, ["310000"])]
    rows += [(d, f"District {d}", 6, "310000", ["310000", d]) for d in DISTRICTS]
    rows += [(s, f"Street {s}", 8, s[:6], ["310000", s[:6], s]) for s in STREETS]
    for values in rows:
        connection.execute(
            "INSERT INTO twin.division (code, name, level, parent, path) VALUES (%s, %s, %s, %s, %s)", values
        )
