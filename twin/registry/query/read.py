"""Questions about single assets: by code, by identifier, and what is nearest.

Making a question checks everything that was asked, and raises the errors of ``twin.registry.query.errors``,
of ``twin.identity`` for codes and of ``spatial.cells`` for resolutions. ``twin.registry.query.sql`` asks it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import (
    Select,
    Text,
    and_,
    any_,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement

from twin import identity
from twin.identity import ParsedCode
from twin.kinds.model import Kind
from twin.registry.lookups import Keys
from twin.registry.query import places
from twin.registry.query.errors import CodeSplit, IdentifierAmbiguous, NearestSize
from twin.registry.query.fields import Columns, Projection, labelled, page_size
from twin.registry.query.inputs import Given
from twin.registry.query.selection import Asked
from twin.registry.query.sql import Question, Row, number
from twin.registry.query.where import Where, bears, condition, is_plain, of_kinds
from twin.registry.rows import Rows
from twin.registry.tables import asset_view, code_successor_view, identifier_view

MAX_NEAREST = 1_000
MAX_BEARERS = 5
"""How many assets an ambiguous identifier's error names."""

Condition = ColumnElement[bool]


def by_codes(
    readings: Sequence[ParsedCode],
    fields: Sequence[Asked],
    *,
    where: Where | None = None,
    kind: Kind | None = None,
) -> Question[dict[str, Row]]:
    """The assets that bear one of the codes now, by code (see ``successors`` for the others).

    ``twin.identity.read_code`` reads what people write; the statement's argument is called ``readings``.
    """
    given = Given(readings, "readings")
    columns = Columns("a")
    projection = Projection(given.decide(_length))
    wanted = projection.of_asset(columns, fields, kind)
    codes = given.bound(_canonical_of, ARRAY(Text()))
    chosen = and_(
        asset_view.c.code == any_(codes),
        *_pruning(given.decide(_owners)),
        condition(where, kind=kind),
    )
    source = _used(columns).where(chosen).subquery("a")
    statement = select(*labelled(wanted)).select_from(source)
    shared = where is None and not projection.lists
    return Question(statement, _by_code, prepared=True, keys=Keys(codes.key, "code") if shared else None)


def _by_code(rows: Rows) -> dict[str, Row]:
    return {row["code"]: row for row in rows}


def successors(
    codes: Sequence[ParsedCode],
    fields: Sequence[Asked],
    *,
    where: Where | None = None,
    kind: Kind | None = None,
) -> Question[dict[str, list[Row]]]:
    """What has become of merged and split assets: the assets of today by the code asked for, by code.

    Unlike ``by_codes`` this looks among all kinds, and so finds an asset whose class is another kind's now.
    """
    wanted_codes = (
        func.unnest(literal(_canonical(codes), ARRAY(Text()))).table_valued("code", name="w").render_derived()
    )
    begun = select(wanted_codes.c.code.label("asked"), wanted_codes.c.code.label("code"))
    begun_chain = begun.cte("chain", recursive=True)
    further = select(begun_chain.c.asked, code_successor_view.c.successor)
    chain = begun_chain.union(further.where(code_successor_view.c.code == begun_chain.c.code))
    columns = Columns("a")
    wanted = Projection(len(codes)).of_asset(columns, fields, kind)
    source = _used(columns).where(condition(where, kind=kind)).subquery("a")
    statement = select(*labelled(wanted), chain.c.asked).select_from(
        chain.join(source, _of_a("code") == chain.c.code)
    )

    def answer(rows: Rows) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for row in sorted(rows, key=lambda row: str(row["code"])):
            found.setdefault(str(row["asked"]), []).append(row)
        return found

    return Question(statement.order_by(_of_a("code")), answer)


def the_successor(text: str, found: Mapping[str, list[Row]]) -> Row | None:
    """The one asset that a merged asset's code stands for. Raises ``CodeSplit`` where there are several."""
    rows = [row for rows in found.values() for row in rows]
    if len(rows) > 1:
        raise CodeSplit(value=text, successors=", ".join(str(row["code"]) for row in rows))
    return rows[0] if rows else None


def by_identifier(given: Given, fields: Sequence[Asked]) -> Question[Row | None]:
    """The asset that bears an identifier ``{scheme, value}`` now, of any scheme if none is named.

    The answer raises ``IdentifierAmbiguous`` where several assets bear it.
    """
    borne = select(identifier_view.c.code).where(identifier_view.c.valid_to.is_(None), bears(given))
    columns = Columns("a")
    wanted = Projection(1).of_asset(columns, fields, None)
    codes = func.array(borne.limit(MAX_BEARERS * 2).scalar_subquery())
    source = _used(columns).where(asset_view.c.code == any_(codes)).subquery("a")
    statement = select(*labelled(wanted)).select_from(source).order_by(_of_a("code"))

    def answering(arguments: Mapping[str, Any]) -> Callable[[Rows], Row | None]:
        return partial(_the_bearer, arguments["identifier"]["value"])

    answer = answering({"identifier": given.raw})
    return Question(statement.limit(MAX_BEARERS + 1), answer, prepared=True, answering=answering)


def _the_bearer(value: str, rows: Rows) -> Row | None:
    if len(rows) > 1:
        codes = ", ".join(str(row["code"]) for row in rows[:MAX_BEARERS])
        raise IdentifierAmbiguous(value=value, codes=codes)
    return rows[0] if rows else None


def _of_a(name: str) -> ColumnElement[Any]:
    """A column of the assets that a statement is about, which it calls ``a``."""
    return literal_column(f"a.{name}")


def _used(columns: Columns) -> Select[Any]:
    return select(*(asset_view.c[name] for name in columns.used))


def _canonical(codes: Iterable[ParsedCode]) -> list[str]:
    return [parsed.canonical for parsed in codes]


def _canonical_of(readings: Given) -> list[str]:
    return _canonical(readings.raw)


def _length(readings: Given) -> int:
    return len(readings.raw)


def _owners(readings: Given) -> list[str]:
    """The kinds that own the classes of some codes; none where one is no kind's."""
    known = identity.owners()
    owners = {known.get((code.scheme, code.class_code)) or "" for code in readings.raw}
    return [] if "" in owners else sorted(owners)


def _pruning(names: list[str]) -> list[Condition]:
    """Only these kinds, so that other kinds' partitions are not looked at; all where none is named."""
    return [of_kinds(asset_view, names)] if names else []


# Nearest


@dataclass(frozen=True, slots=True)
class Near:
    """An asset and its distance in metres."""

    distance: float
    asset: Row


def nearest(
    position: Given, first: Given, where: Where | None, fields: Sequence[Asked], kind: Kind | None = None
) -> Question[list[Near]]:
    """The assets nearest to a position, by metres on the ellipsoid and then by code.

    The GiST index knows degrees only, in which a degree of longitude is as long as one of latitude. So the
    ``first`` nearest in degrees are taken, and the farthest of them in metres is a distance within which at
    least that many assets lie: the nearest in metres are all among the assets within it, whose box the index
    finds. Assets without a geometry are nowhere near. Raises ``NearestSize``.
    """
    here = places.Here.of(position)
    size = page_size(first, MAX_NEAREST, NearestSize)
    chosen = condition(where, kind=kind)
    geom = asset_view.c.geom
    metres = here.distance(geom)
    candidates = select(metres.label("metres")).where(chosen, geom.is_not(None))
    candidates = candidates.order_by(geom.op("<->")(here.point)).limit(number(size))
    reach = select(func.max(candidates.subquery("c").c.metres).label("metres")).cte("reach")
    envelope = select(here.envelope(reach.c.metres)).scalar_subquery()
    columns = Columns("a")
    wanted = Projection(size).of_asset(columns, fields, kind)
    source = _used(columns).add_columns(metres.label("metres")).where(chosen, geom.bool_op("&&")(envelope))
    source = source.order_by(literal_column("metres"), asset_view.c.code).limit(number(size))
    statement = select(*labelled(wanted), _of_a("metres").label("distance")).select_from(source.subquery("a"))
    statement = statement.order_by(_of_a("metres"), _of_a("code"))
    plain = Given(where, "where").decide(is_plain)
    return Question(statement, lambda rows: [Near(row["distance"], row) for row in rows], prepared=plain)
