"""Of which kind rows are taken to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loaders.inspection.confidence import Confidence
from loaders.inspection.facts import Facts
from loaders.inspection.kinds import propose_kinds
from loaders.inspection.naming import Named

CERTAIN, LIKELY = Confidence.CERTAIN, Confidence.LIKELY


def kinds_of(
    name: str, types: Mapping[str, int], *other: str, positioned: bool = False, **columns: Sequence[object]
) -> list[tuple[str, Confidence]]:
    facts = [Facts.of(heading, [str(value) for value in values]) for heading, values in columns.items()]
    found = propose_kinds(Named((name,), other), facts, types, positioned=positioned)
    return [(guess.kind, guess.confidence) for guess in found]


def test_a_layer_called_as_a_kind_with_its_geometry_is_certain() -> None:
    for name, kind, shape in (
        ("buildings", "building", "Polygon"),
        ("路灯", "streetlight", "Point"),
        ("道路", "road", "LineString"),
        ("Streets", "road", "LineString"),
        ("pipes_2023", "pipeline", "MultiLineString"),
    ):
        assert kinds_of(name, {shape: 10}) == [(kind, CERTAIN)]


def test_the_geometry_must_be_one_that_the_kind_has() -> None:
    assert kinds_of("roads", {"Polygon": 10}) == []
    assert kinds_of("roads", {"LineString": 9, "Polygon": 1}) == [("road", CERTAIN)]
    assert kinds_of("roads", {}, positioned=True) == []


def test_the_last_word_of_a_name_counts() -> None:
    assert kinds_of("路灯井盖", {"Point": 1})[0][0] == "manhole"
    assert kinds_of("building_elevators", {"Point": 1})[0][0] == "elevator"
    assert kinds_of("elevator_buildings", {"Polygon": 1})[0][0] == "building"


def test_other_names_say_nothing() -> None:
    for name in ("buses", "lines", "points", "trees", "sinks", "main", "data", "parcels", "export_2023"):
        for shape in ("Point", "LineString", "Polygon"):
            assert kinds_of(name, {shape: 10}) == []


def test_columns_of_one_kind_alone_are_enough() -> None:
    found = kinds_of(
        "data",
        {"LineString": 3},
        QD_ID=["a", "b", "c"],
        ZD_ID=["b", "c", "d"],
        QDMS=[1, 2, 1.5],
        ZDMS=[1, 1, 2],
    )
    assert found == [("pipeline", CERTAIN)]


def test_columns_that_several_kinds_have_are_not() -> None:
    assert all(
        sure is not CERTAIN
        for _, sure in kinds_of("data", {"Point": 2}, road=["a", "b"], 所在道路=["a", "b"])
    )


def test_asset_codes_tell_the_kind() -> None:
    assert kinds_of("data", {"Point": 9}, c1=[f"3101150101{n:06d}" for n in range(1, 20)]) == [
        ("manhole", CERTAIN)
    ]


def test_a_kind_that_another_layer_is_called_by_is_not_certain() -> None:
    columns = {"Exp_No": ["a", "b", "c"], "WellDeep": [1, 2, 3], "井盖类型": ["雨水", "污水", "上水"]}
    assert kinds_of("points", {"Point": 3}, **columns)[0] == ("manhole", CERTAIN)
    assert kinds_of("points", {"Point": 3}, "manholes", **columns)[0] == ("manhole", LIKELY)
