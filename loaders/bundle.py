"""Zip archives and folders: what is in them, and a zip's content as a folder. Only plain files leave a zip.

Archives are judged by their central directory before anything is unpacked (PKWARE APPNOTE 6.3.10, 4.3.12).
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path, PurePosixPath

from loaders import encodings, quotes
from loaders.errors import ArchiveUnsafe, FileBroken, FileIsFolder
from loaders.room import room_needed
from twin.errors import TwinError, sentence

ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
"""How a zip archive may begin: with a member, or empty, or split (APPNOTE 4.3)."""

MAX_MEMBERS = 10_000
MAX_RATIO = 400
"""Deflate can shrink a thousandfold; what people send shrinks a hundredfold at most."""
RATIO_COUNTS_FROM = 1 << 26
"""Bytes from which a zip's ratio matters: a small one harms nobody."""

_JUNK = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$|~\$)", re.IGNORECASE)
_XML_ENCODING = re.compile(r"""^(\s*<\?xml[^>]*?)\s+encoding\s*=\s*["'][^"']*["']""")
_KEPT = "twin-"
"""How the folders begin in which unpacked and transcoded files are kept."""

_LONGEST_NAME = 255
"""Bytes that file systems allow a name."""

_ENCRYPTED, _UTF8 = 0x1, 0x800
_DRIVE = re.compile(r"[A-Za-z]:")


def folder_names(folder: Path) -> tuple[str, ...]:
    """The paths of all files below a folder, relative, sorted. Raises ``FileIsFolder`` if they are many."""
    found: list[str] = []
    for base, _, files in os.walk(folder):
        inside = Path(base).relative_to(folder)
        found += [(inside / name).as_posix() for name in files]
        if len(found) > MAX_MEMBERS:
            raise FileIsFolder(path=folder)
    return tuple(sorted(name for name in found if not _JUNK.search(name)))


def zip_names(path: Path) -> tuple[str, ...]:
    """The paths of all files in an archive, sorted. Raises ``ArchiveUnsafe`` or ``FileBroken``."""
    return tuple(sorted(name for name, _ in _members(path)))


def contents(path: Path) -> Path:
    """The folder of what an archive holds, kept until the process ends; a folder is that itself.

    Raises ``ArchiveUnsafe`` or ``FileBroken``.
    """
    if path.is_dir():
        return path
    state = path.stat()
    return Path(_unpacked(path.resolve(), state.st_size, state.st_mtime_ns).name) / path.name


def members(path: Path, endings: tuple[str, ...]) -> dict[str, Path]:
    """The files with these endings in an archive or a folder, by their names without, or else their paths."""
    folder = contents(path)
    found = [PurePosixPath(name) for name in folder_names(folder) if name.lower().endswith(endings)]
    alone = len({place.stem for place in found}) == len(found)
    return {place.stem if alone else place.with_suffix("").as_posix(): folder / place for place in found}


def is_zip(path: Path) -> bool:
    """Whether a file begins as a zip archive does."""
    with path.open("rb") as file:
        return file.read(4).startswith(ZIP_SIGNATURES)


def as_utf8(path: Path, encoding: str) -> Path:
    """A copy of a text file in UTF-8, kept until the process ends. Raises ``UnicodeDecodeError``.

    Where it is XML, what it says of its encoding is left out.
    """
    state = path.stat()
    return Path(_transcoded(path.resolve(), encoding, state.st_size, state.st_mtime_ns).name) / path.name


def with_quotes_mended(path: Path, encoding: str, delimiter: str, width: int) -> Path:
    """A copy of a CSV in UTF-8, kept likewise, in which quotes that are text are written as such."""
    state = path.stat()
    made = _mended(path.resolve(), encoding, delimiter, width, state.st_size, state.st_mtime_ns)
    return Path(made.name) / path.name


def without_part(path: Path, suffix: str) -> Path:
    """A shapefile as if it had no part with this ending, kept likewise."""
    return Path(_linked(path.resolve(), suffix).name) / path.name


@contextmanager
def named_as_given() -> Iterator[None]:
    """Errors within the block name files as people know them: not by where an archive was unpacked."""
    try:
        yield
    except TwinError as error:
        error.details = {name: _as_given(value) for name, value in error.details.items()}
        error.args = (error.text("en"),)
        raise


def _as_given(value: object) -> object:
    temporary = Path(tempfile.gettempdir())
    if not isinstance(value, Path) or not value.is_relative_to(temporary):
        return value
    place = value.relative_to(temporary).parts
    return Path(*place[1:]) if place[0].startswith(_KEPT) and len(place) > 1 else value


@cache
def _transcoded(path: Path, encoding: str, _size: int, _modified: int) -> tempfile.TemporaryDirectory[str]:
    kept = tempfile.TemporaryDirectory(prefix=_KEPT)
    with (Path(kept.name) / path.name).open("w", encoding="utf-8", newline="") as copy:
        pieces = encodings.texts(path, encoding)
        copy.write(_XML_ENCODING.sub(r"\1", next(pieces), count=1))
        copy.writelines(pieces)
    return kept


@cache
def _mended(
    path: Path, encoding: str, delimiter: str, width: int, _size: int, _modified: int
) -> tempfile.TemporaryDirectory[str]:
    kept = tempfile.TemporaryDirectory(prefix=_KEPT)
    with (Path(kept.name) / path.name).open("w", encoding="utf-8", newline="") as copy:
        pieces = quotes.mended(encodings.texts(path, encoding), delimiter, width)
        copy.writelines(text for text, _ in pieces)
    return kept


@cache
def _linked(path: Path, left_out: str) -> tempfile.TemporaryDirectory[str]:
    kept = tempfile.TemporaryDirectory(prefix=_KEPT)
    for part in path.parent.iterdir():
        if part.stem == path.stem and part.suffix.lower() != left_out:
            (Path(kept.name) / part.name).symlink_to(part)
    return kept


@cache
def _unpacked(path: Path, _size: int, _modified: int) -> tempfile.TemporaryDirectory[str]:
    members = list(_members(path))
    needed = sum(info.file_size for _, info in members)
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if needed > free:
        raise ArchiveUnsafe(path=path, reason=f"it needs {needed:,} bytes of disk, {free:,} are free.")
    kept = tempfile.TemporaryDirectory(prefix=_KEPT)
    folder = Path(kept.name) / path.name
    folder.mkdir()
    try:
        with room_needed(), zipfile.ZipFile(path) as archive:
            for name, info in members:
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as packed, target.open("xb") as file:
                    shutil.copyfileobj(packed, file, 1 << 20)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise FileBroken(path=path, reason=sentence(error)) from error
    return kept


def _members(path: Path) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    """The files of an archive by their names, junk left out. Raises ``ArchiveUnsafe`` or ``FileBroken``."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, UnicodeDecodeError) as error:
        raise FileBroken(path=path, reason=sentence(error)) from error
    _require_modest(path, infos)
    seen: set[str] = set()
    for info in infos:
        name = _name(info)
        if _JUNK.search(name):
            continue
        place = PurePosixPath(name)
        if place.is_absolute() or ".." in place.parts or _DRIVE.match(name) or "\0" in name:
            raise ArchiveUnsafe(path=path, reason=f"its member {name!r} would leave the archive's folder.")
        if any(len(part.encode()) > _LONGEST_NAME for part in place.parts):
            raise ArchiveUnsafe(path=path, reason=f"the name of its member {name[:40]!r}… is too long.")
        if name in seen:
            raise ArchiveUnsafe(path=path, reason=f"it has two members called {name!r}.")
        if info.flag_bits & _ENCRYPTED:
            raise ArchiveUnsafe(path=path, reason=f"its member {name!r} is protected by a password.")
        seen.add(name)
        yield name, info


def _require_modest(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    """Raise ``ArchiveUnsafe`` for an archive that unpacks to far more than it is."""
    if len(infos) > MAX_MEMBERS:
        raise ArchiveUnsafe(path=path, reason=f"it has {len(infos):,} members; {MAX_MEMBERS:,} may be.")
    whole, packed = sum(info.file_size for info in infos), path.stat().st_size
    if whole > RATIO_COUNTS_FROM and whole > MAX_RATIO * packed:
        raise ArchiveUnsafe(
            path=path, reason=f"its {packed:,} bytes would become {whole:,}: more than {MAX_RATIO} times."
        )


def _name(info: zipfile.ZipInfo) -> str:
    """A member's name. Chinese programs write GBK where the standard says IBM 437 (APPNOTE, appendix D)."""
    name = info.filename
    if not info.flag_bits & _UTF8:
        raw = name.encode("cp437", errors="ignore")
        for encoding in ("utf-8", "gb18030"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return name.replace("\\", "/")
