"""Hashes of short texts, keys among them, computed as arrays: for comparing in memory, never to be stored.

A text is taken eight bytes at a time. Each word is mixed with a number of its place and made sure to move all
bits; the sum of the words and the length are mixed once more (the mixer is that of MurmurHash3's 64 bits, by
Austin Appleby, with other shifts). The hash of whole rows, which is stored, is xxh3 (``loaders.keys``).
"""

from __future__ import annotations

import numpy as np

from loaders import arrow
from loaders.arrow import Column
from spatial.arrays import Int64Array

Words = np.typing.NDArray[np.uint64]

_WORD = 8
_AT_A_TIME = 2_048
"""Texts at a time, so that their words stay in the processor's cache."""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_WITHIN = np.array([(1 << 8 * count) - 1 for count in range(_WORD + 1)], dtype=np.uint64)
"""The bits of a word's first so many bytes."""


def text_hashes(column: Column) -> Int64Array:
    """A hash of 64 bits, as a signed integer, of each text or of each value's bytes; null is as empty."""
    data, starts, lengths = arrow.binary_parts(column)
    result: Words = np.empty(len(lengths), dtype=np.uint64)
    # A word may begin at any byte, and the last one ends behind the data.
    padded = np.concatenate([data, np.zeros(_WORD, np.uint8)])
    words = np.ndarray((len(data) + 1,), "<u8", padded, strides=(1,))
    for begin in range(0, len(lengths), _AT_A_TIME):
        some = slice(begin, begin + _AT_A_TIME)
        result[some] = _sums(words, starts[some], lengths[some])
    return _mixed(result ^ lengths.astype(np.uint64) * _GOLDEN).view(np.int64)


def _sums(words: Words, starts: Int64Array, lengths: Int64Array) -> Words:
    """The sum of each text's words, mixed; an empty text has one word of nothing."""
    counts = np.maximum(-(-lengths // _WORD), 1)
    ends = np.cumsum(counts)
    firsts = ends - counts
    place = np.arange(ends[-1]) - np.repeat(firsts, counts)
    taken = words[np.repeat(starts, counts) + place * _WORD]
    taken[ends - 1] &= _WITHIN[lengths - (counts - 1) * _WORD]
    taken ^= _mixed(np.arange(1, counts.max() + 1, dtype=np.uint64) * _GOLDEN)[place]
    sums: Words = np.add.reduceat(_mixed(taken), firsts)
    return sums


def _mixed(values: Words) -> Words:
    """The same array, changed: every bit of a value depends on all of them."""
    values ^= values >> np.uint64(33)
    values *= _FIRST
    values ^= values >> np.uint64(29)
    values *= _SECOND
    values ^= values >> np.uint64(32)
    return values
