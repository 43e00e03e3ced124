"""What a kind of asset says about itself. One file beside this one holds one ``Kind``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

AttributeType = Literal["text", "integer", "number", "boolean", "date", "choice"]
GeometryType = Literal["Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"]


class Choice(Struct, frozen=True):
    """One allowed value of an attribute, its labels, and the other ways people write it."""

    value: str
    en: str
    zh: str
    synonyms: tuple[str, ...] = ()


class InUnit(Struct, frozen=True):
    """Names of fields that hold an attribute's numbers in another unit, as ``DV_CAPACITY_LBS`` holds pounds.

    ``unit`` is one of ``twin.kinds.units``, which converts it.
    """

    unit: str
    names: tuple[str, ...]


class Attribute(Struct, frozen=True):
    """One attribute of a kind: stored in ``asset.attributes`` under ``name``, in ``unit``.

    ``names`` are what others call the field (Chinese, English, CJJ 61 columns, OSM tags, FIWARE), beside
    ``name``, ``en`` and ``zh``, which always count; they are matched without regard to case, spaces and
    punctuation. ``source`` says where the attribute comes from, with the mark of its certainty.
    ``fallback`` is the choice that stands for words which no choice lists; without one such a value is
    wrong. ``check`` names a rule of ``twin.identity.checks`` that a text must pass.
    """

    name: str
    type: AttributeType
    en: str
    zh: str
    source: str
    unit: str | None = None
    choices: tuple[Choice, ...] = ()
    names: tuple[str, ...] = ()
    indexed: bool = False
    minimum: float | None = None
    maximum: float | None = None
    in_units: tuple[InUnit, ...] = ()
    fallback: str | None = None
    check: str | None = None


class ClassCode(Struct, frozen=True):
    """A class number of the component code, and which assets of the kind it is for.

    ``when`` maps attribute names to values, all of which must hold: ``{"medium": "water_supply"}``. A class
    without ``when`` is the kind's default, and comes first; of several that hold, the last is meant.
    ``further`` are numbers that the class goes on with when the sequence of ``code`` is full.
    """

    code: str
    en: str
    zh: str
    source: str
    when: Mapping[str, str] = field(default_factory=dict)
    further: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[str, ...]:
        """Every number that the class owns, in the order in which they are used."""
        return (self.code, *self.further)


class Identifier(Struct, frozen=True):
    """An identifier of another scheme that assets of the kind bear.

    ``unique_within``: ``world`` when no two assets may bear the value at one time (VIN), ``dataset`` when
    its issuer is the department that sent it (pole number). ``check`` names a rule of
    ``twin.identity.checks``.
    """

    scheme: str
    en: str
    zh: str
    source: str
    names: tuple[str, ...] = ()
    unique_within: Literal["world", "dataset"] = "dataset"
    check: str | None = None


class Sum(Struct, frozen=True):
    """What roll-ups add up for the kind: ``of`` a numeric attribute, or ``length`` or ``area``.

    Those two are the geometry's, geodesic, in metres and square metres.
    """

    name: str
    of: str
    unit: str
    en: str
    zh: str


class InspectionRule(Struct, frozen=True):
    """When periodic inspections fall due, counted in years from the month of the ``anchor`` attribute.

    ``years`` are the first due years, afterwards every ``then_every`` years. An inspection up to
    ``early_months`` early does not move the anchor.
    """

    anchor: str
    years: tuple[int, ...]
    then_every: int
    early_months: int
    source: str


class OsmSelector(Struct, frozen=True):
    """OSM objects that are assets of the kind: those bearing ``key`` with one of ``values``.

    No ``values`` means any. The key may lie in any layer, in a column of its own or in ``other_tags``.
    """

    key: str
    values: tuple[str, ...] = ()


class Kind(Struct, frozen=True):
    """A kind of physical asset.

    ``names`` adds other names for the fields that every asset has (``source_key``, ``name``, ``address``,
    ``status``, ``installed``, ``owner``, ``maintainer``, ``authority``, ``parent``, ``division``,
    ``survey_method``, ``accuracy``, ``code``); they go before the shared ones where a file has several.
    ``words`` are what files and layers that hold the kind are called, beside ``name``, ``plural``, ``en``,
    ``zh`` and the classes'. ``status_words`` adds words for a status. ``parents`` are the kinds an asset may
    belong to and ``relation`` how. ``parents_by_place``: an asset that names no parent belongs to the one in
    whose footprint it stands.
    """

    name: str
    plural: str
    en: str
    zh: str
    geometry: tuple[GeometryType, ...]
    classes: tuple[ClassCode, ...]
    attributes: tuple[Attribute, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    sums: tuple[Sum, ...] = ()
    inspection: InspectionRule | None = None
    osm: tuple[OsmSelector, ...] = ()
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    status_words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    relation: str | None = None
    parents_by_place: bool = False

    def attribute(self, name: str) -> Attribute | None:
        """The attribute called ``name``, if the kind has it."""
        return next((a for a in self.attributes if a.name == name), None)

    def class_of(self, attributes: Mapping[str, object]) -> ClassCode:
        """The class of an asset with these attributes: the last whose conditions hold, else the default."""
        holding = (
            c for c in reversed(self.classes) if all(attributes.get(k) == v for k, v in c.when.items())
        )
        return next(holding)

    def class_codes(self) -> frozenset[str]:
        """Every class number that the kind owns."""
        return frozenset(number for c in self.classes for number in c.numbers)
