"""What only the registry can decide about copied rows: codes, identifiers, parents, what is the same.

Runs within the transaction that merges, under the kind's lock, and in a dry run as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely
from psycopg import sql

from loaders.coding import Coder, Group
from loaders.findings import Finding
from loaders.job import HASH, Job
from loaders.links import count_links, keep_fields, link_suspects
from loaders.modes import RETIRING
from loaders.retire import settle_retired
from spatial.arrays import BoolArray, GeometryArray, Int64Array
from spatial.geometry import from_wkb
from twin.registry.partitions import lock_kind

TOLERANCE = 1e-8
"""Degrees, about a millimetre, by which a geometry may differ and be the same: what formats round away."""
NEAR = 5
"""Metres by which two departments' positions of one thing may differ: what GNSS on a phone is good for."""
_FETCH = 10_000


def settle(job: Job) -> list[str]:
    """Take from the staging tables what is rejected or would change nothing; count the rest.

    Gives the codes that rejected rows had got, which no asset will bear. Raises ``RetiresTooMany``.
    """
    lock_kind(job.connection, job.kind)
    if job.options.mode in RETIRING:
        settle_retired(job)
    unused = _ask_registry(job)
    with job.whole_tables():
        unused.extend(_judge_rows(job))
    count_links(job)
    _drop_same(job)
    _count(job)
    take_findings(job)
    return unused


def _ask_registry(job: Job) -> list[str]:
    """Note beside the copied rows what is registered of them, so that they can be judged among themselves.

    Gives the codes of rows that turned out to be other datasets' assets.
    """
    job.run("registered_codes")
    job.run("linked_codes")
    job.stage.analyze()
    job.run("find_bearers")
    job.run("note_taken_codes")
    unused = _settle_suspects(job)
    job.run("find_borne")
    if job.brought.parents:
        job.run("resolve_parents")
    if job.brought.by_place:
        job.run("keep_parents")
        job.run("place_parents")
    job.stage.analyze()
    keep_fields(job)
    return unused


def _settle_suspects(job: Job) -> list[str]:
    """Note or link the new rows that seem to be assets of other datasets, where these have any of the kind.

    Gives the codes that the linked rows had got.
    """
    if not job.number("other_datasets"):
        return []
    rejected, linking = (job.options.on_suspect == what for what in ("reject", "link"))
    if linking:
        job.run("note_certain")
    note_suspects(job, rejected=rejected)
    return link_suspects(job) if linking else []


def note_suspects(job: Job, by: str = "row_number", *, rejected: bool, **tables: sql.Composable) -> None:
    """Note which new rows seem to be assets of other datasets.

    ``tables`` may stand for the staging tables of rows and identifiers, which are joined ``by`` that column.
    """
    near = sql.Literal(NEAR)
    job.run("alike", near=near, by=sql.Identifier(by), **tables)
    job.connection.execute("ANALYZE alike")
    job.run("note_suspects", {"rejected": rejected}, near=near, **tables)


def _judge_rows(job: Job) -> Iterator[str]:
    """Reject rows and note warnings, by the staging tables alone; gives codes that nobody needs now."""
    given_up = _given_up(job)
    if job.options.mode == "insert":
        job.run("note_registered")
    yield from _drop_rejected(job)
    job.run("note_doubled_codes")
    yield from _drop_rejected(job)
    # A row that is out keeps what it would have given up: so until no more fall.
    while job.run("note_identifiers", given_up=given_up):
        yield from _drop_rejected(job)
    job.run("note_shared_identifiers", given_up=given_up)
    job.run("drop_shared_identifiers")
    job.run("note_other_codes")
    job.run("note_unknown_parents")
    job.run("drop_suspects")
    job.run("name_findings")
    job.run("mark_other_identifiers")


def _given_up(job: Job) -> sql.Composed:
    """The statement that gives the identifiers which assets bear now and no longer will."""
    names = ["given_up", "given_up_retired"] if job.receipt.retired else ["given_up"]
    return sql.SQL("UNION ALL\n").join(map(job.stage.composed, names))


def _drop_rejected(job: Job) -> Iterator[str]:
    rows = job.connection.execute(job.stage.composed("drop_rejected")).fetchall()
    return (str(code) for (code,) in rows)


def number_rest(job: Job, coder: Coder) -> None:
    """Give codes to new rows that came without one in a file that brings codes. Commits by itself."""
    if coder.at_once or not coder.reserving:
        return
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
    unchanged = _unchanged(job)
    job.receipt.same += job.number("drop_same", hash=HASH, unchanged=unchanged)
    if not job.brought.places:
        return
    alike: list[int] = []
    with job.connection.cursor(name="nearly_same", binary=True) as cursor:
        cursor.execute(job.stage.composed("nearly_same", unchanged=unchanged), job.facts)
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
    receipt = job.receipt
    new, changed, by_place = map(int, row) if row else (0, 0, 0)
    receipt.new += new
    receipt.changed += changed
    receipt.parents_by_place += by_place
    if job.options.mode == "delta":
        receipt.changed += receipt.retired


def take_findings(job: Job) -> None:
    """Bring what was found into the receipt."""
    for rejected, findings in ((True, job.receipt.rejections), (False, job.receipt.warnings)):
        parameters = {"rejected": rejected, "room": findings.wanted()}
        told: Counter[str] = Counter()
        with job.connection.cursor(name="findings") as cursor:
            cursor.execute(job.stage.composed("findings"), parameters)
            while rows := cursor.fetchmany(_FETCH):
                findings.add(*map(_as_finding, rows))
                told.update(row[1] for row in rows)
        for reason, number in job.connection.execute(job.stage.composed("finding_counts"), parameters):
            findings.count(reason, number - told[reason])


def _as_finding(row: tuple[Any, ...]) -> Finding:
    number, reason, key, field, value, fact = row
    return Finding(number, field, value, reason, {"other": fact or "", "first": fact or ""}, key)
