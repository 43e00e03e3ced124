"""Helsinki on the first page: what ``make demo CITY=`` shows, and its pictures (``make picture``)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
from browser import Browser, Page, visiting, wait_for_map
from commands import twin
from serving import serving

LARGEST = 300_000
"""Bytes of a picture in a README."""
STATION = "16.2/60.1712/24.9414"
"""Zoom, latitude and longitude of the railway station."""
WITHIN = (24.92, 60.15, 24.97, 60.19)
"""West, south, east, north of a box around the extract's own, in degrees."""


def require_credit(page: Page) -> None:
    """The map names whom its data are from, within what the picture shows."""
    credit = page.locator(".map .maplibregl-ctrl-attrib")
    box, size = credit.bounding_box(), page.viewport_size
    assert "© OpenStreetMap contributors" in credit.inner_text()
    assert box and size
    assert box["x"] >= 0 and box["x"] + box["width"] <= size["width"]
    assert box["y"] >= 0 and box["y"] + box["height"] <= size["height"]


def test_helsinki_is_drawn_whole(
    browser: Browser, new_database: Callable[[], str], real_data: Path, tmp_path: Path
) -> None:
    url = new_database()
    loaded = twin(url, "load", str(real_data / "helsinki" / "Helsinki.osm.pbf"))
    assert loaded.returncode in {0, 1}, loaded.stderr
    with serving(url) as (address, _):
        query = "{ registry { extent } groups(by: KIND) { count } cells(resolution: 0) { count } }"
        data = httpx.post(f"{address}/graphql", json={"query": query}, timeout=30).json()["data"]
        west, south, east, north = data["registry"]["extent"]
        assert WITHIN[0] < west < east < WITHIN[2]
        assert WITHIN[1] < south < north < WITHIN[3]
        with visiting(browser, address) as page:
            wait_for_map(page)
            placed = sum(cell["count"] for cell in data["cells"])
            assert page.inner_text(".in-view-said").startswith(f"{placed:,} assets in")
            require_credit(page)
            page.screenshot(path=tmp_path / "map-helsinki.png")
        with visiting(browser, f"{address}/#map={STATION}") as page:
            wait_for_map(page)
            assert "Helsingin päärautatieasema" in page.inner_text("#side")
            require_credit(page)
            page.screenshot(path=tmp_path / "map-helsinki-assets.png")
    for picture in tmp_path.glob("*.png"):
        assert 20_000 < picture.stat().st_size < LARGEST
        if folder := os.environ.get("TWIN_PICTURES"):
            shutil.copy(picture, folder)
