"""A receipt in words, for its page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from loaders.notes import NOTES
from twin.errors import Language
from twin.web.identity_file import kind_label
from twin.web.texts import texts

SHOWN = 100
"""Findings on a page; all of a thousand that are kept stand in the receipt's JSON."""
COUNTS = {
    "read": "count_read",
    "new": "count_new",
    "changed": "count_changed",
    "same": "count_same",
    "rejected": "count_rejected",
}


def receipt_view(receipt: Mapping[str, Any], lang: Language) -> dict[str, Any]:
    """A receipt's counts, facts and findings as ``_receipt.html`` shows them."""
    say = texts(lang)
    return {
        "title": receipt["dataset"],
        "kind": kind_label(receipt["kind"], lang),
        "counts": [(say[text], receipt[name]) for name, text in COUNTS.items()],
        "facts": list(_facts(receipt, lang)),
        "notes": [NOTES[note][lang == "zh"] for note in receipt["notes"] if note in NOTES],
        "findings": [
            _findings(say["rejected_rows"], receipt["reasons"], receipt["rejections"]),
            _findings(say["warnings"], receipt["warning_reasons"], receipt["warnings"]),
        ],
    }


def _facts(receipt: Mapping[str, Any], lang: Language) -> Iterator[tuple[str, str]]:
    say = texts(lang)
    if receipt["load"] is not None:
        yield say["load"], str(receipt["load"])
    yield say["file"], receipt["source"]
    yield say["kind"], kind_label(receipt["kind"], lang)
    for name, value in (
        ("layer", receipt["layer"]),
        ("crs", receipt["crs"] and f"{receipt['crs']} ({receipt['operation']})"),
        ("encoding", receipt["encoding"]),
        ("source_key", receipt["key"]),
        ("unused_columns", say["comma"].join(receipt["unmapped"])),
        ("by_place", receipt["parents_by_place"] and f"{receipt['parents_by_place']:,}"),
        ("retired_assets", receipt.get("retired") and f"{receipt['retired']:,}"),
    ):
        if value:
            yield say[name], str(value)


def _findings(title: str, reasons: Mapping[str, int], kept: list[Mapping[str, Any]]) -> dict[str, Any]:
    total = sum(reasons.values())
    return {"title": title, "total": total, "reasons": reasons, "rows": kept[:SHOWN], "shown": SHOWN}
