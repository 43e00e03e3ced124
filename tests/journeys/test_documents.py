"""What the documents tell people to type works as it stands, one block after the other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.serving import serving

ROOT = Path(__file__).parents[2]
PART = re.compile(
    r"^## (?P<heading>[^\n]+)|^```(?P<language>\w*)\n(?P<block>.*?)^```", re.MULTILINE | re.DOTALL
)
TYPED = re.compile(r"(\.venv/bin/)?twin |\.venv/bin/python |echo ")
ELSEWHERE = re.compile(r"twin (demo|serve|db (start|stop)|load [a-z.]+\.|load [a-z]+://)")
"""Commands that other tests follow, or that name files and servers which nobody has."""


def blocks(document: str, *sections: str) -> list[str]:
    """The lines to be typed in each block of some of a document's sections, or of all."""
    section, found = "", []
    for part in PART.finditer((ROOT / document).read_text(encoding="utf-8")):
        section = part["heading"] or section
        if part["block"] and not part["language"] and (not sections or section in sections):
            lines = part["block"].splitlines()
            if "<<" not in part["block"]:
                lines = [line for line in lines if TYPED.match(line) and not ELSEWHERE.search(line)]
            found += ["\n".join(lines)] if lines else []
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A place like a clone after ``make setup``, in which commands may leave files."""
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    return tmp_path


@pytest.fixture
def type_in(folder: Path, database_url: str) -> Callable[[str], str]:
    """What a block prints; every line of it must succeed."""
    paths = os.pathsep.join((str(ROOT), str(ROOT / "graphql")))
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"TWIN_DATABASE_URL": database_url, "TWIN_LANG": "en", "PYTHONPATH": paths, "PATH": programs}

    def run(block: str) -> str:
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=folder,
            env=os.environ | own,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert ended.returncode == 0, f"{block}\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout

    return run


def test_the_gis_team_s_first_commands(type_in: Callable[[str], str]) -> None:
    typed = blocks(
        "docs/gis-team.md",
        "",
        "Home and divisions",
        "Load",
        "Loads, their receipts, and undo",
        "A city as a folder",
        "SQL and QGIS",
    )
    printed = list(map(type_in, typed))
    assert len(typed) == 6
    assert "undoes load 3 of sample-elevator" in printed[3]
    assert "310115" in printed[1]


def test_inspecting_mapping_and_kinds_and_schemes_of_one_s_own(
    type_in: Callable[[str], str], folder: Path
) -> None:
    type_in("twin home 310115")
    own = ("A kind of your own", "A code scheme of your own")
    typed = blocks("docs/gis-team.md", "What is in this file? twin inspect", "Mapping", *own)
    for block in [*typed, *blocks("docs/gis-team.md", "Formats and encodings", "Receipt and outcomes")]:
        type_in(block)
    assert (folder / "manholes.toml").is_file()
    assert (folder / "survey" / "JSLINE.csv").is_file()


def test_planners_and_inspectors_after_the_readme(type_in: Callable[[str], str], folder: Path) -> None:
    readme, after = blocks("README.md"), [*blocks("docs/planners.md"), *blocks("docs/inspectors.md")]
    assert len("\n".join(after).splitlines()) > 20
    for block in [*readme, *after]:
        assert type_in(block)
    made = {file.name for file in folder.iterdir() if file.is_file() and file.stat().st_size}
    assert made == {
        *("lamps.gpkg", "due.xlsx", "streetlights.gpkg", "buildings.csv", "buildings.parquet"),
        *("ages.xlsx", "due.geojson", "led.json", "led.geojson"),
    }


def code_in(document: str, language: str) -> list[str]:
    """The blocks of a document that are in a language."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return [part["block"] for part in PART.finditer(text) if part["language"] == language]


def test_another_system_s_first_five_minutes(
    type_in: Callable[[str], str], folder: Path, database_url: str
) -> None:
    """Every question of the page, and its programs as files in a folder of their own."""
    type_in("twin home 310115 && twin load fixtures/city")
    (folder / "node_modules").symlink_to(ROOT / "web" / "node_modules")
    with serving(database_url) as (address, _):

        def run(name: str, program: str, *command: str) -> str:
            (folder / name).write_text(program.replace("http://127.0.0.1:8000", address), encoding="utf-8")
            return type_in(" ".join([*command, str(folder / name)]))

        for question in code_in("docs/systems.md", "graphql"):
            answer = httpx.post(f"{address}/graphql", json={"query": question}, timeout=20).json()
            assert "errors" not in answer, question
        first, typed = code_in("docs/systems.md", "python")
        (script,) = code_in("docs/systems.md", "javascript")
        counted = run("lamps.py", first, "python")
        assert int(counted) > 0
        assert run("lamps.mjs", script, str(ROOT / "scripts" / "npm.sh"), "run --silent node --") == counted
        written = blocks("docs/systems.md")
        assert written == ["twin client city.py"]
        type_in(written[0])
        printed = run("typed.py", typed, "python").splitlines()
        assert len([line for line in printed if " in_service " in line.lower()]) == 3
        assert printed[-1].startswith("code.malformed ")
        assert any(" WASTEWATER" in line or " WATER_SUPPLY" in line for line in printed)
