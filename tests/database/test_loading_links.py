"""Two departments describe one asset: a suspected row is its further source, and who decides which field."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
import pytest

from loaders.errors import MappingInvalid, NothingToUndo, OwnsClash, OwnsUnknown, RetiresTooMany
from loaders.receipt import Receipt
from loaders.undo import undo
from tests.loading import (
    USED_CODES,
    column,
    content_hash,
    counts,
    lamps,
    load_into,
    reasons,
    vin,
    warned,
    write_csv,
)

Connection = psycopg.Connection

LINKED = "SELECT source_key FROM twin.source WHERE recorded_to IS NULL ORDER BY 1"
FIRST = {"id": "A", "name": "Gate", "lon": 121.5, "lat": 31.2, "power": 100, "owner": "", "pole_height": ""}
SECOND = {
    **FIRST,
    "id": "1",
    "name": "gate",
    "lat": 31.20001,
    "power": 90,
    "owner": "Parks",
    "pole_height": 8,
}


def roads(url: str, folder: Path, *rows: Mapping[str, object], **options: Any) -> Receipt:
    """Load what the department that came first says."""
    return load_into(url, write_csv(folder / "roads.csv", rows or [FIRST]), **options)


def parks(url: str, folder: Path, *rows: Mapping[str, object], **options: Any) -> Receipt:
    """Load what the other department says, linking what it shares with the first."""
    file = write_csv(folder / "parks.csv", rows or [SECOND])
    return load_into(url, file, **{"on_suspect": "link", **options})


def asset(owner: Connection) -> dict[str, Any]:
    """The one asset that there is."""
    (key,) = column(owner, "SELECT source_key FROM twin.asset")
    return asset_of(owner, key)


def asset_of(owner: Connection, key: str) -> dict[str, Any]:
    """The asset that was registered under a key."""
    (found,) = owner.execute(
        "SELECT name, owner, attributes, st_y(geom), status FROM twin.asset WHERE source_key = %s", (key,)
    ).fetchall()
    name, held_by, attributes, lat, status = found
    return {**attributes, "name": name, "owner": held_by, "lat": lat, "status": status}


def undone(url: str, receipt: Receipt, **options: Any) -> Receipt:
    assert receipt.load is not None
    with mock.patch.dict(os.environ, {"TWIN_DATABASE_URL": url}):
        return undo(receipt.load, **options)


def test_a_suspected_row_becomes_a_further_source(owner: Connection, pudong: str, tmp_path: Path) -> None:
    roads(pudong, tmp_path)
    (code,) = column(owner, "SELECT code FROM twin.asset")
    before = content_hash(owner)
    dry = parks(pudong, tmp_path, dry_run=True)
    assert content_hash(owner) == before
    used = owner.execute(USED_CODES).fetchall()
    real = parks(pudong, tmp_path)
    assert owner.execute(USED_CODES).fetchall() == used
    assert counts(dry) == counts(real) == (1, 0, 1, 0, 0)
    assert warned(dry) == warned(real) == {"asset.linked": 1}
    assert dry.linked == real.linked == 1
    (told,) = real.warnings.kept
    assert (told.key, told.field, told.facts["other"]) == ("1", "name", code)
    assert column(owner, "SELECT code FROM twin.source") == [code]
    # What was empty is filled; the rest stays as the first department says it.
    known = {"name": "Gate", "owner": "Parks", "power": 100, "pole_height": 8, "lat": 31.2}
    assert known.items() <= asset(owner).items()
    assert column(owner, "SELECT count(*) FROM twin.asset_version") == [2]


def test_a_linked_row_is_found_again(owner: Connection, pudong: str, tmp_path: Path) -> None:
    roads(pudong, tmp_path)
    parks(pudong, tmp_path)
    for suspect in ("link", "load", "reject"):
        again = parks(pudong, tmp_path, on_suspect=suspect)
        assert (counts(again), warned(again), again.linked) == ((1, 0, 0, 1, 0), {}, 0)
    assert counts(roads(pudong, tmp_path)) == (1, 0, 0, 1, 0)
    assert counts(parks(pudong, tmp_path, {**SECOND, "power": 80})) == (1, 0, 0, 1, 0)
    changed = parks(pudong, tmp_path, {**SECOND, "pole_height": 9, "power": 80})
    assert (counts(changed), asset(owner)["pole_height"]) == ((1, 0, 1, 0, 0), 9)
    assert counts(parks(pudong, tmp_path, {**SECOND, "pole_height": 9, "power": 80})) == (1, 0, 0, 1, 0)
    assert reasons(parks(pudong, tmp_path, mode="insert")) == {"key.registered": 1}
    assert column(owner, LINKED) == ["1"]


def test_a_row_that_adds_nothing_is_linked_and_same(owner: Connection, pudong: str, tmp_path: Path) -> None:
    roads(pudong, tmp_path)
    row = {**SECOND, "owner": "", "pole_height": ""}
    before = column(owner, "SELECT recorded_from FROM twin.asset")
    for mode in ("insert", "upsert"):
        receipt = parks(pudong, tmp_path, row, mode=mode, dry_run=mode == "insert")
        assert (counts(receipt), receipt.linked) == ((1, 0, 0, 1, 0), 1)
    assert column(owner, LINKED) == ["1"]
    assert column(owner, "SELECT recorded_from FROM twin.asset") == before
    assert counts(parks(pudong, tmp_path, row)) == (1, 0, 0, 1, 0)


def test_the_first_of_two_rows_is_linked(owner: Connection, pudong: str, tmp_path: Path) -> None:
    roads(pudong, tmp_path)
    both = parks(pudong, tmp_path, SECOND, {**SECOND, "id": "2", "power": 70})
    assert (counts(both), warned(both)) == ((2, 1, 1, 0, 0), {"asset.linked": 1, "asset.suspected": 1})
    assert column(owner, LINKED) == ["1"]
    third = parks(pudong, tmp_path, SECOND, {**SECOND, "id": "3", "power": 60})
    assert (counts(third), warned(third)) == ((2, 1, 0, 1, 0), {"asset.suspected": 1})
    assert column(owner, LINKED) == ["1"]


def test_neighbours_of_one_name_are_linked_by_distance(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    metre = 1 / 111_320
    first = [{**FIRST, "id": key, "lat": 31.2 + metres * metre} for key, metres in (("A", 0), ("B", 4))]
    second = [{**SECOND, "id": key, "lat": 31.2 + metres * metre} for key, metres in (("1", 3.5), ("2", 0.5))]
    roads(pudong, tmp_path, *first)
    assert parks(pudong, tmp_path, *second).linked == 2
    pairs = owner.execute(
        "SELECT a.source_key, l.source_key FROM twin.source l JOIN twin.asset a USING (code) ORDER BY 1"
    ).fetchall()
    assert pairs == [("A", "2"), ("B", "1")]


def test_vehicles_are_linked_by_what_is_unique_in_the_world(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    first = [{"id": "A", "vin": vin(1), "plate": "", "make": "红旗"}]
    second = [{"id": "1", "vin": vin(1), "plate": "沪A12345", "make": "Hongqi"}]
    load_into(pudong, write_csv(tmp_path / "a.csv", first), "vehicle")
    file = write_csv(tmp_path / "b.csv", second)
    assert reasons(load_into(pudong, file, "vehicle")) == {"identifier.taken": 1}
    receipt = load_into(pudong, file, "vehicle", on_suspect="link")
    assert (counts(receipt), receipt.linked) == ((1, 0, 1, 0, 0), 1)
    borne = "SELECT value FROM twin.identifier WHERE valid_to IS NULL ORDER BY scheme"
    assert column(owner, borne) == ["沪A12345", vin(1)]
    # The first department, which has no plates, does not take the plate away; the second one may.
    first[0]["make"] = "比亚迪"
    assert load_into(pudong, write_csv(tmp_path / "a.csv", first), "vehicle").changed == 1
    assert column(owner, borne) == ["沪A12345", vin(1)]
    second[0]["plate"] = "沪A54321"
    load_into(pudong, write_csv(tmp_path / "b.csv", second), "vehicle")
    assert column(owner, borne) == ["沪A54321", vin(1)]


def test_children_find_a_parent_by_the_key_of_a_further_source(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    hall = '"POLYGON((121.5 31.2,121.501 31.2,121.501 31.201,121.5 31.201,121.5 31.2))"'
    for file, key in (("a", "A"), ("b", "B-1")):
        rows = [{"id": key, "name": "Hall", "wkt": hall}]
        csv = write_csv(tmp_path / f"{file}.csv", rows)
        load_into(pudong, csv, "building", crs="EPSG:4326", on_suspect="link")
    lifts = [{"id": "E", "parent": "B-1", "lon": 121.6, "lat": 31.3}]
    receipt = load_into(pudong, write_csv(tmp_path / "lifts.csv", lifts), "elevator")
    assert "parent.unknown" not in warned(receipt)
    assert owner.execute(
        "SELECT p.source_key FROM twin.asset e JOIN twin.asset p ON p.code = e.parent"
    ).fetchall() == [("A",)]


def test_what_was_filled_stays_until_the_first_dataset_says_it(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    roads(pudong, tmp_path)
    parks(pudong, tmp_path)
    roads(pudong, tmp_path, {**FIRST, "power": 110})
    assert asset(owner)["pole_height"] == 8 and asset(owner)["power"] == 110
    roads(pudong, tmp_path, {**FIRST, "pole_height": 7})
    assert asset(owner)["pole_height"] == 7
    parks(pudong, tmp_path, {**SECOND, "pole_height": 9, "owner": "Gardens"})
    assert asset(owner)["pole_height"] == 7 and asset(owner)["owner"] == "Gardens"
    parks(pudong, tmp_path, {**SECOND, "owner": ""})
    assert asset(owner)["owner"] is None


def test_a_linked_dataset_decides_what_it_owns(owner: Connection, pudong: str, tmp_path: Path) -> None:
    roads(pudong, tmp_path)
    mapping = tmp_path / "parks.toml"
    mapping.write_text('owns = ["power", "geometry"]\n', encoding="utf-8")
    parks(pudong, tmp_path, mapping=mapping)
    assert (asset(owner)["power"], asset(owner)["lat"], asset(owner)["name"]) == (90, 31.20001, "Gate")
    # The first one no longer decides these, and both keep to it without the mapping.
    again = roads(pudong, tmp_path, {**FIRST, "power": 120, "lat": 31.3, "name": "North Gate"})
    assert counts(again) == (1, 0, 1, 0, 0)
    assert (asset(owner)["power"], asset(owner)["lat"], asset(owner)["name"]) == (90, 31.20001, "North Gate")
    assert counts(roads(pudong, tmp_path, {**FIRST, "power": 130, "name": "North Gate"})) == (1, 0, 0, 1, 0)
    assert counts(parks(pudong, tmp_path, {**SECOND, "power": 60})) == (1, 0, 1, 0, 0)
    assert asset(owner)["power"] == 60


def test_what_is_no_longer_owned_goes_back(owner: Connection, pudong: str, tmp_path: Path) -> None:
    roads(pudong, tmp_path)
    parks(pudong, tmp_path, owns=("power",))
    assert asset(owner)["power"] == 90
    assert counts(roads(pudong, tmp_path)) == (1, 0, 0, 1, 0)
    parks(pudong, tmp_path, owns=())
    assert counts(roads(pudong, tmp_path)) == (1, 0, 1, 0, 0)
    assert asset(owner)["power"] == 100


def test_what_the_first_dataset_owns_nobody_fills(owner: Connection, pudong: str, tmp_path: Path) -> None:
    roads(pudong, tmp_path, owns=("pole_height",))
    parks(pudong, tmp_path)
    assert "pole_height" not in asset(owner) and asset(owner)["owner"] == "Parks"


def test_two_datasets_cannot_own_one_field(owner: Connection, pudong: str, tmp_path: Path) -> None:
    roads(pudong, tmp_path, owns=("power", "name"))
    before = content_hash(owner)
    for dry_run in (True, False):
        with pytest.raises(OwnsClash, match="Both parks and roads own power") as caught:
            parks(pudong, tmp_path, owns=("power",), dry_run=dry_run)
        assert caught.value.code == "owns.clash"
        assert content_hash(owner) == before
    parks(pudong, tmp_path)
    third = write_csv(tmp_path / "third.csv", [{**SECOND, "id": "T"}])
    load_into(pudong, third, on_suspect="link", owns=("pole_height",))
    with pytest.raises(OwnsClash, match="Both parks and third own pole_height"):
        parks(pudong, tmp_path, owns=("pole_height",))
    with pytest.raises(OwnsClash, match="Both roads and third own pole_height"):
        roads(pudong, tmp_path, owns=("pole_height",))


def test_datasets_that_share_nothing_may_own_the_same(owner: Connection, pudong: str, tmp_path: Path) -> None:
    roads(pudong, tmp_path, owns=("power",))
    receipt = parks(pudong, tmp_path, {**SECOND, "lat": 31.25}, owns=("power",))
    assert counts(receipt) == (1, 1, 0, 0, 0)
    owned = owner.execute("SELECT fields FROM twin.ownership ORDER BY dataset_id").fetchall()
    assert owned == [(["power"],), (["power"],)]


def test_fields_that_nobody_can_own_are_named(pudong: str, tmp_path: Path) -> None:
    for name, nearest in (("heigth", "pole_height"), ("accuracy", ""), ("code", "")):
        with pytest.raises(OwnsUnknown, match=f"own {name} of a streetlight.*{nearest}"):
            roads(pudong, tmp_path, owns=(name,))
    mapping = tmp_path / "m.toml"
    mapping.write_text('owns = "power"\n', encoding="utf-8")
    with pytest.raises(MappingInvalid, match="owns must be a list of fields"):
        roads(pudong, tmp_path, mapping=mapping)


def test_a_mirror_ends_links_and_retires_nothing_of_others(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    roads(pudong, tmp_path)
    far = {**SECOND, "id": "2", "lat": 31.25}
    parks(pudong, tmp_path, SECOND, far)
    with pytest.raises(RetiresTooMany):
        parks(pudong, tmp_path, far, mode="mirror")
    dry = parks(pudong, tmp_path, far, mode="mirror", retire_up_to=100.0, dry_run=True)
    real = parks(pudong, tmp_path, far, mode="mirror", retire_up_to=100.0)
    for receipt in (dry, real):
        assert (counts(receipt), receipt.retired, receipt.unlinked) == ((1, 0, 0, 1, 0), 0, 1)
    assert column(owner, LINKED) == []
    assert column(owner, "SELECT status FROM twin.asset") == ["in_service"] * 2
    back = parks(pudong, tmp_path, SECOND, far, mode="mirror")
    assert (counts(back), back.linked) == ((2, 0, 0, 2, 0), 1)


def test_a_mirror_gives_a_link_to_a_new_key(owner: Connection, pudong: str, tmp_path: Path) -> None:
    roads(pudong, tmp_path)
    parks(pudong, tmp_path)
    receipt = parks(pudong, tmp_path, {**SECOND, "id": "9"}, mode="mirror", retire_up_to=100.0)
    assert (receipt.linked, receipt.unlinked, receipt.new) == (1, 1, 0)
    assert column(owner, LINKED) == ["9"]


def test_a_file_of_changes_ends_a_link(owner: Connection, pudong: str, tmp_path: Path) -> None:
    roads(pudong, tmp_path)
    parks(pudong, tmp_path)
    receipt = parks(pudong, tmp_path, {**SECOND, "op": "D"}, mode="delta", retire_up_to=100.0)
    assert (counts(receipt), receipt.unlinked) == ((1, 0, 0, 1, 0), 1)
    assert (column(owner, LINKED), asset(owner)["status"]) == ([], "in_service")


def test_who_registered_an_asset_retires_it_unless_another_owns_its_status(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    other = {**FIRST, "id": "B", "lat": 31.25}
    roads(pudong, tmp_path, FIRST, other)
    parks(pudong, tmp_path, owns=("status",))
    kept = roads(pudong, tmp_path, other, mode="mirror", retire_up_to=100.0)
    assert (kept.retired, column(owner, "SELECT DISTINCT status FROM twin.asset")) == (0, ["in_service"])
    parks(pudong, tmp_path, owns=())
    gone = roads(pudong, tmp_path, other, mode="mirror", retire_up_to=100.0)
    assert (gone.retired, column(owner, LINKED)) == (1, ["1"])
    back = roads(pudong, tmp_path, {**FIRST, "pole_height": 5}, other, mode="mirror")
    assert counts(back) == (2, 0, 1, 1, 0)


def test_undoing_takes_links_back(owner: Connection, pudong: str, tmp_path: Path) -> None:
    roads(pudong, tmp_path)
    first = asset(owner)
    second = {**SECOND, "id": "2", "lat": 31.25}
    linking = parks(pudong, tmp_path, SECOND, second, owns=("power",))
    after = asset_of(owner, "A")
    dry = undone(pudong, linking, dry_run=True)
    taken_back = undone(pudong, linking)
    for receipt in (dry, taken_back):
        assert (receipt.read, receipt.changed, receipt.retired) == (2, 2, 1)
    assert (column(owner, LINKED), asset_of(owner, "A")) == ([], first)
    # Undoing that links it again, and the next load finds it by its key.
    assert undone(pudong, taken_back).changed == 2
    assert (column(owner, LINKED), asset_of(owner, "A")) == (["1"], after)
    assert counts(parks(pudong, tmp_path, SECOND, second)) == (2, 0, 0, 2, 0)


def test_undoing_a_load_that_only_linked(owner: Connection, pudong: str, tmp_path: Path) -> None:
    roads(pudong, tmp_path)
    row = {**SECOND, "owner": "", "pole_height": ""}
    linking = parks(pudong, tmp_path, row)
    receipt = undone(pudong, linking)
    assert (receipt.read, receipt.changed, receipt.retired) == (1, 1, 0)
    assert column(owner, LINKED) == []
    assert parks(pudong, tmp_path, row).linked == 1
    with pytest.raises(NothingToUndo):
        undone(pudong, parks(pudong, tmp_path, row))


def test_undoing_a_mirror_gives_the_link_back(owner: Connection, pudong: str, tmp_path: Path) -> None:
    roads(pudong, tmp_path)
    far = {**SECOND, "id": "2", "lat": 31.25}
    parks(pudong, tmp_path, SECOND, far)
    mirrored = parks(pudong, tmp_path, far, mode="mirror", retire_up_to=100.0)
    undone(pudong, mirrored)
    assert column(owner, LINKED) == ["1"]
    assert counts(parks(pudong, tmp_path, SECOND, far)) == (2, 0, 0, 2, 0)


def test_an_asset_that_others_are_linked_to_is_not_undone(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    first = roads(pudong, tmp_path)
    linking = parks(pudong, tmp_path, {**SECOND, "owner": "", "pole_height": ""})
    receipt = undone(pudong, first)
    assert (reasons(receipt), receipt.load) == ({"undo.changed_since": 1}, None)
    assert receipt.rejections.kept[0].facts["by"] == f"Load {linking.load}"
    undone(pudong, linking)
    assert undone(pudong, first).retired == 1


def test_links_come_in_batches(owner: Connection, pudong: str, tmp_path: Path) -> None:
    roads(pudong, tmp_path, *({**row, "name": f"Lamp {row['id']}"} for row in lamps(7)))
    rows = [{**row, "id": f"X{n}", "name": f"Lamp L{n}", "arms": 2} for n, row in enumerate(lamps(9))]
    receipt = parks(pudong, tmp_path, *rows, batch=3)
    assert (counts(receipt), receipt.linked) == ((9, 2, 7, 0, 0), 7)
    undone(pudong, receipt)
    assert column(owner, LINKED) == []
    assert column(owner, "SELECT DISTINCT status FROM twin.asset WHERE attributes ? 'arms'") == ["retired"]


def test_a_rejected_row_is_not_linked(owner: Connection, pudong: str, tmp_path: Path) -> None:
    plates = ("沪A11111", "沪A22222")
    first = [{"id": f"V{n}", "vin": vin(n), "plate": plate} for n, plate in enumerate(plates)]
    load_into(pudong, write_csv(tmp_path / "a.csv", first), "vehicle")
    # The one number is V0's, the other is V1's: nobody knows which is meant.
    second = [{"id": "1", "vin": vin(0), "plate": "沪A22222"}]
    receipt = load_into(pudong, write_csv(tmp_path / "b.csv", second), "vehicle", on_suspect="link")
    assert (reasons(receipt), receipt.linked, column(owner, LINKED)) == ({"identifier.taken": 1}, 0, [])
