"""Inspect a file: every layer sampled and judged; one that cannot be read is told, others still are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct, field

from loaders.bundle import named_as_given
from loaders.formats import Request, Source, detect
from loaders.inspection.facts import Facts
from loaders.inspection.naming import Named
from loaders.inspection.proposal import Proposal, propose
from loaders.inspection.sample import Sample, take_sample
from loaders.inspection.shift import Shift, find_shift
from loaders.inspection.surroundings import Surroundings
from loaders.inspection.systems import rough_degrees
from loaders.locations import Location
from loaders.osm.extract import read_once
from twin.errors import TwinError
from twin.kinds import Kind, all_kinds

SHOWN_ROWS = 5


class LayerReport(Struct, frozen=True):
    """What is in one layer.

    ``count`` is None where only a part, ``read``, was gone through and the file does not say. ``problem`` is
    why the layer cannot be read; of such a layer nothing else is known.
    """

    name: str | None
    count: int | None = None
    read: int = 0
    sampled: int = 0
    whole: bool = True
    types: dict[str, int] = field(default_factory=dict)
    columns: tuple[Facts, ...] = ()
    encoding: str | None = None
    encoding_found: str | None = None
    notes: tuple[str, ...] = ()
    rows: tuple[dict[str, str | None], ...] = ()
    unread: int = 0
    proposal: Proposal | None = None
    shift: Shift | None = None
    problem: TwinError | None = None


class FileReport(Struct, frozen=True):
    """What is in a file: its layers, or of tags (OSM) how many objects each kind selects."""

    location: Location
    format: str
    layers: tuple[LayerReport, ...] = ()
    kinds: dict[str, int] = field(default_factory=dict)


@named_as_given()
def inspect(
    location: Location,
    layer: str | None = None,
    said_kind: Kind | None = None,
    surroundings: Surroundings | None = None,
) -> FileReport:
    """What is in a file, or in the one ``layer`` of it.

    ``surroundings`` is what the registry knows, where there is one. Raises what ``detect`` raises, and what
    opening raises where the file has no layers.
    """
    chosen = detect(location)
    every = chosen.layers(location) if layer is None else ()
    names: Sequence[str | None] = every or (layer,)
    reports = []
    for name in names:
        try:
            with named_as_given():
                source = chosen.open(location, Request(name, said_kind))
                if source.tags and isinstance(location, Path):
                    return FileReport(location, chosen.name, kinds=_kinds_of_tags(location, layer))
                layers = every or chosen.layers(location)
                reports.append(_layer(source, location, layers, said_kind, surroundings))
        except TwinError as problem:
            if len(names) == 1:
                raise
            reports.append(LayerReport(name, problem=problem))
    return FileReport(location, chosen.name, tuple(reports))


def _layer(
    source: Source,
    location: Location,
    layers: Sequence[str],
    said_kind: Kind | None,
    around: Surroundings | None,
) -> LayerReport:
    sample = take_sample(source.rows())
    named = Named.of(location, source, layers)
    proposal = propose(sample, named, source, said_kind, around.home if around else None)
    shift = _shift(proposal, around)
    if shift is not None:
        proposal = proposal.shifted(shift)
    return LayerReport(
        name=source.layer,
        count=sample.read if sample.whole else source.count,
        read=sample.read,
        sampled=sample.taken,
        whole=sample.whole and sample.taken + sample.unreadable == sample.read,
        types=dict(sample.types),
        columns=tuple(sample.facts()),
        encoding=source.encoding,
        encoding_found=source.encoding_found,
        notes=source.notes,
        rows=tuple(_rows(sample)),
        unread=sample.unreadable,
        proposal=proposal,
        shift=shift,
    )


def _shift(proposal: Proposal, around: Surroundings | None) -> Shift | None:
    """Whether the positions are a web map's, by what the registry knows near them."""
    best = proposal.system.best
    if around is None or best is None:
        return None
    lon, lat = rough_degrees(best, proposal.positions)
    return find_shift(lon, lat, around)


def _rows(sample: Sample) -> list[dict[str, str | None]]:
    count = min([SHOWN_ROWS, *(len(values) for values in sample.values.values())])
    return [{name: values[place] for name, values in sample.values.items()} for place in range(count)]


def _kinds_of_tags(location: Path, layer: str | None) -> dict[str, int]:
    """How many objects each kind selects in an OSM extract."""
    kinds = [kind for kind in all_kinds().values() if kind.osm]
    with read_once(location, kinds, layer) as extract:
        return {name: found.count or 0 for name, found in extract.kinds.items()}
