"""That the disk of this machine is full, told as such wherever it shows."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from twin.errors import TwinError, sentence

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class DiskFull(TwinError):
    """What is put by on the way into the registry finds no room."""

    code = "disk.full"
    en = "There is no room to unpack, convert or keep rows in {folder}: {reason} Make room, or set TMPDIR."
    zh = "{folder} 空间不足，无法解压、转换或暂存数据：{reason}请腾出空间，或设置 TMPDIR。"


@contextmanager
def room_needed() -> Iterator[None]:
    """Raise ``DiskFull`` where the block finds the disk full."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise DiskFull(folder=tempfile.gettempdir(), reason=sentence(error.strerror)) from error
