"""What tests of loading share: files written in a line, a load, and a hash of all that a database holds."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg

from loaders.batches import Batches
from loaders.load import Options, Receipt, load
from twin.identity.checks import CHECKS

Row = Mapping[str, object]


USED_CODES = """
SELECT scheme, division, class, free + int8multirange(int8range(next, NULL)) AS left
FROM twin.code_sequence
WHERE free + int8multirange(int8range(next, NULL)) <> '{[1,)}'
"""


def content_hash(connection: psycopg.Connection[Any]) -> str:
    """A hash of every row of every table of the registry, and of the names of its tables, staging included.

    Of codes it is which are left: one that was reserved and came back is as if it had never gone.
    """
    tables = connection.execute(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
        " WHERE schemaname IN ('twin', 'stage', 'public') AND tablename <> 'spatial_ref_sys' ORDER BY 1"
    ).fetchall()
    digest = hashlib.sha256()
    for (table,) in tables:
        rows = f"({USED_CODES})" if table == "twin.code_sequence" else table
        found = connection.execute(
            f"SELECT md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) FROM {rows} AS t"
        ).fetchone()
        digest.update(f"{table} {found}\n".encode())
    return digest.hexdigest()


def write_csv(path: Path, rows: Iterable[Row]) -> Path:
    """A CSV file of the rows, whose keys are the header; None is an empty field."""
    listed = list(rows)
    names = list(listed[0])
    lines = [",".join(names)]
    lines += [",".join("" if row.get(name) is None else str(row[name]) for name in names) for row in listed]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def lamps(count: int, **more: object) -> list[dict[str, object]]:
    """Street lamps in Pudong: id, lon, lat, power, and the same of whatever else is given."""
    return [
        {"id": f"L{n}", "lon": 121.5 + n * 1e-4, "lat": 31.2, "power": 100 + n % 7, **more}
        for n in range(count)
    ]


def load_into(url: str, path: Path, kind: str | None = "streetlight", **options: Any) -> Receipt:
    """Load a file into the database at ``url``."""
    with mock.patch.dict(os.environ, {"TWIN_DATABASE_URL": url}):
        return load(path, Options(kind=kind, **options))


def counts(receipt: Receipt) -> tuple[int, int, int, int, int]:
    """Read, new, changed, same, rejected."""
    return receipt.read, receipt.new, receipt.changed, receipt.same, receipt.rejected


def reasons(receipt: Receipt) -> dict[str, int]:
    """Why rows were rejected, and how many."""
    return dict(receipt.rejections.counts)


def warned(receipt: Receipt) -> dict[str, int]:
    """What was warned about, and how often."""
    return dict(receipt.warnings.counts)


def vin(number: int) -> str:
    """A vehicle identification number whose check digit is right."""
    shape = f"LSVAA4180E{number:07d}"
    candidates = (f"{shape[:8]}{digit}{shape[9:]}" for digit in "0123456789X")
    return next(text for text in candidates if CHECKS["vin"].problem(text) is None)


def column(connection: psycopg.Connection[Any], statement: str, *parameters: object) -> Sequence[Any]:
    """The one column that a statement gives."""
    return [row[0] for row in connection.execute(statement, parameters).fetchall()]


def vehicles(*numbers: str | None) -> list[dict[str, object]]:
    """Vehicles V0, V1 … with these identification numbers."""
    return [{"id": f"V{n}", "vin": number, "lon": 121.5, "lat": 31.2} for n, number in enumerate(numbers)]


@contextmanager
def none_registered(url: str) -> Iterator[None]:
    """Loads in this block can't come to their end: each waits as it writes into the feed of changes."""
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE twin.change IN SHARE MODE")
        yield


class Halted(Exception):
    """The load was stopped by the test, as by Ctrl-C."""


def halted_in(url: str, path: Path, batches: int, size: int = 10, **options: Any) -> None:
    """Load in batches and stop when the registry holds so many."""
    left = iter(range(batches - 1))
    original = Batches.next

    def following(self: Batches) -> None:
        original(self)
        if next(left, None) is None:
            raise Halted

    with (
        mock.patch.dict(os.environ, TWIN_DATABASE_URL=url),
        mock.patch.object(Batches, "next", following),
        suppress(Halted),
    ):
        load(path, Options(**{"kind": "streetlight", **options}, batch=size))
        raise AssertionError("the load came to its end")
