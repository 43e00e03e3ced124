"""``twin show`` and ``twin find``: what they print of a city that the test knows."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
import pytest
from pyproj import Geod

from tests.commands import twin
from tests.registry_rows import STREETS, Asset, insert_city, small_city

GEOD = Geod(ellps="WGS84")
CITY = small_city()
HERE = (121.47, 31.23)


@pytest.fixture(scope="module")
def city(new_database: Callable[[], str]) -> str:
    url = new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        insert_city(connection, CITY)
    return url


def codes(assets: Sequence[Asset]) -> list[str]:
    return sorted(asset.code for asset in assets)


def found(url: str, *options: str) -> list[str]:
    """The codes that ``twin find`` prints."""
    done = twin(url, "find", "--codes", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def metres(asset: Asset) -> float:
    """How far the nearest end or corner of a point asset is from here."""
    assert asset.geometry is not None
    return float(GEOD.inv(*HERE, asset.geometry.x, asset.geometry.y)[2])


def failure(done: subprocess.CompletedProcess[str], code: str) -> str:
    assert done.returncode == 1
    assert code in done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


# find


def test_find_by_kind(city: str) -> None:
    assert found(city, "--kind", "building", "--first", "1000") == codes(
        [a for a in CITY if a.kind == "building"]
    )


def test_find_by_division_and_below(city: str) -> None:
    wanted = [a for a in CITY if a.division in {"310115", *STREETS} and a.division.startswith("310115")]
    assert found(city, "--division", "310115", "--first", "1000") == codes(wanted)
    street = [a for a in CITY if a.division == STREETS[0]]
    assert found(city, "--division", STREETS[0], "--first", "1000") == codes(street)


def test_find_by_text(city: str) -> None:
    wanted = [a for a in CITY if "nanjing" in (a.words or "")]
    assert found(city, "--text", "Ｎanjing", "--first", "1000") == codes(wanted)


def test_conditions_hold_together(city: str) -> None:
    wanted = [
        a for a in CITY if a.kind == "streetlight" and a.division == STREETS[1] and "灯杆" in (a.words or "")
    ]
    assert wanted
    options = ("--kind", "streetlight", "--division", STREETS[1], "--text", "灯杆", "--first", "1000")
    assert found(city, *options) == codes(wanted)


def test_near_comes_nearest_first_with_distances(city: str) -> None:
    lamps = [a for a in CITY if a.kind == "streetlight" and a.geometry is not None]
    within = sorted((metres(a), a.code) for a in lamps if metres(a) <= 900)
    assert len(within) > 3
    options = ("--kind", "streetlight", "--near", "121.47,31.23,900", "--first", "1000")
    assert found(city, *options) == [code for _, code in within]
    listed = json.loads(twin(city, "find", "--json", *options).stdout)
    assert [asset["distance"] for asset in listed] == pytest.approx([far for far, _ in within], abs=1e-3)
    table = twin(city, "find", *options).stdout
    assert f"{within[0][0]:.1f} m" in table


def test_first_pages_on_beyond_one_page(city: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIN_API_MAX_PAGE", "7")
    assert found(city, "--first", "1000") == codes(CITY)
    assert found(city, "--first", "15") == codes(CITY)[:15]


def test_a_table_says_that_there_is_more(city: str) -> None:
    done = twin(city, "find", "--kind", "elevator", "--first", "3")
    assert len(done.stdout.splitlines()) == 4
    assert "the first 3; there are more" in done.stderr
    whole = twin(city, "find", "--kind", "elevator", "--first", "50")
    assert len(whole.stdout.splitlines()) == 51
    assert whole.stderr == ""


def test_a_table_speaks_chinese(city: str) -> None:
    said = twin(city, "find", "--kind", "elevator", "--first", "1", lang="zh")
    assert "电梯" in said.stdout
    assert "仅显示前 1 个" in said.stderr


def test_an_unknown_kind_suggests_the_nearest(city: str) -> None:
    assert "did you mean elevator" in failure(twin(city, "find", "--kind", "elevater"), "kind.unknown")


def test_nothing_found_is_said(city: str) -> None:
    done = twin(city, "find", "--division", "999999")
    failure(done, "find.nothing")
    assert done.stdout == ""
    assert json.loads(twin(city, "find", "--division", "999999", "--json").stdout) == []


@pytest.mark.parametrize("near", ["121.47", "121.47,31.23", "121,47,31,23,100", "a,b,c", "121.47;31.23;5"])
def test_a_place_that_cannot_be_read(city: str, near: str) -> None:
    assert "--near 121.4737,31.2304,200" in failure(twin(city, "find", "--near", near), "find.near")


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--near", "500,31,100"), "input.range", "--near LON is 500"),
        (("--near", "121,91,100"), "input.range", "--near LAT is 91"),
        (("--near", "121,31,-1"), "input.range", "--near M is -1"),
        (("--near", "121,31,nan"), "find.near", "--near 121,31,nan cannot be read"),
        (("--text", "k"), "input.text", "--text needs at least 2"),
        (("--near", "121,31,100", "--text", "k"), "input.text", "--text needs at least 2"),
        (("--division", "3" * 1_001), "input.limit", "--division holds more than 1000"),
        (
            ("--near", "121,31,9", "--first", "1500"),
            "page.nearest",
            "--first is 1500; nearest gives 0 to 1000",
        ),
        (("--codes", "--json"), "find.output", "--codes and --json"),
    ],
)
def test_the_option_at_fault_is_named(city: str, options: tuple[str, ...], code: str, words: str) -> None:
    done = twin(city, "find", *options)
    assert words in failure(done, code)
    assert done.stdout == ""


# show


def test_show_says_all_that_is_known(city: str) -> None:
    asset = next(
        a for a in CITY if a.kind == "elevator" and a.owner == "O1" and "last_inspection" in a.attributes
    )
    done = twin(city, "show", asset.code)
    assert done.returncode == 0
    words = [
        asset.code,
        "Elevator",
        asset.parent,
        "Lighting Department",
        asset.attributes["last_inspection"],
        f"{asset.attributes['rated_load']:g}\N{NO-BREAK SPACE}kg",
        asset.source_key,
        "lamps.shp",
        "Not recorded",
    ]
    assert [word for word in words if str(word) not in done.stdout] == []
    assert max(map(len, done.stdout.splitlines())) <= 240
    assert "载重量" in twin(city, "show", asset.code, lang="zh").stdout


def test_show_takes_every_written_form_and_identifiers(city: str) -> None:
    asset = next(a for a in CITY if any(scheme == "vin" for scheme, _ in a.identifiers))
    forms = [asset.code, asset.code.replace("-", ""), asset.code[:-2], f" {asset.code.lower()} "]
    forms += ["vin:1M8GDM9AXKP042788", "vin：1m8gdm9axkp042788"]
    for form in forms:
        shown: dict[str, Any] = json.loads(twin(city, "show", form, "--json").stdout)
        assert shown["code"] == asset.code, form


def test_show_lists_what_an_asset_contains(city: str) -> None:
    parents = [a.parent for a in CITY if a.parent]
    parent = max(set(parents), key=parents.count)
    shown = twin(city, "show", str(parent)).stdout
    assert [a.code for a in CITY if a.parent == parent and a.code not in shown] == []


def test_what_cannot_be_shown_is_said(city: str) -> None:
    code = CITY[0].code
    misread = code[:-1] + str((int(code[-1]) + 1) % 10)
    assert "a character was misread" in failure(twin(city, "show", misread), "code.checkdigit")
    assert "Codes look like" in failure(twin(city, "show", "lamp"), "code.malformed")
    assert "write the hyphens" in failure(twin(city, "show", "fi0919999000000001"), "code.unhyphenated")
    failure(twin(city, "show", code.replace("000001", "999999")[:-2]), "asset.unknown")
    assert "`twin find --text X`" in failure(twin(city, "show", "vin:X"), "identifier.unknown")
    assert "没有资产使用标识 vin:X" in twin(city, "show", "vin:X", lang="zh").stderr


def test_a_database_that_is_down_is_said() -> None:
    failure(twin("postgresql://twin@127.0.0.1:1/none", "show", CITY[0].code), "database.down")
