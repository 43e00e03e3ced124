"""A file that is written whole or not at all, and what can keep it from being written."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from twin.errors import TwinError


class FileExists(TwinError):
    """The file is there already."""

    code = "export.file.exists"
    en = "{file} exists and was left alone. Choose another name, or replace it with `--force`."
    zh = "文件 {file} 已存在，未作改动。请换名，或用 `--force` 覆盖。"


class FileIsFolder(TwinError):
    """The file to write is a folder."""

    code = "export.file.folder"
    en = "{file} is a folder. Name the file to write in it."
    zh = "{file} 是目录。请写明其中要写入的文件名。"


class FolderMissing(TwinError):
    """The folder to write to is not there."""

    code = "export.folder.missing"
    en = "There is no folder {folder} to write {file} to. Make it first."
    zh = "没有可写入 {file} 的目录 {folder}。请先创建。"


class NotWritten(TwinError):
    """The system refused the file."""

    code = "export.not_written"
    en = "{file} could not be written: {reason}. Nothing of it was left."
    zh = "无法写入 {file}：{reason}。未留下任何内容。"


def require_writable(path: Path, *, force: bool) -> None:
    """Raise ``FileIsFolder``, ``FolderMissing`` or, unless ``force``, ``FileExists``."""
    if path.is_dir():
        raise FileIsFolder(file=path)
    if not path.parent.is_dir():
        raise FolderMissing(folder=path.parent, file=path.name)
    if path.exists() and not force:
        raise FileExists(file=path)


@contextmanager
def whole_file(path: Path, *, force: bool, sides: Sequence[str] = ()) -> Iterator[Path]:
    """Where to write what shall become ``path`` once the block has ended well.

    It is written beside ``path``, in a folder of its own for the side files that a format may need, so that
    renames put it in place, and before it those side files whose endings are ``sides``. Raises as
    ``require_writable``, and ``NotWritten`` when the system refuses.
    """
    require_writable(path, force=force)
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            yield folder / path.name
            require_writable(path, force=force)
            for ending in sides:
                if (folder / path.name).with_suffix(ending).exists():
                    (folder / path.name).with_suffix(ending).replace(path.with_suffix(ending))
            (folder / path.name).replace(path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as problem:
        raise NotWritten(file=path, reason=problem.strerror or problem) from problem
