"""Web Feature Services 2.0 (OGC 09-025r2), read by GDAL, page by page.

A service may give fewer features than there are. Version 2.0 lets us ask for the next ones, and for how many
there are; of older versions nobody could tell whether all came, so they are refused.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import numpy as np
from msgspec import field

from loaders import gdal
from loaders.errors import FileBroken, SourceFailed, SourceUnreachable, UnknownEncoding
from loaders.formats import BaseFormat, OpenedFile, Request, Rows, choose_layer
from loaders.locations import Address
from twin.errors import sentence

_ASKED = {"SERVICE": "WFS", "VERSION": "2.0.0", "REQUEST": "GetCapabilities"}
_VERSION = re.compile(
    rb"""<(?:\w+:)?WFS_Capabilities\b[^>]*?\sversion\s*=\s*["']([0-9.]+)["']""", re.IGNORECASE
)
_SECONDS = 30


class FeatureType(OpenedFile):
    """A feature type of a service."""

    address: Address = field(default_factory=lambda: Address(""))

    def rows(self) -> Iterator[Rows]:
        """All features. Raises ``SourceFailed``, at the end where some did not come."""
        done = 0
        with _told(self.address):
            for batch, wkb in gdal.batches(_source(self.address), self.layer or ""):
                numbers = np.arange(done + 1, done + batch.length + 1, dtype=np.int64)
                yield Rows(numbers, dict(batch.columns), wkb)
                done += batch.length
        if self.count is not None and done < self.count:
            reason = f"{done:,} of {self.count:,} features of {self.layer} came."
            raise SourceFailed(path=self.address, reason=reason)


class Format(BaseFormat, frozen=True):
    """WFS."""

    name: str = "WFS"
    media_type: str = "application/gml+xml"
    extensions: tuple[str, ...] = ()
    tested: str = "MapServer 8.0"
    addresses: ClassVar[tuple[str, ...]] = ("https://", "http://")

    def sniff(self, head: bytes) -> bool:
        """No file is a service."""
        return False

    def layers(self, path: Address) -> tuple[str, ...]:
        """The feature types."""
        with _told(path):
            return gdal.layers(_source(path))

    def open(self, path: Address, request: Request) -> FeatureType:
        """The wanted feature type, by its name with or without the prefix. Raises ``SourceFailed``."""
        _require_version(path)
        names = self.layers(path)
        wanted = request.layer or path.layer
        plain = [name for name in names if name.rpartition(":")[2] == wanted]
        wanted = plain[0] if wanted not in names and len(plain) == 1 else wanted
        layer = choose_layer(path, names, wanted)
        with _told(path):
            info = gdal.describe(_source(path), layer)
            count = gdal.count(_source(path), layer)
        return FeatureType(
            Path(path.name),
            layer,
            info.fields,
            info.has_geometry,
            info.crs,
            count=count if count >= 0 else None,
            address=path,
        )


def _require_version(address: Address) -> None:
    """Raise ``SourceUnreachable``, or ``SourceFailed`` for what is no WFS of version 2."""
    parts = urlsplit(address.url)
    asked = [(name, value) for name, value in parse_qsl(parts.query) if name.upper() not in _ASKED]
    query = urlencode([*asked, *_ASKED.items()])
    url = parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query).geturl()
    request = HttpRequest(url)  # noqa: S310 - the scheme is http or https
    if parts.username:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_header("Authorization", f"Basic {b64encode(secret.encode()).decode()}")
    try:
        with urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - the scheme is http or https
            head = answer.read(1 << 16)
    except (OSError, HTTPException) as error:
        reason = address.without_secrets(sentence(getattr(error, "reason", None) or error))
        raise SourceUnreachable(path=address, reason=reason) from None
    found = _VERSION.search(head)
    if found is None:
        raise SourceFailed(path=address, reason="it is no Web Feature Service.")
    if not found[1].startswith(b"2."):
        version = found[1].decode("ascii", "replace")
        raise SourceFailed(path=address, reason=f"it is a WFS {version}, and WFS 2.0 is needed.")


def _source(address: Address) -> str:
    parts = urlsplit(address.url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name.upper() not in _ASKED]
    return f"WFS:{parts._replace(query=urlencode([*query, ('VERSION', _ASKED['VERSION'])])).geturl()}"


@contextmanager
def _told(address: Address) -> Iterator[None]:
    """What went wrong, without what the address keeps secret."""
    try:
        yield
    except UnknownEncoding:
        raise SourceFailed(path=address, reason="its text is not UTF-8.") from None
    except FileBroken as error:
        reason = address.without_secrets(str(error.details["reason"]))
        raise SourceFailed(path=address, reason=reason) from None


FORMATS = (Format(),)
