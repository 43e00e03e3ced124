"""Orders of assets, and cursors: a place in an ordered list that costs the same however deep it is.

An order is by one key and then by code, so that no two assets share a place. Assets without the key come last
in both directions. A cursor holds the order, the key and the code of the last asset seen, and a hash of the
filter: with another filter or order it would mean nothing, and says so.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from typing import Any

import orjson
from sqlalchemy import BigInteger, Date, DateTime, Text, and_, cast, collate, func, or_
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause
from sqlalchemy.types import TypeEngine

from twin.kinds.model import Attribute, Kind
from twin.registry.attributes import SQL_TYPES, attribute_value
from twin.registry.query.errors import CursorInvalid, CursorMismatch
from twin.registry.query.inputs import Given
from twin.registry.query.names import constant

DEFAULT = "CODE"
DESCENDING = "_DESC"
MAX_CURSOR = 65_536

INSTANT = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
"""How ``to_char`` writes moments of UTC: ISO 8601, to the microsecond."""

Key = str | int | float | bool
Column = ColumnElement[Any]


def instant(moment: Column) -> Column:
    """A moment as it is written everywhere."""
    return func.to_char(func.timezone("UTC", moment), INSTANT, type_=Text())


def day(value: Column) -> Column:
    """A date as it is written everywhere: ISO 8601, which sessions write by themselves (``API_SESSION``)."""
    return cast(value, Text())


def capitals(value: Column) -> Column:
    """A stored word as its enum value. Those are ASCII; letters of all languages take three times as long."""
    return func.upper(collate(value, "C"), type_=Text())


@dataclass(frozen=True, slots=True)
class Sorting:
    """What one can order by: the key of a row, its type, how a cursor writes it and checks it."""

    key: Callable[[FromClause], Column]
    type: TypeEngine[Any]
    written: Callable[[Column], Column]
    fits: Callable[[object], bool]
    always: bool = False


def _as_it_is(column: Column) -> Column:
    return column


def _is_day(value: object) -> bool:
    return _parses(date.fromisoformat, value)


def _is_moment(value: object) -> bool:
    return _parses(datetime.fromisoformat, value)


def _parses(parse: Callable[[str], object], value: object) -> bool:
    try:
        return isinstance(value, str) and parse(value) is not None
    except ValueError:
        return False


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


SORTINGS: Mapping[str, Sorting] = {
    "CELL": Sorting(lambda a: a.c.cell, BigInteger(), _as_it_is, _is_integer),
    "NAME": Sorting(lambda a: a.c.name, Text(), _as_it_is, lambda value: isinstance(value, str)),
    "INSTALLED": Sorting(lambda a: a.c.installed, Date(), day, _is_day),
    "UPDATED": Sorting(
        lambda a: a.c.recorded_from, DateTime(timezone=True), instant, _is_moment, always=True
    ),
}
_CHECKS: Mapping[str, Callable[[object], bool]] = {
    "integer": _is_integer,
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
}


def _by_attribute(attribute: Attribute) -> Sorting:
    return Sorting(
        lambda a: attribute_value(a.c.attributes, attribute),
        SQL_TYPES[attribute.type],
        _as_it_is,
        _CHECKS.get(attribute.type, lambda value: isinstance(value, str)),
    )


def sortings(kind: Kind | None) -> Mapping[str, Sorting | None]:
    """What assets, or those of ``kind``, can be ordered by: ``CODE`` (None) first."""
    own = {constant(a.name): _by_attribute(a) for a in kind.attributes if a.indexed} if kind else {}
    return {DEFAULT: None, **SORTINGS, **own}


def orders(kind: Kind | None) -> list[str]:
    """The values of ``orderBy``: each sorting upwards by its name, downwards with ``_DESC``."""
    return [name + direction for name in sortings(kind) for direction in ("", DESCENDING)]


@dataclass(frozen=True, slots=True)
class Order:
    """One order of a list. ``sorting`` is None for the order by code alone."""

    name: str
    sorting: Sorting | None

    @property
    def descending(self) -> bool:
        return self.name.endswith(DESCENDING)

    @property
    def can_lack_key(self) -> bool:
        """Whether an asset can be without what the list is ordered by."""
        return self.sorting is not None and not self.sorting.always

    def key(self, asset: FromClause) -> Column:
        """What the list is ordered by."""
        return asset.c.code if self.sorting is None else self.sorting.key(asset)

    def written_key(self, asset: FromClause) -> Column:
        """The key as a cursor holds it."""
        return asset.c.code if self.sorting is None else self.sorting.written(self.sorting.key(asset))

    def by(self, key: Column, code: Column) -> list[Column]:
        """The ORDER BY clause. Without NULLS LAST, so that an index can serve it in both directions: rows
        without the key are read apart."""
        directed = key.desc() if self.descending else key.asc()
        return [directed] if self.sorting is None else [directed, code.asc()]

    def after(self, asset: FromClause, place: Place) -> Column:
        """Rows behind the place whose key is not null. The first comparison is what an index can begin at."""
        key, code = self.key(asset), asset.c.code
        if self.sorting is None:
            behind: Column = key < place.code if self.descending else key > place.code
            return behind
        value = place.key
        if self.descending:
            return and_(key <= value, or_(key < value, code > place.code))
        return and_(key >= value, or_(key > value, code > place.code))


@dataclass(frozen=True, slots=True)
class Place:
    """A place in an ordered list: behind the asset with this key and code, or with what stands for them in a
    statement."""

    key: Any
    code: Any


def order(given: Given, kind: Kind | None) -> Order:
    """The order called so, by code if none is. Raises ``InputValue``."""
    name = DEFAULT if given.value is None else given.word(orders(kind))
    return Order(name, sortings(kind)[name.removesuffix(DESCENDING)])


def where_hash(where: object) -> str:
    """A short hash of a filter, the same however its members are arranged."""
    text = orjson.dumps(where or {}, option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=9).hexdigest()


def write_cursor(order: Order, hashed: str, key: Key | None, code: str) -> str:
    """An opaque cursor: base64url of JSON."""
    values = [code] if order.sorting is None else [code, key]
    return base64.urlsafe_b64encode(orjson.dumps([order.name, hashed, *values])).decode().rstrip("=")


def read_cursor(given: Given, order: Order, hashed: str) -> Place | None:
    """The place that a cursor holds; None without one. Raises ``CursorInvalid`` or ``CursorMismatch``."""
    if given.value is None:
        return None
    name, of_where, code, *rest = _parts(given)
    if name != order.name or of_where != hashed:
        raise CursorMismatch(path=given.path)
    if len(rest) != (order.sorting is not None) or not isinstance(code, str) or "\0" in code:
        raise CursorInvalid(path=given.path)
    key = rest[0] if rest else None
    if order.sorting is not None and not _key_fits(order.sorting, key):
        raise CursorInvalid(path=given.path)
    return Place(key, code)


def place(given: Given, order: Order, read: Callable[[Given], Place | None]) -> Place | None:
    """The place that ``read`` finds in what was given, as parameters of a statement."""
    keyed = given.decide(lambda one: _is_keyed(read(one)))
    if keyed is None:
        return None
    code = given.bound(lambda one: getattr(read(one), "code", None), Text())
    if not keyed or order.sorting is None:
        return Place(None, code)
    return Place(given.bound(lambda one: getattr(read(one), "key", None), order.sorting.type), code)


def _is_keyed(found: Place | None) -> bool | None:
    return None if found is None else found.key is not None


def _key_fits(sorting: Sorting, key: object) -> bool:
    if key is None:
        return not sorting.always
    return sorting.fits(key) and not (isinstance(key, str) and "\0" in key)


def _parts(given: Given) -> list[Any]:
    text = given.value
    if not isinstance(text, str) or len(text) > MAX_CURSOR:
        raise CursorInvalid(path=given.path)
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        raise CursorInvalid(path=given.path) from None
    if not isinstance(parts, list) or len(parts) < 3:
        raise CursorInvalid(path=given.path)
    return parts
