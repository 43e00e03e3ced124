"""The invented city: what it promises of its shapes, its networks, its divisions and its files."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely

from fixtures.generate import City, generate
from fixtures.generator.chance import Chance
from fixtures.generator.divisions import divide

ASSETS = 6_000
METRES = "EPSG:4549"
"""A plane in which the city's distances are right to a few centimetres a kilometre."""


class Layers:
    """The layers of a generated folder, in metres."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, name: str) -> geopandas.GeoDataFrame:
        return (
            geopandas.read_file(self.folder / f"{name}.fgb").set_crs(4490, allow_override=True).to_crs(METRES)
        )


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Layers:
    folder = tmp_path_factory.mktemp("city")
    generate(ASSETS, folder, seed=3)
    return Layers(folder)


def shapes(layer: geopandas.GeoDataFrame) -> np.ndarray[Any, Any]:
    return np.asarray(layer.geometry.values)


def test_chance_by_number_is_splitmix64() -> None:
    # The first three numbers that the algorithm's authors' program gives for the seed 0.
    published = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    drawn = Chance(0).uniform("", np.array([1, 2, 3]))
    assert drawn.tolist() == [(number >> 11) * 2.0**-53 for number in published]


def crossings(one: Sequence[Any], other: Sequence[Any]) -> int:
    """How many pairs of the two have a place in common."""
    return int(shapely.STRtree(one).query(other, predicate="intersects").shape[1])


@pytest.mark.parametrize("batch", [700, 100_000])
def test_the_same_seed_makes_the_same_files_whatever_the_batches(
    city: Layers, tmp_path: Path, batch: int
) -> None:
    generate(ASSETS, tmp_path, seed=3, batch=batch)
    names = sorted(path.name for path in city.folder.iterdir())
    assert len(names) == 12
    for name in names:
        assert (tmp_path / name).read_bytes() == (city.folder / name).read_bytes(), name
    assert City.plan(ASSETS, 4).blocks.i.tolist() != City.plan(ASSETS, 3).blocks.i.tolist()


@pytest.mark.parametrize("assets", [2_500, 40_000, 1_000_003])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_city_has_as_many_assets_as_were_asked_for(assets: int, seed: int) -> None:
    counts = City.plan(assets, seed).counts
    assert sum(counts.values()) == assets
    assert all(count >= assets / 200 for count in counts.values())


@pytest.mark.parametrize("seed", range(20))
def test_the_smallest_city_has_some_of_every_kind(seed: int) -> None:
    counts = City.plan(250, seed).counts
    assert min(counts.values()) > 0
    assert 250 <= sum(counts.values()) < 330
    with pytest.raises(ValueError, match="at least 250"):
        City.plan(249, seed)


def test_buildings_are_sound_apart_and_of_many_shapes(city: Layers) -> None:
    built = shapes(city["building"])
    assert shapely.is_valid(built).all()
    assert crossings(built, built) == len(built)
    hollow = shapely.get_num_interior_rings(built) > 0
    concave = (shapely.area(built) < shapely.area(shapely.convex_hull(built)) * 0.99) & ~hollow
    assert 0.05 < hollow.mean() < 0.2
    assert 0.4 < concave.mean() < 0.8
    box = shapely.get_coordinates(shapely.oriented_envelope(built)).reshape(-1, 5, 2)
    degrees = np.degrees(np.arctan2(*(box[:, 1] - box[:, 0]).T)) % 90
    assert len(np.unique(np.round(degrees, 1))) > 300
    assert len(np.unique(np.round(shapely.area(built)))) > 500


def test_elevators_stand_inside_their_buildings(city: Layers) -> None:
    elevators, buildings = city["elevator"], city["building"].set_index("id")
    inside = shapely.contains_properly(
        np.asarray(buildings.geometry.loc[elevators["building"]].values), shapes(elevators)
    )
    assert len(elevators) > 200
    assert inside.all()
    assert (buildings["levels"].loc[elevators["building"]] >= 9).all()


def test_panels_are_on_a_wall(city: Layers) -> None:
    panels, buildings = city["glass_panel"], city["building"].set_index("id")
    walls = shapely.boundary(np.asarray(buildings.geometry.loc[panels["building"]].values))
    assert shapely.distance(walls, shapes(panels)).max() < 0.001


def test_lamps_line_the_streets_and_nothing_stands_in_them(city: Layers) -> None:
    roads, lamps, built = (shapes(city[name]) for name in ("road", "streetlight", "building"))
    _, distance = shapely.STRtree(roads).query_nearest(lamps, return_distance=True)
    assert 4.4 < distance.min() < distance.max() < 4.6
    assert (
        crossings(built, roads) == crossings(built, lamps) == crossings(built, shapes(city["pipeline"])) == 0
    )


def test_pipes_are_networks_whose_ends_are_shared(city: Layers) -> None:
    pipes, manholes = city["pipeline"], city["manhole"].set_index("id")
    covered = {name: (point.x, point.y) for name, point in manholes.geometry.items()}
    for medium, own in pipes.groupby("medium"):
        ends: dict[str, tuple[float, float]] = {}
        neighbours: dict[str, set[str]] = {}
        for start, end, line in zip(own["from_node"], own["to_node"], own.geometry, strict=True):
            for node, place in ((start, line.coords[0]), (end, line.coords[-1])):
                assert ends.setdefault(node, place) == place
            neighbours.setdefault(start, set()).add(end)
            neighbours.setdefault(end, set()).add(start)
        reached, front = set(), {min(ends)}
        while front:
            reached |= front
            front = set().union(*(neighbours[node] for node in front)) - reached
        assert reached == ends.keys(), medium
        if medium in ("WS", "YS"):
            assert {node: covered[node] for node in ends} == ends
            assert (own["start_depth"] <= own["end_depth"]).all()
    assert len(covered) == sum(f"{medium}" in ("WS", "YS") for medium in manholes["medium"])


def test_the_city_is_clustered(city: Layers) -> None:
    """In squares of 250 m the number of buildings scatters far more than if they stood anywhere."""
    places = shapely.get_coordinates(shapely.centroid(shapes(city["building"])))
    low, high = places.min(axis=0), places.max(axis=0)
    bins = np.ceil((high - low) / 250).astype(int)
    counts, _, _ = np.histogram2d(*places.T, bins=bins.tolist())
    assert counts.var() / counts.mean() > 5
    assert (counts == 0).mean() > 0.05


def test_divisions_tile_each_other_and_hold_every_building(city: Layers) -> None:
    district, streets, communities = (city[name] for name in ("district", "street", "community"))
    assert len(district) == 1
    assert len(streets) > 9
    assert len(communities) > 20
    whole = district.geometry[0]
    for parts in (streets, communities):
        assert shapely.is_valid(shapes(parts)).all()
        assert shapely.area(shapes(parts)).sum() == pytest.approx(whole.area, rel=1e-9)
        assert shapely.union_all(shapes(parts)).symmetric_difference(whole).area < 1
        own, _ = shapely.STRtree(shapes(parts)).query(shapes(city["building"]), predicate="within")
        assert own.tolist() == list(range(len(city["building"])))
    by_code = streets.set_index("code").geometry
    for code, part in zip(communities["code"], communities.geometry, strict=True):
        assert by_code[code[:9]].buffer(0.01).contains(part)


def test_a_large_city_has_several_districts_so_that_no_class_runs_out_of_numbers(tmp_path: Path) -> None:
    city = City.plan(5_000_000, 1)
    districts = [area for area in divide(city.lattice, city.blocks) if area.level == "district"]
    assert len(districts) == 4
    assert len({area.code for area in districts}) == 4
    west, south, east, north = shapely.total_bounds([area.boundary for area in districts])
    shanghai = shapely.box(120.85, 30.67, 122.2, 31.88)
    assert shanghai.contains(shapely.box(west, south, east, north))


def test_ogr2ogr_reads_every_file(city: Layers, tmp_path: Path) -> None:
    counts = City.plan(ASSETS, 3).counts
    for kind, count in counts.items():
        made = tmp_path / f"{kind}.gpkg"
        command = ["ogr2ogr", "-f", "GPKG", str(made), str(city.folder / f"{kind}.fgb"), "-nln", "layer"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        with sqlite3.connect(made) as database:
            assert database.execute("SELECT count(DISTINCT id) FROM layer").fetchone() == (count,)


MEMORY = """
import resource, sys
from pathlib import Path
from fixtures.generate import generate
generate(int(sys.argv[1]), Path(sys.argv[2]), batch=4_096)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_hardly_grows_with_the_city(tmp_path: Path) -> None:
    def peak(assets: int) -> int:
        command = [sys.executable, "-c", MEMORY, str(assets), str(tmp_path / str(assets))]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return int(done.stdout) * 1024

    assert (peak(400_000) - peak(50_000)) / 350_000 < 100
