"""Quotes in CSV that are characters of the text, such as inch marks, told from those around a field.

A quote opens a field where it is the field's first character, and closes it before a delimiter or the
line's end (RFC 4180, section 2); elsewhere it is text. One that opens and is not closed would swallow the
lines after it. It is taken for text, by rules that are ours, where its record

- reaches the end of the file, or more than ``MAX_LINES`` lines or ``MAX_LENGTH`` characters,
- ends in a quote with text behind it, or
- is made of lines that each have, by themselves, as many fields as the header, at least ``_TELLING``.

Its line is then split at its delimiters alone, and the lines after it are read as lines.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator

import numpy as np

MAX_LINES = 100
"""Lines that a record may have."""
MAX_LENGTH = 10_000
"""Characters that a record of several lines may have."""

_TELLING = 4
_LONGEST = 1 << 25
_QUOTE, _LF, _CR = b'"\n\r'


def mended(texts: Iterable[str], delimiter: str, width: int) -> Iterator[tuple[str, bool]]:
    """A text piece by piece, and whether quotes in the piece were text and are now written as such.

    ``width`` is how many fields the header has. The lines of the whole stay as many as they are.
    """
    grammar = _Grammar(delimiter, width)
    rest = ""
    for text in texts:
        whole, begun = _cut(rest + text)
        done, changed, waiting = grammar.mend(whole, ended=False)
        yield done, changed
        rest = waiting + begun
        if len(rest) > _LONGEST:
            # No line is that long that Arrow reads: it will say so.
            yield rest, False
            rest = ""
    if rest:
        done, changed, _ = grammar.mend(rest + "\n", ended=True)
        yield done, changed


def _cut(text: str) -> tuple[str, str]:
    """The whole lines, and what begins after them; a CR at the end may be half of a CR LF."""
    end = max(text.rfind("\n"), text.rfind("\r", 0, -1)) + 1
    return text[:end], text[end:]


class _Grammar:
    """How the records of a CSV are told, which has that delimiter and so many fields in its header."""

    def __init__(self, delimiter: str, width: int) -> None:
        mark, end = re.escape(delimiter), r"(?:\r\n|\r|\n)"
        plain = rf'(?:[^"{mark}\r\n][^{mark}\r\n]*+)?'
        # As Arrow reads it: what stands behind a closing quote belongs to the field.
        single = rf'(?:"[^"\r\n]*+(?:""[^"\r\n]*+)*+"[^{mark}\r\n]*+|{plain})'
        several = rf'(?:"[^"]*+(?:""[^"]*+)*+"|{plain})'
        self._lines = re.compile(rf'(?:[^"\r\n]*+{end}|{single}(?:{mark}{single})*+{end})*+')
        self._record = re.compile(rf"{several}(?:{mark}{several})*+{end}")
        self._line = re.compile(rf"([^\r\n]*+)({end})")
        self._delimiter, self._width = delimiter, width

    def mend(self, text: str, *, ended: bool) -> tuple[str, bool, str]:
        """What whole lines become, whether that is something else, and a record at the end that is open."""
        if '"' not in text or _is_plain(text, self._delimiter):
            return text, False, ""
        out: list[str] = []
        changed, done = False, 0
        while True:
            after = self._end(self._lines, text, done, len(text))
            out.append(text[done:after])
            done = after
            if done == len(text):
                return "".join(out), changed, ""
            after = self._end(self._record, text, done, done + MAX_LENGTH)
            if after > done and self._is_one(self._line.findall(text, done, after)):
                out.append(text[done:after])
                done = after
                continue
            if after == done and not ended and len(text) - done < MAX_LENGTH:
                return "".join(out), changed, text[done:]
            line = self._line.match(text, done)
            if line is None:
                return "".join(out), changed, text[done:]
            out += self._literal(line[1]), line[2]
            changed, done = True, line.end()

    def _end(self, pattern: re.Pattern[str], text: str, start: int, limit: int) -> int:
        found = pattern.match(text, start, limit)
        return found.end() if found else start

    def _is_one(self, lines: list[tuple[str, str]]) -> bool:
        """Whether these lines, between quotes that match, are one record."""
        telling = self._width >= _TELLING
        return len(lines) <= MAX_LINES and not (
            telling and all(line.count(self._delimiter) + 1 == self._width for line, _ in lines)
        )

    def _literal(self, line: str) -> str:
        """The line with its fields as they stand between the delimiters, quotes and all."""
        written = io.StringIO()
        csv.writer(written, delimiter=self._delimiter, lineterminator="").writerow(
            line.split(self._delimiter)
        )
        return written.getvalue()


def _is_plain(text: str, delimiter: str) -> bool:
    """Whether every quote opens or closes a field within its line, or is one of two within a field."""
    data = np.frombuffer(b"\n" + text.encode("utf-8", "surrogatepass") + b"\n", np.uint8)
    quotes = np.flatnonzero(data == _QUOTE)
    if len(quotes) % 2:
        return False
    opening, closing = quotes[0::2], quotes[1::2]
    edges = np.zeros(256, dtype=np.bool_)
    edges[[_QUOTE, _LF, _CR, ord(delimiter)]] = True
    if not (edges[data[opening - 1]].all() and edges[data[closing + 1]].all()):
        return False
    breaks = np.flatnonzero((data == _LF) | (data == _CR))
    return not (np.searchsorted(quotes, breaks) % 2).any()
