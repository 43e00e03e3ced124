"""The one place that imports h3 (the C library's binding, cell by cell), with types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import h3.api.basic_int as h3


def is_cell(cell: int) -> bool:
    """Whether the integer is a valid H3 cell of any resolution."""
    return 0 <= cell < 1 << 63 and bool(h3.is_valid_cell(cell))


def base_cells() -> list[int]:
    """The 122 cells of resolution 0."""
    return list(h3.get_res0_cells())


def pentagons() -> list[int]:
    """The 12 pentagons of resolution 0."""
    return list(h3.get_pentagons(0))


def cell_at(latitude: float, longitude: float, resolution: int) -> int:
    """The cell that holds a point in degrees."""
    return int(h3.latlng_to_cell(latitude, longitude, resolution))


def center(cell: int) -> tuple[float, float]:
    """The cell's centre as (latitude, longitude) in degrees."""
    latitude, longitude = h3.cell_to_latlng(cell)
    return latitude, longitude


def vertices(cell: int) -> Sequence[tuple[float, float]]:
    """The cell's corners as (latitude, longitude) in degrees, five to ten of them, not closed."""
    return tuple(h3.cell_to_boundary(cell))


def children(cells: Iterable[int], resolution: int) -> list[int]:
    """The descendants of the cells at ``resolution``."""
    return [child for cell in cells for child in h3.cell_to_children(cell, resolution)]


def children_count(cell: int, resolution: int) -> int:
    """How many descendants the cell has at ``resolution``."""
    return int(h3.cell_to_children_size(cell, resolution))


def disk(cell: int, k: int) -> list[int]:
    """The cells at most ``k`` steps away, the cell itself included."""
    return list(h3.grid_disk(cell, k))


def compact(cells: Iterable[int]) -> list[int]:
    """Distinct cells of one resolution with complete families replaced by their ancestors."""
    return list(h3.compact_cells(list(cells)))


def centred_in(corners: Sequence[tuple[float, float]], resolution: int) -> list[int]:
    """The cells whose centre lies in the polygon of (latitude, longitude) in degrees."""
    return list(h3.h3shape_to_cells(h3.LatLngPoly(corners), resolution))


def mean_edge(resolution: int) -> float:
    """The mean length of a cell's edge in metres; no corner is 1.11 times as far from its cell's centre."""
    return float(h3.average_hexagon_edge_length(resolution, unit="m"))


def mean_area(resolution: int) -> float:
    """The mean area of a cell in square metres."""
    return float(h3.average_hexagon_area(resolution, unit="m^2"))
