"""A city as a folder: its manifest ``city.toml`` says where home is and which files are what, in order.

    home = "310115"

    [[divisions]]
    file = "district.fgb"
    code = "code"
    name = "name"
    level = "district"

    [[loads]]
    file = "building.fgb"
    kind = "building"
    dataset = "buildings"

A load may say what ``twin load`` can be told: kind, layer, mapping, crs, accuracy, dataset, division.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from loaders.boundaries import read_divisions
from loaders.load import Options, Progress, Receipt, load
from twin.errors import TwinError
from twin.registry.database import connect
from twin.registry.divisions import parse_level, save_divisions, set_home

MANIFEST = "city.toml"
_DIVISION_KEYS = frozenset({"file", "code", "name", "level", "parent", "layer", "crs"})
_LOAD_KEYS = frozenset({"file", *(field.name for field in fields(Options))} - {"dry_run"})


class ManifestInvalid(TwinError):
    """A city's manifest can't be followed; nothing of it was loaded."""

    code = "city.manifest"
    en = "{path} can't be followed: {problem}. Nothing was loaded."
    zh = "无法按 {path} 导入：{problem}。未导入任何内容。"


@dataclass(frozen=True, slots=True)
class City:
    """A manifest that was read: every file that it names is there."""

    home: str | None
    divisions: tuple[dict[str, Any], ...]
    loads: tuple[dict[str, Any], ...]


def read_city(folder: Path) -> City:
    """The manifest of a folder; raises ``ManifestInvalid``."""
    path = folder / MANIFEST
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ManifestInvalid(path=path, problem="there is no such file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ManifestInvalid(path=path, problem=str(error)) from None
    unknown = said.keys() - {"home", "divisions", "loads"}
    if unknown:
        raise ManifestInvalid(path=path, problem=f"{sorted(unknown)[0]} is not known")
    return City(
        home=said.get("home"),
        divisions=tuple(_entries(path, said, "divisions", _DIVISION_KEYS, {"file", "code", "name", "level"})),
        loads=tuple(_entries(path, said, "loads", _LOAD_KEYS, {"file", "kind"})),
    )


def _entries(
    path: Path, said: dict[str, Any], part: str, known: frozenset[str], needed: set[str]
) -> Iterator[dict[str, Any]]:
    for entry in said.get(part, []):
        missing, unknown = needed - entry.keys(), entry.keys() - known
        if missing:
            raise ManifestInvalid(path=path, problem=f"an entry of {part} lacks {sorted(missing)[0]}")
        if unknown:
            raise ManifestInvalid(path=path, problem=f"{sorted(unknown)[0]} in {part} is not known")
        paths = {key: _inside(path, str(entry[key])) for key in ("file", "mapping") if key in entry}
        yield {**entry, **paths}


def _inside(manifest: Path, name: str) -> Path:
    """A file beside the manifest; a name that leads elsewhere is refused."""
    found = (manifest.parent / name).resolve()
    if not found.is_relative_to(manifest.parent.resolve()) or not found.is_file():
        raise ManifestInvalid(path=manifest, problem=f"there is no file {name} beside it")
    return found


def load_city(
    folder: Path, progress: Callable[[str], Progress | None] = lambda file: None
) -> Iterator[Receipt]:
    """Load a folder by its manifest, file by file; gives each file's receipt. Raises as ``load`` does.

    ``progress`` is asked, with each file's name, for what is told how far its load is.
    """
    city = read_city(folder)
    with connect() as connection:
        if city.home is not None:
            set_home(connection, city.home)
        for given in city.divisions:
            entry = dict(given)
            file, level = entry.pop("file"), parse_level(str(entry.pop("level")))
            save_divisions(connection, read_divisions(file, level=level, **entry))
    for given in city.loads:
        entry = dict(given)
        file = entry.pop("file")
        yield load(file, Options(**entry), progress(file.name))
