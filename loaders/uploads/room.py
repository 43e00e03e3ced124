"""The room that uploads may take: so much altogether, and of their disk so much stays free."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from loaders.uploads.errors import DiskLow, SpoolFull
from loaders.uploads.spool import uploads_folder
from twin.settings import WebSettings


def require_room(coming: int = 0) -> None:
    """Raise ``SpoolFull`` or ``DiskLow`` where ``coming`` bytes more are too many."""
    settings, folder = WebSettings.read(), uploads_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if _taken(folder) + coming > settings.max_spool:
        raise SpoolFull(most=_megabytes(settings.max_spool))
    if shutil.disk_usage(folder).free - coming < settings.min_free:
        raise DiskLow(least=_megabytes(settings.min_free))


def _taken(folder: Path) -> int:
    """The bytes of all files in a folder; one that is removed meanwhile counts nothing."""
    taken = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            taken += path.lstat().st_size
    return taken


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.6g}"
