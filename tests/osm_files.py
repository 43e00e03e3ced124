"""Small extracts of OpenStreetMap, written as PBF (OSM wiki, "PBF Format") for tests."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Tags = Mapping[str, str]
Point = tuple[float, float]
_WAY = 1


@dataclass
class OsmFile:
    """An extract in the making; every method gives the new object's number."""

    nodes: list[tuple[Point, Tags]] = field(default_factory=list)
    ways: list[tuple[Sequence[int], Tags]] = field(default_factory=list)
    relations: list[tuple[Sequence[int], Tags]] = field(default_factory=list)

    def node(self, lon: float, lat: float, **tags: str) -> int:
        self.nodes.append(((lon, lat), tags))
        return len(self.nodes)

    def way(self, points: Iterable[Point], **tags: str) -> int:
        """A way through new nodes; where it ends at its beginning, it ends at that node."""
        places = list(points)
        closed = len(places) > 2 and places[0] == places[-1]
        numbers = [self.node(*place) for place in (places[:-1] if closed else places)]
        self.ways.append(([*numbers, *(numbers[:1] if closed else [])], tags))
        return len(self.ways)

    def square(self, west: float, south: float, side: float, **tags: str) -> int:
        east, north = west + side, south + side
        return self.way(((west, south), (east, south), (east, north), (west, north), (west, south)), **tags)

    def boundary(self, ways: Sequence[int], level: object, name: str = "", **more: str) -> int:
        """A relation of outer ways; ``more`` are tags, with ``__`` for a hyphen."""
        said = {key.replace("__", "-"): value for key, value in more.items()}
        tags = {"type": "boundary", "boundary": "administrative", "admin_level": str(level), **said}
        self.relations.append((ways, tags | ({"name": name} if name else {})))
        return len(self.relations)

    def write(self, path: Path) -> Path:
        """The whole file: a header block, and one of data."""
        header = _text(4, "OsmSchema-V0.6")
        path.write_bytes(_block("OSMHeader", header) + _block("OSMData", self._data()))
        return path

    def _data(self) -> bytes:
        words: dict[str, int] = {"": 0, "outer": 1}

        def tagged(tags: Tags) -> bytes:
            pairs = [[words.setdefault(word, len(words)) for word in pair] for pair in tags.items()]
            return _packed(2, (key for key, _ in pairs)) + _packed(3, (value for _, value in pairs))

        nodes = b"".join(
            _bytes(1, _number(1, _zigzag(n)) + tagged(tags) + _degrees(8, y) + _degrees(9, x))
            for n, ((x, y), tags) in enumerate(self.nodes, 1)
        )
        ways = b"".join(
            _bytes(3, _number(1, n) + tagged(tags) + _packed(8, _deltas(members)))
            for n, (members, tags) in enumerate(self.ways, 1)
        )
        relations = b"".join(
            _bytes(
                4,
                _number(1, n)
                + tagged(tags)
                + _packed(8, [words["outer"]] * len(members))
                + _packed(9, _deltas(members))
                + _packed(10, [_WAY] * len(members)),
            )
            for n, (members, tags) in enumerate(self.relations, 1)
        )
        table = b"".join(_text(1, word) for word in words)
        groups = b"".join(_bytes(2, group) for group in (nodes, ways, relations) if group)
        return _bytes(1, table) + groups


def _block(kind: str, content: bytes) -> bytes:
    blob = _number(2, len(content)) + _bytes(3, zlib.compress(content))
    header = _text(1, kind) + _number(3, len(blob))
    return len(header).to_bytes(4) + header + blob


def _deltas(numbers: Sequence[int]) -> list[int]:
    return [_zigzag(b - a) for a, b in zip([0, *numbers], numbers, strict=False)]


def _degrees(number: int, value: float) -> bytes:
    return _number(number, _zigzag(round(value * 1e7)))


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else ((-value) << 1) - 1


def _varint(value: int) -> bytes:
    digits = []
    while value >= 0x80:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*digits, value])


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode())


def _packed(number: int, values: Iterable[int]) -> bytes:
    content = b"".join(map(_varint, values))
    return _bytes(number, content) if content else b""
