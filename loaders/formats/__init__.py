"""Formats that can be loaded, one file each, discovered: every module beside this one defines ``FORMATS``."""

from __future__ import annotations

import importlib
import pkgutil
import re
from abc import ABCMeta, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Protocol

import numpy as np
from msgspec import Struct, StructMeta

from loaders import arrow, bundle
from loaders.arrow import Column
from loaders.errors import (
    ArchiveNested,
    ArchiveUnknown,
    FileEmpty,
    FileIsFolder,
    FileMissing,
    FormatUnclear,
    LayerNeeded,
    NoFormat,
    NoLayers,
    ShapefilePartMissing,
    UnknownFormat,
    UnknownLayer,
    WrongFormat,
)
from loaders.locations import Address, Location
from spatial.arrays import BoolArray, Int64Array
from spatial.systems import Area
from twin.errors import TwinError
from twin.kinds import Kind

HEAD_BYTES = 65_536
"""How much of a file is looked at to tell its format."""

_SHARED = (".json", ".txt", ".xml")
"""Endings that several formats' files have: their content decides."""

_PAPER = re.compile(r"read_?me|licen[cs]e|copying|changelog|说明|使用说明|许可", re.IGNORECASE)
"""How the files that go with data are called."""

_ARCHIVES = {b"Rar!\x1a\x07": "RAR", b"7z\xbc\xaf\x27\x1c": "7z", b"\x1f\x8b": "gzip"}
"""How archives begin that are not unpacked."""

_CONTROLS = bytes({*range(32), 127} - set(b"\t\r\n\f\v"))
"""Bytes that no line of text has, in ASCII or any encoding that extends it."""


class Request(Struct, frozen=True):
    """What is wanted of a file: its layer, the kind that its rows are to be, columns that are needed."""

    layer: str | None = None
    kind: Kind | None = None
    columns: tuple[str, ...] = ()


class Unread(Struct, frozen=True):
    """A row that could not be read: ``reason`` is one of ``loaders.reasons``, ``value`` what stands there.

    ``key`` is there where it is known.
    """

    number: int
    reason: str
    value: str | None
    key: str | None = None


class Rows(Struct, frozen=True):
    """Rows as they came: ``numbers`` are their places in the file, from 1, ``wkb`` in the file's system."""

    numbers: Int64Array
    columns: dict[str, Column]
    wkb: Column | None
    unread: Sequence[Unread] = ()

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, mask: BoolArray) -> Rows:
        """The rows of the mask."""
        columns = {name: arrow.take(column, mask) for name, column in self.columns.items()}
        return Rows(self.numbers[mask], columns, None if self.wkb is None else arrow.take(self.wkb, mask))

    @property
    def schema(self) -> tuple[object, ...]:
        """Names and types of the columns: rows of which they are the same can be joined."""
        types = ((name, column.type) for name, column in self.columns.items())
        return None if self.wkb is None else self.wkb.type, *types

    @property
    def size(self) -> int:
        """The bytes of all values."""
        columns = [*self.columns.values(), *([] if self.wkb is None else [self.wkb])]
        return sum(map(arrow.size, columns))

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """One part after the other, without lines that could not be read."""
        wkb = [part.wkb for part in parts if part.wkb is not None]
        return cls(
            np.concatenate([part.numbers for part in parts]),
            {name: arrow.concatenated([part.columns[name] for part in parts]) for name in parts[0].columns},
            arrow.concatenated(wkb) if wkb else None,
        )


class Source(Protocol):
    """An opened file, of which one layer is read.

    ``crs`` is what the file itself says, ``crs_unread`` what it says instead that cannot be understood.
    ``tags`` is true where columns are tags of which each row has few, so that several of them may fill one
    field. ``count`` and ``bounds`` are there where they are cheap. ``decimal_comma`` is true where numbers
    may be written as ``1,5``. ``encoding_found`` is how the encoding was: ``BOM``, ``.cpg``, ``LDID``,
    ``declared`` (by the format or the file) or ``detected``. ``notes`` are stable words on what was passed
    over, such as ``sheet.hidden``. ``key`` is the column by which the format itself tells its rows apart;
    None where it knows of none. ``attribution`` is whom the data's licence says to name.
    """

    layer: str | None
    columns: tuple[str, ...]
    has_geometry: bool
    crs: str | None
    encoding: str | None
    encoding_found: str | None
    count: int | None
    bounds: Area | None
    tags: bool
    decimal_comma: bool
    notes: tuple[str, ...]
    key: str | None
    attribution: str | None
    crs_unread: str | None

    def rows(self) -> Iterator[Rows]:
        """All rows in order, in batches of bounded size."""


class _Abstract(StructMeta, ABCMeta):
    """The metaclass of structs with abstract methods."""


class BaseFormat(Struct, metaclass=_Abstract, frozen=True):
    """A format: how it is called, how its files are told, and how they are opened.

    ``name`` is what people call it, ``media_type`` IANA's or the customary one, ``extensions`` are the
    endings of its files' names, with the dot, in lower case. ``tested`` says in one phrase what it was
    tested on. Formats of what is no file have ``addresses``, how these begin, and get an ``Address`` as path.
    """

    name: str
    media_type: str
    extensions: tuple[str, ...]
    tested: str
    addresses: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def sniff(self, head: bytes) -> bool:
        """Whether a file that begins so is of this format."""

    def holds(self, names: Sequence[str]) -> bool:
        """Whether a zip archive or a folder with these members is of this format.

        ``names`` are the paths of all files in it, relative, with forward slashes.
        """
        return False

    def layers(self, path: Any) -> tuple[str, ...]:
        """The names of the layers that may be wanted; none where the file is one unnamed layer."""
        return ()

    def tables(self, path: Path) -> tuple[str, ...]:
        """The names of a workbook's sheets, which another format may hold as if they were files."""
        return ()

    @abstractmethod
    def open(self, path: Any, request: Request) -> Source:
        """The file, ready to be read. Raises the errors of ``loaders.errors``."""


class OpenedFile(Struct):
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
    encoding_found: str | None = None
    notes: tuple[str, ...] = ()
    key: str | None = None
    attribution: str | None = None
    crs_unread: str | None = None


@cache
def all_formats() -> tuple[BaseFormat, ...]:
    """Every format, in the order in which contents are tried: those with a signature before plain text."""
    modules = [importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)]
    found: list[BaseFormat] = [one for module in modules for one in module.FORMATS]
    return tuple(sorted(found, key=lambda one: (one.media_type.startswith("text/"), one.name)))


def detect(path: Location) -> BaseFormat:
    """The format that the file's name says and its content confirms; of a zip or a folder, its members.

    Raises ``FileMissing``, ``FileIsFolder``, ``FileEmpty``, ``FormatUnclear``, ``UnknownFormat``,
    ``WrongFormat``, ``ArchiveUnknown``, ``ArchiveNested``, ``ArchiveUnsafe`` or ``FileBroken``.
    """
    chosen = _told(path)
    tables = chosen.tables(path) if isinstance(path, Path) else ()
    return next((one for one in all_formats() if tables and one.holds(tables)), chosen)


def _told(path: Location) -> BaseFormat:
    """What name and content tell, before it is asked whether a workbook's sheets are another format's."""
    if isinstance(path, Address):
        return next(one for one in all_formats() if path.url.startswith(one.addresses))
    claimed = next((f for f in all_formats() if path.name.lower().endswith(f.extensions)), None)
    if path.is_dir():
        return _holding(path, claimed, bundle.folder_names(path))
    if not path.is_file():
        raise _absence(path)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head.strip():
        raise FileEmpty(path=path, where_en="", where_zh="")
    if claimed and claimed.sniff(head):
        return claimed
    if head.startswith(bundle.ZIP_SIGNATURES):
        return _holding(path, claimed, bundle.zip_names(path))
    found = _recognised(head)
    packed = next((name for mark, name in _ARCHIVES.items() if head.startswith(mark)), None)
    if found is None and packed is not None:
        raise ArchiveUnknown(path=path, archive=packed)
    if claimed and (found is None or not path.name.lower().endswith(_SHARED)):
        raise _mismatch(path, claimed, found)
    if found is None:
        raise UnknownFormat(path=path, formats=", ".join(f.name for f in all_formats()))
    return found


def _holding(path: Path, claimed: BaseFormat | None, names: tuple[str, ...]) -> BaseFormat:
    """The one format that a zip archive or a folder with these members is of."""
    found = [one for one in all_formats() if one.holds(names)]
    if claimed in found and claimed is not None:
        return claimed
    if len(found) > 1:
        raise FormatUnclear(path=path, formats=", ".join(one.name for one in found))
    if found:
        return found[0]
    if path.is_dir():
        raise FileIsFolder(path=path)
    if claimed is not None:
        raise _mismatch(path, claimed, None)
    return Packed.of(path, names)


class Packed(BaseFormat, frozen=True):
    """A file of another format that came alone in a zip archive."""

    inner: BaseFormat
    member: str

    @classmethod
    def of(cls, path: Path, names: Sequence[str]) -> Packed:
        """The one member whose name is that of a format. Raises ``ArchiveNested``, ``FormatUnclear`` …."""
        if not names:
            raise FileEmpty(path=path, where_en="", where_zh="")
        endings = tuple(extension for one in all_formats() for extension in one.extensions)
        known = [name for name in names if name.lower().endswith(endings)]
        known = [name for name in known if not _PAPER.match(PurePosixPath(name).name)] or known
        known = [name for name in known if not name.lower().endswith(_SHARED)] or known
        if not known and any(name.lower().endswith(".zip") for name in names):
            raise ArchiveNested(path=path)
        if not known:
            raise UnknownFormat(path=path, formats=", ".join(f.name for f in all_formats()))
        if len(known) > 1:
            raise FormatUnclear(path=path, formats=", ".join(known))
        inner = detect(bundle.contents(path) / known[0])
        return cls(inner.name, inner.media_type, inner.extensions, inner.tested, inner, known[0])

    def sniff(self, head: bytes) -> bool:
        """Whether the unpacked file begins so."""
        return self.inner.sniff(head)

    def layers(self, path: Path) -> tuple[str, ...]:
        """The file's layers."""
        return self.inner.layers(bundle.contents(path) / self.member)

    def open(self, path: Path, request: Request) -> Source:
        """The file, unpacked."""
        return self.inner.open(bundle.contents(path) / self.member, request)


def _mismatch(path: Path, claimed: BaseFormat, found: BaseFormat | None) -> WrongFormat:
    """That a file is not what its name says, and what it is, if that is known."""
    if found is None:
        return NoFormat(path=path, claimed=claimed.name)
    return WrongFormat(path=path, claimed=claimed.name, found=found.name)


def _recognised(head: bytes) -> BaseFormat | None:
    """The format of a file that begins so; of plain text at least a whole line must be there."""
    line, newline, _ = head.partition(b"\n")
    is_text = bool(newline) and line == line.translate(None, _CONTROLS)
    formats = (f for f in all_formats() if is_text or not f.media_type.startswith("text/"))
    return next((f for f in formats if f.sniff(head)), None)


def _absence(path: Path) -> TwinError:
    """Why there is nothing to open: nothing is there, or only the other parts of a shapefile."""
    if path.suffix.lower() == ".shp" and path.with_suffix(".dbf").is_file():
        return ShapefilePartMissing(path=path, part=path.suffix)
    return FileMissing(path=path)


def require_no_layer(path: Path, request: Request, format_name: str) -> None:
    """Raise ``UnknownLayer`` where a layer is wanted of a file whose format has none."""
    if request.layer is not None:
        raise NoLayers(path=path, layer=request.layer, format=format_name)


def choose_layer(path: Location, layers: Sequence[str], wanted: str | None) -> str:
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
