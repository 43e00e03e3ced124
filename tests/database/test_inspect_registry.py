"""What the registry adds to an inspection: where home is, and whether positions are a web map's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psycopg
import pytest
import shapely

from loaders.inspection.confidence import Confidence
from loaders.inspection.inspect import LayerReport, inspect
from loaders.inspection.surroundings import Surroundings, registry_at_hand
from loaders.inspection.toml import mapping_toml
from spatial.china import wgs84_to_bd09, wgs84_to_gcj02
from spatial.crs import operation_from_wgs84, parse_crs
from tests.loading import load_into, write_csv
from twin.registry.divisions import Division, save_divisions, set_home

Connection = psycopg.Connection
PUDONG = shapely.box(121.4, 31.1, 121.6, 31.3)
RNG = np.random.default_rng(11)


@pytest.fixture
def streets(owner: Connection, database_url: str, tmp_path: Path) -> str:
    """A registry with a division and 120 streets that run east, 150 m apart."""
    set_home(owner, "310115")
    save_divisions(owner, [Division("310115", "浦东新区", 6, boundary=PUDONG)])
    rows = [
        {"id": n, "wkt": f'"LINESTRING (121.45 {31.15 + n * 0.0014:.6f}, 121.55 {31.15 + n * 0.0014:.6f})"'}
        for n in range(60)
    ]
    load_into(database_url, write_csv(tmp_path / "roads.csv", rows), "road", crs="EPSG:4326")
    return database_url


def along_streets(count: int = 150) -> tuple[np.ndarray, np.ndarray]:
    """Positions within a few metres of a street each."""
    street = RNG.integers(0, 60, count)
    return RNG.uniform(121.46, 121.54, count), 31.15 + street * 0.0014 + RNG.normal(0, 2e-5, count)


def inspected(url: str, path: Path, xs: np.ndarray, ys: np.ndarray, *names: str) -> LayerReport:
    rows = [
        {"id": n + 100, names[0]: f"{x:.7f}", names[1]: f"{y:.7f}"}
        for n, (x, y) in enumerate(zip(xs, ys, strict=True))
    ]
    with psycopg.connect(url, autocommit=True) as connection:
        return inspect(write_csv(path / "lamps.csv", rows), surroundings=Surroundings(connection)).layers[0]


@pytest.mark.parametrize(("shift", "code"), [(wgs84_to_gcj02, "GCJ-02"), (wgs84_to_bd09, "BD-09")])
def test_a_web_maps_positions_are_told_by_the_streets_near(
    streets: str, tmp_path: Path, shift: object, code: str
) -> None:
    layer = inspected(streets, tmp_path, *shift(*along_streets()), "lon", "lat")  # type: ignore[operator]
    assert layer.shift is not None and layer.proposal is not None
    assert (layer.shift.code, layer.shift.kind) == (code, "road")
    assert layer.shift.undone < 10 < layer.shift.as_they_are
    best = layer.proposal.system.best
    assert best is not None and (best.code, best.confidence) == (code, Confidence.LIKELY)


def test_the_sample_citys_lamps_are_told_by_its_roads(owner: Connection, database_url: str) -> None:
    city = Path(__file__).parents[2] / "fixtures" / "city"
    set_home(owner, "310115")
    roads = city / "components.gpkg"
    load_into(database_url, roads, "road", layer="道路", mapping=city / "mappings" / "roads.toml")
    layer = inspect(city / "streetlights.csv", surroundings=Surroundings(owner)).layers[0]
    assert layer.shift is not None and layer.proposal is not None
    assert (layer.shift.code, layer.shift.kind) == ("GCJ-02", "road")
    assert 'crs = "GCJ-02"  # likely' in mapping_toml(layer.proposal, "streetlights.csv", None, "en")


def test_positions_that_are_right_are_not_suspected(streets: str, tmp_path: Path) -> None:
    layer = inspected(streets, tmp_path, *along_streets(), "lon", "lat")
    assert layer.shift is None
    assert layer.proposal is not None and layer.proposal.system.guesses[0].code == "EPSG:4326"


def test_positions_anywhere_are_not_suspected(streets: str, tmp_path: Path) -> None:
    xs, ys = RNG.uniform(121.46, 121.54, 150), RNG.uniform(31.16, 31.22, 150)
    assert inspected(streets, tmp_path, xs, ys, "lon", "lat").shift is None


def test_few_positions_prove_nothing(streets: str, tmp_path: Path) -> None:
    assert inspected(streets, tmp_path, *wgs84_to_gcj02(*along_streets(10)), "lon", "lat").shift is None


@pytest.mark.parametrize("exchanged", [False, True])
def test_home_tells_the_zone(streets: str, tmp_path: Path, exchanged: bool) -> None:
    lon, lat = along_streets()
    away = operation_from_wgs84(parse_crs("EPSG:4549"), (121.4, 31.1, 121.6, 31.3))
    x, y = away.transform_xy(lon, lat)
    layer = inspected(streets, tmp_path, *((y, x) if exchanged else (x, y)), "X", "Y")
    assert layer.proposal is not None
    best = layer.proposal.system.best
    assert best is not None
    assert (best.code, best.confidence, best.exchanged) == ("EPSG:4549", Confidence.LIKELY, exchanged)


def test_a_registry_of_nothing_says_nothing(owner: Connection, twin_env: str, tmp_path: Path) -> None:
    with registry_at_hand() as known:
        assert known is not None
        assert known.home is None
        assert known.kinds() == []


def test_no_server_is_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TWIN_DATABASE_URL", raising=False)
    monkeypatch.setenv("TWIN_HOME", str(tmp_path / "home"))
    with registry_at_hand() as known:
        assert known is None
    assert not (tmp_path / "home").exists()
