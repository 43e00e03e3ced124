"""Keys, doubles and hashes of rows; geometries judged; mappings settled."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from loaders import arrow, keys, runs
from loaders.errors import MappingInvalid, UnknownColumn, UnknownField, nearest
from loaders.findings import Findings, Verdict
from loaders.formats import OpenedFile, Rows
from loaders.keys import Seen, choose_key, fingerprint, lookup
from loaders.mapping import FieldSource, Mapping, read_mapping
from loaders.places import Raw, Written, read_geometries, settle_places
from loaders.plan import Plan, Position, settle
from loaders.runs import Run, all_merged
from loaders.settle import nearly_equal
from loaders.text_hashes import text_hashes
from spatial.crs import operation_to_wgs84, parse_crs
from twin.kinds import kind

HASHES = st.integers(-5, 5) | st.sampled_from([-(2**63), 2**63 - 1, 3 << 40, (3 << 40) + 1])
BATCHES = st.lists(st.lists(HASHES, max_size=12), max_size=12)
LONG = st.sampled_from([2, 5, 1 << 20])
"""Rows from which a run has a file of its own."""


@given(BATCHES, LONG)
def test_what_was_seen_is_remembered_over_batches(batches: list[list[int]], long: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "LONG", long)
        remember_batches(batches, Seen(counting=True), counting=True)
        remember_batches(batches, Seen(), counting=False)


@given(BATCHES, st.lists(st.booleans(), min_size=12, max_size=12), st.sampled_from([3, 1 << 20]))
def test_what_is_noted_is_known_when_somebody_asks(
    batches: list[list[int]], asked: list[bool], long: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "LONG", long)
        added, noting, row = Seen(), Seen(), 0
        for batch, asks in zip(batches, asked, strict=False):
            hashes, numbers = np.array(batch, dtype=np.int64), np.arange(row, row + len(batch))
            row += len(batch)
            told = added.add(hashes, numbers)
            if asks:
                assert [one.tolist() for one in noting.add(hashes, numbers)] == [one.tolist() for one in told]
            else:
                noting.note(hashes, numbers)
        everything = np.array([one for batch in batches for one in batch] + [77], dtype=np.int64)
        assert noting.holds(everything).tolist() == added.holds(everything).tolist()


@given(BATCHES, LONG, st.lists(st.integers(-7, 7)))
def test_runs_merged_hold_every_hash_and_what_came_with_it_first(
    batches: list[list[int]], long: int, wanted: list[int]
) -> None:
    hashes = [hash_ for batch in batches for hash_ in batch]
    ends = np.cumsum([0, *map(len, batches)])
    every = np.array(hashes, dtype=np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "LONG", long)
        whole = all_merged(Run.of(every[a:b], np.arange(a, b)) for a, b in pairwise(ends.tolist()))
        places, values = whole.find(np.array(wanted, dtype=np.int64))
    assert whole.hashes.tolist() == sorted(hashes)
    assert sorted(whole.values.tolist()) == list(range(len(hashes)))
    assert every[whole.values].tolist() == whole.hashes.tolist()
    for value, place, number in zip(wanted, places.tolist(), values.tolist(), strict=True):
        assert (place, number) == (
            (sorted(hashes).index(value), hashes.index(value)) if value in hashes else (-1, 0)
        )


@given(
    st.lists(
        st.lists(st.sampled_from(["", "a", "L09", "L1", "é", "\U0001f6a6", "灯"]), max_size=4), max_size=6
    )
)
def test_texts_that_ascend_are_seen_as_others_are(batches: list[list[str]]) -> None:
    """Where they go on ascending, and where one of them breaks the order or comes again."""
    hashed, told, row = Seen(), Seen(), 0
    for batch in [*batches, ["L09", "灯"]]:
        texts, numbers = arrow.texts(batch), np.arange(row, row + len(batch))
        row += len(batch)
        hashes = text_hashes(texts)
        known, found = hashed.add(hashes, numbers), told.add_texts(texts, hashes, numbers)
        assert [one.tolist() for one in found] == [one.tolist() for one in known]
        assert told.holds(hashes).all()


def remember_batches(batches: list[list[int]], seen: Seen, *, counting: bool) -> None:
    before, first = Counter[int](), dict[int, int]()
    number = 0
    for batch in batches:
        numbers = np.arange(number + 1, number + len(batch) + 1, dtype=np.int64)
        times, rows = seen.add(np.array(batch, dtype=np.int64), numbers)
        for value, row, time, found in zip(
            batch, numbers.tolist(), times.tolist(), rows.tolist(), strict=True
        ):
            assert time == before[value] if counting else bool(time) == bool(before[value])
            assert found == first.setdefault(value, row)
            before[value] += 1
        number += len(batch)


@given(st.lists(st.integers(-20, 20)), st.lists(st.integers(-20, 20)))
def test_lookup_finds_what_is_there(values: list[int], wanted: list[int]) -> None:
    known = np.unique(np.array(values, dtype=np.int64))
    places = lookup(known, np.array(wanted, dtype=np.int64))
    for value, place in zip(wanted, places.tolist(), strict=True):
        assert (known[place] == value) if place >= 0 else (value not in values)


def test_the_fingerprint_knows_the_kind() -> None:
    assert fingerprint(kind("building")) == fingerprint(kind("building"))
    assert fingerprint(kind("building")) != fingerprint(kind("road"))


def settled(
    *columns: str, given_: Mapping | None = None, kind_: str = "streetlight", geometry: bool = False
) -> Plan:
    """The plan for a file with these columns."""
    source = OpenedFile(Path("a"), None, columns, has_geometry=geometry)
    return settle(source, kind(kind_), given_ or Mapping(), "m.toml")  # type: ignore[arg-type]


def test_columns_map_by_the_names_that_the_kind_knows() -> None:
    plan = settled(
        "灯杆编号", "LAMP TYPE", "功率", "经度", "纬度", "colour of the sky", "Pole-Height", "height"
    )
    assert plan.as_json() == {
        "pole_number": "灯杆编号",
        "lamp": "LAMP TYPE",
        "power": "功率",
        "pole_height": "Pole-Height",
        "lon": "经度",
        "lat": "纬度",
    }
    assert plan.unmapped == ("colour of the sky", "height")
    assert plan.position.degrees


def test_the_first_name_of_the_kind_wins_wherever_it_stands() -> None:
    assert settled("title", "name").as_json() == {"name": "name"}
    assert settled("name", "title").as_json() == {"name": "name"}


def test_names_of_other_units_bring_their_unit() -> None:
    (filling,) = settled("POLEHEIGHT_DESC").fillings
    assert [(column.name, column.unit) for column in filling.columns] == [("POLEHEIGHT_DESC", "ft")]


@pytest.mark.parametrize(
    ("columns", "position"),
    [
        (("x", "y", "lng", "lat"), Position("lng", "lat", degrees=True)),
        (("XCOORD", "YCOORD"), Position("XCOORD", "YCOORD")),
        (("Longitude", "LATITUDE"), Position("Longitude", "LATITUDE", degrees=True)),
        (("the_geom", "id"), Position(wkt="the_geom")),
        (("lon", "y"), Position()),
    ],
)
def test_positions_in_columns(columns: tuple[str, ...], position: Position) -> None:
    assert settled(*columns).position == position
    assert settled(*columns, geometry=True).position == Position()


def test_what_a_mapping_says_wrong_is_told() -> None:
    with pytest.raises(UnknownColumn, match="mean power"):
        settled("power", given_=Mapping(fields={"power": FieldSource(column="powr")}))
    with pytest.raises(UnknownField, match="mean power"):
        settled("power", given_=Mapping(fields={"powr": FieldSource(column="power")}))
    with pytest.raises(MappingInvalid, match="W, not in ft"):
        settled("power", given_=Mapping(fields={"power": FieldSource(column="power", unit="ft")}))
    with pytest.raises(UnknownField):
        settled("power", given_=Mapping(fields={"source_key": FieldSource(column="power")}))


def test_a_mapping_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text('key = "k"\n[fields]\nname = "n"\nlit = { value = true }\n', encoding="utf-8-sig")
    mapping = read_mapping(path)
    assert mapping.columns == ("k", "n")
    assert mapping.fields == {"name": FieldSource(column="n"), "lit": FieldSource(value="true")}


def test_the_nearest_word_does_not_mind_case() -> None:
    assert nearest("streetlighTID", ["OBJECTID", "STREETLIGHTID"]) == "STREETLIGHTID"
    assert nearest("x", []) == ""


def rows_of(**columns: list[str | None]) -> Rows:
    """A batch of texts."""
    length = len(next(iter(columns.values())))
    return Rows(np.arange(1, length + 1), {n: arrow.texts(v) for n, v in columns.items()}, None)


def test_an_assumed_key_tells_most_rows_apart() -> None:
    rows = rows_of(fid=["1", "1", "1", "1"], id=["a", "b", "c", None])
    assert choose_key(settled("fid", "id"), rows) == "id"
    assert choose_key(settled("fid"), rows) is None
    assert choose_key(settled("fid", "id", given_=Mapping(key="fid")), rows) == "fid"


def judged(
    shapes: list[shapely.Geometry | None], kind_: str, crs: str = "EPSG:4326"
) -> tuple[list[str], dict[str, int], dict[str, int]]:
    """The WKT of the geometries that stand, and what was found; the same whether read before or not."""
    column = np.array([*shapes, None], dtype=object)[:-1]
    written = Written(arrow.binaries(shapely.to_wkb(column)))
    read = Raw(column, np.zeros(len(shapes), dtype=np.bool_))
    found = [judged_once(one, kind_, crs) for one in (read, written)]
    assert found[0] == found[1]
    return found[0]


def judged_once(
    shapes: Raw | Written, kind_: str, crs: str
) -> tuple[list[str], dict[str, int], dict[str, int]]:
    verdict = Verdict(np.arange(1, len(shapes) + 1), Findings(), Findings())
    operation = operation_to_wgs84(parse_crs(crs), (121.0, 31.0, 122.0, 32.0))
    places = settle_places(shapes, operation, kind(kind_), verdict)
    geometries = shapely.from_wkb(arrow.objects(places.wkb))
    standing = geometries[verdict.alive]
    assert ((places.cells > 0) == ~shapely.is_missing(geometries)).all()
    return (
        [shape.wkt if shape else "" for shape in standing],
        dict(verdict.rejections.counts),
        dict(verdict.warnings.counts),
    )


def test_geometries_are_judged_and_repaired() -> None:
    square, bow = shapely.box(121, 31, 122, 32), shapely.Polygon([(121, 31), (122, 32), (122, 31), (121, 32)])
    flat = shapely.Polygon([(121, 31), (122, 31), (121, 31)])
    standing, rejected, warned = judged(
        [
            square,
            shapely.MultiPolygon([square]),
            bow,
            flat,
            shapely.LineString([(121, 31), (122, 32)]),
            shapely.Polygon(),
            None,
            shapely.Point(0, 0),
            shapely.Point(float("inf"), 31),
            shapely.Point(181, 31),
            shapely.Point(121, 31, float("nan")),
        ],
        "building",
    )
    assert standing[:2] == [square.wkt, shapely.MultiPolygon([square]).wkt]
    assert [wkt.split()[0] for wkt in standing[2:3]] == ["MULTIPOLYGON"]
    assert standing[3:] == ["", ""]
    assert rejected == {
        "geometry.invalid": 1,
        "geometry.type": 1,
        "geometry.null_island": 1,
        "geometry.not_finite": 2,
        "crs.outside": 1,
    }
    assert warned == {"geometry.repaired": 1, "geometry.missing": 2}


def test_a_collection_of_one_passes_for_its_part() -> None:
    line = shapely.LineString([(121, 31), (122, 32)])
    several = shapely.MultiPoint([(121, 31), (122, 32)])
    standing, rejected, _ = judged([shapely.MultiPoint([(121, 31)]), several, line], "vehicle")
    assert (standing, rejected) == (["POINT (121 31)"], {"geometry.type": 2})


def test_positions_that_cannot_be_read() -> None:
    rows = rows_of(lon=["121.5", "x", "121.5", None, "121,5"], lat=["31.2", "31.2", None, None, "31.2"])
    raw = read_geometries(rows, Position("lon", "lat"))
    assert raw.unreadable.tolist() == [False, True, True, False, True]
    assert shapely.is_missing(raw.geometries).tolist() == [False, True, True, True, True]
    texts = rows_of(w=["POINT (1 2)", "POINT", None, "", "POINT Z (1 2 3)"])
    raw = read_geometries(texts, Position(wkt="w"))
    assert raw.unreadable.tolist() == [False, True, False, False, False]


def test_geometries_are_alike_within_a_millimetre() -> None:
    def pair(a: shapely.Geometry, b: shapely.Geometry) -> bool:
        return bool(nearly_equal(np.array([a, None])[:1], np.array([b, None])[:1])[0])

    point = shapely.Point
    assert pair(point(121.5, 31.2), point(121.5 + 9e-9, 31.2))
    assert not pair(point(121.5, 31.2), point(121.5 + 2e-8, 31.2))
    assert pair(point(121.5, 31.2, 5), point(121.5, 31.2, 5.0005))
    assert not pair(point(121.5, 31.2, 5), point(121.5, 31.2, 5.01))
    assert not pair(point(121.5, 31.2, 5), point(121.5, 31.2))
    box = shapely.box(121, 31, 122, 32)
    assert pair(box, shapely.Polygon(box.exterior.coords[::-1]))
