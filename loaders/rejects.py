"""The reject file: the rows that were left out, as they came, and beside each why.

It has the layer, columns and coordinate system of the file that was loaded, and where that can be written its
format, so that it can be mended where it was made and loaded again. What is ours is in columns of ten letters
at most, the room that a Shapefile has.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct, field

from loaders import arrow, reasons, reject_files
from loaders.arrow import Batch, Column, Spool
from loaders.findings import Finding
from loaders.formats import Rows, Source, Unread
from loaders.keys import lookup
from loaders.locations import Address, Location
from spatial.arrays import Int64Array
from twin.errors import Language, TwinError, language
from twin.files import require_writable, whole_file

COLUMNS = ("twin_row", "twin_key", "twin_field", "twin_value", "twin_why", "twin_text")
"""What is told of each row: its place, key, the field and value at fault, the reason, the reason in words."""

_NUMBER, _WKB = "twin_number", "twin_wkb"
_UNFIT = re.compile(r"[/\\:\s]+")


class RejectsUnwritten(TwinError):
    """The load came to its end, and its reject file could not be written."""

    code = "rejects.not_written"
    en = (
        "Load {load} is registered, but its rejected rows could not be written: {reason}"
        " `--dry-run --rejects` with the same file writes them."
    )
    zh = "第 {load} 次加载已登记，但拒收行未能写出：{reason}对同一文件用 `--dry-run --rejects` 可重新写出。"


def require_rejects(path: Path, *, force: bool) -> None:
    """Raise what ``require_writable`` does, and ``RejectsFormatUnknown``."""
    require_writable(path, force=force)
    reject_files.require_known(path)


def reject_file(path: Path | None, *parts: str | None) -> Path | None:
    """The file beside ``path`` for one of several loads, which ``parts`` tell apart."""
    if path is None:
        return None
    told = "-".join(part for part in parts if part)
    return path.with_stem(f"{path.stem}-{_UNFIT.sub('_', told)}")


class Rejects(Struct):
    """All rejections of a load, and the file that they are to be written to.

    Of sources that can't be read a second time as they were, ``spool`` keeps the rows.
    """

    path: Path
    force: bool
    lang: Language = field(default_factory=language)
    spool: Spool | None = None
    _columns: list[dict[str, Column]] = field(default_factory=list)
    _kept: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def to(cls, path: Path, location: Location, *, force: bool) -> Rejects:
        """Raises as ``require_rejects`` does."""
        require_rejects(path, force=force)
        rejects = cls(path, force)
        if isinstance(location, Address):
            rejects._kept = tempfile.TemporaryDirectory(prefix="twin-rejects-")
            rejects.spool = Spool(Path(rejects._kept.name) / "rows")
        return rejects

    def require_fit(self, source: Source, location: Location) -> None:
        """Raise ``RejectsNeedGeometry`` where the file can't hold rows of the source."""
        reject_files.require_fit(self.path, source, location.name)

    def write(self, findings: Sequence[Finding]) -> None:
        """Keep these rejections, in columns."""
        if not findings:
            return
        words = [reasons.text(one.reason, one.facts, self.lang) for one in findings]
        self._columns.append(
            {
                "twin_row": arrow.numbers(np.array([one.row for one in findings], dtype=np.int64)),
                "twin_key": arrow.texts([one.key for one in findings]),
                "twin_field": arrow.texts([one.field for one in findings]),
                "twin_value": arrow.texts([one.value for one in findings]),
                "twin_why": arrow.texts([one.reason for one in findings]),
                "twin_text": arrow.texts(words),
            }
        )

    def watched(self, batches: Iterator[Rows]) -> Iterator[Rows]:
        """The rows of the first reading, kept where there can be no second."""
        for rows in batches:
            if self.spool is not None and len(rows):
                self.spool.add(_as_batch(rows))
            yield rows

    def write_file(self, source: Source) -> bool:
        """Write the rejected rows; false where there are none, and then there is no file.

        Raises ``NotWritten``, and what reading the source raises.
        """
        if not self._columns:
            return False
        # Each part is let go as it is joined: of a million rejections nothing may be held twice.
        columns = {name: arrow.concatenated([part.pop(name) for part in self._columns]) for name in COLUMNS}
        table = _Table(columns)
        with whole_file(self.path, force=self.force, sides=reject_files.sides(self.path)) as draft:
            reject_files.write(draft, source, table.rows(self._again(source), source))
        return True

    def _again(self, source: Source) -> Iterator[Rows]:
        if self.spool is None:
            return source.rows()
        self.spool.close()
        return map(_as_rows, self.spool.batches())


class _Table:
    """Rejections by row: of a row that has several the one that was found first."""

    def __init__(self, columns: dict[str, Column]) -> None:
        numbers = arrow.filled(columns["twin_row"]).astype(np.int64)
        self.numbers, first = np.unique(numbers, return_index=True)
        in_order = len(first) == len(numbers) and bool((np.diff(first) > 0).all())
        self.columns = (
            columns if in_order else {name: arrow.take(column, first) for name, column in columns.items()}
        )

    def rows(self, batches: Iterator[Rows], source: Source) -> Iterator[Batch]:
        """The rejected rows with what is told of them; lines that could not be read as well, as one value."""
        for rows in batches:
            places = lookup(self.numbers, rows.numbers)
            own = rows.take(places >= 0)
            if len(own):
                yield self._told(own, places[places >= 0])
            if rows.unread:
                yield self._unread(rows.unread, source)

    def _told(self, rows: Rows, places: Int64Array) -> Batch:
        told = {name: arrow.take(column, places) for name, column in self.columns.items()}
        wkb = {reject_files.WKB: rows.wkb} if rows.wkb is not None else {}
        return Batch({**_own(rows.columns), **told, **wkb}, len(rows))

    def _unread(self, lines: Sequence[Unread], source: Source) -> Batch:
        """Lines without columns, in whole."""
        numbers = np.array([line.number for line in lines], dtype=np.int64)
        places = lookup(self.numbers, numbers)
        told = {name: arrow.take(column, places) for name, column in self.columns.items()}
        told["twin_value"] = arrow.texts([line.value for line in lines])
        empty = _own(dict.fromkeys(source.columns, arrow.nulls(len(lines))))
        wkb = {reject_files.WKB: arrow.binaries([None] * len(lines))} if source.has_geometry else {}
        return Batch({**empty, **told, **wkb}, len(lines))


def _own(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The columns of the source, without those that an earlier reject file put there."""
    return {name: column for name, column in columns.items() if name not in COLUMNS}


def _as_batch(rows: Rows) -> Batch:
    wkb = {_WKB: rows.wkb} if rows.wkb is not None else {}
    return Batch({**rows.columns, **wkb, _NUMBER: arrow.numbers(rows.numbers)}, len(rows))


def _as_rows(batch: Batch) -> Rows:
    columns = dict(batch.columns)
    numbers = arrow.filled(columns.pop(_NUMBER)).astype(np.int64)
    wkb = columns.pop(_WKB, None)
    return Rows(numbers, columns, wkb)
