"""The pages as a phone sees them: a real server, its database, HTTP and a headless browser."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from serving import serving

from twin.identity import read_code

RunTwin = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).parents[2]
HEAVIEST = 30_000
"""The most bytes that an identity file may weigh on a phone."""

BUILDINGS: dict[str, Any] = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {
                "source_key": "B1",
                "name": '<script>alert("塔")</script> & 大厦',
                "address": "世纪大道 1200 号",
                "height": 120.5,
                "levels": 30,
                "installed": "2015-06-01",
                "owner": "权属单位",
                "accuracy": 0.5,
                "survey_method": "surveyed",
            },
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [[121.5, 31.2], [121.5006, 31.2], [121.5006, 31.2004], [121.5, 31.2004], [121.5, 31.2]]
                ],
            },
        },
        {"type": "Feature", "properties": {"source_key": "B2"}, "geometry": None},
    ],
}
ELEVATORS: dict[str, Any] = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"source_key": f"E{number}", "parent": "B1", "rated_load": 1000 + number},
            "geometry": {"type": "Point", "coordinates": [121.5003, 31.2002]},
        }
        for number in range(120)
    ],
}


@dataclass(frozen=True, slots=True)
class Site:
    """A server that runs, and the codes of what it shows by their source keys."""

    address: str
    codes: Mapping[str, str]
    database: str

    def get(self, path: str, *, follow: bool = False, **headers: str) -> httpx.Response:
        return httpx.get(self.address + path, follow_redirects=follow, headers=headers, timeout=30)

    def file(self, key: str, query: str = "", **headers: str) -> httpx.Response:
        return self.get(f"/a/{self.codes[key]}{query}", **headers)


@pytest.fixture(scope="module")
def database(
    new_database: Callable[[], str], run_twin: RunTwin, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A registry with two buildings, one of them with 120 elevators."""
    url, folder = new_database(), tmp_path_factory.mktemp("pages")
    environment = {"TWIN_DATABASE_URL": url}
    run_twin("home", "310115", env=environment).check_returncode()
    for name, content in (("building", BUILDINGS), ("elevator", ELEVATORS)):
        file = folder / f"{name}.geojson"
        file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        done = run_twin("load", str(file), "--kind", name, "--dataset", "city", "--json", env=environment)
        assert json.loads(done.stdout)["new"] == len(content["features"]), done.stdout + done.stderr
    return url


@pytest.fixture(scope="module")
def site(database: str) -> Iterator[Site]:
    with psycopg.connect(database) as connection:
        codes = dict(connection.execute("SELECT source_key, code FROM twin.asset").fetchall())
    with serving(database) as (address, _):
        yield Site(address, codes, database)


class Structure(HTMLParser):
    """What a page is made of: elements, ids, links, and whether every element is closed."""

    VOID = frozenset({"meta", "link", "input", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.links: list[str] = []
        self.attributes: list[str] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.attributes += values
        self.ids += [values["id"]] if "id" in values else []
        self.references += [values[name] for name in ("aria-labelledby", "for") if name in values]
        self.links += [values["href"]] if tag == "a" else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_identity_file_says_all_that_is_known(site: Site) -> None:
    page = site.file("B1")
    assert page.status_code == 200
    assert page.headers["content-language"] == "en"
    words = [
        site.codes["B1"],
        "世纪大道 1200 号",
        "geo:31.2",
        "120.5\N{NO-BREAK SPACE}m",
        "Surveyed",
        "±\N{NO-BREAK SPACE}0.5\N{NO-BREAK SPACE}m",
        "权属单位",
        "building.geojson",
        "2015-06-01",
        ">B1<",
        "It contains (120)",
        "<svg",
    ]
    assert [word for word in words if word not in page.text] == []
    sections = re.findall(r'<h2 id="(\w+)">', page.text)
    assert sections == ["identity", "place", "attributes", "belonging", "responsible", "source"]


def test_it_is_light_and_needs_no_script(site: Site) -> None:
    for key in site.codes:
        page = site.file(key)
        assert len(page.content) < HEAVIEST
        structure = Structure(page.text)
        assert "script" not in structure.tags
        assert not [name for name in structure.attributes if name.startswith("on") or name == "style"]
    sheet = re.search(r'<link rel="stylesheet" href="([^"]+)"', page.text)
    assert sheet is not None
    style = site.get(sheet[1])
    assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "prefers-color-scheme: dark" in style.text


def test_its_structure_is_accessible(site: Site) -> None:
    for path in (f"/a/{site.codes['B1']}", "/", "/a/nonsense"):
        structure = Structure(site.get(path).text)
        assert structure.open == []
        assert (
            structure.tags.count("h1") == structure.tags.count("main") == structure.tags.count("header") == 1
        )
        assert len(structure.ids) == len(set(structure.ids))
        assert set(structure.references) <= set(structure.ids)


def test_names_that_look_like_markup_stay_text(site: Site) -> None:
    page = site.file("B1").text
    assert "<script" not in page
    assert "&lt;script&gt;alert(&#34;塔&#34;)&lt;/script&gt; &amp; 大厦" in page


def test_it_speaks_the_language_asked_for_and_links_keep_it(site: Site) -> None:
    assert '<html lang="en">' in site.file("B1").text
    assert '<html lang="zh-Hans">' in site.file("B1", **{"Accept-Language": "zh-CN,zh;q=0.9"}).text
    chinese = site.file("B1", "?lang=zh", **{"Accept-Language": "en"})
    assert "<dt>建筑高度</dt>" in chinese.text
    kept = [link for link in Structure(chinese.text).links if link.startswith("/")]
    assert sum(link.endswith("lang=en") for link in kept) == 1
    others = [link for link in kept if not link.endswith("lang=en")]
    assert others
    assert all("lang=zh" in link for link in others)
    assert not [link for link in Structure(site.file("B1").text).links if "lang=en" in link]


def test_children_are_linked_page_after_page(site: Site) -> None:
    seen: list[str] = []
    path = f"/a/{site.codes['B1']}?lang=en"
    while path:
        links = Structure(site.get(path).text).links
        seen += [link.split("?")[0] for link in links if link.startswith("/a/") and "children=" not in link]
        path = next((link for link in links if "children=" in link and "lang=zh" not in link), "")
    elevators = {f"/a/{code}" for key, code in site.codes.items() if key.startswith("E")}
    assert sorted(link for link in seen if link in elevators) == sorted(elevators)
    up = Structure(site.file("E7").text).links
    assert f"/a/{site.codes['B1']}" in up


def test_an_asset_without_a_place_says_so(site: Site) -> None:
    page = site.file("B2")
    assert page.status_code == 200
    assert "No position is recorded" in page.text
    assert "<svg" not in page.text


def test_each_written_form_leads_to_the_canonical_address(site: Site) -> None:
    code = site.codes["B1"]
    compact = code.replace("-", "")
    forms = [compact, compact[:-1], code[:-2], code.replace("-", " "), code.replace("-", "－"), f" {code} "]
    for form in forms:
        answer = site.get(f"/a/{form}?lang=zh")
        assert (answer.status_code, answer.headers["location"]) == (301, f"/a/{code}?lang=zh"), form
    assert site.get(f"/a?code={compact}", follow=True).url.path == f"/a/{code}"
    assert site.get("/a?code=", follow=True).url.path == "/"


def test_a_misread_character_is_found(site: Site) -> None:
    code = site.codes["B1"]
    wrong = code[:-1] + str((int(code[-1]) + 1) % 10)
    answer = site.get(f"/a/{wrong}")
    assert answer.status_code == 404
    assert "a character was misread" in answer.text
    assert f'value="{wrong}"' in answer.text
    assert "有字符抄录错误" in site.get(f"/a/{wrong}?lang=zh").text


def test_hyphens_that_a_code_needs_are_asked_for(site: Site) -> None:
    answer = site.get("/a/fi0919999000000001")
    assert (answer.status_code, "write the hyphens" in answer.text) == (404, True)
    assert "misread. Read the plate" not in answer.text
    assert "请重新核对，并写上连字符" in site.get("/a/fi0919999000000001?lang=zh").text


def test_an_unknown_code_says_what_to_do(site: Site) -> None:
    known = read_code(site.codes["B1"])[0]
    unknown = site.codes["B1"].replace(f"{known.sequence:06d}", "999999")[:-2]
    answer = site.get(f"/a/{unknown}")
    assert answer.status_code == 404
    assert "report the plate" in answer.text
    assert answer.headers["x-request-id"] in answer.text
    assert site.get("/a/no/code/at/all").status_code == 404


def test_the_first_page_counts_and_leads_on(site: Site) -> None:
    page = site.get("/?lang=zh")
    assert "<dt>电梯</dt><dd>120</dd>" in page.text
    assert "<dt>建筑</dt><dd>2</dd>" in page.text
    assert 'action="/a"' in page.text
    assert '<input type="hidden" name="lang" value="zh">' in page.text
    graphiql = site.get("/graphql", Accept="text/html")
    assert (graphiql.status_code, "unpkg.com" in graphiql.headers["content-security-policy"]) == (200, True)


def test_every_answer_is_guarded(site: Site) -> None:
    for path in ("/", f"/a/{site.codes['B1']}", "/nowhere", "/healthz", "/static/icon.svg"):
        headers = site.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        scripts = re.findall("script-src ([^;]+)", headers["content-security-policy"])
        assert scripts == (["'self'"] if path == "/" else [])
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])


def test_graphql_answers_on_the_same_server(site: Site) -> None:
    document = {
        "query": "query($c: String) { asset(code: $c) { name } }",
        "variables": {"c": site.codes["B1"]},
    }
    answer = httpx.post(f"{site.address}/graphql", json=document).json()
    assert answer == {"data": {"asset": {"name": BUILDINGS["features"][0]["properties"]["name"]}}}


def test_health(site: Site) -> None:
    assert site.get("/healthz").json() == {"status": "up"}
    assert site.get("/readyz").json() == {"status": "ready"}


def test_a_database_that_goes_away_comes_back_without_a_restart(site: Site) -> None:
    name = psycopg.conninfo.conninfo_to_dict(site.database)["dbname"]
    elsewhere = re.sub(r"/test_\w+", "/postgres", site.database)
    with psycopg.connect(elsewhere, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
        try:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            began = time.monotonic()
            down = site.file("B1")
            assert time.monotonic() - began < 15
            assert down.status_code == 503
            assert "Try again in a minute" in down.text
            assert "Traceback" not in down.text
            unready = site.get("/readyz")
            assert (unready.status_code, unready.json()["code"]) == (503, "database.down")
            assert site.get("/healthz").status_code == 200
        finally:
            connection.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
    deadline = time.monotonic() + 20
    while site.file("B1").status_code != 200:
        assert time.monotonic() < deadline, "the server did not recover"
        time.sleep(0.5)
    assert site.get("/readyz").status_code == 200


def test_another_migration_is_not_ready(site: Site) -> None:
    with psycopg.connect(site.database, autocommit=True) as connection:
        (version,) = connection.execute("SELECT version_num FROM public.twin_migration").fetchone() or ("",)
        connection.execute("UPDATE public.twin_migration SET version_num = '9999'")
        try:
            unready = site.get("/readyz")
        finally:
            connection.execute("UPDATE public.twin_migration SET version_num = %s", (version,))
    assert (unready.status_code, unready.json()["code"]) == (503, "database.migration_mismatch")


def test_ctrl_c_stops_cleanly(database: str) -> None:
    with serving(database) as (address, process):
        assert httpx.get(f"{address}/healthz").status_code == 200
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out) == (0, "")
        assert "Traceback" not in err
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{address}/healthz")


def test_a_taken_port_is_told(database: str, run_twin: RunTwin) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_twin("serve", "--port", str(port), env={"TWIN_DATABASE_URL": database})
    assert done.returncode == 1
    assert f"Port {port} of 127.0.0.1 is taken" in done.stderr
    assert "serve.port_taken" in done.stderr


@pytest.mark.parametrize(
    ("options", "environment", "code"),
    [
        (("--host", "nowhere.invalid"), {}, "serve.cannot_listen"),
        ((), {"TWIN_DATABASE_URL": "postgresql://twin@127.0.0.1:1/none"}, "database.down"),
    ],
)
def test_what_keeps_a_server_from_starting_is_told(
    database: str, run_twin: RunTwin, options: tuple[str, ...], environment: dict[str, str], code: str
) -> None:
    done = run_twin("serve", "--port", "0", *options, env={"TWIN_DATABASE_URL": database} | environment)
    assert done.returncode == 1
    assert code in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_phone_s_browser_shows_it_whole(site: Site, lang: str, tmp_path: Path) -> None:
    """The page fits a screen of 390 pixels in Chromium, which finds nothing to complain of."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    assert browser, "Chromium is a system package of the set-up"
    picture = tmp_path / "page.png"
    flags = [
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *("--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}", "--window-size=390,844"),
    ]
    page = f"{site.address}/a/{site.codes['B1']}?lang={lang}"
    done = subprocess.run(
        [browser, *flags, f"--screenshot={picture}", page],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert picture.stat().st_size > 10_000
    assert "CONSOLE" not in done.stderr
