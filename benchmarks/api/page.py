"""What was measured of the API as a part of ``docs/performance.md``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from benchmarks.api.results import US, Results
from benchmarks.page import table

HEAD = """# Performance of the API

Written by `make bench-api`, which measures it anew on the machine where it runs: {assets:,} assets of the \
invented city, loaded once by `twin load`; medians of {rounds} interleaved rounds of {seconds} s each. \
Every server is one process on one core; PostgreSQL and the load (wrk, 16 connections that are kept) share \
another. All have four connections to the database, and all answers of a question were compared before it \
was timed.

{versions}

- **lookup**: a streetlight by its code, with its division; **list100**, **list1000**: a page of \
streetlights behind a cursor, with geometry; **nested50**: 50 buildings, each with its elevators; \
**nearest20**: the 20 streetlights nearest to a position, by metres; **cells500**: how many assets each of \
some 500 H3 cells of resolution 9 holds.
- **twin** is `twin serve`. Its planner is off where the request accepts \
`application/graphql-response+json`, which Strawberry's router answers.
- **PostGraphile** reads views of the same tables as a role of its own, in production mode, with its caches \
warm; nearest20 and cells500 are SQL functions written for it, the latter over the same roll-ups.
- **floor**: a bare ASGI handler, SQL written by hand, psycopg's pool and cursors, one expression that makes \
dictionaries of rows, orjson. twin asks over lines of its own, which cost less than cursors.
- **tipg** is asked for the page by the range of its codes, so that what it counts is the page.

Ratios are those of one round, and their median is the bar. What is asked alone is asked by one connection.
"""


def page(results: Results, bar_lines: Iterable[str]) -> str:
    """The part in Markdown."""
    versions = "\n".join(f"- {line}" for line in results.versions)
    head = HEAD.format(
        assets=results.assets, rounds=results.rounds, seconds=results.seconds, versions=versions
    )
    parts = [head]
    if results.rounds < 5 or results.assets < 10_000_000:
        parts.append("**A small run: its numbers show that it works, and nothing else.**\n")
    parts.append("## Required of the API\n\n```\n" + "\n".join(bar_lines) + "\n```\n")
    parts.append("## Asked by 16 connections\n\n" + _loads(results))
    parts.append("## Asked alone\n\n" + _alone(results))
    return "\n".join(parts)


def _loads(results: Results) -> str:
    rows = []
    for (question, who), loads in results.loads.items():
        rates = [load.rate for load in loads]
        ours = results.loads.get((question, US), [])
        ratios = [one.rate / load.rate for one, load in zip(ours, loads, strict=False)] if who != US else []
        rows.append((
            question, who, f"{median(rates):,.0f}", _spread(rates, "{:,.0f}"),
            f"{median(load.p50 for load in loads):.1f}", f"{median(load.p99 for load in loads):.1f}",
            f"{median(ratios):.2f}" if ratios else "", _spread(ratios, "{:.2f}") if ratios else "",
        ))  # fmt: skip
    heads = ("question", "who", "requests/s", "from, to", "p50 ms", "p99 ms", "twin's times that", "from, to")
    return table(heads, rows)


def _alone(results: Results) -> str:
    rows = [(what, f"{median(times):.2f}", _spread(times, "{:.2f}")) for what, times in results.alone.items()]
    return table(("what", "ms", "from, to"), rows)


def _spread(values: Sequence[float], form: str) -> str:
    return f"{form.format(min(values))} to {form.format(max(values))}"
