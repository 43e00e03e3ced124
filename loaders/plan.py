"""How the columns of a source fill the fields of a kind: settled once, before the first row.

By a mapping exactly as it says; without one, by the names that the kind knows for its fields. Of several
columns for one field the kind's first name wins; where columns are tags (OSM), each row takes the first that
it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from loaders.errors import MappingInvalid, UnknownField, nearest, unknown_column
from loaders.formats import Source
from loaders.mapping import FieldSource
from loaders.mapping import Mapping as GivenMapping
from twin.kinds import Kind
from twin.kinds.common import ADDRESS_PARTS, common_fields
from twin.kinds.fields import Field, choice_words, field_names, identifier
from twin.kinds.model import Attribute, Identifier
from twin.kinds.names import normalise_name
from twin.kinds.units import factor

# Pairs of columns that hold longitude and latitude, or at least an x and a y, by their normalised names.
DEGREES = (
    ("lon", "lat"), ("lng", "lat"), ("long", "lat"), ("longitude", "latitude"),
    ("经度", "纬度"), ("wgs84lon", "wgs84lat"), ("gpslon", "gpslat"), ("xlon", "ylat"),
)  # fmt: skip
PLANE = (("xcoord", "ycoord"), ("x", "y"), ("easting", "northing"), ("东坐标", "北坐标"))
WKT = ("wkt", "geometry", "geom", "thegeom", "geometrywkt", "shape", "几何")
_POSITION = ("lon", "lat", "wkt")


class Column(Struct, frozen=True):
    """A column, and the unit of its numbers where it is not the field's own."""

    name: str
    unit: str | None = None


class Filling(Struct, frozen=True):
    """How one field of the kind is filled: from columns, the first that has a value, or with one value.

    ``parts`` are columns whose values, joined, fill it where none of ``columns`` has one.
    """

    target: Field
    meaning: Attribute | Identifier
    columns: tuple[Column, ...]
    source: FieldSource = field(default_factory=FieldSource)
    parts: tuple[str, ...] = ()


class Position(Struct, frozen=True):
    """Where a row's geometry is when the file has none of its own; ``degrees``: the names say longitude.

    ``decimal_comma``: coordinates may be written as ``121,5``.
    """

    lon: str | None = None
    lat: str | None = None
    wkt: str | None = None
    degrees: bool = False
    decimal_comma: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that hold it."""
        return tuple(name for name in (self.lon, self.lat, self.wkt) if name is not None)


class Plan(Struct, frozen=True):
    """Everything that is settled about the columns.

    ``key`` is the mapping's, else the format's; without it ``likely_keys`` are the columns named like one,
    best first: which of them it is shows in the first rows. ``assumed`` are those of the fillings that only
    headings' units or values' shapes tell.
    """

    kind: Kind
    fillings: tuple[Filling, ...]
    position: Position
    key: str | None
    likely_keys: tuple[str, ...]
    unmapped: tuple[str, ...]
    assumed: tuple[Filling, ...] = ()

    def filled(self, where: str) -> tuple[str, ...]:
        """The names of the shared fields (``common``), attributes or identifiers that are filled."""
        return tuple(filling.target.name for filling in self.fillings if filling.target.where == where)

    def with_assumed(self, more: tuple[Filling, ...]) -> Plan:
        """The plan with further fields filled, each from a column that was not used."""
        used = {column.name for filling in more for column in filling.columns}
        unmapped = tuple(name for name in self.unmapped if name not in used)
        return replace(self, fillings=(*self.fillings, *more), assumed=more, unmapped=unmapped)

    def without_column(self, name: str) -> Plan:
        """The plan with a column used that fills no field."""
        return replace(self, unmapped=tuple(column for column in self.unmapped if column != name))

    def as_json(self) -> dict[str, object]:
        """The mapping as the receipt shows it."""
        shown: dict[str, object] = {}
        for filling in self.fillings:
            named = [*(column.name for column in filling.columns), *filling.parts]
            shown[filling.target.name] = filling.source.value if not named else ", ".join(named)
        position = {"lon": self.position.lon, "lat": self.position.lat, "wkt": self.position.wkt}
        return shown | {name: column for name, column in position.items() if column is not None}


def settle(source: Source, kind: Kind, given: GivenMapping, where: object) -> Plan:
    """The plan for a source. Raises ``UnknownColumn``, ``UnknownField`` or ``MappingInvalid``."""
    for name in given.columns:
        if name not in source.columns and not source.tags:
            raise unknown_column(name, source.columns)
    position = replace(_position(source, given), decimal_comma=source.decimal_comma)
    if given.fields is None:
        fillings, likely_keys = _by_name(source, kind, position)
    else:
        fillings, likely_keys = _as_given(kind, given, where), ()
    used = {
        *(c.name for f in fillings for c in f.columns),
        *(p for f in fillings for p in f.parts),
        *position.columns,
    }
    key = given.key or source.key
    unmapped = () if source.tags else tuple(n for n in source.columns if n not in used and n != key)
    return Plan(kind, tuple(fillings), position, key, likely_keys, unmapped)


def _by_name(source: Source, kind: Kind, position: Position) -> tuple[list[Filling], tuple[str, ...]]:
    names = field_names(kind)
    rank = {name: place for place, name in enumerate(names)}
    found: dict[Field, list[Column]] = {}
    for column in sorted(source.columns, key=lambda name: rank.get(normalise_name(name), len(rank))):
        target = names.get(normalise_name(column))
        if target is not None and column not in position.columns:
            field_itself = Field(target.where, target.name)
            found.setdefault(field_itself, []).append(Column(column, target.unit))
    keys = tuple(column.name for column in found.pop(Field("common", "source_key"), []))
    several = slice(None) if source.tags else slice(1)
    fillings = [
        Filling(target, meaning_of(kind, target), tuple(columns[several]))
        for target, columns in found.items()
    ]
    return _with_address(fillings, source, kind), keys


def _with_address(fillings: list[Filling], source: Source, kind: Kind) -> list[Filling]:
    """The fillings, with the address made of its parts in rows where no column has it whole."""
    parts = tuple(name for name in ADDRESS_PARTS if name in source.columns)
    if not parts:
        return fillings
    target = Field("common", "address")
    whole = next((f for f in fillings if f.target == target), Filling(target, meaning_of(kind, target), ()))
    return [*(f for f in fillings if f.target != target), replace(whole, parts=parts)]


def _as_given(kind: Kind, given: GivenMapping, where: object) -> list[Filling]:
    fillings = []
    for name, source in (given.fields or {}).items():
        if name in _POSITION:
            continue
        target = _target(kind, name)
        meaning = meaning_of(kind, target)
        unit = meaning.unit if isinstance(meaning, Attribute) else None
        if source.unit is not None and factor(source.unit, unit or "") is None:
            raise MappingInvalid(
                path=where,
                problem=f"{name} is in {unit or 'no unit'}, not in {source.unit}",
                problem_zh=f"{name} 的单位是 {unit or '无单位'}，不是 {source.unit}",
            )
        _require_choices(meaning, source, where)
        columns = () if source.column is None else (Column(source.column, source.unit),)
        fillings.append(Filling(target, meaning, columns, source))
    return fillings


def _require_choices(meaning: Attribute | Identifier, source: FieldSource, where: object) -> None:
    """Refuse a mapping that writes what the field does not allow. Raises ``MappingInvalid``."""
    if not isinstance(meaning, Attribute) or meaning.type != "choice" or meaning.fallback:
        return
    words = choice_words(meaning)
    for said in filter(None, (source.value, *source.values.values())):
        if normalise_name(said) not in words:
            allowed = ", ".join(choice.value for choice in meaning.choices)
            raise MappingInvalid(
                path=where,
                problem=f"{meaning.name} can't be {said}; it is one of {allowed}",
                problem_zh=f"{meaning.name} 不能是 {said}，可取值：{allowed}",
            )


def _target(kind: Kind, name: str) -> Field:
    """The field that a mapping calls ``name``: its own name, no other. Raises ``UnknownField``."""
    own = {target.name: target for target in _own_fields(kind)}
    if name not in own or name == "source_key":
        known = [*(n for n in own if n != "source_key"), *_POSITION]
        raise UnknownField(kind=kind.name, field=name, nearest=nearest(name, known), fields=", ".join(known))
    return own[name]


def _own_fields(kind: Kind) -> Iterator[Field]:
    yield from (Field("common", name) for name in common_fields(kind))
    yield from (Field("attribute", attribute.name) for attribute in kind.attributes)
    yield from (Field("identifier", one.scheme) for one in kind.identifiers)


def meaning_of(kind: Kind, target: Field) -> Attribute | Identifier:
    """The shared field, attribute or identifier that a target is."""
    if target.where == "common":
        return common_fields(kind)[target.name]
    found = kind.attribute(target.name) if target.where == "attribute" else identifier(kind, target.name)
    if found is None:
        raise LookupError(target)
    return found


def _position(source: Source, given: GivenMapping) -> Position:
    if source.has_geometry:
        return Position()
    said: Mapping[str, FieldSource] = given.fields or {}
    named = {name: said[name].column for name in _POSITION if name in said}
    if named.get("wkt") or (named.get("lon") and named.get("lat")):
        return Position(named.get("lon"), named.get("lat"), named.get("wkt"), degrees="lon" in named)
    columns = {normalise_name(name): name for name in reversed(source.columns)}
    for pairs, degrees in ((DEGREES, True), (PLANE, False)):
        for x, y in pairs:
            if x in columns and y in columns:
                return Position(columns[x], columns[y], degrees=degrees)
    wkt = next((columns[name] for name in WKT if name in columns), None)
    return Position(wkt=wkt)
