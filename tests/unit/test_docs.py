"""The documents say what there is: every reason code, no command that does not exist, no broken link."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from loaders.reasons import REJECTIONS, WARNINGS
from twin.cli import app

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("README*.md")), *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
COMMAND = re.compile(r"^(?:\.venv/bin/)?twin +(.+)")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
OPTION = re.compile(r"(?<!\S)--[a-z][a-z-]*")


def commands(document: Path) -> list[str]:
    """What follows ``twin`` in every line of a block, and in every span of code, that begins with it."""
    text = document.read_text(encoding="utf-8")
    pieces = [line for block in BLOCK.findall(text) for line in block.splitlines()]
    pieces += SPAN.findall(BLOCK.sub("", text))
    return [match[1].partition(" #")[0].strip() for piece in pieces if (match := COMMAND.match(piece))]


def options_of(words: list[str]) -> set[str]:
    """The options of the command that ``words`` begin with. Raises ``LookupError`` where there is none."""
    found = typer.main.get_command(app)
    for word in words:
        members = getattr(found, "commands", None)
        if not members or word.startswith("-"):
            break
        if word not in members:
            raise LookupError(word)
        found = members[word]
    return {"--help", *(name for parameter in found.params for name in parameter.opts)}


@pytest.mark.parametrize("reason", [*REJECTIONS, *WARNINGS])
def test_every_reason_is_explained(reason: str) -> None:
    assert f"`{reason}`" in (ROOT / "docs" / "gis-team.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_their_options_exist(document: Path) -> None:
    for line in commands(document):
        assert set(OPTION.findall(line)) <= options_of(line.split()), line


def test_commands_are_found_in_the_documents() -> None:
    found = {document.name: commands(document) for document in DOCUMENTS}
    assert "db migrate" in found["README.md"]
    assert len(found["gis-team.md"]) > 20


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in LINK.findall(document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def test_both_readmes_show_the_same_commands() -> None:
    assert commands(ROOT / "README.zh.md") == commands(ROOT / "README.md")
