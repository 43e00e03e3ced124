"""The one place that asks PROJ: longitude and easting first, no grids from the network.

PROJ keeps the axis order of the authority (northing first for CGCS2000 and many others), so every
transformer is made with ``always_xy=True`` here and nowhere else. pyproj is imported by who first needs it:
what is in WGS 84 never does.
"""

from __future__ import annotations

import warnings
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyproj import CRS, Geod, Transformer
    from pyproj.transformer import TransformerGroup

WGS84 = "EPSG:4326"


class NoSuchSystem(LookupError):
    """PROJ knows of no coordinate system of that definition."""


@lru_cache(maxsize=256)
def crs(definition: str) -> CRS:
    """The coordinate system of a definition. Raises ``NoSuchSystem``."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        return CRS.from_user_input(definition)
    except CRSError as error:
        raise NoSuchSystem(definition) from error


@lru_cache(maxsize=64)
def transformer(source: str, target: str) -> Transformer:
    """PROJ's own choice of transformation: for conversions within a datum, and for rough positions.

    Raises ``NoSuchSystem``.
    """
    from pyproj import Transformer

    _stay_offline()
    return Transformer.from_crs(crs(source), crs(target), always_xy=True)


def candidates(source: str) -> TransformerGroup:
    """Every operation that PROJ knows from the source to WGS 84, best first, and those that lack a grid.

    Raises ``NoSuchSystem``.
    """
    from pyproj.transformer import TransformerGroup

    _stay_offline()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Best transformation is not available")
        return TransformerGroup(crs(source), crs(WGS84), always_xy=True)


@cache
def geod() -> Geod:
    """Geodesics on the ellipsoid of WGS 84, in metres."""
    from pyproj import Geod

    return Geod(ellps="WGS84")


def _stay_offline() -> None:
    from pyproj.network import set_network_enabled  # type: ignore[attr-defined]

    set_network_enabled(False)
