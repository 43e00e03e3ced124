"""Attributes as SQL: what indexes and views are made of, and what filters and answers ask for."""

from __future__ import annotations

import pytest
from sqlalchemy.dialects import postgresql

from twin.kinds import all_kinds
from twin.registry.attributes import attribute_value
from twin.registry.partitions import attribute_sql
from twin.registry.tables import asset


@pytest.mark.parametrize("kind", all_kinds())
def test_what_is_indexed_is_what_is_asked_for(kind: str) -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for attribute in all_kinds()[kind].attributes:
        asked = attribute_value(asset.c.attributes, attribute).compile(
            dialect=dialect, compile_kwargs={"literal_binds": True}
        )
        assert attribute_sql(attribute) == str(asked).replace("twin.asset.", "")
