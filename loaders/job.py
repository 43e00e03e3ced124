"""A load that has copied all its rows: its staging tables, and the facts that every statement may name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from msgspec import Struct, field
from psycopg import Connection, sql

from loaders.ownership import Ownership
from loaders.prepare import Options, Prepared
from loaders.receipt import Receipt
from loaders.stage import Stage
from twin.identity.adoption import COMPONENT_CODE
from twin.kinds import Kind

# A row whose parent is not registered yet, by name or by place, is looked at again by the next load.
HASH = sql.SQL(
    "CASE WHEN s.parent IS NOT NULL AND s.parent_by IS DISTINCT FROM 'name'"
    " OR %(by_place)s AND s.parent_code IS NULL AND s.geom IS NOT NULL THEN 0 ELSE s.source_hash END"
)


class Brought(Struct, frozen=True):
    """What a load says something about; everything else of a changed asset stays as it is.

    ``columns`` are those of ``twin.asset``, ``schemes`` of identifiers; ``places`` tells of geometries,
    ``parents`` of names of parents, and ``by_place`` of parents that are found by place.
    """

    columns: tuple[str, ...]
    attributes: tuple[str, ...]
    schemes: tuple[str, ...]
    places: bool
    parents: bool
    by_place: bool

    @classmethod
    def by(cls, ready: Prepared, options: Options) -> Brought:
        """What a file brings by its plan, and what the load was told for all rows."""
        plan, places, accuracy = ready.plan, ready.operation is not None, options.accuracy is not None
        names = {where: plan.filled(where) for where in ("common", "attribute", "identifier")}
        by_place = places and plan.kind.parents_by_place
        more = {"division": places, "accuracy": accuracy, "parent": by_place}
        columns = {*names["common"], *(name for name, brought in more.items() if brought)}
        kept = (COMPONENT_CODE,) if "code" in columns else ()
        return cls(
            tuple(sorted(columns - {"code"})),
            names["attribute"],
            (*names["identifier"], *kept),
            places,
            parents="parent" in names["common"],
            by_place=by_place,
        )


class Job(Struct):
    """A load on its way into the registry. ``dataset_id`` is None while the dataset is not registered."""

    stage: Stage
    kind: Kind
    dataset_id: int | None
    brought: Brought
    receipt: Receipt
    options: Options
    ownership: Ownership = field(default_factory=Ownership)

    @contextmanager
    def whole_tables(self) -> Iterator[None]:
        """Join whole tables: where few rows are expected and many come, nested loops would take hours."""
        self.connection.execute("SET LOCAL enable_nestloop = off")
        yield
        self.connection.execute("SET LOCAL enable_nestloop = on")

    @property
    def connection(self) -> Connection[Any]:
        """The load's one connection, in autocommit mode."""
        return self.stage.connection

    @property
    def facts(self) -> dict[str, object]:
        """What the statements in ``loaders/sql`` call by name."""
        return {
            "kind": self.kind.name,
            "relation": self.kind.relation,
            "parents": list(self.kind.parents),
            "dataset": self.receipt.dataset,
            "attribution": self.receipt.attribution,
            "dataset_id": self.dataset_id,
            "load_id": self.receipt.load,
            "key": self.receipt.key or "",
            "kept": COMPONENT_CODE,
            "schemes": list(self.brought.schemes),
            "attributes": list(self.brought.attributes),
            "owns": list(self.ownership.mine),
            "places": self.brought.places,
            "names": "name" in self.brought.columns,
            "names_parents": self.brought.parents,
            "by_place": self.brought.by_place,
            "remember": not self.receipt.dry_run,
        }

    def run(
        self, name: str, parameters: Mapping[str, object] | None = None, /, **parts: sql.Composable
    ) -> int:
        """Run one of ``loaders/sql``; gives the number of rows it touched."""
        return self.stage.execute(name, {**self.facts, **(parameters or {})}, **parts)

    def number(
        self, name: str, parameters: Mapping[str, object] | None = None, /, **parts: sql.Composable
    ) -> int:
        """The one number that one of ``loaders/sql`` gives."""
        statement = self.stage.composed(name, **parts)
        row = self.connection.execute(statement, {**self.facts, **(parameters or {})}).fetchone()
        if row is None:
            raise LookupError(name)
        return int(row[0])
