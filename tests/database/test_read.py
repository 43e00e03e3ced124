"""Pages, lookups, nearest, counts and projections against the same assets in Python."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import h3
import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spatial.measure import envelope_around
from tests.registry_rows import BEGIN, Asset, insert_city, small_city
from twin.errors import TwinError
from twin.identity import owners, read_code
from twin.kinds import all_kinds, kind
from twin.registry.query import counts, places, read, registry
from twin.registry.query.inputs import Given
from twin.registry.query.ordering import orders
from twin.registry.query.pages import Page, PageWanted, page
from twin.registry.query.position import position
from twin.registry.query.selection import Asked, asked
from twin.registry.query.sql import Question, ask_now

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CITY = small_city()
BY_CODE = {asset.code: asset for asset in CITY}
Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def reader(new_database: Callable[[], str]) -> Iterator[Connection]:
    url = new_database()
    with psycopg.connect(url, autocommit=True) as owner:
        insert_city(owner, CITY)
        merged, other, split, further = (a.code for a in CITY[150:154])
        owner.execute("DELETE FROM twin.asset WHERE code = ANY(%s)", [[merged, other, split]])
        owner.execute(
            "INSERT INTO twin.code_successor (code, successor, reason) VALUES (%s, %s, 'merged'),"
            " (%s, %s, 'merged'), (%s, %s, 'split'), (%s, %s, 'split')",
            [merged, other, other, further, split, CITY[0].code, split, CITY[1].code],
        )
    api = url.replace("twin_owner@", "twin_api@")
    with psycopg.connect(api, autocommit=True, options="-c twin.scope=*") as connection:
        yield connection


MERGED, SPLIT, SUCCESSOR = CITY[150].code, CITY[152].code, CITY[153].code
LEFT = [asset for asset in CITY if asset.code not in {a.code for a in CITY[150:153]}]


# Pages


def walk(connection: Connection, wanted: dict[str, Any], size: int) -> Iterator[Page]:
    after = None
    while True:
        found = ask_now(connection, page(PageWanted(**wanted, first=size, after=after), 1_000))
        yield found
        if not found.has_next:
            return
        after = found.cursors[-1]


KEYS: dict[str, Callable[[Asset], Any]] = {
    "CODE": lambda a: a.code,
    "CELL": lambda a: None if a.cell is None else int(a.cell, 16),
    "NAME": lambda a: a.name,
    "INSTALLED": lambda a: a.installed,
    "UPDATED": lambda a: a.updated,
}


def expected(assets: Sequence[Asset], order: str) -> list[str]:
    """The codes in an order: without the key last, ties by code."""
    name = order.removesuffix("_DESC")
    key: Callable[[Asset], Any] = KEYS.get(name, lambda a: a.attributes.get(name.lower()))
    keyed = sorted((a for a in assets if key(a) is not None), key=lambda a: a.code)
    keyed.sort(key=key, reverse=order.endswith("_DESC"))
    return [a.code for a in keyed] + sorted(a.code for a in assets if key(a) is None)


@pytest.mark.parametrize("order", orders(None))
@pytest.mark.parametrize("size", [1, 7, 100])
def test_pages_together_are_the_whole_in_order(reader: Connection, order: str, size: int) -> None:
    if size == 1:
        wanted, assets = {"where": {"division": "310115001"}}, [a for a in LEFT if a.division == "310115001"]
    else:
        wanted, assets = {}, LEFT
    pages = list(walk(reader, {**wanted, "order_by": order}, size))
    assert [row["code"] for one in pages for row in one.rows] == expected(assets, order)
    assert [one.has_previous for one in pages] == [False] + [True] * (len(pages) - 1)
    assert all(len(one.rows) == size for one in pages[:-1])


@pytest.mark.parametrize("name", ["streetlight", "building", "elevator"])
def test_pages_by_indexed_attributes(reader: Connection, name: str) -> None:
    assets = [a for a in LEFT if a.kind == name]
    for order in orders(kind(name)):
        found = [
            row["code"]
            for one in walk(reader, {"kind": kind(name), "order_by": order}, 9)
            for row in one.rows
        ]
        assert found == expected(assets, order), order


@QUICK
@given(
    st.sampled_from(orders(None)),
    st.sampled_from(
        [
            {"text": "灯杆"}, {"status": ["RETIRED"]}, {"bbox": [121, 31, 122, 32]}, {"kinds": []},
            {"kinds": ["BUILDING", "PIPELINE"]}, {"elevator": {"ratedLoad": {"gte": 1000}}},
            {"or": [{"text": "lamp"}, {"kinds": ["ELEVATOR"]}]},
        ]
    ),
    st.integers(1, 60),
)  # fmt: skip
def test_filtered_pages(reader: Connection, order: str, where: dict[str, Any], size: int) -> None:
    whole = ask_now(reader, page(PageWanted(where, order_by=order, first=1_000, total=True), 1_000))
    codes = [row["code"] for row in whole.rows]
    assert codes == expected([BY_CODE[code] for code in codes], order)
    assert whole.total == len(codes)
    pages = walk(reader, {"where": where, "order_by": order}, size)
    assert [row["code"] for one in pages for row in one.rows] == codes


def test_the_total_is_told_on_empty_pages_too(reader: Connection) -> None:
    last = list(walk(reader, {"where": {"kinds": ["ELEVATOR"]}}, 50))[-1]
    behind = PageWanted({"kinds": ["ELEVATOR"]}, after=last.cursors[-1], total=True)
    empty = ask_now(reader, page(behind, 100))
    assert (list(empty.rows), empty.cursors, empty.has_next, empty.has_previous) == ([], [], False, True)
    assert empty.total == 50
    assert ask_now(reader, page(PageWanted(rows=False, total=True), 100)).total == len(LEFT)
    none = ask_now(reader, page(PageWanted(first=0), 100))
    assert (list(none.rows), none.cursors, none.has_next, none.has_previous) == ([], [], True, False)


def test_cursors_of_other_lists_are_refused(reader: Connection) -> None:
    cursor = ask_now(reader, page(PageWanted({"division": "310115"}, order_by="NAME", first=1), 100)).cursors[
        0
    ]
    same = PageWanted({"division": "310115"}, order_by="NAME", after=cursor)
    assert ask_now(reader, page(same, 100)).has_previous
    for other in (
        PageWanted({"division": "310101"}, order_by="NAME", after=cursor),
        PageWanted(None, order_by="NAME", after=cursor),
        PageWanted({"division": "310115"}, order_by="NAME_DESC", after=cursor),
        PageWanted({"division": "310115"}, kind=kind("building"), order_by="NAME", after=cursor),
    ):
        assert code_of(partial(page, other, 100)) == "cursor.mismatch"


@given(
    st.one_of(
        st.text(max_size=60), st.binary(max_size=60).map(lambda b: base64.urlsafe_b64encode(b).decode())
    )
)
def test_garbage_is_no_cursor(text: str) -> None:
    assert code_of(lambda: page(PageWanted(after=text), 100)) == "cursor.invalid"


@pytest.mark.parametrize("key", [True, "x", 1.5, [], {}, 2**70])
def test_forged_keys_are_no_cursors(reader: Connection, key: Any) -> None:
    cursor = ask_now(reader, page(PageWanted(order_by="CELL", first=1), 100)).cursors[0]
    parts = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    parts[3] = key
    forged = base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()
    assert code_of(lambda: page(PageWanted(order_by="CELL", after=forged), 100)) == "cursor.invalid"


def test_page_sizes() -> None:
    assert code_of(lambda: page(PageWanted(first=101), 100)) == "page.size"
    assert code_of(lambda: page(PageWanted(first=-1), 100)) == "page.size"
    here = Given({"lon": 121.5, "lat": 31.2}, "position")
    for first in (-1, read.MAX_NEAREST + 1):
        assert (
            code_of(lambda first=first: read.nearest(here, Given(first, "first"), None, [])) == "page.nearest"
        )


def code_of(make: Callable[[], object]) -> str | None:
    try:
        make()
    except TwinError as error:
        return error.code
    return None


@pytest.mark.parametrize("order", ["CODE", "CODE_DESC", "CELL", "CELL_DESC"])
def test_deep_pages_begin_in_the_index(reader: Connection, order: str) -> None:
    """However deep the page: an index condition at the place, no filter that walks up to it."""
    from twin.registry.query.sql import compiled

    middle = list(walk(reader, {"kind": kind("streetlight"), "order_by": order}, 40))[1].cursors[-1]
    deep = page(PageWanted(kind=kind("streetlight"), order_by=order, first=5, after=middle), 100)
    text, arguments = compiled(deep.statement)
    with reader.transaction(force_rollback=True):
        reader.execute("SET LOCAL enable_seqscan = off")
        reader.execute("SET LOCAL enable_bitmapscan = off")
        plan = "\n".join(row[0] for row in reader.execute("EXPLAIN " + text, arguments).fetchall())
    index, column = ("pkey", "code") if order.startswith("CODE") else ("cell_idx", "cell")
    assert index in plan
    assert f"Index Cond: (({column}" in plan or f"Index Cond: ({column}" in plan


# One asset


def row_of(connection: Connection, question: Question[Any]) -> Any:
    return ask_now(connection, question)


def by_code(code: str, fields: Sequence[Asked]) -> Question[Any]:
    return read.by_codes(read_code(code), fields)


@pytest.mark.parametrize(
    "write", [str, lambda c: c.replace("-", ""), lambda c: c[:-2], lambda c: f" {c.lower()} "]
)
def test_a_code_in_any_written_form(reader: Connection, write: Callable[[str], str]) -> None:
    for asset in (CITY[0], CITY[161], CITY[-1]):
        found = row_of(reader, by_code(write(asset.code), asked("sourceKey")))
        assert [row["sourceKey"] for row in found.values()] == [asset.source_key]


def test_old_codes_lead_to_what_has_become_of_the_asset(reader: Connection) -> None:
    assert row_of(reader, by_code(MERGED, [])) == {}
    found = row_of(reader, read.successors(read_code(MERGED), []))
    assert read.the_successor(MERGED, found)["code"] == SUCCESSOR  # type: ignore[index]
    both = row_of(reader, read.successors(read_code(SPLIT), []))
    with pytest.raises(TwinError) as caught:
        read.the_successor(SPLIT, both)
    assert caught.value.code == "code.split"
    assert CITY[0].code in str(caught.value) and CITY[1].code in str(caught.value)
    unknown = read_code("310115-0118-999999")
    assert read.the_successor("", row_of(reader, read.successors(unknown, []))) is None


def test_an_asset_whose_class_is_no_kinds_now_is_found(reader: Connection) -> None:
    building = read_code(CITY[160].code)[0]
    wrongly_pruned = read_code(CITY[0].code)
    assert owners()[building.scheme, building.class_code] == "building"
    assert (building.scheme, "9999") not in owners()
    assert list(row_of(reader, read.successors(wrongly_pruned, []))) == [CITY[0].code]


def test_identifiers(reader: Connection) -> None:
    lamp = next(a for a in LEFT if ("vin", "1M8GDM9AXKP042788") in a.identifiers)
    for given_ in ({"scheme": "vin", "value": "1m8gdm9axkp042788"}, {"value": "1M8GDM9AXKP042788"}):
        assert row_of(reader, read.by_identifier(Given(given_, "identifier"), []))["code"] == lamp.code
    assert row_of(reader, read.by_identifier(Given({"value": "none"}, "identifier"), [])) is None
    bearers = Counter(value for a in LEFT for scheme, value in a.identifiers if scheme == "pole_number")
    twice = next(value for value, count in bearers.items() if count > 1)
    with pytest.raises(TwinError) as caught:
        row_of(reader, read.by_identifier(Given({"scheme": "pole_number", "value": twice}, "identifier"), []))
    assert caught.value.code == "identifier.ambiguous"
    assert all(a.code in str(caught.value) for a in LEFT if ("pole_number", twice) in a.identifiers)


# Nearest


@QUICK
@given(
    st.sampled_from([(121.47, 31.23), (24.94, 60.17), (179.999, -16.8), (-179.999, -16.8), (10.0, 85.0)]),
    st.floats(-0.02, 0.02),
    st.floats(-0.02, 0.02),
    st.integers(0, 40),
    st.sampled_from([None, {"kinds": ["STREETLIGHT"]}, {"status": ["RETIRED"]}, {"kinds": []}]),
)
def test_nearest_by_metres(
    reader: Connection, near: tuple[float, float], east: float, north: float, first: int, where: Any
) -> None:
    lon, lat = max(-180.0, min(180.0, near[0] + east)), near[1] + north
    question = read.nearest(Given({"lon": lon, "lat": lat}, "position"), Given(first, "first"), where, [])
    found = [(one.distance, one.asset["code"]) for one in ask_now(reader, question)]
    chosen = page(PageWanted(where, first=1_000), 1_000)
    codes = [row["code"] for row in ask_now(reader, chosen).rows]
    everything = reader.execute(
        "SELECT ST_Distance(geom::geography, ST_SetSRID(ST_Point(%s, %s), 4326)::geography) AS metres, code"
        " FROM api.asset WHERE geom IS NOT NULL AND code = ANY(%s) ORDER BY metres, code LIMIT %s",
        [lon, lat, codes, first],
    ).fetchall()
    assert found == everything


distances = st.just(0.0) | st.floats(0.001, 5_000) | st.floats(0.001, 30_000_000)


@given(st.floats(-180, 180), st.floats(-90, 90), distances)
@settings(QUICK, max_examples=150)
def test_envelopes_in_sql_are_those_of_spatial(
    reader: Connection, lon: float, lat: float, metres: float
) -> None:
    from sqlalchemy import Double, func, literal, select

    here = places.Here.of(Given({"lon": lon, "lat": lat}, "position"))
    box = here.envelope(literal(metres, Double()))
    corners = [func.ST_XMin(box), func.ST_YMin(box), func.ST_XMax(box), func.ST_YMax(box)]
    labelled = [corner.label(name) for corner, name in zip(corners, "wsen", strict=True)]
    row = ask_now(reader, Question(select(*labelled), lambda rows: rows[0]))
    assert [row[name] for name in "wsen"] == pytest.approx(list(envelope_around(lon, lat, metres)), abs=1e-9)


# Counts


@pytest.mark.parametrize("resolution", range(16))
def test_cells_are_ancestors_counted(reader: Connection, resolution: int) -> None:
    points = [a.point for a in LEFT if a.point is not None]
    expected_ = Counter(h3.cell_to_parent(h3.latlng_to_cell(lat, lon, 15), resolution) for lon, lat in points)
    found = ask_now(reader, counts.cells(None, Given(resolution, "resolution")))
    assert {one.key: one.count for one in found.all} == expected_
    assert [one.key for one in found.all] == sorted(expected_, key=lambda cell: int(cell, 16))


def test_cells_of_a_filter(reader: Connection) -> None:
    found = ask_now(reader, counts.cells({"kinds": ["BUILDING"]}, Given(6, "resolution")))
    assert sum(one.count for one in found.all) == sum(a.kind == "building" for a in LEFT)
    assert code_of(lambda: counts.cells(None, Given(16, "resolution"))) == "cell.resolution"


GROUPS: dict[str, Callable[[Asset], Any]] = {
    "KIND": lambda a: a.kind.upper(),
    "STATUS": lambda a: a.status.upper(),
    "DIVISION": lambda a: a.division,
    "DATASET": lambda a: a.dataset,
}


@pytest.mark.parametrize("by", list(counts.group_keys()))
def test_groups(reader: Connection, by: str) -> None:
    owners = {
        k.name for k in all_kinds().values() if any(a.indexed and a.name.upper() == by for a in k.attributes)
    }
    taking_part = [a for a in LEFT if by in GROUPS or a.kind in owners]
    key: Callable[[Asset], Any] = GROUPS.get(by, lambda a: written(a, by.lower()))
    found = ask_now(reader, counts.groups(None, Given(by, "by")))
    assert {one.key: one.count for one in found.all} == Counter(key(a) for a in taking_part)
    assert [one.count for one in found.all] == sorted((one.count for one in found.all), reverse=True)


def written(asset: Asset, name: str) -> str | None:
    value = asset.attributes.get(name)
    attribute = kind(asset.kind).attribute(name)
    if value is None or attribute is None:
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value)) if "." not in json.dumps(value) else json.dumps(value)
    return str(value).upper() if attribute.type == "choice" else str(value)


# What is asked


def test_everything_that_can_be_asked_of_an_asset(reader: Connection) -> None:
    asset = next(
        a for a in LEFT if a.kind == "streetlight" and a.geometry and a.owner == "O1" and a.installed
    )
    plain = asked(
        "scheme", "name", "address", "status", "position", "geometry", "cell", "installed", "surveyMethod",
        "accuracy", "attributes", "sourceKey", "rowNumber", "validFrom", "updated", "relation", "identifiers",
        "authority", "owner", "dataset", "load", "parent",
    )  # fmt: skip
    division = Asked(
        "division", (*asked("name", "level"), Asked("path", asked("name")), Asked("parent", asked("level")))
    )
    load = Asked("load", asked("id", "source", "format", "startedAt", "finishedAt"))
    power = Asked("power", kind="streetlight")
    row = row_of(reader, by_code(asset.code, (*plain, division, power, load)))[asset.code]
    lon, lat = asset.point or (0, 0)
    assert json.loads(row["geometry"]) == {"type": "Point", "coordinates": [lon, lat]}
    assert position(row["position"]) == {"lon": lon, "lat": lat}
    assert (row["cell"], row["kind"], row["status"]) == (asset.cell, "STREETLIGHT", asset.status.upper())
    assert row["installed"] == asset.installed.isoformat()  # type: ignore[union-attr]
    assert row["updated"] == asset.updated.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert row["owner"] == {"key": "O1", "name": "Lighting Department"}
    assert (row["authority"], row["parent"], row["relation"]) == (None, None, None)
    assert row["dataset"]["name"] == asset.dataset
    assert row["load"] == {
        "id": "1", "source": "lamps.shp", "format": "shapefile",
        "startedAt": BEGIN.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "finishedAt": "2024-01-01T00:00:02.000000Z",
    }  # fmt: skip
    assert row["attributes"] == asset.attributes
    assert row["streetlight__power"] == asset.attributes.get("power")
    assert [(i["scheme"], i["value"]) for i in row["identifiers"]] == sorted(asset.identifiers)
    assert row["division"]["path"][0] == {"code": "310000", "name": "上海市"}
    assert row["division"]["path"][-1]["code"] == asset.division


def test_only_what_is_asked_is_fetched(reader: Connection) -> None:
    row = row_of(reader, by_code(CITY[0].code, asked("name")))[CITY[0].code]
    assert set(row) == {"kind", "code", "name"}


def test_positions_are_the_points_that_cells_come_from(reader: Connection) -> None:
    found = ask_now(reader, page(PageWanted(first=1_000, fields=asked("position", "cell")), 1_000))
    for row in found.rows:
        point = position(row["position"])
        assert (None if point is None else (point["lon"], point["lat"])) == BY_CODE[row["code"]].point
        if point is not None:
            assert h3.latlng_to_cell(point["lat"], point["lon"], 15) == row["cell"]


def test_parents_and_children(reader: Connection) -> None:
    elevators = [a for a in LEFT if a.parent is not None]
    building = BY_CODE[Counter(a.parent for a in elevators).most_common(1)[0][0] or ""]
    own = sorted(a.code for a in elevators if a.parent == building.code)
    inner = (
        Asked(
            "nodes",
            (*asked("name"), Asked("ratedLoad", kind="elevator"), Asked("parent", asked("sourceKey"))),
        ),
        Asked("totalCount"),
    )
    children = Asked("children", inner, {"first": 2})
    none = Asked("children", inner, {"where": {"kinds": ["ROAD"]}})
    row = row_of(reader, by_code(building.code, (children, none)))[building.code]
    few = row[children.label]
    assert [one["code"] for one in few["rows"]] == own[:3]
    assert few["total"] == len(own)
    assert few["rows"][0]["elevator__rated_load"] == BY_CODE[own[0]].attributes["rated_load"]
    assert few["rows"][0]["parent"]["sourceKey"] == building.source_key
    assert row[none.label] == {"rows": [], "total": 0}


def test_attributes_of_one_name_and_two_types_do_not_meet(reader: Connection) -> None:
    fields = [
        Asked(attribute, kind=each.name)
        for each in all_kinds().values()
        for attribute in ("category", "condition", "height", "medium")
        if each.attribute(attribute)
    ]
    rows = ask_now(reader, page(PageWanted(fields=fields, first=1_000), 1_000)).rows
    heights = {row["code"]: row["building__height"] for row in rows}
    own = {a.code: a.attributes.get("height") if a.kind == "building" else None for a in LEFT}
    assert heights == own
    assert any("height" in a.attributes for a in LEFT if a.kind != "building")


def test_answers_have_a_limit() -> None:
    deep = Asked(
        "children",
        (Asked("nodes", (Asked("children", (Asked("nodes", asked("name")),), {"first": 100}),)),),
        {"first": 100},
    )
    assert code_of(lambda: page(PageWanted(fields=(deep,), first=10), 100)) == "page.rows"
    too_many = Asked("children", (Asked("nodes", asked("name")),), {"first": 101})
    assert code_of(lambda: page(PageWanted(fields=(too_many,)), 100)) == "page.size"
    up = Asked("parent", asked("name"))
    for _ in range(4):
        up = Asked("parent", (up,))
    assert code_of(lambda: page(PageWanted(fields=(up,)), 100)) == "page.depth"


# The registry


def test_divisions(reader: Connection) -> None:
    district = row_of(
        reader, registry.one_division(Given("310115", "code"), asked("name", "level", "parent", "path"))
    )
    assert (district["name"], district["level"], district["parent"]) == (
        "District 310115",
        6,
        {"code": "310000"},
    )
    assert row_of(reader, registry.one_division(Given("999999", "code"), asked("name"))) is None
    level, parent, first, after = (Given(value, "") for value in (8, "310115", 2, "310115001"))
    streets = row_of(reader, registry.divisions(level, parent, first, after, asked("name")))
    assert [one["code"] for one in streets] == ["310115002", "310115003"]


def test_home_and_data_sets(reader: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    assert row_of(reader, registry.home(asked("name"))) is None
    monkeypatch.setenv("TWIN_DIVISION", "310101")
    assert row_of(reader, registry.home(asked("name"))) == {"code": "310101", "name": "District 310101"}
    monkeypatch.setenv("TWIN_DIVISION", "330100")
    assert row_of(reader, registry.home(asked("name", "path"))) == {
        "code": "330100", "name": None, "path": [{"code": "330100"}],
    }  # fmt: skip
    assert [one["name"] for one in row_of(reader, registry.datasets())] == ["council", "survey"]


def test_a_slow_statement_is_stopped(reader: Connection) -> None:
    from sqlalchemy import func, select

    with reader.transaction(force_rollback=True):
        reader.execute("SET LOCAL statement_timeout = 50")
        assert code_of(lambda: ask_now(reader, Question(select(func.pg_sleep(5)), len))) == "query.timeout"
