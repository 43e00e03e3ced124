"""The whole city counted by cell: by our API, and by joining assets with the cells' hexagons over GiST."""

from __future__ import annotations

import json
import time

import shapely

from benchmarks.api.peers import Peer, graphql
from benchmarks.lab import REGISTRY, Lab
from spatial.cells import boundary, parse_cell

RESOLUTION = 7
_DOCUMENT = "query ($resolution: Int!) { cells(resolution: $resolution) { cell count } }"
_JOIN = """
SELECT c.cell, count(*)
FROM unnest(%s::bigint[], %s::bytea[]) AS c (cell, boundary)
JOIN twin.asset a ON st_intersects(a.geom, st_geomfromwkb(c.boundary, 4326))
GROUP BY c.cell
"""
_ALIKE = 0.1
"""The share by which sums may differ: what crosses an edge meets two hexagons."""


class CountsDiffer(Exception):
    """The two count something else."""


def by_api(peer: Peer) -> tuple[float, dict[int, int]]:
    """Milliseconds from the request to the answer, and the counts by cell. Raises ``ServerFailed``."""
    request = graphql(_DOCUMENT, {"resolution": RESOLUTION})
    start = time.perf_counter()
    body = peer.answer(request)
    taken = (time.perf_counter() - start) * 1e3
    return taken, {parse_cell(each["cell"]): each["count"] for each in json.loads(body)["data"]["cells"]}


def by_gist(lab: Lab, counts: dict[int, int]) -> float:
    """Milliseconds of the join over the same cells. Raises ``CountsDiffer`` where its sum is not near."""
    hexagons = [shapely.to_wkb(boundary(cell)) for cell in counts]
    with lab.connection(REGISTRY) as connection:
        connection.execute("SET max_parallel_workers_per_gather = 0")
        start = time.perf_counter()
        joined = dict(connection.execute(_JOIN, [list(counts), hexagons]).fetchall())
        taken = (time.perf_counter() - start) * 1e3
    ours, theirs = sum(counts.values()), sum(joined.values())
    if abs(ours - theirs) > _ALIKE * theirs:
        raise CountsDiffer(f"{ours} assets by cell, {theirs} by GiST")
    return taken
