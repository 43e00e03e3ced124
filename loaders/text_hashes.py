"""Hashes of texts and other bytes, computed as arrays.

A text is taken eight bytes at a time. Each word is mixed with a number of its place and made sure to move all
bits; the sum of the words and the length are mixed once more (the mixer is that of MurmurHash3's 64 bits, by
Austin Appleby, with other shifts). Hashes of whole rows are made of these (``loaders.row_hashes``).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from loaders import arrow
from loaders.arrow import Column
from spatial.arrays import Int64Array

Bytes = np.typing.NDArray[np.uint8]
Words = np.typing.NDArray[np.uint64]

_WORD = 8
_WORDS_AT_A_TIME = 16_384
"""So that what is computed of them stays in the processor's cache, and is little however long texts are."""
_FEW = 32
"""Texts of one length that are not worth being taken apart from others."""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_WITHIN = np.array([(1 << 8 * count) - 1 for count in range(_WORD + 1)], dtype=np.uint64)
"""The bits of a word's first so many bytes."""


def text_hashes(column: Column) -> Int64Array:
    """A hash of 64 bits, as a signed integer, of each text or of each value's bytes; null is as empty."""
    data, starts, lengths = arrow.binary_parts(column)
    # A word may begin at any byte, and the last one ends behind the data.
    padded = np.concatenate([data, np.zeros(_WORD, np.uint8)])
    result: Words = np.empty(len(lengths), dtype=np.uint64)
    for rows, length in _by_length(lengths):
        if length is None:
            result[rows] = _sums(padded, starts[rows], lengths[rows])
        else:
            result[rows] = _sums_of_one_length(padded, starts[rows], length)
    return mixed(result ^ lengths.astype(np.uint64) * _GOLDEN).view(np.int64)


def mixed(values: Words) -> Words:
    """The same array, changed: every bit of a value depends on all of them."""
    values ^= values >> np.uint64(33)
    values *= _FIRST
    values ^= values >> np.uint64(29)
    values *= _SECOND
    values ^= values >> np.uint64(32)
    return values


def _by_length(lengths: Int64Array) -> Iterator[tuple[slice | Int64Array, int | None]]:
    """The places of texts that have one length, and the length; those of rare lengths together, with None."""
    if not len(lengths):
        return
    if (lengths == lengths[0]).all():
        yield slice(None), int(lengths[0])
        return
    # Of 16 bits NumPy counts how often each value comes, and compares none.
    order = np.argsort(lengths.astype(np.uint16) if lengths.max() < 1 << 16 else lengths, kind="stable")
    ordered = lengths[order]
    firsts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    rare = []
    for length, rows in zip(ordered[firsts].tolist(), np.split(order, firsts[1:]), strict=True):
        if len(rows) > _FEW:
            yield rows, length
        else:
            rare.append(rows)
    rest = np.sort(np.concatenate([np.empty(0, np.int64), *rare]))
    parts = np.cumsum(_counts(lengths[rest])) // _WORDS_AT_A_TIME
    for some in np.split(rest, np.flatnonzero(np.diff(parts)) + 1):
        if len(some):
            yield some, None


def _sums_of_one_length(padded: Bytes, starts: Int64Array, length: int) -> Words:
    """What ``_sums`` gives of texts of one length: their words are a matrix, a line for each place."""
    count = int(_counts(np.array(length)))
    window = count * _WORD
    texts = np.ndarray((len(padded) - window + 1, window), np.uint8, padded, strides=(1, 1))
    places, within = _of_places(count)[:, None], _WITHIN[length - (count - 1) * _WORD]
    sums: Words = np.empty(len(starts), dtype=np.uint64)
    step = max(1, _WORDS_AT_A_TIME // count)
    for begin in range(0, len(starts), step):
        some = starts[begin : begin + step]
        in_a_row = length > 0 and some[-1] - some[0] == (len(some) - 1) * length
        chosen = texts[some[0] : some[-1] + 1 : length] if in_a_row else texts[some]
        words: Words = np.array(chosen.view("<u8").T, dtype=np.uint64, order="C")
        words[-1] &= within
        words ^= places
        mixed(words).sum(axis=0, out=sums[begin : begin + step])
    return sums


def _sums(padded: Bytes, starts: Int64Array, lengths: Int64Array) -> Words:
    """The sum of each text's words, mixed; an empty text has one word of nothing."""
    every = np.ndarray((len(padded) - _WORD + 1,), "<u8", padded, strides=(1,))
    counts = _counts(lengths)
    ends = np.cumsum(counts)
    firsts = ends - counts
    place = np.arange(ends[-1]) - np.repeat(firsts, counts)
    words = every[np.repeat(starts, counts) + place * _WORD]
    words[ends - 1] &= _WITHIN[lengths - (counts - 1) * _WORD]
    words ^= _of_places(int(counts.max()))[place]
    sums: Words = np.add.reduceat(mixed(words), firsts)
    return sums


def _counts(lengths: Int64Array) -> Int64Array:
    """How many words texts have that are so long."""
    return np.maximum(-(-lengths // _WORD), 1)


def _of_places(count: int) -> Words:
    """A number for each of so many places."""
    return mixed(np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN)
