"""Where the embedded database lies, and as whom it runs.

Normally everything is in ``TWIN_HOME``: ``postgres/data``, ``postgres/run`` (the socket), ``server.log``,
``lock``. Where the server's user cannot reach that folder (root's home, a 0700 folder) or the socket's path
would be too long for the system, ``postgres`` lies elsewhere (root: ``/var/lib/city-twin/<hash>``; others:
``~/.local/share/city-twin/<hash>``), and the file ``TWIN_HOME/location`` holds its path.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from msgspec import Struct

from twin.registry.embedded.errors import DataMissing, HomeForeign, HomeUnusable, ServerMissing
from twin.registry.embedded.installed import OLDEST

SOCKET = ".s.PGSQL.5432"
LONGEST_SOCKET = 100
"""Bytes; the system's own limit is 107 (sun_path)."""
UNSPEAKABLE = frozenset(",\"'$`\\\n")

SYSTEM_FOLDER = Path("/var/lib/city-twin")
SHORT_FOLDER = Path("/tmp")  # noqa: S108 - only a socket goes there, into a folder checked to be our own


class Account(Struct, frozen=True):
    """The user the server runs as."""

    uid: int
    gid: int

    def run(self, command: Sequence[str], output: IO[bytes], folder: Path) -> int:
        """Run ``command`` as this user in ``folder``, without our environment; returns its exit status."""
        other = self.uid != os.geteuid()
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            user=self.uid if other else None,
            group=self.gid if other else None,
            extra_groups=[] if other else None,
            check=False,
        ).returncode

    def can_enter(self, folder: Path) -> bool:
        """Whether this user can enter ``folder``, asked of the system because ACLs count too."""
        with tempfile.TemporaryFile() as words:
            return self.run(["test", "-x", str(folder)], words, Path("/")) == 0


class Place(Struct, frozen=True):
    """The files of one embedded database."""

    home: Path
    base: Path

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder, 0700."""
        return self.base / "data"

    @property
    def run(self) -> Path:
        """The socket's folder, 0700."""
        inside = self.base / "run"
        return inside if _fits(inside) else SHORT_FOLDER / f"city-twin-{os.geteuid()}-{digest(self.base)}"

    @property
    def config(self) -> Path:
        """The settings, written anew at each start; ALTER SYSTEM wins over them."""
        return self.base / "twin.conf"

    @property
    def complete(self) -> Path:
        """Exists once the database has been created and migrated."""
        return self.base / "complete"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.home / "server.log"

    @property
    def pointer(self) -> Path:
        """Holds ``base`` when that is not inside ``home``."""
        return self.home / "location"


def digest(path: Path) -> str:
    """A short name for a path."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def account() -> Account:
    """The user the server runs as: ourselves, or ``postgres`` if we are root; raises ``ServerMissing``."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    try:
        postgres = pwd.getpwnam("postgres")
    except KeyError:
        raise ServerMissing(wanted=f"{OLDEST}+") from None
    return Account(postgres.pw_uid, postgres.pw_gid)


def existing(home: Path) -> Place | None:
    """Where the database of ``home`` is, or None; raises ``HomeForeign`` or ``DataMissing``."""
    _require_own(home)
    inside = Place(home, home / "postgres")
    if inside.pointer.is_file():
        led = Place(home, Path(inside.pointer.read_text(encoding="utf-8").strip()))
        if not (led.data / "PG_VERSION").is_file():
            raise DataMissing(pointer=led.pointer, base=led.base)
        return led
    return inside if (inside.data / "PG_VERSION").is_file() else None


def prepared(home: Path, user: Account) -> Place:
    """Where the database of ``home`` is or shall be, its folders made; raises as ``existing``."""
    place = existing(home) or _chosen(home, user)
    try:
        _make_base(place.base)
        _private_folder(place.run, user)
    except OSError as problem:
        raise HomeUnusable(folder=problem.filename or place.base, reason=problem.strerror) from problem
    return place


def _chosen(home: Path, user: Account) -> Place:
    inside = Place(home, home / "postgres")
    if _fits(inside.base / "run") and user.can_enter(home):
        return inside
    if os.geteuid() == 0:
        return Place(home, SYSTEM_FOLDER / digest(home))
    shared = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return Place(home, shared / "city-twin" / digest(home))


def _fits(folder: Path) -> bool:
    """Whether libpq (which splits hosts at commas) and pg_ctl (which calls a shell) can name its socket."""
    return len(os.fsencode(folder / SOCKET)) <= LONGEST_SOCKET and not UNSPEAKABLE & set(str(folder))


def _make_base(base: Path) -> None:
    """Ours, so that the server's user cannot plant anything in it, but to be passed through by him."""
    mode = 0o755 if os.geteuid() == 0 else 0o700
    base.mkdir(parents=True, exist_ok=True)
    base.chmod(mode)
    if base.parent == SYSTEM_FOLDER:
        SYSTEM_FOLDER.chmod(mode)


def _private_folder(folder: Path, user: Account) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid not in (os.geteuid(), user.uid):
        raise HomeUnusable(folder=folder, reason="it belongs to another user")
    os.chown(folder, user.uid, user.gid)
    folder.chmod(0o700)


def _require_own(home: Path) -> None:
    try:
        owner = home.stat().st_uid
    except FileNotFoundError:
        return
    except OSError as problem:
        raise HomeUnusable(folder=home, reason=problem.strerror) from problem
    if owner != os.geteuid():
        raise HomeForeign(home=home, owner=_name(owner))


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
