"""A kind's rows stand in parts: large datasets have their own, and nobody who asks can tell."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

import psycopg
import pytest

from loaders import fresh, merge
from loaders.errors import LoadConflict
from loaders.undo import undo
from tests.database.test_loading_faults import receipts, start, wait_for
from tests.loading import (
    Row,
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
from twin.kinds.validation import OTHER_TABLES
from twin.registry import partitions
from twin.registry.database import downgrade, migrate
from twin.registry.partitions import LEAST, MOST, IndexBuild, Part, begin_part, parts, worth_a_part

Connection = psycopg.Connection
LAMP = kind("streetlight")
WHERE = "SELECT tableoid::regclass::text FROM twin.asset WHERE source_key = %s"


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every dataset has a part of its own, whose rows go straight into it where their number is known."""
    for module in (fresh, merge):
        monkeypatch.setattr(module, "worth_a_part", lambda *_: True)
    monkeypatch.setattr(fresh, "LEAST", 1)


def write_points(path: Path, rows: Sequence[Row]) -> Path:
    """A GeoJSON file of the rows, of which GDAL knows how many there are."""
    features = [
        {
            "type": "Feature",
            "properties": {name: value for name, value in row.items() if name not in ("lon", "lat")},
            "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"]]},
        }
        for row in rows
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


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
    roads = []
    fits = fresh.Fresh.fits

    def noted(self: fresh.Fresh, expected: int | None) -> bool:
        roads.append(not staged and fits(self, expected))
        return roads[-1]

    monkeypatch.setattr(fresh.Fresh, "fits", noted)
    file = write_points(tmp_path / "b.geojson", others(40, name="路灯", pole_number="P"))
    before = content_hash(owner)
    dry = load_into(pudong, file, dry_run=True)
    assert content_hash(owner) == before
    receipt = load_into(pudong, file)
    assert roads == [False, not staged]
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


class Refused(Exception):
    """What stops a load in these tests."""


def refuse(patch: pytest.MonkeyPatch, what: str) -> None:
    """Have one step fail between the last copied row and the moment in which all are shown."""

    def refused(*_: object) -> None:
        raise Refused

    def build(self: fresh.Fresh, index: IndexBuild, *known: Future[None]) -> None:
        building(self, index, *known)
        if what in index.statement.as_string():
            raise Refused

    building = fresh.Fresh._build
    if what.startswith("_"):
        patch.setattr(fresh.Fresh, what, refused)
    else:
        patch.setattr(fresh.Fresh, "_build", build)


@pytest.mark.parametrize("what", ["_let_know", "_roll_up", "gist", "(cell)", "UNIQUE"])
def test_what_stops_an_index_stops_the_load(
    what: str, owner: Connection, pudong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, before = write_csv(tmp_path / "a.csv", lamps(30)), content_hash(owner)
    with monkeypatch.context() as patch:
        refuse(patch, what)
        with pytest.raises(Refused):
            load_into(pudong, file)
    assert content_hash(owner) == before
    assert load_into(pudong, file).new == 30


@pytest.mark.usefixtures("eager")
def test_what_comes_later_stays_in_the_datasets_part(owner: Connection, pudong: str, tmp_path: Path) -> None:
    load_into(pudong, write_csv(tmp_path / "a.csv", lamps(5)))
    file = write_csv(tmp_path / "b.csv", others(10, pole_number="P"))
    load_into(pudong, file)
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
    show = fresh.Fresh._show

    def overtaken(self: fresh.Fresh, divisions: list[str], indexed: Callable[[], None]) -> None:
        """Another load registers one of the codes that this one has reserved."""
        monkeypatch.setattr(fresh.Fresh, "_show", show)
        code = column(owner, "SELECT min(code) FROM twin.asset_streetlight_2")[0]
        adopting = [{**lamps(1)[0], "id": "adopted", "code": code}]
        assert load_into(pudong, write_csv(tmp_path / "c.csv", adopting)).new == 1
        show(self, divisions, indexed)

    monkeypatch.setattr(fresh.Fresh, "_show", overtaken)
    with pytest.raises(LoadConflict, match="310115-0118"):
        load_into(pudong, write_points(tmp_path / "b.geojson", others(3)))
    assert column(owner, "SELECT count(*) FROM twin.asset") == [2]
    assert column(owner, "SELECT to_regclass('twin.asset_streetlight_2')") == [None]


def test_a_part_is_vacuumed_by_others_once_it_is_seen(owner: Connection, pudong: str, tmp_path: Path) -> None:
    """While it is filled, autovacuum would keep those out who index it."""
    options = "SELECT reloptions FROM pg_class WHERE oid = %s::regclass"
    unseen = begin_part(owner, LAMP)
    for table in unseen.tables:
        assert "autovacuum_enabled=false" in column(owner, options, f"twin.{table}")[0]
    partitions.complete_part(owner, unseen)
    for table in unseen.tables:
        assert "autovacuum_enabled=false" not in column(owner, options, f"twin.{table}")[0]


def test_a_part_has_columns_of_one_length_first(owner: Connection, pudong: str) -> None:
    part = begin_part(owner, LAMP)
    lengths = "SELECT attlen FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum"
    names = (
        "SELECT attname, atttypid, attnotnull FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
    )
    for parent in partitions.PARTITIONED:
        table = f"twin.{part.table(parent)}"
        found = column(owner, lengths, table)
        assert found == sorted(found, key=lambda length: (length < 0, -length))
        own, theirs = (set(owner.execute(names, (one,)).fetchall()) for one in (table, f"twin.{parent}"))
        assert own == theirs


def test_kinds_are_not_called_like_other_tables(owner: Connection) -> None:
    found = column(
        owner,
        "SELECT substring(relname FROM '^(?:asset|identifier|rollup)_(.+)$') FROM pg_class"
        " WHERE relnamespace = 'twin'::regnamespace",
    )
    assert {name for name in found if name} == OTHER_TABLES


def test_a_part_of_a_killed_load_is_swept(owner: Connection, pudong: str, tmp_path: Path) -> None:
    load_into(pudong, write_csv(tmp_path / "a.csv", lamps(3)))
    begin_part(owner, LAMP)
    owner.commit()
    assert numbers(owner) == [1]
    receipt = load_into(pudong, write_csv(tmp_path / "b.csv", others(3)))
    assert receipt.swept == ["asset_streetlight_2", "identifier_streetlight_2", "rollup_streetlight_2"]


def test_a_part_in_the_making_is_left_alone(owner: Connection, pudong: str, tmp_path: Path) -> None:
    """A load that waits to be seen keeps its tables, whoever sweeps."""
    file = write_csv(tmp_path / "lamps.csv", lamps(2_000))
    process = start(pudong, str(file), "--kind", "streetlight")
    with none_registered(pudong):
        wait_for(owner, process, "INSERT INTO twin.change")
        assert partitions.sweep_partitions(owner) == []
    assert receipts([process])[0]["new"] == 2_000
    assert numbers(owner) == [1]


@pytest.mark.usefixtures("eager")
def test_a_failed_load_leaves_a_part_that_others_have_begun_anew(
    owner: Connection, pudong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_into(pudong, write_csv(tmp_path / "a.csv", lamps(3)))
    tidy = fresh.Fresh.tidy

    def late(self: fresh.Fresh, connection: Connection) -> None:
        """Before the load tidies up, another has swept its part and makes one of the same number."""
        part = Part(LAMP, 2)
        assert partitions.sweep_partitions(owner) == list(part.tables)
        with owner.transaction():
            partitions.hold(owner, begin_part(owner, LAMP))
        tidy(self, connection)

    monkeypatch.setattr(fresh.Fresh, "tidy", late)
    monkeypatch.setattr(fresh.Fresh, "_show", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        load_into(pudong, write_points(tmp_path / "b.geojson", others(3)))
    assert column(owner, "SELECT to_regclass('twin.asset_streetlight_2') IS NOT NULL") == [True]


def test_indexes_that_another_load_builds_are_left_to_it(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    load_into(pudong, write_csv(tmp_path / "a.csv", lamps(3)))
    owner.execute("DROP INDEX twin.asset_streetlight_1_power")
    there = "SELECT to_regclass('twin.asset_streetlight_1_power') IS NOT NULL"
    partitions.hold(owner, Part(LAMP, 1))
    load_into(pudong, write_csv(tmp_path / "b.csv", others(3)))
    assert column(owner, there) == [False]
    partitions.let_go(owner, Part(LAMP, 1))
    load_into(pudong, write_csv(tmp_path / "b.csv", others(4)))
    assert column(owner, there) == [True]


def test_a_second_small_load_waits_for_the_first_of_a_kind(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    files = [write_csv(tmp_path / f"{n}.csv", lamps(2_000, name=f"灯{n}")) for n in range(2)]
    first, second = (start(pudong, str(file), "--kind", "streetlight") for file in files)
    assert [told["new"] for told in receipts([first, second])] == [2_000, 2_000]
    assert numbers(owner) == [1]


@pytest.mark.parametrize("way", ["down", "up"])
def test_migrations_take_away_what_killed_loads_have_left(
    way: str, database_url: str, owner: Connection, pudong: str, tmp_path: Path
) -> None:
    load_into(pudong, write_csv(tmp_path / "a.csv", lamps(3)))
    if way == "down":
        begin_part(owner, LAMP)
        downgrade(database_url, "0008")
    else:
        downgrade(database_url, "0008")
        owner.execute("CREATE TABLE twin.asset_road (LIKE twin.asset); CREATE TABLE twin.identifier_road ()")
    migrate(database_url, "head")
    assert numbers(owner) == [1]
    assert column(owner, "SELECT count(*) FROM twin.asset") == [3]
    path = tmp_path / "roads.tsv"
    path.write_text("id\tname\twkt\nR\t路\tLINESTRING(121.5 31.2,121.6 31.2)\n", encoding="utf-8")
    assert load_into(pudong, path, "road", crs="EPSG:4326").new == 1


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
