"""Rows that seem to be there already: under another key in the same file, or as another dataset's asset."""

from __future__ import annotations

from pathlib import Path

import psycopg

from tests.loading import column, counts, lamps, load_into, reasons, warned, write_csv

Connection = psycopg.Connection
FAR = "POLYGON((121.51 31.2,121.511 31.2,121.511 31.201,121.51 31.201,121.51 31.2))"
HALL = "POLYGON((121.5 31.2,121.501 31.2,121.501 31.201,121.5 31.201,121.5 31.2))"
HALL_AGAIN = "POLYGON((121.50005 31.2,121.501 31.2,121.501 31.201,121.50005 31.201,121.50005 31.2))"
HALF = "POLYGON((121.5 31.2,121.5005 31.2,121.5005 31.201,121.5 31.201,121.5 31.2))"
METRE = 1 / 111_320


def twins() -> list[dict[str, object]]:
    """Four lamps, and L1 and L2 again as X1 and X2; X3 has L3's place and another power."""
    rows = [{**row, "side": "left"} for row in lamps(4)]
    return [*rows, {**rows[1], "id": "X1"}, {**rows[2], "id": "X2"}, {**rows[3], "id": "X3", "side": "right"}]


def test_a_row_that_is_there_twice_is_told(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "lamps.csv", twins())
    receipt = load_into(pudong, file)
    assert (counts(receipt), warned(receipt)) == ((7, 7, 0, 0, 0), {"row.twin": 2})
    first = receipt.warnings.kept[0]
    assert (first.row, first.key, first.facts) == (5, "X1", {"first": "2"})
    again = load_into(pudong, file)
    assert (counts(again), warned(again)) == ((7, 0, 0, 7, 0), {})


def test_a_row_that_is_there_twice_may_be_rejected(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "lamps.csv", twins())
    for outcome in ((7, 5, 0, 0, 2), (7, 0, 0, 5, 2)):
        receipt = load_into(pudong, file, on_suspect="reject")
        assert (counts(receipt), reasons(receipt), warned(receipt)) == (outcome, {"row.twin": 2}, {})
    assert set(column(owner, "SELECT source_key FROM twin.asset")) == {"L0", "L1", "L2", "L3", "X3"}


def test_twins_are_told_across_batches(owner: Connection, pudong: str, tmp_path: Path) -> None:
    count = 150_000
    rows = [*lamps(count), {**lamps(1)[0], "id": "X"}]
    receipt = load_into(pudong, write_csv(tmp_path / "lamps.csv", rows), dry_run=True)
    assert warned(receipt) == {"row.twin": 1}
    assert receipt.warnings.kept[0].row == count + 1


def test_rows_without_a_place_are_no_twins(owner: Connection, pudong: str, tmp_path: Path) -> None:
    rows = [{"id": f"V{n}", "name": "车", "lon": None, "lat": None} for n in range(3)]
    receipt = load_into(pudong, write_csv(tmp_path / "cars.csv", rows), "vehicle")
    assert (receipt.new, "row.twin" in warned(receipt)) == (3, False)


def named(*rows: tuple[str, str, float, str]) -> list[dict[str, object]]:
    return [
        {"id": key, "name": name, "lon": 121.5, "lat": 31.2 + metres * METRE, "pole_number": pole}
        for key, name, metres, pole in rows
    ]


def test_a_lamp_of_another_dataset_is_suspected(owner: Connection, pudong: str, tmp_path: Path) -> None:
    load_into(
        pudong, write_csv(tmp_path / "a.csv", named(("A", "Gate", 0, "P1"), ("B", "Bridge", 100, "P2")))
    )
    codes: dict[str, str] = dict(owner.execute("SELECT source_key, code FROM twin.asset").fetchall())
    rows = named(
        ("1", "gate", 4.5, ""),
        ("2", "gate", 5.5, ""),
        ("3", "Other", 0, ""),
        ("4", "", 98, "P2"),
        ("5", "", 0, "P2"),
    )
    other = write_csv(tmp_path / "b.csv", rows)
    dry = load_into(pudong, other, on_suspect="reject", dry_run=True)
    rejected = load_into(pudong, other, on_suspect="reject")
    assert counts(dry) == counts(rejected) == (5, 3, 0, 0, 2)
    told = {one.key: (one.field, one.value, one.facts["other"]) for one in rejected.rejections.kept}
    assert told == {"1": ("name", "gate", codes["A"]), "4": ("pole_number", "P2", codes["B"])}
    loaded = load_into(pudong, other)
    assert (counts(loaded), warned(loaded)["asset.suspected"]) == ((5, 2, 0, 3, 0), 2)
    assert {one.key for one in loaded.warnings.kept if one.reason == "asset.suspected"} == {"1", "4"}
    assert counts(load_into(pudong, other, on_suspect="reject")) == (5, 0, 0, 5, 0)


def test_what_is_retired_or_of_another_kind_is_not_suspected(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    rows = [{**row, "status": "retired"} for row in named(("A", "Gate", 0, "P1"))]
    load_into(pudong, write_csv(tmp_path / "a.csv", rows))
    load_into(pudong, write_csv(tmp_path / "m.csv", named(("M", "Gate", 0, "P1"))), "manhole")
    assert column(owner, "SELECT status FROM twin.asset ORDER BY kind") == ["in_service", "retired"]
    receipt = load_into(pudong, write_csv(tmp_path / "b.csv", named(("1", "Gate", 0, "P1"))))
    assert (receipt.new, "asset.suspected" in warned(receipt)) == (1, False)


def test_a_footprint_of_another_dataset_is_suspected(owner: Connection, pudong: str, tmp_path: Path) -> None:
    def halls(*shapes: str) -> list[dict[str, object]]:
        return [{"id": f"{n}", "name": "Hall", "wkt": f'"{shape}"'} for n, shape in enumerate(shapes)]

    load_into(pudong, write_csv(tmp_path / "a.csv", halls(HALL)), "building", crs="EPSG:4326")
    file = write_csv(tmp_path / "b.csv", halls(HALL_AGAIN, HALF, FAR))
    receipt = load_into(pudong, file, "building", crs="EPSG:4326")
    assert receipt.new == 3
    assert [one.key for one in receipt.warnings.kept if one.reason == "asset.suspected"] == ["0"]


def test_roads_of_another_dataset_are_suspected(owner: Connection, pudong: str, tmp_path: Path) -> None:
    def roads(*shifts: float) -> list[dict[str, object]]:
        lines = (f'"LINESTRING(121.5 {31.2 + m * METRE},121.51 {31.2 + m * METRE})"' for m in shifts)
        return [{"id": f"{n}", "name": "Century Avenue", "wkt": line} for n, line in enumerate(lines)]

    load_into(pudong, write_csv(tmp_path / "a.csv", roads(0)), "road", crs="EPSG:4326")
    receipt = load_into(pudong, write_csv(tmp_path / "b.csv", roads(4, 20)), "road", crs="EPSG:4326")
    assert [one.key for one in receipt.warnings.kept if one.reason == "asset.suspected"] == ["0"]
