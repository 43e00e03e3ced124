"""``twin load`` as a user runs it, in a process of its own, and where its time goes."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path
from typing import Any

from benchmarks.lab import EMPTY, PEER, REGISTRY, TEXT_INDEX, CommandFailed, Lab

LOGGED = {
    "log_min_duration_statement": "0",
    "log_min_messages": "debug1",
    "log_line_prefix": "%m [%p] ",
    "log_parameter_max_length": "0",
}
"""Settings under which the server tells how long each statement took and when each index was begun."""

FURTHER = "further indexes"
"""The stage of a receipt that begins when the full state is reached and seen."""

FULL_STATE_INDEX = "UNIQUE|gist|[(]cell[)]"
"""What the definitions of the indexes match that a load has to end with."""

_RECORD = re.compile(r"^(\S+ \S+) UTC \[(\d+)\] (LOG|DEBUG):  (.*)$")
_DURATION = re.compile(
    r"duration: ([0-9.]+) ms  (?:statement|parse .*?|bind .*?|execute .*?): ?(.*)", re.DOTALL
)
_INDEX = re.compile(r'building index "([^"]+)" on table')


class StateDiffers(Exception):
    """What our load and the competitor's SQL ended in is not the same, so their times say nothing."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A load's seconds, with a checkpoint, and those of its further indexes; its peak in MB, its receipt."""

    seconds: float
    further: float
    peak: float
    receipt: Mapping[str, Any]


def first_load(lab: Lab, file: Path, kind: str, dataset: str) -> Loaded:
    """Into an empty registry."""
    lab.copy_database(EMPTY, REGISTRY)
    return load(lab, file, kind, dataset)


def load(lab: Lab, file: Path, kind: str, dataset: str) -> Loaded:
    """Into the registry as it is. Raises ``CommandFailed`` where a row was rejected, too."""
    lab.settle()
    start = time.perf_counter()
    ran = lab.twin("load", str(file), "--kind", kind, "--dataset", dataset, "--json")
    lab.settle()
    receipt = json.loads(ran.printed)
    if receipt["rejected"]:
        raise CommandFailed(f"{file.name}: {receipt['rejected']} rows were rejected")
    further = receipt["seconds"].pop(FURTHER, 0.0)
    return Loaded(time.perf_counter() - start - further, further, ran.peak, receipt)


def build_text_index(lab: Lab) -> float:
    """Seconds that the text index takes which the loads before did without."""
    start = time.perf_counter()
    with lab.connection(REGISTRY) as connection:
        connection.execute(TEXT_INDEX)
    return time.perf_counter() - start


def require_same_state(lab: Lab, kind: str) -> None:
    """See that registry and competitor have the same rows, identifiers, indexes. Raises ``StateDiffers``."""
    for question in _STATE:
        text = question.format(kind=kind, index=FULL_STATE_INDEX)
        ours, theirs = (_answer(lab, database, text) for database in (REGISTRY, PEER))
        if ours != theirs:
            raise StateDiffers(f"{text}\nours {ours}\nthe competitor's {theirs}")


# Hashes, times, and who got which code of a division are each loader's own; so are further indexes.
_STATE = (
    """
    SELECT count(*), count(DISTINCT code), sum(hashtextextended(
        row(source_key, division, cell, issued_in, status, name, installed, attributes, words, geom)::text, 0
    ))
    FROM twin.asset_{kind}_1
    """,
    "SELECT count(*), sum(hashtextextended(row(scheme, issuer, value, kind)::text, 0)) FROM twin.identifier",
    r"""
    SELECT array_agg(definition ORDER BY definition)
    FROM (
        SELECT regexp_replace(indexdef, 'INDEX \S+', '') AS definition
        FROM pg_indexes
        WHERE schemaname = 'twin' AND tablename IN ('asset_{kind}_1', 'identifier_{kind}_1')
          AND indexdef ~ '{index}'
    ) AS named
    """,
    """
    SELECT array_agg(definition ORDER BY definition)
    FROM (
        SELECT pg_get_constraintdef(oid) AS definition
        FROM pg_constraint
        WHERE conrelid = 'twin.asset_{kind}_1'::regclass
    ) AS named
    """,
    "SELECT count(*) FROM twin.load",
)


def _answer(lab: Lab, database: str, question: str) -> Any:
    with lab.connection(database) as connection:
        return connection.execute(question.encode()).fetchone()


def tools(lab: Lab) -> str:
    """The versions of what reads files: the competitor's and ours."""
    gdal = lab.run(["ogr2ogr", "--version"]).printed.split(",")[0]
    return f"{gdal} (ogr2ogr), pyogrio {version('pyogrio')}"


def stages(loaded: Loaded) -> dict[str, float]:
    """Seconds by stage: those of the receipt, and what is outside of them."""
    known: dict[str, float] = dict(loaded.receipt["seconds"])
    return {"start, open, look at the registry, checkpoint": loaded.seconds - sum(known.values()), **known}


def server_stages(records: Iterable[str]) -> dict[str, float]:
    """Seconds that the server spent by statement, and by index, the longest first, from its log's lines.

    A statement is called by the comment that it begins with, else by its first words; an index that it builds
    is told apart from it.
    """
    spent: dict[str, float] = {}
    building: dict[int, tuple[str, datetime]] = {}
    apart: dict[int, float] = {}
    for moment, process, text in _records(records):
        index, statement = _INDEX.search(text), _DURATION.match(text)
        if process in building and (index or statement):
            name, begun = building.pop(process)
            seconds = (moment - begun).total_seconds()
            spent[name] = spent.get(name, 0.0) + seconds
            apart[process] = apart.get(process, 0.0) + seconds
        if index:
            building[process] = f"index {index[1]}", moment
        elif statement:
            name = _called(statement[2])
            own = float(statement[1]) / 1000 - apart.pop(process, 0.0)
            spent[name] = spent.get(name, 0.0) + own
    return dict(sorted(spent.items(), key=lambda item: -item[1]))


def _records(lines: Iterable[str]) -> Iterator[tuple[datetime, int, str]]:
    """Moment, process and text of each record; lines that go on one begin with a tab."""
    current: tuple[datetime, int, str] | None = None
    for line in lines:
        if found := _RECORD.match(line.rstrip("\n")):
            if current:
                yield current
            current = datetime.fromisoformat(found[1]), int(found[2]), found[4]
        elif current and line.startswith("\t"):
            current = (*current[:2], current[2] + "\n" + line.strip())
    if current:
        yield current


def _called(statement: str) -> str:
    """The first sentence of the comment that a statement begins with, else its first words."""
    lines = statement.strip().splitlines() or [""]
    comment = [line.removeprefix("--").strip() for line in takewhile(lambda one: one.startswith("--"), lines)]
    if comment:
        return re.split(r"[.:;] |[.:;]$", " ".join(comment))[0]
    return re.sub(r"load_\d+", "load_…", " ".join(lines[0].split()[:6])).split(" (")[0]
