"""Debian's Chromium, headless, through Playwright: pages as a person sees them, on a desk or a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
]
"""WebGL, which maps are drawn with, needs a renderer in software where there is no graphics card."""
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
PATIENCE = 20_000
"""Milliseconds to wait for what a page should do at once: the machine may be busy."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium, until the end of the block; not within a running asyncio loop."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "Chromium is a system package of the set-up"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield started
        started.close()


@contextmanager
def visiting(
    browser: Browser,
    address: str,
    *,
    phone: bool = False,
    dark: bool = False,
    lang: str = "en",
    scripts: bool = True,
    complaints_expected: bool = False,
) -> Iterator[Page]:
    """The page at ``address``. In the end its console must hold no error, and no other host been asked."""
    context = browser.new_context(
        viewport=PHONE if phone else DESK,  # type: ignore[arg-type]
        is_mobile=phone,
        has_touch=phone,
        color_scheme="dark" if dark else "light",
        locale="zh-CN" if lang == "zh" else "en-GB",
        java_script_enabled=scripts,
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    complaints, elsewhere = _watch(page, urlsplit(address).netloc)
    try:
        page.goto(address)
        yield page
        assert complaints_expected or complaints == []
        assert elsewhere == []
    finally:
        context.close()


def wait_for_map(page: Page, state: str = "ready", selector: str = ".map") -> None:
    """Wait until the map shows all that it has fetched."""
    page.wait_for_selector(f"{selector}[data-state={state}]", state="attached")


def _watch(page: Page, host: str) -> tuple[list[str], list[str]]:
    complaints: list[str] = []
    elsewhere: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(message.text)

    def asked(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and parts.netloc != host:
            elsewhere.append(request.url)

    page.on("console", heard)
    page.on("pageerror", lambda problem: complaints.append(str(problem)))
    page.on("request", asked)
    return complaints, elsewhere
