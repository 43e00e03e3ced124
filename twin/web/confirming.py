"""The form in which a proposed mapping is confirmed or changed, and what it says when it comes back."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from twin.errors import Language
from twin.kinds import Kind, all_kinds, kind
from twin.kinds.common import common_fields
from twin.web.identity_file import kind_label
from twin.web.loading import ColumnTwice
from twin.web.texts import texts

POSITION = {"lon": "field_lon", "lat": "field_lat", "wkt": "field_wkt"}
"""Names in a mapping that give the position, and their texts."""

SURE = {"certain": "sure_certain", "likely": "sure_likely", "guess": "sure_guess"}

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
        "columns": [
            {
                "name": column["name"],
                "examples": column["examples"],
                "field": (given or {}).get(f"field-{place}", values.get(column["name"], "")),
                "why": _why(guesses[column["name"]], lang) if column["name"] in guesses else None,
                "perhaps": _perhaps(guesses.get(column["name"]), chosen_kind, lang),
            }
            for place, column in enumerate(columns)
        ],
    }


def choice_of(report: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """What the form says, as ``loaders.uploads.work`` takes it.

    A column that keeps its proposed field keeps the unit and the order of dates that were proposed with it.
    Raises ``UnknownKind`` or ``ColumnTwice``.
    """
    layer = layer_of(report, given.get("layer"))
    said = {name: given.get(name, "").strip() or None for name in ("crs", "key", "dataset", "attribution")}
    name = given.get("kind") or (layer and layer.get("proposal", {}).get("kind")) or ""
    choice: dict[str, Any] = {"kind": kind(name).name, "layer": layer and layer["name"], **said}
    if layer is None or "problem" in layer:
        return choice | {"fields": None}
    guesses = {(guess["column"], guess["field"]): guess for guess in layer["proposal"]["fields"]}
    fields: dict[str, dict[str, str | None]] = {}
    for place, column in enumerate(layer["columns"]):
        field = given.get(f"field-{place}", "")
        if not field:
            continue
        if field in fields:
            raise ColumnTwice(field=field, first=fields[field]["column"], second=column["name"])
        guess = guesses.get((column["name"], field), {})
        fields[field] = {"column": column["name"], "unit": guess.get("unit"), "order": guess.get("order")}
    return choice | {"fields": fields}


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
    colon = "：" if lang == "zh" else ": "
    return f"{texts(lang)[SURE[guess['confidence']]]}{colon}{guess['why']}"
