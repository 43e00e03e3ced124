"""Exported columns: each is a name by which the loader knows the very field it was made from."""

from __future__ import annotations

import pytest

from twin.export.columns import all_columns, kind_columns
from twin.export.model import Column
from twin.kinds import all_kinds, kind
from twin.kinds.common import COMMON_FIELDS
from twin.kinds.fields import Field, field_names
from twin.kinds.names import normalise_name

OURS = {"kind", "dataset"}


@pytest.mark.parametrize("name", list(all_kinds()))
def test_every_column_is_mapped_back_to_its_field(name: str) -> None:
    wanted = kind(name)
    fields = field_names(wanted)
    found = {column.name: fields.get(normalise_name(column.name)) for column in kind_columns(wanted)}
    common = {field: Field("common", field) for field in COMMON_FIELDS}
    identifiers = {i.scheme: Field("identifier", i.scheme) for i in wanted.identifiers}
    attributes = {a.name: Field("attribute", a.name) for a in wanted.attributes}
    assert {column: field for column, field in found.items() if column not in OURS} == (
        common | identifiers | attributes
    )


@pytest.mark.parametrize("name", list(all_kinds()))
def test_what_is_said_of_the_export_itself_is_no_field(name: str) -> None:
    assert not OURS & {normalise_name(known) for known in field_names(kind(name))}


def test_kinds_in_one_file_share_columns_of_one_name() -> None:
    kinds = list(all_kinds().values())
    united = all_columns(kinds)
    names = [column.name for column in united]
    assert len(names) == len(set(names))
    assert set(names) == {column.name for one in kinds for column in kind_columns(one)}
    types = {one.name: {c.name: c.type for c in kind_columns(one)} for one in kinds}
    for column in united:
        of_kinds = {types[one.name][column.name] for one in kinds if column.name in types[one.name]}
        assert column.type == (of_kinds.pop() if len(of_kinds) == 1 else "text")


def test_the_first_columns_say_whose_the_row_is() -> None:
    assert kind_columns(kind("streetlight"))[:4] == tuple(
        Column(name, "text") for name in ("code", "kind", "source_key", "dataset")
    )
