"""What is required of the measurements, and how a line says whether it is met."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """A measurement's name and what it must reach; where ``most`` is set, what it must not exceed."""

    name: str
    required: float
    most: bool = False

    def holds(self, measured: float) -> bool:
        """Whether the measurement, as it is printed, is good enough."""
        shown = float(self._shown(measured))
        return shown <= self.required if self.most else shown >= self.required

    def line(self, measured: float) -> str:
        """``bar NAME MEASURED >= REQUIRED ok|short``."""
        relation, verdict = "<=" if self.most else ">=", "ok" if self.holds(measured) else "short"
        return f"bar {self.name} {self._shown(measured)} {relation} {self._shown(self.required)} {verdict}"

    def _shown(self, value: float) -> str:
        return f"{value:.0f}" if self.most else f"{value:.2f}"


BARS = (
    Bar("first_buildings_vs_ogr2ogr", 1.1),
    Bar("first_lamps_vs_ogr2ogr", 1.1),
    Bar("first_buildings_vs_ogr2ogr_tuned", 0.7),
    Bar("first_lamps_vs_ogr2ogr_tuned", 0.7),
    Bar("first_buildings_vs_ogr2ogr_sql", 2.0),
    Bar("first_lamps_vs_ogr2ogr_sql", 2.0),
    Bar("first_lamps_vs_shp2pgsql", 1.8),
    Bar("reload_1pct_vs_first", 2.0),
    Bar("rate_into_10m_vs_empty", 0.5),
    Bar("peak_memory_mb", 700, most=True),
)


def lines(measured: Mapping[str, float]) -> Iterable[str]:
    """A line for each bar that was measured, in the order of ``BARS``."""
    return [bar.line(measured[bar.name]) for bar in BARS if bar.name in measured]


def short(measured: Mapping[str, float]) -> list[str]:
    """The names of the bars that were measured and are not met."""
    return [bar.name for bar in BARS if bar.name in measured and not bar.holds(measured[bar.name])]


def unmeasured(measured: Mapping[str, float]) -> list[str]:
    """The names of the bars that nothing was measured for."""
    return [bar.name for bar in BARS if bar.name not in measured]
