"""Pages of ordered lists, each one statement that costs the same however deep the page lies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Integer, Select, SelectBase, func, literal_column, select, true, union_all
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from twin.kinds import all_kinds
from twin.kinds.model import Kind
from twin.registry.query.fields import Columns, Labelled, NestedPage, Projection, labelled, page_size
from twin.registry.query.inputs import Given
from twin.registry.query.names import camel, constant
from twin.registry.query.ordering import (
    Order,
    Place,
    order,
    place,
    read_cursor,
    where_hash,
    write_cursor,
)
from twin.registry.query.selection import Asked
from twin.registry.query.sql import Question, Row, number
from twin.registry.query.where import Where, condition, is_plain, of_kinds
from twin.registry.rows import Rows
from twin.registry.tables import asset_view

Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of an ordered list a page is: its size, whether any lie before it, and what writes a row's
    cursor."""

    first: int
    has_previous: bool
    cursor: Callable[[Row], str]


@dataclass(slots=True)
class Page:
    """A page: the rows that were found, of which one more than asked tells that there are more.

    ``total`` is None unless it was asked for.
    """

    found: Sequence[Row]
    part: Part
    total: int | None = None

    @property
    def rows(self) -> Sequence[Row]:
        """The rows to show."""
        return self.found[: self.part.first]

    @property
    def cursors(self) -> list[str]:
        """Their cursors."""
        return list(map(self.part.cursor, self.rows))

    @property
    def has_next(self) -> bool:
        """Whether there are more."""
        return len(self.found) > self.part.first

    @property
    def has_previous(self) -> bool:
        """Whether some came before."""
        return self.part.has_previous


@dataclass(frozen=True, slots=True)
class PageWanted:
    """Which part of which list: a connection's arguments. ``rows`` is false to ask for the total only."""

    where: Where | None = None
    kind: Kind | None = None
    order_by: str | None = None
    first: int | None = None
    after: str | None = None
    fields: Sequence[Asked] = ()
    rows: bool = True
    total: bool = False

    @property
    def list_(self) -> Given:
        """What says which list it is and where in it to begin."""
        return Given({"where": self.where, "after": self.after}, "")

    @property
    def selection(self) -> Given:
        """The filter."""
        return Given(self.where, "where")


def page(wanted: PageWanted, limit: int) -> Question[Page]:
    """A page of at most ``limit`` assets. By CODE and CELL a page costs the same however deep it lies."""
    chosen = condition(wanted.where, kind=wanted.kind)
    by = order(Given(wanted.order_by, "orderBy"), wanted.kind)
    begin = place(wanted.list_, by, partial(_place, by, wanted.kind))
    first = page_size(Given(wanted.first, "first"), limit)
    total = select(func.count().label("total")).select_from(asset_view).where(chosen)
    behind, kind = begin is not None, wanted.kind

    def answering(arguments: Mapping[str, Any]) -> Callable[[Rows], Page]:
        hashed = _list_hash(kind, arguments.get("where"))
        return partial(_read_page, Part(first, behind, partial(_write_cursor, by, hashed)))

    answer = answering({"where": wanted.where})
    if not wanted.rows:
        return Question(total, answer)
    columns = Columns("a")
    fields = Projection(first).of_asset(columns, wanted.fields, wanted.kind)
    source = _ordered(_sources(wanted, chosen), by, begin, first + 1, columns.used)
    return Question(
        _page_statement(source, fields, by, total if wanted.total else None),
        answer,
        prepared=wanted.selection.decide(is_plain) and not wanted.total,
        answering=answering,
    )


def _list_hash(kind: Kind | None, where: Where | None) -> str:
    return where_hash([kind.name if kind else None, where])


def _place(by: Order, kind: Kind | None, given: Given) -> Place | None:
    """The place that ``after`` holds in the list of ``where``."""
    arguments = given.raw
    return read_cursor(Given(arguments.get("after"), "after"), by, _list_hash(kind, arguments.get("where")))


def _read_page(part: Part, rows: Rows) -> Page:
    """What the rows of a page's statement mean."""
    first = rows[0] if rows else {}
    # A total beside no assets stands in a row without one.
    found = rows if first.get("code") is not None else rows[:0]
    return Page(found, part, first.get("total"))


def _write_cursor(by: Order, hashed: str, row: Row) -> str:
    return write_cursor(by, hashed, row.get("cursor_key"), row["code"])


def part_of_children(wanted: NestedPage) -> Part:
    """Which part of an asset's children a page is."""
    return Part(wanted.first, wanted.after is not None, partial(_write_cursor, wanted.order, wanted.hashed))


def _page_statement(
    source: FromClause, fields: list[Labelled], by: Order, total: Select[Any] | None
) -> Select[Any]:
    statement = select(*labelled(fields))
    if by.can_lack_key:
        statement = statement.order_by(_column("a.keyless"))
    statement = statement.order_by(*by.by(_column("a.order_key"), _column("a.code")))
    if by.sorting is not None:
        statement = statement.add_columns(_column("a.cursor_key").label("cursor_key"))
    if total is None:
        return statement.select_from(source)
    counted = total.subquery("t")
    return statement.add_columns(counted.c.total).select_from(counted.outerjoin(source, true()))


@dataclass(frozen=True, slots=True)
class _Source:
    """Assets to choose from: rows of ``asset`` that meet the conditions."""

    asset: FromClause
    conditions: tuple[Condition, ...]


def _sources(wanted: PageWanted, chosen: Condition) -> list[_Source]:
    """The assets that a filter selects, kind by kind, so that each kind's list is planned by itself.

    Of one list over all partitions PostgreSQL expects that each yields its share of a page early, and walks
    the whole of a partition in which nothing matches. With a text among the conditions the assets are found
    before they are ordered: it cannot tell how rare a word of two characters is, and expects many.
    """
    given = wanted.selection
    if given.decide(lambda where: not where.raw):
        return [_Source(asset_view, (chosen,))]
    each = [(of_kinds(asset_view, [name]), chosen) for name in given.decide(partial(_kinds, wanted.kind))]
    if given.decide(lambda where: where.raw.get("text") is None):
        return [_Source(asset_view, conditions) for conditions in each]
    found = [select(*asset_view.columns).where(*conditions).offset(0) for conditions in each]
    return [_Source(one.subquery(f"s{number}"), ()) for number, one in enumerate(found)]


def _kinds(kind: Kind | None, given: Given) -> list[str]:
    """The kinds whose assets the filter can select, by what it says outermost; at least one."""
    if kind is not None:
        return [kind.name]
    where, names = given.raw or {}, list(all_kinds())
    named = where.get("kinds")
    if named is not None:
        listed = [named] if isinstance(named, str) else named
        names = [name for name in names if constant(name) in listed]
    of_one = [name for name in names if where.get(camel(name)) is not None]
    return of_one or names or list(all_kinds())[:1]


def _ordered(
    sources: Sequence[_Source], by: Order, place: Place | None, limit: int, names: Iterable[str]
) -> FromClause:
    """The assets of a page, called ``a``, with the columns ``names``: those with the key, then those without.

    Each of the two parts can begin in an index at the place and stop at the limit; one sort with NULLS LAST
    could not.
    """
    parts = _Parts(sources, by, list(names))
    if not by.can_lack_key:
        return parts.keyed(place, limit).subquery("a")
    if place is not None and place.key is None:
        return parts.keyless(place, number(limit)).subquery("a")
    keyed = parts.keyed(place, limit).cte("keyed")
    left = select(number(limit) - func.count()).select_from(keyed).scalar_subquery()
    return union_all(select(keyed), parts.keyless(None, left)).subquery("a")


@dataclass(frozen=True, slots=True)
class _Parts:
    """The two parts of an ordered list, each gathered from several sources."""

    sources: Sequence[_Source]
    by: Order
    names: Sequence[str]

    def keyed(self, place: Place | None, limit: int) -> SelectBase:
        """The first assets that have a key, behind ``place``."""
        found = []
        for source in self.sources:
            key = self.by.key(source.asset)
            some = self._select(source, keyless=0)
            if self.by.can_lack_key:
                some = some.where(key.is_not(None))
            if place is not None:
                some = some.where(self.by.after(source.asset, place))
            found.append(some.order_by(*self.by.by(key, source.asset.c.code)).limit(number(limit)))
        return _first(found, self.by.by(_column("order_key"), _column("code")), number(limit))

    def keyless(self, place: Place | None, limit: ColumnElement[int]) -> SelectBase:
        """The first assets without a key, in the order of their codes."""
        found = []
        for source in self.sources:
            code = source.asset.c.code
            some = self._select(source, keyless=1).where(self.by.key(source.asset).is_(None))
            if place is not None:
                some = some.where(code > place.code)
            found.append(some.order_by(code).limit(limit))
        return _first(found, [_column("code")], limit)

    def _select(self, source: _Source, *, keyless: int) -> Select[Any]:
        asset = source.asset
        columns: list[ColumnElement[Any]] = [asset.c[name] for name in self.names]
        columns += [self.by.key(asset).label("order_key"), self.by.written_key(asset).label("cursor_key")]
        columns.append(literal_column(str(keyless), Integer()).label("keyless"))
        return select(*columns).where(*source.conditions)


def _first(
    found: list[Select[Any]], by: Sequence[ColumnElement[Any]], limit: ColumnElement[int]
) -> SelectBase:
    """The first rows of several ordered lists."""
    return found[0] if len(found) == 1 else union_all(*found).order_by(*by).limit(limit)


def _column(name: str) -> ColumnElement[Any]:
    return literal_column(name)
