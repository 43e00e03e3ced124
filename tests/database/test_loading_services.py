"""Loading from what is no file: tables of another PostgreSQL, and a Web Feature Service."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest
import shapely
from commands import twin
from format_files import NAMES, make, numbers, places, read
from loading import column, content_hash
from wfs_server import serving

from loaders.errors import (
    AddressUnsupported,
    LayerNeeded,
    MixedSystems,
    SourceFailed,
    SourceUnreachable,
    UnknownLayer,
)
from loaders.formats import Request, Source, detect
from loaders.locations import Address, default_dataset, locate
from twin.errors import TwinError
from twin.registry.embedded import Server

Connection = psycopg.Connection[Any]

TABLES = """
CREATE EXTENSION postgis;
CREATE SCHEMA "gis.data";
CREATE TABLE "gis.data"."Street ""Lamps"" n" (
    id int PRIMARY KEY, "路名" text, installed date, seen timestamptz, power numeric, lit boolean,
    geom geometry(Point, 4490)
);
INSERT INTO "gis.data"."Street ""Lamps"" n"
SELECT n, '延安路' || n, DATE '2020-01-02', '2020-01-02 10:00+08', 100.50, n % 2 = 0,
       ST_SetSRID(ST_Point(121.5 + n * 0.0001, 31.2), 4490)
FROM generate_series(20, 1, -1) AS n;
CREATE VIEW public.lamps AS
SELECT id, ST_SetSRID(geom, 4326)::geography AS place FROM "gis.data"."Street ""Lamps"" n" WHERE id < 4;
CREATE TABLE plain (id int, lon float, lat float);
INSERT INTO plain VALUES (1, 121.5, 31.2), (2, 121.6, 31.3);
CREATE TABLE mixed (id int, geom geometry);
INSERT INTO mixed VALUES (1, ST_GeomFromText('POINT(1 2)', 4326)), (2, ST_GeomFromText('POINT(1 2)', 3857));
CREATE TABLE loose (id int, geom geometry);
INSERT INTO loose VALUES (1, ST_GeomFromText('POINTZ(640412 3457455 3)', 4549)), (2, NULL);
CREATE TABLE nowhere (id int, geom geometry);
INSERT INTO nowhere VALUES (1, ST_Point(1, 2));
CREATE TABLE parted (id int, place int) PARTITION BY LIST (place);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
INSERT INTO parted VALUES (7, 1);
CREATE TABLE "other; DROP TABLE plain; --" (id int);
CREATE ROLE twin_guest LOGIN PASSWORD 'geheim%&42';
GRANT SELECT ON plain TO twin_guest;
"""
LAMPS = 'gis.data.Street "Lamps" n'


@pytest.fixture(scope="module")
def other(server: Server) -> Iterator[str]:
    """The URL of a database of somebody else's, on the test's server."""
    with psycopg.connect(server.url(database="postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE other")
    superuser = server.url(database="other")
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(TABLES)
    yield superuser
    with psycopg.connect(server.url(database="postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE other WITH (FORCE)")
        connection.execute("DROP ROLE twin_guest")


def table(url: str, name: str | None = None) -> Source:
    address = locate(url)
    return detect(address).open(address, Request(layer=name))


def test_the_tables_that_can_be_read(other: str, server: Server) -> None:
    address = locate(other)
    assert detect(address).name == "PostGIS"
    assert set(detect(address).layers(address)) == {
        LAMPS, "public.lamps", "public.plain", "public.mixed", "public.loose", "public.nowhere",
        "public.parted", "public.other; DROP TABLE plain; --",
    }  # fmt: skip
    guest = locate(server.url(user="twin_guest", database="other"))
    assert detect(guest).layers(guest) == ("public.plain",)
    with pytest.raises(LayerNeeded):
        table(other)
    with pytest.raises(UnknownLayer):
        table(other, "nothing")


def test_a_table_as_it_stands(other: str) -> None:
    source = table(other, LAMPS)
    assert (source.layer, source.crs, source.count) == (LAMPS, "EPSG:4490", 20)
    assert source.columns == ("id", "路名", "installed", "seen", "power", "lit")
    rows = read(source)
    assert rows["id"] == [str(n) for n in range(1, 21)], "in the order of the primary key"
    assert {name: values[0] for name, values in rows.items()} == {
        "id": "1", "路名": "延安路1", "installed": "2020-01-02", "seen": rows["seen"][0], "power": "100.50",
        "lit": "false",
    }  # fmt: skip
    assert str(rows["seen"][0]).startswith("2020-01-02 ")
    assert places(source)[0] == shapely.Point(121.5001, 31.2)
    assert numbers(source) == list(range(1, 21))


def test_views_partitions_and_tables_without_geometry(other: str) -> None:
    assert (table(other, "lamps").crs, table(other, "lamps").layer) == ("EPSG:4326", "public.lamps")
    assert places(table(other, "lamps"))[0] == shapely.Point(121.5001, 31.2)
    assert read(table(other, "public.parted")) == {"id": ["7"], "place": ["1"]}
    plain = table(other, "plain")
    assert (plain.has_geometry, plain.crs, read(plain, "lon")) == (False, None, {"lon": ["121.5", "121.6"]})
    assert numbers(table(other, "other; DROP TABLE plain; --")) == []


def test_systems_of_geometries_that_do_not_say_them(other: str) -> None:
    with pytest.raises(MixedSystems, match="3857, 4326"):
        table(other, "mixed")
    loose = table(other, "loose")
    assert (loose.crs, [one and one.has_z for one in places(loose)]) == ("EPSG:4549", [True, None])
    assert table(other, "nowhere").crs is None


def test_nothing_can_be_written_there(other: str) -> None:
    with psycopg.connect(other, autocommit=True) as connection:
        connection.execute("CREATE FUNCTION sly() RETURNS int LANGUAGE sql AS 'DELETE FROM plain; SELECT 1'")
        connection.execute("CREATE VIEW public.trap AS SELECT public.sly() AS id")
    with pytest.raises(SourceFailed, match="read-only"):
        table(other, "trap").rows().__next__()
    with psycopg.connect(other, autocommit=True) as connection:
        assert column(connection, "SELECT count(*) FROM plain") == [2]
        connection.execute("DROP VIEW trap; DROP FUNCTION sly")


def with_password(url: str) -> str:
    return url.replace("twin_owner@/", "twin_owner:geheim%25%2642@/")


def test_a_load_names_its_source_and_keeps_the_password(owner: Connection, pudong: str, other: str) -> None:
    address = with_password(other)
    for options in (("--table", LAMPS), ("--layer", LAMPS)):
        told = twin(pudong, "load", address, *options, "--kind", "streetlight", "--json")
        assert told.returncode == 0, told.stderr
        receipt = json.loads(told.stdout)
        assert (receipt["read"], receipt["rejected"], receipt["crs"]) == (20, 0, "EPSG:4490")
        assert receipt["source"] == f"localhost/other/{LAMPS}"
        assert (receipt["format"], receipt["dataset"], receipt["key"]) == ("PostGIS", LAMPS, "id")
        assert "geheim" not in told.stdout + told.stderr
    assert receipt["same"] == 20
    assert column(owner, "SELECT DISTINCT source FROM twin.load") == [f"localhost/other/{LAMPS}"]
    records = column(owner, "SELECT l::text || d::text FROM twin.load AS l, twin.dataset AS d")
    assert not any("geheim" in record for record in records)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda url: url.replace("twin_owner", "nobody"), "source.unreachable"),
        (lambda url: url.replace("/other?", "/nowhere?"), "source.unreachable"),
        (lambda url: url.replace("port=5432", "port=1"), "source.unreachable"),
        (lambda url: f"{url}&passwordd=geheim", "source.unreachable"),
        (lambda url: url.replace("geheim%25", "geheim%zz"), "source.unreachable"),
        (lambda url: url.replace("postgresql://", "mysql://"), "file.address_unsupported"),
        (lambda url: url, "layer.unknown"),
    ],
)
def test_what_goes_wrong_is_told_without_the_password(
    change: Callable[[str], str], error: str, other: str
) -> None:
    with pytest.raises(TwinError) as told:
        table(change(with_password(other)), "missing")
    assert told.value.code == error
    assert "geheim" not in told.value.text("en") + told.value.text("zh")


def test_what_goes_wrong_changes_nothing(owner: Connection, pudong: str, other: str) -> None:
    before = content_hash(owner)
    address = with_password(other).replace("/other?", "/nowhere?")
    told = twin(pudong, "load", address, "--table", "missing", "--kind", "streetlight")
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.rstrip().endswith("[source.unreachable]")
    assert "geheim" not in told.stderr
    assert content_hash(owner) == before


def test_a_server_that_does_not_answer() -> None:
    with pytest.raises(SourceUnreachable, match=r"127\.0\.0\.1:1/db"):
        table("postgresql://user:geheim@127.0.0.1:1/db", "t")


@pytest.mark.parametrize(
    ("text", "name", "dataset"),
    [
        ("postgresql://u:p@host:5433/db", "host:5433/db/s.t", "s.t"),
        ("POSTGRES://[::1]/db?host=x", "[::1]/db/s.t", "s.t"),
        ("https://u:p@host/geo/wfs?token=p", "host/geo/wfs/s.t", "s.t"),
        ("WFS:http://host/wfs", "host/wfs/s.t", "s.t"),
    ],
)
def test_what_a_source_is_called(text: str, name: str, dataset: str) -> None:
    address = locate(text, "s.t")
    assert isinstance(address, Address)
    assert (address.name, default_dataset(address)) == (name, dataset)
    assert "p@" not in repr(address) + str(address)


def test_what_is_no_address_is_a_path() -> None:
    assert locate("C:/lamps.shp") == Path("C:/lamps.shp")
    assert locate(Path("a.csv"), "x") == Path("a.csv")
    with pytest.raises(AddressUnsupported):
        locate("postgresql://host:99999999/db")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A WFS with lamps in two coordinate systems, which gives ten features at a time."""
    folder = tmp_path_factory.mktemp("wfs")
    lamps = make(folder / "lamps.gpkg", "GPKG", count=25)
    few = make(folder / "few.gpkg", "GPKG")
    with serving(folder, {"lamps": (lamps, "EPSG:4326"), "few": (few, "EPSG:4326")}, most=10) as url:
        yield url


@pytest.mark.parametrize("query", ["", "?SERVICE=WFS&REQUEST=GetCapabilities&version=1.0.0&x=y"])
def test_a_service_gives_all_its_features(service: str, query: str) -> None:
    source = table(service + query, "lamps")
    assert (source.layer, source.crs) == ("ms:lamps", "EPSG:4326")
    (rows,) = source.rows()
    assert rows.numbers.tolist() == list(range(1, 26))
    assert rows.wkb is not None
    assert shapely.from_wkb(rows.wkb.to_pylist()[:1]) == [shapely.Point(121, 31)]


def test_feature_types_are_layers(service: str) -> None:
    address = locate(service)
    assert detect(address).name == "WFS"
    assert set(detect(address).layers(address)) == {"ms:lamps", "ms:few"}
    assert read(table(service, "ms:few"), "name") == {"name": NAMES}
    with pytest.raises(LayerNeeded, match="ms:lamps, ms:few"):
        table(service)


def test_a_service_is_loaded(owner: Connection, pudong: str, service: str) -> None:
    address = service.replace("http://", "http://user:geheim@")
    told = twin(pudong, "load", address, "--layer", "lamps", "--kind", "streetlight", "--json")
    receipt = json.loads(told.stdout)
    assert (receipt["read"], receipt["new"], receipt["format"]) == (25, 25, "WFS")
    assert receipt["source"] == f"{service.removeprefix('http://')}/lamps"
    assert "geheim" not in told.stdout + told.stderr
    assert column(owner, "SELECT count(*) FROM twin.asset") == [25]


@contextmanager
def static(folder: Path) -> Iterator[str]:
    """Serve a folder's files."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


OLD = b'<?xml version="1.0"?><wfs:WFS_Capabilities xmlns:wfs="http://www.opengis.net/wfs" version="1.1.0"/>'


@pytest.mark.parametrize(
    ("answer", "words"),
    [(b"<html>Welcome</html>", "no Web Feature Service"), (OLD, "WFS 1.1.0, and WFS 2.0 is needed")],
)
def test_what_is_no_service_of_version_2_is_told(answer: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "wfs").write_bytes(answer)
    with static(tmp_path) as url, pytest.raises(SourceFailed, match=words):
        table(f"{url}/wfs", "lamps")
    with static(tmp_path) as url, pytest.raises(SourceUnreachable, match="not found"):
        table(f"{url}/elsewhere", "lamps")


def test_a_service_that_answers_nobody() -> None:
    with pytest.raises(SourceUnreachable, match="refused"):
        table("http://user:geheim@127.0.0.1:1/wfs", "lamps")
