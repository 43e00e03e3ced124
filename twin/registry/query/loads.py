"""Questions about loads: what became of each file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, BigInteger, Select, func, literal_column, select, table
from sqlalchemy.sql.elements import ColumnElement

from twin.registry.query.aliases import Aliases
from twin.registry.query.errors import CursorInvalid
from twin.registry.query.fields import page_size
from twin.registry.query.inputs import Given
from twin.registry.query.names import stored
from twin.registry.query.nested import load_members
from twin.registry.query.pages import Page, Part
from twin.registry.query.selection import Asked
from twin.registry.query.sql import Question, Row
from twin.registry.rows import Rows

_LOADS = table("load", schema="api").alias("l")
_DATASETS = table("dataset", schema="api").alias("d")


@dataclass(frozen=True, slots=True)
class LoadsWanted:
    """Which part of the list: a connection's arguments. ``after`` is the number of the last load seen."""

    dataset: str | None = None
    kind: str | None = None
    first: int | None = None
    after: str | None = None


def one_load(number: Given, fields: Sequence[Asked]) -> Question[Row | None]:
    """The load with this number."""
    found = _loads(fields).where(_NUMBER.op("=")(number.integer()))
    return Question(found, lambda rows: rows[0]["load"] if rows else None)


def loads(wanted: LoadsWanted, fields: Sequence[Asked], limit: int) -> Question[Page]:
    """A page of at most ``limit`` loads, newest first. Raises ``PageSize`` or ``CursorInvalid``."""
    size = page_size(Given(wanted.first, "first"), limit)
    found = _loads(fields).where(*_chosen(wanted)).order_by(_NUMBER.desc()).limit(size + 1)
    if wanted.after is not None:
        found = found.where(_NUMBER.op("<")(_cursor(Given(wanted.after, "after"))))

    def page(rows: Rows) -> Page:
        return Page([row["load"] for row in rows], Part(size, wanted.after is not None, _written))

    return Question(found, page)


def count(wanted: LoadsWanted) -> Question[int | None]:
    """How many loads the list holds."""
    found = select(func.count().label("total")).select_from(_LOADS).where(*_chosen(wanted))
    return Question(found, lambda rows: int(rows[0]["total"]))


_NUMBER = literal_column("l.id", BigInteger())


def _loads(fields: Sequence[Asked]) -> Select[Any]:
    members = load_members(Aliases(), "l", [Asked("id"), *fields])
    value: ColumnElement[Any] = literal_column(f"json_build_object({members})", JSON()).label("load")
    return select(value).select_from(_LOADS)


def _chosen(wanted: LoadsWanted) -> Iterator[ColumnElement[bool]]:
    if wanted.dataset is not None:
        name = Given(wanted.dataset, "dataset").text()
        named: Select[Any] = select(literal_column("d.id")).select_from(_DATASETS)
        yield (
            literal_column("l.dataset_id") == named.where(literal_column("d.name") == name).scalar_subquery()
        )
    if wanted.kind is not None:
        yield literal_column("l.kind") == stored(Given(wanted.kind, "kind").text())


def _written(load: Row) -> str:
    """The cursor of a load: its number."""
    return str(load["id"])


def _cursor(after: Given) -> int:
    """The number that a cursor is. Raises ``CursorInvalid``."""
    text = after.text()
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise CursorInvalid(path=after.path)
    return int(text)
