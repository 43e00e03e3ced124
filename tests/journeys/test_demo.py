"""``make demo``, ``twin demo`` and cities as folders: what is printed can be followed, Ctrl-C stops all."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from commands import twin

from loaders.city import read_city
from tests.loading import column, content_hash, lamps, write_csv

Connection = psycopg.Connection
ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(open_folder: Callable[[], Path]) -> Path:
    return open_folder() / "home"


def read_until(path: Path, pattern: str, process: subprocess.Popen[bytes], seconds: float = 90.0) -> str:
    """What stands in the file as soon as it has the pattern, which the process writes."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        text = path.read_text(encoding="utf-8")
        if re.search(pattern, text):
            return text
        time.sleep(0.1)
    raise AssertionError(path.read_text(encoding="utf-8"))


@contextmanager
def demo(home: Path, city: Path, out: Path) -> Iterator[tuple[int, str]]:
    """``twin demo`` of a city, until it serves: its port and what it printed. In the end all is stopped."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if k not in ("TWIN_DATABASE_URL", "PYTHONUNBUFFERED")}
    environment |= {"TWIN_HOME": str(home), "TWIN_LANG": "en"}
    command = [sys.executable, "-m", "twin.cli", "demo", str(city), "--port", str(port)]
    with out.open("w") as written:
        process = subprocess.Popen(command, env=environment, stdout=written, stderr=written)
    try:
        yield port, read_until(out, r"Serving http", process)
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


def follow(port: int, told: str) -> None:
    """Ask every query and open every page that was printed."""
    queries = re.findall(r"^  (\{ .* \})$", told, re.MULTILINE)
    pages = re.findall(rf"^  (http://127\.0\.0\.1:{port}/\S*)$", told, re.MULTILINE)
    assert (len(queries), len(pages)) == (3, 4)
    for query in queries:
        assert "errors" not in ask(port, query), query
    for page in pages:
        request = urllib.request.Request(page, headers={"accept": "text/html"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200


def test_helsinki_is_served_with_one_command(home: Path, tmp_path: Path, real_data: Path) -> None:
    city = real_data / "helsinki" / "Helsinki.osm.pbf"
    with demo(home, city, tmp_path / "out") as (port, told):
        assert "Home: FI-091, by the boundaries' tags." in told
        assert "boundaries left out (boundary.unclosed)" in told
        assert "building: 1585 read = 1562 new + 0 changed + 0 same + 23 rejected" in told
        assert re.search(r"^Helsinki\.osm\.pbf: 6,047 assets in \d+\.\d s$", told, re.MULTILINE)
        assert re.search(rf"http://127\.0\.0\.1:{port}/a/FI-091-", told)
        follow(port, told)
        answer = ask(port, "{ groups(by: KIND) { key count } }")
        groups: list[dict[str, object]] = answer["data"]["groups"]  # type: ignore[index, call-overload]
        assert sum(int(str(group["count"])) for group in groups) == 6_047


def test_a_folder_is_served_with_one_command(home: Path, tmp_path: Path) -> None:
    city = folder(tmp_path / "city", lamps="kind = 'streetlight'")
    with demo(home, city, tmp_path / "out") as (port, told):
        assert "lamps.csv: 3 read = 3 new + 0 changed + 0 same + 0 rejected" in told
        assert re.search(r"^city: 3 assets in \d+\.\d s$", told, re.MULTILINE)
        follow(port, told)


def test_make_demo_takes_a_city(tmp_path: Path) -> None:
    """Path and port go to ``twin demo`` as they are, blanks and all; without a path the sample city does."""

    def commands(*arguments: str) -> list[str]:
        told = subprocess.run(
            ["make", "-n", "-s", "demo", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return [line for line in told.stdout.splitlines() if "twin demo" in line]

    assert commands("CITY=any town.osm.pbf") == ['exec .venv/bin/twin demo "any town.osm.pbf" --port 8000']
    assert commands("PORT=8123") == ['exec .venv/bin/twin demo "fixtures/city" --port 8123']
    assert (ROOT / "fixtures" / "city" / "city.toml").is_file()


def test_a_port_that_is_taken_is_told_before_anything_is_loaded(home: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "twin.cli", "demo", str(tmp_path), "--port", str(port)]
        environment = os.environ | {"TWIN_HOME": str(home), "TWIN_LANG": "en"}
        told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert "[serve.port_taken]" in told.stderr
    assert not home.exists()


def folder(path: Path, home: str | None = "310115", **loads: str) -> Path:
    """A city of CSV files with three rows each: what the manifest says of each, by its name."""
    path.mkdir()
    entries = []
    for name, said in loads.items():
        write_csv(path / f"{name}.csv", [{**row, "id": f"{name}{row['id']}"} for row in lamps(3)])
        entries.append(f'[[loads]]\nfile = "{name}.csv"\n{said}\n')
    first = f'home = "{home}"\n' if home else ""
    (path / "city.toml").write_text(first + "\n".join(entries), encoding="utf-8")
    return path


def test_a_folder_is_loaded_by_its_manifest_parents_first(
    owner: Connection, database_url: str, tmp_path: Path
) -> None:
    kinds = ("vehicle", "elevator", "manhole", "building", "pipeline", "streetlight")
    city = folder(tmp_path / "city", **{name: f"kind = '{name}'" for name in kinds if name != "pipeline"})
    write_csv(city / "pipeline.csv", [{"id": "P1", "wkt": '"LINESTRING (121.5 31.2, 121.6 31.3)"'}])
    with (city / "city.toml").open("a") as manifest:
        manifest.write("[[loads]]\nfile = 'pipeline.csv'\nkind = 'pipeline'\ncrs = 'EPSG:4326'\n")
    ended = twin(database_url, "load", str(city), "--json")
    told = json.loads(ended.stdout)
    expected = ["vehicle", "building", "elevator", "streetlight", "pipeline", "manhole"]
    assert [one["kind"] for one in told["loads"]] == expected
    assert told["home"] == {"code": "310115", "by": "manifest", "issuing": "310115"}
    again = json.loads(twin(database_url, "load", str(city), "--json").stdout)
    assert [one["same"] for one in again["loads"]] == [3, 3, 3, 3, 1, 3]
    told = twin(database_url, "load", str(city)).stdout
    assert "Home: 310115, by the manifest." in told
    assert [int(number) for number in re.findall(r"^Load (\d+) of", told, re.MULTILINE)] == [*range(13, 19)]


def test_a_dry_run_of_a_folder_changes_nothing(owner: Connection, database_url: str, tmp_path: Path) -> None:
    city = folder(tmp_path / "city", lamps="kind = 'streetlight'")
    before = content_hash(owner)
    told = json.loads(twin(database_url, "load", str(city), "--dry-run", "--json").stdout)
    assert (told["loads"][0]["new"], told["loads"][0]["dry_run"]) == (3, True)
    assert content_hash(owner) == before


def test_a_city_without_home_and_boundaries_has_codes_of_xx(
    owner: Connection, database_url: str, tmp_path: Path
) -> None:
    told = twin(database_url, "load", str(folder(tmp_path / "city", None, lamps="kind = 'streetlight'")))
    assert "XX-0" in told.stdout
    assert "twin home FI-091" in told.stdout
    assert set(column(owner, "SELECT issued_in FROM twin.asset")) == {"XX-0"}


LAMP = "kind = 'streetlight'"
GOOD = f"[[loads]]\nfile = 'lamps.csv'\n{LAMP}\n"
DIVISION = "[[divisions]]\nfile = 'lamps.csv'\ncode = 'id'\nname = 'id'\n"
WRONG = [
    ("homes = 1", "homes is not known"),
    ("home = 'Atlantis'", "can't be the home division"),
    ("home = 310115", 'write home = "310115"'),
    ("loads = 3", "loads is not written as [[loads]]"),
    ("[[loads]]\nkind = 'building'", "an entry of loads lacks file"),
    (f"[[loads]]\nfile = 'lamps.csv'\n{LAMP}\nlair = 1", "lair in loads is not known"),
    (f"[[loads]]\nfile = 'lamps.csv'\n{LAMP}\naccuracy = 'good'", "accuracy in loads"),
    (f"[[loads]]\nfile = '../city.toml'\n{LAMP}", "there is no file ../city.toml beside it"),
    (f"{GOOD}[[loads]]\nfile = 'none.csv'\n{LAMP}", "there is no file none.csv beside it"),
    (f"{GOOD}[[loads]]\nfile = 'lamps.csv'\nkind = 'strretlight'", "lamps.csv: There is no kind strretlight"),
    (f"{GOOD}[[loads]]\nfile = 'junk.csv'\n{LAMP}", "junk.csv: "),
    (f"{GOOD}[[loads]]\nfile = 'lamps.csv'\n{LAMP}\nmapping = 'bad.toml'", "lamps.csv: The mapping"),
    (
        f"{GOOD}[[loads]]\nfile = 'lamps.csv'\n{LAMP}\nmapping = 'typo.toml'",
        "lamps.csv: There is no column pwer",
    ),
    (f"{GOOD}[[loads]]\nfile = 'lamps.csv'\n{LAMP}\ncrs = 'EPSG:1'", "lamps.csv: "),
    (f"{GOOD}{DIVISION}level = 'realm'", "realm is no level"),
    (f"{GOOD}{DIVISION}level = 'street'\nparent = 'above'", "lamps.csv: There is no column above"),
    ("[[loads", "Expected"),
]


@pytest.mark.parametrize(("manifest", "problem"), WRONG)
def test_a_wrong_manifest_is_told_before_anything_is_loaded(
    owner: Connection, database_url: str, tmp_path: Path, manifest: str, problem: str
) -> None:
    city = folder(tmp_path / "city", lamps=LAMP)
    (tmp_path / "city.toml").touch()
    (city / "city.toml").write_text(manifest, encoding="utf-8")
    (city / "junk.csv").write_bytes(b"\0\1\2\3" * 99)
    (city / "bad.toml").write_text("[fields", encoding="utf-8")
    (city / "typo.toml").write_text('[fields]\npower = "pwer"\nlon = "lon"\nlat = "lat"', encoding="utf-8")
    before = content_hash(owner)
    ended = twin(database_url, "load", str(city))
    assert (ended.returncode, "[city.manifest]" in ended.stderr) == (1, True), ended.stderr
    assert problem in " ".join(ended.stderr.split())
    assert content_hash(owner) == before
    assert "[city.manifest]" in twin(database_url, "load", str(city), lang="zh").stderr


def test_a_folder_without_a_manifest_is_told_what_one_is(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "notes.odt").touch()
    for command in ("load", "demo"):
        ended = twin(database_url, command, str(tmp_path))
        assert (ended.returncode, "[file.folder]" in ended.stderr) == (1, True)
        assert "city.toml: home, divisions and loads" in ended.stderr


def test_a_folder_is_loaded_as_its_manifest_says_only(database_url: str, tmp_path: Path) -> None:
    city = folder(tmp_path / "city", lamps=LAMP)
    ended = twin(database_url, "load", str(city), "--kind", "manhole")
    assert (ended.returncode, "[city.options]" in ended.stderr, "--kind" in ended.stderr) == (1, True, True)


def test_the_files_of_a_city_may_lie_in_folders_of_it(tmp_path: Path) -> None:
    city = folder(tmp_path / "city", lamps=LAMP)
    (city / "files").mkdir()
    shutil.move(city / "lamps.csv", city / "files" / "lamps.csv")
    (city / "city.toml").write_text("[[loads]]\nfile = 'files/lamps.csv'\nkind = 'streetlight'", "utf-8")
    (load,) = read_city(city).loads
    assert (load.file, load.options.kind) == ((city / "files" / "lamps.csv").resolve(), "streetlight")
