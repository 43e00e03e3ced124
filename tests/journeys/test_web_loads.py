"""Loading through the web as people meet it: a server, a worker and a browser, each a process of its own."""

from __future__ import annotations

import html
import os
import re
import shlex
import signal
import socket
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from browser import Browser, visiting
from commands import twin
from serving import serving, working

from tests.loading import halted_in, lamps, load_into, none_registered, write_csv

LIGHTS = Path(__file__).parents[2] / "fixtures" / "city" / "streetlights.csv"
MOST = 6_000_000
SILENT = "3"
"""Seconds after which a worker counts as dead here."""


@dataclass(frozen=True, slots=True)
class Site:
    """A server that takes files from this machine, with its database and its folder."""

    address: str
    database: str
    env: dict[str, str]

    def send(self, name: str, content: bytes, **headers: str) -> httpx.Response:
        files = {"file": (name, content)}
        return httpx.post(f"{self.address}/loads", files=files, headers=headers, timeout=60)

    def upload(self, name: str, content: bytes) -> str:
        """Send a file; gives the path of its page."""
        answer = self.send(name, content)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def page(self, path: str, lang: str = "en") -> str:
        return httpx.get(f"{self.address}{path}", params={"lang": lang}, timeout=60).text

    def confirm(self, path: str, **given: str) -> httpx.Response:
        return httpx.post(f"{self.address}{path}/load", data=given, timeout=60)

    def row(self, path: str) -> dict[str, Any]:
        """What the registry knows of an upload."""
        query = "SELECT to_jsonb(u) FROM twin.upload u WHERE id = %s"
        with psycopg.connect(self.database) as connection:
            found = connection.execute(query, [path.rpartition("/")[2]]).fetchone()
        assert found is not None
        return dict(found[0])

    def wait(self, path: str, *states: str, seconds: float = 90) -> dict[str, Any]:
        """The upload as soon as it is in one of the states."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            row = self.row(path)
            if row["state"] in states:
                return row
            time.sleep(0.1)
        raise AssertionError(self.row(path))


def site_of(database: str, home: Path, **more: str) -> Iterator[Site]:
    env = {"TWIN_HOME": str(home), "TWIN_WEB_LOADS": "local", "TWIN_WORKER_SILENT_SECONDS": SILENT, **more}
    assert twin(database, "home", "310115").returncode == 0
    with serving(database, env=env) as (address, _):
        yield Site(address, database, env)


@pytest.fixture(scope="module")
def site(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that nobody works for."""
    yield from site_of(new_database(), tmp_path_factory.mktemp("home"), TWIN_WEB_MAX_UPLOAD=str(MOST))


@pytest.fixture(scope="module")
def worked(site: Site) -> Iterator[Site]:
    """The site with a worker."""
    with working(site.database, site.env):
        yield site


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_a_file_becomes_assets_in_a_browser(worked: Site, browser: Browser) -> None:
    with visiting(browser, f"{worked.address}/loads") as page:
        page.set_input_files("#file", LIGHTS)
        press(page, "Send")
        page.wait_for_selector(".mapping")
        assert page.input_value("#kind") == "streetlight"
        assert page.input_value("#key") == "灯杆编号"
        assert page.input_value("#crs") == "EPSG:4326"
        fields = page.locator(".mapping select").evaluate_all("all => all.map(one => one.value)")
        assert {"lon", "lat", "name", "code", "pole_number"} <= set(fields)
        page.fill("#dataset", "路灯台账")
        press(page, "Load")
        page.wait_for_selector("dl.counts")
        counts = page.locator("dl.counts dd").all_inner_texts()
        assert counts == ["642", "632", "0", "0", "10"]
        assert "geometry.null_island" in page.inner_text("main")
        with page.expect_download() as download:
            page.click("text=The rejected rows")
        rejected = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
        assert len(rejected) == 1 + 10
        assert download.value.suggested_filename == "streetlights-rejected.csv"
        upload = page.url
        page.click("text=All loads")
        page.click("text=路灯台账")
        assert page.locator("dl.counts dd").all_inner_texts() == counts
    assert not list((Path(worked.env["TWIN_HOME"]) / "uploads" / upload.rpartition("/")[2]).glob("file/*"))
    with visiting(browser, upload, lang="zh", phone=True, scripts=False) as page:
        assert "已导入" in page.inner_text("main")
        assert "从未填写" in page.inner_text("main") or "0,0" in page.inner_text("main")


def test_without_scripts_pages_renew_themselves(worked: Site, browser: Browser) -> None:
    with visiting(browser, f"{worked.address}/loads", scripts=False, lang="zh", phone=True) as page:
        page.set_input_files("#file", LIGHTS)
        press(page, "上传")
        page.wait_for_selector(".mapping")
        page.fill("#dataset", "无脚本")
        press(page, "导入")
        page.wait_for_selector("dl.counts")
        assert page.locator("dl.counts dd").all_inner_texts()[0] == "642"


def test_a_mapping_is_changed_before_it_is_used(worked: Site) -> None:
    rows = write_csv_bytes([{**row, "what": f"lamp {row['id']}"} for row in lamps(5)])
    path = worked.upload("things.csv", rows)
    worked.wait(path, "inspected")
    answer = httpx.post(f"{worked.address}{path}/kind", data={"kind": "streetlight"}, timeout=60)
    assert answer.status_code == 303
    worked.wait(path, "inspected")
    twice = worked.confirm(path, kind="streetlight", **{"field-0": "name", "field-1": "name"})
    assert twice.status_code == 400
    assert "id and lon" in twice.text
    fields = {"field-1": "lon", "field-2": "lat", "field-3": "power", "field-4": "name"}
    assert worked.confirm(path, kind="streetlight", key="id", crs="EPSG:4326", **fields).status_code == 303
    row = worked.wait(path, "loaded")
    assert row["receipt"]["new"] == 5
    assert row["receipt"]["mapping"]["name"] == "what"
    late = worked.confirm(path, kind="streetlight", key="id", **fields)
    assert late.status_code == 409


def write_csv_bytes(rows: list[dict[str, object]]) -> bytes:
    header = ",".join(rows[0])
    return "\n".join([header, *(",".join(map(str, row.values())) for row in rows)]).encode()


def test_what_is_refused_can_be_mended_and_sent_again(worked: Site) -> None:
    path = worked.upload("lamps.csv", write_csv_bytes(lamps(3)))
    worked.wait(path, "inspected")
    fields = {"field-1": "lon", "field-2": "lat"}
    worked.confirm(path, kind="streetlight", key="id", crs="EPSG:4549", dataset="mended", **fields)
    row = worked.wait(path, "refused")
    assert row["problem"]["code"].startswith("crs.")
    page = worked.page(path)
    assert "CGCS2000" in page
    assert 'value="mended"' in page
    worked.confirm(path, kind="streetlight", key="id", crs="EPSG:4326", **fields)
    assert worked.wait(path, "loaded")["receipt"]["read"] == 3


def test_what_cannot_be_is_said_beside_its_field(worked: Site, browser: Browser) -> None:
    path = worked.upload("lamps.csv", write_csv_bytes(lamps(3)))
    worked.wait(path, "inspected")
    wrong = {
        "crs": "EPSG:999999",
        "accuracy": "near",
        "division": "nowhere",
        "dataset": "!",
        "on_error": "shrug",
        "on_suspect": "shrug",
        "field-1": "colour",
        "field-3": "power",
        "unit-3": "feet",
    }
    answer = worked.confirm(path, kind="streetlight", key="id", **wrong)
    assert answer.status_code == 400
    assert "8 of the fields" in answer.text
    assert worked.row(path)["state"] == "inspected"
    with visiting(browser, worked.address + path, lang="zh", complaints_expected=True) as page:
        for name in ("crs", "accuracy", "division", "dataset", "unit-3"):
            page.fill(f"[name={name}]", wrong[name])
        press(page, "导入")
        page.wait_for_selector("[role=alert]")
        for name in ("crs", "accuracy", "division", "dataset", "unit-3"):
            field = page.locator(f"[name={name}]")
            assert field.get_attribute("aria-invalid") == "true"
            assert field.input_value() == wrong[name]
            said = page.locator(f"id={field.get_attribute('aria-describedby')}")
            assert re.search("[\u4e00-\u9fff]", said.inner_text())
            assert said.is_visible()


def test_a_unit_that_is_said_converts(worked: Site) -> None:
    rows = [{**row, "power": power} for row, power in zip(lamps(3), (10, 11, 12), strict=True)]
    path = worked.upload("lamps.csv", write_csv_bytes(rows))
    worked.wait(path, "inspected")
    given = {
        "field-1": "lon",
        "field-2": "lat",
        "field-3": "lantern_height",
        "unit-3": "feet",
        "accuracy": "0.5",
    }
    given |= {"key": "id", "crs": "EPSG:4326", "dataset": "feet", "division": "310104"}
    assert worked.confirm(path, kind="streetlight", **given).is_redirect
    number = worked.wait(path, "loaded")["load_id"]
    with psycopg.connect(worked.database) as connection:
        query = (
            "SELECT (attributes ->> 'lantern_height')::float8, accuracy FROM twin.asset WHERE load_id = %s"
        )
        found = connection.execute(query, [number]).fetchall()
        options = connection.execute("SELECT options FROM twin.load WHERE id = %s", [number]).fetchone()
    assert sorted(found) == [(3.048, 0.5), (3.3528, 0.5), (3.6576, 0.5)]
    assert options is not None
    assert options[0]["division"] == "310104"


def test_a_suspected_row_can_be_linked(worked: Site) -> None:
    fields = {"kind": "streetlight", "key": "id", "crs": "EPSG:4326"}
    fields |= {"field-1": "name", "field-2": "lon", "field-3": "lat"}
    for dataset, key in (("ours", "A"), ("theirs", "1")):
        row = {"id": key, "name": "West Gate", "lon": 121.52, "lat": 31.22}
        path = worked.upload(f"{dataset}.csv", write_csv_bytes([row]))
        worked.wait(path, "inspected")
        assert worked.confirm(path, **fields, dataset=dataset, on_suspect="link").is_redirect
        receipt = worked.wait(path, "loaded")["receipt"]
    assert (receipt["same"], receipt["linked"]) == (1, 1)
    assert "Linked to assets that another dataset registered" in worked.page(path)
    with psycopg.connect(worked.database) as connection:
        assert connection.execute("SELECT source_key FROM twin.source").fetchall() == [("1",)]


def test_a_dry_run_tells_and_can_then_be_done(worked: Site, browser: Browser) -> None:
    rows = write_csv_bytes([*lamps(3), {**lamps(1)[0], "id": "null", "lon": 0, "lat": 0}])
    with visiting(browser, worked.address + worked.upload("dry.csv", rows)) as page:
        page.wait_for_selector(".mapping")
        page.fill("#dataset", "dry")
        page.select_option("#on_error", "abort")
        page.check("[name=dry_run]")
        press(page, "Load")
        page.wait_for_selector("dl.counts")
        assert page.locator("dl.counts dd").all_inner_texts() == ["4", "3", "0", "0", "1"]
        assert page.input_value("#on_error") == "abort"
        assert not page.is_checked("[name=dry_run]")
        press(page, "Load")
        page.wait_for_selector("text=Rows were rejected, so nothing was changed")
        assert loads_of(worked, "dry") == 0
        page.select_option("#on_error", "skip")
        press(page, "Load")
        page.wait_for_selector("text=Loaded.")
        assert page.locator("dl.counts dd").all_inner_texts() == ["4", "3", "0", "0", "1"]
        assert page.locator(".mapping").count() == 0
    assert loads_of(worked, "dry") == 1


def loads_of(site: Site, dataset: str) -> int:
    query = "SELECT count(*) FROM twin.load l JOIN twin.dataset d ON d.id = l.dataset_id WHERE d.name = %s"
    with psycopg.connect(site.database) as connection:
        found = connection.execute(query, [dataset]).fetchone()
    assert found is not None
    return int(found[0])


def loaded(site: Site, dataset: str, rows: list[dict[str, object]]) -> int:
    """Load lamps through the web; gives the load's number."""
    path = site.upload("lamps.csv", write_csv_bytes(rows))
    site.wait(path, "inspected")
    given = {"field-1": "lon", "field-2": "lat", "field-3": "power", "key": "id", "crs": "EPSG:4326"}
    assert site.confirm(path, kind="streetlight", dataset=dataset, **given).is_redirect
    return int(site.wait(path, "loaded")["load_id"])


def test_a_load_is_undone_after_its_page_told_what_that_does(worked: Site, browser: Browser) -> None:
    first = loaded(worked, "undone", lamps(5))
    loaded(worked, "undone", [*lamps(3), {**lamps(4)[3], "power": 7}])
    with visiting(browser, f"{worked.address}/loads/{first}") as page:
        press(page, "Undo this load …")
        page.wait_for_selector("text=This is what undoing would do")
        assert page.locator("dl.counts dd").all_inner_texts() == ["5", "4", "4", "1"]
        assert "undo.changed_since" in page.inner_text("main")
        assert states(worked, "undone") == ["in_service"] * 5
        press(page, f"Undo load {first} now")
        page.wait_for_selector("text=Undone.")
        assert page.locator("dl.counts dd").all_inner_texts() == ["5", "4", "4", "1"]
        page.click("text=which undoes it")
        assert page.locator("dl.counts dd").all_inner_texts() == ["5", "4", "4", "1"]
    assert states(worked, "undone") == ["in_service"] + ["retired"] * 4
    with visiting(browser, f"{worked.address}/loads/{first}", lang="zh") as page:
        assert "撤销" in page.inner_text("main")
        assert page.get_by_role("button").count() == 0


def test_an_undoing_that_a_killed_worker_had_done_is_not_done_twice(worked: Site) -> None:
    number = loaded(worked, "killed", lamps(3))
    address = f"{worked.address}/loads/{number}/undo"
    for step, words in (("", "This is what undoing"), ("/confirm", "Undone.")):
        assert httpx.post(address + step, timeout=60).is_redirect
        wait_until(lambda words=words: words in httpx.get(address, timeout=60).text)
    with psycopg.connect(worked.database, autocommit=True) as connection:
        query = (
            "SELECT receipt -> 'load', (SELECT max(id) FROM twin.load) FROM twin.undoing WHERE load_id = %s"
        )
        done = connection.execute(query, [number]).fetchone()
        # As a worker leaves it that was killed between the undo's commit and its own word on that.
        with connection.transaction():
            connection.execute(
                "UPDATE twin.undoing SET state = 'waiting', receipt = NULL WHERE load_id = %s", [number]
            )
            connection.execute("SELECT twin.defer_undo('undo', %s)", [number])
        wait_until(lambda: "Undone." in httpx.get(address, timeout=60).text)
        assert connection.execute(query, [number]).fetchone() == done
        # As it is after its job has failed for ever.
        connection.execute("UPDATE twin.undoing SET state = 'waiting' WHERE load_id = %s", [number])
        wait_until(lambda: "worker was killed" in httpx.get(address, timeout=60).text)


def states(site: Site, dataset: str) -> list[str]:
    query = "SELECT status FROM twin.asset a JOIN twin.dataset d ON d.id = a.dataset_id WHERE d.name = %s"
    with psycopg.connect(site.database) as connection:
        return sorted(status for (status,) in connection.execute(query, [dataset]))


def test_an_undoing_is_not_confirmed_before_it_was_shown(worked: Site) -> None:
    number = loaded(worked, "unseen", lamps(2))
    for page, status in ((f"/loads/{number}/undo/confirm", 409), ("/loads/999999/undo", 404)):
        assert httpx.post(worked.address + page, timeout=60).status_code == status
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert httpx.post(f"{worked.address}/loads/{number}/undo", headers=foreign, timeout=60).status_code == 403
    assert "Undo this load" in worked.page(f"/loads/{number}")
    with serving(worked.database, env={**worked.env, "TWIN_WEB_LOADS": "off"}) as (address, _):
        assert "Undo this load" not in httpx.get(f"{address}/loads/{number}", timeout=60).text
        assert httpx.post(f"{address}/loads/{number}/undo", timeout=60).status_code == 403
        assert httpx.get(f"{address}/loads/{number}/undo", timeout=60).status_code == 403
    assert states(worked, "unseen") == ["in_service"] * 2


def test_a_load_s_page_speaks_the_language_that_is_asked_for(worked: Site) -> None:
    number = loaded(worked, "languages", [*lamps(2), {**lamps(1)[0], "id": "n", "lon": 0, "lat": 0}])
    assert "it was never filled in" in worked.page(f"/loads/{number}")
    chinese = worked.page(f"/loads/{number}", lang="zh")
    assert "坐标为 0,0，即未填写。" in chinese
    assert "never filled in" not in chinese


def test_an_unfinished_load_is_listed_and_says_how_to_go_on(site: Site, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "broken off.csv", lamps(30))
    halted_in(site.database, file, batches=2, accuracy=0.5)
    (number,) = found(site, "SELECT max(id) FROM twin.load")
    assert "Unfinished" in site.page("/loads")
    assert "未完成" in site.page("/loads", lang="zh")
    page = site.page(f"/loads/{number}")
    assert "rows up to 20 are registered" in page
    assert "已登记至第 20 行" in site.page(f"/loads/{number}", lang="zh")
    (command,) = re.findall("<code>(twin load .*)</code>", page)
    program, *arguments = shlex.split(html.unescape(command))
    done = twin(site.database, *(str(file) if one == file.name else one for one in arguments))
    assert (program, done.returncode) == ("twin", 0), done.stderr
    assert "Unfinished" not in site.page(f"/loads/{number}")
    assert found(site, "SELECT count(*) FROM twin.asset WHERE load_id = %s", number) == [30]
    halted_in(site.database, file, batches=1, dataset="other")
    load_into(site.database, file, dataset="other")
    (number,) = found(site, "SELECT max(id) - 1 FROM twin.load")
    page = site.page(f"/loads/{number}")
    assert "it is not gone on with" in page
    assert "<code>" not in page


def found(site: Site, query: str, *values: object) -> list[Any]:
    with psycopg.connect(site.database) as connection:
        return [value for (value,) in connection.execute(query, values)]


def test_an_upload_that_is_given_up_goes_with_its_file(worked: Site, browser: Browser) -> None:
    path = worked.upload("lamps.csv", write_csv_bytes(lamps(3)))
    worked.wait(path, "inspected")
    folder = Path(worked.env["TWIN_HOME"]) / "uploads" / path.rpartition("/")[2]
    assert folder.is_dir()
    with visiting(browser, worked.address + path) as page:
        press(page, "Give up and remove the file")
        page.wait_for_selector("#file")
    assert not folder.exists()
    assert httpx.get(worked.address + path, timeout=60).status_code == 404


def test_a_file_that_is_too_large_is_refused_in_words(worked: Site, browser: Browser, tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    large.write_bytes(b"id,lon,lat\n" + b"x,1,1\n" * (MOST // 5))
    with visiting(browser, f"{worked.address}/loads", complaints_expected=True) as page:
        page.set_input_files("#file", large)
        press(page, "Send")
        page.wait_for_selector("[role=alert]")
        assert "larger than the 6 MB" in page.inner_text("main")
    answer = worked.send("large.csv", large.read_bytes())
    assert answer.status_code == 413
    assert not list((Path(worked.env["TWIN_HOME"]) / "uploads").glob("*/file/arriving"))


@pytest.mark.parametrize(
    ("request_", "status", "words"),
    [
        ({"files": {"file": ("", b"x")}}, 400, "No file was sent"),
        ({"files": {"file": ("a.csv", b"")}}, 400, "No file was sent"),
        ({"files": {"other": ("a.csv", b"x")}}, 400, "No file was sent"),
        ({"content": b"id,lon"}, 400, "no multipart form"),
        ({"content": b"id,lon", "params": {"lang": "zh"}}, 400, "不是 multipart 表单。请重新上传"),
        (
            {"content": b"--b\r\nbroken", "headers": {"content-type": "multipart/form-data; boundary=b"}},
            400,
            "",
        ),
    ],
)
def test_a_request_without_a_file_is_told_so(
    worked: Site, request_: dict[str, Any], status: int, words: str
) -> None:
    before = set((Path(worked.env["TWIN_HOME"]) / "uploads").glob("*"))
    answer = httpx.post(f"{worked.address}/loads", **request_, timeout=60)
    assert answer.status_code == status
    assert words in answer.text
    assert set((Path(worked.env["TWIN_HOME"]) / "uploads").glob("*")) == before


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../../etc/passwd.csv", "passwd.csv"),
        ("C:\\Users\\someone\\路灯.csv", "路灯.csv"),
        ("..", "upload"),
        ("....//.hidden", "hidden"),
        ("x" * 300 + ".csv", "x" * 116 + ".csv"),
        ("a\x1b[31m;rm -rf.csv", "a[31m;rm -rf.csv"),
    ],
)
def test_of_a_name_only_the_last_part_is_used(site: Site, sent: str, kept: str) -> None:
    boundary = "b0undary"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{sent}"\r\n\r\n'
    body = head.encode() + b"id\n1\n" + f"\r\n--{boundary}--\r\n".encode()
    kind = f"multipart/form-data; boundary={boundary}"
    answer = httpx.post(f"{site.address}/loads", content=body, headers={"content-type": kind}, timeout=60)
    path = answer.headers["location"]
    assert site.row(path)["name"] == kept
    file = Path(site.env["TWIN_HOME"]) / "uploads" / path.rpartition("/")[2] / "file" / kept
    assert file.read_bytes() == b"id\n1\n"
    assert file.parent.stat().st_mode & 0o077 == 0


def test_a_zip_bomb_is_refused(worked: Site, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("b.csv", "w") as member:
        for _ in range(200):
            member.write(b"0" * 1_000_000)
    path = worked.upload("bomb.zip", bomb.read_bytes())
    row = worked.wait(path, "refused")
    assert "would become 200,000,000" in row["problem"]["en"]
    assert "bomb.zip" in worked.page(path)


def test_a_file_that_cannot_be_read_is_refused_in_both_languages(worked: Site) -> None:
    path = worked.upload("roads.gpkg", b"SQLite format 3\0" + b"\xff" * 5_000)
    row = worked.wait(path, "refused")
    for lang in ("en", "zh"):
        assert "roads.gpkg" in row["problem"][lang]
        assert worked.env["TWIN_HOME"] not in row["problem"][lang]
    assert re.search("[\u4e00-\u9fff]", row["problem"]["zh"])


def body_of(size: int) -> Iterator[bytes]:
    """A form with a file of so many bytes, piece by piece."""
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    yield head
    for _ in range(size // 10_000):
        yield b"x" * 10_000
    yield b"\r\n--b--\r\n"


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("TWIN_WEB_MAX_SPOOL", "30000000", {"en": "30 MB", "zh": "总上限 30 MB"}),
        ("TWIN_WEB_MIN_FREE", str(10**15), {"en": "1e+09 MB left", "zh": "剩余空间将低于 1e+09 MB"}),
    ],
)
def test_the_room_for_uploads_is_limited(site: Site, setting: str, value: str, words: dict[str, str]) -> None:
    env = {**site.env, "TWIN_WEB_MAX_UPLOAD": "50000000", setting: value}
    uploads = Path(site.env["TWIN_HOME"]) / "uploads"
    before = set(uploads.glob("*"))
    kind = {"content-type": "multipart/form-data; boundary=b"}
    with serving(site.database, env=env) as (address, _):
        for lang, said in words.items():
            # Without Content-Length nothing tells how much will come.
            answer = httpx.post(
                f"{address}/loads", params={"lang": lang}, content=body_of(40_000_000), headers=kind
            )
            assert answer.status_code == 507
            assert said in answer.text
        told = http_answer_to_headers(address, {**kind, "content-length": "40000000"})
        assert told.startswith("HTTP/1.1 507")
        told = http_answer_to_headers(address, {**kind, "content-length": "60000000"})
        assert told.startswith("HTTP/1.1 413")
    assert set(uploads.glob("*")) == before


def http_answer_to_headers(address: str, headers: dict[str, str]) -> str:
    """What a server says to a request of which only the headers are sent."""
    host = urlsplit(address)
    lines = ["POST /loads HTTP/1.1", f"Host: {host.netloc}", *(f"{n}: {v}" for n, v in headers.items())]
    with socket.create_connection((host.hostname, host.port), timeout=60) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return connection.recv(100).decode()


def test_what_nobody_confirms_is_swept(site: Site) -> None:
    uploads = Path(site.env["TWIN_HOME"]) / "uploads"
    path = site.upload("lamps.csv", write_csv_bytes(lamps(3)))
    stray = uploads / ("a" * 26)
    (stray / "file").mkdir(parents=True)
    for folder in (stray, stray / "file"):
        os.utime(folder, (0, 0))
    others = uploads / "others"
    others.mkdir()
    with working(site.database, {**site.env, "TWIN_WORKER_KEEP_HOURS": "0.0003"}):
        wait_until(lambda: httpx.get(site.address + path, timeout=60).status_code == 404)
        wait_until(lambda: not stray.exists())
    assert not (uploads / path.rpartition("/")[2]).exists()
    assert others.is_dir()


def wait_until(done: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        time.sleep(0.1)


def test_nobody_else_s_page_can_load(site: Site) -> None:
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
    ):
        answer = site.send("a.csv", b"id\n1\n", **headers)
        assert answer.status_code == 403, headers
        assert "loads." in answer.text
    assert site.send(
        "a.csv", b"id\n1\n", Origin=site.address, **{"Sec-Fetch-Site": "same-origin"}
    ).is_redirect


def test_loading_is_off_unless_it_is_turned_on(site: Site) -> None:
    with serving(site.database, env={**site.env, "TWIN_WEB_LOADS": "off"}) as (address, _):
        page = httpx.get(f"{address}/loads", timeout=60)
        assert page.status_code == 200
        assert "TWIN_WEB_LOADS" in page.text
        assert "<form" not in page.text
        answer = httpx.post(f"{address}/loads", files={"file": ("a.csv", b"id\n1\n")}, timeout=60)
        assert answer.status_code == 403


def test_an_upload_that_nobody_knows_has_no_page(site: Site) -> None:
    for path in ("/loads/aaaaaaaaaaaaaaaaaaaaaaaaaa", "/loads/..%2f..%2fetc", "/loads/999999"):
        assert httpx.get(f"{site.address}{path}", timeout=60).status_code == 404


@pytest.fixture
def idle(database_url: str, open_folder: Callable[[], Path]) -> Iterator[Site]:
    """A site of the test's own, that nobody works for."""
    yield from site_of(database_url, open_folder())


MANY = 200_000


def confirmed(site: Site, content: bytes) -> str:
    """A file on its way into the registry, waiting for a worker."""
    with working(site.database, site.env):
        path = site.upload("many.csv", content)
        site.wait(path, "inspected")
    fields = {"field-1": "lon", "field-2": "lat", "field-3": "power"}
    assert site.confirm(path, kind="streetlight", key="id", crs="EPSG:4326", **fields).status_code == 303
    return path


@pytest.mark.slow
def test_what_a_killed_worker_began_the_next_one_does(idle: Site, browser: Browser) -> None:
    path = confirmed(idle, write_csv_bytes(lamps(MANY)))
    with psycopg.connect(idle.database, autocommit=True) as connection:
        with visiting(browser, idle.address + path) as page:
            with none_registered(idle.database), working(idle.database, idle.env) as worker:
                page.wait_for_selector(f"text=/^[0-9,]+ of {MANY:,} rows$/")
                assert page.locator("progress").is_visible()
                worker.send_signal(signal.SIGKILL)
                worker.wait(20)
            assert idle.row(path)["state"] == "loading"
            assert connection.execute("SELECT count(*) FROM twin.asset").fetchone() == (0,)
            with working(idle.database, idle.env):
                page.wait_for_selector("dl.counts", timeout=90_000)
                assert page.locator("dl.counts dd").all_inner_texts() == [
                    f"{MANY:,}",
                    f"{MANY:,}",
                    "0",
                    "0",
                    "0",
                ]
        assert connection.execute("SELECT count(*) FROM twin.asset").fetchone() == (MANY,)
        assert connection.execute("SELECT count(*) FROM twin.load").fetchone() == (1,)


@pytest.mark.slow
def test_a_worker_that_is_stopped_gives_its_work_back(idle: Site) -> None:
    path = confirmed(idle, write_csv_bytes(lamps(MANY)))
    with working(idle.database, idle.env) as worker:
        idle.wait(path, "loading")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
    if idle.row(path)["state"] == "loading":
        with working(idle.database, idle.env):
            idle.wait(path, "loaded")
    with psycopg.connect(idle.database) as connection:
        assert connection.execute("SELECT count(*) FROM twin.asset").fetchone() == (MANY,)


@pytest.mark.slow
def test_work_that_kills_every_worker_is_given_up(idle: Site) -> None:
    path = confirmed(idle, write_csv_bytes(lamps(MANY)))
    dead: list[int] = []
    for _ in range(3):
        with none_registered(idle.database), working(idle.database, idle.env) as worker:
            dead.append(started_again(idle, path, dead))
            worker.send_signal(signal.SIGKILL)
            worker.wait(20)
    with working(idle.database, idle.env):
        row = idle.wait(path, "refused")
        assert row["problem"]["code"] == "upload.given_up"
        assert "never finished" in idle.page(path)
        fields = {"field-1": "lon", "field-2": "lat"}
        assert idle.confirm(path, kind="streetlight", key="id", crs="EPSG:4326", **fields).is_redirect
        assert idle.wait(path, "loaded")["receipt"]["new"] == MANY


def started_again(site: Site, path: str, dead: list[int]) -> int:
    """Wait until a worker that is none of those has the job; gives its number."""
    query = """
        SELECT worker_id FROM queue.procrastinate_jobs
        WHERE task_name = 'load' AND status = 'doing' AND worker_id <> ALL (%s)
    """
    until = time.monotonic() + 60
    with psycopg.connect(site.database, autocommit=True) as connection:
        while time.monotonic() < until:
            if found := connection.execute(query, [dead]).fetchone():
                return int(found[0])
            time.sleep(0.05)
    raise AssertionError(site.row(path))


@pytest.mark.slow
def test_a_load_that_was_registered_before_the_kill_is_not_done_twice(idle: Site) -> None:
    path = confirmed(idle, write_csv_bytes(lamps(50)))
    with working(idle.database, idle.env):
        receipt = idle.wait(path, "loaded")["receipt"]
    with psycopg.connect(idle.database, autocommit=True) as connection:
        # As a worker leaves it that was killed between the load's commit and its own word on that.
        connection.execute("UPDATE twin.upload SET state = 'loading', receipt = NULL, load_id = NULL")
        connection.execute("SET search_path = queue")
        connection.execute("UPDATE procrastinate_jobs SET status = 'todo' WHERE task_name = 'load'")
        with working(idle.database, idle.env):
            row = idle.wait(path, "loaded")
        assert row["receipt"]["new"] == receipt["new"] == 50
        assert row["load_id"] == receipt["load"]
        assert connection.execute("SELECT count(*) FROM twin.load").fetchone() == (1,)
