"""Kinds of assets, one file each, discovered: those beside this file and those of ``TWIN_KINDS_PATH``.

``TWIN_KINDS_PATH`` names folders, separated as in ``PATH``; every ``.py`` in them defines ``KIND``, a
``twin.kinds.model.Kind``. A file that is called like a shipped one replaces it, so that a city changes what
differs there; of several folders the last wins. Files whose names begin with ``_`` are left alone.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from twin.discovery import Room
from twin.kinds.errors import KindInvalid, UnknownKind
from twin.kinds.model import Kind
from twin.kinds.validation import problems, shared_problems

__all__ = ["Kind", "KindInvalid", "UnknownKind", "all_kinds", "kind"]

_ROOM = Room(__name__, "KIND", Kind, "TWIN_KINDS_PATH", KindInvalid, problems)


def all_kinds() -> Mapping[str, Kind]:
    """Every kind by name, in the order of the names.

    Raises ``KindInvalid`` when a file does not describe a kind, or two of them do not go together.
    """
    return _discover(_ROOM.folders())


def kind(name: str) -> Kind:
    """The kind called ``name``. Raises ``UnknownKind``, which suggests the nearest and lists all."""
    kinds = all_kinds()
    if name in kinds:
        return kinds[name]
    known = {word: k.name for k in kinds.values() for word in (k.name, k.plural, k.zh)}
    nearest = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.0)
    raise UnknownKind(kind=name, nearest=known[nearest[0]], kinds=", ".join(kinds))


@lru_cache(maxsize=8)
def _discover(folders: str) -> Mapping[str, Kind]:
    by_file = dict(sorted(_ROOM.found(folders), key=lambda item: item[1].name))
    for file, (en, zh) in shared_problems(by_file):
        raise KindInvalid(file=file, problem_en=en, problem_zh=zh)
    return MappingProxyType({k.name: k for k in by_file.values()})
