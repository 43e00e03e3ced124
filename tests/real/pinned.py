"""What is pinned of the real cities: receipts, control points, and the table that the docs show of both.

``TWIN_RENEW=1 pytest tests/real/test_real_cities.py`` writes them anew; look at what Git says has changed.
"""

from __future__ import annotations

import difflib
import json
import os
from pathlib import Path
from typing import Any

from loaders.load import Receipt
from tests.real.cities import DATA_SETS, HERE, DataSet

RENEW = bool(os.environ.get("TWIN_RENEW"))
CONTROL_POINTS = HERE / "control_points.json"
PAGE = HERE.parent.parent / "docs" / "real-cities.md"
_BEGIN, _END = "<!-- receipts: begin -->", "<!-- receipts: end -->"


def facts(receipt: Receipt) -> dict[str, Any]:
    """What is pinned of a receipt."""
    said = receipt.as_json()
    names = (
        "read",
        "new",
        "changed",
        "same",
        "rejected",
        "format",
        "layer",
        "encoding",
        "key",
        "crs",
        "operation",
    )
    return {
        **{name: said[name] for name in names},
        "accuracy": said["accuracy"],
        "mapping": said["mapping"],
        "notes": sorted(receipt.notes),
        "parents_by_place": receipt.parents_by_place,
        "reasons": said["reasons"],
        "warning_reasons": said["warning_reasons"],
    }


def written(value: object) -> str:
    """JSON as it lies in the files."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def compare(path: Path, found: str) -> None:
    """Fail with the difference between a file and what it should hold, or write it where that is wanted."""
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    if found == before:
        return
    lines = difflib.unified_diff(before.splitlines(), found.splitlines(), "pinned", "found", lineterm="")
    difference = f"{path.name}\n" + "\n".join(lines)
    if RENEW:
        path.write_text(found, encoding="utf-8")
        print(difference)
        return
    raise AssertionError(
        f"{difference}\nIf that is right: TWIN_RENEW=1 pytest tests/real/test_real_cities.py"
    )


def page() -> str:
    """The page of the docs with the table as the pinned figures give it."""
    text = PAGE.read_text(encoding="utf-8")
    head, rest = text.split(_BEGIN)
    _, tail = rest.split(_END)
    return f"{head}{_BEGIN}\n{_table()}\n{_END}{tail}"


def _table() -> str:
    errors = json.loads(CONTROL_POINTS.read_text(encoding="utf-8"))
    heading = (
        "| data set | kind | from | read | new | changed | same | rejected | warnings "
        "| measured against | stated, m | largest, m | mean, m |"
    )
    rule = "|---|---|---|" + "---:|" * 6 + "---|" + "---:|" * 3
    return "\n".join([heading, rule, *(_line(one, errors[one.name]) for one in DATA_SETS.values())])


def _line(one: DataSet, error: dict[str, Any]) -> str:
    pinned = json.loads(one.receipt.read_text(encoding="utf-8"))
    counts = [f"{pinned[name]:,}" for name in ("read", "new", "changed", "same", "rejected")]
    warnings = f"{sum(pinned['warning_reasons'].values()):,}"
    name = f"[{one.name}](../tests/real/mappings/{one.mapping.name})" if one.mapping else one.name
    figures = [error["control"], *(f"{error[part]:.3f}" for part in ("stated", "largest", "mean"))]
    return f"| {' | '.join([name, one.kind, one.thanks, *counts, warnings, *figures])} |"
