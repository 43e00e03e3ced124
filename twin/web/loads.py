"""The pages of loads: their list with the form for a file, an upload on its way, the receipt of a load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from starlette.responses import FileResponse, RedirectResponse, Response

from loaders.uploads.spool import Spool, is_id, new_id
from twin.errors import Language, TwinError
from twin.kinds import kind
from twin.registry.statements import statement
from twin.settings import WebSettings
from twin.web.confirming import choice_of, form_of, layer_of
from twin.web.identity_file import kind_label
from twin.web.language import chosen, language_of
from twin.web.loading import (
    UploadSettled,
    UploadUnknown,
    may_load,
    require_loads,
    require_own_page,
)
from twin.web.problems import http_status
from twin.web.receipts import receipt_view
from twin.web.receiving import receive
from twin.web.rendering import page
from twin.web.texts import texts

router = APIRouter(prefix="/loads")
READ = ["GET", "HEAD"]

LISTED = 50
"""Loads on a page of their list."""
NEWEST = (1 << 63) - 1
STATES = {
    "inspecting": "state_inspecting",
    "inspected": "state_inspected",
    "waiting": "state_waiting",
    "loading": "state_loading",
    "loaded": "state_loaded",
    "refused": "state_refused",
}
CHANGING = frozenset({"inspecting", "waiting", "loading"})
"""States that a worker will end."""

Record = Mapping[str, Any]


@router.api_route("", methods=READ)
async def list_loads(request: Request, before: int = NEWEST) -> Response:
    """The form for a file, uploads that wait for somebody, and the loads there were."""
    lang, allowed = language_of(request), may_load(request)
    uploads = await _rows(request, "uploads", most=LISTED) if allowed else []
    loads = await _rows(request, "loads", before=before, most=LISTED + 1)
    more = loads[LISTED - 1]["id"] if len(loads) > LISTED else None
    return page(
        request,
        "loads.html",
        layout="wide",
        allowed=allowed,
        most=f"{WebSettings().max_upload / 1e6:,.6g}",
        uploads=[{**one, "state": texts(lang)[STATES[one["state"]]]} for one in uploads],
        loads=[{**one, "kind": kind_label(one["kind"], lang)} for one in loads[:LISTED]],
        more=None if more is None else f"/loads?before={more}",
    )


@router.post("")
async def add(request: Request) -> Response:
    """Take a file; a worker looks into it."""
    require_own_page(request)
    spool = Spool(new_id())
    name, size = await receive(request, spool)
    try:
        await _rows(request, "add_upload", id=spool.id, name=name, size=size)
    except BaseException:
        spool.remove()
        raise
    return _to(request, f"/loads/{spool.id}")


@router.api_route("/{number:int}", methods=READ)
async def load(request: Request, number: int) -> Response:
    """The receipt of a load."""
    found = await _rows(request, "load", id=min(number, NEWEST))
    if not found:
        raise UploadUnknown(value=number)
    receipt = receipt_view(found[0]["receipt"], language_of(request))
    return page(request, "load.html", layout="wide", receipt=receipt)


@router.api_route("/{upload}", methods=READ)
async def one_upload(request: Request, upload: str) -> Response:
    """An upload as it stands: being looked into, to be confirmed, on its way, loaded or refused."""
    require_loads(request)
    return _page(request, await _upload(request, upload))


@router.post("/{upload}/kind")
async def say_kind(request: Request, upload: str) -> Response:
    """Look into the file again, for rows of the kind that was chosen."""
    require_own_page(request)
    record = await _upload(request, upload)
    async with request.form() as form:
        said = kind(str(form.get("kind", ""))).name
    return await _decided(request, record, "inspect_upload", kind=said)


@router.post("/{upload}/load")
async def confirm(request: Request, upload: str) -> Response:
    """Load the file by the mapping that the form holds."""
    require_own_page(request)
    record = await _upload(request, upload)
    if record["report"] is None:
        raise UploadSettled(name=record["name"])
    async with request.form() as form:
        given = {name: str(value) for name, value in form.items()}
    try:
        choice = choice_of(record["report"]["en"], given)
    except TwinError as problem:
        return _page(request, record, problem, given)
    return await _decided(request, record, "load_upload", choice=Jsonb(choice))


@router.api_route("/{upload}/rejects", methods=READ)
async def rejects(request: Request, upload: str) -> Response:
    """The file of the rejected rows."""
    require_loads(request)
    record = await _upload(request, upload)
    file = Spool(upload).rejects / (record["rejects"] or "")
    if not record["rejects"] or not file.is_file():
        raise UploadUnknown(value=upload)
    return FileResponse(file, filename=record["rejects"], media_type="application/octet-stream")


def _page(
    request: Request, record: Record, problem: TwinError | None = None, given: Mapping[str, str] | None = None
) -> Response:
    lang, state = language_of(request), record["state"]
    report, receipt = record["report"], record["receipt"]
    told = problem.text(lang) if problem else record["problem"] and record["problem"][lang]
    form = None
    if report is not None and state in ("inspected", "refused"):
        layer = layer_of(report[lang], (given or {}).get("layer") or request.query_params.get("layer"))
        form = form_of(record, layer, lang, given)
    return page(
        request,
        "upload.html",
        status=200 if problem is None else http_status(problem.code),
        live=state in CHANGING,
        layout="wide",
        upload=record,
        path=f"/loads/{record['id']}",
        changing=state in CHANGING,
        state=texts(lang)[STATES[state]],
        form=form,
        problem=told,
        receipt=None if receipt is None else receipt_view(receipt[lang], lang),
    )


async def _upload(request: Request, upload: str) -> Record:
    found = await _rows(request, "upload", id=upload) if is_id(upload) else []
    if not found:
        raise UploadUnknown(value=upload)
    return found[0]


async def _decided(request: Request, record: Record, decision: str, **values: object) -> Response:
    """Hand the work on to the queue; raises ``UploadSettled`` where it is not for us to decide any more."""
    taken = await _rows(request, decision, id=record["id"], **values)
    if not taken[0]["taken"]:
        raise UploadSettled(name=record["name"])
    return _to(request, f"/loads/{record['id']}")


async def _rows(request: Request, statement_name: str, /, **values: object) -> list[dict[str, Any]]:
    async with request.app.state.pool.connection() as connection:
        cursor = connection.cursor(row_factory=dict_row)
        await cursor.execute(statement("twin.web", statement_name), values)
        rows: list[dict[str, Any]] = await cursor.fetchall()
        return rows


def _to(request: Request, path: str) -> Response:
    lang: Language | None = chosen(request)
    return RedirectResponse(f"{quote(path)}?{urlencode({'lang': lang})}" if lang else quote(path), 303)
