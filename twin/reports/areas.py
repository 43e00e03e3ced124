"""Areas of one's own, checked before anything is counted in them: polygons in WGS 84 degrees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from spatial.arrays import GeometryArray
from twin.registry.query import geojson
from twin.registry.query.inputs import Given
from twin.reports.errors import AreaUnusable, NoAreas, TooManyAreas
from twin.reports.request import Area

MAX_AREAS = 10_000
"""The most areas of one report."""
MAX_VERTICES = 1_000_000
"""The most corners of all areas of one report together."""
MAX_ASKED_AREAS = 1_000
MAX_ASKED_VERTICES = 100_000
"""The same for reports asked over the web, whose polygons have ``geojson.MAX_VERTICES`` at most."""

Reason = tuple[str, str]
_POLYGONS = (3, 6)
_UNREADABLE: Mapping[str, Reason] = {
    "closed": ("a ring is not closed", "环未闭合"),
    "number of points": ("a ring has too few positions", "环的点数太少"),
}
"""What GEOS says of geometries that it cannot read, by a part of it."""


def checked_areas(
    path: str, names: Sequence[str | None], shapes: GeometryArray, unreadable: Mapping[int, str] | None = None
) -> tuple[Area, ...]:
    """The areas of a file called ``path``, one for each name and shape, in order.

    ``unreadable`` says why a shape, by its place from 0, is missing, in GEOS's words. Raises ``NoAreas``,
    ``TooManyAreas``, and ``AreaUnusable`` for the first that is missing, empty, no polygon, not on the globe
    or not valid by OGC's rules (unclosed, crossing itself).
    """
    if not len(shapes):
        raise NoAreas(path=path)
    _require_few(path, len(shapes), MAX_AREAS, ("areas", "区域"))
    for place, (name, reason) in enumerate(zip(names, _reasons(shapes), strict=True)):
        if reason is not None:
            said = (unreadable or {}).get(place)
            called = "" if name is None else f" ({name})"
            reason_en, reason_zh = reason if said is None else _in_words(said)
            raise AreaUnusable(
                path=path, number=place + 1, name=called, reason_en=reason_en, reason_zh=reason_zh
            )
    flat: GeometryArray = shapely.force_2d(shapes)
    corners = int(shapely.get_num_coordinates(flat).sum())
    _require_few(path, corners, MAX_VERTICES, ("corners", "顶点"))
    return tuple(Area(name, shape) for name, shape in zip(names, flat, strict=True))


def asked_areas(given: Given, name: str) -> tuple[Area, ...]:
    """The areas of a GeoJSON FeatureCollection (RFC 7946), called by their property ``name``.

    Raises ``NoAreas``, ``TooManyAreas``, and the errors of ``twin.registry.query.geojson``, each with the
    path of what is wrong.
    """
    members = given.members(("type", "features", "bbox", "crs", "name"), needed=("type", "features"))
    members["type"].word(("FeatureCollection",))
    features = members["features"].items(MAX_ASKED_AREAS)
    if not features:
        raise NoAreas(path=given.path)
    areas, corners = [], 0
    for feature in features:
        area = _feature(feature, name)
        corners += int(shapely.get_num_coordinates(area.shape))
        _require_few(given.path, corners, MAX_ASKED_VERTICES, ("corners", "顶点"))
        areas.append(area)
    return tuple(areas)


def _feature(given: Given, name: str) -> Area:
    members = given.members(("type", "geometry", "properties", "id", "bbox"), needed=("type", "geometry"))
    members["type"].word(("Feature",))
    shape = geojson.geometry(members["geometry"], geojson.AREAS)
    properties = members["properties"].value if "properties" in members else {}
    called = properties.get(name) if isinstance(properties, dict) else None
    return Area(
        None if called is None else Given(str(called), f"{given.path}.properties.{name}").text(), shape
    )


def _require_few(path: str, given: int, limit: int, what: Reason) -> None:
    if given > limit:
        raise TooManyAreas(path=path, given=given, limit=limit, what_en=what[0], what_zh=what[1])


def _reasons(shapes: GeometryArray) -> list[Reason | None]:
    """Why each shape cannot be an area; None for those that can."""
    west, south, east, north = shapely.bounds(shapes).T
    with np.errstate(invalid="ignore"):
        outside = ~((west >= -180) & (south >= -90) & (east <= 180) & (north <= 90))
    absent = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    wrong = absent | outside | ~np.isin(shapely.get_type_id(shapes), _POLYGONS)
    sound = np.ones(len(shapes), dtype=bool)
    sound[~wrong] = shapely.is_valid(shapes[~wrong])
    return [
        None if fine else _reason(shapes[row], bool(absent[row]), bool(outside[row]))
        for row, fine in enumerate(~wrong & sound)
    ]


def _reason(shape: BaseGeometry | None, absent: bool, outside: bool) -> Reason:
    if shape is None or absent:
        return "it has no geometry", "没有几何"
    if shapely.get_type_id(shape) not in _POLYGONS:
        return f"it is a {shape.geom_type}, not a polygon", f"类型为 {shape.geom_type}，不是多边形"
    if outside:
        box = ", ".join(f"{value:.7g}" for value in shapely.bounds(shape))
        return (
            f"it reaches beyond the globe ({box}); is its coordinate system right?",
            f"超出经纬度范围（{box}），请确认坐标系",
        )
    reason = shapely.is_valid_reason(shape)
    return f"it is not valid: {reason}", f"几何无效：{reason}"


def _in_words(said: str) -> Reason:
    """Why GEOS cannot read a geometry."""
    return next((words for part, words in _UNREADABLE.items() if part in said), (said, said))
