"""The formats' table in the document is what ``twin formats`` lists."""

from __future__ import annotations

import re
from pathlib import Path

from loaders.formats import all_formats

DOCUMENT = Path(__file__).parents[2] / "docs" / "gis-team.md"


def test_the_document_lists_every_format_and_what_it_was_tested_on() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    table = text.partition("| format | endings or addresses | tested on | notes |\n")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[1:]]
    assert [(name, re.findall(r"`([^`]+)`", told), tested) for name, told, tested, _ in rows] == [
        (one.name, [*one.extensions, *one.addresses], one.tested) for one in all_formats()
    ]
