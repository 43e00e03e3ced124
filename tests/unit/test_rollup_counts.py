"""What a load counts for the roll-ups is what counting row by row gives."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Sequence

import h3
import numpy as np
import pytest
from msgspec.structs import replace

from loaders import arrow, rollup
from loaders.rollup import RollUp, countable
from twin.kinds import all_kinds, kind

STATUSES = ("planned", "in_service", "")
DIVISIONS = ("310115", "310115013", "北", "")
NUMBERS = (None, 0, 70, 100.5, 0.0005, 0.0015, -3.25, 1e-9, 999_999_999_999, 1e12, -1e12, 1e300, float("nan"))


@pytest.mark.parametrize(("waiting", "most"), [(1, 1), (200, 10**16), (1 << 18, 1 << 62)])
def test_it_is_what_counting_one_by_one_gives(
    monkeypatch: pytest.MonkeyPatch, waiting: int, most: int
) -> None:
    monkeypatch.setattr(rollup, "_ROWS", waiting)
    monkeypatch.setattr(rollup, "_MOST", most)
    dice, streetlight = random.Random(waiting), kind("streetlight")
    points = [(31 + dice.random(), 121 + dice.random()) for _ in range(30)]
    places = [0, *(h3.str_to_int(h3.latlng_to_cell(*point, 15)) for point in points)]
    counting, added = RollUp(streetlight), [total.of for total in streetlight.sums]
    wanted: dict[tuple[int, str, str], list[int]] = defaultdict(lambda: [0] * (1 + len(added)))
    for _ in range(6):
        cells, statuses, divisions = (dice.choices(of, k=300) for of in (places, STATUSES, DIVISIONS))
        values = {name: dice.choices(NUMBERS, k=300) for name in added[1:]}
        columns = {name: column(of) for name, of in values.items()}
        counting.add(np.array(cells), arrow.texts(statuses), arrow.texts(divisions), columns)
        none = [None] * 300
        rows = zip(cells, statuses, divisions, *(values.get(name, none) for name in added), strict=True)
        for cell, status, division, *numbers in rows:
            for each in ancestors(cell):
                so_far = wanted[each, status, division]
                so_far[:] = np.add(so_far, [1, *map(thousandths, numbers)]).tolist()
    found = read(counting)
    assert found == dict(wanted)


def read(counting: RollUp) -> dict[tuple[int, str, str], list[int]]:
    """What was counted, of which each line is seen to stand in its place."""
    lines = "".join(str(part, "utf-8") for part in counting.written()).splitlines()
    rows = [(int(cell), *rest) for cell, *rest in csv.reader(lines)]
    assert [row[:3] for row in rows if row[0]] == sorted(row[:3] for row in rows if row[0])
    return {row[:3]: [int(row[3]), *map(int, row[4].strip("{}").split(","))] for row in rows}


def column(values: Sequence[float | None]) -> arrow.Column:
    missing = np.array([value is None for value in values])
    return arrow.numbers(np.array([value or 0 for value in values], dtype=float), missing)


def thousandths(value: float | None) -> int:
    return round(1000 * value) if value is not None and abs(value) < 1e12 else 0


def ancestors(cell: int) -> list[int]:
    text = h3.int_to_str(cell)
    return [h3.str_to_int(h3.cell_to_parent(text, r)) for r in range(5, 10)] if cell else [0]


def test_of_no_row_it_counts_nothing() -> None:
    assert not read(RollUp(kind("streetlight")))


def test_what_geometries_measure_is_left_to_the_registry() -> None:
    left = {name for name, one in all_kinds().items() if not countable(one)}
    assert left == {"building", "pipeline", "road"}
    assert countable(replace(kind("building"), sums=()))
