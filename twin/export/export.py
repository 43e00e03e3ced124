"""``export``: the assets that meet a condition become one file, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import shapely
from psycopg import Connection

from spatial import proj
from spatial.arrays import GeometryArray
from spatial.crs import CoordinateSystem, Operation, operation_from_wgs84
from twin.errors import TwinError, sentence
from twin.export.columns import all_columns, kind_columns
from twin.export.errors import ExportStopped, NothingToExport, OutOfSystem
from twin.export.model import Batch, Column, Format, Layer
from twin.export.reading import Found, begin_snapshot, count_assets, read_batches
from twin.files import whole_file
from twin.kinds import all_kinds
from twin.kinds.model import Kind
from twin.registry.query.where import Condition, Where, condition

Progress = Callable[[int, int], None]
"""Told how many assets have been written, and of how many."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote: assets by kind, and the operation that its coordinates went through."""

    counts: Mapping[str, int]
    operation: Operation | None


def export(
    connection: Connection[Any],
    path: Path,
    output: Format,
    crs: CoordinateSystem,
    *,
    where: Where | None = None,
    kind: Kind | None = None,
    force: bool = False,
    progress: Progress = lambda _written, _total: None,
) -> Exported:
    """Write the assets that ``where`` selects, of ``kind`` or of every kind, to ``path``.

    ``connection`` is in autocommit and reads the ``api`` views. Raises ``NothingToExport``, the errors of
    ``twin.export.file``, ``twin.registry.query.where`` and ``spatial.crs``, ``OutOfSystem`` where a position
    cannot be written in ``crs``, and ``ExportStopped``.
    """
    selected = condition(where)
    with whole_file(path, force=force) as draft, _snapshot(connection):
        kinds = all_kinds().values() if kind is None else [kind]
        counted = [(one, count_assets(connection, selected, one)) for one in kinds]
        found = [(one, what) for one, what in counted if what.count]
        if not found:
            raise NothingToExport(file=path)
        operation = _operation(crs, [what for _, what in found])
        work = _Work(connection, selected, operation, sum(what.count for _, what in found), progress)
        present = [one for one, _ in found]
        layers = _layered(work, present) if output.layered else [_united(work, present)]
        with _reading_failures(work):
            output.write(layers, draft, None if crs.shift else proj.crs(crs.definition))
    return Exported({one.name: what.count for one, what in found}, operation)


@dataclass(slots=True)
class _Work:
    """What all layers of an export share, and how far it has come."""

    connection: Connection[Any]
    selected: Condition
    operation: Operation | None
    total: int
    progress: Progress
    written: int = 0
    failure: TwinError | None = None

    def batches(self, kind: Kind, columns: Sequence[Column]) -> Iterator[Batch]:
        try:
            for batch in read_batches(self.connection, self.selected, kind, columns):
                self.written += len(batch.geometries)
                self.progress(self.written, self.total)
                yield Batch(batch.values, self._placed(batch))
        except psycopg.OperationalError as problem:
            self.failure = ExportStopped(reason=sentence(problem))
            raise self.failure from problem
        except TwinError as problem:
            self.failure = problem
            raise

    def _placed(self, batch: Batch) -> GeometryArray:
        """The geometries in the file's system; raises ``OutOfSystem`` where one has no coordinates there."""
        if self.operation is None:
            return batch.geometries
        placed = self.operation.transform(batch.geometries)
        lost = ~shapely.is_missing(placed) & ~np.isfinite(shapely.bounds(placed)).all(axis=1)
        lost &= ~shapely.is_empty(batch.geometries)
        if lost.any():
            raise OutOfSystem(code=batch.values[0][int(np.argmax(lost))], crs=self.operation.target.name)
        return placed


def _layered(work: _Work, kinds: Sequence[Kind]) -> list[Layer]:
    return [Layer(kind.name, kind_columns(kind), work.batches(kind, kind_columns(kind))) for kind in kinds]


def _united(work: _Work, kinds: Sequence[Kind]) -> Layer:
    """All kinds in one layer, one after the other, with the columns of them all."""
    columns = all_columns(kinds)
    return Layer("assets", columns, chain.from_iterable(work.batches(kind, columns) for kind in kinds))


def _operation(crs: CoordinateSystem, found: Iterable[Found]) -> Operation | None:
    """The operation from WGS 84 for all that was found; None where nothing has a position."""
    boxes = np.array([what.bounds for what in found if what.bounds is not None])
    if not len(boxes):
        return None
    (west, south), (east, north) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    return operation_from_wgs84(crs, (float(west), float(south), float(east), float(north)))


@contextmanager
def _reading_failures(work: _Work) -> Iterator[None]:
    """What went wrong while reading, as it was: GDAL, which draws the rows, makes it an error of its own."""
    try:
        yield
    except OSError:
        if work.failure is not None:
            raise work.failure from None
        raise


@contextmanager
def _snapshot(connection: Connection[Any]) -> Iterator[None]:
    begin_snapshot(connection)
    try:
        yield
    finally:
        if not connection.closed:
            connection.rollback()
