"""The form in which a proposed mapping is confirmed or changed, and what it says when it comes back."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, TypeVar, get_args

from loaders.mapping import require_attribution, require_dataset_name
from loaders.modes import OnSuspect
from spatial.crs import parse_crs
from twin.errors import Language, TwinError
from twin.identity import scheme_for_division
from twin.kinds import Kind, all_kinds, kind
from twin.kinds.common import common_fields
from twin.kinds.units import factor, unit_named, units_like
from twin.web.identity_file import kind_label
from twin.web.loading import (
    AccuracyWrong,
    ChoiceWrong,
    ColumnTwice,
    DatasetWrong,
    DivisionWrong,
    FieldWrong,
    UnitWrong,
)
from twin.web.texts import texts

POSITION = {"lon": "field_lon", "lat": "field_lat", "wkt": "field_wkt"}
"""Names in a mapping that give the position, and their texts."""

SURE = {"certain": "sure_certain", "likely": "sure_likely", "guess": "sure_guess"}

ON_ERROR = ("skip", "abort")
"""What a rejected row does: it is left out alone, or keeps the whole file out."""
ON_SUSPECT: tuple[OnSuspect, ...] = get_args(OnSuspect)
"""What becomes of a row that seems to be there already."""

T = TypeVar("T")
Layer = Mapping[str, Any]


def layer_of(report: Mapping[str, Any], name: str | None) -> Layer | None:
    """The layer of that name, else the first that can be read; None where tags say all."""
    layers: Sequence[Layer] = report["layers"]
    named = next((layer for layer in layers if name is not None and layer["name"] == name), None)
    readable = (layer for layer in layers if "problem" not in layer)
    return named or next(readable, layers[0] if layers else None)


def form_of(
    record: Mapping[str, Any], layer: Layer | None, lang: Language, given: Mapping[str, str] | None
) -> dict[str, Any]:
    """The form's fields as proposed, or as they were ``given``; ``None`` as the layer is a file of tags."""
    report = record["report"][lang]
    form: dict[str, Any] = {
        "format": report["format"],
        "layers": [one["name"] for one in report["layers"] if one["name"] is not None],
        "tags": [(name, kind_label(name, lang), count) for name, count in report["kinds"].items() if count],
        "dataset": (given or {}).get("dataset", ""),
        "attribution": (given or {}).get("attribution", ""),
        "division": (given or {}).get("division", ""),
        "accuracy": (given or {}).get("accuracy", ""),
        "on_error": (given or {}).get("on_error", ON_ERROR[0]),
        "on_suspect": (given or {}).get("on_suspect", ON_SUSPECT[0]),
        "dry_run": "dry_run" in (given or {}),
        "tagged": (given or {}).get("kind"),
        "layer": None,
        "problem": None,
        "kind": None,
    }
    if layer is None:
        return form
    form |= {"layer": layer["name"], "problem": layer.get("problem", {}).get("text")}
    if form["problem"]:
        return form
    return form | _proposed(layer, lang, given)


def _proposed(layer: Layer, lang: Language, given: Mapping[str, str] | None) -> dict[str, Any]:
    proposal, mapping = layer["proposal"], _mapping(layer)
    name = proposal["kind"]
    values = _by_column(mapping)
    columns: Sequence[Mapping[str, Any]] = layer["columns"]
    guesses = {guess["column"]: guess for guess in proposal["fields"]}
    system = proposal["crs"][0] if proposal["crs"] else None
    chosen_kind = kind(name) if name else None
    own = units_of(chosen_kind) if chosen_kind else {}
    return {
        "kind": name,
        "kind_label": kind_label(name, lang) if name else None,
        "kinds": [(one.name, kind_label(one.name, lang), one.name == name) for one in all_kinds().values()],
        "why": _why(proposal["kinds"][0], lang) if proposal["kinds"] else None,
        "rows": layer["count"] if layer["count"] is not None else layer["read"],
        "more": layer["count"] is None,
        "sampled": None if layer["whole"] else layer["sampled"],
        "encoding": layer["encoding"],
        "geometry": ", ".join(f"{kind or '–'} {count:,}" for kind, count in layer["geometry_types"].items()),
        "declared": proposal["declared_crs"],
        "crs": (given or {}).get("crs", mapping.get("crs", "")),
        "crs_why": _why(system, lang) if system else None,
        "key": (given or {}).get("key", mapping.get("key", "")),
        "fields": list(_fields(chosen_kind, lang)) if chosen_kind else [],
        "units": own,
        "all_units": sorted({unit for one in own.values() for unit in units_like(one)}, key=str.lower),
        "columns": [
            {
                "name": column["name"],
                "examples": column["examples"],
                "field": (given or {}).get(f"field-{place}", values.get(column["name"], "")),
                "unit": (given or {}).get(f"unit-{place}", guesses.get(column["name"], {}).get("unit") or ""),
                "why": _why(guesses[column["name"]], lang) if column["name"] in guesses else None,
                "perhaps": _perhaps(guesses.get(column["name"]), chosen_kind, lang),
            }
            for place, column in enumerate(columns)
        ],
    }


def choice_of(
    report: Mapping[str, Any], given: Mapping[str, str], divisions: Container[str]
) -> tuple[dict[str, Any], dict[str, TwinError]]:
    """What the form says, as ``loaders.uploads.work`` takes it, and what is wrong, by the form's fields.

    A column that keeps its proposed field keeps the order of dates that was proposed with it.
    """
    reading = _Reading(given, divisions)
    layer = layer_of(report, given.get("layer"))
    name = given.get("kind") or (layer and layer.get("proposal", {}).get("kind")) or ""
    chosen_kind = reading.checked("kind", lambda: kind(name))
    choice: dict[str, Any] = {
        "kind": name,
        "layer": layer and layer["name"],
        "crs": reading.text("crs", parse_crs),
        "key": reading.text("key"),
        "dataset": reading.text("dataset", _require_dataset),
        "attribution": reading.text("attribution", require_attribution),
        "division": reading.text("division", reading.require_division),
        "accuracy": reading.accuracy(),
        "on_error": reading.choice("on_error", ON_ERROR),
        "on_suspect": reading.choice("on_suspect", ON_SUSPECT),
        "dry_run": "dry_run" in given,
        "fields": None,
    }
    if layer is not None and "problem" not in layer and chosen_kind is not None:
        choice["fields"] = reading.fields(layer, chosen_kind)
    return choice, reading.problems


def given_of(choice: Mapping[str, Any], layer: Layer | None) -> dict[str, str]:
    """The form as it was filled in when it said ``choice``; a dry run is not asked for again."""
    given = {name: str(choice[name]) for name in _SAID if choice.get(name) is not None}
    if choice.get("accuracy") is not None:
        given["accuracy"] = f"{choice['accuracy']:g}"
    places = {} if layer is None else {one["name"]: n for n, one in enumerate(layer.get("columns", ()))}
    given |= {f"field-{place}": "" for place in places.values()}
    for field, source in (choice.get("fields") or {}).items():
        if (place := places.get(source["column"])) is not None:
            given |= {f"field-{place}": field, f"unit-{place}": source.get("unit") or ""}
    return given


_SAID = ("layer", "kind", "crs", "key", "dataset", "attribution", "division", "on_error", "on_suspect")


@dataclass(slots=True)
class _Reading:
    """The reading of a form that was sent; what is wrong is kept beside its field, and nothing raised."""

    given: Mapping[str, str]
    divisions: Container[str]
    problems: dict[str, TwinError] = dataclass_field(default_factory=dict)

    def checked(self, name: str, read: Callable[[], T]) -> T | None:
        """What ``read`` gives, None where it raises."""
        try:
            return read()
        except TwinError as problem:
            self.problems[name] = problem
            return None

    def text(self, name: str, require: Callable[[str], object] = str) -> str | None:
        """The text of a field, if there is any."""
        said = self.given.get(name, "").strip()
        if said:
            self.checked(name, lambda: require(said))
        return said or None

    def require_division(self, code: str) -> None:
        """Raise ``DivisionWrong`` for one that is neither registered nor read by a code scheme."""
        if code not in self.divisions and scheme_for_division(code) is None:
            raise DivisionWrong(division=code)

    def accuracy(self) -> float | None:
        """The accuracy in metres, if one is said."""
        said = self.text("accuracy")
        return None if said is None else self.checked("accuracy", lambda: _metres(said))

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """One of the choices, the first where nothing is said."""
        said = self.given.get(name) or choices[0]
        if said not in choices:
            self.problems[name] = ChoiceWrong(value=said, choices=", ".join(choices))
        return said

    def fields(self, layer: Layer, of: Kind) -> dict[str, dict[str, str | None]]:
        """The fields with their columns, units and orders of dates."""
        orders = {(one["column"], one["field"]): one["order"] for one in layer["proposal"]["fields"]}
        labels, units = dict(_fields(of, "en")), units_of(of)
        fields: dict[str, dict[str, str | None]] = {}
        for place, column in enumerate(layer["columns"]):
            field = self.given.get(f"field-{place}", "")
            if not field:
                continue
            if field not in labels:
                self.problems[f"field-{place}"] = FieldWrong(field=field, kind=of.name)
            elif field in fields:
                self.problems[f"field-{place}"] = ColumnTwice(
                    field=field, first=fields[field]["column"], second=column["name"]
                )
            else:
                unit, order = self._unit(place, units.get(field)), orders.get((column["name"], field))
                fields[field] = {"column": column["name"], "unit": unit, "order": order}
        return fields

    def _unit(self, place: int, own: str | None) -> str | None:
        """The unit of a column's numbers, where it is not the field's own."""
        said = self.given.get(f"unit-{place}", "").strip()
        if not said or own is None:
            return None
        unit = unit_named(said)
        if unit is None or factor(unit, own) is None:
            self.problems[f"unit-{place}"] = UnitWrong(said=said, unit=own, units=", ".join(units_like(own)))
        return None if unit == own else unit


def units_of(of: Kind) -> dict[str, str]:
    """The units of the kind's attributes that are kept in one."""
    return {one.name: one.unit for one in of.attributes if one.unit is not None and units_like(one.unit)}


def _metres(said: str) -> float:
    try:
        metres = float(said)
    except ValueError:
        metres = math.nan
    if not (math.isfinite(metres) and metres >= 0):
        raise AccuracyWrong(said=said)
    return metres


def _require_dataset(name: str) -> None:
    try:
        require_dataset_name(name)
    except TwinError:
        raise DatasetWrong(name=name) from None


def _mapping(layer: Layer) -> Mapping[str, Any]:
    """The proposed mapping: of what is only guessed it says nothing."""
    return tomllib.loads(layer["mapping"])


def _by_column(mapping: Mapping[str, Any]) -> dict[str, str]:
    """The fields by their columns."""
    sources = mapping.get("fields", {}).items()
    return {source if isinstance(source, str) else source["column"]: field for field, source in sources}


def _fields(of: Kind, lang: Language) -> Iterator[tuple[str, str]]:
    """The fields that a column can fill: name and label."""
    zh = lang == "zh"
    yield from ((name, texts(lang)[text]) for name, text in POSITION.items())
    for name, field in common_fields(of).items():
        if name != "source_key":
            yield name, field.zh if zh else field.en
    for attribute in of.attributes:
        label = attribute.zh if zh else attribute.en
        yield attribute.name, f"{label} ({attribute.unit})" if attribute.unit else label
    yield from ((one.scheme, one.zh if zh else one.en) for one in of.identifiers)


def _perhaps(guess: Mapping[str, Any] | None, of: Kind | None, lang: Language) -> str | None:
    """The field that a column is only guessed to fill."""
    if guess is None or of is None or guess["confidence"] != "guess":
        return None
    return dict(_fields(of, lang)).get(guess["field"])


def _why(guess: Mapping[str, Any], lang: Language) -> str:
    say = texts(lang)
    return f"{say[SURE[guess['confidence']]]}{say['colon']}{guess['why']}"
