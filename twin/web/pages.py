"""The pages: the first one, and the identity file of an asset."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from citygraph.context import Context
from citygraph.execution import ask
from twin.web.identity_file import UnknownAsset, identity_file, page_path
from twin.web.language import chosen, language_of
from twin.web.legend import kind_entries, network_entries
from twin.web.outline import outline
from twin.web.rendering import page

router = APIRouter()
READ = ["GET", "HEAD"]


@router.api_route("/", methods=READ)
async def start(request: Request) -> Response:
    """What this is, how many assets there are and where, and the way to one of them."""
    lang = language_of(request)
    answer = await ask(_context(request), "start")
    kinds = kind_entries(answer["groups"], lang)
    credited = {dataset["attribution"] for dataset in answer["registry"]["datasets"]} - {None}
    return page(
        request,
        "start.html",
        with_map=True,
        layout="wide",
        kinds=kinds,
        networks=network_entries(kinds, lang),
        extent=answer["registry"]["extent"],
        credits=" · ".join(sorted(credited)),
        searched=None,
    )


@router.api_route("/a", methods=READ)
async def search(request: Request, code: str = "") -> Response:
    """The search form's way to ``/a/{code}``."""
    path = page_path(code.strip()) if code.strip() else "/"
    return RedirectResponse(_kept(request, path), 303)


@router.api_route("/a/{code:path}", methods=READ)
async def asset(request: Request, code: str, children: str | None = None) -> Response:
    """The identity file of the asset that ``code`` names, however it is written."""
    found = (await ask(_context(request), "identity_file", code=code, after=children))["asset"]
    if found is None:
        raise UnknownAsset(value=code)
    if found["code"] != code:
        return RedirectResponse(_kept(request, page_path(found["code"])), 301)
    file = identity_file(found, language_of(request))
    geometry = found["geometry"]
    return page(request, "identity_file.html", file=file, outline=outline(geometry) if geometry else None)


def _context(request: Request) -> Context:
    return Context(request.app.state.pool)


def _kept(request: Request, path: str) -> str:
    """``path`` in the language that the request asked for, if it did."""
    lang = chosen(request)
    return f"{path}?{urlencode({'lang': lang})}" if lang else path
