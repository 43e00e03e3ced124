"""Which installed PostgreSQL can serve: the newest that has PostGIS beside it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from twin.registry.embedded.errors import ServerMissing

OLDEST = 14
"""The oldest major version of PostgreSQL that City Twin works with."""

DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian keeps each major version's programs, in ``<version>/bin``."""


class Installation(Struct, frozen=True):
    """One installed PostgreSQL: its major version, its programs' folder, and if it was built with LZ4."""

    version: int
    bin: Path
    lz4: bool = False

    def program(self, name: str) -> str:
        """The path of one of its programs, e.g. ``initdb``."""
        return str(self.bin / name)


def find(version: int | None = None) -> Installation:
    """The newest installation with PostGIS, or the one of major ``version``; raises ``ServerMissing``."""
    usable = [found for found in _installations() if found.version == (version or found.version)]
    if not usable:
        raise ServerMissing(wanted=version or f"{OLDEST}+")
    return max(usable, key=lambda found: found.version)


def _installations() -> Iterator[Installation]:
    configs = [str(path) for path in DEBIAN.glob("*/bin/pg_config")]
    if on_path := shutil.which("pg_config"):
        configs.append(on_path)
    for config in configs:
        asked = [config, "--version", "--bindir", "--sharedir", "--configure"]
        answer = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.splitlines()
        if len(answer) == 4 and (major := re.search(r"\d+", answer[0])):
            found = Installation(int(major[0]), Path(answer[1]), "--with-lz4" in answer[3])
            postgis = Path(answer[2]) / "extension" / "postgis.control"
            if found.version >= OLDEST and (found.bin / "initdb").is_file() and postgis.is_file():
                yield found
