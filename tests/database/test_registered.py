"""What is registered is pulled in pieces: whatever the keys hold, and wherever the pieces are cut."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loaders import registered
from loaders.session import another
from tests.loading import counts, load_into
from twin.kinds import all_kinds
from twin.registry.database import Connection

ODD = ["plain", "a,b", 'say "now"', "two\nlines", "路灯一", "'", "\\.", "end\r\n."]
KEYS = [*ODD, *(f"灯{'杆' * (number % 90)}{number}" for number in range(300))]


def written(path: Path, keys: list[str]) -> Path:
    features = [
        {
            "type": "Feature",
            "properties": {"uuid": key},
            "geometry": {"type": "Point", "coordinates": [121.5 + n / 1000, 31.2]},
        }
        for n, key in enumerate(keys)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


@pytest.mark.parametrize("pages_at_a_time", [1, 3, 4_096])
def test_rows_of_any_key_are_known_again(
    pudong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages_at_a_time: int
) -> None:
    monkeypatch.setattr(registered, "PAGES_AT_A_TIME", pages_at_a_time)
    path = written(tmp_path / "lamps.geojson", KEYS)
    assert counts(load_into(pudong, path)) == (len(KEYS), len(KEYS), 0, 0, 0)
    assert counts(load_into(pudong, path)) == (len(KEYS), 0, 0, len(KEYS), 0)


def test_all_keys_are_of_one_moment(
    owner: Connection, pudong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that another department's load moves to later pages meanwhile are read once, as they were."""
    monkeypatch.setattr(registered, "PAGES_AT_A_TIME", 1)
    load_into(pudong, written(tmp_path / "lamps.geojson", KEYS))
    (dataset,) = owner.execute("SELECT id FROM twin.dataset").fetchone() or (0,)
    kind = all_kinds()["streetlight"]
    read = []
    with another(owner) as connection, registered._at_one_moment(connection) as lent:
        owner.execute("UPDATE twin.asset SET name = 'moved', source_key = source_key || '!'")
        pieces = registered._pieces(connection, dataset, kind)
        with lent.one() as one, lent.one() as other:
            for number, piece in enumerate(pieces):
                read += piece.read(other if number % 2 else one)[0].to_pylist()
    assert len(pieces) > 3
    assert sorted(read) == sorted(KEYS)
