"""Which dataset decides which field, where several describe one asset.

The dataset that registered an asset decides every field, but for those that another one that is linked to it
says it owns. A mapping or a manifest says so, and the registry keeps it for later loads.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from psycopg import Connection

from loaders.errors import OwnsUnknown, nearest
from twin.kinds import Kind
from twin.kinds.common import common_fields
from twin.registry.statements import statement

GEOMETRY = "geometry"
"""The name of the position or shape, with all that is said of it: ``PLACED``."""
PLACED = ("division", "survey_method", "accuracy")

_IDENTITY = ("code", "source_key")


class Ownership(Struct, frozen=True):
    """The fields that a dataset owns of its assets of a kind, and those that others own of the same assets.

    ``declared``: this load says it; otherwise it is what the registry keeps.
    """

    mine: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    declared: bool = False

    @classmethod
    def read(
        cls, connection: Connection, dataset_id: int | None, kind: Kind, said: tuple[str, ...] | None
    ) -> Ownership:
        """What the registry keeps of a dataset, unless the load has ``said`` it."""
        facts = {"dataset_id": dataset_id, "kind": kind.name}
        row = connection.execute(statement("loaders", "owned"), facts).fetchone()
        kept, others = row or (None, [])
        return cls(tuple(kept or ()) if said is None else said, tuple(others), declared=said is not None)

    def facts(self) -> tuple[object, ...]:
        """What the rows' hashes depend on: who decides otherwise makes every row worth another look."""
        return (self.mine, self.others) if self.mine or self.others else ()


def ownable_fields(kind: Kind) -> tuple[str, ...]:
    """The fields that one of several datasets decides. Identifiers within a dataset are its own anyway."""
    common = [name for name in common_fields(kind) if name not in (*_IDENTITY, *PLACED)]
    attributes = [attribute.name for attribute in kind.attributes]
    schemes = [one.scheme for one in kind.identifiers if one.unique_within == "world"]
    return (*common, GEOMETRY, *attributes, *schemes)


def owned_fields(kind: Kind, said: Sequence[str] | None) -> tuple[str, ...] | None:
    """The fields that somebody says a dataset owns, each once. Raises ``OwnsUnknown``."""
    if said is None:
        return None
    known = ownable_fields(kind)
    for name in said:
        if name not in known:
            raise OwnsUnknown(
                kind=kind.name, field=name, nearest=nearest(str(name), known), fields=", ".join(known)
            )
    return tuple(name for name in known if name in said)
