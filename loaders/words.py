"""The texts by which assets are found, by the rule of ``twin.registry.words``, for whole columns."""

from __future__ import annotations

from loaders import arrow
from loaders.arrow import Column
from loaders.draft import Draft
from twin.registry.words import folded


def words_of(draft: Draft) -> Column:
    """Name, address and identifiers of each row, each folded, one a line; null where there is none."""
    texts = [
        draft.values.common.get("name"),
        draft.values.common.get("address"),
        *draft.values.identifiers.values(),
    ]
    there = [_folded(text) for text in texts if text is not None]
    return arrow.joined(there, "\n") if there else arrow.nulls(len(draft))


def _folded(text: Column) -> Column:
    """Folding is a matter of case for ASCII; everything else goes by Unicode's tables."""
    plain = arrow.is_ascii(text)
    if plain.all():
        return arrow.single_spaced(arrow.lower(text))
    return arrow.map_distinct(text, folded)
