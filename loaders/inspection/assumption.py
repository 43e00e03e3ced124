"""What a load takes for granted where neither command nor mapping says it: only what is certain."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
import shapely

from loaders.crs import Declared
from loaders.errors import CrsUncertain, KindNeeded, KindUncertain
from loaders.formats import Rows, Source
from loaders.inspection.confidence import Confidence
from loaders.inspection.facts import Facts
from loaders.inspection.fields import propose_fields
from loaders.inspection.kinds import propose_kinds
from loaders.inspection.naming import Named
from loaders.inspection.positions import find_positions
from loaders.inspection.sample import FIRST_ROWS, take_sample
from loaders.locations import Location
from loaders.mapping import FieldSource
from loaders.plan import Column, Filling, Plan, meaning_of
from loaders.values import present
from spatial.arrays import GeometryArray
from spatial.china import in_china
from twin.kinds import Kind, all_kinds, kind


def assumed_kind(location: Location, source: Source, layers: Sequence[str]) -> Kind:
    """The kind that the first rows of a file, of which the layers are given, are certainly of.

    Raises ``KindUncertain``, which names the candidates, or ``KindNeeded`` where tags or nothing tell.
    """
    if source.tags:
        raise KindNeeded(path=location, kinds=", ".join(all_kinds()))
    sample = take_sample(islice(source.rows(), 1))
    columns = sample.facts()
    positions = find_positions(sample, columns, decimal_comma=source.decimal_comma)
    positioned = bool(positions.columns) and not sample.types
    found = propose_kinds(Named.of(location, source, layers), columns, sample.types, positioned=positioned)
    if not found:
        raise KindNeeded(path=location, kinds=", ".join(all_kinds()))
    if found[0].confidence is not Confidence.CERTAIN:
        raise KindUncertain(
            path=location,
            kinds=", ".join(all_kinds()),
            candidates_en=", ".join(f"{one.kind} ({one.confidence.word('en')})" for one in found),
            candidates_zh="、".join(f"{one.kind}（{one.confidence.word('zh')}）" for one in found),
        )
    return kind(found[0].kind)


def assumed_fillings(plan: Plan, first: Rows) -> tuple[Filling, ...]:
    """Fields that no column is called as, and that a column fills for certain.

    By a heading with a unit, or by values of a shape that only that field's have.
    """
    filled = {(filling.target.where, filling.target.name) for filling in plan.fillings}
    columns = [
        Facts.of(name, present(first.columns[name][0:FIRST_ROWS]).to_pylist())
        for name in plan.unmapped
        if name not in plan.likely_keys
    ]
    guesses = propose_fields(plan.kind, columns, only_certain=True)
    return tuple(
        Filling(
            guess.target,
            meaning_of(plan.kind, guess.target),
            (Column(guess.column, guess.unit),),
            FieldSource(order=guess.order),
        )
        for guess in guesses
        if (guess.target.where, guess.target.name) not in filled
    )


def require_certain(location: Location, system: Declared, first: GeometryArray) -> None:
    """Refuse degrees in China whose system is only assumed: web maps shift them. Raises ``CrsUncertain``."""
    centres = shapely.centroid(first[~shapely.is_missing(first) & ~shapely.is_empty(first)])
    if system.assumed and len(centres):
        inside = in_china(shapely.get_x(centres), shapely.get_y(centres))
        if np.mean(inside) >= 0.5:
            raise CrsUncertain(path=location)
