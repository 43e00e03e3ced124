"""What can be asked of an asset, and the SQL that answers with just that.

Every expression yields what GraphQL writes: enum values in capitals, moments and dates as ISO 8601, cells as
hexadecimal text, geometries as GeoJSON's text; so a value is the same whether it is a column of its own or
lies in the JSON of a parent or child.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Text, and_, case, func, literal_column, select, text
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import NullType

from twin.kinds import all_kinds
from twin.kinds.model import Attribute, Kind
from twin.registry.attributes import attribute_value
from twin.registry.query.aliases import Aliases
from twin.registry.query.errors import NearestSize, PageDepth, PageRows, PageSize
from twin.registry.query.geometries import GEOMETRIES
from twin.registry.query.inputs import Given
from twin.registry.query.names import attribute_label, camel, constant
from twin.registry.query.nested import NESTED
from twin.registry.query.ordering import (
    DEFAULT,
    Order,
    Place,
    capitals,
    day,
    instant,
    read_cursor,
    where_hash,
)
from twin.registry.query.selection import Asked, asks_for, merged, node_fields
from twin.registry.query.where import Where, condition, sole_kind
from twin.registry.tables import asset_view

FIRST = 20
"""How many assets a page holds if nobody says."""
MAX_NESTED = 100
MAX_ROWS = 20_000
"""The most assets of one answer, nested lists included."""
MAX_RELATIVES = 4
"""How deep parents and children may be nested."""

Column = ColumnElement[Any]
Labelled = tuple[str, Column]


class Columns:
    """The columns of one asset under an alias; remembers which were used, so that no others are fetched."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.used: dict[str, None] = {}

    def name(self, column: str) -> str:
        """The column's name in the statement."""
        self.used[column] = None
        return f"{self.alias}.{column}"

    def __getitem__(self, column: str) -> Column:
        type_ = NullType() if column == "geom" else asset_view.c[column].type
        return literal_column(self.name(column), type_)


PLAIN: Mapping[str, Callable[[Columns], Column]] = {
    "code": lambda a: a["code"],
    "kind": lambda a: capitals(a["kind"]),
    "scheme": lambda a: a["scheme"],
    "name": lambda a: a["name"],
    "address": lambda a: a["address"],
    "status": lambda a: capitals(a["status"]),
    "position": lambda a: func.ST_AsHEXEWKB(func.ST_Force2D(a["geom"]), type_=Text()),
    "cell": lambda a: func.to_hex(a["cell"]),
    "installed": lambda a: day(a["installed"]),
    "surveyMethod": lambda a: capitals(a["survey_method"]),
    "accuracy": lambda a: a["accuracy"],
    "attributes": lambda a: a["attributes"],
    "sourceKey": lambda a: a["source_key"],
    "rowNumber": lambda a: a["row_number"],
    "validFrom": lambda a: instant(a["valid_from"]),
    "updated": lambda a: instant(a["recorded_from"]),
    "relation": lambda a: a["relation"],
}
"""Fields that are columns of the asset."""


class Projection:
    """What one statement answers with. ``rows`` is how many assets its outermost list holds at most.

    ``lists`` tells whether assets hold lists of others.
    """

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.lists = False
        self.aliases = Aliases()

    def of_asset(
        self, columns: Columns, fields: Iterable[Asked], kind: Kind | None, depth: int = 0
    ) -> list[Labelled]:
        """The fields of an asset, each with its label; with ``kind`` the asset is known to be of that kind.

        The kind itself and the code are always among them: types need the one, cursors the other.
        """
        return [
            self._field(columns, one, kind, depth)
            for one in merged([Asked("kind"), Asked("code"), *fields])
            if kind is None or one.kind in {None, kind.name}
        ]

    @contextmanager
    def nested(self, first: int) -> Iterator[None]:
        """Within, every asset of before holds a list of ``first``. Raises ``PageRows``."""
        self.lists = True
        before, self.rows = self.rows, self.rows * max(first, 1)
        if self.rows > MAX_ROWS:
            raise PageRows(given=self.rows, limit=MAX_ROWS)
        yield
        self.rows = before

    def _field(self, columns: Columns, one: Asked, kind: Kind | None, depth: int) -> Labelled:
        if one.name == "kind" and kind is not None:
            return one.label, literal_column(f"'{constant(kind.name)}'", Text())
        if one.name in PLAIN:
            return one.label, PLAIN[one.name](columns)
        if one.name in NESTED:
            column, make = NESTED[one.name]
            return one.label, self.aliases.column(make(self.aliases, columns.name(column), one.fields))
        if one.name in GEOMETRIES:
            written = GEOMETRIES[one.name](self.aliases, columns.name("geom"), one)
            return one.label, self.aliases.column(written, Text())
        if one.name in RELATIVES:
            if depth >= MAX_RELATIVES:
                raise PageDepth(limit=MAX_RELATIVES)
            return one.label, RELATIVES[one.name](self, columns, one, depth + 1)
        owner = kind if one.kind is None else all_kinds()[one.kind]
        if owner is None:
            raise KeyError(one.name)
        return _attribute(columns, owner, one.name, guarded=kind is None)


def _attribute(columns: Columns, owner: Kind, name: str, *, guarded: bool) -> Labelled:
    """An attribute of ``owner``; ``guarded`` where an asset of another kind may hold another type there."""
    attribute = next(a for a in owner.attributes if camel(a.name) == name)
    value = written_attribute(columns["attributes"], attribute)
    if guarded:
        value = case((columns["kind"] == literal_column(f"'{owner.name}'", Text()), value))
    return attribute_label(owner, attribute), value


def written_attribute(attributes: Column, attribute: Attribute) -> Column:
    """An attribute as GraphQL writes it: a choice as its enum value."""
    value = attribute_value(attributes, attribute)
    return capitals(value) if attribute.type == "choice" else value


def labelled(columns: Iterable[Labelled]) -> list[Column]:
    """The columns under their labels."""
    return [column.label(label) for label, column in columns]


def page_size(given: Given, limit: int, error: type[PageSize | NearestSize] = PageSize) -> int:
    """How many assets a page holds. Raises ``error``."""
    if given.value is None:
        return min(FIRST, limit)
    first = given.integer()
    if not 0 <= first <= limit:
        raise error(path=given.path, given=first, limit=limit)
    return first


def _parent(projection: Projection, a: Columns, one: Asked, depth: int) -> Column:
    other = Columns(projection.aliases.next("a"))
    wanted = labelled(projection.of_asset(other, one.fields, None, depth))
    source = asset_view.alias(other.alias)
    return _as_json(select(*wanted).select_from(source).where(source.c.code == a["parent"]).limit(1))


@dataclass(frozen=True, slots=True)
class NestedPage:
    """The checked arguments of ``children``, a list in the order of codes."""

    where: Where
    first: int
    after: Place | None
    hashed: str

    order = Order(DEFAULT, None)


def nested_page(where: Where | None, first: int | None, after: str | None) -> NestedPage:
    """The arguments of ``children``. Raises ``PageSize`` and what cursors raise."""
    hashed = where_hash({"children": where})
    place = read_cursor(Given(after, "children.after"), NestedPage.order, hashed)
    return NestedPage(where or {}, page_size(Given(first, "children.first"), MAX_NESTED), place, hashed)


def _children(projection: Projection, a: Columns, one: Asked, depth: int) -> Column:
    """The children by their codes, one more than asked: a list, or ``{"rows": […], "total": n}``."""
    page = nested_page(*(one.arguments.get(name) for name in ("where", "first", "after")))
    source = asset_view.alias(projection.aliases.next("a"))
    other = Columns(source.name)
    chosen = and_(source.c.parent == a["code"], condition(page.where, asset=source, path="children.where"))
    with projection.nested(page.first):
        wanted = labelled(projection.of_asset(other, node_fields(one.fields), sole_kind(page.where), depth))
    rows = select(*wanted).select_from(source).where(chosen).order_by(source.c.code).limit(page.first + 1)
    if page.after is not None:
        rows = rows.where(NestedPage.order.after(source, page.after))
    listed = _as_json_list(rows)
    if not asks_for(one.fields, "totalCount"):
        return listed
    total = select(func.count()).select_from(source).where(chosen).scalar_subquery()
    return _as_json(select(listed.label("rows"), total.label("total")))


def _as_json(query: Any) -> Column:
    """The one row of a sub-select as a JSON object; null where there is none."""
    row = query.subquery("x")
    return select(func.row_to_json(text("x"))).select_from(row).scalar_subquery()


def _as_json_list(query: Any) -> Column:
    """The rows of a sub-select, in its order, as a JSON array; empty where there are none."""
    listed = func.coalesce(func.json_agg(text("x")), text("'[]'::json"))
    return select(listed).select_from(query.subquery("x")).scalar_subquery()


RELATIVES: Mapping[str, Callable[[Projection, Columns, Asked, int], Column]] = {
    "parent": _parent,
    "children": _children,
}
"""Fields that are assets again."""
