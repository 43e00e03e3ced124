"""What is shipped and how it is set up: the wheel, the containers, the pins, the set-up script."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The paths in the built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, capture_output=True, check=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as built:
        return built.namelist()


def test_the_graphql_folder_is_no_package() -> None:
    """A package of that name would shadow graphql-core, which Strawberry imports."""
    assert list((ROOT / "graphql").glob("*.py")) == []
    assert (ROOT / "graphql" / "citygraph" / "__init__.py").is_file()


def test_the_wheel_leaves_graphql_core_alone(wheel: list[str]) -> None:
    assert [path for path in wheel if path.startswith("graphql/")] == []


def test_the_wheel_has_every_package_and_its_data(wheel: list[str]) -> None:
    tops = {path.split("/")[0] for path in wheel}
    assert {"twin", "loaders", "spatial", "citygraph"} <= tops
    assert "tests" not in tops
    assert "twin/registry/migrations/env.py" in wheel
    shipped = {"twin": "twin", "loaders": "loaders", "spatial": "spatial", "graphql/citygraph": "citygraph"}
    for source, package in (shipped | {"graphql/operations": "citygraph/operations"}).items():
        there = {path.relative_to(ROOT / source) for path in (ROOT / source).rglob("*") if path.is_file()}
        wanted = {f"{package}/{path}" for path in there if "__pycache__" not in path.parts}
        assert wanted - set(wheel) == set()
    assert any(path.startswith("citygraph/operations/") for path in wheel)


def test_every_dependency_is_pinned_without_an_address() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()[1:]
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)] == []
    pinned = {_plain(line.split("==")[0]) for line in lines}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    named = [*project["dependencies"], *(name for extra in extras.values() for name in extra)]
    assert {_plain(re.split(r"[\[<>=~! ;]", name)[0]) for name in named} - pinned == set()


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_compose_file_follows_its_schema() -> None:
    schema = json.loads((files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text())
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    jsonschema.validate(compose, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(compose | {"services": {"db": {"imagine": "x"}}}, schema)
    for service in compose["services"].values():
        assert set(service.get("depends_on", {})) <= set(compose["services"])
    assert "TWIN_DATABASE_URL" in compose["services"]["app"]["environment"]
    app, worker = compose["services"]["app"], compose["services"]["worker"]
    assert worker["command"] == ["twin", "worker"]
    assert worker["volumes"] == app["volumes"]
    assert worker["environment"].items() <= app["environment"].items()


def test_the_container_runs_what_setup_runs() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [
        line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")
    ]
    runs = [words for keyword, words in lines if keyword == "RUN"]
    assert any(words.startswith("make setup ") for words in runs)
    assert not any("pip " in words or "postgres" in words for words in runs)
    assert [words for keyword, words in lines if keyword == "USER"][-1] not in {"root", "0"}
    assert json.loads(lines[-1][1])[:2] == ["twin", "serve"]


def test_hooks_are_local() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repo["repo"] for repo in hooks["repos"]] == ["local"]


def test_every_target_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    declared = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert declared
    shown = subprocess.run(
        ["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert [line.split()[1] for line in shown.splitlines()] == declared[1].split()
    assert {"setup", "demo", "test", "lint", "clean"} <= set(declared[1].split())


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A PATH with what every system has, and neither apt nor the tools that tests need."""
    for name in ("bash", "dirname", "env", "id", "python3", "seq", "sed", "grep"):
        (tmp_path / name).symlink_to(shutil.which(name) or name)
    return tmp_path


def test_setup_without_apt_names_the_two_ways(bare_path: Path) -> None:
    environment = {"PATH": str(bare_path), "HOME": os.environ.get("HOME", "/")}
    command = [str(ROOT / "scripts" / "setup.sh"), "dev"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert all(words in done.stderr for words in ("gdal-bin", "install them by hand", "TWIN_DATABASE_URL"))
