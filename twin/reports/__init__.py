"""Reports, one file each, discovered: those beside this file and those of ``TWIN_REPORTS_PATH``.

``TWIN_REPORTS_PATH`` names folders, separated as in ``PATH``; every ``.py`` in them defines ``REPORT``, a
``twin.reports.model.Report``. A file that is called like a shipped one replaces it; of several folders the
last wins. Files whose names begin with ``_`` are left alone.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from twin.discovery import Room
from twin.reports.errors import ReportInvalid, UnknownReport
from twin.reports.model import Report, problems

__all__ = ["Report", "ReportInvalid", "UnknownReport", "all_reports", "report"]

_ROOM = Room(__name__, "REPORT", Report, "TWIN_REPORTS_PATH", ReportInvalid, problems)


def all_reports() -> Mapping[str, Report]:
    """Every report by name, in the order of the names.

    Raises ``ReportInvalid`` when a file does not describe a report, or two describe one of the same name.
    """
    return _discover(_ROOM.folders())


def report(name: str) -> Report:
    """The report called ``name``. Raises ``UnknownReport``, which suggests the nearest and lists all."""
    reports = all_reports()
    if name in reports:
        return reports[name]
    known = {word: r.name for r in reports.values() for word in (r.name, r.en.lower(), r.zh)}
    nearest = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.0)
    raise UnknownReport(report=name, nearest=known[nearest[0]], reports=", ".join(reports))


@lru_cache(maxsize=8)
def _discover(folders: str) -> Mapping[str, Report]:
    found, files = sorted(_ROOM.found(folders), key=lambda item: item[1].name), dict[str, str]()
    for file, one in found:
        other = files.setdefault(one.name, file)
        if other != file:
            problem = f"the name {one.name} is also that in {other}", f"名称 {one.name} 已见于 {other}"
            raise ReportInvalid(file=file, problem_en=problem[0], problem_zh=problem[1])
    return MappingProxyType({one.name: one for _, one in found})
