"""``docs/performance.md``: a page of parts, each written by the benchmark that measures it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path


def write_part(page: Path, part: str) -> None:
    """Put a part, which begins with ``# `` and its heading, in the place of that with the same, else last."""
    written = page.read_text(encoding="utf-8") if page.exists() else ""
    parts = [one for one in re.split(r"^(?=# )", written, flags=re.MULTILINE) if one.strip()]
    heading = _heading(part)
    known = [_heading(one) for one in parts]
    if heading in known:
        parts[known.index(heading)] = part
    else:
        parts.append(part)
    page.write_text("\n".join(one.strip("\n") + "\n" for one in parts), encoding="utf-8")


def _heading(part: str) -> str:
    return part.lstrip().partition("\n")[0]


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)
