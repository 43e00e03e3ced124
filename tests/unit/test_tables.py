"""The registry's tables, as far as they can be known without a database."""

from __future__ import annotations

from twin.registry.state import STATE_COLUMNS
from twin.registry.tables import asset, asset_version


def test_what_an_asset_is_stands_first_in_both_of_its_tables() -> None:
    for table in (asset, asset_version):
        assert tuple(table.columns.keys())[: len(STATE_COLUMNS)] == STATE_COLUMNS
    shared = set(asset.columns.keys()) & set(asset_version.columns.keys())
    assert shared - set(STATE_COLUMNS) == set()
