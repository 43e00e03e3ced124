"""What is settled before the first row: format, mapping, key, coordinate system. Here files are refused."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
from msgspec import Struct
from msgspec.structs import asdict

from loaders.arrow import Column
from loaders.bundle import named_as_given
from loaders.crs import Declared, declared, operation_for
from loaders.errors import AccuracyInvalid, FileEmpty
from loaders.exported import dataset_of, of_other_kinds
from loaders.formats import BaseFormat, Request, Rows, Source, detect
from loaders.inspection.assumption import assumed_fillings, assumed_kind, require_certain
from loaders.keys import choose_key, fingerprint
from loaders.locations import Location, default_dataset
from loaders.mapping import DeleteFlag, Mapping, read_mapping, require_attribution, require_dataset_name
from loaders.modes import Mode, OnSuspect, delete_flag, require_key, require_known, require_percent
from loaders.ownership import owned_fields
from loaders.places import read_geometries
from loaders.plan import Plan, settle
from loaders.receipt import Receipt
from loaders.rejects import COLUMNS as REJECT_COLUMNS
from loaders.siblings import Siblings
from loaders.values import present
from spatial.arrays import GeometryArray
from spatial.crs import DEFAULT_ACCURACY, Operation
from twin.kinds import Kind, kind

_LOOKED_AT = 8_192
"""Geometries that are looked at before the first row is loaded."""

OnError = Literal["skip", "abort"]


class Options(Struct, frozen=True):
    """What may be said about a load; nothing has to be, if the file and its mapping say enough.

    ``accuracy`` in metres is that of positions whose rows bring none, and what the coordinate operation must
    keep to (5 m where it is not said). ``dataset`` is the file's name without its ending, unless said;
    ``attribution`` whom to name as its source. ``rejects`` is the file to write rejected rows to, replaced
    with ``force``; with ``on_error`` ``abort`` one rejected row keeps the whole file out.
    ``batch`` is how many rows are registered at a time, all of the file if it is None; with ``resume`` a load
    in batches goes on where the last one of the dataset's kind stopped. ``mode`` says what becomes of
    registered assets (``loaders.modes``), and of those in service ``mirror`` and ``delta`` retire at most
    ``retire_up_to`` percent. ``on_suspect`` says what becomes of new rows that seem to be there; ``owns`` are
    the fields that the dataset decides where it shares assets with others.
    """

    kind: str | None = None
    layer: str | None = None
    mapping: Path | None = None
    crs: str | None = None
    accuracy: float | None = None
    dataset: str | None = None
    division: str | None = None
    attribution: str | None = None
    rejects: Path | None = None
    force: bool = False
    on_error: OnError = "skip"
    dry_run: bool = False
    batch: int | None = None
    resume: bool = False
    mode: Mode = "upsert"
    retire_up_to: float = 5.0
    on_suspect: OnSuspect = "load"
    owns: tuple[str, ...] | None = None

    def as_json(self) -> dict[str, object]:
        """The options as the load's record keeps them; of paths only the names."""
        paths = {"mapping": self.mapping, "rejects": self.rejects}
        return asdict(self) | {name: path and path.name for name, path in paths.items()}


class Prepared(Struct):
    """A file that can be loaded: all its ``rows``, and of the first batch the geometries and the keys.

    ``dataset_said`` is false where the dataset is only the file's name. ``siblings`` are the files that are
    loaded together with it, ``delete`` is the flag of a file of changes, ``owns`` what the dataset is said to
    own, None where nobody says.
    """

    path: Location
    source: Source
    plan: Plan
    key: str | None
    operation: Operation | None
    first: GeometryArray
    first_keys: Column | None
    rows: Iterator[Rows]
    receipt: Receipt
    dataset_said: bool
    siblings: Siblings | None = None
    delete: DeleteFlag | None = None
    owns: tuple[str, ...] | None = None

    def seed(self, *facts: object) -> int:
        """What the rows' hashes are seeded with."""
        operation = self.operation and (self.operation.source.definition, self.operation.name)
        return fingerprint(self.plan, self.key, operation, *facts)


@named_as_given()
def prepare(path: Location, options: Options, source: Source | None = None) -> Prepared:
    """Open the file, unless it is open, and settle how it is read.

    Raises as ``loaders.errors`` and ``spatial.crs`` say.
    """
    if options.dataset is not None:
        require_dataset_name(options.dataset)
    if options.accuracy is not None and not (math.isfinite(options.accuracy) and options.accuracy >= 0):
        raise AccuracyInvalid(accuracy=options.accuracy)
    if options.attribution is not None:
        require_attribution(options.attribution)
    require_known("mode", options.mode, Mode)
    require_known("on-suspect", options.on_suspect, OnSuspect)
    require_percent(options.retire_up_to)
    mapping = read_mapping(options.mapping) if options.mapping else Mapping()
    chosen = detect(path)
    said = options.kind or mapping.kind
    wanted = kind(said) if said else _assumed(path, chosen, options.layer)
    source = source or chosen.open(path, Request(options.layer, wanted, mapping.columns))
    plan = settle(source, wanted, mapping, options.mapping)
    owns = owned_fields(wanted, mapping.owns if options.owns is None else options.owns)
    delete = delete_flag(path, source.columns, mapping.delete, options.mode)
    if delete is not None:
        plan = plan.without_column(delete.column)
    positioned = source.has_geometry or bool(plan.position.columns)
    system = declared(path, options.crs or mapping.crs, source, plan.position) if positioned else None
    first, rows = _first(path, source, wanted)
    if mapping.fields is None and not source.tags:
        plan = plan.with_assumed(assumed_fillings(plan, first))
    geometries = read_geometries(_some_of(first), plan.position).geometries
    if system is not None and said is None:
        require_certain(path, system, geometries)
    operation = _operation(system, source, geometries, options)
    key = choose_key(plan, first)
    require_key(path, key, options.mode)
    named = options.dataset or dataset_of(first)
    receipt = _receipt(path, chosen, source, plan, key)
    receipt.dataset, receipt.dry_run = named or default_dataset(path), options.dry_run
    receipt.mode = options.mode
    if delete is not None:
        receipt.mapping["delete"] = delete.column
    receipt.attribution = options.attribution or source.attribution
    if operation is not None and system is not None:
        receipt.crs, receipt.operation = system.system.code or system.system.name, operation.name
        receipt.accuracy = operation.accuracy
    crs_assumed = system is not None and system.assumed
    receipt.notes += _notes(plan, key, assumed_crs=crs_assumed, assumed_kind=said is None)
    keys = None if key is None else present(first.columns[key])
    said_so = named is not None
    return Prepared(
        path, source, plan, key, operation, geometries, keys, rows, receipt, said_so, delete=delete, owns=owns
    )


def _operation(
    system: Declared | None, source: Source, first: GeometryArray, options: Options
) -> Operation | None:
    """What brings the coordinates home, where there are any."""
    if system is None:
        return None
    accuracy = DEFAULT_ACCURACY if options.accuracy is None else options.accuracy
    return operation_for(system.system, source, first, accuracy)


def _receipt(path: Location, chosen: BaseFormat, source: Source, plan: Plan, key: str | None) -> Receipt:
    """The receipt's beginning: how the file is read."""
    return Receipt(
        source=path.name,
        format=chosen.name,
        kind=plan.kind.name,
        dataset=default_dataset(path),
        layer=source.layer,
        encoding=source.encoding,
        encoding_found=source.encoding_found,
        key=key,
        mapping=plan.as_json(),
        unmapped=tuple(name for name in plan.unmapped if name != key and name not in REJECT_COLUMNS),
        assumed={filling.target.name: filling.columns[0].name for filling in plan.assumed},
        notes=list(source.notes),
    )


def _assumed(path: Location, chosen: BaseFormat, layer: str | None) -> Kind:
    """The kind that a file, opened for no kind, certainly holds."""
    return assumed_kind(path, chosen.open(path, Request(layer)), chosen.layers(path))


def _first(path: Location, source: Source, wanted: Kind) -> tuple[Rows, Iterator[Rows]]:
    """Of the first batch that has rows of the kind those rows, and all batches. Raises ``FileEmpty``."""
    batches = source.rows()
    found = False
    own: Rows | None = None
    for number, batch in enumerate(batches):
        own = batch.take(~of_other_kinds(batch, wanted))
        if len(own):
            return own, chain([batch], batches) if number == 0 else source.rows()
        found = found or len(batch) > 0 or len(batch.unread) > 0
    if own is None or not found:
        layer = source.layer
        raise FileEmpty(
            path=path,
            where_en=f" in layer {layer}" if layer else "",
            where_zh=f"图层 {layer} " if layer else "",
        )
    return own, source.rows()


def _some_of(first: Rows) -> Rows:
    """Every so many of the first rows, so that they are ``_LOOKED_AT`` at most."""
    step = -(-len(first) // _LOOKED_AT)
    return first if step <= 1 else first.take(np.arange(len(first)) % step == 0)


def _notes(plan: Plan, key: str | None, *, assumed_crs: bool, assumed_kind: bool) -> list[str]:
    notes = ["key.none" if key is None else "key.assumed" if plan.key is None else ""]
    notes += ["crs.assumed" if assumed_crs else "", "kind.assumed" if assumed_kind else ""]
    return [note for note in notes if note]
