"""The page on which the undoing of a load is asked for, shown before it is done, and confirmed."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from twin.errors import Language
from twin.web.language import language_of
from twin.web.loading import UndoSettled, require_loads, require_own_page
from twin.web.receipts import receipt_view
from twin.web.records import Record, load_record, rows, see
from twin.web.rendering import page
from twin.web.texts import texts

router = APIRouter(prefix="/loads/{number:int}/undo")

STATES = {
    "previewing": "undo_previewing",
    "previewed": "undo_previewed",
    "waiting": "undo_waiting",
    "undone": "undo_undone",
    "refused": "undo_refused",
}
CHANGING = frozenset({"previewing", "waiting"})
"""States that a worker will end."""


@router.api_route("", methods=["GET", "HEAD"])
async def show(request: Request, number: int) -> Response:
    """How the undoing stands: what it would do, what it did, or why it was refused."""
    require_loads(request)
    load, lang = await load_record(request, number), language_of(request)
    undoing = await _undoing(request, load)
    state = undoing["state"] if undoing else None
    receipt: Record | None = undoing["receipt"] if undoing else None
    return page(
        request,
        "undo.html",
        live=state in CHANGING,
        layout="wide",
        load=load,
        path=f"/loads/{load['id']}",
        undoing=undoing,
        changing=state in CHANGING,
        state=_state(state, receipt, lang),
        problem=undoing["problem"][lang] if undoing and undoing["problem"] else None,
        receipt=None if receipt is None or state == "waiting" else receipt_view(receipt, lang),
        confirmable=receipt is not None and state == "previewed" and receipt["changed"] > 0,
    )


@router.post("")
async def preview(request: Request, number: int) -> Response:
    """Find out what the undoing would do; a worker does."""
    require_own_page(request)
    load = await load_record(request, number)
    await rows(request, "preview_undo", id=load["id"])
    return see(request, f"/loads/{load['id']}/undo")


@router.post("/confirm")
async def confirm(request: Request, number: int) -> Response:
    """Undo the load; a worker does. Raises ``UndoSettled`` where what it would do was not shown before."""
    require_own_page(request)
    load = await load_record(request, number)
    taken = await rows(request, "undo_load", id=load["id"])
    if not taken[0]["taken"]:
        raise UndoSettled(load=load["id"])
    return see(request, f"/loads/{load['id']}/undo")


async def _undoing(request: Request, load: Record) -> Record | None:
    """How it stands; what became of an undoing that was undone itself says nothing any more."""
    found = await rows(request, "undoing", id=load["id"])
    if not found:
        return None
    receipt, state = found[0]["receipt"], found[0]["state"]
    stale = state == "undone" and receipt["load"] is not None and receipt["load"] != load["undone_by"]
    return None if stale else found[0]


def _state(state: str | None, receipt: Record | None, lang: Language) -> str | None:
    if state is None:
        return None
    if receipt and not receipt["changed"]:
        return texts(lang)["undo_stays"]
    return texts(lang)[STATES[state]]
