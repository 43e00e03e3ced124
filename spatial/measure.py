"""Lengths, areas and distances on the ellipsoid of WGS 84, in metres and square metres, for whole columns."""

from __future__ import annotations

import numpy as np
import shapely

from spatial.arrays import BoolArray, FloatArray, GeometryArray, Int64Array
from spatial.geometry import simple_parts
from spatial.proj import geod

_LONG_EDGE = 0.02
"""Degrees. Up to here an edge's area is that of a great circle on the authalic sphere: within 3e-7 of it."""
_SHORTEST_RADIUS = 6_335_439.0
"""Metres: the smallest radius of curvature of WGS 84 (the meridian's, at the equator)."""


def geodesic_length(geometries: GeometryArray) -> FloatArray:
    """The length of all lines within each geometry in metres; 0 for points and polygons, NaN if missing.

    As PostGIS's ``ST_Length(geography)`` has it: the outline of a polygon is a perimeter, not a length.
    """
    parts, owner = simple_parts(geometries)
    lines = shapely.get_dimensions(parts) == 1
    coordinates, line = shapely.get_coordinates(parts[lines], return_index=True)
    same = line[1:] == line[:-1]
    start, end = coordinates[:-1][same], coordinates[1:][same]
    steps = geod().inv(start[:, 0], start[:, 1], end[:, 0], end[:, 1])[2] if len(start) else np.zeros(0)
    return _sums(geometries, owner[lines][line[:-1][same]], steps)


def geodesic_area(geometries: GeometryArray) -> FloatArray:
    """The area of all polygons within each geometry in square metres; 0 for others, NaN if missing.

    Short edges are summed in arrays as great circles on the sphere of WGS 84's area, a ring with a longer one
    by GeographicLib: within a millionth, or a square centimetre, of the geodesic area.
    """
    parts, owner = simple_parts(geometries)
    polygons = shapely.get_dimensions(parts) == 2
    rings, polygon = shapely.get_rings(parts[polygons], return_index=True)
    areas = np.abs(_ring_areas(rings))
    shell = np.append(True, polygon[1:] != polygon[:-1])[: len(polygon)]
    return _sums(geometries, owner[polygons][polygon], np.where(shell, areas, -areas))


def envelope_around(lon: float, lat: float, metres: float) -> tuple[float, float, float, float]:
    """A box (west, south, east, north) that surely holds every point within a geodesic distance.

    Only an envelope, a little too large: the distance itself is still to be tested. A circle that reaches a
    pole or crosses the antimeridian gets the full range of longitudes, so the box never wraps.
    """
    east, north = degrees_around(lat, metres)
    west, right = lon - east, lon + east
    if west < -180.0 or right > 180.0:
        west, right = -180.0, 180.0
    return west, max(lat - north, -90.0), right, min(lat + north, 90.0)


def degrees_around(lat: float, metres: float) -> tuple[float, float]:
    """How many degrees of longitude and of latitude a geodesic circle around a latitude reaches at most."""
    angle = metres / _SHORTEST_RADIUS * 1.001 + 1e-9
    north = float(np.degrees(angle))
    if abs(lat) + north >= 90.0:
        return 180.0, north
    return float(np.degrees(np.arcsin(min(1.0, np.sin(angle) / np.cos(np.radians(lat)))))), north


def _sums(geometries: GeometryArray, owner: Int64Array, values: FloatArray) -> FloatArray:
    sums = np.asarray(np.bincount(owner, values, len(geometries)), dtype=np.float64)
    sums[shapely.is_missing(geometries)] = np.nan
    return sums


def _ring_areas(rings: GeometryArray) -> FloatArray:
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    steps = np.diff(coordinates, axis=0)
    same = ring[1:] == ring[:-1]
    edges = _edge_areas(coordinates, steps[:, 0])[same]
    areas = np.asarray(np.bincount(ring[:-1][same], edges, len(rings)), dtype=np.float64)
    too_long: BoolArray = np.zeros(len(rings), dtype=bool)
    too_long[ring[:-1][same & (np.abs(steps) > _LONG_EDGE).any(axis=1)]] = True
    for number in np.flatnonzero(too_long):
        lon, lat = shapely.get_coordinates(rings[number]).T
        areas[number] = geod().polygon_area_perimeter(lon, lat)[0]
    return areas


def _edge_areas(coordinates: FloatArray, east: FloatArray) -> FloatArray:
    """The signed area between each edge and the equator on the authalic sphere, in square metres."""
    half = np.tan(_authalic_latitude(np.radians(coordinates[:, 1])) / 2)
    below, above = half[:-1], half[1:]
    excess = 2 * np.arctan2(np.tan(np.radians(east) / 2) * (below + above), 1 + below * above)
    areas: FloatArray = excess * (geod().a ** 2 / 2 * float(_authalic_q(np.array(1.0))))
    return areas


def _authalic_q(sine: FloatArray) -> FloatArray:
    """Snyder, Map Projections: A Working Manual, equation 3-12; twice the area to the equator over a²."""
    square = geod().es
    eccentricity = np.sqrt(square)
    spread = np.arctanh(eccentricity * sine) / eccentricity
    q: FloatArray = (1 - square) * (sine / (1 - square * sine**2) + spread)
    return q


def _authalic_latitude(latitude: FloatArray) -> FloatArray:
    """Snyder, equation 3-11: the latitude on the sphere of the same area, in radians."""
    beta: FloatArray = np.arcsin(np.clip(_authalic_q(np.sin(latitude)) / _authalic_q(np.array(1.0)), -1, 1))
    return beta
