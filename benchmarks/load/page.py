"""What was measured as a page for people, a part of ``docs/performance.md``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from benchmarks.page import table

HEAD = """# Performance of loading

Written by `make bench-load`, which measures it anew on the machine where it runs: medians of {rounds} \
interleaved rounds, {assets:,} assets a file unless a table says otherwise. Seconds by the wall clock, from \
the start of the command to a table that is analysed and checkpointed.

{versions}

Everybody loads the same FlatGeobuf file of the invented city (`python -m fixtures.generate`; shp2pgsql a \
shapefile of the same rows) into the same embedded PostgreSQL with the same settings. Buildings are concave \
and convex polygons, some with a courtyard.

- **twin load** ends in the registry's full state: every row checked, with its code and check digit, \
division, H3 cell, hash and identifiers; primary key, unique keys, GiST and cell indexes; the load's record; \
ANALYZE. Starting Python is part of it. A first load is seen from then on, and goes on to build what only \
makes reading faster: its further indexes (division, status, parent, the kind's attributes, identifiers by \
asset), timed apart as the text index is. Reloads pay for all of them, as they are there then; \
with the text index they are shown, too, and the load that changes half of all rows is done once.
- **ogr2ogr** as it comes; **ogr2ogr_tuned** makes the GiST index when all rows are there \
(`SPATIAL_INDEX=NONE`). Both end in a table with a primary key and GiST.
- **ogr2ogr_sql** goes on, from an unlogged table, to the same full state by SQL; the benchmark compares \
all rows and indexes with ours. It checks no row, and drops the identifiers' indexes while it fills them. \
Debian has no h3 extension for PostgreSQL, so a script reads the points out, computes the cells as we do and \
copies them back.
- **shp2pgsql** `-D -I`.
- **PostgreSQL** by itself copies the same rows, laid out beforehand, by one connection for each table, and \
indexes and analyses them as a load does. A load does more: it reads, checks, finds divisions and cells, \
issues codes, counts roll-ups, and shows everything at once.

Growth is shown in multiples of the rows of a file; "growth 1 into 10" loads as many rows of another dataset \
into a registry that holds ten times as many, without the text index and, once, with it.

Peak memory is that of the `twin load` process; the server's is not in it.
"""


@dataclass(slots=True)
class Results:
    """Everything measured. ``seconds`` by what was loaded and by whom, one a round; ``peaks`` in MB by what
    was loaded; ``stages`` and ``server`` seconds by input and stage; ``rows`` of files other than ``assets``.
    """

    assets: int
    rounds: int
    versions: list[str] = field(default_factory=list)
    seconds: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    peaks: dict[str, float] = field(default_factory=dict)
    stages: dict[str, dict[str, float]] = field(default_factory=dict)
    server: dict[str, dict[str, float]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def add(self, what: str, who: str, seconds: float, peak: float = 0.0) -> None:
        """One measurement."""
        self.seconds.setdefault((what, who), []).append(seconds)
        self.peaks[what] = max(self.peaks.get(what, 0.0), peak)

    def median(self, what: str, who: str = "twin") -> float | None:
        """The median of a measurement, None where there was none."""
        found = self.seconds.get((what, who))
        return median(found) if found else None

    def bars(self) -> dict[str, float]:
        """What was measured for each of ``BARS``."""
        found: dict[str, float] = {}
        for (what, who), _ in self.seconds.items():
            if what in ("buildings", "lamps") and who != "twin":
                _put(found, f"first_{what}_vs_{who}", self.median(what, who), self.median(what))
        ratios = [
            first / again
            for what in ("buildings", "lamps")
            if (first := self.median(what)) and (again := self.median(f"{what}, 1 % changed"))
        ]
        if ratios:
            found["reload_1pct_vs_first"] = min(ratios)
        _put(found, "rate_into_10m_vs_empty", self.median("growth 1"), self.median(INTO_FULL))
        if any(self.peaks.values()):
            found["peak_memory_mb"] = max(self.peaks.values())
        return found


INTO_FULL = "growth 1 into 10"


def _put(found: dict[str, float], name: str, over: float | None, under: float | None) -> None:
    if over and under:
        found[name] = over / under


def page(results: Results, bar_lines: Iterable[str]) -> str:
    """The whole page in Markdown."""
    versions = "\n".join(f"- {line}" for line in results.versions)
    parts = [HEAD.format(rounds=results.rounds, assets=results.assets, versions=versions)]
    if results.rounds < 5 or results.assets < 1_000_000:
        parts.append("**A small run: its numbers show that it works, and nothing else.**\n")
    parts.append("## Required\n\n```\n" + "\n".join(bar_lines) + "\n```\n")
    parts.append("## Loads\n\n" + _loads(results))
    for name, stages in results.stages.items():
        total = sum(stages.values())
        rows = [(stage, f"{taken:.2f}", f"{taken / total:.0%}") for stage, taken in stages.items()]
        parts.append(f"## Where the time of a first load goes: {name}\n\n{table(('stage', 's', ''), rows)}")
        told = [
            (text, f"{taken:.2f}") for text, taken in results.server[name].items() if taken / total >= 0.01
        ]
        parts.append(
            "The server's part of it, by statement and by index, as its log tells; while it copies it also "
            "waits for rows.\n\n" + table(("statement or index", "s"), told)
        )
    return "\n".join(parts)


def _loads(results: Results) -> str:
    rows = []
    for (what, who), taken in results.seconds.items():
        count = results.rows.get(what, results.assets)
        middle = median(taken)
        peak = results.peaks.get(what) if who == "twin" else None
        rows.append((
            what, who, f"{count:,}", f"{middle:.2f}", f"{min(taken):.2f} to {max(taken):.2f}",
            f"{count / middle:,.0f}", f"{peak:.0f}" if peak else "",
        ))  # fmt: skip
    return table(("what", "who", "rows", "median s", "from, to", "rows/s", "peak MB"), rows)
