"""A city as a folder: its manifest ``city.toml`` says where home is and which files are what.

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

Divisions are registered in their order. A load may say what ``twin load`` can be told: kind, layer, mapping,
crs, accuracy, dataset, division, attribution, mode, retire_up_to, on_suspect; and ``owns``, as a mapping
does. Those of parents' kinds go first, otherwise their order is kept. The whole manifest is looked at before
the first row is loaded: every file is opened, every mapping settled.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Container, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeGuard

from msgspec import Struct
from msgspec.structs import fields, replace

from loaders.account import Account
from loaders.boundaries import read_divisions
from loaders.errors import FileIsFolder
from loaders.load import Options, Progress, Receipt, load, require_division, require_same_rows
from loaders.locations import Location
from loaders.order import parents_first
from loaders.prepare import prepare
from loaders.rejects import reject_file, require_rejects
from loaders.siblings import Siblings
from twin.errors import Language, TwinError
from twin.identity import scheme_for_division
from twin.kinds import Kind
from twin.registry.database import Connection, connect
from twin.registry.divisions import (
    UNKNOWN_HOME,
    Division,
    Divisions,
    UnfitHome,
    UnknownLevel,
    issues_codes,
    parse_level,
    save_divisions,
    set_home,
)

MANIFEST = "city.toml"
LANGUAGES: tuple[Language, ...] = ("en", "zh")
Types = Mapping[str, tuple[type, ...]]

_DIVISION_TYPES: Types = {
    name: (str, int) if name == "level" else (str,)
    for name in ("file", "code", "name", "level", "parent", "layer", "crs")
}
_FOR_ALL = ("rejects", "force", "on_error", "dry_run", "batch", "resume")
"""What is said of a city's loads together, and not in its manifest."""
_OTHER_TYPES: Types = {"accuracy": (int, float), "retire_up_to": (int, float), "owns": (list,)}
_LOAD_TYPES: Types = {
    "file": (str,),
    **{one.name: _OTHER_TYPES.get(one.name, (str,)) for one in fields(Options) if one.name not in _FOR_ALL},
}


class ManifestInvalid(TwinError):
    """A city's manifest can't be followed; nothing of it was loaded."""

    code = "city.manifest"
    en = "{path} can't be followed: {problem}. Nothing was loaded."
    zh = "无法按 {path} 导入：{problem_zh}。未导入任何内容。"


class ManifestAlone(TwinError):
    """A city is loaded as its manifest says, and nobody else."""

    code = "city.options"
    en = "{path} is loaded as its city.toml says. Leave out --{option}, or name one of its files."
    zh = "{path} 按其 city.toml 导入。请去掉 --{option}，或指定其中一个文件。"


class CityStopped(TwinError):
    """A file of a city could not be loaded to its end, which its beginning did not show."""

    code = "city.stopped"
    en = "{path}: {file} was not loaded. {problem} The {done} files before it are; mend it and load again."
    zh = "{path}：{file} 未导入。{problem}之前的 {done} 个文件已导入；请改正后重新导入。"


class Load(Struct, frozen=True):
    """A file that a manifest names, and what it says of it."""

    file: Path
    options: Options


class City(Struct, frozen=True):
    """A manifest that was read: every file that it names is there."""

    path: Path
    home: str | None
    divisions: tuple[dict[str, Any], ...]
    loads: tuple[Load, ...]

    def invalid(self, file: Path, error: TwinError) -> ManifestInvalid:
        """That one of its files can't be loaded as it says."""
        return _because(self.path, error, f"{file.name}: ")


def is_city(where: Location) -> TypeGuard[Path]:
    """Whether a path leads to a folder with a manifest."""
    return isinstance(where, Path) and (where / MANIFEST).is_file()


def read_city(folder: Path) -> City:
    """The manifest of a folder; raises ``FileIsFolder`` or ``ManifestInvalid``."""
    path = folder / MANIFEST
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise FileIsFolder(path=folder) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _invalid(path, str(error), str(error)) from None
    _require_known(path, said, {"home", "divisions", "loads"}, "")
    home = said.get("home")
    if home is not None and not isinstance(home, str):
        raise _invalid(
            path, f'home is no text: write home = "{home}"', f'home 不是文本：应写作 home = "{home}"'
        )
    if home is not None and not issues_codes(home):
        raise _because(path, UnfitHome(division=home or "''"))
    divisions = list(_entries(path, said, "divisions", _DIVISION_TYPES, ("file", "code", "name", "level")))
    loads = list(_entries(path, said, "loads", _LOAD_TYPES, ("file",)))
    if not divisions and not loads:
        raise _invalid(path, "it names no divisions and no loads", "其中既无 divisions，也无 loads")
    return City(
        path,
        home,
        tuple({**entry, "level": _level(path, str(entry["level"]))} for entry in divisions),
        tuple(Load(entry.pop("file"), Options(**entry)) for entry in loads),
    )


def _entries(
    path: Path,
    said: dict[str, Any],
    part: str,
    types: Types,
    needed: tuple[str, ...],
) -> Iterator[dict[str, Any]]:
    listed = said.get(part, [])
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise _invalid(path, f"{part} is not written as [[{part}]]", f"{part} 应写作 [[{part}]]")
    for entry in listed:
        _require_known(path, entry, set(types), f" in {part}")
        for name in needed:
            if name not in entry:
                raise _invalid(path, f"an entry of {part} lacks {name}", f"{part} 的一项缺少 {name}")
        for name, value in entry.items():
            if not isinstance(value, types[name]) or isinstance(value, bool):
                wanted = types[name][0].__name__
                raise _invalid(
                    path, f"{name} in {part} is no {wanted}: {value}", f"{part} 的 {name} 类型不符：{value}"
                )
        paths = {key: _inside(path, entry[key]) for key in ("file", "mapping") if key in entry}
        yield {**entry, **paths}


def _require_known(path: Path, entry: Mapping[str, object], known: set[str], where: str) -> None:
    for name in entry:
        if name not in known:
            raise _invalid(path, f"{name}{where} is not known", f"未知的条目 {name}")


def _level(path: Path, text: str) -> int:
    try:
        return parse_level(text)
    except UnknownLevel as error:
        raise _because(path, error) from None


def _inside(manifest: Path, name: str) -> Path:
    """A file or folder beside the manifest; a name that leads elsewhere is refused."""
    found = (manifest.parent / name).resolve()
    if not found.is_relative_to(manifest.parent.resolve()) or not found.exists():
        raise _invalid(manifest, f"there is no file {name} beside it", f"其旁没有文件 {name}")
    return found


def _invalid(path: Path, en: str, zh: str) -> ManifestInvalid:
    return ManifestInvalid(path=path, problem=en, problem_zh=zh)


def _because(path: Path, error: TwinError, before: str = "") -> ManifestInvalid:
    """That the manifest is wrong by what an error says."""
    return _invalid(path, *(f"{before}{error.text(lang)}".rstrip(".。") for lang in LANGUAGES))


def load_city(
    folder: Path,
    options: Options,
    progress: Callable[[str], Progress | None] = lambda file: None,
    told: Callable[[Account], None] = lambda account: None,
) -> Iterator[Receipt]:
    """Load a folder by its manifest; gives each file's receipt.

    ``options`` may only say that nothing is to be changed. ``progress`` is asked, with each file's name, for
    what is told how far its load is; ``told`` is called once, before the first load. Raises
    ``FileIsFolder``, ``ManifestInvalid`` or ``ManifestAlone``, and otherwise as ``load`` does.
    """
    city = read_city(folder)
    _require_alone(folder, options)
    divisions = [_divisions(city, dict(entry)) for entry in city.divisions]
    _require_apart(city, divisions)
    with connect() as connection:
        known = {*Divisions.read(connection).codes, *(one.code for level in divisions for one in level)}
        kinds = [_kind(city, one, connection, known) for one in city.loads]
    ordered = parents_first(zip(kinds, city.loads, strict=True), lambda pair: pair[0])
    shared = {name: getattr(options, name) for name in _FOR_ALL}
    files = [
        reject_file(options.rejects, one.file.stem, one.options.layer, kind.name) for kind, one in ordered
    ]
    for file in filter(None, files):
        require_rejects(file, force=options.force)
    told(_begin(city, divisions, options))
    siblings = Siblings()
    for done, ((_, one), rejects) in enumerate(zip(ordered, files, strict=True)):
        division = one.options.division or (city.home if options.dry_run else None)
        own = replace(one.options, **{**shared, "rejects": rejects}, division=division)
        try:
            receipt = load(one.file, own, progress(one.file.name), siblings=siblings)
        except TwinError as error:
            raise CityStopped(path=city.path, file=one.file.name, done=done, problem=error) from error
        yield receipt


def _require_alone(folder: Path, options: Options) -> None:
    for one in fields(options):
        if one.name not in _FOR_ALL and getattr(options, one.name) != one.default:
            raise ManifestAlone(path=folder, option=one.name.replace("_", "-"))


def _divisions(city: City, entry: dict[str, Any]) -> list[Division]:
    """The divisions of an entry's file. Raises ``ManifestInvalid``."""
    file = entry.pop("file")
    try:
        return read_divisions(file, **entry)
    except TwinError as error:
        raise city.invalid(file, error) from error


def _require_apart(city: City, divisions: list[list[Division]]) -> None:
    """Raise ``ManifestInvalid`` where two of its files have a division of one code."""
    seen: dict[str, str] = {}
    for entry, level in zip(city.divisions, divisions, strict=True):
        for division in level:
            first = seen.setdefault(division.code, entry["file"].name)
            if first != entry["file"].name:
                both, code = f"{first}, {entry['file'].name}", division.code
                raise _invalid(
                    city.path, f"{both}: both have the division {code}", f"{both}：都有区划 {code}"
                )


def _kind(city: City, one: Load, connection: Connection, known: Container[str]) -> Kind:
    """What the rows of a file are; everything that can be refused is. Raises ``ManifestInvalid``."""
    try:
        ready = prepare(one.file, one.options)
        if one.options.division is not None:
            require_division(one.options.division, known)
        require_same_rows(connection, ready)
    except TwinError as error:
        raise city.invalid(one.file, error) from error
    return ready.plan.kind


def _begin(city: City, divisions: list[list[Division]], options: Options) -> Account:
    """Settle home and register the divisions."""
    with connect() as connection:
        known = Divisions.read(connection)
        codes = [division.code for level in divisions for division in level]
        account = Account(known.home, "set", divisions=codes, dry_run=options.dry_run)
        if city.home is not None:
            account.home, account.home_by = city.home, "manifest"
        elif known.home is None and not any(map(scheme_for_division, {*codes, *known.codes})):
            account.home, account.home_by = UNKNOWN_HOME, "unknown"
        account.issuing = account.home
        if not options.dry_run:
            _register(connection, account, divisions)
    return account


def _register(connection: Connection, account: Account, divisions: list[list[Division]]) -> None:
    if account.home is not None and account.home_by != "set":
        set_home(connection, account.home)
    for level in divisions:
        save_divisions(connection, level)
