"""Administrative boundaries of an OSM extract: which become divisions, and which country and area they tell.

Levels are OpenStreetMap's ``admin_level``, 4 to 11 [S]. A country is told by ``ISO3166-1`` or the beginning
of an ``ISO3166-2`` (ISO 3166-2: country, hyphen, up to three characters [M]); an area by ``ISO3166-2``, else
by ``ref``, which holds the national number of a municipality or region [S].
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import shapely
from msgspec import Struct
from shapely.geometry.base import BaseGeometry

from loaders import arrow
from loaders.account import LeftOut
from loaders.osm.extract import BOUNDARY_TAGS, Extract
from loaders.osm.objects import KEY, WKB
from spatial.geometry import repair
from twin.identity import scheme
from twin.identity.scheme import tidy
from twin.registry.divisions import Division

LEVELS = range(4, 12)
"""The levels of boundaries that become divisions."""
_AREAS = range(8, 3, -1)
"""The levels whose ``ref`` is a national number, the most detailed first: below are a town's own numbers."""

_REASONS: Mapping[str, tuple[str, str]] = {
    "boundary.unclosed": ("In this file its ways close no area.", "其边界线在此文件中不闭合。"),
    "boundary.invalid": ("It is no area: {problem}.", "不构成面：{problem}。"),
    "boundary.nameless": ("It has no name.", "没有名称。"),
    "boundary.level": ("Its admin_level is no number.", "admin_level 不是数字。"),
}


class Boundary(Struct, frozen=True):
    """A boundary: its key (``relation/…``, ``way/…``), tags, and its area; without one, why it has none."""

    key: str
    tags: Mapping[str, str]
    area: BaseGeometry | None = None
    reason: str | None = None
    problem: str = ""

    @property
    def name(self) -> str | None:
        """What it is called."""
        return self.tags.get("name") or None

    @property
    def level(self) -> int | None:
        """Its ``admin_level``, None where that is no number."""
        text = self.tags.get("admin_level", "")
        return int(text) if text.isascii() and text.isdecimal() else None

    def left_out(self, reason: str) -> LeftOut:
        """It, as one that became no division."""
        en, zh = (words.format(problem=self.problem) for words in _REASONS[reason])
        return LeftOut(self.key, self.name, self.level, reason, en, zh)


class Area(Struct, frozen=True):
    """The area that an extract is of, by its boundaries: a code of the scheme ``generic``."""

    code: str
    boundary: Boundary


def boundaries_of(extract: Extract) -> list[Boundary]:
    """Every boundary that the extract speaks of, by level and key; ways without a name are but lines."""
    tags = {f"relation/{relation.id}": relation.tags for relation in extract.relations}
    found = {one.key: one for one in _whole(extract, tags) if one.name or one.key in tags}
    missing = {
        key: Boundary(key, said, None, "boundary.unclosed") for key, said in tags.items() if key not in found
    }
    return sorted((missing | found).values(), key=lambda one: (one.level or 0, one.key))


def _whole(extract: Extract, tags: Mapping[str, Mapping[str, str]]) -> Iterator[Boundary]:
    for batch in extract.boundaries:
        keys = arrow.objects(batch.columns[KEY])
        areas = shapely.from_wkb(arrow.objects(batch.columns[WKB]), on_invalid="ignore")
        mended, repairs = repair(areas)
        lost = {change.row: change.reason for change in repairs if not change.parts}
        columns = {name: batch.columns[name].to_pylist() for name in BOUNDARY_TAGS if name != KEY}
        for row, (key, area) in enumerate(zip(keys, mended, strict=True)):
            said = tags.get(key) or {name: values[row] for name, values in columns.items() if values[row]}
            if area is None:
                yield Boundary(key, said, None, "boundary.unclosed")
            elif row in lost:
                yield Boundary(key, said, None, "boundary.invalid", lost[row])
            else:
                yield Boundary(key, said, area)


def area_of(boundaries: Iterable[Boundary]) -> Area | None:
    """The area that the boundaries tell: the one with a code that is alone on the most detailed level.

    Neighbours touch an extract that is cut along a boundary, so whole ones go before those that are not.
    """
    known = list(boundaries)
    country = _country(known)
    for level in _AREAS:
        there = [one for one in known if one.level == level]
        there = [one for one in there if one.area is not None] or there
        if len(there) == 1 and (code := iso_code(there[0]) or _numbered(there[0], country)):
            return Area(code, there[0])
    return None


def iso_code(boundary: Boundary) -> str | None:
    """The boundary's ISO 3166-2 code, if it bears one."""
    return _fitting(boundary.tags.get("ISO3166-2", ""))


def _numbered(boundary: Boundary, country: str | None) -> str | None:
    number = boundary.tags.get("ref", "")
    return _fitting(f"{country}-{number}") if country and number else None


def _fitting(text: str) -> str | None:
    """The text as a division that the scheme ``generic`` issues codes for."""
    code, generic = tidy(text), scheme("generic")
    return code if generic.issues_in(code) else None


def _country(boundaries: Iterable[Boundary]) -> str | None:
    """The one country that the boundaries name, None where they name several."""
    named = set()
    for tags in (one.tags for one in boundaries):
        named |= {tags.get("ISO3166-1:alpha2") or tags.get("ISO3166-1"), tags.get("is_in:country_code")}
        named |= {tags[key].partition("-")[0] for key in ("ISO3166-2", "is_in:iso_3166_2") if key in tags}
    countries = {name.upper() for name in named if name and len(name) == 2 and name.isalpha()}
    return countries.pop() if len(countries) == 1 else None


def divisions_of(boundaries: Iterable[Boundary], area: Area | None) -> tuple[list[Division], list[LeftOut]]:
    """The divisions that whole boundaries of ``LEVELS`` become, and those that are left out of these levels.

    ``area``'s boundary has the area's code; others have their ISO 3166-2 code where they are the first with
    it, else their key.
    """
    divisions: list[Division] = []
    left_out: list[LeftOut] = []
    taken = {area.code} if area else set()
    for one in boundaries:
        if one.level is not None and one.level not in LEVELS:
            continue
        reason = one.reason or ("boundary.level" if one.level is None else "boundary.nameless")
        if one.reason or one.name is None or one.level is None:
            left_out.append(one.left_out(reason))
            continue
        iso = iso_code(one)
        code = area.code if area and one is area.boundary else one.key if iso in taken else iso or one.key
        taken.add(code)
        divisions.append(Division(code, one.name, one.level, boundary=one.area))
    return divisions, left_out
