"""The map of the city in headless Chromium: it counts as GraphQL counts, and leads to each asset."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from browser import Browser, Page, visiting, wait_for_map
from commands import twin
from playwright.sync_api import expect
from serving import serving

from fixtures.generate import generate
from twin.web.texts import texts

ASSETS = 4_000
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def address(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a generated city."""
    folder, url = tmp_path_factory.mktemp("map") / "city", new_database()
    generate(ASSETS, folder)
    done = twin(url, "load", str(folder))
    assert done.returncode == 0, done.stderr
    with serving(url) as (served, _):
        yield served


@pytest.fixture(scope="module")
def ask(address: str) -> Ask:
    """The data of a GraphQL document."""

    def ask_(query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        answer = httpx.post(f"{address}/graphql", json=body, timeout=30).json()
        assert "errors" not in answer, answer
        return answer["data"]

    return ask_


def shown(page: Page, source: str) -> list[dict[str, Any]]:
    """The properties of everything that a source of the map holds."""
    data = page.evaluate(f"document.querySelector('.map').map.getSource('{source}').getData()")
    return [feature["properties"] for feature in data["features"]]


def counted(page: Page) -> dict[str, int]:
    return {hexagon["cell"]: hexagon["count"] for hexagon in shown(page, "hexagons")}


def in_view(page: Page) -> dict[str, int]:
    """The hexagons that can be seen."""
    seen = page.evaluate(
        "document.querySelector('.map').map.queryRenderedFeatures({layers: ['hexagon-areas']})"
        ".map(({properties}) => [properties.cell, properties.count])"
    )
    return dict(seen)


def move(page: Page, zoom: float, lon: float, lat: float) -> None:
    """Look elsewhere, and wait until that is shown."""
    page.evaluate(
        "([zoom, lon, lat]) => { const box = document.querySelector('.map'); box.dataset.state = 'moving';"
        " box.map.jumpTo({ zoom, center: [lon, lat] }); }",
        [zoom, lon, lat],
    )
    wait_for_map(page)


def beyond(page: Page) -> list[str]:
    """The hexagons that reach beyond the edge of the map."""
    found = page.evaluate(
        "async () => { const { map } = document.querySelector('.map');"
        " const { features } = await map.getSource('hexagons').getData();"
        " const { clientWidth, clientHeight } = map.getContainer();"
        " const inside = ({ x, y }) => x >= 0 && y >= 0 && x <= clientWidth && y <= clientHeight;"
        " return features.filter((f) => !f.geometry.coordinates[0].every((at) => inside(map.project(at))))"
        "   .map((f) => f.properties.cell); }"
    )
    return list(found)


def resolution(cell: str) -> int:
    return int(cell, 16) >> 52 & 15


COUNTS = "query($r: Int!, $k: [Kind!]) { cells(resolution: $r, where: { kinds: $k }) { cell count } }"


def cells(ask: Ask, level: int, kinds: list[str] | None = None) -> dict[str, int]:
    return {one["cell"]: one["count"] for one in ask(COUNTS, r=level, k=kinds)["cells"]}


def test_the_city_opens_whole_and_counts_as_graphql_does(browser: Browser, address: str, ask: Ask) -> None:
    with visiting(browser, address) as page:
        wait_for_map(page)
        found = counted(page)
        assert found == cells(ask, resolution(next(iter(found))))
        assert sum(found.values()) == ASSETS
        assert set(in_view(page)) == set(found)
        assert f"{ASSETS:,} assets in {len(found)} hexagons" in page.inner_text(".in-view-said")


@pytest.mark.parametrize("phone", [False, True])
def test_no_hexagon_is_cut_off_at_first(
    browser: Browser, address: str, sample_city: str, phone: bool
) -> None:
    for city in (address, sample_city):
        with visiting(browser, city, phone=phone) as page:
            wait_for_map(page)
            assert counted(page)
            assert beyond(page) == []


def test_the_list_has_room_for_entries_beside_the_kinds(browser: Browser, sample_city: str) -> None:
    """At 1280 by 800, where the panel is as high as the map."""
    for lang in ("en", "zh"):
        with visiting(browser, sample_city, lang=lang) as page:
            wait_for_map(page)
            panel = page.locator(".in-view").bounding_box()
            entries = [entry.bounding_box() for entry in page.locator("#side .links li").all()[:3]]
            assert panel
            bottom = min(panel["y"] + panel["height"], 800)
            assert len(entries) == 3
            assert all(entry and entry["y"] + entry["height"] <= bottom for entry in entries)
            assert not page.locator(".networks").is_visible()
            page.locator(".legend summary").click()
            assert page.locator(".networks").is_visible()


def test_assets_without_a_position_are_told(browser: Browser, sample_city: str) -> None:
    """The kinds' boxes count them, and the map cannot show them."""
    body = {"query": "{ cells(resolution: 0) { count } vehicles { totalCount } }"}
    answer = httpx.post(f"{sample_city}/graphql", json=body, timeout=30).json()["data"]
    placed, vehicles = sum(cell["count"] for cell in answer["cells"]), answer["vehicles"]["totalCount"]
    assert vehicles == 118
    told = {
        "en": "{count} without a position: not on the map.",
        "zh": "另有 {count} 件未登记位置，不在地图上。",
    }
    none = {"en": "No assets of these kinds in view. ", "zh": "视野内没有所选种类的资产。"}
    for lang, words in told.items():
        with visiting(browser, sample_city, lang=lang) as page:
            wait_for_map(page)
            boxes = [int(one.replace(",", "")) for one in page.locator(".legend .count").all_inner_texts()]
            said = page.inner_text(".in-view-said")
            assert sum(counted(page).values()) == placed
            assert said.endswith(words.format(count=sum(boxes) - placed))
            assert sum(boxes) - placed > vehicles
        with visiting(browser, f"{sample_city}/#kinds=vehicle", lang=lang) as page:
            wait_for_map(page)
            assert page.inner_text(".in-view-said") == none[lang] + words.format(count=vehicles)
        with visiting(browser, f"{sample_city}/#kinds=building", lang=lang) as page:
            wait_for_map(page)
            assert words[-7:] not in page.inner_text(".in-view-said")


def test_no_hexagon_in_view_counts_less_than_it_holds(browser: Browser, address: str, ask: Ask) -> None:
    """Where the view cuts the city, what a hexagon holds beyond the edge counts too."""
    with visiting(browser, address) as page:
        wait_for_map(page)
        for zoom, lon, lat in ((13.5, 121.5, 31.25), (14.2, 121.49, 31.24), (14.2, 121.494, 31.242)):
            move(page, zoom, lon, lat)
            seen = in_view(page)
            truth = cells(ask, resolution(next(iter(seen))))
            assert {cell: truth[cell] for cell in seen} == seen


def test_hexagons_open_into_assets(browser: Browser, address: str, ask: Ask) -> None:
    asked: list[dict[str, Any]] = []
    with visiting(browser, address) as page:
        page.on("request", lambda request: asked.append(json.loads(request.post_data or "{}")))
        wait_for_map(page)
        for _ in range(4):
            if not counted(page):
                break
            click_the_fullest(page)
        assert counted(page) == {}
        variables = next(
            body["variables"] for body in reversed(asked) if "after" in body.get("variables", {})
        )
        assert {asset["code"] for asset in shown(page, "assets")} == codes(ask, variables["bbox"])


def click_the_fullest(page: Page) -> None:
    """Click the middle of the hexagon with most assets, and wait until the map shows what is in it."""
    box = page.locator(".map").bounding_box()
    assert box
    fullest = max(shown(page, "hexagons"), key=lambda hexagon: hexagon["count"])["cell"]
    x, y = page.evaluate(
        "async (cell) => { const { map } = document.querySelector('.map');"
        " const { features } = await map.getSource('hexagons').getData();"
        " const ring = features.find((f) => f.properties.cell === cell).geometry.coordinates[0].slice(1);"
        " const middle = [0, 1].map((i) => ring.reduce((sum, at) => sum + at[i], 0) / ring.length);"
        " const { x, y } = map.project(middle);"
        " map.getContainer().dataset.state = 'moving'; return [x, y]; }",
        fullest,
    )
    page.mouse.click(box["x"] + x, box["y"] + y)
    wait_for_map(page)


def codes(ask: Ask, bbox: list[float]) -> set[str]:
    query = (
        "query($b: [Float!]!, $a: String) { assets(where: { bbox: $b }, first: 1000, after: $a)"
        " { nodes { code } pageInfo { hasNextPage endCursor } } }"
    )
    found: set[str] = set()
    after = None
    while True:
        page = ask(query, b=bbox, a=after)["assets"]
        found |= {node["code"] for node in page["nodes"]}
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


def test_kinds_can_be_left_out_and_the_address_keeps_it(browser: Browser, address: str, ask: Ask) -> None:
    with visiting(browser, address) as page:
        wait_for_map(page)
        page.get_by_label("Building").uncheck()
        expect(page.locator(".in-view-said")).not_to_contain_text(f"{ASSETS:,}")
        wait_for_map(page)
        kinds = [box.get_attribute("value") for box in page.locator("input[name=kind]:checked").all()]
        found = counted(page)
        assert found == cells(ask, resolution(next(iter(found))), [kind for kind in kinds if kind])
        assert "BUILDING" not in kinds
        kept = page.url
        assert "kinds=" in kept
        assert "map=" in kept
    with visiting(browser, kept) as page:
        wait_for_map(page)
        assert not page.get_by_label("Building").is_checked()
        assert counted(page) == found
        for kind in kinds:
            page.locator(f"input[value={kind}]").uncheck()
        assert page.inner_text(".in-view-said") == "Choose a kind to see its assets."
        assert counted(page) == {}


def close_to(ask: Ask, kind: str) -> str:
    """The part of an address that looks at an asset of a kind from near by."""
    query = "query($k: [Kind!]) { assets(where: { kinds: $k }, first: 1) { nodes { position { lon lat } } } }"
    position = ask(query, k=[kind])["assets"]["nodes"][0]["position"]
    return f"#map=18/{position['lat']:.6f}/{position['lon']:.6f}"


def place(page: Page, kind: str) -> tuple[str, float, float]:
    """An asset of a kind that the map shows, and where in the window it is."""
    box = page.locator(".map").bounding_box()
    assert box
    found = page.evaluate(
        "async (kind) => { const { map } = document.querySelector('.map');"
        " const { features } = await map.getSource('assets').getData();"
        " const { width, height } = map.getCanvas().getBoundingClientRect();"
        " return features.filter((f) => f.properties.kind === kind && f.geometry.type === 'Point')"
        "   .map((f) => [f.properties.code, map.project(f.geometry.coordinates)])"
        "   .filter(([, { x, y }]) => x > 60 && y > 60 && x < width - 60 && y < height - 60)[0]; }",
        kind,
    )
    return found[0], box["x"] + found[1]["x"], box["y"] + found[1]["y"]


def test_a_click_leads_to_the_asset(browser: Browser, address: str, ask: Ask) -> None:
    with visiting(browser, f"{address}/{close_to(ask, 'STREETLIGHT')}&kinds=streetlight") as page:
        wait_for_map(page)
        code, x, y = place(page, "STREETLIGHT")
        page.mouse.move(x, y)
        assert page.locator(".maplibregl-popup").inner_text() != ""
        page.mouse.click(x, y)
        page.wait_for_url(re.compile(f"/a/{code}"))
        assert code in page.inner_text("h1 + .code")
        page.go_back()
        wait_for_map(page)
        assert place(page, "STREETLIGHT")[0] == code


def test_of_several_in_one_place_one_is_chosen(browser: Browser, address: str, ask: Ask) -> None:
    with visiting(browser, f"{address}/{close_to(ask, 'ELEVATOR')}") as page:
        wait_for_map(page)
        code, x, y = place(page, "ELEVATOR")
        page.mouse.click(x, y)
        choice = page.locator(".maplibregl-popup .links a")
        assert choice.count() >= 2
        page.locator(f".maplibregl-popup a[href='/a/{code}']").click()
        page.wait_for_url(f"**/a/{code}")


def zoom(page: Page) -> float:
    return float(page.evaluate("document.querySelector('.map').map.getZoom()"))


def press(page: Page, key: str) -> None:
    """Press a key that moves the map, and wait until that is shown."""
    page.evaluate("document.querySelector('.map').dataset.state = 'moving'")
    page.keyboard.press(key)
    wait_for_map(page)


def test_a_keyboard_does_as_well(browser: Browser, address: str) -> None:
    with visiting(browser, address) as page:
        wait_for_map(page)
        before = zoom(page)
        page.locator(".map canvas").focus()
        press(page, "Equal")
        assert zoom(page) == pytest.approx(before + 1, abs=0.01)
        for _ in range(4):
            if page.locator("#side .links a").count():
                break
            page.locator("#side .links button").first.focus()
            press(page, "Enter")
        page.locator("#side .links a").first.focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/a/*")


@pytest.mark.parametrize(("lang", "dark"), [("en", False), ("zh", True)])
def test_a_phone_shows_it(browser: Browser, address: str, ask: Ask, lang: str, dark: bool) -> None:
    near = close_to(ask, "STREETLIGHT") + "&kinds=streetlight"
    with visiting(browser, f"{address}/{near}", phone=True, dark=dark, lang=lang) as page:
        wait_for_map(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert texts("zh" if lang == "zh" else "en")["counts"] in page.inner_text(".legend")
        assert colours_in_map(page) > 1
        code, x, y = place(page, "STREETLIGHT")
        page.touchscreen.tap(x, y)
        page.wait_for_url(f"**/a/{code}")


def colours_in_map(page: Page) -> int:
    """How many colours the map's own pixels have."""
    return int(
        page.evaluate(
            "() => new Promise((resolve) => { const { map } = document.querySelector('.map');"
            " map.once('render', () => { const gl = map.getCanvas().getContext('webgl2');"
            "   const { drawingBufferWidth: w, drawingBufferHeight: h } = gl;"
            "   const pixels = new Uint8Array(4 * w * h);"
            "   gl.readPixels(0, 0, w, h, gl.RGBA, gl.UNSIGNED_BYTE, pixels);"
            "   resolve(new Set(new Uint32Array(pixels.buffer)).size); }); map.triggerRepaint(); })"
        )
    )


def test_a_network_that_fails_is_told_and_tried_again(browser: Browser, address: str) -> None:
    with visiting(browser, address, complaints_expected=True) as page:
        wait_for_map(page)
        page.route("**/graphql", lambda route: route.abort())
        page.get_by_label("Road").uncheck()
        wait_for_map(page, "failed")
        assert "could not be loaded" in page.inner_text(".map-note")
        page.unroute("**/graphql")
        page.get_by_role("button", name="Try again").click()
        wait_for_map(page)
        assert not page.locator(".map-note").inner_text()


def test_without_scripts_the_counts_stand_there(browser: Browser, address: str) -> None:
    with visiting(browser, address, scripts=False) as page:
        assert "Building" in page.inner_text("noscript dl")
        assert not page.locator(".map").is_visible()
        assert page.get_by_label("Code on the plate").is_visible()


def test_an_empty_registry_says_how_to_load(browser: Browser, new_database: Callable[[], str]) -> None:
    with serving(new_database()) as (empty, _), visiting(browser, empty, lang="zh") as page:
        assert "尚未导入任何资产" in page.inner_text("main")
        assert page.locator(".map").count() == 0
