"""The map's sources: their own tests, run by Node, and what they are allowed to hold."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "web" / "package-lock.json").read_text(encoding="utf-8")


def test_the_sources_pass_their_own_tests() -> None:
    done = subprocess.run(
        [str(ROOT / "scripts" / "npm.sh"), "run", "--silent", "test"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)
    assert passed
    assert int(passed[1]) >= 7


def test_packages_are_pinned_without_an_address() -> None:
    package = json.loads((ROOT / "web" / "package.json").read_text(encoding="utf-8"))
    locked = json.loads(LOCK)["packages"]
    for name, version in (package["dependencies"] | package["devDependencies"]).items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert locked[f"node_modules/{name}"]["version"] == version
    assert [path for path, entry in locked.items() if path and "integrity" not in entry] == []
    assert "resolved" not in LOCK


def test_nothing_built_is_committed() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"node_modules/", "/twin/web/static/built/"} <= set(ignored)
