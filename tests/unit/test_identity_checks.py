"""Identifiers of other schemes."""

from __future__ import annotations

import string

import pytest

from twin.identity.checks import CHECKS, check_column

VIN_CHARACTERS = "".join(c for c in string.digits + string.ascii_uppercase if c not in "IOQ")


def reason(name: str, value: str) -> str | None:
    return check_column(name, [value])[0]


@pytest.mark.parametrize("vin", ["1M8GDM9AXKP042788", "1" * 17, "1m8gdm9axkp042788", " 1M8GDM9AX-KP042788"])
def test_vins_of_the_standard(vin: str) -> None:
    assert reason("vin", vin) is None


def test_every_single_wrong_character_of_a_vin_that_changes_its_value_is_caught() -> None:
    """Letters share values (A, J and 1 are all 1), so that a VIN's digit cannot catch such a change."""
    vin = "1M8GDM9AXKP042788"
    values = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789", strict=True))
    for position, right in enumerate(vin):
        for wrong in VIN_CHARACTERS:
            same = values.get(wrong, wrong) == values.get(right, right) and position != 8
            mistaken = vin[:position] + wrong + vin[position + 1 :]
            assert (reason("vin", mistaken) is None) == (same or wrong == right), mistaken


def test_what_is_wrong_with_a_vin() -> None:
    assert reason("vin", "1M8GDM9A1KP042788") == "identifier.vin.checkdigit"
    assert reason("vin", "1M8GDM9AXKP04278") == "identifier.vin.malformed"
    assert reason("vin", "1M8GDM9AXKPO42788") == "identifier.vin.malformed"


@pytest.mark.parametrize(
    "plate",
    [
        "沪A12345",
        "沪a·12345",
        "沪A 1234挂",
        "京A1234警",
        "粤Z1234港",
        "沪AD12345",
        "沪A12345D",
        "沪AF12345",
        "使014578",
    ],
)
def test_plates(plate: str) -> None:
    assert reason("plate", plate) is None


@pytest.mark.parametrize(
    "plate", ["A12345", "沪I12345", "沪A1234", "沪A123456", "沪AX12345", "申A12345", "沪A1234O"]
)
def test_no_plates(plate: str) -> None:
    assert reason("plate", plate) == "identifier.plate.malformed"


def test_credit_codes() -> None:
    assert reason("uscc", "91110000600037341L") is None
    assert reason("uscc", "9 1 110000 600037341l") is None
    assert reason("uscc", "91110000600037341M") == "identifier.uscc.checkdigit"
    assert reason("uscc", "12345") == "identifier.uscc.malformed"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("elevator_registration", "31103101152019080001", None),
        ("elevator_registration", "31103101152019130001", "identifier.elevator_registration.date"),
        ("elevator_registration", "3110310115201908001", "identifier.elevator_registration.malformed"),
        ("equipment_code", "311010123201900001", None),
        ("equipment_code", "31101012320190001", None),
        ("equipment_code", "3110101232019A0001", None),
        ("equipment_code", "3110101232019000", "identifier.equipment_code.malformed"),
        ("rescue_number", "310123", None),
        ("rescue_number", "31-01-23", None),
        ("rescue_number", "12", "identifier.rescue_number.malformed"),
        ("real_estate_unit", "310115001001GB00001F00010001", None),
        ("real_estate_unit", "310115 001001 GB00001 F00010001", None),
        ("real_estate_unit", "310115001001GI00001F00010001", "identifier.real_estate_unit.malformed"),
        ("real_estate_unit", "310115001001GB00001F0001000", "identifier.real_estate_unit.malformed"),
    ],
)
def test_codes_without_check_digits(name: str, value: str, expected: str | None) -> None:
    assert reason(name, value) == expected


def test_a_column_keeps_its_length_and_its_gaps() -> None:
    assert check_column("vin", ["1" * 17, None, "x"]) == [None, None, "identifier.vin.malformed"]


def test_rules_say_their_source() -> None:
    assert all("[" in check.source and check.name == name for name, check in CHECKS.items())
