"""The objects of an OSM extract in GDAL's layers, with those tags as columns that are wanted.

Keys are ``node/…``, ``way/…`` and ``relation/…``. GDAL leaves out a multipolygon of which a member is missing
at the edge of an extract: it is told as a row that could not be read. It cuts one of which nodes are missing;
what it leaves of that is judged like any other geometry.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from msgspec import Struct

from loaders import arrow, gdal
from loaders.arrow import Batch, Column
from loaders.formats import Rows, Unread
from spatial.arrays import BoolArray
from twin.kinds.common import ADDRESS_PARTS
from twin.kinds.fields import names_of
from twin.kinds.model import Kind, OsmSelector

LAYERS: Mapping[str, str] = {
    "points": "node",
    "lines": "way",
    "multilinestrings": "relation",
    "multipolygons": "relation",
}
KEY = "osm_id"

ATTRIBUTION = "© OpenStreetMap contributors"
"""Whom to credit where the data are shown (openstreetmap.org/copyright)."""
WKB = "wkb"
"""The column of geometries in a ``Batch`` of chosen objects."""

_BATCH_VALUES = 4_000_000
"""Values, mostly null, in memory at a time: a null takes four bytes."""

_TAG = re.compile(r"[a-z][a-z0-9_:]*")
# Which closed ways are areas; GDAL's own list, so that its layers are as everybody knows them.
_AREAS = (
    "aeroway,amenity,boundary,building,craft,geological,historic,landuse,leisure,military,natural,office,"
    "place,shop,sport,tourism,highway=platform,public_transport=platform"
)


class Objects(Struct, frozen=True):
    """Some objects of a layer: their tags, and their geometries."""

    layer: str
    batch: Batch
    wkb: Column


def objects(path: Path, columns: tuple[str, ...], layers: Iterable[str]) -> Iterator[Objects]:
    """All objects of each layer in turn, with these tags. Raises ``FileBroken``."""
    size = min(gdal.BATCH_ROWS, _BATCH_VALUES // len(columns))
    with tempfile.NamedTemporaryFile("w", suffix=".ini") as config:
        config.write(_configuration(columns))
        config.flush()
        for layer in layers:
            # Without a filter of GDAL's: it would take the members of a relation that it leaves out for
            # objects of their own.
            for batch, wkb in gdal.batches(path, layer, size, CONFIG_FILE=config.name):
                if wkb is not None:
                    yield Objects(layer, batch, wkb)


def chosen(some: Objects, selectors: tuple[OsmSelector, ...], columns: tuple[str, ...]) -> Batch | None:
    """Those that a selector chooses, with their keys, these tags and geometries; None if there are none."""
    mask = _selected(some.batch.columns, selectors, some.batch.length)
    if not mask.any():
        return None
    there = some.batch.columns
    prefixes = {KEY: LAYERS[some.layer], "osm_way_id": "way"}
    keys = [
        arrow.wrapped(f"{prefix}/", arrow.as_text(arrow.take(there[name], mask)))
        for name, prefix in prefixes.items()
        if name in there
    ]
    tags = {name: arrow.take(there[name], mask) for name in columns if name != KEY}
    return Batch({**tags, KEY: arrow.first_of(keys), WKB: arrow.take(some.wkb, mask)}, int(mask.sum()))


def is_chosen(tags: Mapping[str, str], selectors: tuple[OsmSelector, ...]) -> bool:
    """Whether a selector chooses an object with these tags."""
    return any(one.key in tags and (not one.values or tags[one.key] in one.values) for one in selectors)


def numbered(batches: Iterable[Batch], relations: Iterable[int], columns: tuple[str, ...]) -> Iterator[Rows]:
    """Chosen objects as rows, numbered from 1; at the end those of the relations that were not among them."""
    done, missing = 0, dict.fromkeys(f"relation/{number}" for number in relations)
    for batch in batches:
        numbers = np.arange(done + 1, done + batch.length + 1, dtype=np.int64)
        tags = {name: column for name, column in batch.columns.items() if name != WKB}
        yield Rows(numbers, tags, batch.columns[WKB])
        done += batch.length
        if missing:
            for key in arrow.objects(batch.columns[KEY]):
                missing.pop(key, None)
    if missing:
        unread = [
            Unread(place, "geometry.incomplete", None, key) for place, key in enumerate(missing, done + 1)
        ]
        nothing = {name: arrow.texts([]) for name in columns}
        yield Rows(np.arange(0, dtype=np.int64), nothing, arrow.binaries([]), unread)


def tags_of(kind: Kind | None, wanted: tuple[str, ...] = ()) -> list[str]:
    """The tags that may fill a field of the kind, those it is selected by, and those that are asked for."""
    asked = [name for name in wanted if name != KEY]
    if kind is None:
        return asked
    identity = {"source_key", "code", "division"}
    names = [name for name, target in names_of(kind) if target.name not in identity and _TAG.fullmatch(name)]
    return list(dict.fromkeys([*names, *ADDRESS_PARTS, *(s.key for s in kind.osm), *asked]))


def _selected(columns: Mapping[str, Column], selectors: tuple[OsmSelector, ...], length: int) -> BoolArray:
    mask: BoolArray = np.zeros(length, dtype=np.bool_)
    for selector in selectors:
        tag = columns[selector.key]
        mask |= arrow.is_any(tag, selector.values) if selector.values else ~arrow.is_null(tag)
    return mask


def _configuration(columns: tuple[str, ...]) -> str:
    """GDAL's osmconf.ini with just the tags that are wanted as columns."""
    tags = ",".join(name for name in columns if name != KEY)
    layer = f"osm_id=yes\nother_tags=no\nattributes={tags}\n"
    sections = "".join(f"[{name}]\n{layer}" for name in (*LAYERS, "other_relations"))
    return f"closed_ways_are_polygons={_AREAS}\nattribute_name_laundering=no\n{sections}"
