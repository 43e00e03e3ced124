"""Undo a load: every asset that it made or changed gets the state it had before, as a new version.

An asset that something has changed since stays as it is and is named. All of it is one transaction under the
locks that a load takes, and a row of ``twin.load`` like any other: in the feed, and to be undone in turn. The
recorded ranges tell all that is needed: a load's slices begin where those that it closed end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from psycopg import sql

from loaders.errors import LoadReturned, LoadUndone, LoadUnknown, NothingToUndo
from loaders.findings import Finding, Findings
from loaders.merge import analyze, keep_receipt, refresh_words
from loaders.receipt import Receipt
from loaders.session import registry
from loaders.stage import dataset_lock
from twin.kinds import Kind
from twin.kinds import kind as kind_called
from twin.registry.database import Connection, connect
from twin.registry.partitions import lock_kind, parts
from twin.registry.state import STATE_COLUMNS
from twin.registry.statements import statement

UNDO = "undo"
"""What a load that undoes another has for its format."""

_IDENTITY = ("kind", "issued_in", "code", "scheme", "dataset_id", "source_key")
_PROVENANCE = ("load_id", "row_number")
_RETIRED = {"status": sql.SQL("'retired'"), "source_hash": sql.SQL("0")}
"""How an asset that was made is left. No row says 0, so that its row brings it back."""


def undo(number: int, *, dry_run: bool = False) -> Receipt:
    """Undo the load ``number`` and account for every asset that it made or changed.

    Those of which it changed only the sources count, too, for these are given back as well. Of the receipt,
    ``read`` counts all of them, ``changed`` those that have their former state again, ``retired``
    those of them that the load had made, and the rejections name those that were changed since. If these are
    all, nothing is registered and ``load`` is None, as in a dry run.
    Raises ``LoadUnknown``, ``LoadUndone``, ``LoadReturned``, ``NothingToUndo``, ``LoadConflict``,
    ``LoadStopped`` and those of ``twin.registry.database``; whichever it is, the registry is as it was.
    """
    with connect("owner") as connection:
        dataset = _Undone.read(connection, number).dataset
    with registry(dataset) as connection, dataset_lock(connection, dataset):
        undone = _Undone.read(connection, number)
        undone.require_undoable()
        receipt = Receipt(undone.source, UNDO, undone.kind.name, dataset, undoes=number, dry_run=dry_run)
        undoing = _Undoing(connection, undone, receipt)
        with receipt.timed("undo"), connection.transaction(force_rollback=dry_run):
            undoing.run()
        if dry_run:
            receipt.load = None
        elif receipt.load is not None:
            analyze(connection, parts(connection, undone.kind))
    return receipt


class _Undone(Struct, frozen=True):
    """The load that is to be undone. ``moments`` are when its slices were recorded, ``touched`` how many."""

    number: int
    dataset_id: int
    dataset: str
    kind: Kind
    source: str
    moments: list[datetime]
    touched: int
    undoes: int | None
    undoes_undo_of: int | None
    undone_by: int | None

    @classmethod
    def read(cls, connection: Connection, number: int) -> _Undone:
        """The load ``number``. Raises ``LoadUnknown``."""
        row = connection.execute(statement("loaders", "undone_load"), {"number": number}).fetchone()
        if row is None:
            raise LoadUnknown(load=number)
        dataset_id, dataset, kind, *others = row
        return cls(number, dataset_id, dataset, kind_called(kind), *others)

    def require_undoable(self) -> None:
        """Raise ``LoadUndone``, ``LoadReturned`` or ``NothingToUndo``."""
        if self.undone_by is not None:
            raise LoadUndone(load=self.number, by=self.undone_by)
        if self.undoes_undo_of is not None:
            raise LoadReturned(load=self.number, returned=self.undoes_undo_of)
        if not self.touched:
            raise NothingToUndo(load=self.number)


class _Undoing(Struct, frozen=True):
    """An undo within its transaction."""

    connection: Connection
    undone: _Undone
    receipt: Receipt

    def run(self) -> None:
        """Do it all, or find that nothing of it can be done."""
        lock_kind(self.connection, self.undone.kind)
        self._find()
        self._count()
        if not self.receipt.changed:
            return
        self.receipt.load = 0 if self.receipt.dry_run else self._one("next_load")[0]
        self._give_back()
        self._give_back_identifiers()
        self._run("undo_close_sources")
        self._run("undo_open_sources")
        self.connection.execute("INSERT INTO twin.change (load_id) VALUES (%s)", (self.receipt.load,))
        keep_receipt(self.connection, self.undone.dataset_id, self.receipt, {UNDO: self.undone.number})

    def _find(self) -> None:
        self._run("undo_tables", state=_names(STATE_COLUMNS))
        self._run("undo_touched")
        self._run(
            "undo_former",
            state=_names(STATE_COLUMNS),
            version=_names(STATE_COLUMNS, "v"),
            retired=_listed(_RETIRED.get(name, sql.Identifier("a", name)) for name in STATE_COLUMNS),
        )
        self._run("undo_borne")
        for table in ("touched", "former", "former_identifier"):
            self.connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))

    def _count(self) -> None:
        receipt = self.receipt
        receipt.read, receipt.changed, receipt.retired = self._one("undo_count")
        for row, key, code, later in self._findings("undo_changed_since", receipt.rejections):
            facts = {
                "by": "A later change" if later is None else f"Load {later}",
                "by_zh": "后来的更改" if later is None else f"第 {later} 次加载",
            }
            receipt.rejections.add(Finding(row or 0, "code", code, "undo.changed_since", facts, key))
        receipt.rejections.count("undo.changed_since", receipt.read - receipt.changed - receipt.rejected)

    def _give_back(self) -> None:
        given_back = [name for name in STATE_COLUMNS if name not in (*_IDENTITY, *_PROVENANCE)]
        self._run(
            "close_versions",
            stage=sql.Identifier("former"),
            state=_names(STATE_COLUMNS),
            old_state=_names(STATE_COLUMNS, "a"),
        )
        self._run(
            "undo_assets",
            assignments=_listed(
                sql.SQL("{} = {}").format(sql.Identifier(name), sql.Identifier("f", name))
                for name in given_back
            ),
        )

    def _give_back_identifiers(self) -> None:
        self._run("undo_close_identifiers")
        self._run("undo_open_identifiers")
        warnings = self.receipt.warnings
        taken = self._findings("undo_taken", warnings)
        for row, key, scheme, value, other, _ in taken:
            warnings.add(Finding(row or 0, scheme, value, "undo.identifier_taken", {"other": other}, key))
        if taken:
            warnings.count("undo.identifier_taken", taken[0][-1] - len(taken))
            refresh_words(self.connection, sql.Identifier("former"), self._facts)

    def _findings(self, name: str, findings: Findings) -> list[Any]:
        """The first findings, as many as the receipt has room for."""
        facts = {**self._facts, "room": findings.room()}
        return self.connection.execute(statement("loaders", name), facts).fetchall()

    @property
    def _facts(self) -> Mapping[str, object]:
        return {
            "kind": self.undone.kind.name,
            "dataset_id": self.undone.dataset_id,
            "undoes": self.undone.number,
            "moments": self.undone.moments,
            "load_id": self.receipt.load,
        }

    def _run(self, name: str, **parts: sql.Composable) -> None:
        self.connection.execute(sql.SQL(statement("loaders", name)).format(**parts), self._facts)

    def _one(self, name: str) -> Any:
        return self.connection.execute(statement("loaders", name), self._facts).fetchone()


def _names(names: Sequence[str], *of: str) -> sql.Composed:
    return _listed(sql.Identifier(*of, name) for name in names)


def _listed(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)
