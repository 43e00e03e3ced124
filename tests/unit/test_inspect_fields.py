"""Which column is taken for which field, and how surely: one test for each rule."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from loaders.inspection.confidence import Confidence
from loaders.inspection.facts import Facts
from loaders.inspection.fields import FieldGuess, propose_fields
from loaders.inspection.keys import propose_key
from tests.loading import vin
from twin.kinds import kind

CERTAIN, LIKELY, GUESS = Confidence.CERTAIN, Confidence.LIKELY, Confidence.GUESS


def found(kind_name: str, **columns: Sequence[object]) -> dict[str, FieldGuess]:
    facts = [
        Facts.of(name, [None if v is None else str(v) for v in values]) for name, values in columns.items()
    ]
    return {guess.column: guess for guess in propose_fields(kind(kind_name), facts)}


def test_a_name_and_fitting_values_are_certain() -> None:
    guess = found("streetlight", 额定功率=[100, 150, 250])["额定功率"]
    assert (guess.target.name, guess.unit, guess.confidence) == ("power", None, CERTAIN)


def test_a_unit_in_the_heading_is_kept() -> None:
    guess = found("building", **{"height (ft)": [30, 42, 55]})["height (ft)"]
    assert (guess.target.name, guess.unit, guess.confidence) == ("height", "ft", CERTAIN)


def test_the_fields_own_unit_need_not_be_said() -> None:
    assert found("streetlight", **{"杆高(米)": [8, 10]})["杆高(米)"].unit is None


def test_feet_or_metres_is_not_certain() -> None:
    assert found("building", height=[30, 42, 55])["height"].confidence is LIKELY


def test_chinese_headings_are_metric() -> None:
    assert found("building", 建筑高度=[30, 42, 55])["建筑高度"].confidence is CERTAIN


def test_units_written_in_the_values_are_certain() -> None:
    guess = found("streetlight", height=["16 ft", "30 ft", "18 ft"])["height"]
    assert (guess.target.name, guess.unit, guess.confidence) == ("pole_height", "ft", CERTAIN)


def test_a_unit_of_another_dimension_is_a_guess_at_most() -> None:
    guesses = found("building", **{"高度(kg)": [30, 42, 55]})
    assert all(guess.confidence is GUESS for guess in guesses.values())


@pytest.mark.parametrize(
    ("kind_name", "column", "values"),
    [
        ("streetlight", "额定功率", ["高", "中", "低"]),
        ("building", "总层数", [900, 800, 700]),
        ("pipeline", "owner", [0, 4, 4]),
        ("pipeline", "年代", ["新", "旧", "旧"]),
        ("streetlight", "installed", ["a", "b", "c"]),
        ("streetlight", "code", [1500, 1500, 1501]),
        ("streetlight", "现势性", ["1", "2", "7"]),
    ],
)
def test_a_name_with_other_values_is_no_more_than_a_guess(
    kind_name: str, column: str, values: Sequence[object]
) -> None:
    guess = found(kind_name, **{column: values}).get(column)
    assert guess is None or guess.confidence is GUESS


def test_an_empty_column_is_not_certain() -> None:
    assert found("building", 建筑高度=[None, None])["建筑高度"].confidence is LIKELY


def test_vehicle_numbers_are_known_by_their_check_digit() -> None:
    numbers = [vin(n) for n in range(20)]
    guess = found("vehicle", 识别代码列=numbers)["识别代码列"]
    assert (guess.target.name, guess.confidence) == ("vin", CERTAIN)
    wrong = [f"{text[:8]}{(int(text[8].replace('X', '5')) + 1) % 10}{text[9:]}" for text in numbers]
    assert found("vehicle", 识别代码列=wrong).get("识别代码列") is None


def test_plates_and_registrations_are_known_by_their_shape() -> None:
    plates = [f"沪A{n:05d}" for n in range(10000, 10020)]
    assert found("vehicle", c1=plates)["c1"].target.name == "plate"
    codes = [f"3110310115201001{n:04d}" for n in range(20)]
    guess = found("elevator", c1=codes)["c1"]
    assert (guess.target.name, guess.confidence) == ("elevator_registration", CERTAIN)


def test_two_values_of_a_shape_prove_nothing() -> None:
    assert found("vehicle", c1=[vin(1), vin(2)]).get("c1") is None


def test_asset_codes_are_known_by_their_class() -> None:
    lamps = [f"3101150118{n:06d}" for n in range(1, 30)]
    assert found("streetlight", c1=lamps)["c1"].target.name == "code"
    assert "c1" not in found("manhole", c1=lamps)


def test_the_order_of_dates_is_said_where_the_values_tell() -> None:
    assert found("streetlight", installed=["17/11/2020", "05/03/2019"])["installed"].order == "dmy"
    assert found("streetlight", installed=["11/17/2020", "05/03/2019"])["installed"].order == "mdy"
    assert found("streetlight", installed=["01/02/2020", "05/03/2019"])["installed"].confidence is GUESS


def test_words_of_a_choice_are_likely_only() -> None:
    guess = found("streetlight", poleType=["Wood", "Steel", "Aluminum"])["poleType"]
    assert (guess.target.name, guess.confidence) == ("pole_material", LIKELY)


def test_initials_are_guesses() -> None:
    guess = found("building", JZGD=[12, 30, 15])["JZGD"]
    assert (guess.target.name, guess.confidence) == ("height", GUESS)


def test_names_held_or_cut_off_are_likely_at_most() -> None:
    assert found("building", 房屋名称=["甲楼", "乙楼"])["房屋名称"].confidence is LIKELY
    assert found("elevator", GPS编号=["A", "B"]).get("GPS编号") is None
    assert found("streetlight", LIGHTMANUF=["GE", "Philips"])["LIGHTMANUF"].confidence is LIKELY


def test_two_columns_for_one_field_are_not_certain() -> None:
    guesses = found("elevator", 安装日期=["2010-04-20", "2011-04-20"], 投用日期=["2010-06-01", "2011-06-01"])
    assert [guess.confidence for guess in guesses.values()] == [LIKELY]


def test_each_field_has_one_column_and_each_column_one_field() -> None:
    guesses = found("streetlight", power=[1, 2], 功率=[1, 2], 额定功率=[1, 2], name=["甲", "乙"])
    assert len({guess.target.name for guess in guesses.values()}) == len(guesses) == 2


def key_of(**columns: Sequence[object]) -> tuple[str, Confidence] | None:
    facts = [
        Facts.of(name, [None if v is None else str(v) for v in values]) for name, values in columns.items()
    ]
    streetlight = kind("streetlight")
    guess = propose_key(streetlight, facts, propose_fields(streetlight, facts))
    return guess and (guess.column, guess.confidence)


def test_keys() -> None:
    many = range(100, 200)
    assert key_of(uuid=many, name=many) == ("uuid", CERTAIN)
    assert key_of(OBJECTID=range(1, 101), name=many) == ("OBJECTID", LIKELY)
    assert key_of(灯杆编号=[f"L{n}" for n in many], OBJECTID=range(1, 101)) == ("灯杆编号", CERTAIN)
    assert key_of(uuid=[*range(99), 5]) == ("uuid", CERTAIN)
    assert key_of(uuid=[n // 2 for n in many], note=many) is None
    assert key_of(lamp_code=many) == ("lamp_code", LIKELY)
    assert key_of(name=many) is None
