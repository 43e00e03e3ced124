"""What was left out comes as a file in its own format, to be mended and loaded again; and all or nothing."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import geopandas
import numpy as np
import psycopg
import pyarrow
import pyarrow.parquet
import pytest
import shapely
from commands import twin

from loaders.reject_files import RejectsNeedGeometry
from tests.loading import column, content_hash, counts, lamps, load_into, reasons, write_csv

Connection = psycopg.Connection
LAMP = ("--kind", "streetlight", "--dataset", "lamps")
FIXTURES = Path(__file__).parents[2] / "fixtures" / "city"


def frame(crs: str) -> geopandas.GeoDataFrame:
    """Five lamps, of which the second was never placed and two have one key."""
    points = shapely.points(640_790.0 + 10 * np.arange(5), np.full(5, 3_454_100.0))
    names = ["L0", "L1", "L2", "L2", "L4"]
    lamps = geopandas.GeoDataFrame({"id": names, "power": [60] * 5}, geometry=points, crs="EPSG:4549").to_crs(
        crs
    )
    lamps.loc[1, "geometry"] = shapely.Point(0, 0)
    return lamps


def saved(frame: geopandas.GeoDataFrame, path: Path) -> None:
    """Write the file in the format that its ending says."""
    if path.suffix == ".parquet":
        frame.to_parquet(path, schema_version="1.1.0")
    else:
        frame.to_file(path, driver=DRIVERS.get(path.suffix))


def opened(path: Path) -> geopandas.GeoDataFrame:
    """What ``saved`` or the loader wrote."""
    return geopandas.read_parquet(path) if path.suffix == ".parquet" else geopandas.read_file(path)


DRIVERS = {".gml": "GML", ".mif": "MapInfo File", ".geojsonl": "GeoJSONSeq"}


@pytest.mark.parametrize(
    "ending", [".gpkg", ".geojson", ".fgb", ".shp", ".geojsonl", ".gml", ".mif", ".parquet"]
)
def test_rejects_keep_fields_and_system_and_can_be_mended(
    owner: Connection, pudong: str, tmp_path: Path, ending: str
) -> None:
    lamps = frame("EPSG:4326" if ending in {".geojsonl", ".mif"} else "EPSG:4549")
    path, rejects, mended = (tmp_path / f"{name}{ending}" for name in ("lamps", "rejects", "mended"))
    saved(lamps, path)
    (tmp_path / "m.toml").write_text('key = "id"\n', encoding="utf-8")
    mapped = (*LAMP, "--mapping", str(tmp_path / "m.toml"))
    told = twin(pudong, "load", str(path), *mapped, "--rejects", str(rejects), "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["rejects"] == rejects.name
    left_out = opened(rejects).sort_values("id", ignore_index=True)
    assert left_out["twin_why"].tolist() == ["geometry.null_island", "key.duplicate"]
    assert left_out["twin_text"].notna().all()
    assert left_out["id"].tolist() == ["L1", "L2"]
    assert left_out["power"].astype(int).tolist() == [60, 60]
    assert left_out.crs.to_epsg(min_confidence=20) == lamps.crs.to_epsg()
    left_out.loc[0, "geometry"], left_out.loc[1, "id"] = lamps.geometry[0], "L3"
    saved(left_out, mended)
    again = twin(pudong, "load", str(mended), *mapped, "--json")
    assert again.returncode == 0, again.stderr
    receipt = json.loads(again.stdout)
    assert (receipt["read"], receipt["new"]) == (2, 2)
    assert not [name for name in receipt["unmapped"] if name.startswith("twin_")]
    assert column(owner, "SELECT count(*) FROM twin.asset") == [5]


def test_a_geoparquet_keeps_types_and_the_name_of_its_geometry(pudong: str, tmp_path: Path) -> None:
    lamps = frame("EPSG:4549").rename_geometry("shape")
    lamps["power"] = np.array([60, 70, 80, 90, 100], dtype=np.int16)
    lamps.loc[3, "shape"] = None
    lamps.to_parquet(tmp_path / "lamps.parquet")
    rejects = tmp_path / "rejects.parquet"
    assert load_into(pudong, tmp_path / "lamps.parquet", rejects=rejects).rejected == 2
    table = pyarrow.parquet.read_table(rejects)
    assert table.schema.field("power").type == pyarrow.int16()
    geo = json.loads(table.schema.metadata[b"geo"])
    assert (geo["version"], geo["primary_column"]) == ("1.1.0", "shape")
    said = geo["columns"]["shape"]
    assert (said["encoding"], said["geometry_types"]) == ("WKB", ["Point"])
    assert said["crs"]["id"] == {"authority": "EPSG", "code": 4549}
    assert said["bbox"] == [0.0, 0.0, 0.0, 0.0]
    left_out = geopandas.read_parquet(rejects)
    assert left_out["id"].tolist() == ["L1", "L2"]
    assert left_out["power"].tolist() == [70, 90]
    assert left_out.geometry.isna().tolist() == [False, True]


def test_rows_without_geometry_go_where_they_can(owner: Connection, pudong: str, tmp_path: Path) -> None:
    before = content_hash(owner)
    path = write_csv(tmp_path / "lamps.csv", [*lamps(2), {**lamps(1)[0], "id": "L9", "lon": 0, "lat": 0}])
    for ending in (".shp", ".fgb", ".geojson", ".kml", ".mif"):
        with pytest.raises(RejectsNeedGeometry, match=r"those of lamps.csv have none.* r.csv"):
            load_into(pudong, path, rejects=tmp_path / f"r{ending}")
    told = twin(pudong, "load", str(path), *LAMP, "--rejects", str(tmp_path / "r.shp"), lang="zh")
    assert told.returncode == 1
    assert told.stderr.rstrip().endswith("[rejects.geometry]")
    assert "须有几何" in told.stderr
    assert content_hash(owner) == before
    assert [one.name for one in tmp_path.iterdir()] == ["lamps.csv"]
    for ending in (".csv", ".gpkg", ".gml", ".parquet", ".tab", ".xlsx", ".ods"):
        rejects = tmp_path / f"r{ending}"
        assert load_into(pudong, path, rejects=rejects, dry_run=True).rejects == rejects.name
        again = load_into(pudong, rejects, dry_run=True)
        assert reasons(again) == {"geometry.null_island": 1}, ending


def test_a_csv_keeps_its_delimiter_encoding_and_broken_lines(pudong: str, tmp_path: Path) -> None:
    text = "编号;经度;纬度;功率\nL1;121.5;31.2;60\nL2;0;0;世纪大道\nL3;121.5\nL4;121.6;31.2;70;9\n"
    (tmp_path / "a.csv").write_bytes(text.encode("gb18030"))
    rejects = tmp_path / "rejects.csv"
    (tmp_path / "m.toml").write_text(
        'key = "编号"\n[fields]\nlon = "经度"\nlat = "纬度"\npower = "功率"\n', "utf-8"
    )
    options = ("--mapping", str(tmp_path / "m.toml"), "--crs", "EPSG:4326", "--rejects", str(rejects))
    told = twin(pudong, "load", str(tmp_path / "a.csv"), *LAMP, *options)
    assert told.returncode == 0, told.stderr
    with rejects.open(encoding="gb18030", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert [row["编号"] for row in rows] == ["L2", "", ""]
    assert [row["功率"] for row in rows] == ["世纪大道", "", ""]
    assert [row["twin_row"] for row in rows] == ["2", "3", "4"]
    assert [row["twin_value"] for row in rows[1:]] == ["L3;121.5", "L4;121.6;31.2;70;9"]


def test_what_the_registry_rejects_is_there_too(pudong: str, tmp_path: Path) -> None:
    """A code that is another asset's is found out in the merge, when all rows have been read."""
    load_into(pudong, write_csv(tmp_path / "first.csv", lamps(1)), dataset="first")
    taken = [{**row, "code": "310115-0118-000001-8"} for row in lamps(3)]
    rejects = tmp_path / "rejects.csv"
    receipt = load_into(pudong, write_csv(tmp_path / "a.csv", taken), rejects=rejects)
    assert counts(receipt) == (3, 0, 0, 0, 3)
    with rejects.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["id"], row["twin_why"]) for row in rows] == [
        ("L0", "code.taken"),
        ("L1", "code.taken"),
        ("L2", "code.taken"),
    ]


def test_more_rejections_than_a_receipt_shows(pudong: str, tmp_path: Path) -> None:
    rows = [{**row, "lon": 0, "lat": 0} if n % 2 else row for n, row in enumerate(lamps(5_000))]
    rejects = tmp_path / "rejects.csv"
    receipt = load_into(pudong, write_csv(tmp_path / "a.csv", rows), rejects=rejects)
    assert receipt.rejected == 2_500
    assert len(receipt.as_json()["rejections"]) == 1_000
    with rejects.open(encoding="utf-8-sig", newline="") as file:
        assert [row["id"] for row in csv.DictReader(file)] == [f"L{n}" for n in range(1, 5_000, 2)]


def test_no_rejection_no_file_and_no_file_is_replaced_unasked(pudong: str, tmp_path: Path) -> None:
    path, rejects = write_csv(tmp_path / "a.csv", lamps(2)), tmp_path / "rejects.csv"
    assert load_into(pudong, path, rejects=rejects).rejects is None
    assert not rejects.exists()
    rejects.write_text("mine", encoding="utf-8")
    for file, code in ((rejects, "export.file.exists"), (tmp_path / "a.pdf", "rejects.format")):
        told = twin(pudong, "load", str(path), *LAMP, "--rejects", str(file))
        assert told.returncode == 1
        assert f"[{code}]" in told.stderr
    assert rejects.read_text(encoding="utf-8") == "mine"
    bad = write_csv(tmp_path / "b.csv", [{"id": 1, "lon": 0, "lat": 0}])
    assert load_into(pudong, bad, rejects=rejects, force=True).rejects == "rejects.csv"


def test_abort_keeps_the_whole_file_out_and_tells_every_rejection(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    before = content_hash(owner)
    path = write_csv(tmp_path / "a.csv", [*lamps(3), *lamps(1)])
    told = twin(pudong, "load", str(path), *LAMP, "--on-error", "abort", "--rejects", str(tmp_path / "r.csv"))
    assert told.returncode == 1
    assert "nothing was changed" in told.stdout
    assert "key.duplicate 1" in told.stdout
    assert (tmp_path / "r.csv").is_file()
    assert content_hash(owner) == before
    assert counts(load_into(pudong, write_csv(path, lamps(3)), on_error="abort"))[:2] == (3, 3)


def test_a_file_that_changes_while_it_is_read_is_refused(
    owner: Connection, pudong: str, tmp_path: Path
) -> None:
    before = content_hash(owner)
    path = write_csv(tmp_path / "a.csv", lamps(3))

    def append(done: int, total: int | None) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write("L9,121.5,31.2,60\n")

    from loaders.load import Options, load
    from loaders.snapshot import FileChanged

    with pytest.MonkeyPatch.context() as patch, pytest.raises(FileChanged):
        patch.setenv("TWIN_DATABASE_URL", pudong)
        load(path, Options(kind="streetlight"), append)
    assert content_hash(owner) == before


def test_the_sample_city_s_rejects(pudong: str, tmp_path: Path) -> None:
    told = twin(pudong, "load", str(FIXTURES), "--rejects", str(tmp_path / "r.xlsx"), "--json")
    assert told.returncode == 0, told.stderr
    for one in json.loads(told.stdout)["loads"]:
        written = geopandas.read_file(tmp_path / one["rejects"]) if one["rejected"] else []
        assert len(written) == one["rejected"], one["source"]
