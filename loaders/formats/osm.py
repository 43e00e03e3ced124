"""OpenStreetMap PBF: the objects that a kind selects, across GDAL's layers, with their tags as columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from loaders import gdal
from loaders.errors import KindAbsent, KindNotInOsm, UnknownLayer
from loaders.formats import BaseFormat, OpenedFile, Request, Rows
from loaders.osm.blocks import area_relations
from loaders.osm.objects import ATTRIBUTION, KEY, LAYERS, chosen, is_chosen, numbered, objects, tags_of
from twin.kinds.model import Kind, OsmSelector


class OsmFile(OpenedFile):
    """An extract of OpenStreetMap, of which the rows are the objects of one kind.

    ``relations`` are the areas among them, of which ways may be missing.
    """

    kind: Kind | None = None
    selectors: tuple[OsmSelector, ...] = ()
    layers: tuple[str, ...] = tuple(LAYERS)
    relations: tuple[int, ...] = ()

    def rows(self) -> Iterator[Rows]:
        """The selected objects of each layer in turn. Raises ``FileBroken``, or ``KindAbsent`` at the end."""
        read = objects(self.path, self.columns, self.layers)
        found = (chosen(some, self.selectors, self.columns) for some in read)
        rows = None
        batches = (batch for batch in found if batch is not None)
        for rows in numbered(batches, self.relations, self.columns):
            yield rows
        if rows is None and self.kind is not None:
            raise KindAbsent(
                path=self.path,
                kind=self.kind.name,
                layers=", ".join(self.layers),
                tags=", ".join(_written(selector) for selector in self.selectors),
            )


class Format(BaseFormat, frozen=True):
    """OSM PBF."""

    name: str = "OSM PBF"
    media_type: str = "application/vnd.openstreetmap.data+pbf"
    extensions: tuple[str, ...] = (".osm.pbf", ".pbf")
    tested: str = "Helsinki"

    def sniff(self, head: bytes) -> bool:
        """The first block is a header block."""
        return b"OSMHeader" in head[4:32]

    def open(self, path: Path, request: Request) -> OsmFile:
        """The objects of the kind, in one layer or all.

        Raises ``UnknownLayer``, ``KindNotInOsm`` or ``FileBroken``.
        """
        if request.layer is not None and request.layer not in LAYERS:
            raise UnknownLayer(path=path, layer=request.layer, layers=", ".join(LAYERS))
        if request.kind is not None and not request.kind.osm:
            raise KindNotInOsm(path=path, kind=request.kind.name)
        selectors = request.kind.osm if request.kind else tuple(map(OsmSelector, request.columns))
        areas = [one.id for one in area_relations(path) if is_chosen(one.tags, selectors)]
        layers = (request.layer,) if request.layer else tuple(LAYERS)
        info = gdal.describe(path, "points")
        return OsmFile(
            path,
            request.layer,
            (KEY, *tags_of(request.kind, request.columns)),
            crs=info.crs,
            bounds=info.bounds,
            tags=True,
            kind=request.kind,
            key=KEY,
            attribution=ATTRIBUTION,
            selectors=selectors,
            layers=layers,
            relations=tuple(areas) if request.kind and "multipolygons" in layers else (),
        )


def _written(selector: OsmSelector) -> str:
    return f"{selector.key}={'|'.join(selector.values)}" if selector.values else selector.key


FORMATS = (Format(),)
