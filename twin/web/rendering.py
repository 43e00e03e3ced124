"""Templates to pages: one environment, one set of names that every page knows."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from twin.errors import Language
from twin.settings import MapSettings
from twin.web import maps
from twin.web.language import chosen, language_of
from twin.web.middleware import PAGE_POLICY
from twin.web.texts import texts

LIVE_POLICY = f"{PAGE_POLICY}; script-src 'self'; connect-src 'self'"
_OTHER: dict[Language, Language] = {"en": "zh", "zh": "en"}


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    with_map: bool = False,
    live: bool = False,
    **values: object,
) -> HTMLResponse:
    """``template`` in the language of ``request``; pages are never stored, for an asset may change.

    ``with_map`` gives it the map's program, where that was built, and the policy that lets it run; ``live``
    lets the script run that keeps it fresh.
    """
    lang = language_of(request)
    common = _common(request, lang) | (_map_values(lang) if with_map else {})
    body = _environment().get_template(template).render(common | values)
    headers = {
        "Content-Language": texts(lang)["html_lang"],
        "Vary": "Accept-Language",
        "Cache-Control": "no-cache",
    }
    if with_map:
        headers["Content-Security-Policy"] = maps.policy()
    if live:
        headers["Content-Security-Policy"] = LIVE_POLICY
    return HTMLResponse(body, status, headers)


def _common(request: Request, lang: Language) -> dict[str, object]:
    kept = chosen(request)
    other = _OTHER[lang]
    return {
        "t": texts(lang),
        "stylesheet": static_path("twin.css"),
        "live_script": static_path("live.js"),
        "chosen_lang": kept,
        "link": lambda href: _with_lang(href, kept),
        "other_href": str(request.url.include_query_params(lang=other).replace(scheme="", netloc="")),
        "other_html_lang": texts(other)["html_lang"],
        "layout": "column",
        "map_bundle": None,
    }


def _map_values(lang: Language) -> dict[str, object]:
    settings = MapSettings.read()
    return {
        "map_bundle": maps.bundle(),
        "map_words": maps.words(lang),
        "basemap": settings.style,
        "basemap_attribution": settings.attribution,
    }


def _with_lang(href: str, lang: Language | None) -> str:
    """A link within the site that goes on in the language that was asked for; others as they are."""
    if lang is None or not href.startswith("/"):
        return href
    return f"{href}{'&' if '?' in href else '?'}{urlencode({'lang': lang})}"


@cache
def static_path(name: str) -> str:
    """A static file's address, which changes with its content, so that browsers may keep it for ever."""
    content = files("twin.web").joinpath(f"static/{name}").read_bytes()
    return f"/static/{name}?{sha256(content).hexdigest()[:12]}"


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("twin.web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
