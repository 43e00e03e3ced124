"""Reading a whole column of codes at once: what ``Scheme.parse`` does for one, by arrays."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, repeat, starmap

import numpy as np
from numpy.typing import NDArray

from twin.identity.errors import CodeCheckDigit, CodeMalformed
from twin.identity.iso7064 import ALPHABET, values_of
from twin.identity.scheme import SEPARATOR, ParsedCode, Scheme, tidy

Reading = ParsedCode | type[CodeMalformed] | type[CodeCheckDigit]
"""A code, or the error that ``Scheme.parse`` would raise."""

_RANGES = {"digits": (0, 10), "letters": (10, 36), "alphanumeric": (0, 36)}
_CHARACTERS = np.frombuffer(ALPHABET.encode(), dtype=np.uint8)


def read_column(scheme: Scheme, texts: Sequence[str]) -> list[Reading]:
    """What each of ``texts`` says under ``scheme``, as ``Scheme.parse`` has it."""
    tidied = [tidy(text) for text in texts]
    compact = [text.replace(SEPARATOR, "") for text in tidied]
    readings: list[Reading] = [CodeMalformed] * len(texts)
    lengths = np.fromiter(map(len, compact), dtype=np.int64, count=len(compact))
    for length in np.unique(lengths):
        bounds = _bounds(scheme, int(length))
        if bounds is not None:
            rows = np.flatnonzero(lengths == length)
            block = "".join(compact[row] for row in rows).encode("ascii", "replace")
            table = np.frombuffer(block, dtype=np.uint8).reshape(len(rows), int(length))
            for row, reading in zip(rows.tolist(), _read_block(scheme, table, bounds), strict=True):
                readings[row] = reading
    if scheme.varies:
        # Without a check character only the separators show where a part of varying length ends.
        for row, text in enumerate(tidied):
            match = scheme.separated.fullmatch(text)
            if match is not None and match[match.re.groups] is None:
                readings[row] = _read_one(scheme, text)
    return readings


def _read_one(scheme: Scheme, text: str) -> Reading:
    try:
        return scheme.parse(text)
    except (CodeMalformed, CodeCheckDigit) as error:
        return type(error)


def _bounds(scheme: Scheme, length: int) -> list[int] | None:
    """Where the parts of a code of ``length`` characters begin and end; None when none is so long."""
    shortest = sum(part.shortest for part in scheme.parts)
    longest = sum(part.length for part in scheme.parts)
    checked = scheme.varies or length == longest + 1
    extra = length - checked - shortest
    if not 0 <= extra <= longest - shortest:
        return None
    lengths = [part.shortest + (extra if part.shortest != part.length else 0) for part in scheme.parts]
    return [0, *np.cumsum(lengths).tolist()]


def _read_block(scheme: Scheme, table: NDArray[np.uint8], bounds: list[int]) -> list[Reading]:
    """The readings of codes of one length: a row of ASCII characters each, its parts within ``bounds``."""
    values = values_of(table)
    checked = table.shape[1] > bounds[-1]
    sound = np.ones(len(table), dtype=bool)
    for part, start, end in zip(scheme.parts, bounds, bounds[1:], strict=False):
        low, high = _RANGES[part.alphabet]
        sound &= ((values[:, start:end] >= low) & (values[:, start:end] < high)).all(axis=1)
    if checked:
        sound &= values[:, -1] < scheme.check.modulus
    body = np.where(sound[:, None], values[:, : bounds[-1]], 0).astype(np.uint8)
    closing = scheme.check.closing_values(body)
    right = values[:, -1] == closing if checked else sound
    codes = _codes(scheme, body, closing, bounds, checked)
    fits = {
        division: scheme.division_pattern.fullmatch(division) is not None
        for division in {c[1] for c in codes}
    }
    return [
        CodeMalformed
        if not is_sound
        else CodeCheckDigit
        if not is_right
        else code
        if fits[code[1]]
        else CodeMalformed
        for code, is_sound, is_right in zip(codes, sound.tolist(), right.tolist(), strict=True)
    ]


def _codes(
    scheme: Scheme, body: NDArray[np.uint8], closing: NDArray[np.uint8], bounds: list[int], checked: bool
) -> list[ParsedCode]:
    """The codes whose characters have the values ``body`` and whose check characters ``closing``."""
    *division, classes, sequences = (_texts(body[:, a:b]) for a, b in pairwise(bounds))
    divisions = list(map(SEPARATOR.join, zip(*division, strict=True)))
    checks = _texts(closing[:, None])
    canonical = map(SEPARATOR.join, zip(divisions, classes, sequences, checks, strict=True))
    last = body[:, bounds[-2] :].astype(np.int64)
    numbers = (last * scheme.powers).sum(axis=1).tolist()
    written = checks if checked else [None] * len(checks)
    rows = zip(repeat(scheme.name), divisions, classes, numbers, written, canonical, strict=False)
    return list(starmap(ParsedCode, rows))


def _texts(values: NDArray[np.uint8]) -> list[str]:
    characters = np.ascontiguousarray(_CHARACTERS[values])
    texts: list[str] = characters.view(f"S{values.shape[1]}").reshape(-1).astype(str).tolist()
    return texts
