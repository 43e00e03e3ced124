"""Which language a page speaks: ``?lang=``, else the browser's preference, else English."""

from __future__ import annotations

from starlette.requests import Request

from twin.errors import Language

_LANGUAGES: dict[str, Language] = {"en": "en", "zh": "zh"}


def chosen(request: Request) -> Language | None:
    """The language that the address itself asks for; links on the page go on with it."""
    return _LANGUAGES.get(request.query_params.get("lang", ""))


def language_of(request: Request) -> Language:
    """The language to answer ``request`` in."""
    return chosen(request) or preferred(request.headers.get("accept-language", ""))


def preferred(header: str) -> Language:
    """The best of our languages by an Accept-Language header (RFC 9110, 12.5.4); English if it names none."""
    ranked = sorted(map(_quality, header.split(",")), key=lambda item: -item[1])
    named = (_LANGUAGES.get(tag.split("-")[0]) for tag, quality in ranked if quality > 0)
    return next((lang for lang in named if lang), "en")


def _quality(item: str) -> tuple[str, float]:
    tag, _, parameter = item.partition(";")
    try:
        quality = float(parameter.strip().removeprefix("q=") or 1)
    except ValueError:
        quality = 0.0
    return tag.strip().lower(), quality
