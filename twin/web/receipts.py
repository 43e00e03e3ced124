"""A receipt in words, for its page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from loaders.notes import NOTES
from loaders.reasons import text as words_of
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
UNDO_COUNTS = {
    "read": "count_touched",
    "changed": "count_given_back",
    "retired": "count_retired",
    "rejected": "count_stay",
}


def receipt_view(receipt: Mapping[str, Any], lang: Language) -> dict[str, Any]:
    """A receipt as it was kept, in ``lang``: counts, facts and findings as ``_receipt.html`` shows them."""
    say, undoes = texts(lang), receipt.get("undoes")
    rejected = "rejected_rows" if undoes is None else "count_stay"
    return {
        "title": receipt["dataset"],
        "kind": kind_label(receipt["kind"], lang),
        "unchanged": _unchanged(receipt, say) if undoes is None else None,
        "counts": [
            (say[text], receipt[name]) for name, text in (COUNTS if undoes is None else UNDO_COUNTS).items()
        ],
        "facts": list(_facts(receipt, lang)),
        "notes": [NOTES[note][lang == "zh"] for note in receipt["notes"] if note in NOTES],
        "findings": [
            _findings(say[rejected], receipt["reasons"], receipt["rejections"], lang),
            _findings(say["warnings"], receipt["warning_reasons"], receipt["warnings"], lang),
        ],
    }


def _unchanged(receipt: Mapping[str, Any], say: Mapping[str, str]) -> str | None:
    """Why the registry is as it was, where it is."""
    if receipt["aborted"]:
        return say["receipt_aborted"]
    return say["receipt_dry_run"] if receipt["dry_run"] else None


def _facts(receipt: Mapping[str, Any], lang: Language) -> Iterator[tuple[str, str]]:
    say = texts(lang)
    assumed = (f"{field} = {column}" for field, column in receipt.get("assumed", {}).items())
    for name, value in (
        ("load", receipt["load"]),
        ("undoes", receipt.get("undoes")),
        ("file", receipt["source"]),
        ("kind", kind_label(receipt["kind"], lang)),
        ("layer", receipt["layer"]),
        ("crs", receipt["crs"] and f"{receipt['crs']} ({receipt['operation']})"),
        ("encoding", receipt["encoding"]),
        ("source_key", receipt["key"]),
        ("credit", receipt["attribution"]),
        ("assumed_fields", say["comma"].join(assumed)),
        ("unused_columns", say["comma"].join(receipt["unmapped"])),
        ("by_place", receipt["parents_by_place"] and f"{receipt['parents_by_place']:,}"),
        ("linked_rows", receipt.get("linked") and f"{receipt['linked']:,}"),
        ("unlinked_rows", receipt.get("unlinked") and f"{receipt['unlinked']:,}"),
        ("retired_assets", receipt.get("retired") and f"{receipt['retired']:,}"),
    ):
        if value:
            yield say[name], str(value)


def _findings(
    title: str, reasons: Mapping[str, int], kept: list[Mapping[str, Any]], lang: Language
) -> dict[str, Any]:
    rows = [{**row, "text": _words(row, lang)} for row in kept[:SHOWN]]
    return {"title": title, "total": sum(reasons.values()), "reasons": reasons, "rows": rows, "shown": SHOWN}


def _words(row: Mapping[str, Any], lang: Language) -> str:
    """A finding in words. Those of old receipts lack what the words name, and stand in English."""
    facts = row.get("facts")
    return str(row["text"]) if facts is None else words_of(row["reason"], facts, lang)
