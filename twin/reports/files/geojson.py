"""A table of a report as GeoJSON (RFC 7946): areas with their figures, or the places of its rows.

Each feature bears ``label`` and, of an area, ``value``: the report's main figure, a share in percent, which
colours maps. Of a table with several rows for an area the figures are told apart by the row's key
(``elevator_in_service``), and the values are added up. Features of assets bear ``href``, their page, and,
where a column colours them, ``class``, the place of its value among the column's labels from 1, and
``class_label``, the value in words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import orjson

from twin.errors import Language
from twin.reports.errors import NoPlaces
from twin.reports.running import Result, Row, Rows
from twin.reports.words import area_of, shown


def write(result: Result, lang: Language) -> bytes:
    """The first table of those that were wanted. Raises ``NoPlaces`` where it has no places."""
    return document(result, result.tables[0], lang)


def document(result: Result, table: Rows, lang: Language) -> bytes:
    """A table. Raises ``NoPlaces`` where it has no places."""
    first = result.report.tables[0]
    if table.table.places:
        features = [_place(row, table, lang) for row in table.rows]
    elif table.table is first:
        features = list(_areas(result, table, lang))
    else:
        raise NoPlaces(table=table.table.name, report=result.report.name, first=first.name)
    collection = {"type": "FeatureCollection", "features": features}
    return orjson.dumps(collection, option=orjson.OPT_APPEND_NEWLINE)


def _place(row: Row, table: Rows, lang: Language) -> dict[str, Any]:
    lon, lat = row["lon"], row["lat"]
    properties = {c.name: row[c.name] for c in table.table.columns}
    if "code" in row:
        properties |= {"label": _label(row, table, lang), "href": f"/a/{quote(row['code'], safe='')}"}
    properties |= _class(row, table, lang)
    geometry = None if lon is None else {"type": "Point", "coordinates": [lon, lat]}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _label(row: Row, table: Rows, lang: Language) -> str:
    """An asset in a line: what it is called, its kind and code, the state that colours it, when it is due."""
    columns = {c.name: c for c in table.table.columns}
    named = ("name", "kind", "code", table.table.coloured_by, "due")
    words = []
    for column in (columns[name] for name in named if name in columns):
        text = shown(column, row[column.name], lang)
        words.append(f"{column.heading(lang)} {text}" if text and column.type == "date" else text)
    return " · ".join(filter(None, words))


def _class(row: Row, table: Rows, lang: Language) -> dict[str, Any]:
    column = next((c for c in table.table.columns if c.name == table.table.coloured_by), None)
    if column is None or column.labels is None or row[column.name] not in column.labels():
        return {}
    value = row[column.name]
    return {"class": list(column.labels()).index(value) + 1, "class_label": shown(column, value, lang)}


def _areas(result: Result, table: Rows, lang: Language) -> Iterator[dict[str, Any]]:
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in table.rows:
        rows[row["area"]].append(row)
    for area in result.areas:
        if area["area"] in rows:
            properties = _figures(rows[area["area"]], result, table, lang)
            outline = area["outline"]
            geometry = None if outline is None else orjson.Fragment(outline)
            yield {"type": "Feature", "geometry": geometry, "properties": properties}


def _figures(rows: list[Row], result: Result, table: Rows, lang: Language) -> dict[str, Any]:
    key = table.table.key
    figure = next(c for c in table.columns if c.name == result.report.figure)
    values = [row[figure.name] for row in rows if row[figure.name] is not None]
    value = sum(values) if values else None
    label = f"{area_of(rows[0], lang)}: {figure.heading(lang)} {shown(figure, value, lang) or '–'}"
    drawn = None if value is None else value * 100 if figure.type == "share" else value
    properties = {"area": rows[0]["area"], "area_name": rows[0]["area_name"], "label": label, "value": drawn}
    for row in rows:
        for column in table.columns[2:]:
            if column.name != key:
                name = column.name if key is None else f"{row[key]}_{column.name}"
                properties[name] = row[column.name]
    return properties
