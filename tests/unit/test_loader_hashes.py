"""Hashes of texts and of whole rows: what they tell apart, and that they do not vary."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from loaders import arrow
from loaders import text_hashes as hashing
from loaders.arrow import Column
from loaders.formats import Rows
from loaders.keys import Seen, fingerprint, identify
from loaders.places import Written
from loaders.row_hashes import row_hashes
from loaders.text_hashes import text_hashes

TEXTS = st.text(max_size=3) | st.sampled_from(["", "\0", "\x1f", "a", "ab", "null"])
ROWS = st.lists(st.tuples(st.none() | TEXTS, st.none() | TEXTS), min_size=2, max_size=9)
BITS = 64
STORED = [-5317923095521612467, -1528708235261083501, -4209723537558245055]


def columns_of(rows: Sequence[tuple[str | None, str | None]]) -> list[Column]:
    return [arrow.texts(row[place] for row in rows) for place in (0, 1)]


@given(ROWS)
def test_rows_have_one_hash_exactly_if_they_say_the_same(rows: list[tuple[str | None, str | None]]) -> None:
    plain = [tuple(None if v is None else v.encode("utf-8", "replace").decode() for v in row) for row in rows]
    columns = [arrow.texts(row[place] for row in plain) for place in (0, 1)]
    hashes = row_hashes(columns, seed=fingerprint("one")).tolist()
    assert len(set(hashes)) == len(set(plain)) == len(set(zip(plain, hashes, strict=True)))
    assert not set(hashes) & set(row_hashes(columns, seed=fingerprint("another")).tolist())


def test_null_empty_and_shifted_values_hash_apart() -> None:
    rows = [(None, "x"), ("", "x"), ("x", None), ("x", ""), ("a", "b"), ("b", "a"), ("ab", ""), ("", "ab")]
    rows += [("a", None), (None, "a"), (None, None), ("", ""), ("\0", None), ("a\x1fb", ""), ("a", "\x1fb")]
    assert len(set(row_hashes(columns_of(rows)).tolist())) == len(rows)
    assert row_hashes(columns_of(rows)[:1])[0] != row_hashes(columns_of(rows))[0]


def test_a_row_has_one_hash_in_every_batch() -> None:
    """However often values repeat around it, whatever their lengths."""
    many = [(f"lamp {number % 7}", "x" * (number % 90)) for number in range(5_000)]
    apart = [(f"lamp {number % 7}", f"{number:0{number % 90}}") for number in range(5_000)]
    for rows in (many, apart):
        together = row_hashes(columns_of(rows), seed=5).tolist()
        for begin, end in ((0, 1), (3, 40), (4_000, 5_000)):
            assert row_hashes(columns_of(rows[begin:end]), seed=5).tolist() == together[begin:end]
            sliced = [column[begin:end] for column in columns_of(rows)]
            assert row_hashes(sliced, seed=5).tolist() == together[begin:end]


def test_numbers_and_dates_count_as_they_are_written() -> None:
    """A file may bring them as texts one day and typed the next."""
    typed: list[Column] = [
        pa.array([5, None, 7] * 900),
        pa.array([1.5, 2.0, None] * 900),
        pa.array([date(2020, 1, 2), None, date(1999, 12, 31)] * 900),
    ]
    written = [arrow.as_text(column) for column in typed]
    assert row_hashes(typed).tolist() == row_hashes(written).tolist()
    assert len(set(row_hashes(typed).tolist())) == 3


def test_bytes_lists_and_columns_of_nothing_have_hashes() -> None:
    values: list[Column] = [
        pa.array([b"\x00\xff", b"", None]),
        pa.array([b"\x00\xff", b"", None], pa.large_binary()),
        pa.array([["a", "b"], [], None], pa.list_(pa.string())),
        arrow.nulls(3),
        pa.nulls(3),
    ]
    found = [row_hashes([column]).tolist() for column in values]
    assert found[0] == found[1]
    assert found[3] == found[4] == [found[3][0]] * 3
    assert [len(set(hashes)) for hashes in found[:3]] == [3, 3, 3]
    assert len(row_hashes([arrow.texts([])])) == 0


def test_hashes_that_are_stored_stay_what_they_are() -> None:
    """Another value would make every registered row count as changed."""
    columns = [arrow.texts(["路灯 1", "", None]), arrow.texts(["in service", "12345678", "x"])]
    assert row_hashes(columns, seed=1 << 63).tolist() == STORED


def test_every_bit_of_a_row_and_of_the_seed_moves_half_of_the_hash() -> None:
    text = bytes(range(48, 90))
    flips = [
        text[:at] + bytes([text[at] ^ 1 << bit]) + text[at + 1 :] for at in range(42) for bit in range(8)
    ]
    column: Column = pa.array([text, *flips])
    other: Column = pa.array([b"same"] * len(column))
    for columns in ([column, other], [other, column]):
        assert_moved(row_hashes(columns))
    seeds = [0, *(1 << bit for bit in range(BITS))]
    assert_moved(np.concatenate([row_hashes([column[:1]], seed=seed) for seed in seeds]))


def assert_moved(hashes: np.typing.NDArray[np.int64]) -> None:
    """Each bit of the others differs from the first one's in about half of them."""
    unsigned = hashes.view(np.uint64)
    differing = unsigned[1:] ^ unsigned[0]
    bits = differing[:, None] >> np.arange(BITS, dtype=np.uint64) & np.uint64(1)
    tolerance = 5 * 0.5 / np.sqrt(len(bits))
    assert np.all(np.abs(bits.mean(axis=0) - 0.5) < tolerance)
    assert np.all(np.abs(bits.mean(axis=1) - 0.5) < 5 * 0.5 / np.sqrt(BITS))


def test_rows_that_differ_by_counting_do_not_meet() -> None:
    """In all bits, and in the first 24 about as often as chance has them meet."""
    side = np.arange(600)
    rows = [(f"{a}", f"{b}") for a in side for b in side]
    hashes = row_hashes(columns_of(rows))
    assert len(set(hashes.tolist())) == len(rows)
    beginnings = len(np.unique(hashes >> 40))
    expected = (1 << 24) * (1 - np.exp(-len(rows) / (1 << 24)))
    assert abs(beginnings - expected) < 1_000


@pytest.mark.parametrize("few", [0, 2, 10_000])
@given(values=st.lists(st.binary(max_size=30), max_size=40))
def test_texts_of_one_length_hash_as_among_others(few: int, values: list[bytes]) -> None:
    column = arrow.binaries(values)
    expected = [text_hashes(arrow.binaries([value])).tolist()[0] for value in values]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashing, "_FEW", few)
        patch.setattr(hashing, "_WORDS_AT_A_TIME", 8)
        assert text_hashes(column).tolist() == expected
        assert text_hashes(column[1:]).tolist() == expected[1:]


def test_hashes_of_texts_tell_them_apart() -> None:
    texts = [
        "",
        "a",
        "a\0",
        "b",
        "abcdefgh",
        "abcdefg",
        "abcdefghabcdefgh",
        "abcdefgh" * 3,
        "路灯",
        "路",
        "灯路",
    ]
    many = [*texts, *(f"L{number:08d}" for number in range(5_000)), *(f"{n}0123456" for n in range(99))]
    hashes = text_hashes(arrow.texts(many))
    assert len(set(hashes.tolist())) == len(many)
    assert text_hashes(arrow.texts(many[3:])).tolist() == hashes[3:].tolist()
    assert text_hashes(arrow.texts(many)[3:]).tolist() == hashes[3:].tolist()
    assert text_hashes(arrow.texts([None])).tolist() == hashes[:1].tolist()
    assert len(text_hashes(arrow.texts([]))) == 0


@given(st.lists(st.text(max_size=40), min_size=2, max_size=30, unique=True))
def test_different_texts_have_different_hashes(texts: list[str]) -> None:
    assert len(set(text_hashes(arrow.texts(texts)).tolist())) == len(texts)


def test_every_bit_of_a_hash_depends_on_every_byte() -> None:
    base = bytearray(b"0123456789abcdefghij")
    texts = [bytes(base), *(bytes(base[:at] + bytes([base[at] ^ 1]) + base[at + 1 :]) for at in range(20))]
    hashes = text_hashes(arrow.binaries(texts)).view(np.uint64)
    flipped = [int(one ^ hashes[0]).bit_count() for one in hashes[1:]]
    assert all(12 <= bits <= 52 for bits in flipped), flipped


def test_keys_of_places_are_the_same_for_ever() -> None:
    """They are stored, and a row is known again by them."""
    points = np.array([shapely.Point(1, 2), shapely.Point(121.5, 31.2), shapely.Point(1, 2)], dtype=object)
    rows = Rows(np.arange(3), {}, arrow.binaries(shapely.to_wkb(points)))
    identity = identify(rows, Written(rows.wkb), None, 0, Seen(counting=True))
    assert identity.keys.to_pylist() == [
        "place:1554381dfad85fe3",
        "place:d5235acbc8eed44e",
        "place:1554381dfad85fe3~2",
    ]
