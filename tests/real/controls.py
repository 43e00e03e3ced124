"""Ways from a file's coordinates to longitude and latitude of WGS 84 that owe nothing to the loader's.

The loader moves coordinates with pyproj and its own PROJ. Here they go through ``gdaltransform`` and the PROJ
of the system, through a formula of a few lines, or nowhere, because they are longitudes and latitudes.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.float64]
"""Two columns: x and y, or longitude and latitude."""


@dataclass(frozen=True)
class Control:
    """A way, and what to call it."""

    name: str
    move: Callable[[Places], Places]


def as_is(places: Places) -> Places:
    """Longitudes and latitudes stay as they are."""
    return places


def mercator(places: Places) -> Places:
    """Longitude and latitude of EPSG:3857: a sphere of 6,378,137 m, method EPSG:1024 [V]."""
    x, y = (places / 6_378_137.0).T
    return np.degrees(np.column_stack([x, np.arctan(np.sinh(y))]))


def gdaltransform(*arguments: str) -> Callable[[Places], Places]:
    """By the system's ``gdaltransform``."""

    def move(places: Places) -> Places:
        lines = "".join(f"{x!r} {y!r}\n" for x, y in places.tolist())
        done = subprocess.run(
            ["gdaltransform", *arguments, "-output_xy"],
            input=lines,
            capture_output=True,
            text=True,
            check=True,
        )
        return np.array([[float(number) for number in line.split()] for line in done.stdout.splitlines()])

    return move


def pipeline(*steps: str) -> Callable[[Places], Places]:
    """By ``gdaltransform`` along the steps of a PROJ pipeline that ends in radians."""
    degrees = "+proj=unitconvert +xy_in=rad +xy_out=deg"
    return gdaltransform("-ct", " +step ".join(["+proj=pipeline", *steps, degrees]))


# EPSG:31467 by EPSG:1777, "DHDN to WGS 84 (2)" [V]: the operation that the loader chooses.
GAUSS_KRUGER_3 = gdaltransform(
    "-s_srs",
    "+proj=tmerc +lat_0=0 +lon_0=9 +k=1 +x_0=3500000 +y_0=0 +ellps=bessel"
    " +towgs84=598.1,73.7,418.2,0.202,0.045,-2.455,6.7",
    "-t_srs",
    "EPSG:4326",
)
# The same by Germany's grid BETA2007 (EPSG:15948), which Debian's proj-data brings.
BETA_2007 = pipeline(
    "+inv +proj=tmerc +lat_0=0 +lon_0=9 +k=1 +x_0=3500000 +y_0=0 +ellps=bessel",
    "+proj=hgridshift +grids=BETA2007.gsb",
)


def rijksdriehoek(places: Places) -> Places:
    """RD to WGS 84 by the polynomials of Schreutelkamp and Strang van Hees (2001), right within 0.5 m [S]."""
    dx, dy = ((places - [155_000.0, 463_000.0]) * 1e-5).T
    north = sum(k * dx**p * dy**q for p, q, k in _NORTH)
    east = sum(k * dx**p * dy**q for p, q, k in _EAST)
    return np.column_stack([5.38720621 + east / 3600, 52.15517440 + north / 3600])


_NORTH = (
    (0, 1, 3235.65389), (2, 0, -32.58297), (0, 2, -0.24750), (2, 1, -0.84978), (0, 3, -0.06550),
    (2, 2, -0.01709), (1, 0, -0.00738), (4, 0, 0.00530), (2, 3, -0.00039), (4, 1, 0.00033), (1, 1, -0.00012),
)  # fmt: skip
_EAST = (
    (1, 0, 5260.52916), (1, 1, 105.94684), (1, 2, 2.45656), (3, 0, -0.81885), (1, 3, 0.05594),
    (3, 1, -0.05607), (0, 1, 0.01199), (3, 2, -0.00256), (1, 4, 0.00128), (0, 2, 0.00022), (2, 0, -0.00022),
    (5, 0, 0.00026),
)  # fmt: skip
# EPSG:26985, its NAD83 taken for NAD83(2011), to ITRF2014 at 2010.0 (EPSG:8970) [V]; the loader takes NAD83
# for WGS 84 (EPSG:1188, 4 m).
MARYLAND = pipeline(
    "+inv +proj=lcc +lat_0=37.6666666666667 +lon_0=-77 +lat_1=39.45 +lat_2=38.3 +x_0=400000 +ellps=GRS80",
    "+proj=cart +ellps=GRS80",
    "+inv +proj=helmert +x=1.0053 +y=-1.90921 +z=-0.54157 +rx=0.02678138 +ry=-0.00042027 +rz=0.01093206"
    " +s=0.00036891 +convention=coordinate_frame",
    "+inv +proj=cart +ellps=GRS80",
)
NAD_83 = gdaltransform(
    "-ct",
    "+proj=pipeline +step +inv +proj=lcc +lat_0=37.6666666666667 +lon_0=-77"
    " +lat_1=39.45 +lat_2=38.3 +x_0=400000 +ellps=GRS80 +step +proj=unitconvert +xy_in=rad +xy_out=deg",
)
# EPSG:28992 by EPSG:4833, "Amersfoort to WGS 84 (4)" [V]: the operation that the loader chooses.
AMERSFOORT_4 = gdaltransform(
    "-s_srs",
    "+proj=sterea +lat_0=52.1561605555556 +lon_0=5.38763888888889 +k=0.9999079 +x_0=155000 +y_0=463000"
    " +ellps=bessel +towgs84=565.4171,50.3319,465.5524,-0.398957388243134,0.343987817378283,"
    "-1.87740163998045,4.0725",
    "-t_srs",
    "EPSG:4326",
)
