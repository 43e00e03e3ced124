"""The sample city, loaded as a folder: every receipt, every mistake, every asset where the plan has it."""

from __future__ import annotations

import csv
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import psycopg
import pytest
import shapely
from commands import twin
from loading import counts
from pyproj import Geod

from fixtures.sample_model import City
from fixtures.sample_plan import TODAY, city
from fixtures.sample_tables import degrees
from loaders.city import load_city
from loaders.load import Options
from loaders.reasons import REJECTIONS
from loaders.receipt import Receipt

FOLDER = Path(__file__).parents[2] / "fixtures" / "city"
FACTS = (
    "source", "layer", "kind", "dataset", "format", "encoding", "crs", "key", "read", "new", "changed",
    "same", "rejected", "reasons", "warning_reasons", "notes", "unmapped",
)  # fmt: skip
MISTAKE = re.compile(
    r"^\| `(?P<file>[\w.]+)`(?: (?P<layer>\S+))? \| (?P<rows>[\d–]+) \| .* \| (?P<told>\S+) \|$"
)
TITLE_ROWS = 3
"""Rows of a spreadsheet above the first one of data."""
Found = tuple[str, str | None, int, str]


@pytest.fixture(scope="module")
def url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture(scope="module")
def receipts(url: str) -> list[Receipt]:
    with mock.patch.dict(os.environ, {"TWIN_DATABASE_URL": url}):
        return list(load_city(FOLDER, Options()))


@pytest.fixture
def loaded(url: str, receipts: list[Receipt]) -> Iterator[psycopg.Connection[Any]]:
    assert receipts
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def plan() -> City:
    return city()


def expected() -> dict[str, dict[str, Any]]:
    """The committed receipts by dataset."""
    read = [json.loads(path.read_text(encoding="utf-8")) for path in (FOLDER / "receipts").glob("*.json")]
    return {receipt["dataset"]: receipt for receipt in read}


def mistakes() -> list[Found]:
    """File, layer, row and reason of every mistake that the README lists; – where nothing is found."""
    found: list[Found] = []
    for line in (FOLDER / "README.md").read_text(encoding="utf-8").splitlines():
        if match := MISTAKE.match(line):
            first, _, last = match["rows"].partition("–")
            rows = range(int(first), int(last or first) + 1)
            found += [(match["file"], match["layer"], row, match["told"].strip("`")) for row in rows]
    return found


def test_every_load_gives_its_receipt(receipts: list[Receipt]) -> None:
    given = {receipt.dataset: receipt.as_json() for receipt in receipts}
    assert {name: {fact: one[fact] for fact in FACTS} for name, one in given.items()} == expected()


def test_the_receipts_find_the_mistakes_and_nothing_else(receipts: list[Receipt]) -> None:
    named = {(file, layer) for file, layer, *_ in mistakes()}
    found = [
        (one.source, one.layer if (one.source, one.layer) in named else None, finding.row, finding.reason)
        for one in receipts
        for finding in (*one.rejections.kept, *one.warnings.kept)
    ]
    listed = [mistake for mistake in mistakes() if mistake[3] != "–"]
    assert Counter(found) == Counter(listed)


def planned_keys(plan: City) -> dict[str, list[str]]:
    """The keys of the plan's assets by kind, in the order of their files."""
    return {
        "building": [one.number for one in plan.buildings],
        "elevator": [one.rescue for one in plan.elevators],
        "glass_panel": [one.number for one in plan.panels],
        "manhole": [one.number for one in plan.manholes],
        "pipeline": [
            f"{network.medium}/{pipe.start.number}-{pipe.end.number}"
            for network in plan.networks
            for pipe in network.pipes
        ],
        "road": [one.number for one in plan.roads],
        "streetlight": [one.number for one in plan.lamps],
        "vehicle": [one.number for one in plan.vehicles],
    }


def test_every_planned_asset_is_there_but_those_the_readme_gives_up(
    loaded: psycopg.Connection[Any], receipts: list[Receipt], plan: City
) -> None:
    keys = planned_keys(plan)
    kinds = {one.source: one.kind for one in receipts}
    kinds |= {f"{one.source} {one.layer}": one.kind for one in receipts}
    given_up = set()
    for file, layer, row, reason in mistakes():
        kind = kinds[f"{file} {layer}" if layer else file]
        place = row - 1 - (TITLE_ROWS if file.endswith(".xlsx") else 0)
        # Rows behind those of the plan were added on purpose: they are no loss.
        if reason in REJECTIONS and place < len(keys[kind]):
            given_up.add((kind, keys[kind][place]))
    wanted = {(kind, key) for kind, own in keys.items() for key in own} - given_up
    standing = loaded.execute("SELECT kind, source_key FROM twin.asset").fetchall()
    assert len(standing) == len(wanted)
    assert set(standing) == wanted


def test_pipes_join_their_nodes(loaded: psycopg.Connection[Any], plan: City) -> None:
    nodes = {node.number: node.at for network in plan.networks for node in network.nodes}
    rows = loaded.execute(
        "SELECT attributes->>'start_node', attributes->>'end_node', ST_X(ST_StartPoint(geom)),"
        " ST_Y(ST_StartPoint(geom)), ST_X(ST_EndPoint(geom)), ST_Y(ST_EndPoint(geom))"
        " FROM twin.asset WHERE kind = 'pipeline'"
    ).fetchall()
    assert len(rows) > 300
    for start, end, *coordinates in rows:
        assert np.allclose(np.reshape(coordinates, (2, 2)), degrees([nodes[start], nodes[end]]), atol=2e-8)


def test_assets_stand_where_the_plan_has_them(loaded: psycopg.Connection[Any], plan: City) -> None:
    """Lamps within the last digit of a web map's picker, covers within a millimetre."""
    wanted = {
        "streetlight": ({lamp.number: lamp.at for lamp in plan.lamps}, 0.1),
        "elevator": ({one.rescue: one.at for one in plan.elevators}, 0.002),
        "manhole": ({hole.number: hole.at for hole in plan.manholes}, 0.002),
    }
    for kind, (places, tolerance) in wanted.items():
        rows = loaded.execute(
            "SELECT source_key, ST_X(geom), ST_Y(geom) FROM twin.asset WHERE kind = %s AND geom IS NOT NULL",
            (kind,),
        ).fetchall()
        there = degrees([places[key] for key, _, _ in rows])
        (lon, lat), (east, north) = zip(*[row[1:] for row in rows], strict=True), zip(*there, strict=True)
        off = Geod(ellps="GRS80").inv(lon, lat, east, north)[2]
        assert len(rows) > 300
        assert max(off) < tolerance


def test_elevators_and_panels_belong_to_their_buildings(loaded: psycopg.Connection[Any], plan: City) -> None:
    rows = loaded.execute(
        "SELECT a.kind, a.source_key, b.source_key FROM twin.asset a JOIN twin.asset b ON b.code = a.parent"
        " WHERE a.kind = ANY('{elevator,glass_panel}')"
    ).fetchall()
    planned = {("glass_panel", one.number): one.building.number for one in plan.panels}
    planned |= {("elevator", one.rescue): one.building.number for one in plan.elevators}
    assert len(rows) > 230
    assert all(planned[kind, key] == building for kind, key, building in rows)


def test_buildings_stand_in_the_unit_grids_that_hold_them(
    loaded: psycopg.Connection[Any], plan: City
) -> None:
    grids = {grid.code: shapely.box(*grid.low, *grid.high) for grid in plan.divisions["grid"]}
    shapes = {b.number: shapely.Polygon(b.ring) for b in plan.buildings}
    rows = loaded.execute(
        "SELECT source_key, division FROM twin.asset WHERE kind = 'building' AND geom IS NOT NULL"
    ).fetchall()
    assert all(grids[division].contains(shapes[key]) for key, division in rows)
    above = loaded.execute("SELECT path FROM twin.division WHERE code = '310115901001001'").fetchone()
    assert above and set(above[0]) == {"310115", "310115901", "310115901001", "310115901001001"}


def test_the_report_names_the_elevators_that_missed_their_inspection(
    url: str, loaded: psycopg.Connection[Any], plan: City, tmp_path: Path
) -> None:
    """Those of the plan in service, and one whose last visit, in the month that is known, was too early."""
    table = tmp_path / "overdue.csv"
    options = ("--on", TODAY.isoformat(), "--within", "0", "--table", "assets", "--format", "csv")
    told = twin(url, "report", "inspections", "--division", "310115", *options, "--out", str(table))
    assert told.returncode == 0, told.stderr
    with table.open(encoding="utf-8-sig", newline="") as file:
        codes = [row["code"] for row in csv.DictReader(file) if row["state"] == "overdue"]
    found = loaded.execute("SELECT source_key FROM twin.asset WHERE code = ANY(%s)", (codes,)).fetchall()
    suspended = {one.rescue for one in plan.elevators[59::60]}
    missed = {one.rescue for one in plan.elevators if one.overdue} - suspended
    assert {key for (key,) in found} == missed | {plan.elevators[61].rescue}


def test_official_codes_are_the_assets_own(loaded: psycopg.Connection[Any]) -> None:
    rows = loaded.execute(
        "SELECT code FROM twin.asset WHERE source_key = ANY('{XG00100,XG00081}') ORDER BY source_key"
    ).fetchall()
    assert rows[1][0].startswith("310115-0118-000100-")
    kept = loaded.execute("SELECT value FROM twin.identifier WHERE scheme = 'component_code'")
    assert {value for (value,) in kept} == {
        "310115-0118-000081-0",
        "31011501180000",
        "310115010100000O",
        "3101150118900051",
        "3101150119000082",
    }


def test_loaded_again_everything_is_as_it_was(url: str, receipts: list[Receipt]) -> None:
    with mock.patch.dict(os.environ, {"TWIN_DATABASE_URL": url}):
        again = list(load_city(FOLDER, Options()))
    assert [counts(receipt) for receipt in again] == [
        (one.read, 0, 0, one.new, one.rejected) for one in receipts
    ]
    # What a row of the same file had is an asset's now.
    assert again[4].rejections.counts["code.taken"] == receipts[4].rejections.counts["code.duplicate"] == 1
