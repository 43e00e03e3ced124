"""A file that is written whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twin.export.errors import FileExists, FileIsFolder, FolderMissing, NotWritten


def require_writable(path: Path, *, force: bool) -> None:
    """Raise ``FileIsFolder``, ``FolderMissing`` or, unless ``force``, ``FileExists``."""
    if path.is_dir():
        raise FileIsFolder(file=path)
    if not path.parent.is_dir():
        raise FolderMissing(folder=path.parent, file=path.name)
    if path.exists() and not force:
        raise FileExists(file=path)


@contextmanager
def whole_file(path: Path, *, force: bool) -> Iterator[Path]:
    """Where to write what shall become ``path`` once the block has ended well.

    It is written beside ``path``, in a folder of its own for the side files that a format may need, so that
    a rename puts it in place. Raises as ``require_writable``, and ``NotWritten`` when the system refuses.
    """
    require_writable(path, force=force)
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            yield folder / path.name
            require_writable(path, force=force)
            (folder / path.name).replace(path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as problem:
        raise NotWritten(file=path, reason=problem.strerror or problem) from problem
