"""GeoJSON geometries that users hand over (RFC 7946), checked before any work is done with them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from twin.registry.query.errors import InputGeometry, InputLimit, InputValue
from twin.registry.query.inputs import Given

MAX_VERTICES = 10_000
"""The most positions of one geometry."""

# How many lists deep the positions of each type lie (RFC 7946, 3.1).
DEPTHS: Mapping[str, int] = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
AREAS = ("Polygon", "MultiPolygon")


def geometry(given: Given, types: Collection[str] = tuple(DEPTHS)) -> BaseGeometry:
    """The geometry, of one of ``types``, valid by OGC's rules and on the globe.

    Raises ``InputType``, ``InputLimit`` beyond ``MAX_VERTICES`` and ``InputGeometry``, which says what is
    wrong and where.
    """
    members = given.members(("type", "coordinates", "bbox"), needed=("type", "coordinates"))
    kind = members["type"].value
    if kind not in types:
        raise InputValue(path=members["type"].path, given=kind, known=", ".join(types))
    coordinates = members["coordinates"]
    _count(coordinates)
    lines = list(_lines(coordinates, DEPTHS[kind]))
    for line in lines:
        _check_line(line, kind)
    made: BaseGeometry = shapely.geometry.shape({"type": kind, "coordinates": coordinates.value})
    if made.is_empty:
        raise _unusable(given.path, "it is empty", "内容为空")
    if not made.is_valid:
        reason = shapely.is_valid_reason(made)
        raise _unusable(given.path, f"it is not valid ({reason})", f"几何无效（{reason}）")
    return shapely.force_2d(made)


def _count(coordinates: Given) -> None:
    """Stop at more positions than allowed, before looking at any of them closely."""
    positions, waiting = 0, [coordinates.value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list | tuple):
            if value and not isinstance(value[0], list | tuple):
                positions += 1
            else:
                waiting.extend(value)
        if positions + len(waiting) > MAX_VERTICES + len(DEPTHS):
            raise InputLimit(path=coordinates.path, limit=MAX_VERTICES, what_en="positions", what_zh="坐标点")


def _lines(given: Given, depth: int) -> Iterator[Given]:
    """The innermost lists of positions; a point's position counts as a list of one."""
    if depth == 0:
        yield Given([given.value], given.path)
    elif depth == 1:
        if not isinstance(given.value, list | tuple):
            raise given.wrong("a list of positions", "坐标列表")
        yield given
    else:
        if not isinstance(given.value, list | tuple):
            raise given.wrong("a list", "列表")
        for place, value in enumerate(given.value):
            yield from _lines(Given(value, f"{given.path}[{place}]"), depth - 1)


def _check_line(line: Given, kind: str) -> None:
    for place, position in enumerate(line.value):
        _check_position(position, f"{line.path}[{place}]")
    if kind in AREAS:
        if len(line.value) < 4:
            raise _unusable(line.path, "a ring needs four positions or more", "环至少需要四个点")
        if list(line.value[0][:2]) != list(line.value[-1][:2]):
            raise _unusable(line.path, "the ring is not closed", "环未闭合")
    elif kind.endswith("LineString") and len(line.value) < 2:
        raise _unusable(line.path, "a line needs two positions or more", "线至少需要两个点")


def _check_position(position: Any, path: str) -> None:
    if not isinstance(position, list | tuple) or len(position) not in (2, 3):
        raise Given(position, path).wrong("a position of two or three numbers", "由两到三个数字组成的坐标")
    lon, lat, *_ = [Given(number, path).number() for number in position]
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise _unusable(path, f"[{lon:g}, {lat:g}] is not on the globe", f"[{lon:g}, {lat:g}] 超出经纬度范围")


def _unusable(path: str, reason_en: str, reason_zh: str) -> InputGeometry:
    return InputGeometry(path=path, reason_en=reason_en, reason_zh=reason_zh)
