"""Names that nothing else in a statement has, and the values that its texts are given."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, literal_column, text, type_coerce
from sqlalchemy.sql.elements import BindParameter, ColumnElement
from sqlalchemy.types import NullType, TypeEngine


class Aliases:
    """Hands out the names of one statement, and makes columns of texts of SQL."""

    def __init__(self) -> None:
        self.count = 0
        self._bound: list[BindParameter[Any]] = []

    def next(self, prefix: str) -> str:
        """A new alias."""
        self.count += 1
        return f"{prefix}{self.count}"

    def bind(self, value: object, type_: TypeEngine[Any]) -> str:
        """What stands for a value in the text that becomes the next column."""
        name = self.next("value_")
        self._bound.append(bindparam(name, value, type_))
        return f":{name}"

    def column(self, sql: str, type_: TypeEngine[Any] | None = None) -> ColumnElement[Any]:
        """A column made of a text, with the values that were bound in it."""
        bound, self._bound = self._bound, []
        of_type = NullType() if type_ is None else type_
        # A text with values is a statement's part of another sort, in which colons mean something.
        return type_coerce(text(sql).bindparams(*bound), of_type) if bound else literal_column(sql, of_type)
