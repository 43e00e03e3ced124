"""``twin demo``: what it prints can be followed, and Ctrl-C stops all that it started."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import twin

from fixtures.generate import generate
from loaders.city import ManifestInvalid, read_city


@pytest.fixture
def home(open_folder: Callable[[], Path]) -> Path:
    return open_folder() / "home"


def read_until(path: Path, pattern: str, seconds: float = 90.0) -> str:
    """What stands in the file as soon as it has the pattern."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        text = path.read_text(encoding="utf-8")
        if re.search(pattern, text):
            return text
        time.sleep(0.1)
    raise AssertionError(path.read_text(encoding="utf-8"))


def test_the_demo_says_what_can_be_followed_and_stops_all(home: Path, tmp_path: Path) -> None:
    generate(250, tmp_path / "city")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if k not in ("TWIN_DATABASE_URL", "PYTHONUNBUFFERED")}
    environment |= {"TWIN_HOME": str(home), "TWIN_LANG": "en"}
    command = [sys.executable, "-m", "twin.cli", "demo", str(tmp_path / "city"), "--port", str(port)]
    with (tmp_path / "out").open("w") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
    try:
        told = read_until(tmp_path / "out", r"Serving http")
        assert "building.fgb: 90 read = 90 new + 0 changed + 0 same + 0 rejected" in told
        for query in re.findall(r"^  (\{ .* \})$", told, re.MULTILINE):
            assert "errors" not in ask(port, query), query
        page = re.search(rf"http://127\.0\.0\.1:{port}/a/\S+", told)
        assert page
        with urllib.request.urlopen(page[0], timeout=10) as answer:
            assert answer.status == 200
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
    status = subprocess.run(
        [sys.executable, "-m", "twin.cli", "db", "status", "--json"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert json.loads(status.stdout)["state"] == "stopped"


def ask(port: int, query: str) -> dict[str, object]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        data=json.dumps({"query": query}).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        found: dict[str, object] = json.load(answer)
        return found


WRONG = [
    ("", "there is no such file"),
    ("homes = 1", "homes is not known"),
    ("[[loads]]\nkind = 'building'", "an entry of loads lacks file"),
    ("[[loads]]\nfile = 'a.csv'\nkind = 'building'\nlair = 1", "lair in loads is not known"),
    ("[[loads]]\nfile = '../city.toml'\nkind = 'building'", "there is no file ../city.toml beside it"),
    ("[[loads", "Expected"),
]


@pytest.mark.parametrize(("manifest", "problem"), WRONG)
def test_a_wrong_manifest_is_told_before_anything_is_loaded(
    database_url: str, tmp_path: Path, manifest: str, problem: str
) -> None:
    folder = tmp_path / "city"
    folder.mkdir()
    (tmp_path / "city.toml").touch()
    if manifest:
        (folder / "city.toml").write_text(manifest, encoding="utf-8")
    with pytest.raises(ManifestInvalid) as caught:
        read_city(folder)
    assert problem in str(caught.value)
    ended = twin(database_url, "demo", str(folder))
    assert (ended.returncode, "[city.manifest]" in ended.stderr) == (1, True)
