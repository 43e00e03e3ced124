"""Formats that can be loaded, one file each, discovered: every module beside this one defines ``FORMATS``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol

from loaders import arrow
from loaders.arrow import Column
from loaders.errors import (
    FileEmpty,
    FileIsFolder,
    FileMissing,
    LayerNeeded,
    NoFormat,
    NoLayers,
    ShapefilePartMissing,
    UnknownFormat,
    UnknownLayer,
    WrongFormat,
)
from spatial.arrays import BoolArray, Int64Array
from spatial.systems import Area
from twin.errors import TwinError
from twin.kinds import Kind

HEAD_BYTES = 65_536
"""How much of a file is looked at to tell its format."""

_CONTROLS = bytes({*range(32), 127} - set(b"\t\r\n\f\v"))
"""Bytes that no line of text has, in ASCII or any encoding that extends it."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted of a file: its layer, the kind that its rows are to be, columns that are needed."""

    layer: str | None = None
    kind: Kind | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """A row that could not be read: ``reason`` is one of ``loaders.reasons``, ``value`` what stands there."""

    number: int
    reason: str
    value: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as they came: ``numbers`` are their places in the file, from 1, ``wkb`` in the file's system."""

    numbers: Int64Array
    columns: dict[str, Column]
    wkb: Column | None
    unread: Sequence[Unread] = field(default=())

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, mask: BoolArray) -> Rows:
        """The rows of the mask."""
        columns = {name: arrow.take(column, mask) for name, column in self.columns.items()}
        return Rows(self.numbers[mask], columns, None if self.wkb is None else arrow.take(self.wkb, mask))


class Source(Protocol):
    """An opened file, of which one layer is read.

    ``crs`` is what the file itself says. ``tags`` is true where columns are tags of which each row has few,
    so that several of them may fill one field. ``count`` and ``bounds`` are there where they are cheap.
    ``decimal_comma`` is true where numbers may be written as ``1,5``.
    """

    layer: str | None
    columns: tuple[str, ...]
    has_geometry: bool
    crs: str | None
    encoding: str | None
    count: int | None
    bounds: Area | None
    tags: bool
    decimal_comma: bool

    def rows(self) -> Iterator[Rows]:
        """All rows in order, in batches of bounded size."""


class Format(Protocol):
    """A format: how it is called, how its files are told, and how they are opened."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def media_type(self) -> str:
        """Its IANA media type, or the customary one."""

    @property
    def extensions(self) -> tuple[str, ...]:
        """The endings of its files' names, with the dot, in lower case."""

    def sniff(self, head: bytes) -> bool:
        """Whether a file that begins so is of this format."""

    def open(self, path: Path, request: Request) -> Source:
        """The file, ready to be read. Raises the errors of ``loaders.errors``."""


@dataclass(slots=True)
class OpenedFile:
    """The plain facts of a ``Source``; formats add ``rows``."""

    path: Path
    layer: str | None
    columns: tuple[str, ...]
    has_geometry: bool = True
    crs: str | None = None
    encoding: str | None = None
    count: int | None = None
    bounds: Area | None = None
    tags: bool = False
    decimal_comma: bool = False


@cache
def all_formats() -> tuple[Format, ...]:
    """Every format, in the order in which contents are tried: those with a signature before plain text."""
    modules = [importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)]
    found: list[Format] = [one for module in modules for one in module.FORMATS]
    return tuple(sorted(found, key=lambda one: (one.media_type.startswith("text/"), one.name)))


def detect(path: Path) -> Format:
    """The format that the file's name says and its content confirms.

    Raises ``FileMissing``, ``FileIsFolder``, ``FileEmpty``, ``UnknownFormat`` or ``WrongFormat``.
    """
    claimed = next((f for f in all_formats() if path.name.lower().endswith(f.extensions)), None)
    if not path.is_file():
        raise _absence(path)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise FileEmpty(path=path, where_en="", where_zh="")
    if claimed and claimed.sniff(head):
        return claimed
    found = _recognised(head)
    if claimed:
        raise _mismatch(path, claimed, found)
    if found is None:
        raise UnknownFormat(path=path, formats=", ".join(f.name for f in all_formats()))
    return found


def _mismatch(path: Path, claimed: Format, found: Format | None) -> WrongFormat:
    """That a file is not what its name says, and what it is, if that is known."""
    if found is None:
        return NoFormat(path=path, claimed=claimed.name)
    return WrongFormat(path=path, claimed=claimed.name, found=found.name)


def _recognised(head: bytes) -> Format | None:
    """The format of a file that begins so; of plain text at least a whole line must be there."""
    line, newline, _ = head.partition(b"\n")
    is_text = bool(newline) and line == line.translate(None, _CONTROLS)
    formats = (f for f in all_formats() if is_text or not f.media_type.startswith("text/"))
    return next((f for f in formats if f.sniff(head)), None)


def _absence(path: Path) -> TwinError:
    """Why there is nothing to open: it is a folder, or a shapefile of which other parts are there."""
    if path.is_dir():
        return FileIsFolder(path=path)
    if path.suffix.lower() == ".shp" and path.with_suffix(".dbf").is_file():
        return ShapefilePartMissing(path=path, part=path.suffix)
    return FileMissing(path=path)


def require_no_layer(path: Path, request: Request, format_name: str) -> None:
    """Raise ``UnknownLayer`` where a layer is wanted of a file whose format has none."""
    if request.layer is not None:
        raise NoLayers(path=path, layer=request.layer, format=format_name)


def choose_layer(path: Path, layers: Sequence[str], wanted: str | None) -> str:
    """The layer that is wanted, or the only one. Raises ``UnknownLayer`` or ``LayerNeeded``."""
    if not layers:
        raise FileEmpty(path=path, where_en="", where_zh="")
    if wanted is None:
        if len(layers) > 1:
            raise LayerNeeded(path=path, layers=", ".join(layers))
        return layers[0]
    if wanted not in layers:
        raise UnknownLayer(path=path, layer=wanted, layers=", ".join(layers))
    return wanted
