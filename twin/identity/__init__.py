"""Asset codes and the identifiers of other schemes.

Code schemes are data files: those in ``schemes/`` and those in the folders of ``TWIN_SCHEMES_PATH``,
separated as in ``PATH``. A file of the same name replaces a shipped one; of several folders the last wins.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from operator import ne
from pathlib import Path
from types import MappingProxyType
from typing import Any

from twin.errors import TwinError
from twin.folders import named
from twin.identity.errors import (
    CodeCheckDigit,
    CodeMalformed,
    CodeUnhyphenated,
    SchemeInvalid,
    UnknownScheme,
)
from twin.identity.iso7064 import CHECKS_BY_NAME
from twin.identity.scheme import ALPHABETS, ParsedCode, Part, Scheme, tidy

__all__ = [
    "ParsedCode",
    "Scheme",
    "class_owners",
    "owners",
    "read_code",
    "scheme",
    "scheme_for_division",
    "schemes",
]


def schemes() -> Mapping[str, Scheme]:
    """Every code scheme by name, in the order of the names. Raises ``SchemeInvalid``."""
    return _discover(named("TWIN_SCHEMES_PATH"))


def scheme(name: str) -> Scheme:
    """The code scheme called ``name``. Raises ``UnknownScheme``, which lists all."""
    found = schemes()
    if name not in found:
        raise UnknownScheme(scheme=name, schemes=", ".join(found))
    return found[name]


def scheme_for_division(code: str) -> Scheme | None:
    """The scheme that codes of division ``code`` are issued by; None when none fits.

    A scheme that names its divisions (``only``) goes before one that is for all.
    """
    fitting = [scheme for scheme in schemes().values() if scheme.issues_in(code)]
    return max(fitting, key=lambda scheme: bool(scheme.only), default=None)


def read_code(text: str) -> list[ParsedCode]:
    """Every scheme's reading of ``text``.

    Layouts of one length cannot be told apart by their digits, so there may be several: the registry
    decides by the scheme in which the division issues its codes. Where a part's length varies, a code without
    separators and check character is told from one with a wrong character by its class, a kind's.
    Raises ``CodeUnhyphenated`` when hyphens are missing that the text may need, ``CodeCheckDigit`` when the
    layout is some scheme's but the check digit is wrong, ``CodeMalformed`` when no scheme has the layout.
    """
    every, tidied = schemes().values(), tidy(text)
    bare = [code for one in every if one.varies and (code := _read_bare(one, tidied)) is not None]
    if bare:
        return bare
    found = [code for one in every if (code := one.reading(tidied)) is not None]
    readings = [code for code in found if code.is_right]
    if readings:
        return readings
    for candidate in every:
        if candidate.parse_bare(tidied) is not None:
            raise CodeUnhyphenated(value=text, example=candidate.example_code)
    if found:
        raise CodeCheckDigit(value=text)
    raise CodeMalformed(value=text, examples=", ".join(one.example_code for one in every))


def _read_bare(candidate: Scheme, tidied: str) -> ParsedCode | None:
    """The reading without separators and check character, if that one names a class there is.

    And if the text can't be a code with its check character of which one character is wrong: the class that
    it would name then is two characters or more from every class there is.
    """
    code = candidate.parse_bare(tidied)
    if code is None:
        return None
    known, other = class_owners(candidate), candidate.class_with_check(tidied)
    far = other is None or all(sum(map(ne, other, number)) > 1 for number in known)
    return code if far and code.class_code in known else None


def class_owners(scheme: Scheme) -> dict[str, str]:
    """Every class number that a kind has under the scheme, and that kind's name."""
    return _class_owners(scheme, named("TWIN_KINDS_PATH"))


def owners() -> Mapping[tuple[str, str], str]:
    """Every scheme's name with each class number of a kind, and that kind. Raises ``SchemeInvalid``."""
    return _owners(named("TWIN_SCHEMES_PATH"), named("TWIN_KINDS_PATH"))


@lru_cache(maxsize=8)
def _owners(schemes_path: str, kinds_path: str) -> Mapping[tuple[str, str], str]:
    every = _discover(schemes_path).items()
    return {
        (name, number): kind for name, one in every for number, kind in _class_owners(one, kinds_path).items()
    }


@lru_cache(maxsize=32)
def _class_owners(scheme: Scheme, _kinds_path: str) -> dict[str, str]:
    from twin.kinds import all_kinds

    kinds = all_kinds().values()
    classes = ((kind.name, one.numbers) for kind in kinds for one in kind.classes)
    return {number: kind for kind, numbers in classes for number in scheme.numbers_for(kind, numbers)}


@lru_cache(maxsize=8)
def _discover(path: str) -> Mapping[str, Scheme]:
    files = {file.stem: file for file in (Path(__file__).parent / "schemes").glob("*.toml")}
    for folder in filter(None, path.split(os.pathsep)):
        if not Path(folder).is_dir():
            raise SchemeInvalid(file=folder, problem="TWIN_SCHEMES_PATH names it and there is no such folder")
        files |= {file.stem: file for file in Path(folder).glob("*.toml")}
    found: dict[str, Scheme] = {}
    for file in files.values():
        read = _read(file)
        if read.name in found:
            raise SchemeInvalid(file=str(file), problem=f"the name {read.name} is another scheme's too")
        found[read.name] = read
    return MappingProxyType(dict(sorted(found.items())))


def _read(file: Path) -> Scheme:
    try:
        return _scheme(tomllib.loads(file.read_text(encoding="utf-8")))
    except KeyError as error:
        raise SchemeInvalid(file=str(file), problem=f"{error} is missing or unknown") from error
    except (ValueError, TypeError, AttributeError, re.error, TwinError) as error:
        raise SchemeInvalid(file=str(file), problem=str(error)) from error


def _scheme(data: Mapping[str, Any]) -> Scheme:
    """The scheme that ``data`` describes; raises ``KeyError`` or ``ValueError`` where it does not."""
    parts = tuple(
        Part(p["name"], p["alphabet"], int(p["length"]), int(p.get("shortest", p["length"])))
        for p in data["parts"]
    )
    found = Scheme(
        name=data["name"],
        en=data["en"],
        zh=data["zh"],
        source=data["source"],
        parts=parts,
        check=CHECKS_BY_NAME[data["check"]],
        division_pattern=re.compile(data["division"]["pattern"], re.ASCII),
        example=data["division"]["example"],
        only=tuple(data["division"].get("only", ())),
        classes=_classes(data.get("classes", {})),
    )
    _require_sound(found)
    return found


def _classes(data: Mapping[str, Any]) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    return {
        kind: {
            code: (numbers,) if isinstance(numbers, str) else tuple(numbers)
            for code, numbers in codes.items()
        }
        for kind, codes in data.items()
    }


def _require_sound(found: Scheme) -> None:
    if [part.name for part in found.parts[-2:]] != ["class", "sequence"] or len(found.parts) < 3:
        raise ValueError("its last parts must be class and sequence, after those of the division")
    if sum(part.shortest != part.length for part in found.parts) > 1:
        raise ValueError("only one part may vary in length")
    if found.parts[-1].alphabet == "letters" or found.parts[-1].shortest != found.parts[-1].length:
        raise ValueError("the sequence must have a fixed length and the alphabet digits or alphanumeric")
    if found.parts[-1].length > (18 if found.parts[-1].alphabet == "digits" else 12):
        raise ValueError("the sequence would not fit 64 bits")
    if found.check.modulus == 10 and any(
        ALPHABETS[part.alphabet] != ALPHABETS["digits"] for part in found.parts
    ):
        raise ValueError("mod_11_10 checks digits only")
    if found.division_pattern.groups < 1:
        raise ValueError("the division's pattern needs a group for the division that issues codes")
    found.parse(found.example_code)
