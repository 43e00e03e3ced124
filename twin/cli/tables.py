"""Assets in the terminal: an identity file, and a table of what was found."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from twin.errors import language
from twin.kinds.common import COMMON_FIELDS
from twin.registry.query.names import stored
from twin.web.identity_file import Line, Section, field_label, identity_file, kind_label, value_text
from twin.web.texts import texts

PIPE_WIDTH = 240
"""Columns where the output is no terminal: nothing is to be cut off there."""


def print_file(asset: Mapping[str, Any]) -> None:
    """An identity file, section by section."""
    file = identity_file(asset, language())
    screen = console()
    screen.print(Text(file.title, style="bold"))
    screen.print(Text.assemble((file.code, "bold cyan"), f"  {file.kind}  {file.status_label}"))
    for section in file.sections:
        screen.print(Text(f"\n{section.title}", style="bold"))
        screen.print(Padding(_section_table(section), (0, 0, 0, 2), expand=False))


def _section_table(section: Section) -> Table:
    table = Table.grid(padding=(0, 3))
    for label, text in _section_rows(section):
        table.add_row(Text(label, style="dim"), text)
    return table


def _section_rows(section: Section) -> Iterator[tuple[str, Text]]:
    say = texts(language())
    for line in section.lines:
        yield line.label, _line_text(line)
    for number, line in enumerate(section.links):
        yield say["children"] if number == 0 else "", _line_text(line)
    if section.more:
        yield "", Text("…", style="dim")
    if section.missing:
        yield say["not_recorded"].strip(" :："), Text(say["comma"].join(section.missing), style="dim")


def _line_text(line: Line) -> Text:
    return Text.assemble(line.text, (f"  {line.note}" if line.note else "", "dim"))


def print_assets(assets: Sequence[Mapping[str, Any]], *, more: bool) -> None:
    """One line an asset; with distances where the assets bear them."""
    lang = language()
    say = texts(lang)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    far = "distance" in assets[0]
    table.add_column(field_label("code", lang), no_wrap=True, style="cyan")
    for label in (say["kind"], *(field_label(name, lang) for name in ("status", "name", "division"))):
        table.add_column(label)
    if far:
        table.add_column(say["distance"], justify="right", no_wrap=True)
    for asset in assets:
        cells = [
            kind_label(stored(asset["kind"]), lang),
            value_text(COMMON_FIELDS["status"], stored(asset["status"]), lang),
            asset["name"] or asset["address"] or "",
            asset["division"]["name"] or asset["division"]["code"],
        ]
        distance = [Text(f"{asset['distance']:.1f} m")] if far else []
        table.add_row(asset["code"], *map(Text, cells), *distance)
    console().print(table)
    if more:
        Console(stderr=True).print(Text(say["more_found"].format(count=len(assets)), style="dim"))


def console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
