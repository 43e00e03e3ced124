"""Every row is accounted for, whatever stands in the file; and COPY's binary form says what it was given."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loaders import arrow, copy_binary, json_column
from spatial.crs import OutsideAreaOfUse
from spatial.geometry import to_wkb
from tests.loading import column, counts, load_into, reasons
from twin.registry.divisions import set_home

Connection = psycopg.Connection
QUIET = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

NUMBERS = st.sampled_from(
    [
        "",
        "0",
        "121.5",
        "31.2",
        "-200",
        "91",
        "1e400",
        "nan",
        "NULL",
        "12,5",
        "１２１",
        "x",
        "16 ft",
        " 121.50001 ",
    ]
)
WORDS = st.one_of(
    st.sampled_from(
        ["", "在用", "LED", "no", "2020-13-01", "3/4/2020", "2020", '"', "a\nb", "L1", "L2", "=1+1"]
    ),
    # A NUL makes a file no text at all, and a carriage return by itself ends a line.
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=8),
)
COLUMNS = ("id", "lon", "lat", "power", "status", "installed", "name", "pole_number", "code", "lamps")


@st.composite
def messy_rows(draw: st.DrawFn) -> list[list[str]]:
    """Rows of a file of lamps: few keys, strange values, sometimes too many fields or too few."""
    rows = []
    for _ in range(draw(st.integers(1, 12))):
        row = [draw(st.sampled_from(["L1", "L2", "L3", "L4", "L5", "L6", ""]))]
        row += [draw(NUMBERS) for _ in range(3)] + [draw(WORDS) for _ in range(5)] + [draw(NUMBERS)]
        wrong = draw(st.integers(0, 15))
        rows.append(row[:-2] if wrong == 0 else [*row, "more"] if wrong == 1 else row)
    return rows


def written(rows: list[list[str]]) -> str:
    """The rows as a CSV file, with their header."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return out.getvalue()


@pytest.fixture
def messy(owner: Connection, database_url: str) -> str:
    set_home(owner, "310115")
    return database_url


@QUIET
@given(rows=messy_rows())
def test_every_row_is_new_changed_same_or_rejected(
    owner: Connection, messy: str, tmp_path: Path, rows: list[list[str]]
) -> None:
    file, mapping = tmp_path / "messy.csv", tmp_path / "m.toml"
    file.write_text(written(rows), encoding="utf-8")
    mapping.write_text('key = "id"', encoding="utf-8")
    (before,) = column(owner, "SELECT count(*) FROM twin.asset")
    try:
        receipt = load_into(messy, file, mapping=mapping)
    except OutsideAreaOfUse:
        assert column(owner, "SELECT count(*) FROM twin.asset") == [before]
        return
    assert receipt.read == len(rows)
    assert receipt.read == receipt.new + receipt.changed + receipt.same + receipt.rejected
    assert reasons(receipt).get("row.fields", 0) == sum(len(row) != len(COLUMNS) for row in rows)
    assert len({finding.row for finding in receipt.rejections.kept}) == receipt.rejected
    assert column(owner, "SELECT count(*) FROM twin.asset") == [before + receipt.new]
    again = load_into(messy, file, mapping=mapping)
    assert counts(again)[1:3] == (0, 0)
    assert again.read == again.same + again.rejected == receipt.read
    assert column(owner, "SELECT count(*) FROM twin.asset") == [before + receipt.new]


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
POINTS = st.builds(shapely.Point, *(st.floats(-180, 180) for _ in range(2)))
SOLID = st.builds(shapely.Point, *(st.floats(-180, 180) for _ in range(3)))
LINES = st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), min_size=2, max_size=9).map(
    shapely.LineString
)
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def tables(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """Rows of everything that is copied, each value there or not."""
    row = st.tuples(
        st.none() | TEXTS,
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | FLOATS,
        st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31)),
        st.none() | st.booleans(),
        st.none() | POINTS | SOLID | LINES,
        st.none() | TEXTS,
        st.none() | st.integers(-(2**31), 2**31),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
    )
    return draw(st.lists(row, min_size=1, max_size=8))


@pytest.fixture
def copied(owner: Connection) -> Iterator[Connection]:
    owner.execute(
        "CREATE TEMP TABLE copied (a text, b bigint, c real, d date, e boolean, f geometry, g jsonb)"
    )
    yield owner
    owner.execute("DROP TABLE copied")


def number_column(values: list[Any], kind: type[np.generic]) -> arrow.Column:
    """Numbers, null where None stands."""
    missing = np.array([value is None for value in values])
    return arrow.numbers(np.array([0 if value is None else value for value in values], dtype=kind), missing)


@QUIET
@given(rows=tables())
def test_what_is_copied_is_what_comes_out(copied: Connection, rows: list[tuple[Any, ...]]) -> None:
    a, b, c, d, e, f, g, h, i = (list(values) for values in zip(*rows, strict=True))
    objects = json_column.objects(
        {"g": arrow.texts(g), 'h"': number_column(h, np.int64), "i": number_column(i, np.float64)}, len(rows)
    )
    shapes = np.array(f, dtype=object)
    stream = copy_binary.tuples(
        [
            ("text", arrow.texts(a)),
            ("int8", number_column(b, np.int64)),
            ("float4", number_column(c, np.float64)),
            ("date", arrow.texts(value and value.isoformat() for value in d)),
            ("bool", number_column(e, np.bool_)),
            ("geometry", arrow.binaries(to_wkb(shapes))),
            ("jsonb", objects),
        ],
        len(rows),
    )
    copied.execute("TRUNCATE copied")
    with copied.cursor() as cursor, cursor.copy("COPY copied FROM STDIN (FORMAT binary)") as copy:
        copy.write(copy_binary.HEADER)
        copy.write(stream)
        copy.write(copy_binary.TRAILER)
    out = copied.execute("SELECT a, b, c, d, e, st_asbinary(f), st_srid(f), g FROM copied").fetchall()
    assert len(out) == len(rows)
    for row, (name, whole, real, day, truth, shape, srid, json) in zip(rows, out, strict=True):
        assert (name, whole, day, truth) == (row[0], row[1], row[3], row[4])
        assert (real is None) == (row[2] is None)
        assert real is None or math.isclose(real, row[2], rel_tol=1e-6, abs_tol=1e-37)
        assert (shape is None) == (row[5] is None)
        assert shape is None or (srid == 4326 and shapely.equals_identical(shapely.from_wkb(shape), row[5]))
        expected = {"g": row[6], 'h"': row[7], "i": row[8]}
        assert set(json) == {key for key, value in expected.items() if value is not None}
        # JSON's numbers are decimal: one without a fraction comes back as an integer.
        assert {key: type(expected[key])(value) for key, value in json.items()} == {
            key: value for key, value in expected.items() if value is not None
        }
