"""Mappings: TOML files that say which column is which field of a kind.

::

    kind = "streetlight"
    crs = "EPSG:4549"
    key = "编号"
    owns = ["height"]

    [fields]
    name = "路灯名称"
    height = { column = "HGT", unit = "ft" }
    status = { column = "ST", values = { A = "in_service", X = "retired" } }
    installed = { column = "DATE", order = "dmy" }
    owner = { value = "City of X" }
    lon = "XCOORD"
    lat = "YCOORD"

    [delete]
    column = "OP"
    values = ["D", "删除"]

``lon`` and ``lat``, or ``wkt``, give the position where the file has no geometry of its own. Without a table
``fields`` columns map by their names, as without a mapping. Rows with a value of ``delete``, in a file of
changes (``--mode delta``), say that their asset is gone. ``owns`` are the fields that the dataset decides
where others describe the same assets (``loaders.ownership``). Everything but the columns' names is ours.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping as Dictionary
from pathlib import Path
from typing import Any, Literal, cast

from msgspec import Struct, field

from loaders.errors import AttributionInvalid, DatasetInvalid, FileMissing, MappingInvalid

DateOrder = Literal["ymd", "mdy", "dmy"]
DATE_ORDERS: tuple[DateOrder, ...] = ("ymd", "mdy", "dmy")

_TOP = {"kind", "crs", "key", "owns", "fields", "delete"}
_FIELD = {"column", "value", "unit", "values", "order"}


class FieldSource(Struct, frozen=True):
    """Where one field comes from: a column, or one value for all rows."""

    column: str | None = None
    value: str | None = None
    unit: str | None = None
    values: Dictionary[str, str] = field(default_factory=dict)
    order: DateOrder | None = None


class DeleteFlag(Struct, frozen=True):
    """The column by which a file of changes says that an asset is gone, and the words that say so."""

    column: str
    values: tuple[str, ...]


class Mapping(Struct, frozen=True):
    """A mapping as its file says it; ``fields`` is None where columns map by their names."""

    kind: str | None = None
    crs: str | None = None
    key: str | None = None
    fields: Dictionary[str, FieldSource] | None = None
    delete: DeleteFlag | None = None
    owns: tuple[str, ...] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that it names."""
        named = [self.key, *(source.column for source in (self.fields or {}).values())]
        named += [self.delete.column] if self.delete else []
        return tuple(name for name in named if name is not None)


def require_attribution(text: str) -> None:
    """Raise ``AttributionInvalid`` for a text that is empty or has what no line of text has."""
    if _has_controls(text) or not text.strip():
        raise AttributionInvalid(text=ascii(text))


def require_dataset_name(name: str) -> None:
    """Raise ``DatasetInvalid`` for a name without a letter or digit, or with what no database holds."""
    controls = _has_controls(name)
    if controls or not any(character.isalnum() for character in name):
        raise DatasetInvalid(name=ascii(name) if controls else repr(name))


def _has_controls(text: str) -> bool:
    return any(unicodedata.category(character) in ("Cc", "Cs") for character in text)


def read_mapping(path: Path) -> Mapping:
    """The mapping in a file. Raises ``FileMissing`` or ``MappingInvalid``."""
    if not path.is_file():
        raise FileMissing(path=path)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingInvalid(path=path, problem=str(error), problem_zh=str(error)) from None
    try:
        return _mapping(data)
    except _Wrong as wrong:
        raise MappingInvalid(path=path, problem=wrong.en, problem_zh=wrong.zh) from None


class _Wrong(Exception):
    """What is wrong in a mapping, in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en, self.zh = en, zh


def _mapping(data: dict[str, Any]) -> Mapping:
    _only(data, _TOP, "the mapping")
    for name in ("kind", "crs", "key"):
        if not isinstance(data.get(name, ""), str):
            raise _Wrong(f"{name} must be a text", f"{name} 须为文本")
    fields = data.get("fields")
    if fields is not None and not isinstance(fields, dict):
        raise _Wrong("fields must be a table", "fields 须为表")
    sources = None if fields is None else {name: _source(name, value) for name, value in fields.items()}
    return Mapping(
        data.get("kind"),
        data.get("crs"),
        data.get("key"),
        sources,
        _delete(data.get("delete")),
        _owns(data.get("owns")),
    )


def _owns(said: object) -> tuple[str, ...] | None:
    if said is None:
        return None
    if not isinstance(said, list) or not all(isinstance(name, str) for name in said):
        raise _Wrong(
            'owns must be a list of fields, as owns = ["height"]', 'owns 须为字段列表，例如 owns = ["height"]'
        )
    return tuple(said)


def _delete(said: object) -> DeleteFlag | None:
    if said is None:
        return None
    if not isinstance(said, dict):
        raise _Wrong("delete must be a table", "delete 须为表")
    _only(said, {"column", "values"}, "delete")
    column, values = said.get("column"), said.get("values")
    if not isinstance(column, str) or not isinstance(values, list) or not values:
        raise _Wrong(
            'delete needs a column and values, as column = "op" and values = ["D"]',
            'delete 须有 column 与 values，例如 column = "op"、values = ["D"]',
        )
    return DeleteFlag(column, tuple(_text(value) or "" for value in values))


def _source(name: str, value: object) -> FieldSource:
    if isinstance(value, str):
        return FieldSource(column=value)
    if not isinstance(value, dict):
        raise _Wrong(f"{name} must be a column's name or a table", f"{name} 须为列名或表")
    _only(value, _FIELD, name)
    if ("column" in value) == ("value" in value):
        raise _Wrong(f"{name} needs either column or value", f"{name} 须有 column 或 value 之一")
    unit, order, values = value.get("unit"), value.get("order"), value.get("values", {})
    if order is not None and order not in DATE_ORDERS:
        orders = ", ".join(DATE_ORDERS)
        raise _Wrong(f"{name}: order must be one of {orders}", f"{name}：order 须为 {orders} 之一")
    if not isinstance(values, dict):
        raise _Wrong(f"{name}: values must be a table", f"{name}：values 须为表")
    return FieldSource(
        column=_text(value.get("column")),
        value=_text(value.get("value")),
        unit=_text(unit),
        values={str(word): str(meant) for word, meant in values.items()},
        order=cast("DateOrder | None", order),
    )


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def _only(data: dict[str, Any], known: set[str], where: str) -> None:
    for name in data:
        if name not in known:
            may = ", ".join(sorted(known))
            raise _Wrong(
                f"{where} has no entry {name!r}; it may have {may}", f"{where} 没有条目 {name!r}；可有 {may}"
            )
