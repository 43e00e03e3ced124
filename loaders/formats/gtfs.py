"""GTFS schedules: the vehicles that run them, their routes and stops, from a zip archive or a folder.

GTFS knows no vehicles. It knows blocks: "a single trip or many sequential trips made using the same vehicle,
defined by shared service days and block_id" (GTFS reference, trips.txt, block_id [V]). So a row of the layer
``vehicles`` is a block, the vehicle that is needed for it, whichever that is on the day; a trip without a
block stands for a vehicle of its own. It stands where its first trip of the day begins: at the first point of
that trip's shape, else at its first stop. That a block is taken for a vehicle is ours.

``routes`` has the columns of routes.txt, the agency, and all shapes of the route's trips; ``stops`` is
stops.txt. Other files are not looked at. Positions are WGS 84, texts UTF-8 [V].
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import shapely
from msgspec import Struct, field

from loaders import arrow, bundle
from loaders.arrow import BadLine, Batch, BrokenStream, Column
from loaders.errors import FeedPartMissing, FileBroken, LayerNeeded, UnknownEncoding, UnknownLayer
from loaders.formats import BaseFormat, OpenedFile, Request, Rows, Unread
from loaders.formats.csv import unique_names, with_quotes_mended
from loaders.gdal import BATCH_ROWS
from spatial.arrays import FloatArray, GeometryArray, Int64Array
from twin.errors import sentence

LAYERS = ("vehicles", "routes", "stops")
WGS84 = "EPSG:4326"

_VEHICLE = ("id", "block_id", "trips", "route_id", "routes", "route_names", "vehicle_type", "operator")
_TYPES: Mapping[int, str] = {
    0: "tram", 1: "metro", 2: "train", 3: "bus", 4: "ferry", 5: "cable car", 6: "cable car", 7: "cable car",
    11: "trolleybus", 12: "monorail",
}  # fmt: skip
"""What runs on a route: route_type of routes.txt [V]."""
_EXTENDED: Mapping[int, str] = {
    1: "train", 2: "bus", 4: "metro", 7: "bus", 8: "trolleybus", 9: "tram", 10: "ferry", 12: "ferry",
    13: "cable car", 14: "cable car", 15: "taxi",
}  # fmt: skip
"""The same by the hundreds of the extended types, which Google's feeds use [S]."""


class Feed(Struct, frozen=True):
    """The tables of a feed in one folder."""

    folder: Path

    def has(self, name: str) -> bool:
        """Whether the table is there."""
        return (self.folder / name).is_file()

    def columns(self, name: str) -> tuple[str, ...]:
        """The names in a table's header. Raises ``FeedPartMissing`` or ``UnknownEncoding``."""
        if not self.has(name):
            raise FeedPartMissing(path=self.folder.name, part=name)
        try:
            with (self.folder / name).open(encoding="utf-8-sig", newline="") as file:
                return unique_names(next(csv.reader(file), []))
        except UnicodeDecodeError:
            raise UnknownEncoding(path=self.folder / name, tried="UTF-8") from None

    def table(self, name: str, needed: Sequence[str] = (), also: Sequence[str] = ()) -> Iterator[Batch]:
        """A table's ``needed`` columns, and of ``also`` those that it has; all if nothing is said.

        Raises ``FeedPartMissing``, ``FileBroken`` or ``UnknownEncoding``.
        """
        path, names = self.folder / name, self.columns(name)
        for column in needed:
            if column not in names:
                raise FileBroken(path=path, reason=f"it has no column {column}, which GTFS requires.")
        bad: list[BadLine] = []
        wanted = [*needed, *(column for column in also if column in names)]
        try:
            text = with_quotes_mended(path, "UTF-8", ",", len(names)) or path
            for batch in arrow.csv_batches(
                text, names, delimiter=",", encoding="utf-8", on_bad_line=bad.append, wanted=wanted
            ):
                yield Batch({n: arrow.stripped(column) for n, column in batch.columns.items()}, batch.length)
        except UnicodeDecodeError:
            raise UnknownEncoding(path=path, tried="UTF-8") from None
        except BrokenStream as error:
            if "utf" in str(error).lower():
                raise UnknownEncoding(path=path, tried="UTF-8") from None
            raise FileBroken(path=path, reason=sentence(error)) from error
        if bad:
            told = f"row {bad[0].row} has {bad[0].found} fields instead of {bad[0].expected}."
            raise FileBroken(path=path, reason=told)

    def rows(self, name: str, needed: Sequence[str], also: Sequence[str]) -> Iterator[tuple[str | None, ...]]:
        """A small table row by row, ``needed`` before ``also``; None for what is empty or not there."""
        for batch in self.table(name, needed, also):
            nothing = [None] * batch.length
            columns = [
                batch.columns[n].to_pylist() if n in batch.columns else nothing for n in (*needed, *also)
            ]
            yield from zip(*columns, strict=True)

    def numbers(self, name: str, column: Column) -> FloatArray:
        """A column of numbers. Raises ``FileBroken``."""
        try:
            return arrow.parsed_floats(column)
        except ValueError as error:
            raise FileBroken(path=self.folder / name, reason=sentence(error)) from None


class Route(Struct, frozen=True):
    """A row of routes.txt: what people call it, what runs on it, and for whom."""

    short_name: str | None
    long_name: str | None
    vehicle_type: str
    operator: str | None


class Trip(Struct):
    """A row of trips.txt; ``number`` is its place there."""

    number: int
    id: str
    route: str | None
    block: str | None
    shape: str | None


class FeedFile(OpenedFile):
    """A layer of a feed."""

    feed: Feed = field(default_factory=lambda: Feed(Path()))

    def rows(self) -> Iterator[Rows]:
        """All rows. Raises ``FeedPartMissing``, ``FileBroken`` or ``UnknownEncoding``."""
        match self.layer:
            case "vehicles":
                yield from _vehicles(self.feed)
            case "routes":
                yield from _routes(self.feed)
            case _:
                yield from _stops(self.feed)


class Format(BaseFormat, frozen=True):
    """GTFS."""

    name: str = "GTFS"
    media_type: str = "application/gtfs+zip"
    extensions: tuple[str, ...] = ()
    tested: str = "Brussels: 206 blocks of 3,937 trips, 90 routes, 299,281 shape points"

    def sniff(self, head: bytes) -> bool:
        """Never: a feed is several files."""
        return False

    def holds(self, names: Sequence[str]) -> bool:
        """Whether some folder has trips.txt beside routes.txt, stops.txt or stop_times.txt."""
        return _folder(names) is not None

    def layers(self, path: Path) -> tuple[str, ...]:
        """Vehicles, routes and stops."""
        return LAYERS

    def open(self, path: Path, request: Request) -> FeedFile:
        """A layer; without one said, that of the kind's name. Raises ``LayerNeeded`` and as ``Feed`` does."""
        layer = request.layer or (request.kind.plural if request.kind else None)
        if request.layer is not None and request.layer not in LAYERS:
            raise UnknownLayer(path=path, layer=request.layer, layers=", ".join(LAYERS))
        if layer not in LAYERS:
            raise LayerNeeded(path=path, layers=", ".join(LAYERS))
        root = bundle.contents(path)
        feed = Feed(root / (_folder(bundle.folder_names(root)) or ""))
        columns, key = _columns(feed, layer)
        return FeedFile(
            path,
            layer,
            columns,
            has_geometry=layer != "stops",
            crs=WGS84,
            encoding="UTF-8",
            encoding_found="declared",
            key=key,
            feed=feed,
        )


def _folder(names: Sequence[str]) -> str | None:
    """The folder that the feed's tables lie in, the uppermost."""
    known = set(names)
    for name in sorted(names, key=lambda one: one.count("/")):
        parent = PurePosixPath(name).parent
        beside = ("routes.txt", "stops.txt", "stop_times.txt")
        if PurePosixPath(name).name == "trips.txt" and any(str(parent / one) in known for one in beside):
            return str(parent)
    return None


def _columns(feed: Feed, layer: str) -> tuple[tuple[str, ...], str]:
    """The layer's columns and key. Raises as ``Feed.columns`` does, for routes.txt and trips.txt too."""
    for name in ("trips.txt", "routes.txt", "stops.txt"):
        feed.columns(name)
    if layer == "vehicles":
        return _VEHICLE, "id"
    if layer == "routes":
        return (*feed.columns("routes.txt"), "operator"), "route_id"
    return tuple(_PLACES.get(name, name) for name in feed.columns("stops.txt")), "stop_id"


_PLACES = {"stop_lon": "lon", "stop_lat": "lat"}


def _vehicles(feed: Feed) -> Iterator[Rows]:
    """A row a block, numbered by its first trip in trips.txt; without a known route it is ``unread``."""
    routes = _read_routes(feed)
    blocks: dict[str, list[Trip]] = {}
    for trip in _trips(feed):
        blocks.setdefault(f"block/{trip.block}" if trip.block else f"trip/{trip.id}", []).append(trip)
    departures = _departures(feed)
    starts = _starts(feed)
    stops = _stop_places(feed)
    rows, points, numbers, unread = [], [], [], []
    for key, trips in blocks.items():
        known = [trip for trip in trips if trip.route in routes]
        if not known:
            unread.append(Unread(trips[0].number, "gtfs.route_unknown", trips[0].route or ""))
            continue
        first = min(trips, key=lambda trip: departures.get(trip.id, _NEVER)[0])
        _, stop = departures.get(first.id, _NEVER)
        points.append(starts.get(first.shape or "") or stops.get(stop or ""))
        rows.append(_vehicle(key, trips, [routes[trip.route or ""] for trip in known]))
        numbers.append(trips[0].number)
    columns = {name: arrow.texts(row[place] for row in rows) for place, name in enumerate(_VEHICLE)}
    shapes = np.array([shapely.Point(p) if p else None for p in points], dtype=object)
    yield from _batched(np.array(numbers, dtype=np.int64), columns, shapes, unread)


def _vehicle(key: str, trips: Sequence[Trip], routes: Sequence[Route]) -> tuple[str | None, ...]:
    """The row of a block, in the order of ``_VEHICLE``."""
    return (
        key,
        trips[0].block,
        str(len(trips)),
        _listed(trip.route for trip in trips),
        _listed(route.short_name or route.long_name for route in routes),
        _listed(route.long_name for route in routes),
        routes[0].vehicle_type,
        routes[0].operator,
    )


def _listed(words: Iterator[str | None]) -> str | None:
    return ", ".join(dict.fromkeys(word for word in words if word)) or None


def _routes(feed: Feed) -> Iterator[Rows]:
    """routes.txt with the lines of each route's trips."""
    routes = _read_routes(feed)
    shapes: dict[str, dict[str, None]] = {}
    for trip in _trips(feed):
        if trip.route and trip.shape:
            shapes.setdefault(trip.route, {})[trip.shape] = None
    lines = _lines(feed)
    done = 0
    for batch in feed.table("routes.txt", feed.columns("routes.txt")):
        keys = batch.columns["route_id"].to_pylist()
        operators = arrow.texts(routes[key].operator if key in routes else None for key in keys)
        drawn = [[lines[one] for one in shapes.get(key or "", ()) if one in lines] for key in keys]
        geometries = np.array(
            [shapely.multilinestrings(parts) if parts else None for parts in drawn], dtype=object
        )
        numbers = np.arange(done + 1, done + batch.length + 1, dtype=np.int64)
        yield from _batched(numbers, {**batch.columns, "operator": operators}, geometries, ())
        done += batch.length


def _stops(feed: Feed) -> Iterator[Rows]:
    """stops.txt, its position in the columns ``lon`` and ``lat``."""
    done = 0
    for whole in feed.table("stops.txt", feed.columns("stops.txt")):
        for batch in arrow.sliced(whole, BATCH_ROWS):
            numbers = np.arange(done + 1, done + batch.length + 1, dtype=np.int64)
            yield Rows(numbers, {_PLACES.get(n, n): column for n, column in batch.columns.items()}, None)
            done += batch.length


def _batched(
    numbers: Int64Array, columns: Mapping[str, Column], shapes: GeometryArray, unread: Sequence[Unread]
) -> Iterator[Rows]:
    """Rows in batches of bounded size; what is ``unread`` goes with the first."""
    wkb = arrow.binaries(shapely.to_wkb(shapes))
    for start in range(0, max(len(numbers), 1), BATCH_ROWS):
        rows = slice(start, start + BATCH_ROWS)
        parts = {name: column[rows] for name, column in columns.items()}
        yield Rows(numbers[rows], parts, wkb[rows], unread if start == 0 else ())


def _read_routes(feed: Feed) -> dict[str, Route]:
    agencies: dict[str | None, str | None] = {}
    if feed.has("agency.txt"):
        agencies = {key: name for name, key in feed.rows("agency.txt", ("agency_name",), ("agency_id",))}
    only = next(iter(agencies.values())) if len(agencies) == 1 else None
    also = ("agency_id", "route_short_name", "route_long_name")
    found: dict[str, Route] = {}
    for key, kind, agency, short, long in feed.rows("routes.txt", ("route_id", "route_type"), also):
        if key is not None:
            found.setdefault(key, Route(short, long, vehicle_type(kind), agencies.get(agency, only)))
    return found


def vehicle_type(route_type: str | None) -> str:
    """What runs on a route of that type, in a word that ``twin.kinds.vehicle`` knows."""
    if route_type is None or not (route_type.isascii() and route_type.isdigit()):
        return "other"
    number = int(route_type)
    return _TYPES.get(number) or _EXTENDED.get(number // 100) or "other"


def _trips(feed: Feed) -> Iterator[Trip]:
    rows = feed.rows("trips.txt", ("trip_id", "route_id"), ("block_id", "shape_id"))
    for number, (key, route, block, shape) in enumerate(rows, 1):
        yield Trip(number, key or f"#{number}", route, block, shape)


_NEVER: tuple[float, str | None] = (float("inf"), None)


def _departures(feed: Feed) -> dict[str, tuple[float, str | None]]:
    """When each trip leaves, in seconds of its day, and from which stop; empty without stop_times.txt."""
    if not feed.has("stop_times.txt"):
        return {}
    name, columns = "stop_times.txt", ("departure_time", "stop_id")
    firsts = _firsts(feed, name, ("trip_id", "stop_sequence"), columns)
    return {trip: (_seconds(time), stop) for trip, (time, stop) in firsts.items()}


def _seconds(time: str | None) -> float:
    """``25:10:00`` is ten past one on the day after."""
    parts = (time or "").split(":")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return float("inf")
    hours, minutes, seconds = map(int, parts)
    return hours * 3600.0 + minutes * 60 + seconds


def _starts(feed: Feed) -> dict[str, tuple[float, float]]:
    """Where each shape begins; empty without shapes.txt."""
    if not feed.has("shapes.txt"):
        return {}
    columns = ("shape_pt_lon", "shape_pt_lat")
    firsts = _firsts(feed, "shapes.txt", ("shape_id", "shape_pt_sequence"), columns)
    return {shape: place for shape, written in firsts.items() if (place := _place(*written))}


def _stop_places(feed: Feed) -> dict[str, tuple[float, float]]:
    rows = feed.rows("stops.txt", ("stop_id",), ("stop_lon", "stop_lat"))
    return {stop: place for stop, lon, lat in rows if stop and (place := _place(lon, lat))}


def _place(lon: str | None, lat: str | None) -> tuple[float, float] | None:
    try:
        return (float(lon), float(lat)) if lon and lat else None
    except ValueError:
        return None


def _firsts(
    feed: Feed, name: str, by: tuple[str, str], columns: Sequence[str]
) -> dict[str, tuple[str | None, ...]]:
    """Of all rows with one key that of the lowest number, in whatever order they come; in bounded memory."""
    key, order = by
    found: dict[str, tuple[float, tuple[str | None, ...]]] = {}
    for batch in feed.table(name, (*by, *columns)):
        codes, keys = arrow.encoded(batch.columns[key])
        numbers = feed.numbers(name, batch.columns[order])
        sorted_ = np.lexsort((numbers, codes))
        rows = sorted_[np.diff(codes[sorted_], prepend=-1) > 0]
        values = zip(*(arrow.take(batch.columns[c], rows).to_pylist() for c in columns), strict=True)
        for code, number, row in zip(codes[rows].tolist(), numbers[rows].tolist(), values, strict=True):
            if keys[code] not in found or number < found[keys[code]][0]:
                found[keys[code]] = (number, row)
    return {one: row for one, (_, row) in found.items()}


def _lines(feed: Feed) -> dict[str, shapely.LineString]:
    """Every shape of at least two points, its points in the order of their numbers."""
    if not feed.has("shapes.txt"):
        return {}
    names: dict[str, int] = {}
    parts: list[tuple[Int64Array, FloatArray, FloatArray, FloatArray]] = []
    columns = ("shape_pt_sequence", "shape_pt_lon", "shape_pt_lat")
    for batch in feed.table("shapes.txt", ("shape_id", *columns)):
        codes, keys = arrow.encoded(batch.columns["shape_id"])
        numbered = np.array([names.setdefault(key, len(names)) for key in keys] or [0], dtype=np.int64)
        sequence, lon, lat = (feed.numbers("shapes.txt", batch.columns[column]) for column in columns)
        there = (codes >= 0) & np.isfinite(lon) & np.isfinite(lat)
        parts.append((numbered[codes[there]], sequence[there], lon[there], lat[there]))
    if not parts:
        return {}
    shape, sequence, lon, lat = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((sequence, shape))
    many = np.bincount(shape, minlength=len(names)) > 1
    order = order[many[shape[order]]]
    lines = shapely.linestrings(lon[order], lat[order], indices=np.cumsum(many)[shape[order]] - 1)
    return dict(zip((name for name, number in names.items() if many[number]), lines, strict=True))


FORMATS = (Format(),)
