"""What only the registry can decide about copied rows: codes, identifiers, parents, what is the same.

Runs within the transaction that merges, under the kind's lock, and in a dry run as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import shapely
from psycopg import sql

from loaders.coding import Coder, Group
from loaders.findings import Finding
from loaders.job import HASH, Job
from spatial.arrays import BoolArray, GeometryArray, Int64Array
from spatial.geometry import from_wkb
from twin.registry.partitions import lock_kind

TOLERANCE = 1e-8
"""Degrees, about a millimetre, by which a geometry may differ and be the same: what formats round away."""
_FETCH = 10_000


def settle(job: Job) -> list[str]:
    """Take from the staging tables what is rejected or would change nothing; count the rest.

    Gives the codes that rejected rows had got, which no asset will bear.
    """
    lock_kind(job.connection, job.kind)
    job.run("registered_codes")
    # Only now: a planner that takes the codes for missing joins row by row.
    job.stage.analyze()
    job.run("note_other_codes")
    job.run("reject_codes")
    while job.run("reject_identifiers"):
        pass
    job.run("drop_shared_identifiers")
    if "parent" in job.brought.columns:
        job.run("resolve_parents")
        job.run("note_unknown_parents")
    _drop_same(job)
    _count(job)
    return _take_findings(job)


def number_rest(job: Job, coder: Coder) -> None:
    """Give codes to new rows that came without one in a file that brings codes. Commits by itself."""
    rows = job.connection.execute(job.stage.composed("uncoded")).fetchall()
    places = {item.code: place for place, item in enumerate(job.kind.classes)}
    groups: dict[Group, Int64Array] = {
        (scheme, division, places[number]): np.array(numbers, dtype=np.int64)
        for scheme, division, number, numbers in rows
    }
    if groups:
        numbers, codes = coder.number(groups)
        job.run("write_codes", {"numbers": numbers, "codes": codes})


def _unchanged(job: Job) -> sql.Composable:
    """The condition that everything but geometry, attributes and identifiers is as it is registered."""
    staged = {
        "parent": sql.SQL("s.parent_code"),
        "status": sql.SQL("coalesce(s.status, 'in_service')"),
    }
    conditions = [
        sql.SQL("a.{} IS NOT DISTINCT FROM {}").format(
            sql.Identifier(name), staged.get(name, sql.Identifier("s", name))
        )
        for name in job.brought.columns
    ]
    return sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("true")


def _drop_same(job: Job) -> None:
    """Drop and count rows that would change nothing, or only the last digits of their geometry."""
    parts = {"unchanged": _unchanged(job), "other_identifiers": job.stage.composed("other_identifiers")}
    job.receipt.same += job.number("drop_same", hash=HASH, **parts)
    if not job.brought.places:
        return
    alike: list[int] = []
    with job.connection.cursor(name="nearly_same", binary=True) as cursor:
        cursor.execute(job.stage.composed("nearly_same", **parts), job.facts)
        while rows := cursor.fetchmany(_FETCH):
            numbers, registered, staged = zip(*rows, strict=True)
            equal = nearly_equal(from_wkb(registered), from_wkb(staged))
            alike.extend(np.array(numbers)[equal].tolist())
    if alike:
        job.receipt.same += job.number("drop_rows", {"numbers": alike}, hash=HASH)


def nearly_equal(ours: GeometryArray, theirs: GeometryArray) -> BoolArray:
    """Which geometries are alike, vertex by vertex, within ``TOLERANCE``; heights within a millimetre.

    Which way a polygon's rings turn says nothing of it: GeoJSON turns them by its own rule.
    """
    ours, theirs = shapely.orient_polygons(ours), shapely.orient_polygons(theirs)
    alike: BoolArray = shapely.equals_exact(ours, theirs, TOLERANCE)
    solid = shapely.has_z(ours)
    alike &= solid == shapely.has_z(theirs)
    for place in np.flatnonzero(alike & solid):
        high, low = (shapely.get_coordinates(g[place], include_z=True)[:, 2] for g in (ours, theirs))
        alike[place] = np.allclose(high, low, rtol=0.0, atol=0.001)
    return alike


def _count(job: Job) -> None:
    row = job.connection.execute(job.stage.composed("count")).fetchone()
    job.receipt.new, job.receipt.changed = (int(row[0]), int(row[1])) if row else (0, 0)


def _take_findings(job: Job) -> list[str]:
    """Bring what was found into the receipt; gives the unused codes."""
    receipt = job.receipt
    for rejected, findings in ((True, receipt.rejections), (False, receipt.warnings)):
        parameters = {"rejected": rejected, "room": findings.room()}
        shown = job.connection.execute(job.stage.composed("findings"), parameters).fetchall()
        for number, reason, field, value, fact in shown:
            findings.add(Finding(number, field, value, reason, {"other": fact or "", "first": fact or ""}))
        seen: defaultdict[str, int] = defaultdict(int)
        for row in shown:
            seen[row[1]] += 1
        counted = job.connection.execute(job.stage.composed("finding_counts"), parameters).fetchall()
        for reason, number in counted:
            findings.count(reason, number - seen[reason])
    return list(_unused_codes(job))


def _unused_codes(job: Job) -> Iterator[str]:
    rows = job.connection.execute(job.stage.composed("unused_codes")).fetchall()
    return (str(code) for (code,) in rows)
