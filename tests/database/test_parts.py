"""A kind's rows stand in parts: large datasets have their own, and nobody who asks can tell."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from loaders import fresh, merge
from loaders.errors import LoadConflict
from loaders.undo import undo
from tests.database.test_loading_faults import receipts, start, wait_for
from tests.loading import (
    column,
    content_hash,
    counts,
    lamps,
    load_into,
    none_registered,
    reasons,
    vehicles,
    vin,
    warned,
    write_csv,
)
from twin.kinds import kind
from twin.registry import partitions
from twin.registry.database import downgrade, migrate
from twin.registry.partitions import LEAST, MOST, Part, begin_part, parts, worth_a_part

Connection = psycopg.Connection
LAMP = kind("streetlight")
WHERE = "SELECT tableoid::regclass::text FROM twin.asset WHERE source_key = %s"


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every dataset has a part of its own."""
    for module in (fresh, merge):
        monkeypatch.setattr(module, "worth_a_part", lambda *_: True)


def numbers(owner: Connection) -> list[int]:
    return [part.number for part in parts(owner, LAMP)]


def others(count: int, **more: object) -> list[dict[str, object]]:
    """Lamps under other keys at the same places."""
    return [{**row, "id": f"M{n}"} for n, row in enumerate(lamps(count, **more))]


def test_small_datasets_share_a_part(owner: Connection, pudong: str, tmp_path: Path) -> None:
    load_into(pudong, write_csv(tmp_path / "a.csv", lamps(30)))
    load_into(pudong, write_csv(tmp_path / "b.csv", others(30)))
    assert numbers(owner) == [1]
    assert column(owner, "SELECT count(*) FROM twin.asset_streetlight_1") == [60]


def test_a_part_is_for_many_rows_beside_not_too_many_others(
    owner: Connection, pudong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert worth_a_part(owner, LAMP, None)
    load_into(pudong, write_csv(tmp_path / "a.csv", lamps(30)))
    assert not worth_a_part(owner, LAMP, None)
    assert not worth_a_part(owner, LAMP, LEAST - 1)
    assert worth_a_part(owner, LAMP, LEAST)
    monkeypatch.setattr(partitions, "LEAST", 1)
    assert [worth_a_part(owner, LAMP, rows) for rows in (1, 2)] == [False, True]
    monkeypatch.setattr(partitions, "MOST", 1)
    assert not worth_a_part(owner, LAMP, LEAST)
    assert MOST > 1


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("staged", [False, True])
def test_a_large_dataset_has_a_part_of_its_own(
    staged: bool, owner: Connection, pudong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_into(pudong, write_csv(tmp_path / "a.csv", lamps(50, name="路灯", pole_number="P")))
    if staged:
        monkeypatch.setattr(fresh.Fresh, "fits", lambda *_: False)
    file = write_csv(tmp_path / "b.csv", others(40, name="路灯", pole_number="P"))
    before = content_hash(owner)
    dry = load_into(pudong, file, dry_run=True)
    assert content_hash(owner) == before
    receipt = load_into(pudong, file)
    assert counts(receipt) == counts(dry) == (40, 40, 0, 0, 0)
    assert warned(receipt) == warned(dry) == {"asset.suspected": 40, "identifier.shared": 39}
    told, told_dry = (
        {(f.row, f.reason, f.key, f.facts["other"]) for f in one.warnings.kept} for one in (receipt, dry)
    )
    assert told == told_dry
    assert numbers(owner) == [1, 2]
    assert column(owner, WHERE, "M7") == ["twin.asset_streetlight_2"]
    assert column(owner, "SELECT count(DISTINCT code) FROM twin.asset") == [90]
    indexes = "SELECT replace(indexname, %s, '') FROM pg_indexes WHERE tablename = %s ORDER BY 1"
    for parent in ("asset", "identifier"):
        first, second = (Part(LAMP, number).table(parent) for number in (1, 2))
        assert column(owner, indexes, first, first) == column(owner, indexes, second, second) != []
    assert column(owner, "SELECT relname FROM pg_class WHERE relnamespace = 'stage'::regnamespace") == []


@pytest.mark.usefixtures("eager")
def test_what_comes_later_stays_in_the_datasets_part(owner: Connection, pudong: str, tmp_path: Path) -> None:
    load_into(pudong, write_csv(tmp_path / "a.csv", lamps(5)))
    file = write_csv(tmp_path / "b.csv", others(10, pole_number="P"))
    first = load_into(pudong, file)
    assert counts(load_into(pudong, file)) == (10, 0, 0, 10, 0)
    write_csv(file, [{**row, "power": 7} for row in others(12, pole_number="Q")])
    assert counts(load_into(pudong, file)) == (12, 2, 10, 0, 0)
    assert numbers(owner) == [1, 2]
    assert column(owner, WHERE, "M11") == ["twin.asset_streetlight_2"]
    write_csv(file, others(9, pole_number="Q"))
    mirrored = load_into(pudong, file, mode="mirror", retire_up_to=50)
    assert (mirrored.changed, mirrored.retired) == (9, 3)
    state = "SELECT status FROM twin.asset WHERE dataset_id = 2 ORDER BY source_key"
    assert sorted(column(owner, state)) == ["in_service"] * 9 + ["retired"] * 3
    assert first.load is not None


@pytest.mark.usefixtures("eager")
def test_an_undo_gives_back_identifiers_in_every_part(
    owner: Connection, pudong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWIN_DATABASE_URL", pudong)
    load_into(pudong, write_csv(tmp_path / "a.csv", lamps(5)))
    file = write_csv(tmp_path / "b.csv", [{**row, "pole_number": row["id"]} for row in others(10)])
    load_into(pudong, file)
    current = "SELECT value FROM twin.identifier WHERE valid_to IS NULL ORDER BY value"
    before = column(owner, current)
    write_csv(file, [{**row, "pole_number": f"new {row['id']}"} for row in others(10)])
    later = load_into(pudong, file)
    assert column(owner, current) != before
    undo(later.load or 0)
    assert column(owner, current) == before


@pytest.mark.usefixtures("eager")
def test_an_identifier_is_unique_over_all_parts(owner: Connection, pudong: str, tmp_path: Path) -> None:
    load_into(pudong, write_csv(tmp_path / "a.csv", vehicles(vin(1), vin(2))), "vehicle")
    receipt = load_into(pudong, write_csv(tmp_path / "b.csv", vehicles(vin(2), vin(3))), "vehicle")
    assert (counts(receipt), reasons(receipt)) == ((2, 1, 0, 0, 1), {"identifier.taken": 1})
    assert [part.number for part in parts(owner, kind("vehicle"))] == [1, 2]


@pytest.mark.usefixtures("eager")
def test_a_code_that_is_adopted_meanwhile_is_told(
    owner: Connection, pudong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_into(pudong, write_csv(tmp_path / "a.csv", lamps(1)))
    before = content_hash(owner)
    show = fresh.Fresh._show

    def overtaken(self: fresh.Fresh, divisions: list[str]) -> None:
        """Another load registers one of the codes that this one has reserved."""
        monkeypatch.setattr(fresh.Fresh, "_show", show)
        code = column(owner, "SELECT min(code) FROM twin.asset_streetlight_2")[0]
        adopting = [{**lamps(1)[0], "id": "adopted", "code": code}]
        assert load_into(pudong, write_csv(tmp_path / "c.csv", adopting)).new == 1
        show(self, divisions)

    monkeypatch.setattr(fresh.Fresh, "_show", overtaken)
    with pytest.raises(LoadConflict, match="310115-0118"):
        load_into(pudong, write_csv(tmp_path / "b.csv", others(3)))
    assert column(owner, "SELECT count(*) FROM twin.asset") == [2]
    assert column(owner, "SELECT to_regclass('twin.asset_streetlight_2')") == [None]
    assert content_hash(owner) != before


def test_a_part_of_a_killed_load_is_swept(owner: Connection, pudong: str, tmp_path: Path) -> None:
    load_into(pudong, write_csv(tmp_path / "a.csv", lamps(3)))
    begin_part(owner, LAMP)
    owner.commit()
    assert numbers(owner) == [1]
    receipt = load_into(pudong, write_csv(tmp_path / "b.csv", others(3)))
    assert receipt.swept == ["asset_streetlight_2", "identifier_streetlight_2"]


def test_a_part_in_the_making_is_left_alone(owner: Connection, pudong: str, tmp_path: Path) -> None:
    """A load that waits to be seen keeps its tables, whatever is loaded beside it."""
    file = write_csv(tmp_path / "lamps.csv", lamps(2_000))
    process = start(pudong, str(file), "--kind", "streetlight")
    with none_registered(pudong):
        wait_for(owner, process, "INSERT INTO twin.change")
        other = load_into(pudong, write_csv(tmp_path / "b.csv", others(3)), dry_run=True)
        assert (other.new, other.swept) == (3, [])
    assert receipts([process])[0]["new"] == 2_000
    assert numbers(owner) == [1]


@pytest.mark.usefixtures("eager")
def test_parts_become_one_table_and_parts_again(
    database_url: str, owner: Connection, pudong: str, tmp_path: Path
) -> None:
    load_into(pudong, write_csv(tmp_path / "a.csv", [{**row, "pole_number": row["id"]} for row in lamps(9)]))
    load_into(pudong, write_csv(tmp_path / "b.csv", [{**row, "pole_number": row["id"]} for row in others(7)]))
    told = "SELECT to_jsonb(a) - 'part' FROM twin.asset a ORDER BY code"
    borne = "SELECT to_jsonb(i) - 'part' FROM twin.identifier i ORDER BY code"
    before = column(owner, told), column(owner, borne)
    indexes = column(
        owner, "SELECT indexname FROM pg_indexes WHERE tablename = 'asset_streetlight_1' ORDER BY 1"
    )
    downgrade(database_url, "0008")
    assert (column(owner, told), column(owner, borne)) == before
    assert column(owner, "SELECT count(*) FROM twin.asset_streetlight") == [16]
    migrate(database_url, "head")
    assert (column(owner, told), column(owner, borne)) == before
    assert numbers(owner) == [1]
    again = column(
        owner, "SELECT indexname FROM pg_indexes WHERE tablename = 'asset_streetlight_1' ORDER BY 1"
    )
    assert again == indexes
    assert counts(load_into(pudong, tmp_path / "b.csv")) == (7, 0, 0, 7, 0)
