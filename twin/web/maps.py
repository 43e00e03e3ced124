"""What a page with a map needs: the bundle built from ``web/``, a policy that lets it run, words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from urllib.parse import urlsplit

from twin.errors import Language
from twin.settings import MapSettings
from twin.web.middleware import PAGE_POLICY
from twin.web.texts import texts

BUILT = "static/built"
WORKER_PATH = f"/{BUILT}/worker.js"

_WORDS = (
    *("map", "zoom_in", "zoom_out", "attribution", "close"),
    *("loading", "map_failed", "no_webgl", "nothing_to_show", "try_again"),
    *("assets_counted", "hexagon", "hexagons_in_view", "assets_in_view", "nearest_in_view", "none_in_view"),
    *("without_position", "no_kind", "and_others"),
)


@dataclass(frozen=True, slots=True)
class Bundle:
    """The addresses of the map's files, each changing with its content."""

    script: str
    style: str
    worker: str


@cache
def bundle() -> Bundle | None:
    """The map's files; None where they were not built: ``make setup`` builds them."""
    folder = files("twin.web").joinpath(BUILT)
    names = ("map.js", "map.css", "worker.js")
    if not all(folder.joinpath(name).is_file() for name in names):
        return None
    marks = (sha256(folder.joinpath(name).read_bytes()).hexdigest()[:12] for name in names)
    return Bundle(*(f"/{BUILT}/{name}?{mark}" for name, mark in zip(names, marks, strict=True)))


def policy() -> str:
    """The Content-Security-Policy of a page with a map, and of the map's worker.

    Script, worker and all that they fetch are ours, unless the settings name a basemap. MapLibre keeps the
    signs of its style sheet in data: addresses, and pictures that it fetched in blob: ones.
    """
    servers = " ".join(("'self'", *_other_origin(MapSettings.read().style)))
    page = PAGE_POLICY.replace("img-src 'self'", f"img-src {servers} data: blob:")
    return f"{page}; script-src 'self'; worker-src 'self'; connect-src {servers}"


def words(lang: Language) -> dict[str, str]:
    """What the map's program says."""
    say = texts(lang)
    return {name: say[name] for name in _WORDS}


def _other_origin(address: str | None) -> tuple[str, ...]:
    """The origin of an address on another server; nothing for one of ours."""
    parts = urlsplit(address or "")
    return (f"{parts.scheme}://{parts.netloc}",) if parts.netloc else ()
