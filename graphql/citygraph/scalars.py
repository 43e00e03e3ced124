"""Scalars beyond GraphQL's own. Their values come from SQL as they are written in answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NewType

import orjson
import strawberry
from strawberry.types.scalar import ScalarDefinition

from citygraph.making import described

GeoJSON = NewType("GeoJSON", str)
WKT = NewType("WKT", str)
WKB = NewType("WKB", str)
Cell = NewType("Cell", str)
Date = NewType("Date", str)
DateTime = NewType("DateTime", str)
JSON = NewType("JSON", object)


def _as_it_is(value: Any) -> Any:
    return value


def _raw(text: Any) -> orjson.Fragment:
    """GeoJSON as PostGIS wrote it: the answer passes it on without reading it."""
    return orjson.Fragment(text)


SCALARS: Mapping[object, ScalarDefinition] = {
    GeoJSON: strawberry.scalar(
        name="GeoJSON",
        description=described(
            "A GeoJSON geometry, or a FeatureCollection where that is said (RFC 7946): "
            "longitude and latitude of WGS 84 in degrees.",
            "GeoJSON 几何，或注明的 FeatureCollection（RFC 7946）：WGS 84 经度、纬度，单位度。",
        ),
        specified_by_url="https://www.rfc-editor.org/rfc/rfc7946",
        serialize=_raw,
        parse_value=_as_it_is,
    ),
    WKT: strawberry.scalar(
        name="WKT",
        description=described(
            "A geometry as well-known text (OGC Simple Features): POINT (121.5 31.2), longitude and latitude "
            "of WGS 84 in degrees; Z for heights.",
            "几何的 WKT 文本（OGC 简单要素）：POINT (121.5 31.2)，WGS 84 经度、纬度，单位度；Z 表示高程。",
        ),
        serialize=_as_it_is,
        parse_value=_as_it_is,
    ),
    WKB: strawberry.scalar(
        name="WKB",
        description=described(
            "A geometry as well-known binary (OGC Simple Features), little-endian, in hexadecimal, which GIS "
            "libraries read as it is.",
            "几何的 WKB（OGC 简单要素），小端序，十六进制，GIS 软件库可直接读取。",
        ),
        serialize=_as_it_is,
        parse_value=_as_it_is,
    ),
    Cell: strawberry.scalar(
        name="Cell",
        description=described("An H3 cell: 15 hexadecimal digits.", "H3 网格编码：15 位十六进制数。"),
        specified_by_url="https://h3geo.org",
        serialize=_as_it_is,
        parse_value=_as_it_is,
    ),
    Date: strawberry.scalar(
        name="Date",
        description=described("A date, ISO 8601: 2024-05-31.", "日期，ISO 8601：2024-05-31。"),
        serialize=_as_it_is,
        parse_value=_as_it_is,
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description=described(
            "A moment, ISO 8601 in UTC: 2024-05-31T08:30:00.000000Z.",
            "时刻，ISO 8601，UTC：2024-05-31T08:30:00.000000Z。",
        ),
        serialize=_as_it_is,
        parse_value=_as_it_is,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description=described("Any JSON value.", "任意 JSON 值。"),
        serialize=_as_it_is,
        parse_value=_as_it_is,
    ),
}
