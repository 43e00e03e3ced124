"""How many assets there are: by cell, and by what they have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Integer, Text, case, func, literal, literal_column, select
from sqlalchemy.sql.elements import ColumnElement

from spatial.cells import FINEST, InvalidResolution
from twin.kinds import all_kinds
from twin.kinds.model import Attribute, Kind
from twin.registry.query.errors import TooManyGroups
from twin.registry.query.inputs import Given
from twin.registry.query.names import constant
from twin.registry.query.sql import Question
from twin.registry.query.where import Where, condition, of_kinds
from twin.registry.tables import asset_view, dataset_view

MAX_GROUPS = 100_000
"""The most cells or groups of one answer."""

Column = ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Count:
    """How many assets share a key; the key is None for those that have none."""

    key: str | None
    count: int


def cells(where: Where | None, resolution: Given, kind: Kind | None = None) -> Question[list[Count]]:
    """How many assets each cell holds at a resolution, cells in order; assets that are nowhere don't count.

    An asset belongs to the cell that is the ancestor of its own. Raises ``InvalidResolution``.
    """
    wanted = resolution.integer()
    if not 0 <= wanted <= FINEST:
        raise InvalidResolution(resolution=wanted, lowest=0, highest=FINEST)
    cell = func.api.cell_ancestor(asset_view.c.cell, literal(wanted, Integer()), type_=BigInteger())
    counted = select(cell.label("cell"), func.count().label("count"))
    counted = counted.where(condition(where, kind=kind), asset_view.c.cell.is_not(None))
    found = counted.group_by(literal_column("1")).limit(MAX_GROUPS + 1).subquery("g")
    statement = select(func.to_hex(found.c.cell).label("key"), found.c.count).order_by(found.c.cell)
    return Question(statement, _counts)


def groups(where: Where | None, by: Given, kind: Kind | None = None) -> Question[list[Count]]:
    """How many assets share a kind, a status, a division, a data set or an attribute, most first.

    By an attribute, assets of the kinds that index it count; those without it have no key.
    """
    key = group_keys()[by.word(list(group_keys()))]
    counted = select(key.column(asset_view.c.attributes).label("key"), func.count().label("count"))
    counted = counted.where(condition(where, kind=kind), *key.conditions())
    found = counted.group_by(literal_column("1")).limit(MAX_GROUPS + 1).subquery("g")
    label = key.label(found.c.key).label("key")
    statement = select(label, found.c.count).order_by(found.c.count.desc(), literal_column("1"))
    return Question(statement, _counts)


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What assets can be grouped by: the column, how its values are written, the attribute's kinds if any."""

    column: Callable[[Column], Column]
    label: Callable[[Column], Column]
    kinds: tuple[str, ...] = ()

    def conditions(self) -> list[ColumnElement[bool]]:
        """Which assets take part."""
        return [of_kinds(asset_view, list(self.kinds))] if self.kinds else []


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
        "KIND": GroupKey(lambda _: asset_view.c.kind, func.upper),
        "STATUS": GroupKey(lambda _: asset_view.c.status, func.upper),
        "DIVISION": GroupKey(lambda _: asset_view.c.division, lambda key: key),
        "DATASET": GroupKey(lambda _: asset_view.c.dataset_id, _dataset_name),
        **{name: _attribute_key(having) for name, having in owners.items()},
    }


def _attribute_key(having: list[tuple[Kind, Attribute]]) -> GroupKey:
    """The attribute as text, a choice as its enum value; kinds may differ in which it is."""
    name = literal_column(f"'{having[0][1].name}'", Text())

    def column(attributes: Column) -> Column:
        value = attributes.op("->>", return_type=Text())(name)
        choosing = [kind.name for kind, attribute in having if attribute.type == "choice"]
        return case((of_kinds(asset_view, choosing), func.upper(value)), else_=value) if choosing else value

    return GroupKey(column, lambda key: key, tuple(kind.name for kind, _ in having))


def _counts(rows: list[dict[str, Any]]) -> list[Count]:
    if len(rows) > MAX_GROUPS:
        raise TooManyGroups(limit=MAX_GROUPS)
    return [Count(row["key"], row["count"]) for row in rows]
