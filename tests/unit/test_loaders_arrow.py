"""Whole columns: what is done once for many rows, or not at all, gives what doing it for each would."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from loaders import arrow
from loaders.arrow import Column
from loaders.mojibake import garbled


@pytest.mark.parametrize("times", [1, 900])
def test_numbers_are_written_alike_however_often_they_come(times: int) -> None:
    column: Column = pa.array([1.5, 2.0, None, -0.0, 0.0, 1e300] * times)
    assert arrow.repeats(column) == (times > 1)
    assert arrow.numbers_as_text(column).to_pylist() == arrow.as_text(column).to_pylist()


def test_of_lists_and_of_no_rows_is_not_known_that_they_repeat() -> None:
    assert not arrow.repeats(pa.array([[1], [1]] * 900))
    assert not arrow.repeats(arrow.texts([]))
    assert arrow.repeats(arrow.nulls(900))


@pytest.mark.parametrize("times", [1, 900])
def test_garbled_texts_are_found_however_often_they_come(times: int) -> None:
    texts = ["路灯", "路灯".encode().decode("latin-1"), None, "plain", ""]
    assert garbled(arrow.texts(texts * times)).tolist() == [False, True, False, False, False] * times


@pytest.mark.parametrize("text", ["a\u00a0", "\u1680a", "\u2003a", "a\u3000", " a", "a\t", "a\0"])
def test_white_space_of_every_kind_is_stripped(text: str) -> None:
    assert arrow.stripped(arrow.texts(["路灯", text])).to_pylist() == ["路灯", "a"]


def test_a_take_of_all_rows_is_the_column_itself() -> None:
    column = arrow.texts(["a", None, "b"])
    assert arrow.take(column, np.ones(3, dtype=np.bool_)) is column
    assert arrow.take(column, np.array([True, False, True])).to_pylist() == ["a", "b"]


@pytest.mark.parametrize(
    ("values", "head"),
    [
        ([b"ab12", b"ab34"], b"ab"),
        ([b"ab12", b"cd34"], None),
        ([b"ab1", b"ab234"], b"ab"),
        ([b"ab1", None, b"ab2345"], None),
        ([b"ab", b"a"], None),
        ([b"ab"], b"ab"),
        ([None], None),
        ([], None),
    ],
)
def test_heads_are_exchanged(values: list[bytes | None], head: bytes | None) -> None:
    expected = [value and value[:2].upper() + b"-" + value[2:] for value in values]
    whole = arrow.binaries([b"ab0000", *values])
    for column in (arrow.binaries(values), whole[1:]):
        assert arrow.head(column, 2) == head
        assert arrow.with_heads(column, 2, lambda old: old.upper() + b"-").to_pylist() == expected
        assert arrow.without_head(column, 2).to_pylist() == [value and value[2:] for value in values]


def test_lengths_are_counted_in_characters() -> None:
    column = arrow.texts(["路灯路", "abc", None, "abcd", "灯灯灯灯"])
    assert arrow.longer_than(column, 3).tolist() == [False, False, False, True, True]
    assert not arrow.longer_than(column, 12).any()
