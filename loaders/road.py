"""From rows as they came to rows ready to be copied: what each batch goes through."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from msgspec import Struct, field

from loaders import arrow
from loaders.arrow import Column
from loaders.draft import Draft
from loaders.exported import of_other_kinds
from loaders.findings import SHOWN, Facts, Finding, Findings, Verdict, shown
from loaders.formats import Rows, Unread
from loaders.keys import Identity, Seen, identify, judge_keys, judge_twins
from loaders.modes import flagged
from loaders.places import Places, Raw, Written, settle_places, written_geometries
from loaders.prepare import Options, Prepared
from loaders.registered import Registered
from loaders.remaining import Remaining
from loaders.values import convert, present
from spatial.arrays import BoolArray, Int64Array
from twin.registry.divisions import Divisions


class Identified(Struct, frozen=True):
    """A batch as it came: which rows are of other kinds, and of the rest the geometries and who they are.

    ``existing`` are those whose keys are registered, ``same`` those of them that say what they said before.
    """

    came: Rows
    others: BoolArray
    rows: Rows
    written: Raw | Written
    identity: Identity
    existing: BoolArray
    same: BoolArray


class Road(Struct):
    """Everything that is settled before the first row, and what has to be remembered from row to row.

    ``seed`` is that of the rows' hashes; ``placed`` counts the rows that came with a geometry, ``nameless``
    those of which nobody knows the key. ``gone`` are the keys of registered assets that rows say are gone.
    """

    ready: Prepared
    registered: Registered
    divisions: Divisions
    options: Options
    seed: int
    placed: int = 0
    gone: list[Column] = field(default_factory=list)
    nameless: int = 0
    _earlier: tuple[tuple[str, Seen], ...] = ()
    _keys: Seen = field(default_factory=Seen)
    _places: Seen = field(default_factory=partial(Seen, counting=True))
    _said: Seen = field(default_factory=Seen)

    def __post_init__(self) -> None:
        receipt, siblings = self.ready.receipt, self.ready.siblings
        if siblings is not None:
            self._earlier = siblings.join(receipt.dataset, receipt.kind, receipt.source, self._keys)

    def identified(self, came: Rows) -> Identified:
        """A batch, one after the other: what can be known of its rows without a look at other rows."""
        others = of_other_kinds(came, self.ready.plan.kind)
        rows = came.take(~others) if others.any() else came
        written = written_geometries(rows, self.ready.plan.position)
        identity = identify(rows, written, self.ready.key, self.seed, self._places)
        return Identified(came, others, rows, written, identity, *self.registered.compare(identity))

    def remaining(self, batch: Identified) -> Remaining:
        """The rows of a batch that are new or changed."""
        came, rows, identity = batch.came, batch.rows, batch.identity
        for line in came.unread:
            value = line.value and line.value[:SHOWN]
            found = Finding(line.number, None, value, line.reason, {}, line.key)
            self.ready.receipt.rejections.add(found)
        self._see_unread(came.unread)
        self.ready.receipt.read += len(came) + len(came.unread)
        self._leave_out(came, batch.others)
        self.placed += int(batch.written.there.sum())
        left = self._left(batch)
        return Remaining(rows.take(left), batch.written.take(left), identity.take(left), batch.existing[left])

    def pass_over(self, rows: Rows) -> None:
        """Remember the keys and places of rows that are done already, when a load goes on."""
        batch = self.identified(rows)
        self.placed += int(batch.written.there.sum())
        verdict = Verdict(batch.rows.numbers, Findings(), Findings(), batch.identity.keys)
        judge_keys(batch.identity, self._keys, verdict, self.ready.key)

    def _leave_out(self, came: Rows, others: BoolArray) -> None:
        """Reject the rows that an export of several kinds says to be of another kind."""
        if not others.any():
            return
        verdict = self._verdict(came.numbers)
        verdict.reject(others, "kind.other", "kind", shown(came.columns["kind"]))
        if self.ready.key is not None:
            self.registered.see(arrow.take(present(came.columns[self.ready.key]), others))

    def _left(self, batch: Identified) -> BoolArray:
        """Which rows are neither doubles nor as they were."""
        rows, identity, existing = batch.rows, batch.identity, batch.existing
        verdict = self._verdict(rows.numbers, identity)
        judge_keys(identity, self._keys, verdict, self.ready.key)
        for file, seen in self._earlier:
            there, facts = seen.holds(identity.key_hashes), _always(file=file)
            verdict.reject(there, "key.other_file", self.ready.key, shown(identity.keys), facts)
        self.nameless += int(arrow.is_null(identity.keys).sum())
        gone = self._gone(rows, identity, existing, verdict)
        if self.ready.key is not None:
            judge_twins(
                identity,
                batch.written.there & ~gone,
                ~existing,
                self._said,
                verdict,
                reject=self.options.on_suspect == "reject",
            )
        same = batch.same & verdict.alive & ~gone
        if self.options.mode == "insert":
            same &= False
        self.ready.receipt.same += int(same.sum())
        return verdict.alive & ~same & ~gone

    def _gone(self, rows: Rows, identity: Identity, existing: BoolArray, verdict: Verdict) -> BoolArray:
        """Which rows of a file of changes say that their asset is gone; those of no asset are rejected."""
        flag = self.ready.delete
        if flag is None:
            return np.zeros(len(rows), dtype=np.bool_)
        gone = flagged(flag, rows) & verdict.alive
        verdict.reject(gone & ~existing, "delete.unknown", flag.column, shown(rows.columns[flag.column]))
        gone &= existing
        self.gone.append(arrow.take(identity.keys, gone))
        return gone

    def _see_unread(self, lines: Sequence[Unread]) -> None:
        """Note which assets the lines that could not be read are about, as far as they say."""
        keys = [line.key for line in lines if line.reason != "row.total"]
        self.nameless += keys.count(None)
        if keys:
            self.registered.see(arrow.texts(key for key in keys if key is not None))

    def draft(self, remaining: Remaining) -> tuple[Draft, Verdict]:
        """The rows that are not rejected, and where more may be found."""
        rows, identity = remaining.rows, remaining.identity
        written = remaining.written
        if written is None:
            written = written_geometries(rows, self.ready.plan.position)
        verdict = self._verdict(rows.numbers, identity)
        places = settle_places(
            written, self.ready.operation, self.ready.plan.kind, verdict, self.divisions.extent
        )
        values = convert(self.ready.plan, rows.columns, verdict)
        divisions = self._divisions(places, values.common.get("division"), verdict)
        if self.options.accuracy is not None:
            given = arrow.constant(self.options.accuracy, len(rows))
            own = values.common.get("accuracy")
            values.common["accuracy"] = given if own is None else arrow.first_of([own, given])
        draft = Draft(rows.numbers, identity, remaining.existing, values, places, divisions)
        draft = draft.take(verdict.alive)
        return draft, self._verdict(draft.numbers, draft.identity)

    def _divisions(self, places: Places, column: Column | None, verdict: Verdict) -> Column:
        """Each row's division: by its place, else its column, the option, home; else it is rejected."""
        known, home = self.divisions, self.options.division or self.divisions.home
        settled = arrow.chosen(known.listed, known.places(places.lon, places.lat, places.cells))
        said = []
        if column is not None:
            found = arrow.map_distinct(column, known.find)
            verdict.warn(
                arrow.is_null(found) & ~arrow.is_null(column), "division.unlisted", "division", shown(column)
            )
            said.append(found)
        if home is not None:
            said.append(arrow.constant(home, len(settled)))
        if settled.null_count:
            settled = arrow.first_of([settled, *said])
        verdict.reject(
            arrow.is_null(settled), "division.unknown", "division", None if column is None else shown(column)
        )
        return settled

    def _verdict(self, numbers: Int64Array, identity: Identity | None = None) -> Verdict:
        receipt = self.ready.receipt
        return Verdict(
            numbers, receipt.rejections, receipt.warnings, None if identity is None else identity.keys
        )


def _always(**facts: str) -> Facts:
    """The same facts of every row."""
    return lambda _: facts
