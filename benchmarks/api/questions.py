"""What is asked, of everybody the same: questions by name, each with arguments drawn from the registry."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import h3
import psycopg

from benchmarks.lab import REGISTRY, Lab

Arguments = Mapping[str, Any]

QUESTIONS = ("lookup", "list100", "list1000", "nested50", "nearest20", "cells500")
ROWS = {"list100": 100, "list1000": 1_000, "nested50": 50, "nearest20": 20}
DRAWN = {
    "lookup": 20_000,
    "list100": 1_000,
    "list1000": 200,
    "nested50": 500,
    "nearest20": 5_000,
    "cells500": 500,
}
"""How many different ones are asked."""

RESOLUTION, _VIEW, _PARENTS = 9, 7, 10
"""Cells are counted at a resolution within so many of a coarser one, which have 49 each."""
_BOX = 0.01
"""Degrees."""

_SAMPLE = (
    "SELECT code, st_x(geom), st_y(geom) FROM twin.asset_streetlight ORDER BY hashtext(code), code LIMIT %s"
)
_LAST = """
SELECT max(code)
FROM (SELECT code FROM twin.asset_streetlight WHERE code > %s ORDER BY code LIMIT %s) AS page
"""
# Pages of buildings with many elevators: about as many as buildings, where the city has such pages.
_TALL = """
WITH inside AS (
    SELECT parent AS code, count(*) AS elevators
    FROM twin.asset_elevator
    WHERE parent IS NOT NULL
    GROUP BY parent
), page AS (
    SELECT
        code, sum(coalesce(elevators, 0)) OVER following AS elevators, count(*) OVER following AS buildings
    FROM twin.asset_building
    LEFT JOIN inside USING (code)
    WINDOW following AS (ORDER BY code ROWS BETWEEN 1 FOLLOWING AND %(size)s FOLLOWING)
)
SELECT code
FROM page
WHERE buildings = %(size)s
ORDER BY least(elevators, %(size)s) DESC, hashtext(code)
LIMIT %(wanted)s
"""


@cache
def drawn(lab: Lab, seed: int = 1) -> dict[str, list[Arguments]]:
    """Arguments of each question, the same for the same registry and seed."""
    dice = random.Random(seed)
    with lab.connection(REGISTRY) as connection:
        lamps = connection.execute(_SAMPLE, [max(DRAWN.values())]).fetchall()
        tall = connection.execute(_TALL, {"size": ROWS["nested50"], "wanted": DRAWN["nested50"]}).fetchall()
        pages = {name: list(_pages(connection, dice, lamps, name)) for name in ("list100", "list1000")}
    return {
        "lookup": [{"code": code} for code, _, _ in lamps],
        **pages,
        "nested50": [{"after": code, "first": ROWS["nested50"]} for (code,) in tall],
        "nearest20": [
            {"lon": lon + dice.uniform(-1e-3, 1e-3), "lat": lat + dice.uniform(-1e-3, 1e-3), "first": 20}
            for _, lon, lat in lamps[: DRAWN["nearest20"]]
        ],
        "cells500": [
            {
                "resolution": RESOLUTION,
                "within": _view(h3.latlng_to_cell(lat, lon, _VIEW)),
                "box": [lon, lat, lon + _BOX, lat + _BOX],
            }
            for _, lon, lat in lamps[: DRAWN["cells500"]]
        ],
    }


def _view(cell: str) -> list[str]:
    """The cells of a map's view: around one of them."""
    around = sorted(h3.grid_disk(cell, 2), key=lambda one: (h3.grid_distance(cell, one), one))
    return around[:_PARENTS]


def _pages(
    connection: psycopg.Connection[Any], dice: random.Random, lamps: Sequence[Sequence[Any]], name: str
) -> Iterable[Arguments]:
    """Whole pages behind random lamps; ``last`` is the last lamp of each."""
    size = ROWS[name]
    row = connection.execute(
        "SELECT code FROM twin.asset_streetlight ORDER BY code DESC OFFSET %s LIMIT 1", [size]
    )
    latest = (row.fetchone() or ("",))[0]
    begin = [code for code, _, _ in lamps if code < latest]
    for code in dice.sample(begin, min(DRAWN[name], len(begin))):
        last = connection.execute(_LAST, [code, size]).fetchone()
        yield {"after": code, "first": size, "last": last[0] if last else code}
