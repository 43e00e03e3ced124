"""The pages of reports as a planner meets them: in a browser, on a desk and a phone, in both languages."""

from __future__ import annotations

import csv
import html
import io
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import psycopg
import pytest
from browser import Browser, visiting, wait_for_map
from commands import twin
from loading import load_into
from serving import serving

WARDS = {"310115001": (121.5, 31.2), "310115002": (121.52, 31.2), "310115003": (121.5, 31.22)}
"""Streets that are squares of 0.02°, by their south-west corners."""
PER_WARD = 90


@dataclass(frozen=True, slots=True)
class Site:
    """A server, and how many elevators of each ward are overdue on 2026-11-24."""

    address: str
    overdue: dict[str, int]

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(self.address + path, headers=headers, timeout=30)


def features(path: Path, rows: list[tuple[dict[str, Any], dict[str, Any]]]) -> Path:
    made = [{"type": "Feature", "properties": properties, "geometry": shape} for properties, shape in rows]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": made}, ensure_ascii=False))
    return path


def square(x: float, y: float, side: float = 0.02) -> dict[str, Any]:
    ring = [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
    return {"type": "Polygon", "coordinates": [ring]}


@pytest.fixture(scope="module")
def site(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    url, folder = new_database(), tmp_path_factory.mktemp("reports")
    assert twin(url, "home", "310115").returncode == 0
    wards = [
        ({"code": code, "name": f"{code[-1]} 号街镇"}, square(*corner)) for code, corner in WARDS.items()
    ]
    file = features(folder / "wards.geojson", wards)
    options = ("--code", "code", "--name", "name", "--level", "street")
    assert twin(url, "divisions", "load", str(file), *options).returncode == 0
    dice, overdue, elevators = random.Random(5), Counter[str](), []
    for code, (x, y) in WARDS.items():
        for number in range(PER_WARD):
            late = dice.random() < 0.3
            overdue[code] += late
            dates = {
                "acceptance_date": "2020-06-10",
                "last_inspection": "2021-05-01" if late else "2024-06-02",
            }
            place = [x + dice.uniform(0.001, 0.019), y + dice.uniform(0.001, 0.019)]
            names = {"source_key": f"{code}-{number}", "name": "=HYPERLINK(1)", "category": "escalator"}
            elevators.append(({**names, **dates}, {"type": "Point", "coordinates": place}))
    load_into(url, features(folder / "elevators.geojson", elevators), "elevator")
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("ANALYZE")
    with serving(url) as (address, _):
        yield Site(address, dict(overdue))


def test_the_start_page_leads_to_the_reports(browser: Browser, site: Site) -> None:
    with visiting(browser, site.address) as page:
        page.get_by_role("link", name="Reports").click()
        page.get_by_role("link", name="Overdue and coming inspections").click()
        wait_for_map(page)
        assert page.url.endswith("/reports/inspections")
        assert page.locator("#level").input_value() == "8"


@pytest.mark.parametrize(("lang", "phone"), [("en", False), ("zh", True)])
def test_a_report_has_a_form_a_map_and_tables(browser: Browser, site: Site, lang: str, phone: bool) -> None:
    with visiting(browser, f"{site.address}/reports/inspections", phone=phone, lang=lang) as page:
        page.locator("#on").fill("2026-11-24")
        page.locator("#within").fill("9")
        page.locator("form.fields button").click()
        page.wait_for_url("**within=9**")
        wait_for_map(page)
        rows = page.locator("table").first.locator("tbody tr")
        shown = {row.locator("th").inner_text(): row.locator("td").nth(1).inner_text() for row in rows.all()}
        assert shown == {f"{code[-1]} 号街镇": str(count) for code, count in site.overdue.items()}
        assert ("逾期" if lang == "zh" else "Overdue") in page.locator("table").first.inner_text()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            "the page scrolls sideways"
        )
        assert "HYPERLINK" in page.locator("table").nth(1).inner_text()


def test_without_scripts_the_tables_are_there(browser: Browser, site: Site) -> None:
    with visiting(browser, f"{site.address}/reports/elevator-age?division=310115", scripts=False) as page:
        assert str(3 * PER_WARD) in page.locator("table").first.inner_text()


def test_a_code_in_the_table_leads_to_the_asset(browser: Browser, site: Site) -> None:
    with visiting(browser, f"{site.address}/reports/inspections?on=2026-11-24") as page:
        page.locator("td a").first.click()
        page.wait_for_url("**/a/310115-2133-*")


def test_files_of_a_report(site: Site) -> None:
    asked = "?on=2026-11-24&level=8"
    plain = site.get(f"/reports/inspections.csv{asked}")
    assert plain.headers["content-type"].startswith("text/csv")
    assert 'filename="inspections-areas-2026-11-24.csv"' in plain.headers["content-disposition"]
    read = csv.DictReader(io.StringIO(plain.content.decode("utf-8-sig")))
    assert {row["area"]: int(row["overdue"]) for row in read} == site.overdue
    listed = site.get(f"/reports/inspections.csv{asked}&table=assets").content.decode("utf-8-sig")
    names = {row["name"] for row in csv.DictReader(io.StringIO(listed))}
    assert names == {"'=HYPERLINK(1)"}
    book = openpyxl.load_workbook(io.BytesIO(site.get(f"/reports/inspections.xlsx{asked}&lang=zh").content))
    assert book.sheetnames == ["按区域", "待检资产"]
    drawn = site.get(f"/reports/inspections.geojson{asked}").json()["features"]
    assert {f["properties"]["area"]: f["properties"]["value"] for f in drawn} == site.overdue
    assert {f["geometry"]["type"] for f in drawn} == {"MultiPolygon"}
    points = site.get(f"/reports/inspections.geojson{asked}&table=assets").json()["features"]
    overdue = sum(site.overdue.values())
    states = Counter(point["properties"]["state"] for point in points)
    assert states == {"overdue": overdue, "coming": 3 * PER_WARD - overdue}


def test_a_report_without_boundaries_shows_the_places_of_its_rows(browser: Browser, site: Site) -> None:
    with visiting(browser, f"{site.address}/reports/inspections?level=&on=2026-11-24") as page:
        wait_for_map(page)
        assert "table=assets" in (page.locator(".map").get_attribute("data-geojson") or "")


@pytest.mark.parametrize(
    ("lang", "key", "state"),
    [
        ("en", ("Overdue", "Coming"), r"Elevator · 310115-2133-\S+ · Overdue · Due 2024-06-30"),
        ("zh", ("逾期", "即将到期"), r"电梯 · 310115-2133-\S+ · 逾期 · 应检日期 2024-06-30"),
    ],
)
def test_assets_to_inspect_are_coloured_by_their_state_and_told_in_words(
    browser: Browser, site: Site, lang: str, key: tuple[str, str], state: str
) -> None:
    overdue = sum(site.overdue.values())
    counts = (overdue, 3 * PER_WARD - overdue)
    with visiting(browser, f"{site.address}/reports/inspections?on=2026-11-24", lang=lang) as page:
        wait_for_map(page)
        shown = [text.strip() for text in page.locator(".classes > span").all_inner_texts()]
        assert shown == [f"{word} {count}" for word, count in zip(key, counts, strict=True)]
        colours = {
            page.locator(f".classes .class-{number}").evaluate("e => getComputedStyle(e).backgroundColor")
            for number in (1, 2)
        }
        assert len(colours) == 2
        x, y = page.evaluate(
            "() => { const { map } = document.querySelector('.map');"
            " const one = map.queryRenderedFeatures({layers: ['collection-points']})"
            "   .find(({ properties }) => properties.class === 1);"
            " const { x, y } = map.project(one.geometry.coordinates);"
            " const box = map.getCanvas().getBoundingClientRect(); return [box.x + x, box.y + y]; }"
        )
        page.mouse.move(x, y)
        assert re.search(state, page.locator(".maplibregl-popup").inner_text())


def test_the_scale_is_that_of_what_is_drawn(browser: Browser, sample_city: str) -> None:
    """What lies elsewhere has no outline, and is far less."""
    path = "/reports/asset-census{}?level=8"
    features = httpx.get(sample_city + path.format(".geojson"), timeout=30).json()["features"]
    drawn = [f["properties"]["value"] for f in features if f["geometry"]]
    elsewhere = [f["properties"]["value"] for f in features if not f["geometry"]]
    assert max(elsewhere) < min(drawn)
    with visiting(browser, sample_city + path.format("")) as page:
        wait_for_map(page)
        assert page.locator(".ramp").inner_text().split() == [str(min(drawn)), str(max(drawn))]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("level=", "the whole registry has no boundary of its own"),
        ("division=310115", "these divisions were loaded without boundaries"),
    ],
)
def test_a_report_without_a_map_says_why(site: Site, query: str, words: str) -> None:
    answer = site.get(f"/reports/asset-census?{query}&lang=en")
    assert answer.status_code == 200
    assert words in answer.text
    assert 'class="map"' not in answer.text


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/reports/lifts", 404, "report.unknown"),
        ("/reports/inspections.pdf", 404, "page.unknown"),
        ("/reports/lifts.csv", 404, "report.unknown"),
        ("/reports/inspections.csv?division=9", 404, "division.unknown"),
        ("/reports/inspections.csv?division=9&level=8", 404, "division.unknown"),
        ("/reports/inspections.csv?on=soon", 400, "input.type"),
        ("/reports/inspections.csv?within=soon", 400, "input.type"),
        ("/reports/inspections.csv?table=x", 400, "report.table"),
        ("/reports/inspections.csv?level=ward", 404, "division.level"),
        ("/reports/inspections.csv?kind=lamp", 404, "kind.unknown"),
        ("/reports/inspections.csv?within=" + 5_000 * "9", 400, "input.type"),
        ("/reports/inspections.csv?by-level=street", 400, "report.parameter"),
    ],
)
def test_what_cannot_be_asked_is_a_page_that_says_so(site: Site, path: str, status: int, code: str) -> None:
    answer = site.get(path)
    assert (answer.status_code, code in answer.text) == (status, True)


@pytest.mark.parametrize(
    ("query", "english", "chinese"),
    [
        ("division=9", "There is no division 9. Choose one", "没有区划 9。请从输入框的列表中选择"),
        ("division=9&level=8", "There is no division 9. Choose one", "没有区划 9。请从输入框的列表中选择"),
        ("on=soon", "Date should be a date such as 2026-11-24, not", "日期 应为日期，如 2026-11-24，而不是"),
        (
            "within=999",
            "Due within months is 999; it should be from 0 to 120",
            "若干月内到期 为 999；应在 0 到",
        ),
        (f"within={5_000 * '9'}", "Due within months should be an integer", "若干月内到期 应为整数"),
        ("level=10", "No division of level 10 lies in what was chosen. Choose", "没有级别为 10 的区划"),
    ],
)
def test_a_form_that_was_filled_in_wrongly_comes_back_with_the_words(
    site: Site, query: str, english: str, chinese: str
) -> None:
    name, _, value = query.partition("&")[0].partition("=")
    for lang, words in (("en", english), ("zh", chinese)):
        answer = site.get(f"/reports/inspections?{query}&lang={lang}")
        assert answer.status_code in {400, 404}
        (said,) = re.findall(r'role="alert"><p>(.*?)</p>', answer.text)
        assert words in said
        assert "twin " not in said and f"`{name}`" not in said
        assert f'name="{name}"' in answer.text and (name == "level" or f'value="{value}"' in answer.text)


@pytest.mark.parametrize(
    ("path", "wrong", "known"),
    [
        ("inspections?divsion=310115", "takes no divsion", "division, level, kind, on, within."),
        ("inspections?by-level=street", "takes no by-level", "division, level, kind, on, within."),
        ("inspections?areas=x", "takes no areas", "division, level, kind, on, within."),
        ("asset-census?on=2026-11-24", "takes no on", "division, level, kind."),
        ("elevator-age?kind=elevator", "takes no kind", "division, level, on."),
        ("inspections?level=8&level=6", "level is given more than once", "only kind may be repeated"),
    ],
)
def test_parameters_that_a_report_does_not_have_are_refused(
    site: Site, path: str, wrong: str, known: str
) -> None:
    for address in (path, path.replace("?", ".csv?"), path.replace("?", ".geojson?")):
        answer = site.get(f"/reports/{address}")
        assert answer.status_code == 400
        assert "report.parameter" in answer.text
        assert wrong in answer.text and known in answer.text


def test_kinds_may_be_repeated_and_a_page_shows_the_table_that_is_named(site: Site) -> None:
    answer = site.get("/reports/asset-census?kind=elevator&kind=building&table=kinds&lang=en")
    assert answer.status_code == 200
    assert re.findall(r"<h2 .*?>(.*?)</h2>", answer.text) == ["By kind"]
    for link in re.findall(r'href="(/reports/[^"]*\.\w+\?[^"]*)"', answer.text):
        assert site.get(html.unescape(link)).status_code == 200


def test_a_file_that_cannot_be_made_leads_back_to_the_form(browser: Browser, site: Site) -> None:
    wrong = f"{site.address}/reports/inspections.csv?division=310115001&on=soon&table=assets"
    with visiting(browser, wrong, complaints_expected=True) as page:
        assert "Date should be a date" in page.inner_text("[role=alert]")
        page.get_by_role("link", name="Back to the form").click()
        page.wait_for_url("**/reports/inspections?division=310115001&on=soon")
        assert page.locator("#division").input_value() == "310115001"


def test_what_was_typed_is_never_markup(site: Site) -> None:
    answer = site.get('/reports/inspections?division="><script>alert(1)</script>')
    assert "<script>alert" not in answer.text
