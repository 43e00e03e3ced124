"""Reports, one file each, discovered: those beside this file and those of ``TWIN_REPORTS_PATH``.

``TWIN_REPORTS_PATH`` names folders, separated as in ``PATH``; every ``.py`` in them defines ``REPORT``, a
``twin.reports.model.Report``. A file that is called like a shipped one replaces it; of several folders the
last wins. Files whose names begin with ``_`` are left alone.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import os
import pkgutil
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType, ModuleType

from twin.reports.errors import ReportInvalid, UnknownReport
from twin.reports.model import Report, problems

__all__ = ["Report", "ReportInvalid", "UnknownReport", "all_reports", "report"]


def all_reports() -> Mapping[str, Report]:
    """Every report by name, in the order of the names.

    Raises ``ReportInvalid`` when a file does not describe a report, or two describe one of the same name.
    """
    return _discover(os.environ.get("TWIN_REPORTS_PATH", ""))


def report(name: str) -> Report:
    """The report called ``name``. Raises ``UnknownReport``, which suggests the nearest and lists all."""
    reports = all_reports()
    if name in reports:
        return reports[name]
    known = {word: r.name for r in reports.values() for word in (r.name, r.en.lower(), r.zh)}
    nearest = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.0)
    raise UnknownReport(report=name, nearest=known[nearest[0]], reports=", ".join(reports))


@lru_cache(maxsize=8)
def _discover(path: str) -> Mapping[str, Report]:
    found = _shipped()
    for folder in filter(None, path.split(os.pathsep)):
        if not Path(folder).is_dir():
            raise ReportInvalid(
                file=folder,
                problem_en="TWIN_REPORTS_PATH names it and there is no such folder",
                problem_zh="TWIN_REPORTS_PATH 所指目录不存在",
            )
        for source in sorted(Path(folder).glob("*.py")):
            if not source.name.startswith("_"):
                found[source.stem] = (str(source), _report_in(_load(source), str(source)))
    return MappingProxyType(_by_name(found))


def _by_name(found: Mapping[str, tuple[str, Report]]) -> dict[str, Report]:
    files: dict[str, str] = {}
    for file, one in found.values():
        other = files.setdefault(one.name, file)
        if other != file:
            problem = f"the name {one.name} is also that in {other}", f"名称 {one.name} 已见于 {other}"
            raise ReportInvalid(file=file, problem_en=problem[0], problem_zh=problem[1])
    return {one.name: one for _, one in sorted(found.values(), key=lambda item: item[1].name)}


def _shipped() -> dict[str, tuple[str, Report]]:
    """The reports beside this file, by file name; modules without ``REPORT`` are not reports."""
    modules = {
        m.name: importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)
    }
    return {
        name: (f"{name}.py", _report_in(module, f"{name}.py"))
        for name, module in modules.items()
        if hasattr(module, "REPORT")
    }


def _load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"twin_reports_path.{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ReportInvalid(file=str(file), problem_en="it is no Python file", problem_zh="不是 Python 文件")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise ReportInvalid(file=str(file), problem_en=what, problem_zh=what) from error
    return module


def _report_in(module: ModuleType, file: str) -> Report:
    found = getattr(module, "REPORT", None)
    if not isinstance(found, Report):
        raise ReportInvalid(
            file=file,
            problem_en="it defines no REPORT of type Report",
            problem_zh="未定义 Report 类型的 REPORT",
        )
    for en, zh in problems(found):
        raise ReportInvalid(file=file, problem_en=en, problem_zh=zh)
    return found
