"""Geometries as answers write them: as texts that PostGIS makes, which nobody reads on their way."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Double, Integer

from twin.registry.query.aliases import Aliases
from twin.registry.query.inputs import Given
from twin.registry.query.selection import Asked

DIGITS = 7
"""Decimals of degrees unless somebody says: a centimetre."""
MAX_DIGITS = 15
"""Decimals of degrees that double precision has for every longitude, to a unit in the last place."""
MAX_METRES = 100_000.0
LONGEST_DEGREE = 111_694.0
"""Metres of the longest degree on WGS 84's ellipsoid: one of latitude, at the poles, rounded up."""


def geojson(aliases: Aliases, geom: str, one: Asked) -> str:
    """GeoJSON (RFC 7946), by the arguments ``precision`` and ``simplify``."""
    return f"ST_AsGeoJSON({_simplified(aliases, geom, one)}, {_digits(aliases, one)})"


def wkt(aliases: Aliases, geom: str, one: Asked) -> str:
    """Well-known text, by the arguments ``precision`` and ``simplify``."""
    return f"ST_AsText({_simplified(aliases, geom, one)}, {_digits(aliases, one)})"


def wkb(aliases: Aliases, geom: str, one: Asked) -> str:
    """Well-known binary, little-endian and in hexadecimal, by the argument ``simplify``."""
    return f"encode(ST_AsBinary({_simplified(aliases, geom, one)}, 'NDR'), 'hex')"


def _digits(aliases: Aliases, one: Asked) -> str:
    """How many decimals coordinates have; vertices stay as many as they are. Raises ``InputRange``."""
    precision = one.arguments.get("precision")
    if precision is None:
        return str(DIGITS)
    digits = Given(precision, f"{one.name}.precision").integer(0, MAX_DIGITS)
    return aliases.bind(digits, Integer())


def _simplified(aliases: Aliases, geom: str, one: Asked) -> str:
    """The geometry without vertices that do not matter at the scale of ``simplify`` metres.

    Lines are thinned by Douglas and Peucker's rule with a tolerance in degrees, such that those metres are as
    long as the longest degree allows: nowhere on the ellipsoid is what was left out farther than that from
    what remains, and away from the equator it is nearer than that from east to west. Vertices that remain are
    those that were stored, and rings neither vanish nor cross (``ST_SimplifyPreserveTopology``, which makes
    a plain geometry of a multiple one of one part: it is made multiple again). Raises ``InputRange``.
    """
    simplify = one.arguments.get("simplify")
    if simplify is None:
        return geom
    metres = Given(simplify, f"{one.name}.simplify").number(0, MAX_METRES)
    left = f"ST_SimplifyPreserveTopology({geom}, {aliases.bind(metres / LONGEST_DEGREE, Double())})"
    return f"CASE WHEN ST_GeometryType({geom}) LIKE 'ST_Multi%' THEN ST_Multi({left}) ELSE {left} END"


GEOMETRIES: Mapping[str, Callable[[Aliases, str, Asked], str]] = {"geometry": geojson, "wkt": wkt, "wkb": wkb}
"""Fields of an asset that are its geometry."""
