"""Loads in batches: each is registered by itself, and one that stopped goes on where it stopped."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from commands import twin

from loaders.coding import Coder
from loaders.receipt import Receipt
from tests.loading import column, counts, halted_in, lamps, load_into, reasons, vehicles, vin, write_csv
from twin.registry.codes import Reservation
from twin.registry.divisions import set_home

Connection = psycopg.Connection
ROWS = 50


@pytest.fixture
def halted(pudong: str) -> Callable[..., None]:
    """Loads in batches and stops when the registry holds so many."""
    return partial(halted_in, pudong)


def mixed() -> list[dict[str, object]]:
    """Lamps of which some lie nowhere, and some come twice, far from one another."""
    rows = lamps(ROWS)
    for number in (3, 4, 27, 41):
        rows[number] = {**rows[number], "lon": 0, "lat": 0}
    for number, first in ((15, 2), (33, 2), (48, 12)):
        rows[number] = {**rows[number], "id": f"L{first}"}
    return rows


def held(connection: Connection) -> list[Any]:
    """What the registry holds of the lamps."""
    return connection.execute(
        "SELECT source_key, row_number, attributes, geom, cell, status, source_hash"
        " FROM twin.asset ORDER BY 1, 2"
    ).fetchall()


def told(receipt: Receipt) -> dict[str, object]:
    """What a receipt tells of the rows."""
    said = receipt.as_json()
    names = ("read", "new", "changed", "same", "rejected", "reasons", "rejections", "warning_reasons")
    return {name: said[name] for name in names}


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.slow), 7, 10, 25, 49, 50, 51, 1_000_000])
def test_batches_come_to_what_one_load_comes_to(
    size: int, owner: Connection, pudong: str, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "lamps.csv", mixed())
    whole = load_into(pudong, file, dry_run=True)
    parted = load_into(pudong, file, batch=size)
    assert told(parted) == told(whole)
    assert counts(parted) == (50, 43, 0, 0, 7)
    moments = column(owner, "SELECT cardinality(moments) FROM twin.load")
    assert moments == [ROWS // size + 1]
    assert column(owner, "SELECT stands FROM twin.load") == [None]
    again = load_into(pudong, file, batch=size)
    assert counts(again) == (50, 0, 0, 43, 7)


def test_a_load_that_stopped_goes_on(
    owner: Connection, pudong: str, tmp_path: Path, halted: Callable[..., None]
) -> None:
    file = write_csv(tmp_path / "lamps.csv", mixed())
    halted(file, batches=2)
    number, read, new, rejected = owner.execute("SELECT id, read, new, rejected FROM twin.load").fetchone()
    assert (read, new, rejected) == (20, 17, 3)
    assert column(owner, "SELECT count(*) FROM twin.asset") == [17]
    listed = json.loads(twin(pudong, "loads", "--json").stdout)
    assert [one["unfinished"] for one in listed] == [True]
    assert "unfinished" in twin(pudong, "loads").stdout
    assert "未完成" in twin(pudong, "loads", lang="zh").stdout
    rejects = tmp_path / "rejects.csv"
    command = ("load", str(file), "--kind", "streetlight", "--batch", "20", "--resume")
    ended = twin(pudong, *command, "--rejects", str(rejects), "--json")
    assert ended.returncode == 0, ended.stderr
    receipt = json.loads(ended.stdout)
    assert [receipt[name] for name in ("read", "new", "changed", "same", "rejected")] == [50, 43, 0, 0, 7]
    assert receipt["load"] == number
    assert receipt["notes"][-1] == "load.resumed"
    assert column(owner, "SELECT count(DISTINCT load_id) FROM twin.asset") == [1]
    with rejects.open(encoding="utf-8-sig", newline="") as opened:
        left_out = {row["twin_row"]: row["twin_why"] for row in csv.DictReader(opened)}
    assert left_out == {
        **dict.fromkeys(("4", "5", "28", "42"), "geometry.null_island"),
        **dict.fromkeys(("16", "34", "49"), "key.duplicate"),
    }
    assert column(owner, "SELECT count(*) FROM twin.load_rejection") == [0]
    finished = held(owner)
    assert json.loads(twin(pudong, "loads", "--json").stdout)[0]["unfinished"] is False
    assert counts(load_into(pudong, file, dataset="whole")) == (50, 43, 0, 0, 7)
    whole = [row for row in held(owner) if row in finished]
    assert len(whole) == 2 * 43


def test_a_reload_that_stopped_goes_on_and_is_undone_whole(
    owner: Connection, pudong: str, tmp_path: Path, halted: Callable[..., None]
) -> None:
    file = write_csv(tmp_path / "v.csv", vehicles(*map(vin, range(20))))
    load_into(pudong, file, "vehicle")
    before = held(owner), column(owner, "SELECT value FROM twin.identifier WHERE valid_to IS NULL ORDER BY 1")
    rows = vehicles(*map(vin, range(100, 130)))
    other = [{**row, "plate": f"沪A{10_000 + n}"} for n, row in enumerate(rows)]
    write_csv(file, other)
    halted(file, batches=1, kind="vehicle")
    ended = load_into(pudong, file, "vehicle", batch=8, resume=True)
    assert counts(ended) == (30, 10, 20, 0, 0)
    assert column(owner, "SELECT count(*) FROM twin.identifier WHERE valid_to IS NULL") == [60]
    undone = twin(pudong, "loads", "undo", str(ended.load), "--json")
    assert undone.returncode == 0, undone.stderr
    assert (json.loads(undone.stdout)["changed"], json.loads(undone.stdout)["retired"]) == (30, 10)
    current = "SELECT value FROM twin.identifier WHERE valid_to IS NULL ORDER BY 1"
    kept = [row for row in held(owner) if row[5] != "retired"]
    assert [(row[0], row[2], row[6]) for row in kept] == [(row[0], row[2], row[6]) for row in before[0]]
    assert column(owner, current) == before[1]


def test_an_unfinished_load_can_be_undone_and_is_not_gone_on_with(
    owner: Connection, pudong: str, tmp_path: Path, halted: Callable[..., None]
) -> None:
    file = write_csv(tmp_path / "lamps.csv", lamps(30))
    halted(file, batches=2)
    assert twin(pudong, "loads", "undo", "1").returncode == 0
    assert column(owner, "SELECT DISTINCT status FROM twin.asset") == ["retired"]
    receipt = load_into(pudong, file, batch=10, resume=True)
    assert receipt.notes[-1] == "resume.nothing"
    assert (receipt.read, receipt.new + receipt.changed) == (30, 30)


def test_without_resume_it_begins_anew(
    owner: Connection, pudong: str, tmp_path: Path, halted: Callable[..., None]
) -> None:
    file = write_csv(tmp_path / "lamps.csv", mixed())
    halted(file, batches=2)
    assert counts(load_into(pudong, file)) == (50, 26, 0, 17, 7)
    assert column(owner, "SELECT stands IS NOT NULL FROM twin.load ORDER BY id") == [True, False]
    again = load_into(pudong, file, batch=10, resume=True)
    assert (again.notes[-1], counts(again)) == ("resume.nothing", (50, 0, 0, 43, 7))


@pytest.mark.parametrize("other", ["file", "option", "mapping", "division"])
def test_another_file_or_option_is_not_gone_on_with(
    other: str, owner: Connection, pudong: str, tmp_path: Path, halted: Callable[..., None]
) -> None:
    file = write_csv(tmp_path / "lamps.csv", lamps(30))
    halted(file, batches=2)
    options: list[str] = []
    if other == "file":
        write_csv(file, lamps(31))
    elif other == "option":
        options = ["--accuracy", "2"]
    elif other == "mapping":
        (tmp_path / "m.toml").write_text('key = "id"\n[fields]\nlon = "lon"\nlat = "lat"\n', encoding="utf-8")
        options = ["--mapping", str(tmp_path / "m.toml"), "--crs", "EPSG:4326"]
    else:
        set_home(owner, "310101")
    command = ("load", str(file), "--kind", "streetlight", "--batch", "10", *options)
    refused = twin(pudong, *command, "--resume")
    assert (refused.returncode, "[load.resume]" in refused.stderr) == (1, True), refused.stderr
    assert column(owner, "SELECT count(*) FROM twin.asset") == [20]
    assert twin(pudong, *command).returncode == 0


def test_what_stops_a_load_in_batches_is_told_with_what_is_registered(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "lamps.csv", lamps(30))
    with psycopg.connect(pudong, autocommit=True) as other, pytest.MonkeyPatch.context() as patch:
        from loaders.batches import Batches

        original = Batches.next

        def cut_off(self: Batches) -> None:
            original(self)
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'twin'"
            )

        patch.setattr(Batches, "next", cut_off)
        stopped = twin(pudong, "load", str(file), "--kind", "streetlight", "--batch", "10")
    assert stopped.returncode == 1
    assert "rows up to 10 are registered" in stopped.stderr
    assert stopped.stderr.rstrip().endswith("[load.unfinished]")
    assert counts(load_into(pudong, file, batch=10, resume=True)) == (30, 30, 0, 0, 0)


def test_a_file_that_changes_between_batches(owner: Connection, pudong: str, tmp_path: Path) -> None:
    from loaders.batches import Batches
    from loaders.snapshot import FileChangedLater

    file = write_csv(tmp_path / "lamps.csv", lamps(30))
    original = Batches.next

    def touched(self: Batches) -> None:
        original(self)
        with file.open("a", encoding="utf-8") as opened:
            opened.write("L99,121.5,31.2,60\n")

    with pytest.MonkeyPatch.context() as patch, pytest.raises(FileChangedLater, match="up to 10 "):
        patch.setattr(Batches, "next", touched)
        load_into(pudong, file, batch=10)
    assert column(owner, "SELECT count(*) FROM twin.asset") == [10]
    assert counts(load_into(pudong, file)) == (31, 21, 0, 10, 0)
    assert column(owner, "SELECT next FROM twin.code_sequence") == [
        31 + 1
    ]  # the second batch returned its codes


def test_codes_of_registered_batches_are_never_returned(
    owner: Connection, pudong: str, tmp_path: Path, halted: Callable[..., None]
) -> None:
    """Also where a batch is registered and nobody heard of that, or an earlier run registered some."""
    from loaders.staged import Staged

    file = write_csv(tmp_path / "lamps.csv", lamps(30))
    halted(file, batches=1)
    original = Staged.finish

    def unheard(self: Staged, *given: Any) -> None:
        original(self, *given)
        self.coder.reserved = reserved
        raise KeyboardInterrupt

    def reserving(self: Coder, *given: Any) -> Any:
        coded = code(self, *given)
        reserved.extend(self.reserved)
        return coded

    reserved: list[Reservation] = []
    code = Coder.code
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Staged, "finish", unheard)
        patch.setattr(Coder, "code", reserving)
        load_into(pudong, file, batch=10, resume=True)
    assert column(owner, "SELECT count(*) FROM twin.asset") == [20]
    assert counts(load_into(pudong, file, batch=10, resume=True)) == (30, 30, 0, 0, 0)
    assert column(owner, "SELECT count(DISTINCT code) FROM twin.asset") == [30]


def test_rows_without_a_key_keep_their_places(
    owner: Connection, pudong: str, tmp_path: Path, halted: Callable[..., None]
) -> None:
    """The second lamp at one place is another asset, also when the first was in an earlier batch."""
    rows = [{"lon": 121.5 + n % 10 * 1e-4, "lat": 31.2, "power": n} for n in range(30)]
    file = write_csv(tmp_path / "lamps.csv", rows)
    halted(file, batches=1, size=15)
    assert counts(load_into(pudong, file, batch=15, resume=True)) == (30, 30, 0, 0, 0)
    assert counts(load_into(pudong, file)) == (30, 0, 0, 30, 0)


def test_lines_that_cannot_be_read_are_counted_once(
    owner: Connection, pudong: str, tmp_path: Path, halted: Callable[..., None]
) -> None:
    lines = [f"L{n},121.5,31.2,60" if n % 4 else f"L{n},121.5" for n in range(20)]
    file = tmp_path / "lamps.csv"
    file.write_text("\n".join(["id,lon,lat,power", *lines]) + "\n", encoding="utf-8")
    halted(file, batches=2, size=5)
    receipt = load_into(pudong, file, batch=5, resume=True)
    assert counts(receipt) == (20, 15, 0, 0, 5)
    assert sum(reasons(receipt).values()) == 5


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--resume",), "load.options"),
        (("--batch", "10", "--resume", "--dry-run"), "load.options"),
        (("--batch", "10", "--on-error", "abort"), "load.options"),
    ],
)
def test_options_that_contradict_each_other(
    options: tuple[str, ...], code: str, pudong: str, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "lamps.csv", lamps(1))
    refused = twin(pudong, "load", str(file), "--kind", "streetlight", *options)
    assert (refused.returncode, f"[{code}]" in refused.stderr) == (1, True)


def test_a_city_in_batches(pudong: str) -> None:
    city = Path(__file__).parents[2] / "fixtures" / "city"
    whole = json.loads(twin(pudong, "load", str(city), "--dry-run", "--json").stdout)["loads"]
    command = ("load", str(city), "--batch", "400", "--resume", "--json")
    parted = json.loads(twin(pudong, *command).stdout)["loads"]
    assert [one["read"] for one in parted] == [one["read"] for one in whole]
    again = json.loads(twin(pudong, *command).stdout)["loads"]
    assert [one["new"] for one in again] == [0] * len(whole)
