"""``twin load`` and ``twin formats``: what people and programs are shown."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from loaders.formats import all_formats
from tests.commands import twin
from tests.loading import lamps, write_csv
from twin.cli.load import ExtraMissing

Connection = psycopg.Connection


def messy(folder: Path) -> str:
    """A file with a row that is rejected, a value that is left out, and a column that nobody uses."""
    rows = lamps(12, sky="blue")
    rows[3]["lon"] = "[bold]far[/bold]"
    rows[4]["power"] = "much"
    return str(write_csv(folder / "lamps.csv", rows))


def test_the_receipt_for_people(pudong: str, tmp_path: Path) -> None:
    told = twin(pudong, "load", messy(tmp_path), "--kind", "streetlight")
    assert told.returncode == 0
    lines = told.stdout.splitlines()
    assert lines[0].split() == ["read", "new", "changed", "same", "rejected"]
    assert lines[1].split() == ["12", "11", "0", "0", "1"]
    for words in (
        "Load 1 of lamps (streetlight).",
        "EPSG:4326",
        "Key: id.",
        "Columns not used: sky.",
        "The key was assumed",
        "taken for WGS 84",
        "Rejected: geometry.unreadable 1",
        "[bold]far[/bold] 31.2",
        "Warnings: number.invalid 1",
        "This is no number; it was left out.",
    ):
        assert words in told.stdout
    chinese = twin(pudong, "load", messy(tmp_path), "--kind", "streetlight", "--dry-run", lang="zh").stdout
    assert chinese.splitlines()[0].split() == ["读入", "新增", "变更", "不变", "拒收"]
    assert chinese.splitlines()[1].split() == ["12", "0", "0", "11", "1"]
    assert "试运行 lamps (streetlight)：未作任何更改。" in chinese
    assert "拒收: geometry.unreadable 1" in chinese


def test_the_receipt_for_programs(pudong: str, tmp_path: Path) -> None:
    told = twin(pudong, "load", messy(tmp_path), "--kind", "streetlight", "--json")
    receipt: dict[str, Any] = json.loads(told.stdout)
    assert [receipt[name] for name in ("read", "new", "changed", "same", "rejected")] == [12, 11, 0, 0, 1]
    assert receipt["rejections"] == [
        {
            "row": 4,
            "key": "L3",
            "field": "geometry",
            "value": "[bold]far[/bold] 31.2",
            "reason": "geometry.unreadable",
            "text": "It cannot be read: no numbers, broken, or a ring of too few points.",
        }
    ]
    assert receipt["reasons"] == {"geometry.unreadable": 1}
    assert receipt["warning_reasons"] == {"number.invalid": 1}
    assert receipt["warnings"][0]["value"] == "much"
    assert (receipt["format"], receipt["encoding"], receipt["key"], receipt["crs"]) == (
        "CSV",
        "UTF-8",
        "id",
        "EPSG:4326",
    )
    assert receipt["mapping"] == {"power": "power", "lon": "lon", "lat": "lat"}
    assert receipt["unmapped"] == ["sky"]
    assert set(receipt["seconds"]) >= {"read", "judge", "code", "copy", "merge"}
    assert told.stderr.strip() == ""


def test_formats_are_listed(database_url: str) -> None:
    told = twin(database_url, "formats")
    assert told.returncode == 0
    assert ".gpkg" in told.stdout
    assert "Brussels" in told.stdout
    listed = json.loads(twin(database_url, "formats", "--json").stdout)
    assert [one["name"] for one in listed] == [one.name for one in all_formats()]
    (csv,) = (one for one in listed if one["name"] == "CSV")
    assert (csv["extensions"], csv["media_type"]) == ([".csv", ".tsv", ".txt"], "text/csv")
    assert csv["tested"]


def test_a_missing_extra_is_told(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any) -> Any:
        if name == "loaders.load":
            raise ModuleNotFoundError("No module named 'pyogrio'", name="pyogrio")
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    told = twin(database_url, "load", messy(tmp_path), "--kind", "streetlight")
    assert told.returncode == 1
    assert told.stderr.rstrip().endswith(f"[{ExtraMissing.code}]")
    assert "pyogrio" in told.stderr
