"""How H3 writes a cell as an integer (h3geo.org, "H3 Index"): mode, resolution, base cell, digits.

Behind the base cell stand the digits of resolutions 1 to 15, the finest last; those that a cell does not use
are 7.
"""

from __future__ import annotations

FINEST = 15
"""The highest resolution, that of an asset's own cell: hexagons with edges of about 0.6 m."""
MODE_SHIFT = 59
RESOLUTION_SHIFT = 52
DIGIT_BITS = 3
BASE_SHIFT = DIGIT_BITS * FINEST
BASE_BITS = 127
"""The base cell's bits, once they are shifted to the right."""


def head(resolution: int) -> int:
    """The lowest integer that a cell of the resolution may be: its bits above the base cell's."""
    return 1 << MODE_SHIFT | resolution << RESOLUTION_SHIFT


def unused(resolution: int) -> int:
    """The bits of the digits that a cell of the resolution does not use."""
    return (1 << DIGIT_BITS * (FINEST - resolution)) - 1
