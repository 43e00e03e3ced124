"""Geometries of a batch: read, brought home to WGS 84, judged, repaired, and the asset's point and cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import shapely
from msgspec import Struct

from loaders import arrow
from loaders.arrow import Column
from loaders.findings import Values, Verdict, shown
from loaders.formats import Rows
from loaders.plan import Position
from loaders.values import present, quantities
from spatial.arrays import BoolArray, FloatArray, GeometryArray, Int64Array
from spatial.cells import points_to_cells
from spatial.crs import WGS84, CoordinateSystem, Operation, outside_area_of_use
from spatial.geometry import asset_points, geometry_type_names, repair, to_wkb, usable
from spatial.plain import Plain, point_wkb, read_plain
from spatial.systems import Area, within
from twin.kinds import Kind

_TYPES = {
    "Point": 0,
    "LineString": 1,
    "Polygon": 3,
    "MultiPoint": 4,
    "MultiLineString": 5,
    "MultiPolygon": 6,
}
"""Shapely's numbers of the geometry types that kinds have."""

_NEAR, _FAR = 0.1, 1.0
"""Degrees from what is registered: a position that is as far off and would be as near is exchanged."""

_NOWHERE = 1e-9
"""A position this near to 0,0 (degrees or metres) was never filled in."""


class Raw(Struct, frozen=True):
    """A batch's geometries in the source's system; ``unreadable`` marks those that are there but
    broken, ``closed`` those of which a ring did not end where it began, ``texts`` how they were written."""

    geometries: GeometryArray
    unreadable: BoolArray
    texts: Column | None = None
    closed: BoolArray | None = None

    def __len__(self) -> int:
        return len(self.geometries)

    @property
    def there(self) -> BoolArray:
        """Which rows have a geometry that could be read."""
        missing: BoolArray = shapely.is_missing(self.geometries)
        return ~missing

    def read(self) -> Raw:
        """They are read."""
        return self

    def take(self, mask: BoolArray) -> Raw:
        """The rows of the mask."""
        texts = None if self.texts is None else arrow.take(self.texts, mask)
        closed = None if self.closed is None else self.closed[mask]
        return Raw(self.geometries[mask], self.unreadable[mask], texts, closed)


class Written(Struct, frozen=True):
    """A batch's geometries as WKB, to be read where that is needed.

    The rest is as of ``Raw``; ``texts`` is None where they were written as WKB.
    """

    wkb: Column
    texts: Column | None = None
    unreadable: BoolArray | None = None

    def __len__(self) -> int:
        return len(self.wkb)

    @property
    def there(self) -> BoolArray:
        """Which rows have a geometry."""
        return ~arrow.is_null(self.wkb)

    def read(self) -> Raw:
        """The geometries themselves."""
        raw = _read(self.wkb, shapely.from_wkb)
        unreadable = raw.unreadable if self.unreadable is None else raw.unreadable | self.unreadable
        texts = raw.texts if self.texts is None else self.texts
        return Raw(raw.geometries, unreadable, texts, raw.closed)

    def take(self, mask: BoolArray) -> Written:
        """The rows of the mask."""
        unreadable = None if self.unreadable is None else self.unreadable[mask]
        texts = None if self.texts is None else arrow.take(self.texts, mask)
        return Written(arrow.take(self.wkb, mask), texts, unreadable)


class Places(Struct):
    """Where the rows of a batch are: geometry, its point in degrees, and the point's cell (0: none).

    ``wkb`` is WKB, little-endian, in WGS 84, null where there is no geometry.
    """

    wkb: Column
    lon: FloatArray
    lat: FloatArray
    cells: Int64Array

    def take(self, mask: BoolArray) -> Places:
        """The rows of the mask."""
        return Places(arrow.take(self.wkb, mask), self.lon[mask], self.lat[mask], self.cells[mask])


def written_geometries(rows: Rows, position: Position) -> Raw | Written:
    """The geometries of the rows, from WKB, from WKT, or from longitude and latitude columns."""
    if rows.wkb is not None:
        return Written(rows.wkb)
    if position.wkt is not None:
        return _read(present(rows.columns[position.wkt]), shapely.from_wkt)
    if position.lon is not None and position.lat is not None:
        written = [present(rows.columns[name]) for name in (position.lon, position.lat)]
        x, y = map(arrow.decimal_points, written) if position.decimal_comma else written
        return _points(x, y)
    none = np.full(len(rows), None, dtype=object)
    return Raw(none, np.zeros(len(rows), dtype=np.bool_))


def read_geometries(rows: Rows, position: Position) -> Raw:
    """The same, read."""
    return written_geometries(rows, position).read()


def _read(written: Column, reader: Callable[..., GeometryArray]) -> Raw:
    """Geometries as ``reader`` reads them; rings that are only not closed are closed."""
    values = arrow.objects(written)
    geometries = reader(values, on_invalid="ignore")
    unreadable = shapely.is_missing(geometries) & ~arrow.is_null(written)
    if not unreadable.any():
        return Raw(geometries, unreadable, written)
    mended = reader(values[unreadable], on_invalid="fix")
    short = np.array([str(reason).startswith("Too few") for reason in shapely.is_valid_reason(mended)])
    mended[short] = None
    geometries[unreadable] = mended
    closed: BoolArray = unreadable & ~shapely.is_missing(geometries)
    return Raw(geometries, unreadable & ~closed, written, closed)


def _points(x_text: Column, y_text: Column) -> Written:
    x, y = quantities(x_text, None, None), quantities(y_text, None, None)
    there = ~np.isnan(x) & ~np.isnan(y)
    blank = arrow.is_null(x_text) & arrow.is_null(y_text)
    wkb = arrow.without(arrow.fixed_bytes(point_wkb(x, y)), ~there)
    return Written(wkb, arrow.joined([x_text, y_text], " "), ~there & ~blank)


def settle_places(
    written: Raw | Written,
    operation: Operation | None,
    kind: Kind,
    verdict: Verdict,
    extent: Area | None = None,
) -> Places:
    """Judge the geometries and bring the good ones to WGS 84; rows without one stay, without a place.

    ``extent`` is that of the registered divisions: by it a position is known whose x and y are exchanged.
    Of plain geometries of which nothing is to be said no objects are made.
    """
    if isinstance(written, Raw) or operation is None or operation.source.definition != WGS84.definition:
        return _settle(written.read(), operation, kind, verdict, extent)
    plain = _plain(written, operation, kind, extent)
    if not len(plain.rows):
        return _settle(written.read(), operation, kind, verdict, extent)
    others = np.ones(len(written), dtype=np.bool_)
    others[plain.rows] = False
    apart = verdict.of(others)
    places = _settle(written.take(others).read(), operation, kind, apart, extent)
    verdict.alive[others] = apart.alive
    lon, lat = np.empty(len(written)), np.empty(len(written))
    lon[others], lat[others], lon[~others], lat[~others] = places.lon, places.lat, plain.lon, plain.lat
    wkb = arrow.mixed(others, places.wkb, arrow.take(written.wkb, ~others))
    return Places(wkb, lon, lat, points_to_cells(lon, lat))


def _plain(written: Written, operation: Operation, kind: Kind, extent: Area | None) -> Plain:
    """The plain geometries that are sound, at home, and where the kind's may be."""
    plain = read_plain(
        *arrow.binary_parts(written.wkb), points="Point" in kind.geometry, polygons="Polygon" in kind.geometry
    )
    if _all_at_home(plain, operation.source, extent):
        return plain
    west, south, east, north = plain.bounds.T
    good = ~outside_area_of_use(operation.source, west, south)
    good &= ~outside_area_of_use(operation.source, east, north)
    good &= (np.abs(plain.bounds) >= _NOWHERE).any(axis=1)
    if extent is not None:
        good &= within(extent, plain.lon, plain.lat, _FAR)
    return plain if good.all() else plain.take(good)


def _all_at_home(plain: Plain, system: CoordinateSystem, extent: Area | None) -> bool:
    """Whether even the box around all of them, in WGS 84, is where each has to be, and 0,0 far from it."""
    if not len(plain.rows):
        return False
    wests, souths, easts, norths = plain.bounds.T
    west, south, east, north = wests.min(), souths.min(), easts.max(), norths.max()
    x, y = np.array([west, east]), np.array([south, north])
    if max(west, south, -east, -north) < _NOWHERE or outside_area_of_use(system, x, y).any():
        return False
    return extent is None or bool(within(extent, x, y, _FAR).all())


def _settle(
    raw: Raw, operation: Operation | None, kind: Kind, verdict: Verdict, extent: Area | None
) -> Places:
    geometries = raw.geometries.copy()
    verdict.reject(
        raw.unreadable, "geometry.unreadable", "geometry", None if raw.texts is None else shown(raw.texts)
    )
    geometries[shapely.is_empty(geometries)] = None
    if operation is not None:
        verdict.warn(shapely.is_missing(geometries), "geometry.missing")
    _reject_unfit(geometries, kind, verdict)
    geometries[~verdict.alive] = None
    if operation is not None:
        outsiders = outside(geometries, operation.source)
        _reject_exchanged(geometries, outsiders, operation, extent, verdict)
        verdict.reject(outsiders, "crs.outside", "geometry", _written(geometries))
        geometries[~verdict.alive] = None
        if operation.source.definition != WGS84.definition:
            geometries = operation.transform(geometries)
            _reject_not_finite(geometries, verdict)
    _note_closed(raw, geometries, verdict)
    geometries = _fitted(_repaired(geometries, verdict), kind)
    _reject_types(geometries, kind, verdict)
    geometries[~verdict.alive] = None
    lon, lat = asset_points(geometries)
    if operation is not None and extent is not None:
        far = np.isfinite(lon) & ~within(extent, lon, lat, _FAR)
        _reject_exchanged(raw.geometries, far, operation, extent, verdict)
    wkb = arrow.binaries(to_wkb(geometries))
    return Places(wkb, lon, lat, points_to_cells(lon, lat))


def _reject_unfit(geometries: GeometryArray, kind: Kind, verdict: Verdict) -> None:
    """Types that the kind has not, coordinates that are no numbers, positions that were never filled in."""
    _reject_types(geometries, kind, verdict)
    _reject_not_finite(geometries, verdict)
    with np.errstate(invalid="ignore"):
        nowhere: BoolArray = np.all(np.abs(shapely.bounds(geometries)) < _NOWHERE, axis=1)
    verdict.reject(nowhere, "geometry.null_island", "geometry", _written(geometries))


def _reject_types(geometries: GeometryArray, kind: Kind, verdict: Verdict) -> None:
    """A collection of one part passes where the kind has that part's type."""
    types, parts = shapely.get_type_id(geometries), shapely.get_num_geometries(geometries)
    allowed = [_TYPES[name] for name in kind.geometry]
    covered = [_TYPES[f"Multi{name}"] for name in kind.geometry if f"Multi{name}" in _TYPES]
    fits = np.isin(types, [*allowed, -1]) | (np.isin(types, covered) & (parts == 1))
    names = geometry_type_names(geometries)
    verdict.reject(
        ~fits,
        "geometry.type",
        "geometry",
        lambda places: list(names[places]),
        lambda place: {"kind": kind.name, "found": str(names[place])},
    )


def _reject_not_finite(geometries: GeometryArray, verdict: Verdict) -> None:
    broken = ~usable(geometries) & ~shapely.is_missing(geometries)
    verdict.reject(broken, "geometry.not_finite", "geometry", _written(geometries))


def _reject_exchanged(
    geometries: GeometryArray,
    astray: BoolArray,
    operation: Operation,
    extent: Area | None,
    verdict: Verdict,
) -> None:
    """Of the rows that are astray those that lie within the extent when x and y change places."""
    if extent is None or not astray.any():
        return
    west, south, east, north = shapely.bounds(geometries[astray]).T
    lon, lat = operation.transform_xy((south + north) / 2, (west + east) / 2)
    exchanged = np.zeros(len(geometries), dtype=np.bool_)
    exchanged[astray] = within(extent, lon, lat, _NEAR)
    verdict.reject(exchanged, "geometry.swapped", "geometry", _written(geometries))


def outside(geometries: GeometryArray, system: CoordinateSystem) -> BoolArray:
    """Which geometries have a corner of their bounds outside the system's area of use."""
    bounds = shapely.bounds(geometries)
    there = np.isfinite(bounds).all(axis=1)
    west, south, east, north = bounds[there].T
    out = outside_area_of_use(system, west, south) | outside_area_of_use(system, east, north)
    result = np.zeros(len(geometries), dtype=np.bool_)
    result[there] = out
    return result


def _note_closed(raw: Raw, geometries: GeometryArray, verdict: Verdict) -> None:
    words = {"repair": "A ring was not closed; it is now.", "repair_zh": "环未闭合；已闭合。"}
    if raw.closed is not None:
        verdict.warn(raw.closed, "geometry.repaired", "geometry", _written(geometries), lambda _: words)


def _repaired(geometries: GeometryArray, verdict: Verdict) -> GeometryArray:
    mended, repairs = repair(geometries)
    if not repairs:
        return geometries
    by_row = {change.row: change for change in repairs}
    lost, changed = (np.zeros(len(geometries), dtype=np.bool_) for _ in range(2))
    lost[[change.row for change in repairs if not change.parts]] = True
    changed[[change.row for change in repairs if change.parts]] = True
    verdict.reject(
        lost,
        "geometry.invalid",
        "geometry",
        _written(geometries),
        lambda place: {"problem": by_row[place].reason},
    )
    verdict.warn(
        changed,
        "geometry.repaired",
        "geometry",
        _written(geometries),
        lambda place: {"repair": by_row[place].text("en"), "repair_zh": by_row[place].text("zh")},
    )
    return mended


def _fitted(geometries: GeometryArray, kind: Kind) -> GeometryArray:
    """Collections of one part taken out of their cover where the kind has only the part's type."""
    types = shapely.get_type_id(geometries)
    single = np.isin(types, (4, 5, 6)) & ~np.isin(types, [_TYPES[name] for name in kind.geometry])
    single &= shapely.get_num_geometries(geometries) == 1
    if not single.any():
        return geometries
    fitted = geometries.copy()
    fitted[single] = shapely.get_geometry(geometries[single], 0)
    return fitted


def _written(geometries: GeometryArray) -> Values:
    def values(places: Int64Array) -> Sequence[object]:
        written = shapely.to_wkt(geometries[places], rounding_precision=7, trim=True)
        return [str(text) for text in written]

    return values
