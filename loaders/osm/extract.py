"""An OSM extract read once for all kinds: what each selects is put by on disk, and the boundaries beside."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from loaders import gdal
from loaders.arrow import Batch, Spool
from loaders.errors import KindsAbsent, UnknownLayer
from loaders.formats import OpenedFile, Rows
from loaders.osm.blocks import Relation, area_relations
from loaders.osm.objects import ATTRIBUTION, KEY, LAYERS, chosen, is_chosen, numbered, objects, tags_of
from twin.kinds import Kind
from twin.kinds.model import OsmSelector

BOUNDARIES = (OsmSelector("boundary", ("administrative",)),)
BOUNDARY_TAGS = (KEY, "boundary", "name", "admin_level", "ISO3166-2", "ref")


class KindObjects(OpenedFile):
    """The objects of one kind, as they were put by; ``relations`` are the areas that should be among them."""

    spool: Spool | None = None
    relations: Sequence[int] = ()

    def rows(self) -> Iterator[Rows]:
        """All of them, in the order of the extract."""
        return numbered(self.spool.batches() if self.spool else (), self.relations, self.columns)


class Extract(Struct, frozen=True):
    """What an extract holds: the objects of each kind that is there, its boundaries, and their relations.

    ``relations`` are there even where ways are missing, of which ``boundaries`` are none.
    """

    kinds: dict[str, KindObjects]
    boundaries: list[Batch]
    relations: list[Relation]


@contextmanager
def read_once(path: Path, kinds: Sequence[Kind], layer: str | None = None) -> Iterator[Extract]:
    """The extract, as long as the block lasts.

    Raises ``UnknownLayer``, ``FileBroken``, or ``KindsAbsent`` where it has no object of any kind.
    """
    if layer is not None and layer not in LAYERS:
        raise UnknownLayer(path=path, layer=layer, layers=", ".join(LAYERS))
    layers = (layer,) if layer else tuple(LAYERS)
    relations, areas = _areas(path, kinds if "multipolygons" in layers else ())
    with tempfile.TemporaryDirectory(prefix="twin-osm-") as folder:
        spools = {kind.name: Spool(Path(folder) / kind.name) for kind in kinds}
        boundaries = _distribute(path, kinds, spools, layers)
        info = gdal.describe(path, "points")
        found = {
            kind.name: KindObjects(
                path,
                layer,
                (KEY, *tags_of(kind)),
                crs=info.crs,
                count=spools[kind.name].length,
                bounds=info.bounds,
                tags=True,
                key=KEY,
                attribution=ATTRIBUTION,
                spool=spools[kind.name],
                relations=areas.get(kind.name, ()),
            )
            for kind in kinds
            if spools[kind.name].length or areas.get(kind.name)
        }
        if not found:
            raise KindsAbsent(path=path, kinds=", ".join(kind.name for kind in kinds))
        yield Extract(found, boundaries, relations)


def _areas(path: Path, kinds: Sequence[Kind]) -> tuple[list[Relation], dict[str, list[int]]]:
    """The administrative boundaries, and the numbers of each kind's relations that are areas."""
    boundaries: list[Relation] = []
    areas: dict[str, list[int]] = {kind.name: [] for kind in kinds}
    for relation in area_relations(path):
        if is_chosen(relation.tags, BOUNDARIES):
            boundaries.append(relation)
        for kind in kinds:
            if is_chosen(relation.tags, kind.osm):
                areas[kind.name].append(relation.id)
    return boundaries, areas


def _distribute(
    path: Path, kinds: Sequence[Kind], spools: dict[str, Spool], layers: tuple[str, ...]
) -> list[Batch]:
    """Give each kind the objects that it selects; the boundaries are few enough to be kept."""
    columns = {kind.name: (KEY, *tags_of(kind)) for kind in kinds}
    wanted = dict.fromkeys([*BOUNDARY_TAGS, *(tag for tags in columns.values() for tag in tags)])
    boundaries = []
    for some in objects(path, tuple(wanted), layers):
        for kind in kinds:
            batch = chosen(some, kind.osm, columns[kind.name])
            if batch is not None:
                spools[kind.name].add(batch)
        if some.layer == "multipolygons":
            batch = chosen(some, BOUNDARIES, BOUNDARY_TAGS)
            boundaries += [batch] if batch is not None else []
    for spool in spools.values():
        spool.close()
    return boundaries
