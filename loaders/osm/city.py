"""An OSM extract as a city: its boundaries become divisions, then every kind that it has is loaded.

Codes are issued by what the boundaries' tags tell (FI-091), where home is not set to another division of the
same country; where nothing tells, by a code that ISO 3166-1 leaves to its users (XX).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import TypeGuard

from msgspec import Struct
from msgspec.structs import replace

from loaders.account import Account, HomeBy
from loaders.formats import detect
from loaders.formats.osm import Format as OsmPbf
from loaders.load import Options, Progress, Receipt, load
from loaders.locations import Location
from loaders.order import parents_first
from loaders.osm.boundaries import Area, area_of, boundaries_of, divisions_of
from loaders.osm.extract import Extract, read_once
from loaders.rejects import reject_file, require_rejects
from twin.identity import scheme_for_division
from twin.kinds import all_kinds
from twin.registry.database import Connection, connect
from twin.registry.divisions import (
    UNKNOWN_HOME,
    Division,
    Divisions,
    UnfitHome,
    home,
    save_divisions,
    set_home,
)

# The country whose divisions a scheme's codes are; others write it into the code.
_COUNTRIES = {"gbt30428": "CN"}


def load_extract(
    path: Path,
    options: Options,
    progress: Callable[[str], Progress | None] = lambda file: None,
    told: Callable[[Account], None] = lambda account: None,
) -> Iterator[Receipt]:
    """Load all that an extract holds; gives each kind's receipt, parents' kinds first.

    ``told`` is called once, before the first load. Raises as ``load`` and ``read_once`` do; the kinds that
    were loaded before stay.
    """
    kinds = parents_first((kind for kind in all_kinds().values() if kind.osm), lambda kind: kind)
    start = perf_counter()
    with read_once(path, kinds, options.layer) as extract:
        account = Account(
            absent=tuple(kind.name for kind in kinds if kind.name not in extract.kinds),
            read=perf_counter() - start,
            dry_run=options.dry_run,
        )
        files = {name: reject_file(options.rejects, name) for name in extract.kinds}
        for file in filter(None, files.values()):
            require_rejects(file, force=options.force)
        place = _register(extract, options, account)
        told(account)
        for name, source in extract.kinds.items():
            own = replace(options, kind=name, division=place, rejects=files[name])
            yield load(path, own, progress(f"{path.name}: {name}"), source)


def is_whole(where: Location, options: Options) -> TypeGuard[Path]:
    """Whether that is an OSM extract, of which nobody said what is wanted. Raises as ``detect`` does."""
    if options.kind is not None or options.mapping is not None:
        return False
    return isinstance(detect(where), OsmPbf)


def _register(extract: Extract, options: Options, account: Account) -> str | None:
    """Settle home and register the divisions; gives the division of assets that stand in none."""
    boundaries = boundaries_of(extract)
    with connect() as connection:
        settled = _settle(connection, area_of(boundaries), options.division)
        divisions, account.left_out = divisions_of(boundaries, settled.area)
        account.home, account.home_by, account.issuing = settled.home, settled.by, settled.issuing
        account.divisions = [division.code for division in divisions]
        if options.dry_run:
            return settled.issuing
        if settled.new:
            set_home(connection, settled.home)
        _save(connection, divisions, settled.area)
    return settled.place


class _Settled(Struct, frozen=True):
    """Where home is and why, whether that is ``new``; what issues codes where no boundary tells.

    ``area`` is the extract's, where it issues codes; ``place`` the division of assets that stand in none, if
    it is not home.
    """

    home: str
    by: HomeBy
    new: bool
    issuing: str
    area: Area | None
    place: str | None


def _settle(connection: Connection, area: Area | None, said: str | None) -> _Settled:
    """Home as it was set, else as the option says, else as the boundaries tell, else user-assigned."""
    known = home(connection)
    if known is None or known == UNKNOWN_HOME:
        by: HomeBy = "option" if said else "boundaries" if area else "unknown"
        chosen = _issuing(connection, said) if said else area.code if area else UNKNOWN_HOME
        own = area if area and area.code == chosen else None
        return _Settled(chosen, by, chosen != known, chosen, own, said)
    issuing = _issuing(connection, said) if said else known
    if said is None and area and _country(known) not in (None, _country(area.code)):
        return _Settled(known, "set", False, area.code, area, area.code)
    return _Settled(known, "set", False, issuing, area if area and area.code == issuing else None, said)


def _issuing(connection: Connection, division: str) -> str:
    """The division that issues codes for ``division``. Raises ``UnfitHome`` where none does."""
    scheme = scheme_for_division(division)
    if scheme is not None:
        return scheme.issuing_division(division)
    divisions = Divisions.read(connection)
    if division not in divisions:
        raise UnfitHome(division=division)
    return divisions.issuing(division)[1]


def _country(division: str) -> str | None:
    """The country of a division by its code; None where the code's scheme does not tell."""
    scheme = scheme_for_division(division)
    if scheme is None:
        return None
    return division[:2] if scheme.name == "generic" else _COUNTRIES.get(scheme.name)


def _save(connection: Connection, divisions: list[Division], area: Area | None) -> None:
    """Register the divisions from the top down; those below the area's boundary belong at least to it."""
    if area is not None and all(division.code != area.code for division in divisions):
        _name(connection, area)
    for level in sorted({division.level for division in divisions}):
        below = area is not None and area.boundary.level is not None and level > area.boundary.level
        own = [division for division in divisions if division.level == level]
        save_divisions(connection, own, otherwise=area.code if area and below else None)


def _name(connection: Connection, area: Area) -> None:
    """Register the area without a boundary: its name and level, unless it has a boundary from elsewhere."""
    found = connection.execute(
        "SELECT FROM twin.division WHERE code = %s AND boundary IS NOT NULL", (area.code,)
    ).fetchone()
    if found is None and area.boundary.level is not None:
        name = area.boundary.name or area.code
        save_divisions(connection, [Division(area.code, name, area.boundary.level)])
