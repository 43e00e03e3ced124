"""The sample city's files are what their maker makes, small, and what they pretend to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pyogrio
import pytest
import shapely

from fixtures.sample import make
from fixtures.sample_model import City
from fixtures.sample_plan import TODAY, city, due_dates
from loaders.city import read_city
from twin.identity.checks import CHECKS
from twin.kinds import all_kinds

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "fixtures" / "city"
BY_HAND = ("city.toml", "README.md", "mappings/", "receipts/")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    make(folder)
    return folder


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def layers(path: Path) -> dict[str, Any]:
    """Every layer: its system, fields, geometries and values, as plain lists."""
    found = {}
    for layer, _ in pyogrio.list_layers(path):
        meta, _, shapes, values = pyogrio.raw.read(path, layer=layer, encoding=_encoding(path))
        rows = [["" if v != v else v for v in column.tolist()] for column in values]
        found[str(layer)] = (meta["crs"], list(meta["fields"]), list(shapes), rows)
    return found


def _encoding(path: Path) -> str | None:
    return "GBK" if path.suffix == ".shp" else None


def cells(path: Path) -> dict[str, Any]:
    book = openpyxl.load_workbook(path)
    return {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book}


READERS: dict[str, Callable[[Path], Any]] = {
    ".gpkg": layers,
    ".shp": layers,
    ".xlsx": cells,
}


def test_the_committed_files_are_what_the_maker_makes(made: Path) -> None:
    names = files(made)
    by_hand = {name for name in files(FOLDER) if name.startswith(BY_HAND)}
    assert files(FOLDER) - by_hand == names
    for name in sorted(names):
        reader = READERS.get(Path(name).suffix, Path.read_bytes)
        assert reader(FOLDER / name) == reader(made / name), name


def test_the_files_are_small() -> None:
    sizes = [path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()]
    assert max(sizes) < 300_000
    assert sum(sizes) < 2_000_000


def test_the_shapefile_hides_its_encoding() -> None:
    assert not list(FOLDER.glob("*.[cC][pP][gG]"))
    head = (FOLDER / "buildings.dbf").read_bytes()
    assert head[29] == 0
    assert "房屋编号".encode("gbk") in head[:500]
    fields = head[32 : int.from_bytes(head[8:10], "little") - 1]
    names = [fields[n : n + 11].split(b"\0")[0] for n in range(0, len(fields), 32)]
    assert max(map(len, names)) == 10


def test_every_mapping_belongs_to_a_load() -> None:
    used = {load.options.mapping for load in read_city(FOLDER).loads}
    assert used == set((FOLDER / "mappings").iterdir())


@pytest.fixture(scope="module")
def plan() -> City:
    return city()


def test_the_city_has_about_2500_assets_of_all_kinds(plan: City) -> None:
    counts = plan.counts()
    assert counts.keys() == all_kinds().keys()
    assert min(counts.values()) > 50
    assert 2_400 <= sum(counts.values()) <= 2_600


def test_buildings_stand_apart_and_off_the_roads(plan: City) -> None:
    shapes = [shapely.Polygon(building.ring) for building in plan.buildings]
    assert all(shape.is_valid for shape in shapes)
    tree = shapely.STRtree(shapes)
    a, b = tree.query(shapes, predicate="intersects")
    assert (a == b).all()
    roads = [shapely.LineString([road.start, road.end]).buffer(12) for road in plan.roads]
    assert tree.query(roads, predicate="intersects").size == 0


def test_elevators_are_inside_their_buildings(plan: City) -> None:
    for one in plan.elevators:
        assert shapely.Polygon(one.building.ring).contains(shapely.Point(one.at).buffer(1))


def test_lamps_stand_along_roads(plan: City) -> None:
    roads = shapely.union_all([shapely.LineString([road.start, road.end]) for road in plan.roads])
    distances = {round(float(shapely.Point(lamp.at).distance(roads)), 3) for lamp in plan.lamps}
    assert distances == {6.5}


def test_networks_hang_together_and_covers_lie_on_their_nodes(plan: City) -> None:
    for network in plan.networks:
        reached = {network.nodes[0].number}
        links = [(pipe.start.number, pipe.end.number) for pipe in network.pipes]
        while more := {n for link in links if reached & set(link) for n in link} - reached:
            reached |= more
        assert len(reached) == len(network.nodes)
        at = {node.number: node.at for node in network.nodes}
        covers = [hole for hole in plan.manholes if hole.node in at]
        assert covers
        assert all(hole.at == at[hole.node or ""] for hole in covers)


def test_unit_grids_fill_the_district(plan: City) -> None:
    def area(level: str) -> float:
        return float(sum(shapely.Polygon(one.ring).area for one in plan.divisions[level]))

    assert {round(area(level)) for level in plan.divisions} == {round(area("district"))}
    codes = [one.code for level in plan.divisions.values() for one in level]
    assert Counter(map(len, codes)) == {6: 1, 9: 4, 12: 10, 15: 30}
    assert len(set(codes)) == len(codes)


def test_numbers_are_right_before_mistakes_are_made(plan: City) -> None:
    for vehicle in plan.vehicles:
        assert CHECKS["vin"].problem(vehicle.vin) is None
        assert CHECKS["plate"].problem(vehicle.plate) is None
    assert len({vehicle.vin for vehicle in plan.vehicles}) == len(plan.vehicles)


def test_inspections_fall_due_as_the_rule_says(plan: City) -> None:
    past, coming = due_dates(date(2012, 5, 7))
    assert [day.year for day in past] == [2012, 2013, 2016, 2019, 2021, 2023, 2025]
    assert coming == date(2027, 5, 7)
    overdue = [one for one in plan.elevators if one.overdue]
    assert len(overdue) == 25
    assert all(one.due <= TODAY for one in overdue)
    assert all(one.due > TODAY for one in plan.elevators if not one.overdue)
