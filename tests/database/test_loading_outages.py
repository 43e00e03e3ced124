"""The database stops, or a disk is full, in the middle of a load: it is told, and nothing half done stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import geopandas
import psycopg
import pytest
from commands import twin

from tests.database.test_loading_faults import shown, start, wait_for
from tests.loading import column, content_hash, counts, lamps, load_into, none_registered, write_csv
from twin.registry.database import migrate
from twin.registry.divisions import set_home
from twin.registry.embedded import Server

Connection = psycopg.Connection
ROWS = 20_000


@pytest.fixture
def own_server(open_folder: Callable[[], Path]) -> Iterator[Server]:
    """A server of this test's own, as a user has it, that may be hurt."""
    started = Server(open_folder() / "home", extra={"shared_buffers": "64MB"})
    started.start(prepare=migrate)
    with psycopg.connect(started.url()) as connection:
        set_home(connection, "310115")
    yield started
    started.stop()


@pytest.fixture
def small_disk(open_folder: Callable[[], Path]) -> Iterator[Path]:
    """A file system of 4 MB, where this machine lets us have one."""
    folder = open_folder()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=0777", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize(
    "moment", [pytest.param("COPY .twin", marks=pytest.mark.slow), "CREATE (UNIQUE )?INDEX"]
)
def test_a_database_that_crashes_is_told_and_nothing_is_left(
    moment: str, own_server: Server, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "lamps.csv", lamps(ROWS, name="路灯", pole_number="P"))
    url = own_server.url()
    with psycopg.connect(url, autocommit=True) as connection:
        before = shown(connection)
        process = start(url, str(file), "--kind", "streetlight")
        postmaster = own_server.pid()
        assert postmaster is not None
        with suppress(psycopg.OperationalError), none_registered(url):
            wait_for(connection, process, moment)
            os.kill(postmaster, signal.SIGQUIT)  # its immediate shutdown: no checkpoint, as in a crash
            _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert told.rstrip().endswith("[load.stopped]")
    assert "Traceback" not in told
    assert "lamps" in told
    own_server.start(prepare=migrate)
    other = load_into(url, write_csv(tmp_path / "other.csv", lamps(1)), dry_run=True)
    swept = ["asset_streetlight_1", "identifier_streetlight_1", "rollup_streetlight_1"]
    assert other.swept == swept
    with psycopg.connect(url, autocommit=True) as connection:
        assert shown(connection) == before
        assert counts(load_into(url, file)) == (ROWS, ROWS, 0, 0, 0)
        assert column(connection, "SELECT count(*) FROM twin.asset") == [ROWS]
        assert column(connection, "SELECT tablename FROM pg_tables WHERE schemaname = 'stage'") == []


def put_new_tables(connection: psycopg.Connection, disk: Path, server: Server) -> None:
    """Let the new tables of the server's database lie on this disk."""
    place = disk / "tables"
    place.mkdir()
    os.chown(place, server.account.uid, server.account.gid)
    connection.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
    connection.execute("ALTER DATABASE twin SET default_tablespace = small")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_database_whose_disk_is_full_is_told(
    lang: str, own_server: Server, small_disk: Path, tmp_path: Path
) -> None:
    """New tables of this database lie on the small disk, so copying rows is what fills it."""
    file = write_csv(tmp_path / "lamps.csv", lamps(ROWS, name="路灯"))
    url = own_server.url()
    with psycopg.connect(url, autocommit=True) as connection:
        put_new_tables(connection, small_disk, own_server)
        before = content_hash(connection)
        full = twin(url, "load", str(file), "--kind", "streetlight", lang=lang)
        assert full.returncode == 1
        assert full.stderr.rstrip().endswith("[load.disk_full]")
        assert "No space left on device" in full.stderr
        assert "Traceback" not in full.stderr
        assert content_hash(connection) == before
        connection.execute("ALTER DATABASE twin RESET default_tablespace")
        assert counts(load_into(url, file)) == (ROWS, ROWS, 0, 0, 0)
        connection.execute("DROP TABLESPACE small")


def test_a_database_that_fills_up_between_batches(
    own_server: Server, small_disk: Path, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "lamps.csv", lamps(ROWS, name="路灯"))
    url = own_server.url()
    with psycopg.connect(url, autocommit=True) as connection:
        put_new_tables(connection, small_disk, own_server)
        full = twin(url, "load", str(file), "--kind", "streetlight", "--batch", "1000")
        assert full.returncode == 1
        assert full.stderr.rstrip().endswith("[load.unfinished]")
        assert "No space left on device" in full.stderr
        (done,) = column(connection, "SELECT count(*) FROM twin.asset")
        assert 0 < done < ROWS
        assert f"up to {done} " in full.stderr
        subprocess.run(["mount", "-o", "remount,size=100m", str(small_disk)], check=True)
        ended = load_into(url, file, batch=1_000, resume=True)
        assert counts(ended) == (ROWS, ROWS, 0, 0, 0)


def placed(file: Path, rows: list[dict[str, object]]) -> Path:
    """The rows of a CSV as a FlatGeobuf."""
    frame = geopandas.GeoDataFrame(rows)
    points = geopandas.points_from_xy(frame.pop("lon"), frame.pop("lat"), crs="EPSG:4326")
    frame.set_geometry(points).to_file(file.with_suffix(".fgb"))
    return file.with_suffix(".fgb")


ENDINGS = (".csv", ".gpkg", ".geojson", ".fgb", ".shp", ".xlsx")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_reject_file_that_finds_no_room_is_told(
    ending: str, owner: Connection, pudong: str, small_disk: Path, tmp_path: Path
) -> None:
    """The load stands, and the command that the error names writes the file where there is room."""
    dice = iter(range(10**9, 10**9 + 10**6))
    rows = [{**row, "lon": 0, "lat": 0, "name": f"{next(dice)}" * 40} for row in lamps(ROWS)] + [
        {**lamps(1)[0], "id": "good", "name": "one"}
    ]
    file = write_csv(tmp_path / "lamps.csv", rows)
    if ending in {".fgb", ".shp", ".geojson"}:
        file = placed(file, rows)
    taken = small_disk / "taken"
    taken.write_bytes(b"x" * (4_000_000 if ending == ".xlsx" else 2_000_000))
    rejects = small_disk / f"r{ending}"
    full = twin(pudong, "load", str(file), "--kind", "streetlight", "--rejects", str(rejects))
    assert full.returncode == 1
    assert full.stderr.rstrip().endswith("[rejects.not_written]"), full.stderr
    assert "Load 1 is registered" in full.stderr
    assert sorted(path.name for path in small_disk.iterdir()) == ["taken"]
    assert column(owner, "SELECT source_key FROM twin.asset") == ["good"]
    again = twin(
        pudong, "load", str(file), "--kind", "streetlight", "--dry-run", "--rejects", str(tmp_path / "r.csv")
    )
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "r.csv").stat().st_size > 4_000_000


def without_room(url: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``twin load`` in a process whose temporary files lie in a folder."""
    environment = {**os.environ, "TWIN_DATABASE_URL": url, "TMPDIR": str(folder)}
    command = [sys.executable, "-m", "twin.cli", "load", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("what", ["encoding", "archive"])
def test_temporary_files_that_find_no_room_are_told(
    what: str, owner: Connection, pudong: str, small_disk: Path, tmp_path: Path
) -> None:
    before = content_hash(owner)
    rows = [{**row, "name": f"世纪大道 {n} 号" * 20} for n, row in enumerate(lamps(12_000))]
    file = write_csv(tmp_path / "lamps.csv", rows)
    if what == "encoding":
        placed(file, rows)
        file = tmp_path / "lamps.geojson"
        geopandas.read_file(tmp_path / "lamps.fgb").to_file(file)
        file.write_bytes(file.read_text(encoding="utf-8").encode("gb18030"))
    else:
        packed = tmp_path / "lamps.zip"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(file, "lamps.csv")
        file = packed
    full = without_room(pudong, small_disk, str(file), "--kind", "streetlight")
    assert full.returncode == 1
    code = "disk.full" if what == "encoding" else "file.archive_unsafe"
    assert full.stderr.rstrip().endswith(f"[{code}]"), full.stderr
    assert content_hash(owner) == before
    assert list(small_disk.iterdir()) == []
    assert without_room(pudong, tmp_path, str(file), "--kind", "streetlight").returncode == 0
