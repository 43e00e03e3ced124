"""GeoJSON text sequences (RFC 8142), and one feature per line, which most programs write instead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from loaders.errors import FileBroken
from loaders.formats import BaseFormat, Request, Rows
from loaders.formats.gdal import GdalFile

_MARK = b"\xef\xbb\xbf"


class GeoJsonSequence(GdalFile):
    """GDAL passes over lines that it cannot parse: rows would be lost in silence."""

    def rows(self) -> Iterator[Rows]:
        """All features. Raises ``FileBroken`` at the end if lines were lost."""
        read = 0
        for rows in super().rows():
            yield rows
            read += len(rows)
        with self.path.open("rb") as file:
            lines = sum(1 for line in file if line.strip(b"\x1e \t\r\n").removeprefix(_MARK))
        if lines != read:
            raise FileBroken(
                path=self.path, reason=f"{lines - read} of its {lines} lines are no GeoJSON features."
            )


class Format(BaseFormat, frozen=True):
    """GeoJSONSeq."""

    name: str = "GeoJSONSeq"
    media_type: str = "application/geo+json-seq"
    extensions: tuple[str, ...] = (".geojsonl", ".geojsons", ".ndjson", ".ndgeojson", ".jsonl")
    tested: str = "files by GDAL"

    def sniff(self, head: bytes) -> bool:
        """Whether the first line is a whole feature or begins with the record separator."""
        text = head.removeprefix(_MARK).lstrip()
        first, newline, _ = text.partition(b"\n")
        return text.startswith(b"\x1e{") or (
            first.startswith(b"{")
            and b'"Feature"' in first
            and (not newline or first.rstrip().endswith(b"}"))
        )

    def open(self, path: Path, request: Request) -> GeoJsonSequence:
        """The file's one layer."""
        return GeoJsonSequence.opened_text(path, request)


FORMATS = (Format(),)
