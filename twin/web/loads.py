"""The pages of loads: their list with the form for a file, an upload on its way, the receipt of a load."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from psycopg.types.json import Jsonb
from starlette.responses import FileResponse, Response

from citygraph.context import Context
from citygraph.execution import ask
from loaders.prepare import Options
from loaders.uploads.spool import Spool, is_id, new_id
from twin.errors import TwinError
from twin.kinds import kind
from twin.settings import WebSettings, WorkerSettings
from twin.web.confirming import choice_of, form_of, given_of, layer_of
from twin.web.identity_file import kind_label
from twin.web.language import language_of
from twin.web.loading import (
    FormWrong,
    UploadSettled,
    UploadUnknown,
    may_load,
    require_loads,
    require_own_page,
)
from twin.web.receipts import receipt_view
from twin.web.receiving import receive
from twin.web.records import NEWEST, Record, load_record, rows, see
from twin.web.rendering import page
from twin.web.texts import texts

router = APIRouter(prefix="/loads")
READ = ["GET", "HEAD"]

LISTED = 50
"""Loads on a page of their list."""
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
DECIDABLE = frozenset({"inspected", "refused"})
"""States that wait for somebody's decision."""
NOTHING: Mapping[str, TwinError] = MappingProxyType({})


@router.api_route("", methods=READ)
async def list_loads(request: Request, before: int = NEWEST) -> Response:
    """The form for a file, uploads that wait for somebody, and the loads there were."""
    lang, allowed = language_of(request), may_load(request)
    uploads = await rows(request, "uploads", most=LISTED) if allowed else []
    loads = await rows(request, "loads", before=before, most=LISTED + 1)
    more = loads[LISTED - 1]["id"] if len(loads) > LISTED else None
    return page(
        request,
        "loads.html",
        layout="wide",
        allowed=allowed,
        most=f"{WebSettings.read().max_upload / 1e6:,.6g}",
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
        await rows(request, "add_upload", id=spool.id, name=name, size=size)
    except BaseException:
        spool.remove()
        raise
    return see(request, f"/loads/{spool.id}")


@router.api_route("/{number:int}", methods=READ)
async def load(request: Request, number: int) -> Response:
    """The receipt of a load, and the way to undo it."""
    found = await load_record(request, number)
    return page(
        request,
        "load.html",
        layout="wide",
        load=found,
        receipt=receipt_view(found["receipt"], language_of(request)),
        undoable=may_load(request) and found["undone_by"] is None,
        resume=_resuming(found) if found["resumable"] else None,
    )


def _resuming(record: Record) -> str:
    """The command that goes on with an unfinished load: what was said of the file, said again."""
    usual = Options(resume=True).as_json()
    said = {"kind": record["kind"]} | {n: v for n, v in record["options"].items() if v != usual.get(n)}
    given = [
        f"--{name.replace('_', '-')}={value}" for name, value in said.items() if name not in _FOR_ONE_RUN
    ]
    return shlex.join(["twin", "load", record["source"], *given, "--resume"])


_FOR_ONE_RUN = frozenset({"rejects", "force", "resume", "dry_run"})
"""Options that say nothing of how the file is read."""


@router.api_route("/{upload}", methods=READ)
async def one_upload(request: Request, upload: str) -> Response:
    """An upload as it stands: being looked into, to be confirmed, on its way, loaded or refused."""
    require_loads(request)
    return await _page(request, await _upload(request, upload))


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
    divisions = {one["code"] for one in await _divisions(request)}
    choice, problems = choice_of(record["report"]["en"], given, divisions)
    if problems:
        return await _page(request, record, given, problems)
    return await _decided(request, record, "load_upload", choice=Jsonb(choice))


@router.post("/{upload}/discard")
async def discard(request: Request, upload: str) -> Response:
    """Forget an upload, and remove its file."""
    require_own_page(request)
    record = await _upload(request, upload)
    taken = await rows(request, "discard_upload", id=record["id"])
    if not taken[0]["taken"]:
        raise UploadSettled(name=record["name"])
    await run_in_threadpool(Spool(record["id"]).remove)
    return see(request, "/loads")


@router.api_route("/{upload}/rejects", methods=READ)
async def rejects(request: Request, upload: str) -> Response:
    """The file of the rejected rows."""
    require_loads(request)
    record = await _upload(request, upload)
    file = Spool(upload).rejects / (record["rejects"] or "")
    if not record["rejects"] or not file.is_file():
        raise UploadUnknown(value=upload)
    return FileResponse(file, filename=record["rejects"], media_type="application/octet-stream")


async def _page(
    request: Request,
    record: Record,
    given: Mapping[str, str] | None = None,
    problems: Mapping[str, TwinError] = NOTHING,
) -> Response:
    """An upload's page; the form as it was ``given``, with what is wrong in it."""
    lang, state = language_of(request), record["state"]
    form = None
    if record["report"] is not None and state in DECIDABLE:
        form = _form(request, record, given) | {"divisions": await _divisions(request)}
    told = FormWrong(count=len(problems)).text(lang) if problems else None
    return page(
        request,
        "upload.html",
        status=400 if problems else 200,
        live=state in CHANGING,
        layout="wide",
        upload=record,
        path=f"/loads/{record['id']}",
        changing=state in CHANGING,
        discardable=state in DECIDABLE,
        kept_hours=WorkerSettings.read().keep_hours,
        state=texts(lang)[STATES[state]],
        form=form,
        problem=told or (record["problem"] and record["problem"][lang]),
        problems={name: one.text(lang) for name, one in problems.items()},
        receipt=None if record["receipt"] is None else receipt_view(record["receipt"], lang),
    )


def _form(request: Request, record: Record, given: Mapping[str, str] | None) -> dict[str, Any]:
    """The form: as it was given, else as it was confirmed before, else as is proposed."""
    lang, choice = language_of(request), record["choice"]
    named = (given or {}).get("layer") or request.query_params.get("layer") or (choice or {}).get("layer")
    layer = layer_of(record["report"][lang], named)
    if given is None and choice and choice["layer"] == (layer and layer["name"]):
        given = given_of(choice, layer)
    return form_of(record, layer, lang, given)


async def _divisions(request: Request) -> list[dict[str, Any]]:
    found = await ask(Context(request.app.state.pool), "report_form")
    divisions: list[dict[str, Any]] = found["divisions"]
    return divisions


async def _upload(request: Request, upload: str) -> Record:
    found = await rows(request, "upload", id=upload) if is_id(upload) else []
    if not found:
        raise UploadUnknown(value=upload)
    return found[0]


async def _decided(request: Request, record: Record, decision: str, **values: object) -> Response:
    """Hand the work on to the queue; raises ``UploadSettled`` where it is not for us to decide any more."""
    taken = await rows(request, decision, id=record["id"], **values)
    if not taken[0]["taken"]:
        raise UploadSettled(name=record["name"])
    return see(request, f"/loads/{record['id']}")
