"""Assets out of the registry for export: what there is, then batches from a server-side cursor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from psycopg import Connection
from sqlalchemy import Date, Select, cast, func, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import LateralFromClause

from spatial.geometry import from_wkb
from spatial.systems import Area
from twin.export.columns import kind_columns
from twin.export.model import Batch, Column
from twin.kinds.model import Attribute, Kind
from twin.registry.attributes import attribute_value
from twin.registry.query.sql import compiled
from twin.registry.query.where import Condition, of_kinds
from twin.registry.tables import asset_view, dataset_view, identifier_view

BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Found:
    """How many assets of a kind there are to export, and the box in degrees around those with a place."""

    count: int
    bounds: Area | None


def begin_snapshot(connection: Connection[Any]) -> None:
    """Begin a transaction in which every statement sees the registry as it is now."""
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    # A cursor is planned for its first tenth unless told that all of it will be read.
    connection.execute("SET LOCAL cursor_tuple_fraction = 1")


def count_assets(connection: Connection[Any], selected: Condition, kind: Kind) -> Found:
    """How many assets of ``kind`` are selected, and where they are."""
    a = asset_view
    box = func.ST_Extent(a.c.geom)
    edges = (func.ST_XMin(box), func.ST_YMin(box), func.ST_XMax(box), func.ST_YMax(box))
    statement = select(func.count(), *edges).where(of_kinds(a, [kind.name]), selected)
    row = connection.execute(*compiled(statement)).fetchone()
    if row is None or row[1] is None:
        return Found(row[0] if row else 0, None)
    return Found(row[0], (row[1], row[2], row[3], row[4]))


def read_batches(
    connection: Connection[Any],
    selected: Condition,
    kind: Kind,
    columns: Sequence[Column],
) -> Iterator[Batch]:
    """The assets of ``kind`` that are selected, by code, in ``columns`` and in degrees of WGS 84.

    Columns that the kind does not have are empty. Memory is that of one batch, however many there are.
    """
    own = [column.name for column in kind_columns(kind)]
    places = [own.index(column.name) if column.name in own else None for column in columns]
    with connection.cursor(name="twin_export") as cursor:
        cursor.execute(*compiled(_statement(selected, kind)))
        while rows := cursor.fetchmany(BATCH):
            *values, geometries = zip(*rows, strict=True)
            nothing = (None,) * len(rows)
            shown = tuple(nothing if place is None else values[place] for place in places)
            yield Batch(shown, from_wkb(np.array(geometries, dtype=object)))


def _statement(selected: Condition, kind: Kind) -> Select[Any]:
    """One row an asset: the columns of ``kind_columns`` in their order, then the geometry as WKB."""
    a, d, borne = asset_view, dataset_view, _identifiers()
    values: dict[str, ColumnElement[Any]] = {
        column.name: a.c[column.name] for column in kind_columns(kind) if column.name in a.c
    }
    values["dataset"] = d.c.name
    values |= {i.scheme: borne.c.by_scheme.op("->>")(i.scheme) for i in kind.identifiers}
    values |= {attribute.name: _value(attribute) for attribute in kind.attributes}
    source = a.join(d, d.c.id == a.c.dataset_id)
    return (
        select(*(values[column.name] for column in kind_columns(kind)), func.ST_AsEWKB(a.c.geom))
        .select_from(source.join(borne, true()) if kind.identifiers else source)
        .where(of_kinds(a, [kind.name]), selected)
        .order_by(a.c.code)
    )


def _identifiers() -> LateralFromClause:
    """The asset's current identifiers as one JSON object, scheme to value: of several its first."""
    i = identifier_view
    # jsonb keeps the last value of a key.
    values = aggregate_order_by(i.c.value, i.c.valid_from.desc(), i.c.value.desc())
    return (
        select(func.jsonb_object_agg(i.c.scheme, values).label("by_scheme"))
        .where(i.c.code == asset_view.c.code, i.c.valid_to.is_(None))
        .lateral("borne")
    )


def _value(attribute: Attribute) -> ColumnElement[Any]:
    value = attribute_value(asset_view.c.attributes, attribute)
    return cast(value, Date) if attribute.type == "date" else value
