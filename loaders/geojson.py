"""GeoJSON (RFC 7946) looked at beside GDAL, which passes over what it does not understand in silence.

``glance`` goes over the bytes, which is quick, and tells whether every member of ``features`` can be one.
Only where that is in doubt are the ``members`` read, one in memory at a time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

_BETWEEN = re.compile(rb'\}\s*,\s*([^\s"]|"(?:[^"\\]|\\.)*+"\s*+[^:\s])')
_FIRST = re.compile(rb'"features"\s*:\s*\[\s*[^\s{\]]')
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_SPACE = re.compile(r"[ \t\r\n\ufeff]*")
_DECODER = json.JSONDecoder(strict=False)


class Glance(Struct):
    """What the bytes of a collection tell.

    ``objects`` is how many objects its features are at most; ``scalars`` is true where something else may
    stand among them, ``nul`` where a text holds NUL, ``crs`` where that word stands somewhere.
    """

    objects: int = 1
    scalars: bool = False
    nul: bool = False
    crs: bool = False


def glance(pieces: Iterable[bytes]) -> Glance:
    """What the bytes tell, read once."""
    found = Glance()
    rest = b""
    for piece in pieces:
        # No pattern goes over a closing brace but at its beginning.
        end = piece.rfind(b"}")
        whole, rest = (rest + piece[:end], piece[end:]) if end >= 0 else (b"", rest + piece)
        _look(whole, found)
    _look(rest, found)
    return found


def _look(text: bytes, found: Glance) -> None:
    following = _BETWEEN.findall(text)
    objects = following.count(b"{")
    found.objects += objects
    found.scalars = found.scalars or objects < len(following) or _FIRST.search(text) is not None
    found.nul = found.nul or (b"\\u0000" in text and _NUL.search(text) is not None)
    found.crs = found.crs or b'"crs"' in text


def members(texts: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """The members of the object by their names, each of ``features`` by itself; a lone feature too.

    Raises ``ValueError`` where it is no JSON object.
    """
    reader = _Reader(texts)
    alone: dict[str, Any] = {}
    for name in reader.names():
        if name == "features" and reader.next() == "[":
            for member in reader.items():
                yield name, member
        else:
            alone[name] = reader.value()
            yield name, alone[name]
    if alone.get("type") == "Feature":
        yield "features", alone


class _Reader:
    """JSON read value by value from a text in pieces."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = iter(texts)
        self._text, self._at, self._ended = "", 0, False

    def next(self) -> str:
        """The next character that is no white space, not taken yet; none at the end."""
        while True:
            space = _SPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._read(1)

    def value(self) -> Any:
        """The next value."""
        self.next()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                if self._ended:
                    raise ValueError(str(error)) from None
            else:
                if end < len(self._text) or self._ended:
                    self._at = end
                    return value
            self._read(len(self._text) - self._at)

    def names(self) -> Iterator[str]:
        """The names of an object's members; its values are to be taken between them."""
        for _ in self._between("{", "}"):
            name = self.value()
            self._take(":")
            yield name

    def items(self) -> Iterator[Any]:
        """The values of an array."""
        for _ in self._between("[", "]"):
            yield self.value()

    def _between(self, first: str, last: str) -> Iterator[None]:
        self._take(first)
        if self.next() != last:
            yield
            while self.next() == ",":
                self._take(",")
                yield
        self._take(last)

    def _take(self, expected: str) -> None:
        if self.next() != expected:
            raise ValueError(f"{expected} is missing")
        self._at += 1

    def _read(self, wanted: int) -> None:
        """More of the text, at least as many characters as wanted where so many are left."""
        pieces = [self._text[self._at :]]
        self._at, length = 0, 0
        while length < wanted and not self._ended:
            piece = next(self._texts, None)
            self._ended = piece is None
            pieces.append(piece or "")
            length += len(pieces[-1])
        self._text = "".join(pieces)
