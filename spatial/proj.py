"""The one place that makes pyproj transformers: longitude and easting first, no grids from the network.

PROJ keeps the axis order of the authority (northing first for CGCS2000 and many others), so every
transformer is made with ``always_xy=True`` here and nowhere else.
"""

from __future__ import annotations

import warnings
from functools import lru_cache

from pyproj import CRS, Transformer
from pyproj.network import set_network_enabled  # type: ignore[attr-defined]
from pyproj.transformer import TransformerGroup

WGS84 = "EPSG:4326"


@lru_cache(maxsize=256)
def crs(definition: str) -> CRS:
    """The coordinate system of a definition. Raises ``pyproj.exceptions.CRSError``."""
    return CRS.from_user_input(definition)


@lru_cache(maxsize=64)
def transformer(source: str, target: str) -> Transformer:
    """PROJ's own choice of transformation: for conversions within a datum, and for rough positions."""
    _stay_offline()
    return Transformer.from_crs(crs(source), crs(target), always_xy=True)


def candidates(source: str) -> TransformerGroup:
    """Every operation that PROJ knows from the source to WGS 84, best first, and those that lack a grid."""
    _stay_offline()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Best transformation is not available")
        return TransformerGroup(crs(source), crs(WGS84), always_xy=True)


def _stay_offline() -> None:
    set_network_enabled(False)
