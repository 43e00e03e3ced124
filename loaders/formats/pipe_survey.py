"""Pipe surveys: tables of points and of the lines between them, drawn here, from Access, CSV, DBF or XLSX.

Each medium has a table XXPOINT and a table XXLINE, XX being its code (JS, PS, RQ …). A line names its two
points; those are looked for in the medium's own points, then among all, where the number is one point's only.
X is the northing and Y the easting, as Chinese surveyors write; where they stand the other way round, which
Gauss-Krüger coordinates of China tell beyond doubt, they are read so. A line is drawn at the depth of the
pipe (ground height less burial depth) where that is known of both ends, else flat.

Layers: ``lines``, ``points``, and ``manholes``: the points whose appurtenance is a well or a grate. Columns
are all that the tables have, and ``medium code``; keys are ``JS/JS1`` for a point and ``JS/JS1-JS2`` for a
line, with ``~2`` behind the second line between the same points. Of points with one number the first counts.

Table and column names: CJJ 61 surveys as cities deliver them [S]; other names, and what is a well, are ours.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import shapely
from msgspec import Struct, field

from loaders import access, arrow
from loaders.arrow import Column
from loaders.errors import FileBroken, LayerNeeded, UnknownLayer
from loaders.formats import BaseFormat, OpenedFile, Request, Rows, Unread
from loaders.formats.csv import unique_names
from loaders.survey_tables import Role, Table, is_survey, tables
from loaders.values import present, quantities
from spatial.arrays import BoolArray, FloatArray, GeometryArray, Int64Array
from twin.kinds.fields import names_of
from twin.kinds.names import normalise_name
from twin.kinds.pipeline import KIND as PIPELINE

LAYERS = ("lines", "points", "manholes")
_LAYER_OF_KIND = {"pipeline": "lines", "manhole": "manholes"}
_ROLES: dict[str, Role] = {"lines": "LINE", "points": "POINT", "manholes": "POINT"}

NUMBER = ("Exp_No", "物探点号", "管线点号", "管点编号", "点号", "point_id")
NORTHING = ("X", "X坐标", "纵坐标", "X_coord")
EASTING = ("Y", "Y坐标", "横坐标", "Y_coord")
GROUND = ("High", "地面高程", "DMGC", "高程", "ground_level")
APPURTENANCE = ("Subsid", "附属物", "附属物名称", "FSW")
MEDIUM, KEY = "medium code", "id"
SECTION = ("section width", "section height")

_WELL = r"井|篦|箅|人孔|手孔"
_BOX = re.compile(r"\s*(\d+(?:\.\d+)?)\s*[×xX*＊]\s*(\d+(?:\.\d+)?)\s*(?:mm)?\s*")
_ROUND = re.compile(r"\s*(?:DN|[ΦφØø])\s*(\d+(?:\.\d+)?)\s*", re.IGNORECASE)
_NORTHINGS = (1_500_000.0, 6_500_000.0)
"""Metres from the equator in Gauss-Krüger, all of China; eastings are below a million, or above 13 million
where the zone stands before them."""


class Points(Struct, frozen=True):
    """Every point with a number and a position: where it is, and its ground height in metres, NaN if unknown.

    ``numbers`` are null where several points share one. ``exchanged``: the tables' X is the easting.
    """

    keys: Column
    numbers: Column
    places: FloatArray
    exchanged: bool

    def find(self, medium: str, numbers: Column) -> Int64Array:
        """The place of each numbered point, of its medium or of any; -1 where there is none."""
        own = arrow.positions(arrow.wrapped(f"{medium}/", numbers), self.keys)
        return np.where(own >= 0, own, arrow.positions(numbers, self.numbers))


def read_points(found: Sequence[Table]) -> Points:
    """The points of these tables. Raises ``FileBroken`` or ``UnknownEncoding``."""
    keys: list[str | None] = []
    numbers: list[str | None] = []
    parts: list[FloatArray] = [np.zeros((0, 3))]
    for table in found:
        names = [table.column(names) for names in (NORTHING, EASTING, GROUND)]
        for rows in table.source.rows():
            number = _numbers(rows, table.column(NUMBER))
            keys += arrow.wrapped(f"{table.medium}/", number).to_pylist()
            numbers += number.to_pylist()
            parts.append(np.column_stack([_metres(rows, name) for name in names]))
    north, east, ground = np.concatenate(parts).T
    exchanged = _looks_exchanged(north, east)
    places = np.column_stack([north, east, ground] if exchanged else [east, north, ground])
    placed = np.isfinite(places[:, :2]).all(axis=1) & places[:, :2].any(axis=1)
    often = Counter(number for number, there in zip(numbers, placed, strict=True) if there)
    return Points(
        arrow.texts(key for key, there in zip(keys, placed, strict=True) if there),
        arrow.texts(n if often[n] == 1 else None for n, there in zip(numbers, placed, strict=True) if there),
        places[placed],
        exchanged,
    )


def _looks_exchanged(x: FloatArray, y: FloatArray) -> bool:
    """Whether most X are no northings, and most Y are."""
    there = np.isfinite(x) & np.isfinite(y) & ((x != 0) | (y != 0))
    if not there.any():
        return False
    (low, high), north, east = _NORTHINGS, float(np.median(x[there])), float(np.median(y[there]))
    return not low <= north <= high and low <= east <= high


def _numbers(rows: Rows, name: str | None) -> Column:
    """Point numbers; those that a spreadsheet made ``12.0`` of ``12`` are ``12`` again."""
    if name is None:
        return arrow.nulls(len(rows))
    return arrow.map_distinct(present(rows.columns[name]), lambda text: re.sub(r"^(\d+)\.0+$", r"\1", text))


def _metres(rows: Rows, name: str | None) -> FloatArray:
    return np.full(len(rows), np.nan) if name is None else quantities(present(rows.columns[name]), "m", None)


class Drawn(Struct, frozen=True):
    """What is made of a table's rows: keys, shapes, columns that replace or join the table's own.

    Rows that are ``out`` are so for the ``reason``, and ``told`` are the columns that show it.
    """

    keys: Column
    shapes: GeometryArray
    changed: Mapping[str, Column]
    out: BoolArray
    reason: str
    told: Sequence[str]


class SurveyFile(OpenedFile):
    """A layer of a survey; ``spelled`` are its columns' names by their normalised ones."""

    tables: Sequence[Table] = ()
    points: Points = field(default_factory=lambda: read_points(()))
    spelled: Mapping[str, str] = field(default_factory=dict)

    def rows(self) -> Iterator[Rows]:
        """The layer's rows, table by table. Raises ``FileBroken`` or ``UnknownEncoding``."""
        before, repeated = 0, Counter[str]()
        for table in self.tables:
            last = 0
            for rows in table.source.rows():
                last = max([last, *rows.numbers.tolist()[-1:], *(line.number for line in rows.unread)])
                counted = Rows(
                    rows.numbers + before, rows.columns, None, [_after(u, before) for u in rows.unread]
                )
                yield from self._drawn(table, counted, repeated)
            before += last

    def _drawn(self, table: Table, rows: Rows, repeated: Counter[str]) -> Iterator[Rows]:
        name = table.column(APPURTENANCE)
        if self.layer == "lines":
            yield self._with(table, rows, self._lines(table, rows, repeated))
        elif self.layer == "points":
            yield self._with(table, rows, self._points(table, rows))
        elif name is not None:
            wells = rows.take(arrow.matches(present(rows.columns[name]), _WELL))
            yield self._with(table, wells, self._points(table, wells))

    def _points(self, table: Table, rows: Rows) -> Drawn:
        """Points at their ground height where that is known."""
        names = [table.column(names) for names in (NORTHING, EASTING, GROUND)]
        north, east, ground = (_metres(rows, name) for name in names)
        x, y = (north, east) if self.points.exchanged else (east, north)
        known = np.isfinite(x) & np.isfinite(y)
        shapes: GeometryArray = np.full(len(rows), None, dtype=object)
        shapes[known] = shapely.points(x[known], y[known])
        solid = known & np.isfinite(ground)
        shapes[solid] = shapely.points(x[solid], y[solid], ground[solid])
        written = [name for name in names[:2] if name is not None]
        filled = [~arrow.is_null(present(rows.columns[name])) for name in written]
        broken: BoolArray = np.logical_or.reduce([np.zeros(len(rows), dtype=np.bool_), *filled]) & ~known
        keys = arrow.wrapped(f"{table.medium}/", _numbers(rows, table.column(NUMBER)))
        return Drawn(keys, shapes, {}, broken, "geometry.unreadable", written)

    def _lines(self, table: Table, rows: Rows, repeated: Counter[str]) -> Drawn:
        """Lines between their points; those with an end that is nowhere are out."""
        ends = [_needed(table, name) for name in ("start_node", "end_node")]
        numbers = [_numbers(rows, name) for name in ends]
        places = [self.points.find(table.medium, column) for column in numbers]
        loose: BoolArray = (places[0] < 0) | (places[1] < 0)
        depths = [_metres(rows, table.column(_names(name))) for name in ("start_depth", "end_depth")]
        shapes: GeometryArray = np.full(len(rows), None, dtype=object)
        shapes[~loose] = _between(self.points, [p[~loose] for p in places], [d[~loose] for d in depths])
        keys = _line_keys(table.medium, numbers, repeated)
        return Drawn(keys, shapes, _sections(table, rows), loose, "pipe.dangling", ends)

    def _with(self, table: Table, rows: Rows, drawn: Drawn) -> Rows:
        """The rows in the layer's columns; those that are out with their number and what they say."""
        columns = {name: arrow.nulls(len(rows)) for name in self.columns}
        for name, column in {**rows.columns, **drawn.changed}.items():
            columns[self.spelled.get(normalise_name(name), name)] = arrow.as_text(column)
        columns |= {KEY: drawn.keys, MEDIUM: arrow.constant(table.medium, len(rows))}
        placed = Rows(rows.numbers, columns, arrow.binaries(shapely.to_wkb(drawn.shapes)))
        unread = [*rows.unread]
        for place in np.flatnonzero(drawn.out).tolist():
            said = [f"{name}={rows.columns[name][place : place + 1].to_pylist()[0]}" for name in drawn.told]
            unread.append(Unread(int(rows.numbers[place]), drawn.reason, " ".join([table.name, *said])))
        kept = placed.take(~drawn.out)
        return Rows(kept.numbers, kept.columns, kept.wkb, unread)


def _after(line: Unread, before: int) -> Unread:
    return Unread(line.number + before, line.reason, line.value)


def _names(attribute: str) -> list[str]:
    """What the pipeline kind knows an attribute by."""
    return [name for name, target in names_of(PIPELINE) if target.name == attribute]


def _needed(table: Table, attribute: str) -> str:
    """The column of an attribute. Raises ``FileBroken`` where the table has none."""
    found = table.column(_names(attribute))
    if found is None:
        wanted = {"start_node": "QD_ID", "end_node": "ZD_ID"}[attribute]
        raise FileBroken(
            path=table.name, reason=f"it has no column of the points that lines join ({wanted})."
        )
    return found


def _between(points: Points, places: Sequence[Int64Array], depths: Sequence[FloatArray]) -> GeometryArray:
    """Lines from one point to another, with heights where those are known of both ends."""
    ends = [points.places[at].copy() for at in places]
    for end, depth in zip(ends, depths, strict=True):
        end[:, 2] = np.round(end[:, 2] - depth, 4)
    corners = np.stack(ends, axis=1)
    solid = np.isfinite(corners[:, :, 2]).all(axis=1)
    lines: GeometryArray = np.full(len(corners), None, dtype=object)
    lines[solid] = shapely.linestrings(corners[solid])
    lines[~solid] = shapely.linestrings(corners[~solid][:, :, :2])
    return lines


def _line_keys(medium: str, numbers: Sequence[Column], repeated: Counter[str]) -> Column:
    """``JS/JS1-JS2``; what comes again is told apart by how often it came."""
    keys = []
    for start, end in zip(*(column.to_pylist() for column in numbers), strict=True):
        key = f"{medium}/{start or ''}-{end or ''}"
        repeated[key] += 1
        keys.append(key if repeated[key] == 1 else f"{key}~{repeated[key]}")
    return arrow.texts(keys)


def _sections(table: Table, rows: Rows) -> dict[str, Column]:
    """The diameter's column as plain numbers, and width and height of those that write ``800×600``."""
    name = table.column(_names("diameter"))
    if name is None:
        return {}
    written = present(rows.columns[name])

    def size(place: int) -> Callable[[str], str | None]:
        return lambda text: match[place] if (match := _BOX.fullmatch(text)) else None

    width, height = (arrow.map_distinct(written, size(place)) for place in (1, 2))
    plain = arrow.map_distinct(written, lambda text: match[1] if (match := _ROUND.fullmatch(text)) else text)
    sizes = dict(zip(SECTION, (width, height), strict=True))
    return {name: arrow.without(plain, ~arrow.is_null(width)), **sizes}


class Format(BaseFormat, frozen=True):
    """Pipe survey tables."""

    name: str = "Pipe survey"
    media_type: str = "application/vnd.ms-access"
    extensions: tuple[str, ...] = (".mdb", ".accdb")
    tested: str = "invented surveys in Access 2000, XLSX, and folders and zips of CSV and DBF"

    def sniff(self, head: bytes) -> bool:
        """Whether it is an Access database."""
        return head.startswith(access.SIGNATURES)

    def holds(self, names: Sequence[str]) -> bool:
        """Whether of some medium both tables are there, as CSV or DBF files."""
        return is_survey(names)

    def layers(self, path: Path) -> tuple[str, ...]:
        """Lines, points and manholes."""
        return LAYERS

    def open(self, path: Path, request: Request) -> SurveyFile:
        """A layer; without one said, that of the kind.

        Raises ``UnknownLayer``, ``LayerNeeded``, ``SurveyTablesMissing``, ``ToolMissing``, ``FileBroken`` or
        ``UnknownEncoding``.
        """
        if request.layer is not None and request.layer not in LAYERS:
            raise UnknownLayer(path=path, layer=request.layer, layers=", ".join(LAYERS))
        layer = request.layer or (_LAYER_OF_KIND.get(request.kind.name) if request.kind else None)
        if layer is None:
            raise LayerNeeded(path=path, layers=", ".join(LAYERS))
        found = tables(path)
        points = read_points([table for table in found if table.role == "POINT"])
        own = [table for table in found if table.role == _ROLES[layer]]
        extra = (KEY, MEDIUM, *(SECTION if layer == "lines" else ()))
        spelled = _spelled(own, extra)
        return SurveyFile(
            path,
            layer,
            (*extra, *spelled.values()),
            encoding=", ".join(sorted({table.source.encoding or "" for table in own})),
            encoding_found=own[0].source.encoding_found if own else None,
            notes=("survey.axes_exchanged",) if points.exchanged else (),
            key=KEY,
            tables=own,
            points=points,
            spelled=spelled,
        )


def _spelled(found: Sequence[Table], extra: Sequence[str]) -> dict[str, str]:
    """The columns of all the tables, each as it is spelled first, none like those that we add."""
    first: dict[str, str] = {}
    for table in found:
        for name in table.source.columns:
            first.setdefault(normalise_name(name), name)
    return dict(zip(first, unique_names([*extra, *first.values()])[len(extra) :], strict=True))


FORMATS = (Format(),)
