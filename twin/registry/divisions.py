"""Divisions: districts, streets, communities and unit grids; where a point lies, who issues codes there.

Levels are OpenStreetMap's ``admin_level`` scale [S], continued by 12 for the unit grid (单元网格), which
is ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from msgspec import Struct
from numpy.typing import NDArray
from psycopg import Connection
from shapely.geometry.base import BaseGeometry

from spatial.arrays import GeometryArray
from spatial.cells import selecting_cover
from spatial.geometry import asset_points, from_wkb
from twin.errors import TwinError
from twin.identity import scheme_for_division
from twin.identity.gbt2260 import division_name
from twin.identity.scheme import tidy
from twin.registry.statements import statement
from twin.settings import RegistrySettings

LEVELS: Mapping[str, int] = {
    "country": 2,
    "province": 4,
    "city": 5,
    "district": 6,
    "street": 8,
    "community": 10,
    "grid": 12,
}
COVER_CELLS = 512
UNKNOWN_HOME = "XX-0"
"""Home where nothing tells it: ISO 3166-1 leaves AA, QM to QZ, XA to XZ and ZZ to its users [M]."""

Text = NDArray[np.object_]
Int64 = NDArray[np.int64]
Float = NDArray[np.float64]


class UnknownDivision(TwinError):
    code = "division.unknown"
    en = (
        "There is no division {division}. `twin divisions list` shows those there are; "
        "`twin divisions load` adds more."
    )
    zh = "没有区划 {division}。可用 `twin divisions list` 查看，用 `twin divisions load` 添加。"


class NoDivisions(TwinError):
    code = "division.none"
    en = (
        "This registry knows no division yet, so no asset can be given a code. Say where home is, once: "
        "`twin home 310115` (or FI-091: country and area), or load boundaries: `twin divisions load FILE`."
    )
    zh = (
        "本登记库还没有任何区划，无法为部件编码。请先设定一次所在区划："
        "`twin home 310115`（或 FI-091：国家与地区），或导入边界：`twin divisions load 文件`。"
    )


class NoIssuer(TwinError):
    code = "division.no_issuer"
    en = (
        "No code scheme fits the division {division} or one above it, and the registry has no home division. "
        "Set one: `twin home 310115` or `twin home FI-091`."
    )
    zh = (
        "没有编码方案适合区划 {division} 及其上级，且登记库未设所在区划。"
        "请设定：`twin home 310115` 或 `twin home FI-091`。"
    )


class UnfitHome(TwinError):
    code = "division.unfit"
    en = (
        "{division} can't be the home division: no code scheme reads it. Write six digits of GB/T 2260 "
        "(310115), or a country and its area (FI-091)."
    )
    zh = (
        "{division} 不能作为所在区划：没有编码方案能识别。"
        "请用六位行政区划代码（310115），或国家与地区（FI-091）。"
    )


class BadDivisions(TwinError):
    code = "division.invalid"
    en = "The divisions can't be loaded: {reason}. Nothing was changed."
    zh = "无法导入区划：{reason_zh}。未作任何更改。"


class UnknownLevel(TwinError):
    code = "division.level"
    en = "{level} is no level. Write one of {names}, or a number from 1 to 15 as OpenStreetMap's admin_level."
    zh = "{level} 不是有效级别。请写 {names} 之一，或 1 至 15 的数字（同 OpenStreetMap 的 admin_level）。"


def parse_level(text: str) -> int:
    """A level's number from its name (``district``) or number; raises ``UnknownLevel``."""
    if text in LEVELS:
        return LEVELS[text]
    if text.isdecimal() and 1 <= int(text) <= 15:
        return int(text)
    raise UnknownLevel(level=text, names=", ".join(LEVELS))


def home(connection: Connection[Any]) -> str | None:
    """The registry's home division: ``TWIN_DIVISION``, else what ``twin home`` set, else None."""
    chosen = RegistrySettings.read().division
    if chosen:
        return chosen
    row = connection.execute("SELECT value FROM twin.setting WHERE name = 'home'").fetchone()
    return str(row[0]) if row else None


def set_home(connection: Connection[Any], code: str) -> None:
    """Make ``code`` the home division, registering it without a boundary where it is new."""
    code = tidy(code)
    if not issues_codes(code):
        raise UnfitHome(division=code)
    ensure_known(connection, code)
    connection.execute(
        "INSERT INTO twin.setting VALUES ('home', %s)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (code,),
    )


def issues_codes(code: str) -> bool:
    """Whether a code scheme issues codes in ``code`` itself."""
    scheme = scheme_for_division(tidy(code))
    return scheme is not None and scheme.issuing_division(tidy(code)) == tidy(code)


def ensure_known(connection: Connection[Any], code: str) -> None:
    """Register ``code`` where a code scheme reads it; raises ``UnknownDivision`` where none does."""
    found = connection.execute("SELECT 1 FROM twin.division WHERE code = %s", (code,)).fetchone()
    if found:
        return
    if scheme_for_division(code) is None:
        raise UnknownDivision(division=code)
    save_divisions(connection, [Division(code, division_name(code) or code, LEVELS["district"])])


class Division(Struct, frozen=True):
    """A division to register; ``boundary`` is a polygon or multipolygon in WGS 84 longitude and latitude."""

    code: str
    name: str
    level: int
    parent: str | None = None
    boundary: BaseGeometry | None = None


def save_divisions(
    connection: Connection[Any], divisions: Sequence[Division], otherwise: str | None = None
) -> None:
    """Add divisions or replace those of the same codes, with their covers; commits nothing.

    ``otherwise`` is the parent of those whose parent is neither given nor told by code or place.
    """
    require_sound(divisions)
    parents = {code: parent or otherwise for code, parent in _parents(connection, divisions).items()}
    columns = (
        [d.code for d in divisions],
        [d.name for d in divisions],
        [d.level for d in divisions],
        [parents[d.code] for d in divisions],
        [None if d.boundary is None else shapely.to_wkb(d.boundary) for d in divisions],
    )
    connection.execute(_sql("save_divisions"), columns)
    connection.execute(_sql("division_paths"))
    _save_covers(connection, divisions)


def require_sound(divisions: Sequence[Division]) -> None:
    """Raise ``BadDivisions`` for one without code, name or area, or with another's code."""
    seen: set[str] = set()
    for division in divisions:
        if not division.code or not division.name:
            told = f"({division.code!r}, {division.name!r})"
            raise BadDivisions(
                reason=f"a division lacks its code or name {told}", reason_zh=f"有区划缺少代码或名称 {told}"
            )
        if division.code in seen:
            raise BadDivisions(
                reason=f"the code {division.code} comes twice", reason_zh=f"代码 {division.code} 出现两次"
            )
        boundary = division.boundary
        if boundary is not None and boundary.geom_type not in ("Polygon", "MultiPolygon"):
            raise BadDivisions(
                reason=f"the boundary of {division.code} is a {boundary.geom_type}, not a polygon",
                reason_zh=f"{division.code} 的边界是 {boundary.geom_type}，不是面",
            )
        seen.add(division.code)


def _parents(connection: Connection[Any], divisions: Sequence[Division]) -> dict[str, str | None]:
    """Each division's parent: as given, else by its code, else by its place."""
    known = Divisions.read(connection)
    codes = {*known.codes, *(d.code for d in divisions)}
    by_place = _parents_by_place(known, divisions)
    parents = {d.code: d.parent or _parent_by_code(d.code, codes) or by_place.get(d.code) for d in divisions}
    for division, parent in parents.items():
        if parent is not None and parent not in codes:
            raise BadDivisions(
                reason=f"the parent {parent} of {division} is not registered; load it first",
                reason_zh=f"{division} 的上级 {parent} 尚未登记，请先导入",
            )
    _require_no_circle({**known.parents, **parents})
    return parents


def _require_no_circle(parents: Mapping[str, str | None]) -> None:
    """Raise ``BadDivisions`` where a division is above itself."""
    sound: set[str] = set()
    for division in parents:
        above: dict[str, None] = {}
        current: str | None = division
        while current is not None and current not in sound:
            if current in above:
                raise BadDivisions(
                    reason=f"{current} would be a division of itself", reason_zh=f"{current} 会成为自身的上级"
                )
            above[current] = None
            current = parents.get(current)
        sound |= above.keys()


def _parent_by_code(code: str, codes: set[str]) -> str | None:
    """The longest known code that begins it: area codes are 6 county, 3 street, 3 community digits [S]."""
    if not code.isdecimal():
        return None
    return next((code[:n] for n in range(len(code) - 1, 1, -1) if code[:n] in codes), None)


def _parents_by_place(known: Divisions, divisions: Sequence[Division]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for level in {d.level for d in divisions}:
        placed = [d for d in divisions if d.level == level and d.boundary is not None]
        if not placed:
            continue
        lon, lat = asset_points(np.array([d.boundary for d in placed], dtype=object))
        above = known.above(level).assign(lon, lat)
        found |= {d.code: parent for d, parent in zip(placed, above, strict=True) if parent != d.code}
    return found


def _save_covers(connection: Connection[Any], divisions: Sequence[Division]) -> None:
    connection.execute(
        "DELETE FROM twin.division_cover WHERE division = ANY(%s)", ([d.code for d in divisions],)
    )
    statement = "COPY twin.division_cover (division, lower, upper, interior) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for division in divisions:
            if division.boundary is None:
                continue
            cover = selecting_cover(division.boundary, max_cells=COVER_CELLS)
            for ranges, interior in ((cover.interior, True), (cover.edge, False)):
                for lower, upper in ranges:
                    copy.write_row((division.code, int(lower), int(upper), interior))


def listed(connection: Connection[Any], level: int | None = None) -> list[tuple[str, str, int, str | None]]:
    """Code, name, level and parent of every division, or of those of ``level``, from the top down."""
    statement = (
        "SELECT code, name, level, parent FROM twin.division"
        " WHERE %(level)s::smallint IS NULL OR level = %(level)s ORDER BY level, code"
    )
    return connection.execute(statement, {"level": level}).fetchall()


class _Level(Struct, frozen=True):
    """The divisions of one level: cover ranges whose every point is inside, and the exact boundaries.

    ``owner`` of each range and ``placed`` of each boundary are the division's place in ``Divisions.listed``;
    ``tree`` is of the boundaries. These are prepared: GEOS goes through their edges once and not for every
    batch of points.
    """

    placed: Int64
    boundaries: GeometryArray
    tree: shapely.STRtree
    lower: Int64
    upper: Int64
    owner: Int64

    def assign(self, lon: Float, lat: Float, cells: Int64 | None) -> Int64:
        found: Int64 = np.full(lon.shape, -1, dtype=np.int64)
        if cells is not None and self.lower.size:
            at = np.searchsorted(self.lower, cells, side="right") - 1
            inside = (at >= 0) & (cells <= self.upper[np.maximum(at, 0)])
            found[inside] = self.owner[at[inside]]
        self._assign_exactly(lon, lat, found)
        return found

    def _assign_exactly(self, lon: Float, lat: Float, found: Int64) -> None:
        rest = np.flatnonzero((found < 0) & np.isfinite(lon) & np.isfinite(lat))
        if not rest.size or not self.boundaries.size:
            return
        lon, lat = lon[rest], lat[rest]
        point, which = self.tree.query(np.asarray(shapely.points(lon, lat)))
        covered = shapely.intersects_xy(self.boundaries[which], lon[point], lat[point])
        point, which = point[covered], which[covered]
        # A point on a common border belongs to the lowest code: written last.
        order = np.argsort(which, kind="stable")[::-1]
        found[rest[point[order]]] = self.placed[which[order]]


class Divisions:
    """All divisions of the registry, read once, to place whole columns of points."""

    def __init__(
        self,
        parents: Mapping[str, str | None],
        names: Mapping[str, str],
        levels: Mapping[int, _Level],
        home: str | None,
        fingerprint: str,
    ) -> None:
        self.listed = tuple(parents)
        self.parents = parents
        self._levels = levels
        self.home = home
        self.fingerprint = fingerprint
        self.codes = frozenset(parents)
        self._by_name = _unique_names(names)

    @classmethod
    def read(cls, connection: Connection[Any]) -> Divisions:
        """Every division with its boundary and cover."""
        rows = connection.execute(_sql("divisions")).fetchall()
        with connection.cursor(binary=True) as cursor:
            ranges = {level: map(_numbers, told) for level, *told in cursor.execute(_sql("interior_ranges"))}
        places = {row[0]: place for place, row in enumerate(rows)}
        levels: dict[int, _Level] = {}
        for level in sorted({row[2] for row in rows}, reverse=True):
            placed = [row for row in rows if row[2] == level and row[4] is not None]
            lower, upper, owner = ranges.get(level, (_numbers(b""),) * 3)
            ascending = np.argsort(lower)
            boundaries = from_wkb([row[4] for row in placed])
            shapely.prepare(boundaries)
            levels[level] = _Level(
                placed=np.array([places[row[0]] for row in placed], dtype=np.int64),
                boundaries=boundaries,
                tree=shapely.STRtree(boundaries),
                lower=lower[ascending],
                upper=upper[ascending],
                owner=owner[ascending],
            )
        state = connection.execute(_sql("divisions_fingerprint")).fetchone()
        return cls(
            parents={row[0]: row[3] for row in rows},
            names={row[0]: row[1] for row in rows},
            levels=levels,
            home=home(connection),
            fingerprint=str(state[0]) if state else "",
        )

    def __contains__(self, code: object) -> bool:
        return code in self.codes

    def __bool__(self) -> bool:
        return bool(self.codes) or self.home is not None

    @cached_property
    def extent(self) -> tuple[float, float, float, float] | None:
        """West, south, east and north of all boundaries, in degrees; None where there are none."""
        boundaries = [level.boundaries for level in self._levels.values() if level.boundaries.size]
        if not boundaries:
            return None
        west, south, east, north = shapely.total_bounds(np.concatenate(boundaries)).tolist()
        return west, south, east, north

    def above(self, level: int) -> Divisions:
        """The divisions of levels above (smaller than) ``level``."""
        levels = {n: divisions for n, divisions in self._levels.items() if n < level}
        return Divisions(self.parents, {}, levels, self.home, self.fingerprint)

    def assign(self, lon: Float, lat: Float, cells: Int64 | None = None) -> Text:
        """The code of the most detailed division that covers each point, or None; see ``places``."""
        codes: Text = np.array([*self.listed, None], dtype=object)
        return codes[self.places(lon, lat, cells)]

    def places(self, lon: Float, lat: Float, cells: Int64 | None = None) -> Int64:
        """The place in ``listed`` of the most detailed division that covers each point, or -1.

        ``lon``, ``lat`` are degrees in WGS 84; ``cells`` the points' H3 cells of resolution 15, with which
        points well inside a division need no geometry.
        """
        found: Int64 = np.full(lon.shape, -1, dtype=np.int64)
        for level in sorted(self._levels, reverse=True):
            rest = np.flatnonzero(found < 0)
            if not rest.size:
                break
            found[rest] = self._levels[level].assign(
                lon[rest], lat[rest], None if cells is None else cells[rest]
            )
        return found

    def find(self, value: str) -> str | None:
        """The code of the division called ``value``: a code, or a name that only one division bears."""
        return value if value in self.codes else self._by_name.get(value)

    def issuing(self, code: str) -> tuple[str, str]:
        """The code scheme and the division that issue codes for assets standing in ``code``.

        The first of the division and its ancestors that a scheme reads, else the home division; raises
        ``NoIssuer``.
        """
        current: str | None = code
        while current is not None:
            scheme = scheme_for_division(current)
            if scheme is not None:
                return scheme.name, scheme.issuing_division(current)
            current = self.parents.get(current)
        scheme = scheme_for_division(self.home) if self.home else None
        if scheme is None or self.home is None:
            raise NoIssuer(division=code)
        return scheme.name, scheme.issuing_division(self.home)


def _numbers(sent: bytes) -> Int64:
    """Numbers of 64 bits as PostgreSQL sends them."""
    return np.frombuffer(sent, ">i8").astype(np.int64)


def _unique_names(names: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    twice: set[str] = set()
    for code, name in names.items():
        if name in found:
            twice.add(name)
        found[name] = code
    return {name: code for name, code in found.items() if name not in twice}


def _sql(name: str) -> Any:
    return statement("twin.registry", name)
