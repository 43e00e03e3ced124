"""Counts and sums are the same whether they are taken from roll-ups or from assets."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
import shapely

from spatial import cells
from tests.registry_rows import STREETS, Asset, code, insert_city, small_city
from twin.errors import TwinError
from twin.kinds import Kind, kind
from twin.registry.query import counts
from twin.registry.query.inputs import Given
from twin.registry.query.sql import Question, ask_now, compiled
from twin.registry.query.tallies import Counting

Connection = psycopg.Connection[Any]

KINDS = ("streetlight", "building", "pipeline", "elevator")


def spread_city(seed: int = 5) -> list[Asset]:
    """The small city's assets strewn over 40 km: points, long lines, areas, and areas of parts far apart."""
    dice = random.Random(seed)
    city = small_city()
    spread = []
    for number in range(3_000):
        lon, lat = dice.gauss(121.47, 0.1), dice.gauss(31.23, 0.1)
        size = dice.choice([1e-4, 1e-3, 0.02, 0.1])
        far = shapely.box(lon + size, lat + size, lon + size + 1e-3, lat + size + 1e-3)
        shape = dice.choice(
            [
                shapely.Point(lon, lat),
                shapely.LineString([(lon, lat), (lon + dice.uniform(-size, size), lat + size)]),
                shapely.box(lon, lat, lon + size, lat + size / 2),
                shapely.MultiPolygon([shapely.box(lon, lat, lon + 1e-4, lat + 1e-4), far]),
                None,
            ]
        )
        like = dice.choice(city)
        own = code(kind(like.kind).classes[0].code, 1_000 + number)
        spread.append(replace(like, code=own, geometry=shape, source_key=f"S{number}", identifiers=()))
    return [*city, *spread]


@pytest.fixture(scope="module")
def reader(new_database: Callable[[], str]) -> Iterator[Connection]:
    url = new_database()
    with psycopg.connect(url, autocommit=True) as owner, owner.transaction():
        insert_city(owner, spread_city())
    with psycopg.connect(url.replace("twin_owner@", "twin_api@"), autocommit=True) as connection:
        connection.execute("SET twin.scope = '*'")
        yield connection


def a_filter(dice: random.Random, depth: int = 1) -> dict[str, Any]:
    """A filter that roll-ups may know, and now and then one that they do not."""
    where: dict[str, Any] = {}
    if dice.random() < 0.4:
        where["kinds"] = [name.upper() for name in dice.sample(KINDS, dice.randint(0, 3))]
    if dice.random() < 0.3:
        where["status"] = dice.sample(["IN_SERVICE", "PLANNED", "RETIRED"], dice.randint(0, 2))
    if dice.random() < 0.3:
        where["division"] = dice.choice([*STREETS, "310115", "310000", "999999"])
    if dice.random() < 0.2:
        where["cells"] = {"cells": [a_cell(dice) for _ in range(dice.randint(0, 3))]}
    if dice.random() < 0.1:
        where["disk"] = {"cell": a_cell(dice), "steps": dice.randint(0, 3)}
    if dice.random() < 0.1:
        where["streetlight"] = dice.choice([{"status": ["IN_SERVICE"]}, {"power": {"gte": 100}}, {}])
    if depth < 3 and dice.random() < 0.2:
        where[dice.choice(["and", "or"])] = [a_filter(dice, depth + 1) for _ in range(dice.randint(0, 2))]
    if depth < 3 and dice.random() < 0.1:
        where["not"] = a_filter(dice, depth + 1)
    if dice.random() < (0.6 if depth == 1 else 0.05):
        lon, lat = dice.gauss(121.47, 0.1), dice.gauss(31.23, 0.1)
        where["bbox"] = [lon, lat, lon + 10 ** dice.uniform(-2.2, 0), lat + 10 ** dice.uniform(-2.2, 0)]
    return where


def a_cell(dice: random.Random) -> str:
    lon, lat = dice.gauss(121.47, 0.1), dice.gauss(31.23, 0.1)
    place = cells.points_to_cells(*([value] for value in (lon, lat)), dice.randint(3, 11))  # type: ignore[arg-type]
    return cells.format_cell(int(place[0]))


def a_question(
    dice: random.Random, where: dict[str, Any] | None, of_kind: Kind | None, sums: bool
) -> Callable[[], Question[counts.Counts]]:
    """Makes a question for counts, by cells or by what assets have in common."""
    if dice.random() < 0.6:
        level = Given(dice.randint(0, 11), "resolution")
        return lambda: counts.cells(where, level, of_kind, sums=sums)
    by = Given(dice.choice(["KIND", "STATUS", "DIVISION", "DATASET"]), "by")
    return lambda: counts.groups(where, by, of_kind, sums=sums)


def test_roll_ups_say_what_assets_say(reader: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(3)
    taken: Counter[str] = Counter()
    for _ in range(600):
        where = dice.choice([a_filter(dice), a_filter(dice), None])
        sums = dice.random() < 0.5
        of_kind = kind(dice.choice(KINDS)) if dice.random() < 0.2 else None
        if of_kind is not None and where is not None:
            where = {name: value for name, value in where.items() if name not in ("kinds", "streetlight")}

        question = a_question(dice, where, of_kind, sums)
        try:
            found = ask_now(reader, question())
        except TwinError as refused:
            assert refused.code.startswith("input.")
            continue
        taken[found.by] += 1
        with monkeypatch.context() as patch:
            patch.setattr(Counting, "_rolled", lambda _: None)
            wanted = ask_now(reader, question())
        assert wanted.by == "assets"
        assert found.all == wanted.all, (where, found.by)
    assert taken["rollup"] > 100 and taken["rollup and assets"] > 50 and taken["assets"] > 50


def test_what_roll_ups_do_not_know_is_taken_from_assets(reader: Connection) -> None:
    def by(where: dict[str, Any] | None, resolution: int = 7) -> str:
        return ask_now(reader, counts.cells(where, Given(resolution, "resolution"))).by

    assert by(None) == by(None, 0) == by({"kinds": ["BUILDING"], "division": "310115"}, 9) == "rollup"
    assert by({"cells": {"cells": ["8930e4c2b3bffff"]}}) == "rollup"
    assert by({"bbox": [121.3, 31.1, 121.6, 31.4]}) == "rollup and assets"
    assert by(None, 10) == by({"text": "灯杆"}) == by({"streetlight": {"power": {"gte": 1}}}) == "assets"
    assert by({"bbox": [179.9, -17, -179.9, -16]}) == by({"bbox": [121.4, 31.2, 121.401, 31.201]}) == "assets"
    assert by({"cells": {"cells": ["8930e4c2b3bffff"], "mode": "TOUCHES"}}) == "assets"


@pytest.mark.parametrize(
    ("where", "by", "read"),
    [
        (None, None, "totals"),
        ({"cells": {"cells": ["8730e4c2bffffff"]}}, None, "totals"),
        ({"and": [{"not": {"disk": {"cell": "8730e4c2bffffff"}}}, {}]}, None, "totals"),
        ({"bbox": [121.3, 31.1, 121.6, 31.4]}, None, "totals"),
        ({"kinds": ["BUILDING"]}, None, "totals"),
        ({"or": [{"building": {}}, {"kinds": None}]}, None, "totals"),
        (None, "KIND", "totals"),
        ({"building": {"status": ["PLANNED"]}}, None, "roll-ups"),
        ({"not": {"division": "310115"}}, None, "roll-ups"),
        ({"bbox": [121.3, 31.1, 121.6, 31.4], "status": ["PLANNED"]}, None, "roll-ups"),
        (None, "STATUS", "roll-ups"),
        (None, "DIVISION", "roll-ups"),
    ],
)
def test_the_fewest_rows_that_know_what_is_asked_are_read(
    where: dict[str, Any] | None, by: str | None, read: str
) -> None:
    def tables(*, sums: bool) -> set[str]:
        if by:
            asked = counts.groups(where, Given(by, "by"), sums=sums)
        else:
            asked = counts.cells(where, Given(9, "resolution"), sums=sums)
        return set(re.findall(r"FROM api\.(rollup\w*)", str(asked.statement)))

    wanted = {"totals": {"rollup_cell", "rollup_apart"}, "roll-ups": {"rollup"}}
    assert tables(sums=False) == wanted[read]
    assert tables(sums=True) == wanted["roll-ups"]


SCOPES: dict[str, str] = {
    "everything": "*",
    "no limit": "{}",
    "kinds": '{"kinds": ["building", "pipeline"]}',
    "divisions": '{"divisions": ["310115001"]}',
    "both": '{"kinds": ["building"], "divisions": ["310115001", "310115"]}',
    "no kind": '{"kinds": []}',
    "no division": '{"divisions": []}',
    "nothing": "",
}


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES)
def test_scopes_hold_for_totals(reader: Connection, monkeypatch: pytest.MonkeyPatch, scope: str) -> None:
    asked: list[Callable[[], Question[counts.Counts]]] = [
        lambda: counts.cells(None, Given(7, "resolution")),
        lambda: counts.cells({"kinds": ["BUILDING", "STREETLIGHT"]}, Given(6, "resolution")),
        lambda: counts.cells({"bbox": [121.3, 31.1, 121.6, 31.4]}, Given(9, "resolution")),
        lambda: counts.groups(None, Given("KIND", "by")),
    ]
    with reader.transaction():
        reader.execute("SELECT set_config('twin.scope', %s, true)", [scope])
        found = [ask_now(reader, question()) for question in asked]
        monkeypatch.setattr(Counting, "_rolled", lambda _: None)
        wanted = [ask_now(reader, question()) for question in asked]
    assert [one.all for one in found] == [one.all for one in wanted]
    assert {one.by for one in found} == {"rollup", "rollup and assets"}


@pytest.mark.parametrize("scope", SCOPES)
def test_totals_of_what_a_scope_hides_are_not_read(reader: Connection, scope: str) -> None:
    with reader.transaction():
        reader.execute("SELECT set_config('twin.scope', %s, true)", [SCOPES[scope]])
        total = reader.execute("SELECT count(*) FROM api.rollup_cell").fetchone()
        apart = reader.execute("SELECT count(*) FROM api.rollup_apart").fetchone()
    assert total and apart
    assert (total[0] > 0) == (scope in ("everything", "no limit", "kinds"))
    assert (apart[0] > 0) == (scope in ("divisions", "both"))


def looked_into(plan: dict[str, Any]) -> set[str]:
    """The roll-ups that a plan has read, by its EXPLAIN ANALYZE."""
    below = [table for part in plan.get("Plans", []) for table in looked_into(part)]
    own = [plan["Relation Name"]] if "Relation Name" in plan and plan["Actual Loops"] else []
    of_parts = [re.sub(r"^(rollup)_\w+_[0-9]+$", r"\1", table) for table in own]
    return {*below, *of_parts} & {"rollup", "rollup_cell"}


@pytest.mark.parametrize("scope", SCOPES)
def test_what_does_not_apply_to_a_scope_is_not_executed(reader: Connection, scope: str) -> None:
    asked = counts.cells({"cells": {"cells": ["8730e4c2bffffff"]}}, Given(9, "resolution"))
    text, parameters = compiled(asked.statement)
    with reader.transaction():
        reader.execute("SELECT set_config('twin.scope', %s, true)", [SCOPES[scope]])
        row = reader.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}".encode(), parameters).fetchone()
    assert row is not None
    apart = {"divisions": {"rollup"}, "no division": {"rollup"}, "both": {"rollup"}, "nothing": set()}
    assert looked_into(row[0][0]["Plan"]) == apart.get(scope, {"rollup_cell"})


def test_scopes_hold_for_roll_ups(reader: Connection) -> None:
    with reader.transaction():
        reader.execute("""SET LOCAL twin.scope = '{"kinds": ["building"], "divisions": ["310115001"]}'""")
        found = ask_now(reader, counts.groups(None, Given("KIND", "by"), sums=True))
        assert found.by == "rollup" and [one.key for one in found.all] == ["BUILDING"]
        seen = ask_now(reader, counts.groups(None, Given("DATASET", "by")))
        assert found.all[0].count == sum(one.count for one in seen.all)
    with reader.transaction():
        reader.execute("SET LOCAL twin.scope = ''")
        assert ask_now(reader, counts.cells(None, Given(5, "resolution"))).all == []
