"""MapInfo tables, native (TAB) and exchanged (MIF with MID): several files side by side.

Layout: MapInfo Data Interchange Format, appendix J of its reference [S]. Where a file is cut short GDAL takes
fewer rows for all, so they are counted: a native table says how many it has, and a MID has one to a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from loaders import bundle
from loaders.errors import FileBroken
from loaders.formats import BaseFormat, Request, Rows, choose_layer
from loaders.formats.gdal import GdalFile, Origin

_OBJECTS = frozenset(
    b"none point line pline region arc text rect roundrect ellipse multipoint collection".split()
)
_ENDINGS = (".tab", ".mif")


class MapInfoFile(GdalFile):
    """A table of which every row must come."""

    def rows(self) -> Iterator[Rows]:
        """All rows. Raises ``FileBroken`` at the end where some did not come."""
        read = 0
        for rows in super().rows():
            yield rows
            read += len(rows)
        table = self.origin.path
        if table.suffix.lower() == ".mif":
            objects, lines = _objects(table), _lines(_part(table, ".mid"))
            if not objects == lines == read:
                raise FileBroken(
                    path=table, reason=f"it draws {objects:,} objects, and its .mid has {lines:,} rows."
                )


class Format(BaseFormat, frozen=True):
    """MapInfo: one table, or those in a folder or a zip archive, each a layer."""

    name: str = "MapInfo"
    media_type: str = "application/vnd.mapinfo"
    extensions: tuple[str, ...] = _ENDINGS
    tested: str = "Bubenec, by GDAL"

    def sniff(self, head: bytes) -> bool:
        """How both begin: ``!table``, and ``Version`` with a number."""
        words = head[:64].lower().split()
        return words[:1] == [b"!table"] or (
            words[:1] == [b"version"] and words[1:2] != [] and words[1].isdigit()
        )

    def holds(self, names: Sequence[str]) -> bool:
        """Whether one is among them."""
        return any(name.lower().endswith(_ENDINGS) for name in names)

    def layers(self, path: Path) -> tuple[str, ...]:
        """The names of the tables."""
        return tuple(_tables(path))

    def open(self, path: Path, request: Request) -> MapInfoFile:
        """The wanted table. Raises ``FileBroken`` or ``UnknownEncoding``."""
        tables = _tables(path)
        layer = choose_layer(path, tuple(tables), request.layer)
        table = tables[layer]
        for ending in (".mid",) if table.suffix.lower() == ".mif" else (".dat",):
            _part(table, ending)
        source = MapInfoFile.opened(path, Request(), Origin(table))
        source.layer, source.whole = layer, True
        return source


def _tables(path: Path) -> dict[str, Path]:
    if path.is_file() and not bundle.is_zip(path):
        return {path.stem: path}
    return bundle.members(path, _ENDINGS)


def _part(table: Path, ending: str) -> Path:
    """The file beside the table with this ending. Raises ``FileBroken``."""
    for name in (ending, ending.upper()):
        if table.with_suffix(name).is_file():
            return table.with_suffix(name)
    raise FileBroken(path=table, reason=f"its part {ending} is missing.")


def _objects(mif: Path) -> int:
    """How many objects are drawn; the parts of a collection, which it counts, are none of their own."""
    count = 0
    with mif.open("rb") as stream:
        for line in stream:
            words = line.lower().split(None, 2)
            if words and words[0] in _OBJECTS:
                count += 1
                if words[0] == b"collection" and words[1:] and words[1].isdigit():
                    count -= int(words[1])
    return count


def _lines(file: Path) -> int:
    with file.open("rb") as stream:
        return sum(1 for line in stream if line.strip())


FORMATS = (Format(),)
