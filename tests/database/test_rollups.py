"""Roll-ups are what a full count says, whatever has happened to assets."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

import h3
import numpy as np
import psycopg
import pytest
import shapely
from psycopg import sql

from loaders import arrow, json_column
from loaders.errors import LoadReturned, LoadUndone, NothingToUndo, RowsRejected
from loaders.rollup import RollUp
from tests.database.test_undo import undo_in
from tests.loading import column, lamps, load_into, write_csv
from tests.registry_rows import insert_city, small_city
from twin.kinds import all_kinds, kind
from twin.registry import rollups
from twin.registry.database import downgrade, migrate
from twin.registry.partitions import synchronise_kinds

Connection = psycopg.Connection[Any]
Rollup = dict[tuple[str, int, str, str], tuple[int, list[int]]]
Totals = dict[tuple[str, int], int]

ODD = "jsonb_build_object('second_power', 'odd', 'floor_area', 'odd', 'lamps', 1e300)"
STATUSES = ("planned", "in_service", "suspended", "retired", "")


def kept(connection: Connection) -> Rollup:
    """All parts of a kind together."""
    rows = connection.execute("SELECT kind, cell, status, division, assets, sums FROM twin.rollup").fetchall()
    found: Rollup = {}
    for *key, assets, sums in rows:
        before, others = found.get(tuple(key), (0, [0] * len(sums)))  # type: ignore[call-overload]
        found[tuple(key)] = before + assets, [a + b for a, b in zip(others, sums, strict=True)]  # type: ignore[index]
    return found


def counted(connection: Connection) -> Rollup:
    """The same, counted here: each asset by itself, with h3's own ancestors."""
    assets: dict[Any, int] = defaultdict(int)
    sums: dict[Any, list[int]] = {}
    rows = connection.execute(
        "SELECT kind, cell, status, division, attributes, api.area(geom), st_length(geom::geography)"
        " FROM twin.asset"
    )
    for name, cell, status, division, attributes, area, length in rows:
        own = {"area": area, "length": length}
        values = [own[s.of] if s.of in own else attributes.get(s.of) for s in kind(name).sums]
        bounds = [np.inf if s.of in own else 1e12 for s in kind(name).sums]
        numbers = [
            v if isinstance(v, int | float) and abs(v) < most else 0
            for v, most in zip(values, bounds, strict=True)
        ]
        text = h3.int_to_str(cell) if cell else None
        cells = [h3.str_to_int(h3.cell_to_parent(text, r)) for r in range(5, 10)] if text else [0]
        for each in cells:
            key = (name, each, status, division)
            assets[key] += 1
            before = sums.get(key, [0] * len(numbers))
            sums[key] = [a + int(np.rint(n * 1000)) for a, n in zip(before, numbers, strict=True)]
    return {key: (count, sums[key]) for key, count in assets.items()}


def kept_totals(connection: Connection) -> Totals:
    rows = connection.execute("SELECT kind, cell, assets FROM twin.rollup_cell").fetchall()
    return {(kind, cell): assets for kind, cell, assets in rows}


def totals(found: Rollup) -> Totals:
    """What the totals of roll-ups have to be."""
    added: Totals = defaultdict(int)
    for (name, cell, _, _), (assets, _) in found.items():
        added[name, cell] += assets
    return dict(added)


class History:
    """Random things that happen to the assets of a registry."""

    def __init__(self, url: str, folder: Path, seed: int) -> None:
        self.url, self.folder, self.dice = url, folder, random.Random(seed)
        self.loads: list[int] = []

    def step(self) -> None:
        self.dice.choice(
            [
                self.lamps,
                self.lamps,
                self.lamps,
                self.buildings,
                self.elevators,
                self.undo,
                self.undo,
                self.by_hand,
            ]
        )()

    def load(self, name: str, rows: list[dict[str, object]], kind_name: str, **options: Any) -> None:
        path = write_csv(self.folder / f"{name}.csv", rows)
        try:
            receipt = load_into(self.url, path, kind_name, dataset=name, **options)
        except RowsRejected:
            return
        if receipt.load:
            self.loads.append(receipt.load)

    def options(self) -> dict[str, Any]:
        return {
            "crs": "EPSG:4326",
            "mode": self.dice.choice(["upsert", "upsert", "mirror", "insert"]),
            "on_error": self.dice.choice(["skip", "skip", "abort"]),
            "retire_up_to": 100.0,
        }

    def lamps(self) -> None:
        rows = self.dice.sample(lamps(40), self.dice.randint(1, 40))
        for row in rows:
            if self.dice.random() < 0.5:
                row["lon"] = round(self.dice.uniform(121.2, 121.8), 4)
            row["power"] = self.dice.choice(["", 70, 100.5, 0.0005, "much"])
            row["second_power"] = self.dice.choice(["", 35])
            row["status"] = self.dice.choice(STATUSES)
        options = self.options()
        if options["mode"] == "upsert" and options["on_error"] == "skip" and self.dice.random() < 0.3:
            options["batch"] = 7
        self.load(self.dice.choice(["lamps", "others"]), rows, "streetlight", **options)

    def buildings(self) -> None:
        rows: list[dict[str, object]] = []
        for number in self.dice.sample(range(20), self.dice.randint(1, 20)):
            lon, lat = 121.5 + number * 0.01, 31.2
            box = shapely.box(lon, lat, lon + self.dice.uniform(1e-4, 0.02), lat + 1e-3)
            ring = ", ".join(f"{x:.7f} {y:.7f}" for x, y in box.exterior.coords)
            rows.append(
                {
                    "id": f"B{number}",
                    "wkt": f'"POLYGON (({ring}))"' if self.dice.random() < 0.9 else "",
                    "floor_area": self.dice.choice(["", 1200, 333.333]),
                    "status": self.dice.choice(STATUSES),
                }
            )
        self.load("buildings", rows, "building", **self.options())

    def elevators(self) -> None:
        rows: list[dict[str, object]] = [
            {
                "id": f"E{n}",
                "lon": 121.5 + n * 0.01 + 5e-5,
                "lat": 31.2005,
                "status": self.dice.choice(STATUSES),
            }
            for n in self.dice.sample(range(20), self.dice.randint(1, 20))
        ]
        self.load("elevators", rows, "elevator", **self.options())

    def undo(self) -> None:
        if not self.loads:
            return
        try:
            undo_in(self.url, self.dice.choice(self.loads[-4:]), dry_run=self.dice.random() < 0.1)
        except (LoadUndone, LoadReturned, NothingToUndo):
            return

    def by_hand(self) -> None:
        """What somebody writes in SQL: of the whole, of a kind, or of a part; kept or rolled back."""
        with psycopg.connect(self.url) as connection:
            tables = connection.execute("SELECT relid::regclass::text FROM pg_partition_tree('twin.asset')")
            table = self.dice.choice(tables.fetchall())[0]
            change = self.dice.choice(
                [
                    "DELETE FROM {table} WHERE random() < 0.1",
                    "UPDATE {table} SET status = 'planned' WHERE random() < 0.2",
                    "UPDATE {table} SET division = left(division, 6) WHERE random() < 0.2",
                    "UPDATE {table} SET cell = NULL, geom = NULL WHERE random() < 0.1",
                    f"UPDATE {{table}} SET attributes = {ODD} WHERE random() < 0.5",
                    "UPDATE {table} SET name = 'x', kind = kind",
                    "UPDATE {table} SET name = 'x' WHERE false",
                ]
            )
            try:
                connection.execute(change.format(table=table).encode())
            except psycopg.errors.InvalidParameterValue:  # an index of numbers refuses texts
                connection.rollback()
            if self.dice.random() < 0.2:
                connection.rollback()


def histories(url: str, folder: Path, number: int, *, first: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for seed in range(first, first + number):
            history = History(url, folder, seed)
            for _ in range(history.dice.randint(1, 5)):
                history.step()
            wanted = counted(connection)
            assert kept(connection) == wanted, seed
            assert kept_totals(connection) == totals(wanted), seed


def test_roll_ups_are_what_a_count_says(pudong: str, tmp_path: Path) -> None:
    histories(pudong, tmp_path, 25, first=0)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1_000, 2_000, 250))
def test_a_thousand_histories(pudong: str, tmp_path: Path, first: int) -> None:
    histories(pudong, tmp_path, 250, first=first)


def test_every_kind_is_rolled_up(new_database: Callable[[], str]) -> None:
    with psycopg.connect(new_database(), autocommit=True) as connection:
        insert_city(connection, small_city())
        found = kept(connection)
        assert found == counted(connection)
        assert kept_totals(connection) == totals(found)
        assert {key[0] for key in found} >= {"streetlight", "building", "pipeline", "elevator"}
        assert any(sums != [0] * len(sums) for _, sums in found.values())


def test_what_loads_count_is_what_sql_counts(owner: Connection) -> None:
    """Numbers of all sizes, at the limits and halfway between two thousandths."""
    dice, lamp = random.Random(5), kind("streetlight")
    sizes = [10.0**power for power in range(-6, 13)]
    special = [0.0005, 0.0015, -0.0025, 1e12, -1e12, np.nextafter(1e12, 0), 1e300, 0.0]
    drawn = [dice.uniform(-10, 10) * dice.choice(sizes) for _ in range(2_000)]
    numbers = [*special, *drawn, *(round(number, 4) for number in drawn)]
    cells = dice.choices([0, h3.str_to_int(h3.latlng_to_cell(31.2, 121.5, 15))], k=len(numbers))
    divisions = dice.choices(["310115", '"', ""], k=len(numbers))
    attributes = {
        "power": arrow.numbers(np.array(numbers)),
        "lamps": arrow.numbers(np.array(dice.choices([0, 7, 10**12, 2**62], k=len(numbers)))),
    }
    counting = RollUp(lamp)
    counting.add(np.array(cells), arrow.constant("planned", len(cells)), arrow.texts(divisions), attributes)
    objects = json_column.objects(attributes, len(cells)).to_pylist()
    owner.execute("CREATE TEMP TABLE came (cell bigint, division text, attributes jsonb)")
    with owner.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO came VALUES (nullif(%s, 0), %s, %s)",
            list(zip(cells, divisions, objects, strict=True)),
        )
        cursor.execute("CREATE TEMP TABLE counted (LIKE twin.rollup INCLUDING ALL)")
        cursor.execute("ALTER TABLE counted ALTER kind SET DEFAULT 'streetlight', ALTER part SET DEFAULT 7")
        with cursor.copy(
            "COPY counted (cell, status, division, assets, sums) FROM STDIN (FORMAT csv)"
        ) as copy:
            for rows in counting.written():
                copy.write(rows)
    source = (
        "(SELECT 'streetlight' AS kind, 7 AS part, 'planned' AS status, 1 AS sign, NULL AS geom, * FROM came)"
    )
    (query,) = owner.execute("SELECT twin.rollup_query(%s, 'streetlight')", (source,)).fetchone() or ("",)
    wanted = set(map(str, owner.execute(query.encode()).fetchall()))
    named = "SELECT kind, part, cell, status, division, assets, sums FROM counted"
    assert set(map(str, owner.execute(named).fetchall())) == wanted
    assert len(wanted) == 18


def test_a_recount_changes_nothing(owner: Connection, pudong: str, tmp_path: Path) -> None:
    load_into(pudong, write_csv(tmp_path / "lamps.csv", lamps(30)))
    before = kept(owner)
    with owner.transaction():
        rollups.recount(owner, "streetlight", "asset_streetlight")
    assert kept(owner) == before and before
    assert kept_totals(owner) == totals(before)


def test_what_a_kinds_file_adds_up_anew_is_counted(owner: Connection, pudong: str, tmp_path: Path) -> None:
    load_into(pudong, write_csv(tmp_path / "lamps.csv", lamps(30)))
    before = kept(owner)
    owner.execute("UPDATE twin.rollup_kind SET sums = '{}', measures = '{}' WHERE kind = 'streetlight'")
    with owner.transaction():
        rollups.recount(owner, "streetlight", "asset_streetlight")
    assert {len(sums) for _, sums in kept(owner).values()} == {0}
    synchronise_kinds(owner)
    assert kept(owner) == before and before
    assert kept_totals(owner) == totals(before)


def test_kinds_say_what_they_add_up(owner: Connection) -> None:
    rows = owner.execute("SELECT kind, sums FROM twin.rollup_kind").fetchall()
    assert dict(rows) == {name: [s.name for s in each.sums] for name, each in all_kinds().items()}


def test_areas_are_those_of_the_ellipsoid(owner: Connection) -> None:
    """Of what is small to a hundred-thousandth, of what is large exactly."""
    dice = random.Random(7)
    for size, within in ((1e-4, 1e-5), (1.2e-3, 1e-5), (0.3, 0.0)):
        shapes = []
        for _ in range(300):
            lon, lat = dice.uniform(-179, 178), dice.uniform(-70, 70)
            around = [(lon + size * dice.random(), lat + size * dice.random()) for _ in range(6)]
            shapes.append(shapely.MultiPoint(around).convex_hull.buffer(size / 9))
        rows = owner.execute(
            "SELECT api.area(geom), st_area(geom::geography)"
            " FROM unnest(%s::bytea[]) AS g, st_geomfromwkb(g, 4326) AS geom",
            ([shapely.to_wkb(shape) for shape in shapes],),
        ).fetchall()
        found, wanted = np.array(rows).T
        assert np.max(np.abs(found - wanted) / wanted) <= within
        boxed = owner.execute(
            "SELECT api.area(geom, geom::box3d)"
            " FROM unnest(%s::bytea[]) AS g, st_geomfromwkb(g, 4326) AS geom",
            ([shapely.to_wkb(shape) for shape in shapes],),
        ).fetchall()
        assert [area for (area,) in boxed] == found.tolist(), "roll-ups count what is asked, to the last bit"


def test_what_is_huge_is_added_up(owner: Connection, pudong: str, tmp_path: Path) -> None:
    rows = [{**row, "power": 999_999_999_999} for row in lamps(10_000)]
    load_into(pudong, write_csv(tmp_path / "lamps.csv", rows))
    whole = "POLYGON ((-89 -80, 89 -80, 89 80, -89 80, -89 -80))"
    big = [{"id": f"B{n}", "wkt": f'"{whole}"'} for n in range(70)]
    load_into(pudong, write_csv(tmp_path / "b.csv", big), "building", crs="EPSG:4326")
    assert kept(owner) == counted(owner)


@pytest.mark.parametrize("revision", ["0009", "0010", "0014"])
def test_migrating_counts_what_there_is(
    new_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, revision: str
) -> None:
    """Of kinds with one part, and of one with two."""
    monkeypatch.setattr("loaders.merge.worth_a_part", lambda *_: True)
    url = new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        insert_city(connection, small_city())
        load_into(url, write_csv(tmp_path / "more.csv", lamps(5)))
        tables = "SELECT relid::regclass::text FROM pg_partition_tree('twin.rollup') ORDER BY 1"
        parts = column(connection, tables)
        assert "twin.rollup_streetlight_2" in parts
        before = kept(connection)
    downgrade(url, revision)
    stopped = mock.patch("twin.registry.partitions.synchronise_kinds", side_effect=KeyboardInterrupt)
    with stopped, pytest.raises(KeyboardInterrupt):
        migrate(url)
    with psycopg.connect(url, autocommit=True) as connection:
        assert kept(connection) == before and before
        assert kept_totals(connection) == totals(before)
        assert column(connection, tables) == parts


def test_roll_ups_are_kept_without_totals(new_database: Callable[[], str]) -> None:
    """As the migration before left them."""
    url = new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        insert_city(connection, small_city())
    downgrade(url, "0010")
    with psycopg.connect(url, autocommit=True) as connection:
        left = "SELECT count(*) FROM pg_proc WHERE proname = 'add_totals'"
        assert connection.execute(left).fetchone() == (0,)
        connection.execute("UPDATE twin.asset SET status = 'planned' WHERE random() < 0.5")
        connection.execute("DELETE FROM twin.asset WHERE random() < 0.5")
        after = counted(connection)
        assert kept(connection) == after
    migrate(url)
    with psycopg.connect(url, autocommit=True) as connection:
        assert kept_totals(connection) == totals(after)


MOVE = "UPDATE twin.asset SET cell = %s WHERE kind = %s AND geom IS NOT NULL"
NOWHERE = "UPDATE twin.asset SET cell = NULL, geom = NULL WHERE kind = %s"


@pytest.mark.parametrize("sums", range(6))
def test_any_number_of_sums_is_added_up(owner: Connection, sums: int) -> None:
    counted = "SELECT 'bench', 1 AS part, 7 AS cell, 'planned' AS status, '1' AS division, {}, {}::numeric[]"
    added = [(3, [10**n for n in range(sums)]), (-1, [-n for n in range(sums)]), (2, [0.5] * sums)]
    with owner.transaction(force_rollback=True):
        owner.execute("CREATE TABLE twin.rollup_bench PARTITION OF twin.rollup FOR VALUES IN ('bench')")
        for assets, amounts in added:
            query = sql.SQL(counted).format(sql.Literal(assets), sql.Literal(amounts)).as_string(owner)
            (statement,) = owner.execute("SELECT twin.rollup_statement(%s)", (query,)).fetchone() or ("",)
            owner.execute(statement.encode())
        found = owner.execute("SELECT assets, sums FROM twin.rollup WHERE kind = 'bench'").fetchall()
    assert found == [(4, [Decimal(10**n - n) + Decimal("0.5") for n in range(sums)])]


def test_changed_roll_ups_stay_where_they_are(owner: Connection, pudong: str, tmp_path: Path) -> None:
    """No index gets an entry for a row whose numbers change; what comes to nothing goes.

    The rows are few: their page has room for what they were.
    """
    load_into(pudong, write_csv(tmp_path / "lamps.csv", lamps(40)))
    many = "pg_stat_get_xact_tuples_{}('twin.{}'::regclass)"
    with owner.transaction():
        owner.execute("UPDATE twin.asset SET attributes = attributes || '{\"power\": 1}', status = 'planned'")
        owner.execute("UPDATE twin.asset SET status = 'in_service' WHERE source_key < 'L2'")
        told = [
            owner.execute(f"SELECT {many.format(what, table)}".encode()).fetchone()
            for table in ("rollup_streetlight_1", "rollup_cell")
            for what in ("updated", "hot_updated")
        ]
        assert kept(owner) == counted(owner)
        assert owner.execute("SELECT count(*) FROM twin.rollup WHERE assets = 0").fetchone() == (0,)
    updated, in_place = told[0], told[1]
    assert updated and updated[0] > 0 and in_place == updated
    assert told[2] == told[3]


def test_who_changes_kinds_in_turn_waits_for_nobody(new_database: Callable[[], str]) -> None:
    """Two transactions that put assets of a kind each into the same cells, in opposite orders."""
    url = new_database()
    cells = [h3.str_to_int(h3.latlng_to_cell(lat, 121.5, 15)) for lat in (31.2, 40.0)]
    with psycopg.connect(url, autocommit=True) as owner:
        insert_city(owner, small_city())
        with psycopg.connect(url) as one, psycopg.connect(url) as other:
            for connection in (one, other):
                connection.execute("SET lock_timeout = '20s'")
            one.execute(MOVE, (cells[0], "streetlight"))
            other.execute(MOVE, (cells[1], "building"))
            one.execute(MOVE, (cells[1], "streetlight"))
            other.execute(MOVE, (cells[0], "building"))
            other.commit()
            one.commit()
        assert kept_totals(owner) == totals(counted(owner))


def test_what_is_rolled_back_is_not_added(new_database: Callable[[], str]) -> None:
    """A savepoint too, before which nothing had changed."""
    url = new_database()
    with psycopg.connect(url, autocommit=True) as owner:
        insert_city(owner, small_city())
        before = kept_totals(owner)
        with owner.transaction():
            with owner.transaction(force_rollback=True):
                owner.execute(NOWHERE, ("building",))
            owner.execute(NOWHERE, ("elevator",))
            assert kept_totals(owner) == totals(counted(owner)) != before
            owner.execute("DELETE FROM twin.asset WHERE kind = 'elevator'")
        after = kept_totals(owner)
        assert after == totals(counted(owner))
        assert not any(kind == "elevator" for kind, _ in after)


def test_nobody_rolls_up_tables_of_their_own(new_database: Callable[[], str]) -> None:
    """The triggers act as the owner."""
    url = new_database()
    for user in ("twin_reader", "twin_api"):
        with psycopg.connect(url.replace("twin_owner@", f"{user}@"), autocommit=True) as connection:
            connection.execute("CREATE TEMP TABLE own (kind text, cell bigint)")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(
                    "CREATE TRIGGER t AFTER INSERT ON own REFERENCING NEW TABLE AS after"
                    " FOR EACH STATEMENT EXECUTE FUNCTION twin.roll_up()"
                )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE own (LIKE twin.asset)")
        connection.execute("SELECT twin.watch('own')")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="tables of assets"):
            connection.execute("DELETE FROM own")
