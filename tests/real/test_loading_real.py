"""Real files that are refused or need a word, and one that maps by its names alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import psycopg
import pyogrio
import pytest
import shapely
from pyproj import Transformer

from loaders.errors import LayerNeeded, ShapefilePartMissing
from tests.loading import counts, load_into, warned
from tests.real.cities import DATA_SETS, Cities
from twin.registry.divisions import set_home

Connection = psycopg.Connection
GAS = "utilities-schutterwald/gas_epsg31467.gpkg"


@pytest.fixture
def home(owner: Connection, database_url: str) -> str:
    set_home(owner, "FI-091")
    return database_url


@pytest.mark.parametrize(
    ("name", "crs", "more"),
    [
        ("washington-streetlights", "EPSG:4326", set()),
        ("schutterwald-gas", None, {"medium"}),
        ("oberrhein-power", None, {"medium", "voltage", "laying", "cables"}),
        ("tsinghua-buildings", None, set()),
        ("delft-buildings", None, set()),
    ],
)
def test_names_alone_say_what_the_mapping_says(
    owner: Connection, home: str, cities: Cities, real_data: Path, name: str, crs: str | None, more: set[str]
) -> None:
    """Without a mapping the same columns fill the same fields; ``more`` are those that a mapping adds."""
    one = DATA_SETS[name]
    receipt = load_into(home, real_data / one.file, one.kind, layer=one.layer, crs=crs)
    statement = (
        "SELECT a.source_key, a.status, a.owner, a.attributes FROM twin.asset a JOIN twin.dataset d"
        " ON d.id = a.dataset_id WHERE d.name = %s"
    )
    with cities.of(one).owner as mapped:
        by_mapping = {key: rest for key, *rest in mapped.execute(statement, (name,)).fetchall()}
    by_names = owner.execute(statement, (receipt.dataset,)).fetchall()
    assert len(by_names) == len(by_mapping)
    for key, status, belongs, attributes in by_names:
        *rest, expected = by_mapping[key]
        assert [status, belongs] == rest
        assert attributes == {field: value for field, value in expected.items() if field not in more}


def test_a_shapefile_of_a_chinese_department(owner: Connection, home: str, tmp_path: Path) -> None:
    names = ["南京西路一号灯", "延安中路", None]
    x, y = [640412.315, 640500.0, 640600.5], [3457455.489, 3457500.0, 3457000.25]
    path = tmp_path / "路灯.shp"
    pyogrio.raw.write(
        path,
        shapely.to_wkb(shapely.points(x, y)),
        [np.array(["1", "2", "3"], dtype=object), np.array(names, dtype=object)],
        ["路灯编号", "名称"],
        geometry_type="Point",
        crs="EPSG:4549",
        driver="ESRI Shapefile",
        encoding="GBK",
    )
    path.with_suffix(".cpg").unlink()
    receipt = load_into(home, path, division="310106")
    assert (counts(receipt), receipt.encoding, receipt.crs) == ((3, 3, 0, 0, 0), "GB18030", "EPSG:4549")
    stored = owner.execute(
        "SELECT name, st_x(geom), st_y(geom) FROM twin.asset ORDER BY row_number"
    ).fetchall()
    lon, lat = Transformer.from_crs("EPSG:4549", "EPSG:4490", always_xy=True).transform(x, y)
    assert [name for name, _, _ in stored] == names
    assert np.allclose([row[1:] for row in stored], np.column_stack([lon, lat]), rtol=0, atol=1e-10)
    assert np.allclose(stored[0][1:], (121.4737, 31.2304), rtol=0, atol=1e-6)


def test_the_shapefiles_of_washington_that_lack_a_part(home: str, real_data: Path, tmp_path: Path) -> None:
    for name, part in (("buildings_subarea", ".shp"), ("roads", ".dbf")):
        with pytest.raises(ShapefilePartMissing, match=part):
            load_into(home, real_data / "washington-dc" / f"{name}.shp", "building")
    for suffix in (".shp", ".shx", ".dbf", ".prj", ".cpg"):
        shutil.copy(real_data / "washington-dc" / f"buildings{suffix}", tmp_path)
    receipt = load_into(home, tmp_path / "buildings.shp", "building", division="US-DC")
    assert (counts(receipt), warned(receipt)) == ((1_899, 1_899, 0, 0, 0), {})


def test_files_of_several_layers(home: str, real_data: Path) -> None:
    with pytest.raises(LayerNeeded, match="junctions, pipes"):
        load_into(home, real_data / GAS, "pipeline")
    path = real_data / "buildings-bubenec" / "bubenec.gpkg"
    layers = [str(name) for name, _ in pyogrio.list_layers(path)]
    assert len(layers) == 4
    with pytest.raises(LayerNeeded, match=", ".join(layers)):
        load_into(home, path, "building")
    receipt = load_into(home, path, "building", layer="buildings")
    assert counts(receipt) == (144, 144, 0, 0, 0)
