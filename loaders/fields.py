"""A judged batch as the fields of COPY: what the staging tables and the kind's partitions have in common."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from psycopg import sql

from loaders import arrow, copy_binary, json_column
from loaders.arrow import Column
from loaders.coding import Coded
from loaders.copy_binary import Field, constant
from loaders.draft import Draft
from loaders.words import words_of
from twin.kinds import Kind
from twin.kinds.fields import identifier
from twin.registry.database import Connection

_TEXTS = ("name", "address", "authority", "owner", "maintainer", "survey_method")


def asset_fields(draft: Draft, coded: Coded) -> dict[str, Field]:
    """What is known of the assets, by the columns of ``twin.asset``."""
    common = draft.values.common
    return {
        "row_number": ("int8", arrow.numbers(draft.numbers)),
        "source_hash": ("int8", arrow.numbers(draft.identity.hashes)),
        "cell": ("int8", arrow.numbers(draft.places.cells, arrow.is_null(draft.places.wkb))),
        "scheme": text_field(coded.scheme),
        "issued_in": text_field(coded.issued_in),
        "code": ("text", coded.code),
        "division": ("text", draft.divisions),
        "source_key": ("text", draft.identity.keys),
        **{name: ("text", common[name]) if name in common else None for name in _TEXTS},
        "installed": ("date", common["installed"]) if "installed" in common else None,
        "accuracy": ("float4", common["accuracy"]) if "accuracy" in common else None,
        "words": ("text", words_of(draft)),
        "geom": ("geometry", draft.places.wkb),
        # What most often differs in length stands last: what has one length is laid out as one block.
        "status": ("text", common["status"]) if "status" in common else None,
        "attributes": ("jsonb", json_column.objects(draft.values.attributes, len(draft))),
    }


def text_field(column: Column) -> Field:
    """Texts; a constant where it is the same in every row."""
    different = arrow.distinct(column)
    return constant(different[0]) if len(different) == 1 and not column.null_count else ("text", column)


def issuer_of(kind: Kind, scheme: str, dataset: str) -> str:
    """Within what an identifier is unique: the world (empty), or the dataset."""
    known = identifier(kind, scheme)
    return "" if known is not None and known.unique_within == "world" else dataset


class Laid(Struct, frozen=True):
    """Rows laid out for COPY: their columns and tuples."""

    columns: tuple[str, ...]
    tuples: memoryview


def lay_out(fields: Mapping[str, Field], count: int) -> Laid:
    """So many rows; columns that are null in all are left out."""
    there = {name: one for name, one in fields.items() if one is not None}
    return Laid(tuple(there), copy_binary.tuples(list(there.values()), count))


def send(connection: Connection, table: str, laid: Laid, schema: str = "twin") -> None:
    """COPY rows into a table."""
    command = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        sql.Identifier(schema, table), sql.SQL(", ").join(map(sql.Identifier, laid.columns))
    )
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        copy.write(copy_binary.HEADER)
        copy.write(laid.tuples)
        copy.write(copy_binary.TRAILER)
