"""What is counted: rows of roll-ups where a filter says nothing that these do not know, else assets.

Roll-ups know the kind, status and division of assets, and their cells at resolutions 5 to 9; where neither
status nor division is asked, nor a sum, their totals by cell say the same in fewer rows. A box they answer in
part: for the cells that lie inside it. What is near its edge is looked at asset by asset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from sqlalchemy import (
    Integer,
    Select,
    Table,
    Text,
    case,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause, Subquery

from spatial import cells, h3_index
from twin.errors import TwinError
from twin.kinds import all_kinds
from twin.kinds.model import Kind
from twin.registry.query import boxes, places
from twin.registry.query.inputs import Given
from twin.registry.query.names import camel
from twin.registry.query.where import MAX_DEPTH, MEMBERS, Where, condition, of_kinds
from twin.registry.rollups import COARSEST, FINEST, thousandths
from twin.registry.tables import (
    asset_view,
    rollup_apart_view,
    rollup_cell_view,
    rollup_view,
)

By = Literal["rollup", "rollup and assets", "assets"]
Column = ColumnElement[Any]
Condition = ColumnElement[bool]
Selecting = Callable[[Column], Condition]

_NEVER = h3_index.FINEST + 1
_KNOWN = frozenset({"kinds", "status", "division"})
_CELLS = {"cells": "cells", "disk": "cell"}
_BOX, _LISTED = "bbox", "cells"


@dataclass(frozen=True, slots=True)
class Key:
    """What assets are counted by: a column of the table that is counted.

    ``finest`` is the resolution of the cells by which they are counted. Roll-ups may not have the column:
    ``rolled`` tells; ``asks`` is the member of a filter that selects by the same column, if one does. Only
    assets that meet the ``conditions`` count.
    """

    of: Callable[[FromClause], Column]
    rolled: bool = True
    asks: str | None = None
    finest: int | None = None
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Tallies:
    """Rows to add up, with the columns key, kind, assets (of each row) and, if asked for, sum_1, sum_2, …"""

    rows: Subquery
    by: By


def _tallies(by: By, *parts: Select[Any]) -> Tallies:
    return Tallies((parts[0] if len(parts) == 1 else union_all(*parts)).subquery("t"), by)


def most_sums() -> int:
    """The most sums that a kind has."""
    return max(len(kind.sums) for kind in all_kinds().values())


@dataclass(frozen=True, slots=True)
class Counting:
    """What is counted: assets of a filter and perhaps a kind, by a key, perhaps with their kinds' sums."""

    where: Where | None
    kind: Kind | None
    key: Key
    sums: bool = False

    def tallies(self) -> Tallies:
        """The rows to be added up."""
        return (self._rolled() if self.key.rolled else None) or _tallies("assets", self._assets())

    def _rolled(self) -> Tallies | None:
        """Rows of roll-ups, and of the assets that have to be added; None where roll-ups can't tell."""
        given = Given(self.where, "where")
        resolution = given.decide(_Resolution(self.kind, self.key.finest))
        if resolution > FINEST:
            return None
        sources = self._sources(given)
        if not given.decide(_has_box):
            return _tallies("rollup", *self._rollups(sources, resolution, *self._at(given, resolution)))
        box = Given((self.where or {})[_BOX], f"where.{_BOX}")
        covered = box.decide(boxes.covered_at)
        if covered is None:
            return None
        resolution = max(resolution, covered)
        inside = self._rollups(sources, resolution, partial(boxes.inside, box, resolution), _BOX)
        beside = self._assets(boxes.beside(asset_view, box, covered))
        return _tallies("rollup and assets", *inside, beside)

    def _sources(self, given: Given) -> tuple[Table, ...]:
        """The fewest rows that know what is asked; of two tables of totals a session sees one."""
        asked = given.decide(_asked) | {self.key.asks}
        apart = self.sums or asked & {"status", "division"}
        return (rollup_view,) if apart else (rollup_cell_view, rollup_apart_view)

    def _at(self, given: Given, resolution: int) -> tuple[Selecting, *tuple[str, ...]]:
        """Cells of a resolution, and the member of the filter that says which, if one does."""
        if given.decide(_has_cells):
            listed = Given((self.where or {})[_LISTED], f"where.{_LISTED}")
            members = listed.members(("cells", "mode"), needed=("cells",))
            return partial(places.among_cells, given=members["cells"], resolution=resolution), _LISTED
        lowest, highest = cells.every_cell(resolution)
        if self.key.finest is not None:
            return (lambda cell: cell.between(lowest, highest),)
        return (lambda cell: or_(cell.between(lowest, highest), cell == 0),)

    def _rollups(
        self, sources: Iterable[Table], resolution: int, cells_of: Selecting, *but: str
    ) -> list[Select[Any]]:
        """Roll-ups that the filter selects, but for members of it that ``cells_of`` stands for."""
        members = {
            **MEMBERS,
            "cells": lambda table, given: places.in_cells(table.c.cell, table.c.cell, given, resolution),
            "disk": lambda table, given: places.in_disk(table.c.cell, table.c.cell, given, resolution),
        }

        def selected(rollup: Table) -> Select[Any]:
            r = rollup.c
            key = r.cell if self.key.finest == resolution else self.key.of(rollup)
            columns = [key.label("key"), r.kind, r.assets, *self._added(lambda place: r.sums[place])]
            asked = condition(self.where, kind=self.kind, asset=rollup, members=members, but=but)
            selection = select(*columns).where(cells_of(r.cell), asked)
            by_range = rollup is rollup_cell_view and key is r.cell
            return _by_range(selection, rollup) if by_range else selection

        return [selected(rollup) for rollup in sources]

    def _assets(self, *conditions: Condition) -> Select[Any]:
        a = asset_view.c
        one = literal_column("1", Integer()).label("assets")
        somewhere = [a.cell.is_not(None)] if self.key.finest is not None else []
        selected = condition(self.where, kind=self.kind)
        columns = [self.key.of(asset_view).label("key"), a.kind, one, *self._added(_sum)]
        return select(*columns).where(selected, *conditions, *somewhere, *self.key.conditions)

    def _added(self, column: Callable[[int], Column]) -> list[Column]:
        return [column(place).label(name) for place, name in enumerate(self.names(), 1)]

    def names(self) -> list[str]:
        """The columns of the sums."""
        return [f"sum_{place}" for place in range(1, most_sums() + 1)] if self.sums else []


def _by_range(selection: Select[Any], rollup: Table) -> Select[Any]:
    """Totals of a selection by their cells, added up in each range of cells, where it is joined with some.

    The index has them in order there; in all ranges together PostgreSQL does not know them to be.
    """
    ranges = [source for source in selection.get_final_froms() if source is not rollup]
    if len(ranges) != 1:
        return selection
    key = rollup.c.cell.label("key")
    assets = cast(func.sum(rollup.c.assets), Integer()).label("assets")  # sums of bigint would be numeric
    added = (
        selection.with_only_columns(key, assets).group_by(rollup.c.cell).correlate(*ranges).lateral("added")
    )
    kind = literal("", Text()).label("kind")  # asked for by nobody, but a column of what is beside it
    return select(added.c.key, kind, added.c.assets).select_from(ranges[0].join(added, true()))


def _sum(place: int) -> Column:
    """What each asset adds to the sum that its kind names in that place."""
    having = [kind for kind in all_kinds().values() if len(kind.sums) >= place]
    each = (thousandths(kind, kind.sums[place - 1]) for kind in having)
    named = (of_kinds(asset_view, [kind.name]) for kind in having)
    return case(*zip(named, map(literal_column, each), strict=True))


@dataclass(frozen=True, slots=True)
class _Resolution:
    """The resolution at which roll-ups know what a filter asks; one beyond them where none does."""

    kind: Kind | None
    finest: int | None

    def __call__(self, given: Given) -> int:
        where = given.raw
        if where is None:
            return max(COARSEST, self.finest or 0)
        if isinstance(where, Mapping):
            where = {name: value for name, value in where.items() if name != _BOX}
        try:
            return max(COARSEST, self.finest or 0, _needed(where, self.kind, 1))
        except (TwinError, TypeError, AttributeError, LookupError):  # told by whoever reads it
            return _NEVER


def _needed(where: Any, kind: Kind | None, depth: int) -> int:
    if depth > MAX_DEPTH:
        return _NEVER
    given = ((name, value) for name, value in where.items() if value is not None)
    return max((_member(name, value, kind, depth) for name, value in given), default=0)


def _member(name: str, value: Any, kind: Kind | None, depth: int) -> int:
    if name in _KNOWN:
        return 0
    if name in _CELLS:
        if value.get("mode") not in (None, "OWN"):
            return _NEVER
        return max(map(_resolution_of, _listed(value[_CELLS[name]])), default=0)
    if name in ("and", "or"):
        return max((_needed(one, kind, depth + 1) for one in _listed(value)), default=0)
    if name == "not":
        return _needed(value, kind, depth + 1)
    named = next((one for one in all_kinds().values() if camel(one.name) == name), None)
    return _NEVER if kind or named is None else _needed(value, named, depth + 1)


def _asked(given: Given) -> frozenset[str]:
    """Which of what roll-ups know beside cells a filter asks, which is known to ask nothing else."""
    return frozenset(_members(given.raw or {}))


def _members(where: Mapping[str, Any]) -> Iterator[str]:
    for name, value in where.items():
        if value is None or name in _CELLS or name == _BOX:
            continue
        if name in _KNOWN:
            yield name
            continue
        for one in _listed(value):
            yield from _members(one)


def _resolution_of(cell: str) -> int:
    return cells.resolution_of(cells.parse_cell(cell))


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value]


def _has_cells(given: Given) -> bool:
    """Whether a filter lists cells: they are known to be sound."""
    return isinstance(given.raw, Mapping) and given.raw.get(_LISTED) is not None


def _has_box(given: Given) -> bool:
    return isinstance(given.raw, Mapping) and given.raw.get(_BOX) is not None
