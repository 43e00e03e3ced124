"""Loading: the codes, identifiers and parents that rows bring, and to whom they belong."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.loading import column, counts, lamps, load_into, reasons, vehicles, vin, warned, write_csv
from twin.identity import scheme
from twin.kinds import kind

Connection = psycopg.Connection


def test_the_class_of_a_code_follows_the_attributes(owner: Connection, pudong: str, tmp_path: Path) -> None:
    classes = kind("manhole").classes
    rows = [{**row, **dict(item.when)} for row, item in zip(lamps(len(classes)), classes, strict=True)]
    names = list(dict.fromkeys(name for row in rows for name in row if name != "power"))
    file = write_csv(tmp_path / "manholes.csv", [{name: row.get(name) for name in names} for row in rows])
    assert warned(load_into(pudong, file, "manhole")) == {}
    codes = column(owner, "SELECT code FROM twin.asset ORDER BY row_number")
    assert [scheme("gbt30428").parse(code).class_code for code in codes] == [item.code for item in classes]


def test_official_codes_are_adopted_or_kept_as_identifiers(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    write = scheme("gbt30428").format
    rows = [
        {**row, "code": code}
        for row, code in zip(
            lamps(7),
            (
                write("310115", "0118", 2),
                "3101150118000001",
                write("310115", "0101", 9),
                "not a code",
                None,
                write("310115", "0118", 2),
                write("310115", "0118", 7)[:-1] + "0",
            ),
            strict=True,
        )
    ]
    receipt = load_into(pudong, write_csv(tmp_path / "lamps.csv", rows))
    assert counts(receipt) == (7, 6, 0, 0, 1)
    assert reasons(receipt) == {"code.duplicate": 1}
    assert warned(receipt) == {"code.class": 1, "code.malformed": 1, "code.checkdigit": 1}
    codes = dict(owner.execute("SELECT source_key, code FROM twin.asset").fetchall())
    assert codes["L0"] == write("310115", "0118", 2)
    assert codes["L1"] == write("310115", "0118", 1)
    issued = {scheme("gbt30428").parse(codes[key]).sequence for key in ("L2", "L3", "L4", "L6")}
    assert issued == {3, 4, 5, 6}
    kept = dict(
        owner.execute("SELECT value, code FROM twin.identifier WHERE scheme = 'component_code'").fetchall()
    )
    assert set(kept) == {rows[2]["code"], "not a code", rows[6]["code"]}
    again = load_into(pudong, tmp_path / "lamps.csv")
    assert (counts(again), reasons(again)) == ((7, 0, 0, 6, 1), {"code.taken": 1})


def test_a_code_of_another_asset_is_not_taken(owner: Connection, pudong: str, tmp_path: Path) -> None:
    code = scheme("gbt30428").format("310115", "0118", 5)
    load_into(pudong, write_csv(tmp_path / "a.csv", [{**lamps(1)[0], "code": code}]))
    receipt = load_into(pudong, write_csv(tmp_path / "b.csv", [{**lamps(1)[0], "code": code}]))
    assert (counts(receipt), reasons(receipt)) == ((1, 0, 0, 0, 1), {"code.taken": 1})
    assert "a L0" in str(receipt.rejections.kept[0].as_json("en")["text"])
    other = scheme("gbt30428").format("310115", "0118", 6)
    receipt = load_into(pudong, write_csv(tmp_path / "a.csv", [{**lamps(1)[0], "code": other}]))
    assert (counts(receipt), warned(receipt)) == ((1, 0, 0, 1, 0), {"code.differs": 1})
    assert column(owner, "SELECT code FROM twin.asset") == [code]


def current(connection: Connection) -> dict[str, str]:
    """Which vehicle bears which identification number now."""
    return dict(
        connection.execute(
            "SELECT a.source_key, i.value FROM twin.identifier i JOIN twin.asset a USING (code)"
            " WHERE i.scheme = 'vin' AND i.valid_to IS NULL"
        ).fetchall()
    )


def test_identifiers_are_checked_unique_and_kept(owner: Connection, pudong: str, tmp_path: Path) -> None:
    wrong = vin(1)[:-1] + "9"
    file = write_csv(tmp_path / "v.csv", vehicles(vin(1), vin(2), vin(1), wrong, None, vin(3).lower()))
    receipt = load_into(pudong, file, "vehicle")
    assert counts(receipt) == (6, 5, 0, 0, 1)
    assert reasons(receipt) == {"identifier.duplicate": 1}
    assert warned(receipt) == {"identifier.vin.checkdigit": 1, "row.twin": 1}
    assert current(owner) == {"V0": vin(1), "V1": vin(2), "V5": vin(3)}
    assert column(owner, "SELECT words FROM twin.asset WHERE source_key = 'V5'") == [vin(3).lower()]
    used = column(owner, "SELECT free FROM twin.code_sequence")
    assert [str(free) for free in used] == ["{}"]


def test_an_identifier_of_another_asset_is_taken(owner: Connection, pudong: str, tmp_path: Path) -> None:
    load_into(pudong, write_csv(tmp_path / "v.csv", vehicles(vin(1))), "vehicle")
    receipt = load_into(pudong, write_csv(tmp_path / "w.csv", vehicles(vin(1), vin(2))), "vehicle")
    assert (counts(receipt), reasons(receipt)) == ((2, 1, 0, 0, 1), {"identifier.taken": 1})
    (bearer,) = column(owner, "SELECT code FROM twin.asset WHERE source_key = 'V0'")
    assert bearer in str(receipt.rejections.kept[0].as_json("en")["text"])


def test_identifiers_may_change_hands_within_a_load(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "v.csv", vehicles(vin(1), vin(2), vin(3)))
    load_into(pudong, file, "vehicle")
    receipt = load_into(pudong, write_csv(file, vehicles(vin(2), vin(1), None)), "vehicle")
    assert counts(receipt) == (3, 0, 3, 0, 0)
    assert current(owner) == {"V0": vin(2), "V1": vin(1)}
    closed = owner.execute(
        "SELECT value, valid_to > valid_from FROM twin.identifier WHERE valid_to IS NOT NULL ORDER BY value"
    ).fetchall()
    assert closed == sorted((vin(number), True) for number in (1, 2, 3))


def test_a_row_that_is_out_keeps_what_it_would_have_given_up(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "v.csv", vehicles(vin(1), vin(2), vin(3)))
    load_into(pudong, file, "vehicle")
    # V0 wants what V1 gives up for what V2 bears and keeps: so V1 is out, and then V0 is.
    receipt = load_into(pudong, write_csv(file, vehicles(vin(2), vin(3), vin(3))), "vehicle")
    assert counts(receipt) == (3, 0, 0, 1, 2)
    assert reasons(receipt) == {"identifier.taken": 2}
    assert current(owner) == {"V0": vin(1), "V1": vin(2), "V2": vin(3)}


def test_two_lamps_on_one_pole_are_both_assets(owner: Connection, pudong: str, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "lamps.csv", [{**row, "pole_number": "P1"} for row in lamps(2)])
    receipt = load_into(pudong, file)
    assert (counts(receipt), warned(receipt)) == ((2, 2, 0, 0, 0), {"identifier.shared": 1})
    assert column(owner, "SELECT count(*) FROM twin.identifier") == [1]
    assert counts(load_into(pudong, file)) == (2, 0, 0, 2, 0)
    elsewhere = load_into(pudong, write_csv(tmp_path / "other.csv", [{**lamps(1)[0], "pole_number": "P1"}]))
    assert warned(elsewhere) == {"asset.suspected": 1}
    assert sorted(column(owner, "SELECT issuer FROM twin.identifier")) == ["lamps", "other"]


def test_children_find_their_parents_and_wait_for_them(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    elevators = write_csv(
        tmp_path / "elevators.csv",
        [
            {"id": n, "parent": word, "lon": 121.4, "lat": 31.2}
            for n, word in enumerate(("B1", "N2", "nobody", None))
        ],
    )
    first = load_into(pudong, elevators, "elevator")
    assert (counts(first), warned(first)) == ((4, 4, 0, 0, 0), {"parent.unknown": 3})
    shape = '"POLYGON ((121.5 31.2, 121.6 31.2, 121.6 31.3, 121.5 31.2))"'
    houses = [{"id": f"B{n}", "building_number": f"N{n}", "wkt": shape} for n in (1, 2)]
    load_into(pudong, write_csv(tmp_path / "houses.csv", houses), "building", crs="EPSG:4326")
    again = load_into(pudong, elevators, "elevator")
    assert (counts(again), warned(again)) == ((4, 0, 2, 2, 0), {"parent.unknown": 1})
    found = owner.execute(
        "SELECT e.source_key, b.source_key, e.relation"
        " FROM twin.asset e JOIN twin.asset b ON b.code = e.parent"
        " WHERE e.kind = 'elevator' ORDER BY 1"
    ).fetchall()
    assert found == [("0", "B1", "in"), ("1", "B2", "in")]
    assert counts(load_into(pudong, elevators, "elevator")) == (4, 0, 0, 4, 0)


def test_a_code_that_was_kept_stays_beside_the_assets_own(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "lamps.csv", [{**row, "code": f"no code {row['id']}"} for row in lamps(3)])
    load_into(pudong, file)
    codes = column(owner, "SELECT code FROM twin.asset ORDER BY source_key")
    said = [codes[0], "another", None]
    again = [{**row, "code": code} for row, code in zip(lamps(3), said, strict=True)]
    receipt = load_into(pudong, write_csv(file, again))
    assert (counts(receipt), warned(receipt)) == ((3, 0, 2, 1, 0), {"code.malformed": 1})
    assert column(owner, "SELECT value FROM twin.identifier WHERE valid_to IS NULL ORDER BY code") == [
        "no code L0",
        "another",
    ]


@pytest.mark.parametrize(
    ("number", "left"),
    [("P0", {"P0", "P0 too"}), ("P0 too", {"P0", "P0 too"}), ("P9", {"P9"}), (None, set())],
)
def test_one_of_several_identifiers_says_nothing_of_the_others(
    owner: Connection, pudong: str, tmp_path: Path, number: str | None, left: set[str]
) -> None:
    file = write_csv(tmp_path / "lamps.csv", lamps(1, pole_number="P0"))
    load_into(pudong, file)
    owner.execute(
        "INSERT INTO twin.identifier"
        " SELECT scheme, issuer, 'P0 too', kind, issued_in, code, load_id, valid_from FROM twin.identifier"
    )
    owner.commit()
    receipt = load_into(pudong, write_csv(file, lamps(1, pole_number=number)))
    assert counts(receipt) == ((1, 0, 0, 1, 0) if "P0" in left else (1, 0, 1, 0, 0))
    assert set(column(owner, "SELECT value FROM twin.identifier WHERE valid_to IS NULL")) == left
