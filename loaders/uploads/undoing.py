"""The undoing of a load that was asked for on the web: first what it would do, then, when confirmed, it."""

from __future__ import annotations

from typing import Any

from loaders.undo import undo
from loaders.uploads.errors import UndoGivenUp
from loaders.uploads.work import as_jsonb, refusing, words
from twin.registry.database import connect
from twin.registry.statements import statement


def preview(load: int) -> None:
    """Find out what undoing the load would do, and keep that."""
    if _state(load)[0] == "previewing":
        with refusing(lambda problem: _change("undo_refused", load, problem=problem)):
            receipt = undo(load, dry_run=True)
            _change("undo_previewed", load, receipt=as_jsonb(receipt.as_record()))


def carry_out(load: int) -> None:
    """Undo the load; where others did, or a worker that was killed since, keep that receipt."""
    state, receipt = _state(load)
    if state == "waiting":
        with refusing(lambda problem: _change("undo_refused", load, problem=problem)):
            done = receipt or undo(load).as_record()
            _change("undone", load, receipt=as_jsonb(done))


def give_up() -> None:
    """Mark the undoings that nobody will do."""
    with connect("owner", autocommit=True) as connection:
        connection.execute(_sql("undo_give_up"), {"problem": as_jsonb(words(UndoGivenUp()))})


def _state(load: int) -> tuple[str, Any]:
    """How it stands, and the receipt of the load that has undone this one."""
    with connect("owner", autocommit=True) as connection:
        row = connection.execute(_sql("read_undoing"), {"load": load}).fetchone()
    return ("gone", None) if row is None else (row[0], row[1])


def _change(name: str, load: int, **values: object) -> None:
    with connect("owner", autocommit=True) as connection:
        connection.execute(_sql(name), {"load": load, **values})


def _sql(name: str) -> Any:
    return statement("loaders.uploads", name)
