"""Trusted operations: documents by name, in ``graphql/operations`` and in the package once installed."""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path

from twin.errors import TwinError

_HERE = Path(__file__).parent
FOLDER = next((f for f in (_HERE / "operations", _HERE.parent / "operations") if f.is_dir()), _HERE)


class UnknownOperation(TwinError):
    """No trusted operation has that name."""

    code = "operation.unknown"
    en = "There is no operation {name}; did you mean {nearest}? There are: {known}."
    zh = "没有操作 {name}；是否指 {nearest}？可用的有：{known}。"


@cache
def operations() -> dict[str, str]:
    """Every trusted document by its name."""
    return {file.stem: file.read_text(encoding="utf-8") for file in sorted(FOLDER.glob("*.graphql"))}


def operation(name: str) -> str:
    """The document called ``name``. Raises ``UnknownOperation``."""
    known = operations()
    if name not in known:
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        raise UnknownOperation(name=name, nearest="".join(nearest), known=", ".join(known))
    return known[name]
