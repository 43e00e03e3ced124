"""Every filter at a million assets uses its index: ``python -m benchmarks.explain_filters [--assets N]``.

An invented city is generated and loaded once, into a database of its own under ``.bench/``, and kept. Each
filter is then counted as the API's role asks it, through ``api.asset``, under EXPLAIN (ANALYZE). The table
shows the rows it selects, the indexes that the plan scans, and the milliseconds that PostgreSQL reports. The
exit status is 1 where a filter does without its index or reads a whole partition.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from fixtures.generate import CENTRE, generate
from loaders.city import load_city
from loaders.load import Options
from spatial.cells import format_cell, points_to_cells
from twin.registry.database import connect, embedded, migrate, url
from twin.registry.pool import API_SESSION
from twin.registry.query.pages import PageWanted, page
from twin.registry.query.sql import compiled

ROOT = Path(__file__).parent.parent / ".bench"
LON, LAT = CENTRE


@dataclass(frozen=True)
class Case:
    """A filter, and the ending of the index's name that its plan must scan."""

    name: str
    where: Mapping[str, Any]
    index: str


def square(half: float) -> dict[str, Any]:
    """A square about the city's centre, ``half`` a side in degrees, as GeoJSON."""
    west, south, east, north = LON - half, LAT - half, LON + half, LAT + half
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def cell(resolution: int) -> str:
    """The cell of the city's centre."""
    return format_cell(int(points_to_cells(np.array([LON]), np.array([LAT]), resolution)[0]))


def cases() -> list[Case]:
    """One filter of each sort, all of them about the middle of the city."""
    near = {"position": {"lon": LON, "lat": LAT}, "metres": 300}
    box = [LON, LAT, LON + 0.005, LAT + 0.005]
    pole = {"scheme": "pole_number", "value": "GY00000042"}
    return [
        Case("kinds + bbox", {"kinds": ["STREETLIGHT"], "bbox": box}, "geom_idx"),
        Case("bbox", {"bbox": box}, "geom_idx"),
        Case("within", {"within": square(0.004)}, "geom_idx"),
        Case("intersects", {"intersects": square(0.004)}, "geom_idx"),
        Case("near", {"near": near}, "geom_idx"),
        Case("cells OWN", {"cells": {"cells": [cell(8)]}}, "cell_idx"),
        Case("cells TOUCHES", {"cells": {"cells": [cell(8)], "mode": "TOUCHES"}}, "geom_idx"),
        Case("disk OWN", {"disk": {"cell": cell(9), "steps": 2}}, "cell_idx"),
        Case("disk TOUCHES", {"disk": {"cell": cell(9), "steps": 2, "mode": "TOUCHES"}}, "geom_idx"),
        Case("status", {"status": ["RETIRED"]}, "status_idx"),
        Case("division", {"division": "310115022"}, "division_idx"),
        Case("datasets", {"datasets": ["sample-vehicle"]}, "dataset_id_source_key"),
        Case("identifiers", {"identifiers": [pole]}, "identifier_"),
        Case("text", {"text": "路777号"}, "words_idx"),
        Case("attribute", {"building": {"height": {"gte": 180}}}, "asset_building_1_height"),
        Case("and, not", {"and": [{"bbox": box}, {"not": {"kinds": ["ROAD"]}}]}, "geom_idx"),
    ]  # fmt: skip


def prepare(assets: int) -> None:
    """Generate and load the city, unless a city of this size is there, perhaps from an earlier version."""
    os.environ.pop("TWIN_DATABASE_URL", None)
    os.environ["TWIN_HOME"] = str(ROOT / f"home-{assets}")
    migrate(url())
    with connect() as connection:
        row = connection.execute("SELECT count(*) FROM twin.load").fetchone()
    if row == (0,):
        generate(assets, ROOT / f"city-{assets}")
        for receipt in load_city(ROOT / f"city-{assets}", Options()):
            print(f"loaded {receipt.source}: {receipt.new}", flush=True)


def measure(connection: psycopg.Connection[Any], case: Case) -> tuple[int, list[str], float, bool]:
    """Rows counted, indexes scanned, milliseconds, and whether a partition of assets was read whole."""
    text, arguments = compiled(page(PageWanted(case.where, rows=False, total=True), 100).statement)
    counted = connection.execute(text, arguments).fetchone()
    explained = connection.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + text, arguments).fetchone()
    if counted is None or explained is None:
        raise RuntimeError(case.name)
    plan = explained[0][0]
    nodes = [node for node in walk(plan["Plan"]) if node.get("Actual Loops")]
    indexes = sorted({str(node["Index Name"]) for node in nodes if "Index Name" in node})
    whole = any(
        node["Node Type"] == "Seq Scan" and str(node.get("Relation Name", "")).startswith("asset")
        for node in nodes
    )
    return int(counted[0]), indexes, float(plan["Execution Time"]), whole


def walk(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A plan's node and all below it."""
    yield node
    for child in node.get("Plans", []):
        yield from walk(child)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assets", type=int, default=1_000_000)
    prepare(parser.parse_args().assets)
    try:
        return report()
    finally:
        server = embedded()
        if server is not None:
            server.stop()


def report() -> int:
    """Print a line for each filter; gives 1 where one falls short, else 0."""
    short = 0
    with connect("api", autocommit=True) as connection:
        for name, value in API_SESSION.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        print(f"{'filter':14} {'rows':>8} {'ms':>8}  indexes")
        for case in cases():
            rows, indexes, milliseconds, whole = measure(connection, case)
            good = not whole and any(case.index in name for name in indexes)
            short += not good
            shown = ", ".join(indexes[:3]) + (f" and {len(indexes) - 3} more" if len(indexes) > 3 else "")
            verdict = "ok" if good else f"SHORT of {case.index}"
            print(f"{case.name:14} {rows:8} {milliseconds:8.2f}  {shown} {verdict}")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
