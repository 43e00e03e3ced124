"""Loading: what a file leaves in the registry, first, again, and changed."""

from __future__ import annotations

import json
from pathlib import Path

import h3
import psycopg
import pytest
import shapely

from loaders.errors import LoadConflict
from loaders.fresh import Fresh
from tests.loading import (
    USED_CODES,
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
from twin.identity import scheme
from twin.registry.divisions import Division, save_divisions

Connection = psycopg.Connection


def test_a_first_load_registers_every_row(owner: Connection, pudong: str, tmp_path: Path) -> None:
    receipt = load_into(pudong, write_csv(tmp_path / "lamps.csv", lamps(1000)))
    assert counts(receipt) == (1000, 1000, 0, 0, 0)
    rows = owner.execute(
        "SELECT source_key, code, division, issued_in, scheme, cell, st_x(geom), st_y(geom), attributes,"
        " row_number,"
        " valid_from = recorded_from, load_id FROM twin.asset ORDER BY row_number"
    ).fetchall()
    assert len(rows) == 1000
    codes = set()
    for number, (
        key,
        code,
        division,
        issued_in,
        named,
        cell,
        lon,
        lat,
        attributes,
        row,
        now,
        load_id,
    ) in enumerate(rows):
        assert (key, division, issued_in, named, row, now) == (
            f"L{number}",
            "310115",
            "310115",
            "gbt30428",
            number + 1,
            True,
        )
        assert scheme("gbt30428").parse(code).class_code == "0118"
        assert cell == h3.str_to_int(h3.latlng_to_cell(lat, lon, 15))
        assert (lon, lat) == (121.5 + number * 1e-4, 31.2)
        assert attributes == {"power": 100 + number % 7}
        assert load_id == receipt.load
        codes.add(code)
    assert len(codes) == 1000
    assert column(owner, "SELECT count(*) FROM twin.asset_version") == [0]
    assert column(owner, "SELECT tablename FROM pg_tables WHERE schemaname = 'stage'") == []


def test_the_load_is_kept_with_its_receipt_and_a_row_in_the_feed(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    receipt = load_into(
        pudong, write_csv(tmp_path / "lamps.csv", lamps(5)), dataset="survey 2024", accuracy=2.5
    )
    row = owner.execute(
        "SELECT l.id, d.name, l.kind, l.source, l.format, l.read, l.new, l.options, l.receipt, c.load_id"
        " FROM twin.load l JOIN twin.dataset d ON d.id = l.dataset_id JOIN twin.change c ON c.load_id = l.id"
    ).fetchone()
    assert row is not None
    assert row[:7] == (receipt.load, "survey 2024", "streetlight", "lamps.csv", "CSV", 5, 5)
    assert row[7]["accuracy"] == 2.5
    assert {name: row[8][name] for name in ("read", "new", "changed", "same", "rejected")} == {
        "read": 5, "new": 5, "changed": 0, "same": 0, "rejected": 0,
    }  # fmt: skip
    assert row[9] == receipt.load
    assert column(owner, "SELECT DISTINCT accuracy FROM twin.asset") == [2.5]


def test_the_same_file_again_changes_no_asset(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "lamps.csv", lamps(500))
    load_into(pudong, file)
    before = column(owner, "SELECT a::text || a.xmin FROM twin.asset a ORDER BY code")
    again = load_into(pudong, file)
    assert counts(again) == (500, 0, 0, 500, 0)
    assert column(owner, "SELECT a::text || a.xmin FROM twin.asset a ORDER BY code") == before
    assert column(owner, "SELECT count(*) FROM twin.asset_version") == [0]
    assert column(owner, "SELECT count(*) FROM twin.change") == [1]
    assert column(owner, "SELECT next FROM twin.code_sequence") == [501]


def test_one_changed_row_leaves_two_versions(owner: Connection, pudong: str, tmp_path: Path) -> None:
    rows = lamps(200)
    file = write_csv(tmp_path / "lamps.csv", rows)
    load_into(pudong, file)
    first = owner.execute("SELECT code, recorded_from FROM twin.asset WHERE source_key = 'L7'").fetchone()
    rows[7]["power"] = 999
    receipt = load_into(pudong, write_csv(file, rows))
    assert counts(receipt) == (200, 0, 1, 199, 0)
    versions = owner.execute(
        "SELECT code, attributes, lower(valid), upper(valid), lower(recorded), upper(recorded), load_id"
        " FROM twin.asset_version ORDER BY lower(recorded)"
    ).fetchall()
    slice_ = owner.execute(
        "SELECT code, attributes, valid_from, valid_to, recorded_from, load_id FROM twin.asset"
        " WHERE source_key = 'L7'"
    ).fetchone()
    assert first is not None
    assert slice_ is not None
    code, began = first
    now = slice_[2]
    assert versions == [
        (code, {"power": 100}, began, None, began, now, receipt.load - 1 if receipt.load else None),
        (code, {"power": 100}, began, now, now, None, receipt.load - 1 if receipt.load else None),
    ]
    assert slice_ == (code, {"power": 999}, now, None, now, receipt.load)


def test_an_asset_is_valid_since_it_was_installed(owner: Connection, pudong: str, tmp_path: Path) -> None:
    rows = [
        {**row, "installed": day}
        for row, day in zip(lamps(3), ("2010-05-04", "2999-01-01", None), strict=True)
    ]
    load_into(pudong, write_csv(tmp_path / "lamps.csv", rows))
    past, future, unknown = owner.execute(
        "SELECT valid_from AT TIME ZONE 'UTC', recorded_from AT TIME ZONE 'UTC' FROM twin.asset"
        " ORDER BY row_number"
    ).fetchall()
    assert past[0].isoformat() == "2010-05-04T00:00:00"
    assert future[0] == future[1] == unknown[0] == unknown[1]


def test_what_a_file_does_not_bring_stays(owner: Connection, pudong: str, tmp_path: Path) -> None:
    rows = [{**row, "name": "梧桐路灯", "lamp": "LED"} for row in lamps(3)]
    load_into(pudong, write_csv(tmp_path / "lamps.csv", rows))
    fewer = [{"id": row["id"], "lon": row["lon"], "lat": row["lat"], "power": 1} for row in rows]
    receipt = load_into(pudong, write_csv(tmp_path / "lamps.csv", fewer))
    assert counts(receipt) == (3, 0, 3, 0, 0)
    assert owner.execute("SELECT DISTINCT name, attributes, words FROM twin.asset").fetchall() == [
        ("梧桐路灯", {"lamp": "led", "power": 1}, "梧桐路灯")
    ]


def test_a_value_that_is_gone_from_the_file_is_gone(owner: Connection, pudong: str, tmp_path: Path) -> None:
    load_into(pudong, write_csv(tmp_path / "lamps.csv", lamps(2, name="A")))
    load_into(pudong, write_csv(tmp_path / "lamps.csv", lamps(2, name=None)))
    assert owner.execute("SELECT DISTINCT name, words FROM twin.asset").fetchall() == [(None, None)]


def test_a_dry_run_tells_the_same_and_changes_nothing(owner: Connection, pudong: str, tmp_path: Path) -> None:
    rows = [*lamps(50), {"id": None, "lon": 121.5, "lat": 31.2, "power": 1}, *lamps(1)]
    file = write_csv(tmp_path / "lamps.csv", rows)
    before = content_hash(owner)
    dry = load_into(pudong, file, dry_run=True)
    assert content_hash(owner) == before
    real = load_into(pudong, file)
    different = {"load", "dry_run", "started", "seconds"}
    assert {k: v for k, v in dry.as_json().items() if k not in different} == {
        k: v for k, v in real.as_json().items() if k not in different
    }
    changed = write_csv(file, [{**row, "power": 5} for row in lamps(50)])
    before = content_hash(owner)
    assert counts(load_into(pudong, changed, dry_run=True)) == (50, 0, 50, 0, 0)
    assert content_hash(owner) == before


def test_an_identical_outcome_of_another_text_is_the_same(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "lamps.csv", lamps(20))
    load_into(pudong, file)
    rewritten = [{**row, "power": f"{row['power']}.0 W", "lon": f"{row['lon']:.9f}"} for row in lamps(20)]
    write_csv(file, rewritten)
    assert counts(load_into(pudong, file)) == (20, 0, 0, 20, 0)
    assert column(owner, "SELECT count(*) FROM twin.asset_version") == [0]
    before = column(owner, "SELECT xmin::text FROM twin.asset ORDER BY code")
    assert counts(load_into(pudong, file)) == (20, 0, 0, 20, 0)
    assert column(owner, "SELECT xmin::text FROM twin.asset ORDER BY code") == before


def test_a_move_of_centimetres_is_a_change(owner: Connection, pudong: str, tmp_path: Path) -> None:
    rows = lamps(3)
    load_into(pudong, write_csv(tmp_path / "lamps.csv", rows))
    rows[1]["lat"] = 31.2000002
    assert counts(load_into(pudong, write_csv(tmp_path / "lamps.csv", rows))) == (3, 0, 1, 2, 0)
    assert column(owner, "SELECT st_y(geom) FROM twin.asset WHERE source_key = 'L1'") == [31.2000002]


def test_rows_without_a_key_are_known_by_their_place(owner: Connection, pudong: str, tmp_path: Path) -> None:
    rows = [{"lon": row["lon"], "lat": row["lat"], "power": row["power"]} for row in lamps(3)]
    rows.append({**rows[0], "power": 7})
    file = write_csv(tmp_path / "lamps.csv", rows)
    receipt = load_into(pudong, file)
    assert (counts(receipt), receipt.key, receipt.notes) == (
        (4, 4, 0, 0, 0),
        None,
        ["key.none", "crs.assumed"],
    )
    keys = column(owner, "SELECT source_key FROM twin.asset ORDER BY row_number")
    assert keys[3] == f"{keys[0]}~2"
    assert len(set(keys)) == 4
    assert counts(load_into(pudong, file)) == (4, 0, 0, 4, 0)


def test_keys_missing_and_doubled_are_rejected(pudong: str, tmp_path: Path) -> None:
    rows = [*lamps(3), {**lamps(1)[0], "power": 5}, {**lamps(1)[0], "id": None}]
    mapping = tmp_path / "m.toml"
    mapping.write_text('key = "id"', encoding="utf-8")
    receipt = load_into(pudong, write_csv(tmp_path / "lamps.csv", rows), mapping=mapping)
    assert counts(receipt) == (5, 3, 0, 0, 2)
    double, missing = (finding.as_json("en") for finding in receipt.rejections.kept)
    assert double == {
        "row": 4, "key": "L0", "field": "id", "value": "L0", "reason": "key.duplicate",
        "text": "Row 1 has the same key.",
    }  # fmt: skip
    assert (missing["row"], missing["reason"]) == (5, "key.missing")


def test_divisions_by_place_then_column_then_option_then_home(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    box = shapely.box(121.50005, 31.19, 121.50025, 31.21)
    save_divisions(owner, [Division("310115007", "街道", 8, boundary=box), Division("310101", "黄浦区", 6)])
    rows = [
        {**row, "division": name}
        for row, name in zip(lamps(5), (None, "310101", "310101", "黄浦区", "999"), strict=True)
    ]
    rows[2]["lon"], rows[2]["lat"] = None, None
    receipt = load_into(pudong, write_csv(tmp_path / "lamps.csv", rows), division="310104")
    found = dict(owner.execute("SELECT source_key, division FROM twin.asset").fetchall())
    assert found == {"L0": "310104", "L1": "310115007", "L2": "310101", "L3": "310101", "L4": "310104"}
    assert warned(receipt) == {"division.unlisted": 1, "geometry.missing": 1}
    issued = dict(owner.execute("SELECT source_key, issued_in FROM twin.asset").fetchall())
    assert issued == {"L0": "310104", "L1": "310115", "L2": "310101", "L3": "310101", "L4": "310104"}
    assert set(column(owner, "SELECT code FROM twin.division")) >= {"310104", "310115"}
    plain = load_into(pudong, write_csv(tmp_path / "more.csv", lamps(1)))
    assert plain.new == 1
    assert column(owner, "SELECT division FROM twin.asset WHERE load_id = %s", plain.load) == ["310115"]


def test_a_row_that_no_division_takes_is_rejected(
    owner: Connection, database_url: str, tmp_path: Path
) -> None:
    box = shapely.box(121.50005, 31.19, 121.50025, 31.21)
    save_divisions(owner, [Division("310115", "浦东新区", 6, boundary=box)])
    receipt = load_into(database_url, write_csv(tmp_path / "lamps.csv", lamps(4)))
    assert counts(receipt) == (4, 2, 0, 0, 2)
    assert reasons(receipt) == {"division.unknown": 2}


def test_owners_become_organisations(owner: Connection, pudong: str, tmp_path: Path) -> None:
    load_into(pudong, write_csv(tmp_path / "lamps.csv", lamps(3, owner="市政公司", maintainer="亮化公司")))
    assert sorted(owner.execute("SELECT key, name FROM twin.organisation").fetchall()) == [
        ("亮化公司", "亮化公司"), ("市政公司", "市政公司"),
    ]  # fmt: skip


def test_a_mapping_says_everything(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = tmp_path / "lamps.csv"
    file.write_text(
        "nr;X;Y;HGT;ST;when\n7;121.5;31.2;16;A;03.04.2020\n8;121.6;31.2;20;X;\n", encoding="utf-8"
    )
    mapping = tmp_path / "m.toml"
    mapping.write_text(
        """
kind = "streetlight"
crs = "EPSG:4490"
key = "nr"
[fields]
lon = "X"
lat = "Y"
pole_height = { column = "HGT", unit = "ft" }
status = { column = "ST", values = { A = "in_service", X = "retired" } }
installed = { column = "when", order = "dmy" }
owner = { value = "City of X" }
""",
        encoding="utf-8",
    )
    receipt = load_into(pudong, file, kind=None, mapping=mapping)  # type: ignore[arg-type]
    assert (receipt.key, receipt.crs, receipt.notes, receipt.unmapped) == ("nr", "EPSG:4490", [], ())
    rows = owner.execute(
        "SELECT source_key, status, installed::text, owner, attributes FROM twin.asset ORDER BY 1"
    ).fetchall()
    assert rows == [
        ("7", "in_service", "2020-04-03", "City of X", {"pole_height": 4.8768}),
        ("8", "retired", None, "City of X", {"pole_height": 6.096}),
    ]


def test_a_dataset_names_its_source_until_a_load_says_otherwise(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "lamps.csv", lamps(2))
    named = []
    for said in ({"attribution": "Survey <2024>"}, {}, {"attribution": "Survey 2025"}):
        load_into(pudong, path, **said)
        named += column(owner, "SELECT attribution FROM twin.dataset")
    assert named == ["Survey <2024>", "Survey <2024>", "Survey 2025"]


def test_texts_keys_and_identifiers_of_any_length_are_told_not_stored(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    rows = lamps(4, name="灯", owner="办", pole_number="P1")
    rows[0]["name"], rows[1]["owner"], rows[2]["id"] = "长" * 200_000, "局" * 300, "键" * 300
    rows[3]["pole_number"] = "号" * 300
    receipt = load_into(pudong, write_csv(tmp_path / "lamps.csv", rows))
    assert counts(receipt) == (4, 3, 0, 0, 1)
    assert reasons(receipt) == {"key.too_long": 1}
    assert receipt.warnings.counts["text.too_long"] == 3
    assert column(owner, "SELECT max(length(words)) FROM twin.asset") == [4]


def test_a_row_without_key_and_place_says_so(pudong: str, tmp_path: Path) -> None:
    rows = [{"power": 60, "lon": lon, "lat": 31.2} for lon in (121.5, None, "abc")]
    receipt = load_into(pudong, write_csv(tmp_path / "lamps.csv", rows))
    assert reasons(receipt) == {"key.no_place": 2}


def test_an_export_says_which_dataset_it_is_of(pudong: str, tmp_path: Path) -> None:
    load_into(pudong, write_csv(tmp_path / "lamps.csv", lamps(2)), dataset="survey")
    rows = [
        {"source_key": r["id"], "dataset": "survey", "lon": r["lon"], "lat": r["lat"], "power": r["power"]}
        for r in lamps(2)
    ]
    receipt = load_into(pudong, write_csv(tmp_path / "export.csv", rows))
    assert (receipt.dataset, counts(receipt)) == ("survey", (2, 0, 0, 2, 0))


def test_more_batches_than_one_know_of_each_other(pudong: str, tmp_path: Path) -> None:
    rows = lamps(70_000)
    rows[69_999]["id"] = "L5"
    receipt = load_into(pudong, write_csv(tmp_path / "lamps.csv", rows))
    assert counts(receipt) == (70_000, 69_999, 0, 0, 1)
    assert receipt.rejections.kept[0].facts == {"first": "6"}


def test_a_value_that_json_and_copy_must_escape(owner: Connection, pudong: str, tmp_path: Path) -> None:
    nasty = 'a"b\\c\td\u2028é中\U0001f600'
    features = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"id": "1", "name": nasty, "road": nasty},
                "geometry": {"type": "Point", "coordinates": [121.5, 31.2]},
            }
        ],
    }
    file = tmp_path / "lamps.geojson"
    file.write_text(json.dumps(features), encoding="utf-8")
    load_into(pudong, file)
    assert owner.execute("SELECT name, attributes FROM twin.asset").fetchall() == [(nasty, {"road": nasty})]


def test_a_conflict_at_the_last_moment_is_told(
    owner: Connection, pudong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loaders import staged as module
    from loaders.job import Job

    load_into(pudong, write_csv(tmp_path / "v.csv", vehicles(vin(1))), "vehicle")
    before = content_hash(owner)
    settle = module.settle

    def overtaken(job: Job) -> list[str]:
        """Somebody else registers the same identifier after the load looked."""
        unused = settle(job)
        owner.execute(
            "INSERT INTO twin.identifier (scheme, value, kind, issued_in, code, valid_from)"
            " SELECT scheme, %s, kind, issued_in, code, now() FROM twin.identifier LIMIT 1",
            (vin(9),),
        )
        return unused

    monkeypatch.setattr(module, "settle", overtaken)
    with pytest.raises(LoadConflict, match=r"identifier_vehicle_1_current"):
        load_into(pudong, write_csv(tmp_path / "w.csv", vehicles(vin(9))), "vehicle")
    owner.execute("DELETE FROM twin.identifier WHERE value = %s", (vin(9),))
    owner.execute("UPDATE twin.code_sequence SET next = 2, free = '{}'")
    assert content_hash(owner) == before


def test_both_roads_lead_to_the_same(
    owner: Connection, pudong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = lamps(300, name="路灯", owner="所", pole_number="P")
    for n, row in enumerate(rows):
        row["pole_number"] = f"P{n % 280}"
        row["installed"] = ["2019-05-06", "", "2031-01-01"][n % 3]
        row["lon"] = "" if n % 50 == 7 else row["lon"]
        row["status"] = ["", "retired"][n % 2]
    lamp_file = write_csv(tmp_path / "lamps.csv", rows)
    car_file = write_csv(
        tmp_path / "cars.csv", [*vehicles(vin(1), vin(2)), {**vehicles(vin(1))[0], "id": "z"}]
    )
    found = []
    for fits in (Fresh.fits, lambda *_: False):
        monkeypatch.setattr(Fresh, "fits", fits)
        told = [load_into(pudong, lamp_file), load_into(pudong, car_file, "vehicle")]
        found.append(([(counts(t), reasons(t), dict(t.warnings.counts)) for t in told], registered(owner)))
        owner.execute(
            "DROP TABLE twin.asset_streetlight, twin.asset_vehicle, twin.identifier_streetlight,"
            " twin.identifier_vehicle, twin.rollup_streetlight, twin.rollup_vehicle;"
            " DELETE FROM twin.rollup_cell; DELETE FROM twin.code_sequence; DELETE FROM twin.load;"
            " DELETE FROM twin.dataset; DELETE FROM twin.issuing; DELETE FROM twin.organisation"
        )
    assert found[0] == found[1]
    assert found[0][0][1][1] == {"identifier.duplicate": 1}
    assert found[0][0][0][2]["identifier.shared"] == 19


def registered(owner: Connection) -> list[list[object]]:
    """Everything that loads have written, but for moments, numbers of loads, and who got which code."""
    questions = (
        "SELECT to_jsonb(a) - ARRAY['code', 'load_id', 'dataset_id', 'recorded_from', 'valid_from'],"
        " CASE WHEN valid_from < now() - interval '1 day' THEN valid_from END"
        " FROM twin.asset a ORDER BY kind, row_number",
        "SELECT a.source_key, i.scheme, i.issuer, i.value, i.kind, i.issued_in FROM twin.identifier i"
        " JOIN twin.asset a USING (code) ORDER BY 1, 2",
        "SELECT key, name FROM twin.organisation ORDER BY 1",
        "SELECT division, scheme FROM twin.issuing ORDER BY 1",
        "SELECT * FROM twin.rollup ORDER BY kind, cell, status, division",
        "SELECT * FROM twin.rollup_cell ORDER BY cell, kind",
        f"{USED_CODES} ORDER BY 1, 2, 3",
    )
    return [owner.execute(question.encode()).fetchall() for question in questions]


@pytest.mark.parametrize("batch", [None, 20])
@pytest.mark.parametrize("wkt", [False, True])
@pytest.mark.parametrize("enough", [1, 5, 4_096])
def test_few_changed_rows_of_many_batches_are_judged_as_one(
    owner: Connection,
    pudong: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    enough: int,
    wkt: bool,
    batch: int | None,
) -> None:
    monkeypatch.setattr("loaders.formats.csv.BATCH_ROWS", 7)
    monkeypatch.setattr("loaders.remaining.ENOUGH", enough)

    def write(rows: list[dict[str, object]]) -> Path:
        if wkt:
            places = [f"POINT ({row['lon']} {row['lat']})" for row in rows]
            rows = [
                {"id": row["id"], "wkt": place, "power": row["power"]}
                for row, place in zip(rows, places, strict=True)
            ]
        return write_csv(tmp_path / "lamps.csv", rows)

    rows = lamps(60)
    path = write(rows)
    assert counts(load_into(pudong, path, crs="EPSG:4326")) == (60, 60, 0, 0, 0)
    for number in range(0, 60, 6):
        rows[number]["power"] = 500 + number
    rows[13]["lon"], rows[14]["lat"], rows[26]["lat"] = 121.49, "north", "north"
    write(rows)
    receipt = load_into(pudong, path, crs="EPSG:4326", batch=batch, rejects=tmp_path / "rejected.csv")
    assert counts(receipt) == (60, 0, 11, 47, 2)
    assert [finding.row for finding in receipt.rejections.kept] == [15, 27]
    rejected = (tmp_path / "rejected.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert [line.split(",")[0] for line in rejected] == ["L14", "L26"]
    changed = (
        "SELECT source_key FROM twin.asset WHERE (attributes ->> 'power')::int >= 500 ORDER BY row_number"
    )
    assert column(owner, changed) == [f"L{number}" for number in range(0, 60, 6)]
    assert column(owner, "SELECT st_x(geom) FROM twin.asset WHERE source_key = 'L13'") == [121.49]
    assert counts(load_into(pudong, path, crs="EPSG:4326"))[2:] == (0, 58, 2)
