"""What was measured, round by round, and the bars that come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from benchmarks.api.wrk import Load

US, EXECUTOR, POSTGRAPHILE, FLOOR, TIPG = "twin", "twin, planner off", "PostGraphile", "floor", "tipg"
CITY, GIST = "cells of the city, resolution 7", "the same by a GiST join"
SMALL = "lookup among 100,000"
LARGE = "lookup"
FIRST_PAGE, DEEP_PAGE = "page 1 by {}", "page {:,} by {}"


@dataclass(slots=True)
class Results:
    """Loads by question and who answered, and milliseconds by what was asked alone, one each a round.

    ``pages`` are the orders with the names of their first and deep page.
    """

    assets: int
    rounds: int
    seconds: int
    versions: list[str] = field(default_factory=list)
    loads: dict[tuple[str, str], list[Load]] = field(default_factory=dict)
    alone: dict[str, list[float]] = field(default_factory=dict)
    pages: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, question: str, who: str, load: Load) -> None:
        """One round's load."""
        self.loads.setdefault((question, who), []).append(load)

    def add_alone(self, what: str, milliseconds: float) -> None:
        """One round's time of what nobody asked beside it."""
        self.alone.setdefault(what, []).append(milliseconds)

    def bars(self) -> dict[str, float]:
        """What was measured for each of ``BARS``: medians of the rounds' ratios."""
        found: dict[str, float | None] = {}
        for question in ("lookup", "list100", "list1000", "nested50", "nearest20", "cells500"):
            found[f"{question}_vs_postgraphile"] = self._ratio(question, US, POSTGRAPHILE)
        for question in ("list100", "list1000"):
            found[f"{question}_vs_floor"] = self._ratio(question, US, FLOOR)
        found["list100_vs_tipg"] = self._ratio("list100", US, TIPG)
        found["executor_list1000_vs_postgraphile"] = self._ratio("list1000", EXECUTOR, POSTGRAPHILE)
        for question in ("lookup", "list100"):
            p99 = self._ratio(question, US, POSTGRAPHILE, lambda load: load.p99)
            found[f"{question}_p99_vs_postgraphile"] = p99
        pages = [self._times(deep, first) for first, deep in self.pages.values()]
        found["page10000_vs_page1_ms"] = max((one for one in pages if one), default=None)
        found["cells_city_res7_rollup_vs_gist"] = self._times(GIST, CITY)
        found["lookup_10m_vs_0.1m_ms"] = self._times(LARGE, SMALL)
        return {name: value for name, value in found.items() if value is not None}

    def _ratio(
        self, question: str, who: str, other: str, of: Callable[[Load], float] = lambda load: load.rate
    ) -> float | None:
        return _median_ratio(
            [of(load) for load in self.loads.get((question, who), ())],
            [of(load) for load in self.loads.get((question, other), ())],
        )

    def _times(self, what: str, other: str) -> float | None:
        return _median_ratio(self.alone.get(what, []), self.alone.get(other, []))


def _median_ratio(ones: list[float], others: list[float]) -> float | None:
    """The median of what the rounds' ratios are; None where there is no round with both."""
    ratios = [one / other for one, other in zip(ones, others, strict=False)]
    return median(ratios) if ratios else None
