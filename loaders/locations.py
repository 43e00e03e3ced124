"""Where rows come from: a file or folder, or the address of a database or a service."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from loaders.errors import AddressUnsupported

_SCHEME = re.compile(r"(?:WFS:)?([A-Za-z][A-Za-z0-9+.-]+)://")
_SECRET = re.compile(r"pass|key|token|secret|auth|sig|^pw", re.IGNORECASE)
_SUPPORTED = ("postgresql", "postgres", "https", "http")


@dataclass(frozen=True, slots=True)
class Address:
    """A database's or service's address; ``layer`` is the table or feature type there that is meant.

    Shown, it is without user, password and query, and so it stands in receipts and messages.
    """

    url: str = field(repr=False)
    layer: str | None = None

    @property
    def name(self) -> str:
        """The host, the path and the layer: what receipts call the source."""
        parts = urlsplit(self.url)
        host = parts.hostname or "localhost"
        if ":" in host:
            host = f"[{host}]"
        with_port = host if parts.port is None else f"{host}:{parts.port}"
        path = "/".join([with_port, *(part for part in unquote(parts.path).split("/") if part)])
        return path if self.layer is None else f"{path}/{self.layer}"

    def __str__(self) -> str:
        return f"{urlsplit(self.url).scheme}://{self.name}"

    def without_secrets(self, text: str) -> str:
        """A message of others with what the address keeps for itself replaced by ``***``."""
        parts = urlsplit(self.url)
        given = [value for name, value in parse_qsl(parts.query) if _SECRET.search(name)]
        given += filter(None, [parts.password])
        secrets = {form for one in given for form in (one, unquote(one), quote(one, safe=""))}
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


Location = Path | Address


def locate(text: str | Path | Address, layer: str | None = None) -> Location:
    """What a command line or a program named. Raises ``AddressUnsupported``."""
    if isinstance(text, Address):
        return Address(text.url, layer or text.layer)
    if isinstance(text, Path):
        return text
    scheme = _SCHEME.match(text)
    if scheme is None:
        return Path(text)
    url = text.removeprefix("WFS:")
    try:
        port = urlsplit(url).port
    except ValueError:
        port = 0
    if scheme[1].lower() not in _SUPPORTED or port == 0:
        raise AddressUnsupported(scheme=f"{scheme[1]}://", supported=", ".join(f"{s}://" for s in _SUPPORTED))
    head, mark, rest = url.partition("://")
    return Address(f"{head.lower()}{mark}{rest}", layer)


def default_dataset(location: Location) -> str:
    """The dataset's name where nobody says it: the file's without its endings, or the table's."""
    if isinstance(location, Address):
        return location.name.rpartition("/")[2]
    path = location.resolve() if location.name in ("", "..") else location
    return path.name.removesuffix(path.suffix).removesuffix(".osm")
