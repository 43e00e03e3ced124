"""What nobody confirms or fetches goes after a time: the registry's word of it, and its files."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from pathlib import Path

from loaders.uploads.spool import Spool, is_id, uploads_folder
from twin.registry.database import Connection, connect
from twin.registry.statements import statement
from twin.settings import WorkerSettings

log = logging.getLogger(__name__)


def sweep() -> None:
    """Forget uploads on which nothing happened for long, and remove their files and those nobody knows."""
    seconds = WorkerSettings.read().keep_hours * 3600
    with connect("owner", autocommit=True) as connection:
        swept = connection.execute(statement("loaders.uploads", "sweep"), {"seconds": seconds}).fetchall()
        forgotten = [upload for (upload,) in swept] + _strays(connection, seconds)
    for upload in forgotten:
        Spool(upload).remove()
    if forgotten:
        log.info("Swept %d uploads that were left for %g hours", len(forgotten), seconds / 3600)


def _strays(connection: Connection, seconds: float) -> list[str]:
    """Old folders that belong to no upload: their server was killed while the file arrived."""
    folders = uploads_folder().glob("*/")
    old = [one.name for one in folders if is_id(one.name) and time.time() - _touched(one) > seconds]
    found = connection.execute(statement("loaders.uploads", "known"), {"ids": old}).fetchall()
    return sorted(set(old) - {upload for (upload,) in found})


def _touched(folder: Path) -> float:
    """When something in a folder was last written, in seconds of the epoch."""
    times = [0.0]
    for path in (folder, *folder.rglob("*")):
        with suppress(OSError):
            times.append(path.lstat().st_mtime)
    return max(times)
