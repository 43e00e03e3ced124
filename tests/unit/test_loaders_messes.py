"""What departments send: garbled text, exchanged axes, rings that do not close."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from loaders import arrow
from loaders.findings import Findings, Verdict
from loaders.formats import Rows
from loaders.mojibake import garbled, is_garbled
from loaders.places import Raw, read_geometries, settle_places
from loaders.plan import Position
from spatial.crs import operation_to_wgs84, parse_crs
from twin.kinds import kind

COMMON = st.sampled_from(
    [bytes([a, b]).decode("gb2312") for a in range(0xB0, 0xD7) for b in range(0xA1, 0xFA)]
)
"""The common characters of GB 2312, level 1."""


@given(st.text(COMMON, min_size=1, max_size=12))
def test_chinese_read_as_latin_is_found(text: str) -> None:
    assert is_garbled(text.encode().decode("latin-1"))


@given(st.text(COMMON, min_size=4, max_size=12).filter(lambda text: len(text) % 2 == 0))
def test_chinese_read_as_gbk_is_found(text: str) -> None:
    try:
        read = text.encode().decode("gbk")
    except UnicodeDecodeError:
        return
    assert is_garbled(read)


@pytest.mark.parametrize("word", ["路灯3", "电梯", "名称", "井盖A-7"])
def test_a_word_in_utf8_within_gb18030_is_found(word: str) -> None:
    assert is_garbled(word.encode().decode("gb18030"))


@given(st.text(COMMON, max_size=20))
def test_genuine_text_is_left_alone(text: str) -> None:
    assert not is_garbled(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Rue de l’Église",
        "café »",
        "Ångström",
        "Käsestraße 5",
        "世纪大道",
        "浣碱",
        "鐵路",
        "堃喆",
        "ÅÄÖ",
        "北京路12号—3",
        "é",
    ],
)
def test_other_languages_are_left_alone(text: str) -> None:
    assert not is_garbled(text)


def test_windows_and_latin_misreadings_are_both_found() -> None:
    """``路`` is E8 B7 AF; ``东`` is E4 B8 9C, whose last byte Windows-1252 shows as œ."""
    texts = ["东路".encode().decode(taken_for) for taken_for in ("cp1252", "latin-1")]
    texts += ["虚构运输乙队".encode().decode("gbk"), "东路", "x"]
    assert garbled(arrow.texts([*texts, None])).tolist() == [True, True, True, False, False, False]


PUDONG = (121.4, 31.1, 121.9, 31.4)


def judge(
    shapes: list[shapely.Geometry], crs: str, extent: tuple[float, float, float, float] | None
) -> dict[str, int]:
    verdict = Verdict(np.arange(1, len(shapes) + 1), Findings(), Findings())
    system = parse_crs(crs)
    bounds = (640000.0, 3450000.0, 641000.0, 3451000.0) if crs == "EPSG:4549" else PUDONG
    raw = Raw(np.array([*shapes, None], dtype=object)[:-1], np.zeros(len(shapes), dtype=np.bool_))
    settle_places(raw, operation_to_wgs84(system, bounds), kind("streetlight"), verdict, extent)
    return dict(verdict.rejections.counts)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4490", "GCJ-02"])
def test_exchanged_degrees_are_told_as_such(crs: str) -> None:
    points = [shapely.Point(121.5, 31.2), shapely.Point(31.2, 121.5)]
    assert judge(points, crs, PUDONG) == {"geometry.swapped": 1}
    assert judge(points, crs, None) == {"crs.outside": 1}


def test_exchanged_metres_are_told_as_such() -> None:
    points = [shapely.Point(640412.3, 3457455.5), shapely.Point(3457455.5, 640412.3), shapely.Point(1.0, 2.0)]
    assert judge(points, "EPSG:4549", PUDONG) == {"geometry.swapped": 1, "crs.outside": 1}


def test_exchanged_positions_within_the_area_of_use_are_found_too() -> None:
    """Helsinki is at 24.9, 60.2; 60.2, 24.9 is a place in Iran, and WGS 84 is used everywhere."""
    helsinki = (24.7, 60.0, 25.3, 60.4)
    assert judge([shapely.Point(60.2, 24.9)], "EPSG:4326", helsinki) == {"geometry.swapped": 1}


def test_a_position_just_outside_is_not_taken_for_exchanged() -> None:
    """Near the diagonal both readings are at hand: only what lies far off is judged."""
    extent = (6.0, 4.0, 8.0, 7.0)
    assert judge([shapely.Point(5.9, 6.5)], "EPSG:4326", extent) == {}
    assert judge([shapely.Point(40.0, 50.0)], "EPSG:4326", extent) == {}


def test_an_open_ring_is_closed_and_a_ring_of_two_points_is_none() -> None:
    square = shapely.box(121.5, 31.2, 121.6, 31.3).wkt
    opened = "POLYGON ((121.5 31.2, 121.6 31.2, 121.6 31.3, 121.5 31.3))"
    two = "POLYGON ((121.5 31.2, 121.6 31.2))"
    column = arrow.texts([square, opened, two, None])

    rows = Rows(np.arange(1, 5), {"wkt": column}, None)
    raw = read_geometries(rows, Position(wkt="wkt"))
    assert raw.unreadable.tolist() == [False, False, True, False]
    assert raw.closed is not None and raw.closed.tolist() == [False, True, False, False]
    verdict = Verdict(np.arange(1, 5), Findings(), Findings())
    settle_places(raw, operation_to_wgs84(parse_crs("EPSG:4326"), PUDONG), kind("building"), verdict)
    assert dict(verdict.warnings.counts) == {"geometry.repaired": 1, "geometry.missing": 1}
    assert dict(verdict.rejections.counts) == {"geometry.unreadable": 1}
