"""Reports as files: CSV, XLSX, GeoJSON and JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from twin.errors import Language
from twin.reports.files import csv, geojson, xlsx
from twin.reports.files import json as json_
from twin.reports.running import Result


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How a report becomes a file.

    ``single`` where a file holds one table only; ``outlines`` where it wants the areas' shapes.
    """

    name: str
    media_type: str
    write: Callable[[Result, Language], bytes]
    single: bool = False
    outlines: bool = False


FORMATS: Mapping[str, FileFormat] = {
    made.name: made
    for made in (
        FileFormat("csv", "text/csv; charset=utf-8", csv.write, single=True),
        FileFormat("xlsx", xlsx.MEDIA_TYPE, xlsx.write),
        FileFormat("geojson", "application/geo+json", geojson.write, single=True, outlines=True),
        FileFormat("json", "application/json", json_.write),
    )
}
