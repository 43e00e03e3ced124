"""What is registered is pulled in pieces: whatever the keys hold, and wherever the pieces are cut."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from loaders import registered
from tests.loading import counts, load_into
from twin.registry.divisions import set_home

KEYS = ["plain", "a,b", 'say "now"', "two\nlines", "路灯一", "'", "\\.", "end\r\n."]


@pytest.mark.parametrize("rows_at_a_time", [1, 3, 65_536])
def test_rows_of_any_key_are_known_again(
    owner: psycopg.Connection,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rows_at_a_time: int,
) -> None:
    monkeypatch.setattr(registered, "ROWS_AT_A_TIME", rows_at_a_time)
    set_home(owner, "310115")
    features = [
        {
            "type": "Feature",
            "properties": {"uuid": key},
            "geometry": {"type": "Point", "coordinates": [121.5 + n / 1000, 31.2]},
        }
        for n, key in enumerate(KEYS)
    ]
    path = tmp_path / "lamps.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    assert counts(load_into(database_url, path)) == (len(KEYS), len(KEYS), 0, 0, 0)
    assert counts(load_into(database_url, path)) == (len(KEYS), 0, 0, len(KEYS), 0)
