"""A load is undone: every asset has the state it had before, whatever a later change forbids is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
import pytest

from citygraph.execution import ask_now
from loaders.errors import LoadConflict, LoadReturned, LoadUndone, LoadUnknown, NothingToUndo
from loaders.merge import keep_receipt
from loaders.receipt import Receipt
from loaders.undo import undo
from tests.commands import twin
from tests.loading import (
    column,
    content_hash,
    counts,
    lamps,
    load_into,
    reasons,
    vehicles,
    vin,
    warned,
    write_csv,
)
from twin.registry.query.errors import CursorInvalid
from twin.registry.state import STATE_COLUMNS

Connection = psycopg.Connection
State = dict[str, dict[str, Any]]

CONTENT = [name for name in STATE_COLUMNS if name not in ("load_id", "row_number")]


def undo_in(url: str, number: int | None, *, dry_run: bool = False) -> Receipt:
    """Undo a load in the database at ``url``."""
    assert number is not None
    with mock.patch.dict(os.environ, {"TWIN_DATABASE_URL": url}):
        return undo(number, dry_run=dry_run)


def content(connection: Connection) -> State:
    """Everything about each asset but who wrote it and when, with the identifiers that it bears."""
    names = ", ".join(f"a.{name}::text" for name in CONTENT)
    rows = connection.execute(
        f"SELECT {names}, ARRAY(SELECT (i.scheme, i.issuer, i.value)::text FROM twin.identifier i"
        " WHERE i.code = a.code AND i.valid_to IS NULL ORDER BY 1) FROM twin.asset a"
    ).fetchall()
    states = (dict(zip([*CONTENT, "identifiers"], row, strict=True)) for row in rows)
    return {f"{state['kind']} {state['source_key']}": state for state in states}


def change_by_hand(connection: Connection, key: str, name: str) -> None:
    """A change that is no load's, written as every change is."""
    columns = ", ".join(STATE_COLUMNS)
    with connection.transaction():
        connection.execute(
            f"INSERT INTO twin.asset_version ({columns}, valid, recorded)"
            f" SELECT {columns}, tstzrange(valid_from, NULL), tstzrange(recorded_from, now())"
            " FROM twin.asset WHERE source_key = %s",
            (key,),
        )
        connection.execute(
            "UPDATE twin.asset SET name = %s, recorded_from = now() WHERE source_key = %s", (name, key)
        )


def statuses(connection: Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT source_key, status FROM twin.asset").fetchall())


def test_a_first_load_is_undone_and_loaded_again(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "lamps.csv", lamps(6, name="路灯", pole_number=None))
    file = write_csv(file, [{**row, "pole_number": f"P{n}"} for n, row in enumerate(lamps(6, name="路灯"))])
    first = load_into(pudong, file)
    before = content(owner)
    undone = undo_in(pudong, first.load)
    assert (counts(undone), undone.retired, undone.undoes) == ((6, 0, 6, 0, 0), 6, first.load)
    after = content(owner)
    assert set(statuses(owner).values()) == {"retired"}
    assert {key: state["identifiers"] for key, state in after.items()} == {key: [] for key in before}
    assert {state["code"] for state in after.values()} == {state["code"] for state in before.values()}
    assert counts(load_into(pudong, file)) == (6, 0, 6, 0, 0)
    assert content(owner) == before
    assert counts(load_into(pudong, file)) == (6, 0, 0, 6, 0)


def test_what_comes_back_is_what_its_row_says(owner: Connection, pudong: str, tmp_path: Path) -> None:
    wrong = load_into(pudong, write_csv(tmp_path / "a.csv", lamps(2, owner="Wrong")), dataset="a")
    undo_in(pudong, wrong.load)
    right = load_into(pudong, write_csv(tmp_path / "b.csv", [{**lamps(1)[0], "name": "右"}]), dataset="a")
    assert counts(right) == (1, 0, 1, 0, 0)
    assert owner.execute("SELECT source_key, status, name, owner FROM twin.asset ORDER BY 1").fetchall() == [
        ("L0", "in_service", "右", None),
        ("L1", "retired", None, "Wrong"),
    ]


def test_a_file_with_another_key_may_follow_an_undone_one(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    rows = [{**row, "编号": f"X{n}"} for n, row in enumerate(lamps(4))]
    wrong = load_into(pudong, write_csv(tmp_path / "lamps.csv", rows))
    undo_in(pudong, wrong.load)
    renamed = [{**row, "id": None} for row in rows]
    renamed = [{name: value for name, value in row.items() if name != "id"} for row in renamed]
    assert counts(load_into(pudong, write_csv(tmp_path / "lamps.csv", renamed))) == (4, 4, 0, 0, 0)


def test_changes_are_undone_asset_by_asset(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = tmp_path / "lamps.csv"
    old = [
        {**row, "name": f"旧{n}", "status": "在用", "pole_number": f"P{n}"} for n, row in enumerate(lamps(9))
    ]
    load_into(pudong, write_csv(file, old))
    before = content(owner)
    new = [
        {**row, "power": 9, "name": "新", "lon": 121.6 if n % 2 else row["lon"], "pole_number": f"Q{n}"}
        for n, row in enumerate(old[:5])
    ]
    added = [{**row, "id": f"N{n}", "name": None, "status": "停用"} for n, row in enumerate(old[:2])]
    added = [{**row, "pole_number": None} for row in added]
    second = load_into(pudong, write_csv(file, new + old[5:] + added))
    assert counts(second) == (11, 2, 5, 4, 0)
    undone = undo_in(pudong, second.load)
    assert (counts(undone), undone.retired) == ((7, 0, 7, 0, 0), 2)
    after = content(owner)
    assert {key: state for key, state in after.items() if key in before} == before
    assert {statuses(owner)[key] for key in ("N0", "N1")} == {"retired"}
    assert counts(load_into(pudong, write_csv(file, old))) == (9, 0, 0, 9, 0)
    again = load_into(pudong, write_csv(file, new + old[5:] + added))
    assert counts(again) == (11, 0, 7, 4, 0)
    assert statuses(owner)["N0"] == "suspended"


def test_undoing_writes_two_slices(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = tmp_path / "lamps.csv"
    load_into(pudong, write_csv(file, lamps(1, name="旧")))
    second = load_into(pudong, write_csv(file, lamps(1, name="新")))
    undone = undo_in(pudong, second.load)
    assert owner.execute(
        "SELECT v.name, upper_inf(v.valid), upper_inf(v.recorded),"
        " upper(v.recorded) IS NOT DISTINCT FROM l.recorded_at"
        " FROM twin.asset_version v, twin.load l WHERE l.id = %s"
        " ORDER BY lower(v.recorded), upper_inf(v.recorded)",
        (undone.load,),
    ).fetchall() == [
        ("旧", True, False, False),
        ("新", True, False, True),
        ("旧", False, True, False),
        ("新", False, True, False),
    ]
    row = owner.execute(
        "SELECT a.load_id, a.row_number, a.valid_from = l.recorded_at,"
        " a.recorded_from = l.recorded_at, c.load_id"
        " FROM twin.asset a JOIN twin.load l ON l.id = a.load_id JOIN twin.change c ON c.load_id = l.id"
    ).fetchone()
    assert row == (undone.load, None, True, True, undone.load)


def test_what_changed_since_is_named_and_stays(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = tmp_path / "lamps.csv"
    load_into(pudong, write_csv(file, lamps(4, name="一")))
    before = content(owner)
    second = load_into(pudong, write_csv(file, lamps(4, name="二")))
    third = load_into(pudong, write_csv(file, [*lamps(1, name="三"), *lamps(4, name="二")[1:]]))
    change_by_hand(owner, "L3", "四")
    undone = undo_in(pudong, second.load)
    assert (counts(undone), reasons(undone)) == ((4, 0, 2, 0, 2), {"undo.changed_since": 2})
    named = [one.as_json("en") for one in undone.rejections.kept]
    codes: dict[str, str] = dict(owner.execute("SELECT source_key, code FROM twin.asset").fetchall())
    assert [(one["row"], one["key"], one["value"]) for one in named] == [
        (1, "L0", codes["L0"]), (4, "L3", codes["L3"]),
    ]  # fmt: skip
    assert str(named[0]["text"]).startswith(f"Load {third.load} has changed it since")
    assert "A later change" in str(named[1]["text"])
    assert undone.rejections.kept[0].as_json("zh")["text"] == f"第 {third.load} 次加载已将其更改，保持现状。"
    names: dict[str, str] = dict(owner.execute("SELECT source_key, name FROM twin.asset").fetchall())
    assert names == {"L0": "三", "L1": "一", "L2": "一", "L3": "四"}
    after = content(owner)
    assert all(after[f"streetlight {key}"] == before[f"streetlight {key}"] for key in ("L1", "L2"))


def test_nothing_is_registered_where_all_has_changed_since(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    file = tmp_path / "lamps.csv"
    first = load_into(pudong, write_csv(file, lamps(2)))
    load_into(pudong, write_csv(file, lamps(2, name="二")))
    before = content_hash(owner)
    undone = undo_in(pudong, first.load)
    assert (counts(undone), undone.load) == ((2, 0, 0, 0, 2), None)
    assert content_hash(owner) == before


def test_loads_are_undone_one_after_the_other(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = tmp_path / "lamps.csv"
    states, loads = [], []
    for name in ("一", "二", "三"):
        rows = [{**row, "name": name, "pole_number": f"{name}{n}"} for n, row in enumerate(lamps(3))]
        loads.append(load_into(pudong, write_csv(file, rows)).load)
        states.append(content(owner))
    for place in (2, 1):
        undone = undo_in(pudong, loads[place])
        assert (counts(undone), warned(undone)) == ((3, 0, 3, 0, 0), {})
        assert content(owner) == states[place - 1]
    assert undo_in(pudong, loads[0]).retired == 3
    with pytest.raises(LoadUndone):
        undo_in(pudong, loads[1])


def test_an_undo_is_undone(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = tmp_path / "lamps.csv"
    load_into(pudong, write_csv(file, [{**row, "pole_number": f"P{n}"} for n, row in enumerate(lamps(3))]))
    old = content(owner)
    rows = [{**row, "pole_number": f"Q{n}", "power": 1} for n, row in enumerate(lamps(5))]
    second = load_into(pudong, write_csv(file, rows))
    new = content(owner)
    first_undo = undo_in(pudong, second.load)
    back = undo_in(pudong, first_undo.load)
    assert (counts(back), back.retired) == ((5, 0, 5, 0, 0), 0)
    assert content(owner) == new
    assert counts(load_into(pudong, file)) == (5, 0, 0, 5, 0)
    with pytest.raises(LoadReturned, match=f"undo {second.load}"):
        undo_in(pudong, back.load)
    with pytest.raises(LoadUndone):
        undo_in(pudong, first_undo.load)
    second_undo = undo_in(pudong, second.load)
    assert (counts(second_undo), second_undo.retired) == ((5, 0, 5, 0, 0), 2)
    assert {key: state for key, state in content(owner).items() if key in old} == old
    undo_in(pudong, second_undo.load)
    assert content(owner) == new


def test_identifiers_move_back(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = tmp_path / "v.csv"
    load_into(pudong, write_csv(file, vehicles(vin(1), vin(2), vin(3))), "vehicle")
    before = content(owner)
    second = load_into(pudong, write_csv(file, vehicles(vin(2), vin(1), vin(4))), "vehicle")
    assert counts(second) == (3, 0, 3, 0, 0)
    undone = undo_in(pudong, second.load)
    assert (counts(undone), warned(undone)) == ((3, 0, 3, 0, 0), {})
    assert content(owner) == before
    assert column(owner, "SELECT count(*) FROM twin.identifier WHERE valid_to IS NULL") == [3]


def test_an_identifier_that_another_bears_is_not_given_back(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    file = tmp_path / "v.csv"
    load_into(pudong, write_csv(file, vehicles(vin(1))), "vehicle")
    second = load_into(pudong, write_csv(file, vehicles(vin(2))), "vehicle")
    load_into(pudong, write_csv(tmp_path / "w.csv", vehicles(vin(1))), "vehicle")
    undone = undo_in(pudong, second.load)
    assert (counts(undone), warned(undone)) == ((1, 0, 1, 0, 0), {"undo.identifier_taken": 1})
    finding = undone.warnings.kept[0].as_json("en")
    other = column(
        owner, "SELECT a.code FROM twin.asset a JOIN twin.dataset d ON d.id = a.dataset_id WHERE d.name = 'w'"
    )[0]
    assert (finding["field"], finding["value"]) == ("vin", vin(1))
    assert other in str(finding["text"])
    words = column(owner, "SELECT words FROM twin.asset WHERE code <> %s", other)[0]
    assert vin(1).casefold() not in (words or "") and vin(2).casefold() not in (words or "")


def test_parents_come_back(owner: Connection, pudong: str, tmp_path: Path) -> None:
    houses = [
        {"id": f"B{n}", "wkt": f'"POLYGON((121.5{n} 31.2,121.5{n}1 31.2,121.5{n}1 31.201,121.5{n} 31.2))"'}
        for n in range(2)
    ]
    load_into(pudong, write_csv(tmp_path / "buildings.csv", houses), "building", crs="EPSG:4326")
    lifts = tmp_path / "lifts.csv"
    load_into(
        pudong, write_csv(lifts, [{"id": "E1", "building": "B0", "lon": 121.5, "lat": 31.2}]), "elevator"
    )
    before = content(owner)
    assert before["elevator E1"]["parent"] == before["building B0"]["code"]
    moved = load_into(
        pudong, write_csv(lifts, [{"id": "E1", "building": "B1", "lon": 121.51, "lat": 31.2}]), "elevator"
    )
    assert content(owner)["elevator E1"]["parent"] == before["building B1"]["code"]
    undo_in(pudong, moved.load)
    assert content(owner) == before


def test_a_dry_run_tells_the_same_and_changes_nothing(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = tmp_path / "lamps.csv"
    load_into(pudong, write_csv(file, lamps(3)))
    second = load_into(pudong, write_csv(file, lamps(4, name="二")))
    before = content_hash(owner)
    dry = undo_in(pudong, second.load, dry_run=True)
    assert content_hash(owner) == before
    assert (dry.load, dry.dry_run) == (None, True)
    wet = undo_in(pudong, second.load)
    assert (counts(dry), dry.retired) == (counts(wet), wet.retired) == ((4, 0, 4, 0, 0), 1)


def test_a_failed_undo_leaves_nothing(
    owner: Connection, pudong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loaders import undo as module

    load_into(pudong, write_csv(tmp_path / "v.csv", vehicles(vin(1))), "vehicle")
    second = load_into(pudong, write_csv(tmp_path / "v.csv", vehicles(vin(2))), "vehicle")
    before = content_hash(owner)
    keep = keep_receipt

    def failing(connection: Connection, *rest: Any) -> None:
        """The same identifier twice, at the end of all."""
        keep(connection, *rest)
        connection.execute("INSERT INTO twin.identifier SELECT * FROM twin.identifier WHERE valid_to IS NULL")

    monkeypatch.setattr(module, "keep_receipt", failing)
    with pytest.raises(LoadConflict, match=r"identifier_vehicle_1_current"):
        undo_in(pudong, second.load)
    assert content_hash(owner) == before


def test_a_killed_undo_leaves_nothing(owner: Connection, pudong: str, tmp_path: Path) -> None:
    """Killed when the assets are written, while it waits for an identifier that somebody holds."""
    load_into(pudong, write_csv(tmp_path / "v.csv", vehicles(vin(1))), "vehicle")
    second = load_into(pudong, write_csv(tmp_path / "v.csv", vehicles(vin(2))), "vehicle")
    before = content_hash(owner)
    with owner.transaction():
        owner.execute("SELECT FROM twin.identifier FOR UPDATE")
        process = subprocess.Popen(
            [sys.executable, "-m", "twin.cli", "loads", "undo", str(second.load)],
            env={**os.environ, "TWIN_DATABASE_URL": pudong},
        )
        with psycopg.connect(pudong, autocommit=True) as watching:
            wait_for(watching, lambda: process.poll() is None, "Assets no longer bear")
        process.kill()
        process.wait()
    while column(owner, OTHERS):
        time.sleep(0.05)
    assert content_hash(owner) == before
    assert counts(undo_in(pudong, second.load)) == (1, 0, 1, 0, 0)


OTHERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def wait_for(connection: Connection, alive: Callable[[], bool], statement: str) -> None:
    """Until somebody runs a statement with that text."""
    running = "SELECT query FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
    while not any(statement in query for query in column(connection, running)):
        assert alive()
        time.sleep(0.02)


def test_what_cannot_be_undone_is_refused(owner: Connection, pudong: str, tmp_path: Path) -> None:
    with pytest.raises(LoadUnknown):
        undo_in(pudong, 7)
    file = write_csv(tmp_path / "lamps.csv", lamps(2))
    first = load_into(pudong, file)
    same = load_into(pudong, file)
    with pytest.raises(NothingToUndo):
        undo_in(pudong, same.load)
    undone = undo_in(pudong, first.load)
    with pytest.raises(LoadUndone, match=f"by load {undone.load}"):
        undo_in(pudong, first.load)


def test_the_kept_receipt_is_the_printed_one(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "lamps.csv", [*lamps(3), {**lamps(1)[0], "power": "x"}])
    receipt = load_into(pudong, file)
    record = column(owner, "SELECT receipt FROM twin.load")[0]
    for lang in ("en", "zh"):
        kept, given = Receipt.of_record(record).as_json(lang), receipt.as_json(lang)
        # The merge is not over when the receipt is written.
        assert {**kept, "seconds": None} == {**given, "seconds": None}
    assert record["reasons"] == {"key.duplicate": 1}


def test_loads_are_listed_shown_and_undone_by_command(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = tmp_path / "lamps.csv"
    first = load_into(pudong, write_csv(file, [*lamps(3), *lamps(1)]))
    second = load_into(pudong, write_csv(file, lamps(2, name="新")))
    load_into(pudong, write_csv(tmp_path / "v.csv", vehicles(vin(1))), "vehicle")

    def listed(*options: str) -> list[int]:
        return [load["id"] for load in json.loads(twin(pudong, "loads", *options, "--json").stdout)]

    assert listed() == [3, 2, 1]
    assert listed("--first", "1") == [3]
    assert listed("--before", "3", "--first", "1") == [2]
    assert listed("--kind", "vehicle") == listed("--dataset", "v") == [3]
    assert listed("--dataset", "none") == []
    more = twin(pudong, "loads", "--first", "2")
    assert "lamps.csv" in more.stdout and "--before 2" in more.stderr
    shown = twin(pudong, "loads", "show", str(first.load), lang="zh")
    assert "拒收: key.duplicate 1" in shown.stdout and "与第 1 行主键相同" in shown.stdout
    as_json = json.loads(twin(pudong, "loads", "show", str(first.load), "--json").stdout)
    assert (as_json["reasons"], as_json["undone_by"]) == ({"key.duplicate": 1}, None)
    dry = twin(pudong, "loads", "undo", str(second.load), "--dry-run")
    assert (dry.returncode, "dry run of undoing load 2" in dry.stdout) == (0, True)
    blocked = twin(pudong, "loads", "undo", str(first.load), "--json")
    assert (blocked.returncode, json.loads(blocked.stdout)["reasons"]) == (0, {"undo.changed_since": 2})
    undone = json.loads(twin(pudong, "loads", "undo", str(second.load), "--json").stdout)
    assert {name: undone[name] for name in ("undoes", "load", "changed", "retired")} == {
        "undoes": 2, "load": 5, "changed": 2, "retired": 0,
    }  # fmt: skip
    table = twin(pudong, "loads").stdout
    assert "undoes 2" in table and "undone by 5" in table
    assert "Undone by load 5." in twin(pudong, "loads", "show", "2").stdout
    for arguments, code in (
        (("show", "99"), "load.unknown"),
        (("undo", "99"), "load.unknown"),
        (("undo", "2"), "undo.done"),
    ):
        refused = twin(pudong, "loads", *arguments)
        assert (refused.returncode, f"[{code}]" in refused.stderr) == (1, True)


def test_an_undo_of_which_nothing_is_left_is_told(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = tmp_path / "lamps.csv"
    load_into(pudong, write_csv(file, lamps(1)))
    load_into(pudong, write_csv(file, lamps(1, name="新")))
    told = twin(pudong, "loads", "undo", "1")
    assert (told.returncode, "stays" in told.stdout, "undo.changed_since 1" in told.stdout) == (1, True, True)


def test_loads_are_asked_for_through_graphql(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = tmp_path / "lamps.csv"
    for name in ("一", "二", "三"):
        load_into(pudong, write_csv(file, [*lamps(2, name=name), *lamps(1)]))
    undo_in(pudong, 3)
    with mock.patch.dict(os.environ, {"TWIN_DATABASE_URL": pudong}):
        first = ask_now("loads", first=3)["loads"]
        assert [load["id"] for load in first["nodes"]] == [4, 3, 2]
        assert [(load["undoes"], load["undoneBy"]) for load in first["nodes"][:2]] == [(3, None), (None, 4)]
        rest = ask_now("loads", first=3, after=first["pageInfo"]["endCursor"], kind="STREETLIGHT")["loads"]
        assert [load["id"] for load in rest["nodes"]] == [1]
        assert rest["pageInfo"] == {"hasNextPage": False, "endCursor": "1"}
        load = ask_now("load", id=1)["load"]
        assert (load["read"], load["new"], load["rejected"], load["key"]) == (3, 2, 1, "id")
        assert load["reasons"] == [{"reason": "key.duplicate", "count": 1}]
        assert load["receipt"]["rejections"][0]["row"] == 3
        assert ask_now("load", id=5) == {"load": None}
        with pytest.raises(CursorInvalid):
            ask_now("loads", after="x")


def test_who_sees_some_divisions_sees_no_receipt(
    owner: Connection, api: Connection, pudong: str, tmp_path: Path
) -> None:
    load_into(pudong, write_csv(tmp_path / "lamps.csv", lamps(1)))
    seen = {}
    for scope in ("*", '{"kinds":["streetlight"]}', '{"divisions":["310115"]}', '{"kinds":["vehicle"]}'):
        api.execute("SELECT set_config('twin.scope', %s, false)", (scope,))
        seen[scope] = column(api, "SELECT receipt IS NOT NULL FROM api.load")
    assert list(seen.values()) == [[True], [True], [False], []]
