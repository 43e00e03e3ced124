"""What headings say: units, words, initials of pinyin."""

from __future__ import annotations

import pytest

from loaders.inspection.headings import heading, initials, tokens
from twin.kinds.units import parse_quantity, unit_named


@pytest.mark.parametrize(
    ("text", "bare", "unit"),
    [
        ("灯杆高度(m)", "灯杆高度", "m"),
        ("灯杆高度（米）", "灯杆高度", "m"),
        ("功率(W)", "功率", "W"),
        ("DV_CAPACITY_LBS", "dvcapacity", "lb"),
        ("Speed (fpm)", "speed", "ft/min"),
        ("Diameter inch", "diameter", "in"),
        ("motor_power_hp", "motorpower", "hp"),
        ("height/ft", "height", "ft"),
        ("管径mm", "管径", "mm"),
        ("pipe diameter [mm]", "pipediameter", "mm"),
        ("inner_diameter_mm", "innerdiameter", "mm"),
    ],
)
def test_units_in_headings(text: str, bare: str, unit: str) -> None:
    found = heading(text)
    assert (found.bare, found.unit) == (bare, unit)


@pytest.mark.parametrize(
    "text", ["高度", "height", "(m)", "m", "备注(必填)", "route_id", "name_en", "", "…27", "()"]
)
def test_headings_without_a_unit(text: str) -> None:
    assert heading(text).unit is None


def test_words_of_a_heading() -> None:
    assert tokens("DV_LastInsp2") == ("dv", "last", "insp", "2")
    assert tokens("poleHeightFT") == ("pole", "height", "ft")
    assert tokens("灯杆编号") == ("灯杆编号",)


def test_initials_are_those_of_the_pinyin() -> None:
    assert initials("埋深") == "MS"
    assert initials("管径") == "GJ"
    assert initials("权属单位") == "QSDW"
    assert initials("abc") is None
    assert initials("管X") is None


def test_horsepower_is_a_unit() -> None:
    """One mechanical horsepower is 745.699872 W (NIST SP 811, appendix B.8)."""
    assert parse_quantity("10 hp", "kW") == pytest.approx(7.45699872)
    assert unit_named("马力") == "hp"
    assert unit_named("hours") is None
