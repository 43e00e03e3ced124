"""Filters: ``where`` in GraphQL's own JSON shape becomes a condition over ``api.asset``.

``{"kinds": ["STREETLIGHT"], "near": {"position": {"lon": 121.47, "lat": 31.23}, "metres": 500}}`` means here
what it means in a GraphQL document, on the command line and in an export. All members of an object must hold;
a list of values means any of them, so an empty list selects nothing. Each kind is a member too, for filters
on its own attributes: ``{"streetlight": {"power": {"gte": 100}}}`` is for streetlights of 100 W and more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import (
    Integer,
    Text,
    and_,
    any_,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from twin.identity import checks
from twin.kinds import all_kinds
from twin.kinds.model import Kind
from twin.registry.query import places
from twin.registry.query.conditions import attribute_conditions
from twin.registry.query.errors import InputDepth, InputLimit, InputText
from twin.registry.query.inputs import Given
from twin.registry.query.names import camel, constant, stored
from twin.registry.tables import STATUSES, asset_view, identifier_view
from twin.registry.words import folded

MAX_DEPTH = 8
MAX_CONDITIONS = 200
MAX_NAMES = 100
SHORTEST_TEXT = 2

Where = Mapping[str, Any]
Condition = ColumnElement[bool]
Member = Callable[[FromClause, Given], Condition]


def condition(
    where: Where | None,
    *,
    kind: Kind | None = None,
    asset: FromClause = asset_view,
    path: str = "where",
    members: Mapping[str, Member] | None = None,
    but: Collection[str] = (),
) -> Condition:
    """The condition that ``where`` puts on rows of ``asset``: ``api.asset`` or an alias of it.

    With ``kind`` only assets of that kind, and ``where`` may name its attributes. ``members`` are the
    conditions of a table that has other columns; ``but`` are members of ``where`` to be left out. Raises the
    errors of ``twin.registry.query.errors`` whose codes begin with ``input``, each with the path of what is
    wrong.
    """
    given = Given(where, path)
    if given.decide(is_missing):
        return and_(true(), *_of_kind(asset, kind))
    return _Filter(asset, members or MEMBERS, but).of(given, kind, 1)


def is_missing(given: Given) -> bool:
    """Whether nothing was given."""
    return given.raw is None


def _of_kind(asset: FromClause, kind: Kind | None) -> list[Condition]:
    return [] if kind is None else [of_kinds(asset, [kind.name])]


def is_plain(given: Given) -> bool:
    """Whether a filter selects by kind at most, so that the best plan is the same whatever it says."""
    return given.raw is None or (isinstance(given.raw, Mapping) and not set(given.raw) - {"kinds"})


def sole_kind(where: Where | None) -> Kind | None:
    """The kind of which all assets are that a sound filter selects, where it names one alone."""
    named = (where or {}).get("kinds")
    alone = named[0] if isinstance(named, list | tuple) and len(named) == 1 else named
    return next((kind for kind in all_kinds().values() if constant(kind.name) == alone), None)


def members_of(kind: Kind | None) -> tuple[str, ...]:
    """The members that a filter has: on any asset, or on those of ``kind``."""
    if kind is None:
        return ("kinds", *MEMBERS, *JUNCTIONS, *(camel(name) for name in all_kinds()))
    return (*MEMBERS, *JUNCTIONS, *(camel(attribute.name) for attribute in kind.attributes))


class _Filter:
    """One filter being read: how much of it there was already."""

    def __init__(self, asset: FromClause, members: Mapping[str, Member], but: Collection[str]) -> None:
        self.asset, self.members, self.but = asset, members, but
        self.conditions = 0

    def of(self, given: Given, kind: Kind | None, depth: int) -> Condition:
        """The condition of one object of the filter, which is on assets of ``kind`` if that is given."""
        if depth > MAX_DEPTH:
            raise InputDepth(path=given.path, limit=MAX_DEPTH)
        parts = _of_kind(self.asset, kind)
        for name, member in given.members(members_of(kind)).items():
            self._count(member)
            if depth == 1 and name in self.but:
                continue
            parts += self._member(name, member, kind, depth)
        return and_(true(), *parts)

    def _member(self, name: str, member: Given, kind: Kind | None, depth: int) -> list[Condition]:
        if name in JUNCTIONS:
            return [self._junction(name, member, kind, depth)]
        if name in MEMBERS:
            return [self.members[name](self.asset, member)]
        if kind is None:
            return [_kinds(self.asset, member) if name == "kinds" else self._of_kind(name, member, depth)]
        attribute = next(a for a in kind.attributes if camel(a.name) == name)
        return attribute_conditions(self.asset.c.attributes, attribute, member)

    def _of_kind(self, name: str, member: Given, depth: int) -> Condition:
        kind = next(kind for kind in all_kinds().values() if camel(kind.name) == name)
        return self.of(member, kind, depth + 1)

    def _junction(self, name: str, member: Given, kind: Kind | None, depth: int) -> Condition:
        """``and`` and ``or`` of lists, and ``not``: every asset that the inner filter does not select."""
        if name == "not":
            return not_(func.coalesce(self.of(member, kind, depth + 1), false()))
        parts = [self.of(item, kind, depth + 1) for item in member.items(MAX_CONDITIONS)]
        return and_(true(), *parts) if name == "and" else or_(false(), *parts)

    def _count(self, member: Given) -> None:
        self.conditions += 1
        if self.conditions > MAX_CONDITIONS:
            raise InputLimit(path=member.path, limit=MAX_CONDITIONS, what_en="conditions", what_zh="条件")


def of_kinds(asset: FromClause, names: list[str]) -> Condition:
    """Assets of the kinds so called. The names stand in the statement itself, so that plans leave out the
    partitions of other kinds; they are names of kinds, never a user's words."""
    known = [literal_column(f"'{name}'", Text()) for name in names if name in all_kinds()]
    return asset.c.kind.in_(known) if known else false()


def _kinds(asset: FromClause, given: Given) -> Condition:
    known = [constant(name) for name in all_kinds()]
    return of_kinds(asset, [stored(item.word(known)) for item in given.items(MAX_NAMES)])


def _status(asset: FromClause, given: Given) -> Condition:
    return asset.c.status == any_(given.bound(_statuses, ARRAY(Text())))


def _statuses(given: Given) -> list[str]:
    known = [constant(status) for status in STATUSES]
    return [stored(item.word(known)) for item in given.items(MAX_NAMES)]


def _division(asset: FromClause, given: Given) -> Condition:
    """The division itself, whether it is recorded or not, and all that lie within it."""
    return asset.c.division == any_(
        func.api.divisions_below(given.bound(Given.text, Text()), type_=ARRAY(Text()))
    )


def _datasets(asset: FromClause, given: Given) -> Condition:
    names = given.bound(lambda some: [item.text() for item in some.items(MAX_NAMES)], ARRAY(Text()))
    return asset.c.dataset_id == any_(func.api.datasets_named(names, type_=ARRAY(Integer())))


def _identifiers(asset: FromClause, given: Given) -> Condition:
    """Assets that bear any of the identifiers now, each ``{scheme, value}``; without a scheme, of any."""
    borne = or_(false(), *(bears(item) for item in given.items(MAX_NAMES)))
    codes = select(identifier_view.c.code).where(identifier_view.c.valid_to.is_(None), borne)
    # As an array it is made once, and the index on codes looks for what it holds.
    return asset.c.code == any_(func.array(codes.scalar_subquery()))


def bears(given: Given) -> Condition:
    """Rows of ``api.identifier`` with the scheme and the value, as it was written or as it is stored."""
    members = given.members(("scheme", "value"), needed=("value",))
    written = identifier_view.c.value == any_(members["value"].bound(_spellings, ARRAY(Text())))
    if "scheme" not in members:
        return written
    return and_(identifier_view.c.scheme == members["scheme"].bound(Given.text, Text()), written)


def _spellings(given: Given) -> list[str]:
    """An identifier's value as it was written, and as it is stored."""
    value = given.text().strip()
    if not value:
        raise InputText(path=given.path, least=1)
    return sorted({value, checks.normalise(value)})


def _text(asset: FromClause, given: Given) -> Condition:
    """Names, addresses and identifiers that contain the text, whatever its case and width."""
    wanted = folded(given.text())
    if len(wanted) < SHORTEST_TEXT:
        raise InputText(path=given.path, least=SHORTEST_TEXT)
    bigrams = func.api.bigrams(asset.c.words, type_=ARRAY(Text())).contains(func.api.bigrams(wanted))
    return and_(bigrams, asset.c.words.contains(wanted, autoescape=True))


MEMBERS: Mapping[str, Member] = {
    "status": _status,
    "division": _division,
    "datasets": _datasets,
    "bbox": lambda asset, given: places.in_box(asset.c.geom, given),
    "within": lambda asset, given: places.within(asset.c.geom, given),
    "intersects": lambda asset, given: places.intersects(asset.c.geom, given),
    "near": lambda asset, given: places.near(asset.c.geom, given),
    "cells": lambda asset, given: places.in_cells(asset.c.cell, asset.c.geom, given),
    "disk": lambda asset, given: places.in_disk(asset.c.cell, asset.c.geom, given),
    "identifiers": _identifiers,
    "text": _text,
}
JUNCTIONS = ("and", "or", "not")
