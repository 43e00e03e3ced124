"""City objects of CityJSON as flat geometry: what is seen of them from above, and how high they reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from msgspec import Struct
from shapely.geometry.base import BaseGeometry

from spatial.arrays import FloatArray, GeometryArray

Geometry = Mapping[str, Any]
"""A Geometry Object as the file has it."""

_SHELLS = {"MultiSurface": 1, "CompositeSurface": 1, "Solid": 2, "MultiSolid": 3, "CompositeSolid": 3}
"""How deep the surfaces lie in ``boundaries`` (CityJSON 2.0.1, section 3.2)."""

_PLACES = {"MultiPoint", "GeometryInstance"}

_THIN = 10.0
"""Steps of the file's grid, mostly millimetres: narrower parts and holes come from rounding. Ours."""


class Shape(Struct, frozen=True):
    """An object from above, in the file's system; ``lowest`` and ``height`` are of z, in its unit.

    ``height`` is None of what has none: a plan drawn at one height, lines, points.
    """

    geometry: BaseGeometry | None
    lowest: float | None
    height: float | None


class Model(Struct, frozen=True):
    """City objects by their ids, with the vertices that they share (section 3.1) and how to place those."""

    objects: Mapping[str, Mapping[str, Any]]
    vertices: FloatArray
    scale: FloatArray
    translate: FloatArray

    def firsts(self) -> Iterator[tuple[str, str]]:
        """Id and type of the objects that stand by themselves; a part whose whole is missing does so too."""
        for name, one in self.objects.items():
            parents = [parent for parent in one.get("parents") or () if parent in self.objects]
            if not parents:
                yield name, base_type(str(one["type"]))

    def shape(self, name: str) -> Shape:
        """An object with its parts. A broken one raises ``ValueError``, ``TypeError`` or others."""
        geometries = highest([g for one in self._with_parts(name, set()) for g in one.get("geometry") or ()])
        faces = [face for geometry in geometries for face in _footing(geometry)]
        if faces:
            return self._of_faces(faces, geometries)
        lines = [line for g in geometries if g["type"] == "MultiLineString" for line in g["boundaries"]]
        if lines:
            corners = [self._at(line) for line in lines]
            flat = shapely.MultiLineString([self._placed(line)[:, :2].tolist() for line in corners])
            return Shape(flat, self._level(np.concatenate(corners).min(axis=0)), None)
        places = [i for g in geometries if g["type"] in _PLACES for i in g["boundaries"]]
        if not places:
            return Shape(None, None, None)
        points = self._at(places)
        return Shape(shapely.MultiPoint(self._placed(points)[:, :2]), self._level(points.min(axis=0)), None)

    def _with_parts(self, name: str, seen: set[str]) -> Iterator[Mapping[str, Any]]:
        """The object and its parts, and theirs; a circle ends where it closes."""
        one = self.objects[name]
        seen.add(name)
        yield one
        for child in one.get("children") or ():
            if child not in seen and str(self.objects.get(child, {}).get("type", "")).endswith("Part"):
                yield from self._with_parts(child, seen)

    def _of_faces(self, faces: list[list[list[int]]], geometries: Sequence[Geometry]) -> Shape:
        """From above in the file's whole steps, where rounding is exact, and then placed."""
        every = [
            i for geometry in geometries for face, _ in surfaces(geometry) for ring in face for i in ring
        ]
        corners = self._at(every)
        low, high = self._level(corners.min(axis=0)), self._level(corners.max(axis=0))
        flat = footprint(self._polygons(faces))
        placed = None if flat is None else shapely.transform(flat, self._placed)
        return Shape(placed, low, round(high - low, 6) if high > low else None)

    def _polygons(self, faces: list[list[list[int]]]) -> GeometryArray:
        """The faces from above, their first rings outside, the others holes. Raises ``ValueError``."""
        rings = [ring for face in faces for ring in face]
        lengths, counts = [len(ring) for ring in rings], [len(face) for face in faces]
        if min(lengths) < 3 or min(counts) < 1:
            raise ValueError(lengths)
        corners = self._at([place for ring in rings for place in ring])[:, :2]
        edges = np.asarray(shapely.linearrings(corners, indices=np.repeat(np.arange(len(rings)), lengths)))
        polygons: GeometryArray = np.asarray(
            shapely.polygons(edges, indices=np.repeat(np.arange(len(faces)), counts))
        )
        return polygons

    def _at(self, places: Sequence[int]) -> FloatArray:
        """The vertices with these numbers. Raises ``LookupError`` or ``ValueError`` for what is none."""
        numbers = np.asarray(places, dtype=np.int64)
        if not len(numbers) or numbers.min() < 0:
            raise IndexError(places)
        corners: FloatArray = self.vertices[numbers]
        if not np.isfinite(corners).all():
            raise ValueError(places)
        return corners

    def _placed(self, steps: FloatArray) -> FloatArray:
        width = steps.shape[1]
        return steps * self.scale[:width] + self.translate[:width]

    def _level(self, corner: FloatArray) -> float:
        return round(float(corner[2] * self.scale[2] + self.translate[2]), 6)


def base_type(name: str) -> str:
    """What a part is a part of: ``Building`` of ``BuildingPart``."""
    return name.removesuffix("Part")


def highest(geometries: Sequence[Geometry]) -> list[Geometry]:
    """Those of the highest level of detail; one that tells none is the lowest."""
    details = [_detail(geometry) for geometry in geometries]
    return [g for g, detail in zip(geometries, details, strict=True) if detail == max(details)]


def _detail(geometry: Geometry) -> float:
    return float(geometry.get("lod") or -1)


def surfaces(geometry: Geometry) -> Iterator[tuple[list[list[int]], int | None]]:
    """The faces, each as rings of vertex numbers, and the number of its semantic surface."""
    depth = _SHELLS.get(geometry["type"])
    if depth is None:
        return iter(())
    values = (geometry.get("semantics") or {}).get("values")
    return _unfolded(geometry["boundaries"], values, depth)


def _unfolded(boundaries: Any, values: Any, depth: int) -> Iterator[tuple[list[list[int]], int | None]]:
    if depth == 0:
        yield boundaries, values
        return
    for place, inner in enumerate(boundaries):
        yield from _unfolded(inner, None if values is None else values[place], depth - 1)


def _footing(geometry: Geometry) -> list[list[list[int]]]:
    """The faces that the footprint is made of: the ground surfaces if there are any, else all."""
    meanings = (geometry.get("semantics") or {}).get("surfaces") or ()
    ground = {place for place, meaning in enumerate(meanings) if meaning["type"] == "GroundSurface"}
    faces = list(surfaces(geometry))
    return [face for face, meaning in faces if meaning in ground] or [face for face, _ in faces]


def footprint(faces: GeometryArray) -> BaseGeometry | None:
    """The union of faces seen from above, in steps of 1; None where all of them stand upright.

    Walls fall away; a face that crosses itself is mended. Edges that rounding drew a step apart are one edge
    (``grid_size``), parts that are less than ten steps apart are joined, and parts and holes thinner than
    that go.
    """
    lying = faces[shapely.area(shapely.convex_hull(faces)) > 0]
    crossed = ~shapely.is_valid(lying)
    lying[crossed] = shapely.make_valid(lying[crossed])
    kept = _broad_parts(shapely.union_all(lying, grid_size=1.0))
    if len(kept) > 1:
        wide = shapely.MultiPolygon(kept).buffer(_THIN / 2, join_style="mitre")
        joined = _broad_parts(shapely.set_precision(wide.buffer(-_THIN / 2, join_style="mitre"), 1.0))
        kept = joined if len(joined) < len(kept) else kept
    if not kept:
        return None
    return kept[0] if len(kept) == 1 else shapely.MultiPolygon(kept)


def _broad_parts(merged: BaseGeometry) -> list[shapely.Polygon]:
    parts = [part for part in shapely.get_parts(merged) if isinstance(part, shapely.Polygon)]
    return [_without_thin_holes(part) for part in parts if not _is_thin(part)]


def _without_thin_holes(polygon: shapely.Polygon) -> shapely.Polygon:
    holes = [ring for ring in polygon.interiors if not _is_thin(shapely.Polygon(ring))]
    return shapely.Polygon(polygon.exterior, holes) if len(holes) < len(polygon.interiors) else polygon


def _is_thin(polygon: shapely.Polygon) -> bool:
    """Whether its mean width, twice the area by the outer edge, is less than ten steps."""
    return bool(2 * polygon.area < _THIN * polygon.exterior.length)
