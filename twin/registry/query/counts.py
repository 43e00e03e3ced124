"""How many assets there are, and what their kinds add up: by cell, and by what they have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Any

from sqlalchemy import Text, case, func, literal_column, select
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause, Subquery

from spatial.cells import InvalidResolution
from spatial.h3_index import FINEST
from twin.kinds import all_kinds
from twin.kinds.model import Attribute, Kind, Sum
from twin.registry.query import places
from twin.registry.query.errors import TooManyGroups
from twin.registry.query.inputs import Given
from twin.registry.query.names import constant
from twin.registry.query.sql import Question, number
from twin.registry.query.tallies import By, Counting, Key
from twin.registry.query.where import Where, of_kinds
from twin.registry.rollups import UNIT
from twin.registry.rows import Rows
from twin.registry.tables import asset_view, dataset_view

MAX_GROUPS = 100_000
"""The most cells or groups of one answer."""

Column = ColumnElement[Any]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Total:
    """What a kind adds up, and how much it is."""

    kind: Kind
    sum: Sum
    value: float


@dataclass(frozen=True, slots=True)
class Count:
    """How many assets share a key, and the totals of their kinds; the key is None for those without one."""

    key: str | None
    count: int
    totals: list[Total] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of counts, one for each key, with sums for each key and kind; and what they were taken from."""

    by: By
    rows: Rows
    sums: bool

    @property
    def all(self) -> list[Count]:
        """The counts."""
        if not self.sums:
            return [Count(row["key"], row["count"]) for row in self.rows]
        by_key = groupby(self.rows, lambda row: row["key"])
        return [_added(key, list(of_key)) for key, of_key in by_key]


def cells(
    where: Where | None, resolution: Given, kind: Kind | None = None, *, sums: bool = False
) -> Question[Counts]:
    """How many assets each cell holds at a resolution, cells in order; assets that are nowhere don't count.

    An asset belongs to the cell that is the ancestor of its own. Raises ``InvalidResolution``.
    """
    wanted = resolution.integer()
    if not 0 <= wanted <= FINEST:
        raise InvalidResolution(resolution=wanted, lowest=0, highest=FINEST)
    ancestor = partial(_ancestor, wanted)
    counting = Counting(where, kind, Key(ancestor, finest=wanted), sums)
    return _question(counting, func.to_hex, lambda grouped: [grouped.c.key])


def _ancestor(resolution: int, table: FromClause) -> Column:
    return places.ancestor(table.c.cell, resolution)


def groups(
    where: Where | None, by: Given, kind: Kind | None = None, *, sums: bool = False
) -> Question[Counts]:
    """How many assets share a kind, a status, a division, a data set or an attribute, most first.

    By an attribute, assets of the kinds that index it count; those without it have no key.
    """
    chosen = group_keys()[by.word(list(group_keys()))]
    return _question(Counting(where, kind, chosen.key, sums), chosen.label, _most_first)


def _most_first(grouped: Subquery) -> list[Column]:
    g = grouped.c
    count: Column = func.sum(g.count).over(partition_by=g.key) if "kind" in g else g.count
    return [count.desc(), literal_column("1")]


def _question(
    counting: Counting, label: Callable[[Column], Column], order: Callable[[Subquery], list[Column]]
) -> Question[Counts]:
    found = counting.tallies()
    t, names = found.rows.c, counting.names()
    count = func.count() if found.by == "assets" else func.sum(t.assets)
    keys = [t.key, t.kind] if names else [t.key]
    added = [func.sum(t[name]).label(name) for name in names]
    counted = select(*keys, count.label("count"), *added).group_by(*keys).limit(number(MAX_GROUPS + 1))
    g = counted.subquery("g")
    others = [g.c.kind, *(g.c[name] for name in names)] if names else []
    statement = select(label(g.c.key).label("key"), g.c.count, *others).order_by(*order(g), *others[:1])
    answer = partial(_counts, found.by, counting.sums)
    return Question(statement, answer, prepared=found.by == "rollup")


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What assets can be grouped by, how its values are written, and the attribute's kinds if it is one."""

    key: Key
    label: Callable[[Column], Column]
    kinds: tuple[str, ...] = ()


def _dataset_name(number: Column) -> Column:
    return select(dataset_view.c.name).where(dataset_view.c.id == number).scalar_subquery()


def group_keys() -> Mapping[str, GroupKey]:
    """What assets can be grouped by: KIND, STATUS, DIVISION, DATASET and every indexed attribute."""
    owners: dict[str, list[tuple[Kind, Attribute]]] = {}
    for kind in all_kinds().values():
        for attribute in kind.attributes:
            if attribute.indexed:
                owners.setdefault(constant(attribute.name), []).append((kind, attribute))
    return {
        "KIND": GroupKey(Key(lambda table: table.c.kind), func.upper),
        "STATUS": GroupKey(Key(lambda table: table.c.status, asks="status"), func.upper),
        "DIVISION": GroupKey(Key(lambda table: table.c.division, asks="division"), _as_it_is),
        "DATASET": GroupKey(Key(lambda table: table.c.dataset_id, rolled=False), _dataset_name),
        **{name: _attribute_key(having) for name, having in owners.items()},
    }


def _as_it_is(key: Column) -> Column:
    return key


def _attribute_key(having: list[tuple[Kind, Attribute]]) -> GroupKey:
    """The attribute as text, a choice as its enum value; kinds may differ in which it is."""
    name = literal_column(f"'{having[0][1].name}'", Text())

    def column(asset: FromClause) -> Column:
        value = asset.c.attributes.op("->>", return_type=Text())(name)
        choosing = [kind.name for kind, attribute in having if attribute.type == "choice"]
        return case((of_kinds(asset, choosing), func.upper(value)), else_=value) if choosing else value

    kinds = tuple(kind.name for kind, _ in having)
    owning = of_kinds(asset_view, list(kinds))
    return GroupKey(Key(column, rolled=False, conditions=(owning,)), _as_it_is, kinds)


def _counts(by: By, sums: bool, rows: Rows) -> Counts:
    if len(rows) > MAX_GROUPS:
        raise TooManyGroups(limit=MAX_GROUPS)
    return Counts(by, rows, sums)


def _added(key: str | None, rows: Iterable[Row]) -> Count:
    count, totals = 0, []
    for row in rows:
        count += row["count"]
        kind = all_kinds().get(row["kind"])
        if kind is not None:
            sums = enumerate(kind.sums, 1)
            totals += [Total(kind, one, int(row[f"sum_{place}"] or 0) / UNIT) for place, one in sums]
    return Count(key, count, totals)
