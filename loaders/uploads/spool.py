"""Where files that came through the web lie: each in a folder of its own, below the registry's home.

``TWIN_HOME/uploads/<id>/file/<name>``, beside it the mapping that was confirmed and the rejected rows. The id
is random; of the name that a browser sent only the base name is used.
"""

from __future__ import annotations

import re
import secrets
import shutil
from pathlib import Path

from msgspec import Struct

from twin.settings import DatabaseSettings

LONGEST_NAME = 120
"""Characters of a file's name that are kept; file systems hold 255 bytes, UTF-8 takes up to four each."""
_ID = re.compile(r"[a-z2-7]{26}")
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


class Spool(Struct, frozen=True):
    """The folder of one upload."""

    id: str

    @property
    def folder(self) -> Path:
        """All that belongs to the upload."""
        return uploads_folder() / self.id

    @property
    def content(self) -> Path:
        """The folder that holds the file and nothing else."""
        return self.folder / "file"

    @property
    def mapping(self) -> Path:
        """The mapping that was confirmed; the load's record keeps its name, which no other load has."""
        return self.folder / f"{self.id}.toml"

    @property
    def rejects(self) -> Path:
        """The folder of the rejected rows' file."""
        return self.folder / "rejects"

    def make(self) -> None:
        """Make the folder, for our own eyes."""
        self.folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.mkdir(mode=0o700)
        self.content.mkdir(mode=0o700)

    def remove(self) -> None:
        """Remove the folder and all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def drop_file(self) -> None:
        """Remove the file, when it is loaded."""
        shutil.rmtree(self.content, ignore_errors=True)


def uploads_folder() -> Path:
    """The folder of all uploads' folders."""
    return DatabaseSettings.read().home.resolve() / "uploads"


def new_id() -> str:
    """A random id of 130 bits, that nobody guesses."""
    return "".join(secrets.choice(_LETTERS) for _ in range(26))


def is_id(text: str) -> bool:
    """Whether a text can be an upload's id, and so the name of a folder."""
    return _ID.fullmatch(text) is not None


def base_name(name: str) -> str:
    """The last part of the name that a browser sent, harmless as a file's name; its ending is kept."""
    last = re.split(r"[/\\]", name)[-1]
    plain = "".join(c for c in last if c.isprintable()).strip(" .")
    stem, dot, ending = plain.rpartition(".")
    if not dot:
        return plain[:LONGEST_NAME] or "upload"
    ending = ending[:20]
    return f"{stem[: LONGEST_NAME - len(ending) - 1] or 'upload'}.{ending}"
