"""Rows that are new or changed, as they came; where each batch has few, those of several are judged together.

A reload that changes one row in a hundred would else judge, code and copy batches of some hundred rows, each
of which takes nearly as long as one of some thousands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from msgspec import Struct

from loaders.formats import Rows
from loaders.keys import Identity
from loaders.places import Raw, Written
from spatial.arrays import BoolArray

ENOUGH = 4_096
"""Rows that are worth being judged by themselves."""
LARGE = 1 << 24
"""Bytes of rows that are, however few they are."""

Part = tuple["Remaining", bool]
"""Rows that are judged together, and whether what is registered by itself ends with them."""


class Remaining(Struct, frozen=True):
    """Rows that are neither doubles nor as they were; ``existing`` are those whose key is registered.

    ``written`` are their geometries, None where they are to be taken from the rows.
    """

    rows: Rows
    written: Raw | Written | None
    identity: Identity
    existing: BoolArray

    @classmethod
    def joined(cls, parts: Sequence[Remaining]) -> Remaining:
        """One part after the other."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            Rows.joined([part.rows for part in parts]),
            None,
            Identity.joined([part.identity for part in parts]),
            np.concatenate([part.existing for part in parts]),
        )


def gathered(coming: Iterable[Part]) -> Iterator[Part]:
    """What comes; small parts that follow each other are joined, but never over an end."""
    few: list[Remaining] = []
    for part, full in coming:
        if few and (_enough([part]) or few[-1].rows.schema != part.rows.schema):
            yield Remaining.joined(few), False
            few = []
        few.append(part)
        if full or _enough(few):
            yield Remaining.joined(few), full
            few = []
    if few:
        yield Remaining.joined(few), False


def _enough(parts: Sequence[Remaining]) -> bool:
    """Whether they are worth being judged by themselves."""
    rows = [part.rows for part in parts]
    return sum(map(len, rows)) >= ENOUGH or sum(one.size for one in rows) >= LARGE
