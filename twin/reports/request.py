"""What is asked of a report, checked: which areas, which kinds, which date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Literal

from shapely.geometry.base import BaseGeometry

from twin.errors import Language
from twin.kinds import Kind, all_kinds, kind
from twin.registry.divisions import parse_level
from twin.registry.query.inputs import Given
from twin.reports.errors import KindNotReported, ParameterNotTaken, WhichAreas

if TYPE_CHECKING:
    from twin.reports.model import Report

Parameter = Literal["kinds", "on", "within"]
OPTIONAL: tuple[Parameter, ...] = ("kinds", "on", "within")
"""The parameters that a report may take; every report takes division, level and areas."""

LONGEST_AHEAD = 120
DEFAULT_AHEAD = 12

WHOLE = "*"
"""The area that is the whole registry."""
ELSEWHERE = "-"
"""The area of what lies in none of the divisions of a level."""
AREA_WORDS: Mapping[str, tuple[str, str]] = {
    WHOLE: ("Whole registry", "整个登记库"),
    ELSEWHERE: ("Elsewhere", "其他"),
}


@dataclass(frozen=True, slots=True)
class Area:
    """An area of one's own: what it is called, and its polygon or multipolygon in WGS 84 degrees."""

    name: str | None
    shape: BaseGeometry


@dataclass(frozen=True, slots=True)
class Request:
    """What a report is asked: at most one of ``division`` (with ``level`` or without) and ``areas``.

    Without either, and without ``level``, it is about the whole registry. ``kinds`` are those it is about,
    ``chosen`` whether somebody named them. ``within`` counts months.
    """

    division: str | None = None
    level: int | None = None
    areas: tuple[Area, ...] = ()
    kinds: tuple[Kind, ...] = ()
    chosen: bool = False
    on: date = field(default_factory=date.today)
    within: int = DEFAULT_AHEAD

    @property
    def kind_names(self) -> list[str]:
        """The names of the kinds."""
        return [one.name for one in self.kinds]


def request(
    report: Report,
    *,
    division: Given | None = None,
    level: Given | None = None,
    areas: Sequence[Area] = (),
    kinds: Sequence[str] = (),
    on: Given | None = None,
    within: Given | None = None,
) -> Request:
    """What is asked of ``report``; a parameter that is None counts as not given.

    ``level`` is a level's name or number as text, ``on`` an ISO date, ``within`` months from 0 to 120. Raises
    ``ParameterNotTaken``, ``KindNotReported``, ``WhichAreas``, ``UnknownLevel``, ``UnknownKind`` and the
    errors of ``twin.registry.query.errors``.
    """
    given = {"kinds": bool(kinds), "on": on is not None, "within": within is not None}
    for parameter, is_given in given.items():
        if is_given and parameter not in report.takes:
            known = ", ".join(["division", "level", "areas", *(p for p in OPTIONAL if p in report.takes)])
            raise ParameterNotTaken(report=report.name, parameter=parameter, known=known)
    if areas and (division is not None or level is not None):
        raise WhichAreas
    return Request(
        division=None if division is None else division.text(),
        level=None if level is None else parse_level(level.text()),
        areas=tuple(areas),
        kinds=_kinds(report, kinds),
        chosen=bool(kinds),
        on=date.today() if on is None else _date(on),
        within=DEFAULT_AHEAD if within is None else within.integer(0, LONGEST_AHEAD),
    )


def area_label(area: str, name: str | None, lang: Language) -> str:
    """What people call an area of a report's rows."""
    words = AREA_WORDS.get(area)
    if words is not None:
        return words[1] if lang == "zh" else words[0]
    return name or area


def reported(report: Report) -> tuple[Kind, ...]:
    """The kinds that a report is about."""
    return tuple(all_kinds().values()) if report.kinds is None else report.kinds()


def _kinds(report: Report, names: Sequence[str]) -> tuple[Kind, ...]:
    about = reported(report)
    chosen = [kind(name) for name in names]
    for one in chosen:
        if one not in about:
            raise KindNotReported(report=report.name, kind=one.name, known=", ".join(k.name for k in about))
    return tuple(one for one in about if one in chosen) if chosen else about


def _date(given: Given) -> date:
    try:
        return date.fromisoformat(given.text())
    except ValueError:
        raise given.wrong("a date such as 2026-11-24", "日期，如 2026-11-24") from None
