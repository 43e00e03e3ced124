"""Real files read a second time, by other means than the loader's: ``ogr2ogr``, csv, pandas, json by hand.

Each gives the geometries by the rows' keys, in the file's own coordinate system; None where a row has none.
"""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas
import shapely
from shapely.geometry.base import BaseGeometry

Geometries = dict[str, BaseGeometry | None]
Reading = Callable[[Path], Geometries]

csv.field_size_limit(1 << 30)


@cache
def rows(path: Path, layer: str | None) -> list[dict[str, str]]:
    """A layer as ``ogr2ogr`` of the system reads it, its geometry as ``WKT``."""
    command = ["ogr2ogr", "-f", "CSV", "/vsistdout/", str(path), *([layer] if layer else [])]
    done = subprocess.run(
        [*command, "-lco", "GEOMETRY=AS_WKT"], capture_output=True, text=True, encoding="utf-8", check=True
    )
    return list(csv.DictReader(io.StringIO(done.stdout)))


def shape(row: Mapping[str, str]) -> BaseGeometry | None:
    """The geometry of one; None where it has none, or one that GEOS does not read."""
    found = shapely.from_wkt(row["WKT"] or None, on_invalid="ignore")
    return found if isinstance(found, BaseGeometry) else None


def by_ogr(key: str | None = None, layer: str | None = None) -> Reading:
    """By the column ``key``, else by the row's place, counted from 1."""

    def read(path: Path) -> Geometries:
        found = rows(path, layer)
        return {row[key] if key else str(n): shape(row) for n, row in enumerate(found, 1)}

    return read


def by_csv(key: str, x: str, y: str) -> Reading:
    """Points of a CSV file from two columns."""

    def read(path: Path) -> Geometries:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return {
                row[key].strip(): shapely.Point(float(row[x]), float(row[y])) if row[x].strip() else None
                for row in csv.DictReader(file)
            }

    return read


OSM_LAYERS = {
    "points": "node/{osm_id}",
    "lines": "way/{osm_id}",
    "multilinestrings": "relation/{osm_id}",
    "multipolygons": "relation/{osm_id}",
}
_TAG = re.compile(r'"((?:[^"\\]|\\.)*)"=>"((?:[^"\\]|\\.)*)"')


def by_osm(selected: Callable[[Mapping[str, str]], bool]) -> Reading:
    """The objects of all layers whose tags are selected."""

    def read(path: Path) -> Geometries:
        return {
            key: shape(row)
            for layer, name in OSM_LAYERS.items()
            for key, row, tags in _tagged(path, layer, name)
            if selected(tags)
        }

    return read


@cache
def _tagged(path: Path, layer: str, name: str) -> list[tuple[str, dict[str, str], dict[str, str]]]:
    found = []
    for row in rows(path, layer):
        tags = {key: value for key, value in row.items() if value and key not in ("WKT", "other_tags")}
        tags |= dict(_TAG.findall(row["other_tags"] or ""))
        key = f"way/{row['osm_way_id']}" if row.get("osm_way_id") else name.format(**row)
        found.append((key, row, tags))
    return found


def by_cityjson(path: Path) -> Geometries:
    """Footprints of buildings: the union of all their faces seen from above, whatever these are called."""
    city = json.loads(path.read_text(encoding="utf-8"))
    places = vertices(city)
    return {
        name: shapely.union_all([face for part in item["geometry"] for face in _faces(part, places)])
        for name, item in city["CityObjects"].items()
        if item["type"] == "Building"
    }


def _faces(solid: dict[str, Any], places: list[tuple[float, ...]]) -> Iterator[shapely.Polygon]:
    """The faces of a solid that are not upright, in the plane of the file's system."""
    assert solid["type"] == "Solid"
    for ring, *holes in (face for shell in solid["boundaries"] for face in shell):
        polygon = shapely.Polygon(
            *[[places[n][:2] for n in ring], [[places[n][:2] for n in h] for h in holes]]
        )
        if polygon.area > 1e-6:
            yield polygon


def vertices(city: dict[str, Any]) -> list[tuple[float, ...]]:
    """The vertices in metres."""
    scale, translate = city["transform"]["scale"], city["transform"]["translate"]
    return [
        tuple(n * by + to for n, by, to in zip(vertex, scale, translate, strict=True))
        for vertex in city["vertices"]
    ]


def by_gtfs(path: Path) -> Geometries:
    """Where the first trip of each block of a feed begins."""
    with zipfile.ZipFile(path) as feed:
        trips, times, points = (
            pandas.read_csv(feed.open(f"{name}.txt"), dtype=str) for name in ("trips", "stop_times", "shapes")
        )
    times["order"] = times["stop_sequence"].astype(int)
    leaves = times.sort_values("order").drop_duplicates("trip_id").set_index("trip_id")["departure_time"]
    trips["leaves"] = trips["trip_id"].map(leaves)
    first = trips.sort_values("leaves", kind="stable").drop_duplicates("block_id")
    points["order"] = points["shape_pt_sequence"].astype(int)
    starts = points.sort_values("order").drop_duplicates("shape_id").set_index("shape_id")
    return {
        f"block/{block}": shapely.Point(
            float(starts.loc[drawn, "shape_pt_lon"]), float(starts.loc[drawn, "shape_pt_lat"])
        )
        for block, drawn in zip(first["block_id"], first["shape_id"], strict=True)
    }
