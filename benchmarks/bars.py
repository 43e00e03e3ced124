"""What is required of a benchmark's measurements, and how a line says whether it is met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """A measurement's name and what it must reach; where ``most`` is set, what it must not exceed."""

    name: str
    required: float
    most: bool = False
    digits: int = 2

    def holds(self, measured: float) -> bool:
        """Whether the measurement, as it is printed, is good enough."""
        shown = float(self._shown(measured))
        return shown <= self.required if self.most else shown >= self.required

    def line(self, measured: float) -> str:
        """``bar NAME MEASURED >= REQUIRED ok|short``."""
        relation, verdict = "<=" if self.most else ">=", "ok" if self.holds(measured) else "short"
        return f"bar {self.name} {self._shown(measured)} {relation} {self._shown(self.required)} {verdict}"

    def _shown(self, value: float) -> str:
        return f"{value:.{self.digits}f}"


@dataclass(frozen=True, slots=True)
class Bars:
    """All that is required of a benchmark, in the order in which it is shown."""

    required: Sequence[Bar]

    def lines(self, measured: Mapping[str, float]) -> list[str]:
        """A line for each bar that was measured."""
        return [bar.line(measured[bar.name]) for bar in self.required if bar.name in measured]

    def short(self, measured: Mapping[str, float]) -> list[str]:
        """The names of the bars that were measured and are not met."""
        return [
            bar.name for bar in self.required if bar.name in measured and not bar.holds(measured[bar.name])
        ]

    def unmeasured(self, measured: Mapping[str, float]) -> list[str]:
        """The names of the bars that nothing was measured for."""
        return [bar.name for bar in self.required if bar.name not in measured]
