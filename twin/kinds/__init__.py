"""Kinds of assets, one file each, discovered: those beside this file and those of ``TWIN_KINDS_PATH``.

``TWIN_KINDS_PATH`` names folders, separated as in ``PATH``; every ``.py`` in them defines ``KIND``, a
``twin.kinds.model.Kind``. A file that is called like a shipped one replaces it, so that a city changes what
differs there; of several folders the last wins. Files whose names begin with ``_`` are left alone.
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

from twin.kinds.errors import KindInvalid, UnknownKind
from twin.kinds.model import Kind
from twin.kinds.validation import problems, shared_problems

__all__ = ["Kind", "KindInvalid", "UnknownKind", "all_kinds", "kind"]


def all_kinds() -> Mapping[str, Kind]:
    """Every kind by name, in the order of the names.

    Raises ``KindInvalid`` when a file does not describe a kind, or two of them do not go together.
    """
    return _discover(os.environ.get("TWIN_KINDS_PATH", ""))


def kind(name: str) -> Kind:
    """The kind called ``name``. Raises ``UnknownKind``, which suggests the nearest and lists all."""
    kinds = all_kinds()
    if name in kinds:
        return kinds[name]
    known = {word: k.name for k in kinds.values() for word in (k.name, k.plural, k.zh)}
    nearest = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.0)
    raise UnknownKind(kind=name, nearest=known[nearest[0]], kinds=", ".join(kinds))


@lru_cache(maxsize=8)
def _discover(path: str) -> Mapping[str, Kind]:
    found = _shipped()
    for folder in filter(None, path.split(os.pathsep)):
        if not Path(folder).is_dir():
            missing = (
                "TWIN_KINDS_PATH names it and there is no such folder",
                "TWIN_KINDS_PATH 所指目录不存在",
            )
            raise KindInvalid(file=folder, problem_en=missing[0], problem_zh=missing[1])
        for source in sorted(Path(folder).glob("*.py")):
            if not source.name.startswith("_"):
                found[source.stem] = (str(source), _kind_in(_load(source), str(source)))
    by_file = dict(sorted(found.values(), key=lambda item: item[1].name))
    for file, (en, zh) in shared_problems(by_file):
        raise KindInvalid(file=file, problem_en=en, problem_zh=zh)
    return MappingProxyType({k.name: k for k in by_file.values()})


def _shipped() -> dict[str, tuple[str, Kind]]:
    """The kinds beside this file, by file name; modules without ``KIND`` are not kinds."""
    modules = {
        m.name: importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)
    }
    return {
        name: (f"{name}.py", _kind_in(module, f"{name}.py"))
        for name, module in modules.items()
        if hasattr(module, "KIND")
    }


def _load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"twin_kinds_path.{file.stem}", file)
    if spec is None or spec.loader is None:
        raise KindInvalid(file=str(file), problem_en="it is no Python file", problem_zh="不是 Python 文件")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise KindInvalid(file=str(file), problem_en=what, problem_zh=what) from error
    return module


def _kind_in(module: ModuleType, file: str) -> Kind:
    found = getattr(module, "KIND", None)
    if not isinstance(found, Kind):
        raise KindInvalid(
            file=file, problem_en="it defines no KIND of type Kind", problem_zh="未定义 Kind 类型的 KIND"
        )
    for en, zh in problems(found):
        raise KindInvalid(file=file, problem_en=en, problem_zh=zh)
    return found
