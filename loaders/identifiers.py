"""Identifiers of one file that stand in several of its rows, where none of them is registered."""

from __future__ import annotations

import numpy as np

from loaders import arrow
from loaders.arrow import Column
from loaders.draft import Draft
from loaders.fields import issuer_of
from loaders.findings import Facts, Verdict, shown
from loaders.job import Job
from loaders.keys import Seen
from loaders.text_hashes import text_hashes
from spatial.arrays import BoolArray, Int64Array


def judge_identifiers(draft: Draft, job: Job, seen: dict[str, Seen], verdict: Verdict) -> dict[str, Column]:
    """Reject rows whose identifier, unique in the world, stood in an earlier row; others do not bear theirs.

    The rule is that of ``note_identifiers.sql`` and ``note_shared_identifiers.sql``. ``seen`` is what the
    batches before have brought, by scheme. Gives what the rows that stand bear, by scheme.
    """
    borne = dict(draft.values.identifiers)
    schemes = sorted(draft.values.identifiers)
    dataset = job.receipt.dataset
    worldwide = [scheme for scheme in schemes if not issuer_of(job.kind, scheme, dataset)]
    standing = verdict.alive.copy()
    for scheme in worldwide:
        doubled, first = _doubled(draft, scheme, standing, seen)
        verdict.reject(
            doubled,
            "identifier.duplicate",
            scheme,
            shown(draft.values.identifiers[scheme]),
            _told(first, "{}"),
        )
    for scheme in (one for one in schemes if one not in worldwide):
        doubled, first = _doubled(draft, scheme, verdict.alive, seen)
        values = draft.values.identifiers[scheme]
        verdict.warn(
            doubled,
            "identifier.shared",
            scheme,
            shown(values),
            _told(first, "#{}"),
        )
        borne[scheme] = arrow.without(values, doubled)
    return {scheme: arrow.take(values, verdict.alive) for scheme, values in borne.items()}


def _told(first: Int64Array, written: str) -> Facts:
    """What the reasons' words name: the row in which the value came first."""

    def facts(place: int) -> dict[str, str]:
        return dict.fromkeys(("first", "other"), written.format(first[place]))

    return facts


def _doubled(
    draft: Draft, scheme: str, rows: BoolArray, seen: dict[str, Seen]
) -> tuple[BoolArray, Int64Array]:
    """Of ``rows`` those whose value came before, and the row in which it came first."""
    values = draft.values.identifiers[scheme]
    bearing = np.flatnonzero(rows & ~arrow.is_null(values))
    before, first = np.zeros((2, len(draft)), dtype=np.int64)
    borne = arrow.take(values, bearing)
    if scheme not in seen:
        seen[scheme] = Seen()
    told = seen[scheme].add_texts(borne, text_hashes(borne), draft.numbers[bearing])
    before[bearing], first[bearing] = told
    doubled: BoolArray = before > 0
    return doubled, first
