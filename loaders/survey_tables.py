"""The tables of a pipe survey, wherever they lie: XXPOINT and XXLINE, where XX is the medium's code.

Table names and codes: CJJ 61 surveys as cities deliver them [S].
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from msgspec import Struct

from loaders import access, bundle, encodings, gdal
from loaders.errors import FileEmpty, SurveyTablesMissing
from loaders.formats import HEAD_BYTES, BaseFormat, OpenedFile, Request, Rows, Source, xlsx
from loaders.formats import csv as csv_format
from loaders.formats.shapefile import encoding_of
from twin.kinds.names import normalise_name

Role = Literal["POINT", "LINE"]

_NAME = re.compile(r"([A-Za-z]{2})[_-]?(POINT|LINE)", re.IGNORECASE)
_ENDINGS = (".csv", ".txt", ".dbf")


class Table(Struct, frozen=True):
    """One table that has rows; ``medium`` is its code of two letters."""

    name: str
    medium: str
    role: Role
    source: Source

    def column(self, names: Sequence[str]) -> str | None:
        """The column that is called by the first of the names that there is."""
        own = {normalise_name(column): column for column in reversed(self.source.columns)}
        return next((own[name] for name in map(normalise_name, names) if name in own), None)


def is_survey(names: Sequence[str]) -> bool:
    """Whether these are the tables of a survey, or files with them: of some medium both points and lines."""
    roles = {parsed for name in names if (parsed := _parsed(_table_name(name, names)))}
    return any((medium, "POINT") in roles for medium, role in roles if role == "LINE")


def tables(path: Path) -> list[Table]:
    """The survey's tables in a database, workbook, zip or folder, by name; those without rows left out.

    Raises ``SurveyTablesMissing``, ``ToolMissing``, ``FileBroken`` or ``UnknownEncoding``.
    """
    found: list[Table] = []
    every = sorted(_opened(path), key=lambda one: one[0])
    names = [name for name, _ in every]
    if not is_survey(names):
        raise SurveyTablesMissing(path=path, tables=", ".join(filter(None, names)) or "-")
    for name, opened in every:
        parsed = _parsed(name)
        with suppress(FileEmpty):
            if parsed:
                found.append(Table(name, *parsed, opened()))
    return found


def _opened(path: Path) -> Iterator[tuple[str, Callable[[], Source]]]:
    """Every table's name, and what opens it."""
    if path.is_file() and _begins_so(path, access.SIGNATURES):
        for name in access.table_names(path):
            yield name, partial(_exported, path, name)
    elif book := _workbook(path):
        for name in book.tables(path):
            yield name, partial(book.open, path, Request(name))
    else:
        root = bundle.contents(path)
        names = bundle.folder_names(root)
        for name in names:
            yield _table_name(name, names), partial(_file, root / name)


def _workbook(path: Path) -> BaseFormat | None:
    """The spreadsheets' format that a file is of."""
    if path.is_dir():
        return None
    members = bundle.zip_names(path) if _begins_so(path, bundle.ZIP_SIGNATURES) else ()
    return next(
        (b for b in xlsx.FORMATS if b.holds(members) or _begins_so(path, (b.signature or b"?",))), None
    )


def _begins_so(path: Path, signatures: tuple[bytes, ...]) -> bool:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES).startswith(signatures)


def _parsed(name: str) -> tuple[str, Role] | None:
    """The medium's code and what a table of this name holds; None for other tables."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    return match[1].upper(), "POINT" if match[2].upper() == "POINT" else "LINE"


def _table_name(member: str, members: Sequence[str]) -> str:
    """The table that a file holds; empty for other files, such as a shapefile's table."""
    place = PurePosixPath(member)
    ending = place.suffix.lower()
    if ending == ".dbf" and any(name.lower() == str(place.with_suffix(".shp")).lower() for name in members):
        return ""
    return place.stem if ending in ("", *_ENDINGS) else ""


class DbfTable(OpenedFile):
    """A dBASE table by itself."""

    def rows(self) -> Iterator[Rows]:
        """All rows. Raises ``FileBroken`` or ``UnknownEncoding``."""
        done = 0
        for batch, _ in gdal.batches(self.path, self.layer or "", encoding=self.encoding):
            numbers = np.arange(done + 1, done + batch.length + 1, dtype=np.int64)
            yield Rows(numbers, dict(batch.columns), None)
            done += batch.length


def _file(path: Path) -> Source:
    """A table in a file; a text that is neither marked nor UTF-8 is Chinese, as such surveys are."""
    is_dbf = path.suffix.lower() == ".dbf"
    encoding, how = encoding_of(path, path) if is_dbf else csv_format.encoding_of(path)
    if how == "detected" and encoding != "UTF-8":
        encoding = "GB18030"
    if not is_dbf:
        return csv_format.open_text(path, encodings.require(path, encoding), how)
    (layer,) = gdal.layers(path)
    info = gdal.describe(path, layer, encoding=encoding)
    if not info.count:
        raise FileEmpty(path=path, where_en="", where_zh="")
    return DbfTable(
        path,
        layer,
        info.fields,
        has_geometry=False,
        encoding=encoding,
        count=info.count,
        encoding_found=how,
    )


def _exported(path: Path, name: str) -> Source:
    """A table of an Access database, as the CSV that mdbtools makes of it."""
    target = Path(_exports(path.resolve(), path.stat().st_mtime_ns).name) / f"{name}.csv"
    access.export(path, name, target)
    return csv_format.Format().open(target, Request())


@cache
def _exports(_path: Path, _modified: int) -> tempfile.TemporaryDirectory[str]:
    """Where the tables of a database are exported to; gone when the process ends."""
    return tempfile.TemporaryDirectory(prefix="twin-")
