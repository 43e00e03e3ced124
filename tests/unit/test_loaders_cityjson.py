"""CityJSON: which files it is, what becomes of solids, parts, semantics and levels of detail."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from loaders.citymodel import footprint
from loaders.errors import CityJsonVersion, FileBroken, LayerNeeded, UnknownEncoding, UnknownLayer
from loaders.formats import Request, Rows, detect
from spatial.systems import heights_of

GROUND, ROOF, WALL = ({"type": f"{name}Surface"} for name in ("Ground", "Roof", "Wall"))
CRS = "https://www.opengis.net/def/crs/EPSG/0/7415"


class City:
    """A city in the making: boxes share one list of vertices, in millimetres from (85000, 447000, -1)."""

    def __init__(self, version: str = "2.0") -> None:
        self.vertices: list[list[int]] = []
        self.objects: dict[str, dict[str, Any]] = {}
        self.head: dict[str, Any] = {
            "type": "CityJSON",
            "version": version,
            "transform": {"scale": [0.001] * 3, "translate": [85_000.0, 447_000.0, -1.0]},
            "metadata": {"referenceSystem": CRS},
        }

    def add(self, name: str, kind: str, geometry: Sequence[Mapping[str, Any]], **more: Any) -> None:
        self.objects[name] = {"type": kind, "geometry": list(geometry), **more}

    def at(self, *corners: Sequence[int]) -> list[int]:
        """The numbers of new vertices, metres given."""
        start = len(self.vertices)
        self.vertices += [[round(value * 1_000) for value in corner] for corner in corners]
        return list(range(start, len(self.vertices)))

    def ring(self, west: float, south: float, east: float, north: float, z: float) -> list[int]:
        return self.at((west, south, z), (east, south, z), (east, north, z), (west, north, z))

    def box(self, west: float, south: float, east: float, north: float, low: float, high: float) -> list[Any]:
        """The six faces of a box: ground, roof, walls."""
        floor, top = self.ring(west, south, east, north, low), self.ring(west, south, east, north, high)
        walls = [[[floor[i], floor[(i + 1) % 4], top[(i + 1) % 4], top[i]]] for i in range(4)]
        return [[floor[::-1]], [top], *walls]

    def solid(self, *extent: float, lod: str = "2") -> dict[str, Any]:
        return {"type": "Solid", "lod": lod, "boundaries": [self.box(*extent)]}

    def whole(self) -> dict[str, Any]:
        return {**self.head, "CityObjects": self.objects, "vertices": self.vertices}

    def write(self, path: Path) -> Path:
        path.write_text(json.dumps(self.whole()), encoding="utf-8")
        return path


def read(path: Path, layer: str | None = None) -> Rows:
    (rows,) = detect(path).open(path, Request(layer)).rows()
    return rows


def shapes(rows: Rows) -> list[Any]:
    assert rows.wkb is not None
    moved = [value and shapely.from_wkb(value) for value in rows.wkb.to_pylist()]
    return [
        shape and shapely.transform(shape, lambda xy: np.round(xy - (85_000, 447_000), 6)) for shape in moved
    ]


def values(rows: Rows, name: str) -> list[Any]:
    return rows.columns[name].to_pylist()


def test_a_box_becomes_its_plan_its_height_and_its_ground_level(tmp_path: Path) -> None:
    city = City()
    city.add(
        "b1", "Building", [city.solid(0, 0, 10, 5, 1, 9)], attributes={"use": "住宅", "n": 2, "ok": True}
    )
    rows = read(city.write(tmp_path / "a.city.json"))
    assert shapely.equals(shapes(rows)[0], shapely.box(0, 0, 10, 5))
    assert {name: values(rows, name) for name in rows.columns} == {
        "id": ["b1"],
        "height": ["8.0"],
        "ground_level": ["0.0"],
        "vertical_datum": ["Normaal Amsterdams Peil"],
        "use": ["住宅"],
        "n": ["2"],
        "ok": ["true"],
    }


@pytest.mark.parametrize("name", ["a.city.json", "a.json", "a.cityjson", "bare"])
def test_it_is_told_by_its_content(name: str, tmp_path: Path) -> None:
    city = City()
    city.add("b1", "Building", [city.solid(0, 0, 1, 1, 0, 1)])
    assert detect(city.write(tmp_path / name)).name == "CityJSON"
    late = {"vertices": city.vertices * 9_000, **city.whole()}
    (tmp_path / name).write_text(json.dumps(late, indent=1), encoding="utf-8-sig")
    assert detect(tmp_path / name).name == "CityJSON"


def test_geojson_stays_geojson(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    point = {"type": "Point", "coordinates": [121.5, 31.2]}
    feature = {"type": "Feature", "properties": {"note": "CityJSON", "version": "2.0"}, "geometry": point}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    assert detect(path).name == "GeoJSON"


@pytest.mark.parametrize("version", ["0.9", "1.0", "1.0.3", "2.1", "3.0"])
def test_other_versions_are_refused_by_name(version: str, tmp_path: Path) -> None:
    city = City()
    city.head["version"] = version
    with pytest.raises(CityJsonVersion, match=f"CityJSON {version}; versions 1.1 / 2.0"):
        read(city.write(tmp_path / "a.city.json"))


def test_a_version_that_is_not_said_is_asked_for(tmp_path: Path) -> None:
    city = City()
    del city.head["version"]
    with pytest.raises(CityJsonVersion, match="does not say its version"):
        read(city.write(tmp_path / "a.city.json"))


@pytest.mark.parametrize("version", ["1.1", "1.1.3", "2.0", "2.0.1"])
def test_these_versions_are_read(version: str, tmp_path: Path) -> None:
    city = City(version)
    city.add("b1", "Building", [city.solid(0, 0, 1, 1, 0, 1)])
    assert len(read(city.write(tmp_path / "a.city.json"))) == 1


def test_parts_are_merged_into_their_building_and_installations_are_not(tmp_path: Path) -> None:
    city = City()
    city.add("b1", "Building", [], children=["p1", "p2", "i1"], attributes={"name": "whole"})
    city.add(
        "p1", "BuildingPart", [city.solid(0, 0, 10, 10, 0, 6)], parents=["b1"], attributes={"name": "part"}
    )
    city.add("p2", "BuildingPart", [city.solid(10, 0, 15, 10, -2, 3)], parents=["b1"])
    city.add("i1", "BuildingInstallation", [city.solid(0, 0, 99, 99, 0, 99)], parents=["b1"])
    rows = read(city.write(tmp_path / "a.city.json"))
    assert values(rows, "id") == ["b1"]
    assert values(rows, "name") == ["whole"]
    assert shapely.equals(shapes(rows)[0], shapely.box(0, 0, 15, 10))
    assert (values(rows, "height"), values(rows, "ground_level")) == (["8.0"], ["-3.0"])


def test_a_part_without_its_building_stands_by_itself(tmp_path: Path) -> None:
    city = City()
    city.add("p1", "BuildingPart", [city.solid(0, 0, 1, 1, 0, 6)], parents=["gone"])
    assert values(read(city.write(tmp_path / "a.city.json")), "id") == ["p1"]


def test_the_highest_level_of_detail_counts(tmp_path: Path) -> None:
    city = City()
    plan = {"type": "MultiSurface", "lod": "0", "boundaries": [[city.ring(0, 0, 50, 50, 0)]]}
    fine = city.solid(0, 0, 10, 10, 0, 6, lod="2.2")
    city.add("b1", "Building", [plan, fine, city.solid(0, 0, 20, 20, 0, 5, lod="1")])
    city.add("b2", "Building", [plan])
    rows = read(city.write(tmp_path / "a.city.json"))
    assert [shape.area for shape in shapes(rows)] == pytest.approx([100, 2_500])
    assert values(rows, "height") == ["6.0", None]
    assert values(rows, "ground_level") == ["-1.0", "-1.0"]


def test_ground_surfaces_are_the_footprint_where_the_file_names_them(tmp_path: Path) -> None:
    city = City()
    faces = city.box(0, 0, 10, 10, 0, 6)
    eaves = [city.ring(-1, -1, 11, 11, 6)]
    values_ = [[0, 1, 2, 2, None, 2, 1]]
    meanings = {"surfaces": [GROUND, ROOF, WALL], "values": values_}
    city.add(
        "b1",
        "Building",
        [{"type": "Solid", "lod": "2", "boundaries": [[*faces, eaves]], "semantics": meanings}],
    )
    unsaid = {"surfaces": [ROOF, WALL], "values": None}
    city.add(
        "b2",
        "Building",
        [{"type": "Solid", "lod": "2", "boundaries": [[*faces, eaves]], "semantics": unsaid}],
    )
    assert [s.area for s in shapes(read(city.write(tmp_path / "a.city.json")))] == pytest.approx([100, 144])


@pytest.mark.parametrize(
    ("kind", "depth"),
    [("MultiSurface", 1), ("CompositeSurface", 1), ("MultiSolid", 3), ("CompositeSolid", 3)],
)
def test_every_type_with_faces_is_read(kind: str, depth: int, tmp_path: Path) -> None:
    city = City()
    boundaries: Any = city.box(0, 0, 10, 10, 0, 6)
    for _ in range(depth - 1):
        boundaries = [boundaries]
    city.add("b1", "Building", [{"type": kind, "lod": "1", "boundaries": boundaries}])
    rows = read(city.write(tmp_path / "a.city.json"))
    assert shapes(rows)[0].area == pytest.approx(100)
    assert values(rows, "height") == ["6.0"]


def test_a_courtyard_stays_open(tmp_path: Path) -> None:
    city = City()
    face = [city.ring(0, 0, 10, 10, 0), city.ring(4, 4, 6, 6, 0)[::-1]]
    city.add("b1", "Building", [{"type": "MultiSurface", "lod": "0", "boundaries": [face]}])
    assert shapes(read(city.write(tmp_path / "a.city.json")))[0].area == pytest.approx(96)


def test_lines_points_and_templates_keep_their_place(tmp_path: Path) -> None:
    city = City()
    a, b = city.at((0, 0, 3), (4, 0, 3))
    city.add("l", "Road", [{"type": "MultiLineString", "lod": "0", "boundaries": [[a, b]]}])
    city.add("p", "CityFurniture", [{"type": "MultiPoint", "lod": "0", "boundaries": [b]}])
    city.add(
        "t",
        "CityFurniture",
        [{"type": "GeometryInstance", "template": 0, "boundaries": [a], "transformationMatrix": [1.0] * 16}],
    )
    path = city.write(tmp_path / "a.city.json")
    with pytest.raises(LayerNeeded, match="Road, CityFurniture"):
        read(path)
    assert [s.wkt for s in shapes(read(path, "CityFurniture"))] == [
        "MULTIPOINT ((4 0))",
        "MULTIPOINT ((0 0))",
    ]
    roads = read(path, "Road")
    assert [s.wkt for s in shapes(roads)] == ["MULTILINESTRING ((0 0, 4 0))"]
    assert (values(roads, "ground_level"), values(roads, "height")) == (["2.0"], [None])
    with pytest.raises(UnknownLayer, match="Building"):
        read(path, "Building")


def test_what_is_broken_is_unread_and_what_has_no_geometry_stays(tmp_path: Path) -> None:
    city = City()
    face = city.ring(0, 0, 1, 1, 0)
    wall = city.at((0, 0, 0), (1, 0, 0), (1, 0, 5), (0, 0, 5))
    for name, ring in (
        ("far", [*face[:2], 999]),
        ("negative", [*face[:2], -1]),
        ("short", face[:2]),
        ("wall", wall),
    ):
        city.add(name, "Building", [{"type": "MultiSurface", "lod": "2", "boundaries": [[ring]]}])
    city.add("shallow", "Building", [{"type": "Solid", "lod": "2", "boundaries": [[face]]}])
    city.add("good", "Building", [{"type": "MultiSurface", "lod": "2", "boundaries": [[face]]}])
    city.add("bare", "Building", [])
    rows = read(city.write(tmp_path / "a.city.json"))
    assert values(rows, "id") == ["good", "bare"]
    assert rows.numbers.tolist() == [6, 7]
    assert [(u.number, u.value) for u in rows.unread] == [
        *((1, "far"), (2, "negative"), (3, "short"), (4, "wall"), (5, "shallow")),
    ]
    assert {u.reason for u in rows.unread} == {"geometry.unreadable"}


def test_columns_of_ours_keep_their_names(tmp_path: Path) -> None:
    city = City()
    city.add("b1", "Building", [], attributes={"id": 7, "height": 99.5, "list": ["a", 1], "none": None})
    rows = read(city.write(tmp_path / "a.city.json"))
    assert {name: values(rows, name)[0] for name in rows.columns} == {
        **{"id": "b1", "height": None, "ground_level": None, "vertical_datum": None},
        **{"id_5": "7", "height_6": "99.5", "list": '["a",1]', "none": None},
    }


def test_a_sequence_gives_the_same_rows(tmp_path: Path) -> None:
    whole, lines = City(), []
    lines.append({**whole.head, "CityObjects": {}, "vertices": []})
    for number in range(3):
        one = City()
        for city in (whole, one):
            extent = (number * 20, 0, number * 20 + 10, 10, 0, 5 + number)
            city.add(f"b{number}", "Building", [], children=[f"p{number}"], attributes={"n": number})
            city.add(f"p{number}", "BuildingPart", [city.solid(*extent)], parents=[f"b{number}"])
        feature = {"type": "CityJSONFeature", "id": f"b{number}"}
        lines.append({**feature, "CityObjects": one.objects, "vertices": one.vertices})
    path = tmp_path / "a.city.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    assert detect(path).name == "CityJSONSeq"
    ours, theirs = read(path), read(whole.write(tmp_path / "a.city.json"))
    assert shapes(ours) == shapes(theirs)
    assert {n: c.to_pylist() for n, c in ours.columns.items()} == {
        n: c.to_pylist() for n, c in theirs.columns.items()
    }
    path.write_text("\n".join(map(json.dumps, lines)) + '\n{"type": "CityJSONFeature",\n', encoding="utf-8")
    with pytest.raises(FileBroken, match="line 5 is no JSON"):
        read(path)


def test_broken_files_are_refused_in_words(tmp_path: Path) -> None:
    city = City()
    city.add("b1", "Building", [city.solid(0, 0, 1, 1, 0, 1)], attributes={"name": "é"})
    path = city.write(tmp_path / "a.city.json")
    text = path.read_text(encoding="utf-8")
    path.write_text(text[:-20], encoding="utf-8")
    with pytest.raises(FileBroken, match="no JSON"):
        read(path)
    path.write_bytes(json.dumps(city.whole(), ensure_ascii=False).encode("latin-1"))
    with pytest.raises(UnknownEncoding, match="UTF-8"):
        read(path)
    for lacking in ("transform", "vertices", "CityObjects"):
        path.write_text(json.dumps({n: v for n, v in city.whole().items() if n != lacking}), encoding="utf-8")
        with pytest.raises(FileBroken, match=lacking):
            read(path)


@pytest.mark.parametrize("gap", [0, 1, 9])
def test_faces_a_few_steps_apart_leave_no_gap(gap: int) -> None:
    faces = [
        shapely.Polygon([(0, 0), (1000, 0), (1000, 1000), (0, 1000)]),
        shapely.Polygon([(0, -gap), (497, -gap - 1), (1000, -gap), (1000, -1000), (0, -1000)]),
    ]
    whole = footprint(np.array(faces, dtype=object))
    assert whole is not None
    assert whole.geom_type == "Polygon"
    assert shapely.get_num_interior_rings(whole) == 0
    assert whole.area == pytest.approx(2_000_000, rel=1e-3)


@pytest.mark.parametrize(
    "odd",
    [{}, {"type": 1}, {"type": "Building", "attributes": "x"}, {"type": "Building", "parents": "b1"}, "text"],
)
def test_odd_objects_are_refused_in_words(odd: Any, tmp_path: Path) -> None:
    city = City()
    city.objects["b1"] = odd
    with pytest.raises(FileBroken, match="no CityJSON"):
        read(city.write(tmp_path / "a.city.json"))


@pytest.mark.parametrize("metadata", [None, [], {"referenceSystem": 7415}])
def test_odd_metadata_is_no_system(metadata: Any, tmp_path: Path) -> None:
    city = City()
    city.head["metadata"] = metadata
    city.add("b1", "Building", [city.solid(0, 0, 1, 1, 0, 1)])
    path = city.write(tmp_path / "a.city.json")
    assert detect(path).open(path, Request()).crs is None


def test_faces_further_apart_are_parts() -> None:
    faces = [shapely.box(0, 0, 1000, 1000), shapely.box(1100, 0, 2000, 1000)]
    whole = footprint(np.array(faces, dtype=object))
    assert whole is not None
    assert (whole.geom_type, whole.area) == ("MultiPolygon", 1_900_000)


def test_thin_holes_and_parts_go() -> None:
    faces = [
        shapely.box(0, 0, 1000, 1000).difference(shapely.box(100, 500, 900, 505)),
        shapely.box(2000, 0, 2004, 1000),
    ]
    whole = footprint(np.array(faces, dtype=object))
    assert whole is not None
    assert shapely.equals(whole, shapely.box(0, 0, 1000, 1000))


BOXES = st.lists(st.tuples(*[st.integers(0, 8)] * 2, *[st.integers(1, 4)] * 2), min_size=1, max_size=6)


@settings(max_examples=50, deadline=None)
@given(BOXES)
def test_the_footprint_covers_what_its_faces_cover(boxes: list[tuple[int, int, int, int]]) -> None:
    covered = np.zeros((12, 12), dtype=bool)
    for x, y, width, depth in boxes:
        covered[x : x + width, y : y + depth] = True
    faces = [shapely.box(x * 100, y * 100, (x + w) * 100, (y + d) * 100) for x, y, w, d in boxes]
    whole = footprint(np.array(faces, dtype=object))
    assert whole is not None
    assert whole.area == covered.sum() * 10_000


@pytest.mark.parametrize(
    ("text", "datum", "metres"),
    [
        (CRS, "Normaal Amsterdams Peil", 1.0),
        ("urn:ogc:def:crs:EPSG::7415", "Normaal Amsterdams Peil", 1.0),
        ("urn:ogc:def:crs,crs:EPSG::28992,crs:EPSG::5709", "Normaal Amsterdams Peil", 1.0),
        ("EPSG:4549+5737", "Yellow Sea 1985", 1.0),
        ("EPSG:2263+6360", "North American Vertical Datum 1988", 1_200 / 3_937),
        ("EPSG:4979", "WGS 84 ellipsoid", 1.0),
        ("https://www.opengis.net/def/crs/EPSG/0/28992", None, 1.0),
        ("EPSG:2263", None, 1_200 / 3_937),
        ("EPSG:4326", None, 1.0),
        ("EPSG:4978", None, 1.0),
        ("nonsense", None, 1.0),
        ("", None, 1.0),
    ],
)
def test_a_system_tells_how_it_measures_heights(text: str, datum: str | None, metres: float) -> None:
    assert (heights_of(text).datum, heights_of(text).metres) == (datum, pytest.approx(metres, rel=1e-9))


def test_feet_become_metres(tmp_path: Path) -> None:
    city = City()
    city.head["metadata"]["referenceSystem"] = "urn:ogc:def:crs:EPSG::2263"
    city.add("b1", "Building", [city.solid(0, 0, 10, 5, 11, 111)])
    rows = read(city.write(tmp_path / "a.city.json"))
    assert (values(rows, "height"), values(rows, "ground_level")) == (["30.480061"], ["3.048006"])


def test_delft_as_a_sequence_is_delft(real_data: Path, tmp_path: Path) -> None:
    whole = real_data / "buildings-delft" / "delft.json"
    city = json.loads(whole.read_text(encoding="utf-8"))
    lines = [{n: v for n, v in city.items() if n != "vertices"} | {"CityObjects": {}, "vertices": []}]
    for name, one in city["CityObjects"].items():
        places: dict[int, int] = {}

        def local(value: Any, places: dict[int, int] = places) -> Any:
            return [*map(local, value)] if isinstance(value, list) else places.setdefault(value, len(places))

        geometry = [g | {"boundaries": [local(part) for part in g["boundaries"]]} for g in one["geometry"]]
        vertices = [city["vertices"][place] for place in places]
        feature = {"type": "CityJSONFeature", "id": name, "CityObjects": {name: one | {"geometry": geometry}}}
        lines.append(feature | {"vertices": vertices})
    path = tmp_path / "delft.city.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert detect(path).layers(path) == detect(whole).layers(whole)
    ours, theirs = read(path), read(whole)
    assert len(ours) == 160
    assert shapes(ours) == shapes(theirs)
    assert values(ours, "height") == values(theirs, "height")
