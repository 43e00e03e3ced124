"""Columns become columns of a field's type and unit; what cannot is left out with a warning."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders import arrow, json_column, reasons, words
from loaders.arrow import Column
from loaders.dates import order_of, read_date
from loaders.findings import Findings, Verdict
from loaders.mapping import DateOrder, FieldSource
from loaders.plan import Column as PlanColumn
from loaders.plan import Filling, Plan, Position
from loaders.reasons import REJECTIONS, WARNINGS
from loaders.values import convert, present, quantities
from twin.kinds import kind
from twin.kinds.fields import Field
from twin.kinds.model import Attribute, Choice
from twin.registry.words import folded


@pytest.mark.parametrize(
    ("text", "order", "iso", "reason"),
    [
        ("2024-02-29", None, "2024-02-29", None),
        ("2024/2/9", None, "2024-02-09", None),
        ("2024.02.09 10:11:12", None, "2024-02-09", None),
        ("2024-02-09T10:11:12+08:00", None, "2024-02-09", None),
        ("2024年2月9日", None, "2024-02-09", None),
        ("20240209", None, "2024-02-09", None),
        ("20140325.0", None, "2014-03-25", None),
        ("4/22/2007 0:00:00", "mdy", "2007-04-22", None),
        ("22.4.2007", "dmy", "2007-04-22", None),
        ("5/5/2007", None, "2007-05-05", None),
        ("2003", None, "2003-01-01", "date.imprecise"),
        ("2003年", None, "2003-01-01", "date.imprecise"),
        ("2003-07", None, "2003-07-01", "date.imprecise"),
        ("2003年7月", None, "2003-07-01", "date.imprecise"),
        ("4/5/2007", None, None, "date.ambiguous"),
        ("2023-02-29", None, None, "date.invalid"),
        ("4/22/07", None, None, "date.invalid"),
        ("0000-01-01", None, None, "date.invalid"),
        ("soon", None, None, "date.invalid"),
        ("22/4/2007", "mdy", None, "date.invalid"),
    ],
)
def test_dates_in_the_ways_people_write_them(
    text: str, order: DateOrder | None, iso: str | None, reason: str | None
) -> None:
    reading = read_date(text, order)
    assert (reading.iso, reading.reason) == (iso, reason)


@given(st.dates(date(1, 1, 1)))
def test_a_date_reads_back_from_each_form(day: date) -> None:
    y, m, d = day.year, day.month, day.day
    forms: list[tuple[str, DateOrder | None]] = [
        (day.isoformat(), None), (f"{y:04}年{m}月{d}日", None), (f"{y:04}{m:02}{d:02}", None),
        (f"{m}/{d}/{y:04}", "mdy"), (f"{d}.{m}.{y:04}", "dmy"),
    ]  # fmt: skip
    assert {read_date(text, order).iso for text, order in forms} == {day.isoformat()}


def test_the_order_of_day_and_month_shows_in_the_column() -> None:
    assert order_of(["4/5/2007", "4/22/2007"]) == "mdy"
    assert order_of(["4/5/2007", "22/4/2007"]) == "dmy"
    assert order_of(["4/5/2007"]) is None
    assert order_of(["22/4/2007", "4/22/2007"]) is None


def filled(
    attribute: Attribute, texts: list[str | None], /, **how: object
) -> tuple[list[object], dict[str, int]]:
    """The attribute filled from one column, and what was warned about."""
    unit = how.pop("unit", None)
    source = FieldSource(**how)  # type: ignore[arg-type]
    column = (PlanColumn("c", unit if isinstance(unit, str) else None),)
    filling = Filling(Field("attribute", attribute.name), attribute, column, source)
    plan = Plan(kind("streetlight"), (filling,), Position(), None, (), ())
    verdict = Verdict(np.arange(1, len(texts) + 1), Findings(), Findings())
    made = convert(plan, {"c": arrow.texts(texts)}, verdict)
    return made.attributes[attribute.name].to_pylist(), dict(verdict.warnings.counts)


def pa_floats(values: list[float | None]) -> Column:
    return arrow.numbers(
        np.array([0.0 if v is None else v for v in values]), np.array([v is None for v in values])
    )


def pa_integers(values: list[int | None]) -> Column:
    return arrow.numbers(
        np.array([0 if v is None else v for v in values], dtype=np.int64),
        np.array([v is None for v in values]),
    )


def pa_moments(values: list[datetime | None]) -> Column:
    return pa.array(values, pa.timestamp("ms"))


HEIGHT = Attribute("height", "number", "Height", "高度", "ours", unit="m", minimum=0, maximum=100)
COUNT = Attribute("count", "integer", "Count", "数量", "ours", minimum=0)
LIT = Attribute("lit", "boolean", "Lit", "亮", "ours")
LAMP = Attribute(
    "lamp",
    "choice",
    "Lamp",
    "灯",
    "ours",
    choices=(
        Choice("led", "LED", "发光二极管", ("LED灯",)),
        Choice("high_pressure", "High pressure", "高压"),
    ),
)


def test_numbers_with_and_without_units() -> None:
    values, warnings = filled(
        HEIGHT, ["5", "16 ft", "5.5m", "５", "x", "N/A", None, "-1", "101", "1e400", "1,5"]
    )
    assert values == [5.0, 4.8768, 5.5, 5.0, None, None, None, None, None, None, None]
    assert warnings == {"number.invalid": 3, "number.range": 2}
    assert filled(HEIGHT, ["16", "16 m", "192 in"], unit="ft")[0] == [4.8768, 16.0, 4.8768]


def test_whole_numbers() -> None:
    values, warnings = filled(COUNT, ["3", "3.0", "3.5", "1e3", "-2", "99999999999999999999"])
    assert values == [3, 3, None, 1000, None, None]
    assert warnings == {"number.not_whole": 1, "number.range": 2}


def test_yes_and_no() -> None:
    values, warnings = filled(LIT, ["Yes", "是", "1", "false", "否", "0", "perhaps", "-", None])
    assert values == [True, True, True, False, False, False, None, None, None]
    assert warnings == {"boolean.invalid": 1}


def test_choices_by_value_label_and_synonym() -> None:
    values, warnings = filled(LAMP, ["led", "LED", "led灯", "High-Pressure", "高压", "gas", None])
    assert values == ["led", "led", "led", "high_pressure", "high_pressure", None, None]
    assert warnings == {"choice.unknown": 1}
    assert filled(LAMP, ["A", "B", "led"], values={"A": "led", "B": "高压"})[0] == [
        "led",
        "high_pressure",
        "led",
    ]


def test_one_value_for_all_rows() -> None:
    assert filled(HEIGHT, [None, "7"], value="12 ft")[0] == [3.6576, 3.6576]


INSTALLED = Attribute("installed", "date", "Installed", "安装日期", "ours")
MOMENTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31))


@given(
    st.lists(st.none() | st.floats(-1000, 1000) | st.just(float("nan")), min_size=1).map(pa_floats)
    | st.lists(st.none() | st.integers(-(2**62), 2**62), min_size=1).map(pa_integers)
    | st.lists(st.none() | MOMENTS, min_size=1).map(pa_moments)
)
def test_columns_that_are_of_a_type_mean_what_their_texts_mean(column: Column) -> None:
    for meaning in (HEIGHT, COUNT) if arrow.is_number(column) else (INSTALLED,):
        for unit in ("ft", None) if meaning is HEIGHT else (None,):
            found = []
            for given_ in (column, arrow.as_text(column)):
                verdict = Verdict(np.arange(1, len(column) + 1), Findings(), Findings())
                filling = Filling(Field("attribute", meaning.name), meaning, (PlanColumn("c", unit),))
                plan = Plan(kind("streetlight"), (filling,), Position(), None, (), ())
                made = convert(plan, {"c": given_}, verdict).attributes[meaning.name].to_pylist()
                found.append((made, dict(verdict.warnings.counts)))
            assert found[0] == found[1]


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_keep_every_digit(values: list[float | None]) -> None:
    texts = arrow.texts(None if value is None else repr(value) for value in values)
    numbers = quantities(texts, None, None)
    assert [None if np.isnan(n) else n for n in numbers] == values


@pytest.mark.parametrize(
    "text", ["", " ", "NULL", "<Null>", "N/A", "#n/a", "NaN", "-", "--", "/", "无", "None"]
)
def test_words_that_mean_nothing(text: str) -> None:
    assert present(arrow.texts([text, "x"])).to_pylist() == [None, "x"]


def test_a_nul_within_a_text_is_taken_out() -> None:
    assert present(arrow.texts(["a\0b", "\0", " c "])).to_pylist() == ["ab", None, "c"]


@given(
    st.lists(
        st.tuples(st.none() | st.text(), st.none() | st.integers(-9, 9), st.none() | st.booleans()),
        min_size=1,
    )
)
def test_json_objects_say_what_is_there(rows: list[tuple[str | None, int | None, bool | None]]) -> None:
    import json

    texts, wholes, truths = (list(values) for values in zip(*rows, strict=True))

    def column(values: list[int | None] | list[bool | None], kind_: type) -> Column:
        missing = np.array([value is None for value in values])
        return arrow.numbers(np.array([value or 0 for value in values], dtype=kind_), missing)

    surrogates = [None if t is None else t.encode("utf-8", "replace").decode() for t in texts]
    columns = {"t": arrow.texts(surrogates), "n": column(wholes, np.int64), 'b"': column(truths, np.bool_)}
    made = json_column.objects(columns, len(rows)).to_pylist()
    for text, (_, whole, truth), written in zip(surrogates, rows, made, strict=True):
        expected = {"t": text, "n": whole, 'b"': truth}
        assert json.loads(written) == {key: value for key, value in expected.items() if value is not None}


def test_every_reason_has_words_in_both_languages() -> None:
    named = (
        "first",
        "other",
        "kind",
        "found",
        "problem",
        "range",
        "limit",
        "repair",
        "repair_zh",
        "by",
        "by_zh",
        "file",
    )
    facts = dict.fromkeys(named, "X")
    assert set(REJECTIONS) & set(WARNINGS) == {"row.twin", "asset.suspected"}
    for reason in (*REJECTIONS, *WARNINGS):
        english, chinese = reasons.text(reason, facts, "en"), reasons.text(reason, facts, "zh")
        assert english
        assert chinese
        assert "{" not in english + chinese
        assert "." in reason


def test_a_row_is_rejected_once_and_findings_stay_few() -> None:
    rejections, warnings = Findings(), Findings()
    verdict = Verdict(np.arange(1, 3001), rejections, warnings)
    everything = np.ones(3000, dtype=np.bool_)
    verdict.warn(everything, "number.invalid", "n", lambda places: ["v" * 500] * len(places))
    verdict.reject(everything, "key.missing")
    verdict.reject(everything, "geometry.type")
    verdict.warn(everything, "date.invalid")
    assert (dict(rejections.counts), len(rejections.kept)) == ({"key.missing": 3000}, 1000)
    assert (dict(warnings.counts), len(warnings.kept)) == ({"number.invalid": 3000}, 1000)
    assert len(warnings.kept[0].value or "") == 200
    assert [finding.row for finding in rejections.kept] == list(range(1, 1001))


@given(st.lists(st.text("aZß İſ \u3000（)ＡⅣ豈路號Σς\t'\"é", max_size=8), min_size=1, max_size=20))
def test_columns_are_folded_as_texts_are(texts: list[str]) -> None:
    tidied = [" ".join(text.split()) or None for text in texts]
    folded_texts = [text and folded(text) for text in tidied]
    assert words.folded_column(arrow.texts(tidied)).to_pylist() == folded_texts


def test_plain_columns_are_folded_as_texts_are() -> None:
    texts = ["南京东路 1 号", "Pole  A", "x\ty", None, "Lámpara"]
    for some in (texts, texts[:2], texts[:1], [None]):
        assert words.folded_column(arrow.texts(some)).to_pylist() == [text and folded(text) for text in some]
