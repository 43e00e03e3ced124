"""What a load does with what is registered: insert, mirror, delta, and how each is refused or undone."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from loaders.errors import (
    ChoiceUnknown,
    DeleteFlagAlone,
    DeleteFlagMissing,
    KeyNeeded,
    KeysUnknown,
    RetiresTooMany,
    RetireUpToInvalid,
)
from loaders.receipt import Receipt
from tests.commands import twin
from tests.database.test_undo import content, statuses, undo_in
from tests.loading import (
    Row,
    column,
    content_hash,
    counts,
    lamps,
    load_into,
    reasons,
    vehicles,
    vin,
    write_csv,
)

Connection = psycopg.Connection
ALL: dict[str, Any] = {"retire_up_to": 100.0}


@pytest.fixture
def lit(pudong: str, tmp_path: Path) -> str:
    """A registry with 40 lamps, L0 to L39, of the dataset ``lamps``; each has a pole number."""
    load_into(pudong, write_csv(tmp_path / "lamps.csv", numbered(40)))
    return pudong


def numbered(count: int) -> list[dict[str, object]]:
    return [{**row, "pole_number": f"P{n}"} for n, row in enumerate(lamps(count))]


def mirrored(url: str, tmp_path: Path, rows: Iterable[Row], **options: Any) -> Receipt:
    """These rows as a whole source, loaded in its place."""
    return load_into(url, write_csv(tmp_path / "lamps.csv", rows), **{"mode": "mirror", **options})


def changes(url: str, path: Path, rows: Iterable[Row], **options: Any) -> Receipt:
    """These rows as a file of changes."""
    return load_into(
        url, write_csv(path, rows), **{"mode": "delta", "dataset": "lamps", "retire_up_to": 100.0, **options}
    )


def living(connection: Connection) -> set[str]:
    return {key for key, status in statuses(connection).items() if status != "retired"}


def test_insert_rejects_what_is_registered_and_names_it(owner: Connection, lit: str, tmp_path: Path) -> None:
    rows = numbered(42)
    rows[1]["power"] = 999
    before = content(owner)
    receipt = load_into(lit, write_csv(tmp_path / "lamps.csv", rows), mode="insert")
    assert counts(receipt) == (42, 2, 0, 0, 40)
    assert reasons(receipt) == {"key.registered": 40}
    first = receipt.rejections.kept[0].as_json("en")
    code = column(owner, "SELECT code FROM twin.asset WHERE source_key = 'L0'")[0]
    assert (first["row"], first["key"], first["field"], first["value"]) == (1, "L0", "id", "L0")
    assert str(first["text"]) == f"The asset {code} has this key already."
    assert {key: state for key, state in content(owner).items() if key in before} == before


def test_an_undone_insert_can_be_loaded_again(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "lamps.csv", lamps(3))
    first = load_into(pudong, file, mode="insert")
    undo_in(pudong, first.load)
    assert counts(load_into(pudong, file, mode="insert")) == (3, 0, 3, 0, 0)
    assert living(owner) == {"L0", "L1", "L2"}


def test_a_mirror_retires_what_the_source_dropped(owner: Connection, lit: str, tmp_path: Path) -> None:
    before = content(owner)
    kept = numbered(42)[2:]
    kept[0]["power"] = 999
    dry = mirrored(lit, tmp_path, kept, dry_run=True)
    assert content(owner) == before
    receipt = mirrored(lit, tmp_path, kept)
    assert counts(receipt) == counts(dry) == (40, 2, 1, 37, 0)
    assert receipt.retired == dry.retired == 2
    after = content(owner)
    assert {key for key in after if after[key]["status"] == "retired"} == {"streetlight L0", "streetlight L1"}
    gone = after["streetlight L0"]
    assert (gone["source_hash"], gone["identifiers"], gone["name"]) == ("0", [], None)
    assert gone["code"] == before["streetlight L0"]["code"]
    slices = column(owner, "SELECT status FROM twin.asset_version WHERE source_key = 'L0'")
    assert set(slices) == {"in_service"}
    feed = column(owner, "SELECT load_id FROM twin.change ORDER BY number")
    assert feed[-1] == receipt.load


def test_what_is_retired_is_not_retired_again(owner: Connection, lit: str, tmp_path: Path) -> None:
    kept = numbered(40)[2:]
    assert mirrored(lit, tmp_path, kept).retired == 2
    again = mirrored(lit, tmp_path, kept)
    assert (counts(again), again.retired) == ((38, 0, 0, 38, 0), 0)
    assert column(owner, "SELECT count(*) FROM twin.change") == [2]


@pytest.mark.parametrize("mode", ["upsert", "mirror", "insert"])
def test_what_was_dropped_comes_back(owner: Connection, lit: str, tmp_path: Path, mode: str) -> None:
    before = content(owner)
    mirrored(lit, tmp_path, numbered(40)[1:])
    returned = load_into(lit, write_csv(tmp_path / "lamps.csv", numbered(1)), mode=mode, **ALL)
    assert counts(returned)[:3] == (1, 0, 1)
    assert content(owner)["streetlight L0"] == before["streetlight L0"]


def test_a_mirror_is_undone(owner: Connection, lit: str, tmp_path: Path) -> None:
    before = content(owner)
    only_retires = mirrored(lit, tmp_path, numbered(40)[1:])
    assert counts(only_retires) == (39, 0, 0, 39, 0)
    undone = undo_in(lit, only_retires.load)
    assert (counts(undone), undone.retired) == ((1, 0, 1, 0, 0), 0)
    assert content(owner) == before
    redone = undo_in(lit, undone.load)
    assert (counts(redone), living(owner)) == ((1, 0, 1, 0, 0), {f"L{n}" for n in range(1, 40)})
    assert counts(load_into(lit, write_csv(tmp_path / "lamps.csv", numbered(40)))) == (40, 0, 1, 39, 0)
    assert content(owner) == before


def test_rejected_rows_count_as_present(owner: Connection, lit: str, tmp_path: Path) -> None:
    rows = numbered(40)
    rows[0].update(lon=0, lat=0)
    rows[1]["id"] = "L2"
    receipt = mirrored(lit, tmp_path, rows)
    assert reasons(receipt) == {"geometry.null_island": 1, "key.duplicate": 1}
    assert receipt.retired == 1
    assert statuses(owner)["L1"] == "retired"
    assert len(living(owner)) == 39


def test_a_mirror_of_more_than_the_share_is_refused(owner: Connection, lit: str, tmp_path: Path) -> None:
    before = content_hash(owner)
    for dry_run in (True, False):
        with pytest.raises(RetiresTooMany) as told:
            mirrored(lit, tmp_path, numbered(37), dry_run=dry_run)
    assert "3 of 40 assets of lamps (streetlight), 7.5 %; at most 5 %" in str(told.value)
    assert content_hash(owner) == before
    assert mirrored(lit, tmp_path, numbered(38)).retired == 2
    with pytest.raises(RetiresTooMany):
        mirrored(lit, tmp_path, numbered(36))
    assert mirrored(lit, tmp_path, numbered(36), retire_up_to=5.3).retired == 2
    assert mirrored(lit, tmp_path, numbered(1), **ALL).retired == 35


def test_a_mirror_of_unknown_rows_is_refused(owner: Connection, lit: str, tmp_path: Path) -> None:
    before = content_hash(owner)
    nameless = numbered(40)
    nameless[3]["id"] = None
    with pytest.raises(KeysUnknown, match="of lamps"):
        mirrored(lit, tmp_path, nameless, **ALL)
    torn = write_csv(tmp_path / "lamps.csv", numbered(39))
    torn.write_text(torn.read_text(encoding="utf-8") + "L39,121.5\n", encoding="utf-8")
    with pytest.raises(KeysUnknown):
        load_into(lit, torn, mode="mirror")
    placed = [{name: row[name] for name in ("lon", "lat", "power")} for row in numbered(40)]
    with pytest.raises(KeyNeeded):
        mirrored(lit, tmp_path, placed, dataset="placed")
    assert content_hash(owner) == before


def test_a_mirror_keeps_to_its_dataset_and_kind(owner: Connection, lit: str, tmp_path: Path) -> None:
    load_into(lit, write_csv(tmp_path / "others.csv", lamps(3)))
    poles = [{"id": f"M{n}", "lon": 121.5, "lat": 31.2} for n in range(3)]
    load_into(lit, write_csv(tmp_path / "lamps.csv", poles), kind="manhole")
    receipt = mirrored(lit, tmp_path, numbered(1), **ALL)
    assert receipt.retired == 39
    assert column(owner, "SELECT count(*) FROM twin.asset WHERE status <> 'retired'") == [7]


def test_what_is_dropped_gives_up_its_identifiers_in_the_same_load(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    file = tmp_path / "cars.csv"
    load_into(pudong, write_csv(file, vehicles(vin(1), vin(2))), "vehicle")
    rekeyed = [{**vehicles(vin(1))[0], "id": "X"}, vehicles(None, vin(2))[1]]
    taken = load_into(pudong, write_csv(file, rekeyed), "vehicle", dry_run=True)
    assert reasons(taken) == {"identifier.taken": 1}
    receipt = load_into(pudong, write_csv(file, rekeyed), "vehicle", mode="mirror", **ALL)
    assert (counts(receipt), receipt.retired) == ((2, 1, 0, 1, 0), 1)
    bearer = column(
        owner,
        "SELECT a.source_key FROM twin.identifier i JOIN twin.asset a USING (code)"
        " WHERE i.value = %s AND i.valid_to IS NULL",
        vin(1),
    )
    assert bearer == ["X"]


def test_changes_retire_change_and_add(owner: Connection, lit: str, tmp_path: Path) -> None:
    before = content(owner)
    rows = numbered(41)
    said: list[Row] = [
        {**rows[0], "op": "D"},
        {**rows[1], "op": "U", "power": 999},
        {**rows[40], "op": "I"},
        {**rows[2], "op": " delete "},
        {"id": "X", "op": "D"},
    ]
    receipt = changes(lit, tmp_path / "changes.csv", said)
    assert (counts(receipt), receipt.retired) == ((5, 1, 3, 0, 1), 2)
    assert reasons(receipt) == {"delete.unknown": 1}
    assert receipt.mapping["delete"] == "op"
    assert "op" not in receipt.unmapped
    assert living(owner) == {f"L{n}" for n in range(41)} - {"L0", "L2"}
    again = changes(lit, tmp_path / "changes.csv", said)
    assert (counts(again), again.retired) == ((5, 0, 0, 4, 1), 0)
    undo_in(lit, receipt.load)
    after = content(owner)
    assert {key: state for key, state in after.items() if key in before} == before
    assert counts(changes(lit, tmp_path / "changes.csv", said)) == (5, 0, 4, 0, 1)


def test_what_changes_deleted_comes_back(owner: Connection, lit: str, tmp_path: Path) -> None:
    before = content(owner)
    row = numbered(1)[0]
    changes(lit, tmp_path / "changes.csv", [{**row, "op": "D"}])
    assert counts(changes(lit, tmp_path / "changes.csv", [{**row, "op": "I"}])) == (1, 0, 1, 0, 0)
    after = content(owner)["streetlight L0"]
    assert {**after, "source_hash": ""} == {**before["streetlight L0"], "source_hash": ""}


def test_the_mapping_says_what_is_deleted(owner: Connection, lit: str, tmp_path: Path) -> None:
    mapping = tmp_path / "m.toml"
    mapping.write_text('key = "id"\n[delete]\ncolumn = "状态码"\nvalues = [9, "删除"]\n', encoding="utf-8")
    rows = [{**row, "状态码": said} for row, said in zip(numbered(4), ("9", "1", "删除", None), strict=True)]
    receipt = changes(lit, tmp_path / "changes.csv", rows, mapping=mapping)
    assert (counts(receipt), receipt.retired) == ((4, 0, 2, 2, 0), 2)
    assert not living(owner) & {"L0", "L2"}
    with pytest.raises(DeleteFlagAlone, match="--mode upsert would load them"):
        load_into(lit, tmp_path / "changes.csv", mapping=mapping, dataset="lamps")


def test_changes_that_cannot_be_told_are_refused(owner: Connection, lit: str, tmp_path: Path) -> None:
    before = content_hash(owner)
    path = tmp_path / "changes.csv"
    with pytest.raises(DeleteFlagMissing, match="Columns: id, lon"):
        changes(lit, path, numbered(2))
    with pytest.raises(DeleteFlagMissing, match="Columns: op, 删除标志"):
        changes(lit, path, [{**row, "op": "D", "删除标志": "是"} for row in numbered(2)])
    with pytest.raises(RetiresTooMany):
        changes(lit, path, [{**row, "op": "D"} for row in numbered(3)], retire_up_to=5.0)
    with pytest.raises(KeyNeeded):
        changes(lit, path, [{"lon": 121.5, "lat": 31.2, "op": "D"}])
    with pytest.raises(ChoiceUnknown, match="upsert, insert, mirror, delta"):
        load_into(lit, path, mode="replace")
    with pytest.raises(RetireUpToInvalid):
        load_into(lit, path, mode="mirror", retire_up_to=float("nan"))
    assert content_hash(owner) == before


def test_the_command_and_the_manifest_take_modes(owner: Connection, lit: str, tmp_path: Path) -> None:
    file = str(write_csv(tmp_path / "lamps.csv", numbered(30)))
    refused = twin(lit, "load", file, "--kind", "streetlight", "--mode", "mirror")
    assert refused.returncode == 1
    assert "[mode.retires_too_many]" in refused.stderr
    told = twin(lit, "load", file, "--kind", "streetlight", "--mode", "mirror", "--retire-up-to", "25")
    assert told.returncode == 0, told.stderr
    assert "Retired, because the source dropped them: 10." in told.stdout
    shown = json.loads(twin(lit, "loads", "show", "2", "--json").stdout)
    assert (shown["mode"], shown["retired"], shown["read"]) == ("mirror", 10, 30)
    (tmp_path / "city.toml").write_text(
        '[[loads]]\nfile = "lamps.csv"\nkind = "streetlight"\nmode = "mirror"\nretire_up_to = 50\n',
        encoding="utf-8",
    )
    write_csv(tmp_path / "lamps.csv", numbered(20))
    city = twin(lit, "load", str(tmp_path), "--json")
    assert city.returncode == 0, city.stderr
    assert json.loads(city.stdout)["loads"][0]["retired"] == 10
