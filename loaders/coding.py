"""The codes of new rows: official ones adopted, the others reserved by division and class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from msgspec import Struct, field

from loaders import arrow
from loaders.arrow import Column
from loaders.draft import Draft
from loaders.findings import Verdict, shown
from loaders.values import Converted
from spatial.arrays import BoolArray, Int64Array
from twin.identity import ParsedCode, read_code, scheme
from twin.identity.adoption import COMPONENT_CODE, adopt_column
from twin.kinds import Kind
from twin.kinds.model import ClassCode
from twin.registry import codes
from twin.registry.codes import Key, Reservation
from twin.registry.database import Connection
from twin.registry.divisions import Divisions

Group = tuple[str, str, int]
"""A code scheme, the division that issues, and the place of a class in its kind."""


class Coded(Struct):
    """A batch's codes: ``given`` came with the file; ``code`` is null for those that get one later.

    ``issuing`` is which scheme the divisions of its new codes issue by.
    """

    given: Column
    code: Column
    scheme: Column
    issued_in: Column
    class_code: Column
    issuing: dict[str, str]


class Coder(Struct):
    """Gives codes to a load's new rows, and takes back what no asset came to bear.

    ``at_once`` is false where the file brings official codes: what it leaves without one is coded when all of
    them are known. Without ``reserving`` (a dry run) no code is reserved.
    """

    connection: Connection
    divisions: Divisions
    kind: Kind
    at_once: bool
    reserving: bool
    reserved: list[Reservation] = field(default_factory=list)
    _issuing: dict[str, tuple[str, str]] = field(default_factory=dict)

    def code(self, draft: Draft, adopted: Sequence[ParsedCode | None] = ()) -> Coded:
        """The codes of a batch. ``adopted`` are those that the file brings, if any.

        Raises ``NoIssuer`` and ``CodeSequenceFull``.
        """
        groups = self._groups(draft, ~draft.existing)
        which = np.full(len(draft), -1, dtype=np.int64)
        for number, rows in enumerate(groups.values()):
            which[rows] = number
        code = arrow.nulls(len(draft))
        if self.reserving and self.at_once and groups:
            code = arrow.scattered(list(self._reserve(groups)), len(draft))
        coded = Coded(
            arrow.nulls(len(draft)),
            code,
            arrow.chosen([name for name, _, _ in groups], which),
            arrow.chosen([division for _, division, _ in groups], which),
            arrow.chosen([self.kind.classes[place].code for _, _, place in groups], which),
            {division: name for name, division, _ in groups},
        )
        return self._with(adopted, ~draft.existing, coded) if any(adopted) else coded

    def number(self, groups: Mapping[Group, Int64Array]) -> tuple[list[int], list[str]]:
        """Codes for rows that got none at once: row numbers by group become row numbers and codes."""
        numbers: list[int] = []
        written: list[str] = []
        for rows, texts in self._reserve(groups):
            numbers.extend(rows.tolist())
            written.extend(texts.astype(str).tolist())
        return numbers, written

    def release(self) -> None:
        """Return everything that was reserved: the load failed."""
        codes.release(self.connection, self.reserved)
        self.reserved.clear()

    def keep(self, unused: Iterable[str]) -> None:
        """Keep what was reserved, but for the codes of rows that were rejected after they had got one."""
        returned: defaultdict[Key, list[int]] = defaultdict(list)
        for text in unused:
            for code in read_code(text):
                key = Key(code.scheme, code.division, code.class_code)
                if any(key == Key(r.scheme, r.division, r.class_code) for r in self.reserved):
                    returned[key].append(code.sequence)
        codes.release(
            self.connection,
            (
                Reservation(*key, tuple((n, n + 1) for n in sorted(numbers)))
                for key, numbers in returned.items()
            ),
        )
        self.reserved.clear()

    def _groups(self, draft: Draft, fresh: BoolArray) -> dict[Group, Int64Array]:
        """The places of the new rows by what their codes are counted within."""
        which, divisions = arrow.encoded(draft.divisions)
        self._issuing |= {one: self.divisions.issuing(one) for one in divisions if one not in self._issuing}
        issuing = [self._issuing[division] for division in divisions]
        issuers = {issuer: number for number, issuer in enumerate(dict.fromkeys(issuing))}
        owner = np.array([issuers[issuer] for issuer in issuing], dtype=np.int64)
        classes = len(self.kind.classes)
        numbers = owner[which] * classes + class_places(self.kind, draft.values, len(draft))
        found = {}
        for (scheme_name, issuer), number in issuers.items():
            for place in range(classes):
                rows = np.flatnonzero(fresh & (numbers == number * classes + place))
                if len(rows):
                    found[scheme_name, issuer, place] = rows
        return found

    def _reserve(
        self, groups: Mapping[Group, Int64Array]
    ) -> Iterable[tuple[Int64Array, np.typing.NDArray[np.bytes_]]]:
        """Rows and their codes, reserved all at once in a transaction of its own."""
        keys = {group: self._keys(group) for group in groups}
        left = codes.room(self.connection, (key for own in keys.values() for key in own))
        wanted = {group: codes.spread(left, keys[group], len(rows)) for group, rows in groups.items()}
        taken = codes.reserve(
            self.connection, {key: n for wants in wanted.values() for key, n in wants.items()}
        )
        self.reserved.extend(taken.values())
        for group, rows in groups.items():
            done = 0
            for key in wanted[group]:
                sequences = np.concatenate([np.arange(*span, dtype=np.int64) for span in taken[key].ranges])
                yield (
                    rows[done : done + len(sequences)],
                    scheme(key.scheme).format_sequences(key.division, key.class_code, sequences),
                )
                done += len(sequences)

    def _keys(self, group: Group) -> list[Key]:
        """What the codes of a group's rows are counted by."""
        name, division, place = group
        numbers = scheme(name).numbers_for(self.kind.name, self.kind.classes[place].numbers)
        return [Key(name, division, number) for number in numbers]

    def _with(self, adopted: Sequence[ParsedCode | None], fresh: BoolArray, coded: Coded) -> Coded:
        """The codes that the file brings in place of those that were made."""
        taken = [code if code and new else None for code, new in zip(adopted, fresh, strict=True)]
        if self.reserving:
            codes.note_adopted(self.connection, filter(None, taken))

        def column(read: Callable[[ParsedCode], str], made: Column) -> Column:
            return arrow.first_of([arrow.texts(code and read(code) for code in taken), made])

        return Coded(
            arrow.texts(code and code.canonical for code in adopted),
            column(lambda code: code.canonical, coded.code),
            column(lambda code: code.scheme, coded.scheme),
            column(lambda code: code.division, coded.issued_in),
            column(lambda code: code.class_code, coded.class_code),
            coded.issuing,
        )


def adopt_codes(draft: Draft, kind: Kind, verdict: Verdict) -> Sequence[ParsedCode | None]:
    """The official codes that the rows bring; those that cannot be adopted are kept as identifiers."""
    column = draft.values.common.get("code")
    if column is None:
        return ()
    found = adopt_column(column.to_pylist(), kind.name, [item.numbers for item in kind.classes])
    reasons = np.array([one.reason or "" for one in found], dtype=object)
    for reason in sorted(set(reasons) - {""}):
        verdict.warn(reasons == reason, reason, "code", shown(column))
    draft.values.identifiers[COMPONENT_CODE] = arrow.texts(one.kept for one in found)
    return [one.code for one in found]


def class_places(kind: Kind, values: Converted, length: int) -> Int64Array:
    """The place of each row's class among the kind's: the last whose conditions hold, else the first."""
    places = np.zeros(length, dtype=np.int64)
    for place, item in enumerate(kind.classes):
        if item.when:
            places[_holds(item, values, length)] = place
    return places


def _holds(item: ClassCode, values: Converted, length: int) -> BoolArray:
    holds: BoolArray = np.ones(length, dtype=np.bool_)
    for name, value in item.when.items():
        column = values.attributes.get(name)
        holds &= arrow.equals(column, value) if column is not None else False
    return holds
