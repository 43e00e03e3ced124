"""CityJSON 1.1 and 2.0, whole or as a text sequence: solids become a footprint, a height and a ground level.

A layer holds the city objects of one type, each with its parts (``BuildingPart`` and the like) merged into
it; other children, such as installations, are left out. Of an object and its parts the highest level of
detail counts. The footprint is the union of the faces that are said to be ``GroundSurface``, else of all
faces seen from above; an object of lines or points keeps those, and an instance of a template stands where
it is put. The columns are ``id``, which is the key, the attributes, and ``height`` (highest less lowest z),
``ground_level`` (lowest z), both brought to metres, and ``vertical_datum``, from which the system measures z.

Rules: CityJSON 2.0.1, sections 1 to 5 and 7.2 [V]; what becomes the footprint is ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import shapely
from msgspec import field

from loaders import arrow
from loaders.citymodel import Model, Shape
from loaders.errors import CityJsonUnversioned, CityJsonVersion, FileBroken, UnknownEncoding
from loaders.formats import BaseFormat, OpenedFile, Request, Rows, Unread, choose_layer
from loaders.formats.csv import unique_names
from loaders.gdal import BATCH_ROWS
from spatial.systems import Heights, heights_of
from twin.errors import sentence

VERSIONS = ("1.1", "2.0")
DEFAULT_LAYER = "Building"

_COMPUTED = ("id", "height", "ground_level", "vertical_datum")
_MARK = b"\xef\xbb\xbf"
_WHOLE = re.compile(
    rb'"type"\s*:\s*"CityJSON"|"CityObjects"\s*:\s*\{|\{\s*"vertices"\s*:\s*\[\s*\[\s*-?\d+\s*,'
)
_BROKEN = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, shapely.errors.ShapelyError)

Models = Callable[[], Iterator[Model]]
"""Goes through a file's models from the beginning: the one of a whole file, each feature of a sequence."""


class CityFile(OpenedFile):
    """The objects of one type; ``attributes`` are their columns' names by what the file calls them."""

    models: Models = field(default=lambda: iter(()))
    attributes: Mapping[str, str] = field(default_factory=dict)
    heights: Heights = field(default_factory=lambda: heights_of(""))

    def rows(self) -> Iterator[Rows]:
        """The objects in the file's order; one whose faces are broken or all upright is ``unread``."""
        found = ((m, name) for m in self.models() for name, kind in m.firsts() if kind == self.layer)
        done = 0
        while batch := list(islice(found, BATCH_ROWS)):
            yield self._rows(batch, done)
            done += len(batch)

    def _rows(self, batch: Sequence[tuple[Model, str]], done: int) -> Rows:
        read: list[tuple[int, str, Mapping[str, Any], Shape]] = []
        unread = []
        for number, (model, name) in enumerate(batch, done + 1):
            shape = _shape(model, name)
            if shape is None:
                unread.append(Unread(number, "geometry.unreadable", name))
            else:
                read.append((number, name, model.objects[name].get("attributes") or {}, shape))
        numbers, datum = np.array([number for number, *_ in read], dtype=np.int64), self.heights.datum
        shapes = [shape for *_, shape in read]
        columns = {
            "id": arrow.texts(name for _, name, _, _ in read),
            "height": arrow.texts(self._metres(shape.height) for shape in shapes),
            "ground_level": arrow.texts(self._metres(shape.lowest) for shape in shapes),
            "vertical_datum": arrow.texts(None if shape.lowest is None else datum for shape in shapes),
        }
        for called, column in self.attributes.items():
            columns[column] = arrow.texts(_text(said.get(called)) for _, _, said, _ in read)
        wkb = shapely.to_wkb(np.array([shape.geometry for shape in shapes], dtype=object))
        return Rows(numbers, columns, arrow.binaries(wkb), unread)

    def _metres(self, length: float | None) -> str | None:
        return None if length is None else repr(round(length * self.heights.metres, 6))


class CityJson(BaseFormat, frozen=True):
    """CityJSON: one object with all city objects."""

    name: str = "CityJSON"
    media_type: str = "application/city+json"
    extensions: tuple[str, ...] = (".city.json", ".cityjson")
    tested: str = "160 buildings of Delft in EPSG:7415; parts, semantics and templates by hand"

    def sniff(self, head: bytes) -> bool:
        """Whether it is an object that says so of itself, or whose members only CityJSON has."""
        return head.removeprefix(_MARK).lstrip().startswith(b"{") and bool(_WHOLE.search(head))

    def layers(self, path: Path) -> tuple[str, ...]:
        """The types of the objects that stand by themselves."""
        return _survey(self._models(path, {}))[0]

    def open(self, path: Path, request: Request) -> CityFile:
        """The objects of one type, buildings if nothing else is said.

        Raises ``CityJsonVersion``, ``FileBroken``, ``UnknownEncoding``, ``UnknownLayer`` or ``LayerNeeded``.
        """
        head: dict[str, Any] = {}
        models = self._models(path, head)
        names, columns, counts = _survey(models)
        wanted = request.layer or (DEFAULT_LAYER if DEFAULT_LAYER in names else None)
        layer = choose_layer(path, names, wanted)
        given = unique_names([*_COMPUTED, *columns[layer]])
        crs = _reference_system(head)
        return CityFile(
            path,
            layer,
            given,
            crs=crs,
            encoding="UTF-8",
            encoding_found="declared",
            count=counts[layer],
            key="id",
            models=models,
            attributes=dict(zip(columns[layer], given[len(_COMPUTED) :], strict=True)),
            heights=heights_of(crs or ""),
        )

    def _models(self, path: Path, head: dict[str, Any]) -> Models:
        """The file's one model; ``head`` is filled with what the file says of itself."""
        whole = _parsed(path, path.read_bytes(), "it")
        _require_version(path, whole)
        model = _model(path, whole, whole, "it")
        head.update(whole)
        return lambda: iter((model,))


class CityJsonSequence(CityJson, frozen=True):
    """CityJSONSeq: a first line with everything but the objects, then a feature a line."""

    name: str = "CityJSONSeq"
    media_type: str = "application/city+json-seq"
    extensions: tuple[str, ...] = (".city.jsonl", ".cityjsonl")
    tested: str = "Delft's buildings written as a sequence"

    def sniff(self, head: bytes) -> bool:
        """Whether the first line is a CityJSON object and a feature follows."""
        first, _, rest = head.partition(b"\n")
        return CityJson().sniff(first) and rest.lstrip().startswith(b"{") and b'"CityJSONFeature"' in rest

    def _models(self, path: Path, head: dict[str, Any]) -> Models:
        with path.open("rb") as file:
            head.update(_parsed(path, file.readline(), "line 1"))
        _require_version(path, head)

        def models() -> Iterator[Model]:
            with path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    if number > 1 and line.strip():
                        where = f"line {number:,}"
                        yield _model(path, head, _parsed(path, line, where), where)

        return models


def _reference_system(head: Mapping[str, Any]) -> str | None:
    metadata = head.get("metadata")
    said = metadata.get("referenceSystem") if isinstance(metadata, dict) else None
    return said if isinstance(said, str) else None


def _survey(models: Models) -> tuple[tuple[str, ...], dict[str, list[str]], dict[str, int]]:
    """The layers, and the attributes and the number of the objects of each."""
    columns: dict[str, dict[str, None]] = {}
    counts: dict[str, int] = {}
    for model in models():
        for name, kind in model.firsts():
            counts[kind] = counts.get(kind, 0) + 1
            columns.setdefault(kind, {}).update(dict.fromkeys(model.objects[name].get("attributes") or ()))
    return tuple(columns), {kind: list(names) for kind, names in columns.items()}, counts


def _parsed(path: Path, text: bytes, where: str) -> dict[str, Any]:
    """A JSON object. Raises ``UnknownEncoding`` or ``FileBroken``."""
    try:
        text.decode()
        value = orjson.loads(text.removeprefix(_MARK))
    except UnicodeDecodeError:
        raise UnknownEncoding(path=path, tried="UTF-8") from None
    except orjson.JSONDecodeError as error:
        raise FileBroken(path=path, reason=f"{where} is no JSON: {sentence(error)}") from None
    if not isinstance(value, dict):
        raise FileBroken(path=path, reason=f"{where} is no JSON object.")
    return value


def _require_version(path: Path, head: Mapping[str, Any]) -> None:
    """Raise ``CityJsonVersion`` for versions before 1.1, which place vertices otherwise, and unknown ones."""
    if head.get("version") is None:
        raise CityJsonUnversioned(path=path, versions=" / ".join(VERSIONS))
    version = str(head["version"])
    if ".".join(version.split(".")[:2]) not in VERSIONS:
        raise CityJsonVersion(path=path, version=version, versions=" / ".join(VERSIONS))


def _model(path: Path, head: Mapping[str, Any], body: Mapping[str, Any], where: str) -> Model:
    """The objects of ``body``, placed as ``head`` says. Raises ``FileBroken``."""
    try:
        scale, translate = (np.array(head["transform"][n], dtype=np.float64) for n in ("scale", "translate"))
        vertices = np.array(body["vertices"], dtype=np.float64).reshape(-1, 3)
        objects = {str(name): dict(one) for name, one in body["CityObjects"].items()}
        if scale.shape != (3,) or translate.shape != (3,):
            raise ValueError("a transform scales and translates by three numbers")
        if odd := [name for name, one in objects.items() if not _is_city_object(one)]:
            raise ValueError(f"{odd[0]} is no city object")
    except KeyError as error:
        raise FileBroken(path=path, reason=f"{where} is no CityJSON: it has no {error}.") from None
    except _BROKEN as error:
        raise FileBroken(path=path, reason=f"{where} is no CityJSON: {sentence(error)}") from None
    return Model(objects, vertices, scale, translate)


def _is_city_object(one: Mapping[str, Any]) -> bool:
    """Whether its members are of the types that section 2 says."""
    lists = (one.get(name) or [] for name in ("geometry", "parents", "children"))
    plain = isinstance(one.get("type"), str) and isinstance(one.get("attributes") or {}, dict)
    return plain and all(isinstance(value, list) for value in lists)


def _shape(model: Model, name: str) -> Shape | None:
    """The object's shape; None where it is broken or, of faces, has no extent from above."""
    try:
        shape = model.shape(name)
    except _BROKEN:
        return None
    return shape if shape.geometry is not None or shape.lowest is None else None


def _text(value: Any) -> str | None:
    """An attribute as text: nested ones as JSON."""
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode() if isinstance(value, bool | list | dict) else repr(value)


FORMATS = (CityJson(), CityJsonSequence())
