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
    there = [folded_column(text) for text in texts if text is not None]
    return arrow.joined(there, "\n") if there else arrow.nulls(len(draft))


# ASCII and the unified ideographs: what no normal form changes, and has no case but ASCII's.
_PLAIN = r"^[\x00-\x7F\x{3400}-\x{4DBF}\x{4E00}-\x{9FFF}]*$"


def folded_column(text: Column) -> Column:
    """Folding is a matter of case where a text is plain; everything else goes by Unicode's tables."""
    if arrow.is_ascii(text).all() or arrow.matches(arrow.empty_for_null(text), _PLAIN).all():
        return _single_spaced(arrow.lower(text))
    return arrow.map_distinct(text, folded)


def _single_spaced(text: Column) -> Column:
    data = arrow.text_bytes(text)
    blank = data <= ord(" ")
    if (data < ord(" ")).any() or (blank[1:] & blank[:-1]).any():
        return arrow.single_spaced(text)
    return text
