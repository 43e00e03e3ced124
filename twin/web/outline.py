"""The outline of a geometry as a small drawing: north up, true to scale, with a scale bar in metres."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import shapely
from shapely.geometry import shape

from spatial import proj

# As the server starts, and not for the first who asks.
_GEOD = proj.geod()

WIDTH = 360
MOST_HEIGHT = 360
LEAST_HEIGHT = 90
MARGIN = 14
BAR_SPACE = 26
LONGEST_BAR = 120


@dataclass(frozen=True, slots=True)
class Outline:
    """Path data of an SVG drawing ``width`` by ``height``; ``bar`` is as long as ``bar_label`` says."""

    width: int
    height: int
    areas: str
    lines: str
    bar: float
    bar_label: str


def outline(geojson: dict[str, Any]) -> Outline | None:
    """The drawing of a GeoJSON geometry; None for points, which have no outline."""
    geometry = shapely.force_2d(shape(geojson))
    if geometry.is_empty or geometry.length == 0:
        return None
    west, south, east, north = geometry.bounds
    lon_metres, lat_metres = _metres_per_degree(west, south, east, north)
    scale = _pixels_per_metre((east - west) * lon_metres, (north - south) * lat_metres)
    across, down = lon_metres * scale, lat_metres * scale
    left = (WIDTH - (east - west) * across) / 2
    drawn = shapely.transform(
        geometry, lambda lonlat: (lonlat - (west, north)) * (across, -down) + (left, MARGIN)
    )
    # Half a pixel: what is finer cannot be seen, and a coastline would outweigh its page.
    thinned = shapely.simplify(drawn, 0.5, preserve_topology=False)
    visible = drawn if thinned.is_empty else thinned
    metres = _round_length(LONGEST_BAR / scale)
    return Outline(
        width=WIDTH,
        height=max(LEAST_HEIGHT, math.ceil((north - south) * down) + 2 * MARGIN + BAR_SPACE),
        areas=" ".join(_path(ring) + "Z" for ring in _rings(visible)),
        lines=" ".join(_path(line) for line in _lines(visible)),
        bar=round(metres * scale, 1),
        bar_label=f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m",
    )


def _metres_per_degree(west: float, south: float, east: float, north: float) -> tuple[float, float]:
    """Geodesic metres per degree of longitude and of latitude at the middle of the box."""
    lon, lat, step = (west + east) / 2, (south + north) / 2, 1e-4
    across = _GEOD.inv(lon - step, lat, lon + step, lat)[2]
    along = _GEOD.inv(lon, lat - step, lon, lat + step)[2]
    return across / (2 * step), along / (2 * step)


def _pixels_per_metre(width: float, height: float) -> float:
    room = (WIDTH - 2 * MARGIN, MOST_HEIGHT - 2 * MARGIN - BAR_SPACE)
    return min(pixels / metres for pixels, metres in zip(room, (width, height), strict=True) if metres > 0)


def _round_length(most: float) -> float:
    """The greatest of 1, 2 and 5 times a power of ten that is not above ``most``, in metres."""
    power: float = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in (5, 2, 1) if step * power <= most or step == 1)


def _rings(geometry: shapely.Geometry) -> Iterator[shapely.Geometry]:
    for part in shapely.get_parts(geometry):
        if part.geom_type == "Polygon":
            yield from shapely.get_rings(part)


def _lines(geometry: shapely.Geometry) -> Iterator[shapely.Geometry]:
    for part in shapely.get_parts(geometry):
        yield from shapely.get_rings(part) if part.geom_type == "Polygon" else (part,)


def _path(line: shapely.Geometry) -> str:
    points = [f"{x:.1f} {y:.1f}" for x, y in shapely.get_coordinates(line)]
    return "M" + "L".join(points)
