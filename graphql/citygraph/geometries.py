"""Fields that are geometries: what can be asked of them, and where rows have what was asked."""

from __future__ import annotations

from typing import Any

from citygraph.making import Member, argument, typed, unchanged
from citygraph.scalars import WKB, WKT, GeoJSON
from twin.registry.query.names import argument_label

_PRECISION = argument(
    int | None,
    "Decimals of degrees, 0 to 15; 7 unless given. No vertex is left out for it.",
    "坐标小数位数，0 至 15，默认 7；不会因此省略顶点。",
)
_SIMPLIFY = argument(
    float | None,
    "Leave out vertices that lie nowhere farther than this from what remains, in metres up to 100,000. "
    "Rings neither vanish nor cross.",
    "简化：省略与保留部分的距离不超过该值（米，最大 100,000）的顶点；环不会消失或相交。",
)


def geojson(name: str, en: str, zh: str) -> Member:
    """A geometry as GeoJSON."""
    return _drawn(name, GeoJSON, en, zh)


def wkt(name: str, en: str, zh: str) -> Member:
    """A geometry as well-known text."""
    return _drawn(name, WKT, en, zh)


def wkb(name: str, en: str, zh: str) -> Member:
    """A geometry as well-known binary, which has no decimals to choose."""

    def resolver(root: Any, simplify: float | None = None) -> Any:
        return root[argument_label(name, {"simplify": simplify})]

    made = typed(resolver, WKB | None, simplify=_SIMPLIFY)
    return Member(name, WKB, en, zh, resolver=made, of_value=unchanged)


def _drawn(name: str, type_: Any, en: str, zh: str) -> Member:
    def resolver(root: Any, precision: int | None = None, simplify: float | None = None) -> Any:
        return root[argument_label(name, {"precision": precision, "simplify": simplify})]

    made = typed(resolver, type_ | None, precision=_PRECISION, simplify=_SIMPLIFY)
    return Member(name, type_, en, zh, resolver=made, of_value=unchanged)
