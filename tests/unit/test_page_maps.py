"""Pages with a map: what they may do, and what they say where the map was not built."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from starlette.requests import Request

from twin.kinds import all_kinds
from twin.web import legend, maps
from twin.web.rendering import page

GROUPS = [{"key": "PIPELINE", "count": 1_234}, {"key": "ROAD", "count": 5}]


@pytest.fixture
def not_built(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(maps, "BUILT", "static/nowhere")
    maps.bundle.cache_clear()
    yield
    maps.bundle.cache_clear()


def start_page(lang: str) -> str:
    scope = {"type": "http", "path": "/", "query_string": f"lang={lang}".encode(), "headers": []}
    request = Request(scope | {"server": ("twin", 80), "scheme": "http"})
    kinds = legend.kind_entries(GROUPS, "en")
    answer = page(
        request,
        "start.html",
        with_map=True,
        layout="wide",
        kinds=kinds,
        networks=legend.network_entries(kinds, "en"),
        extent=[121, 31, 122, 32],
        credits="",
        searched=None,
    )
    return bytes(answer.body).decode()


@pytest.mark.usefixtures("not_built")
def test_a_map_that_was_not_built_is_told() -> None:
    assert maps.bundle() is None
    for lang, words in (("en", "`make setup` builds it"), ("zh", "运行 `make setup` 即可构建")):
        text = start_page(lang)
        assert words in text
        assert "<dt>Pipeline</dt><dd>1,234</dd>" in text
        assert '<form action="/a"' in text
        assert "<script" not in text
        assert 'class="map"' not in text


def test_a_basemap_is_the_only_other_server(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = maps.policy()
    assert "http" not in ours
    assert "unsafe" not in ours
    monkeypatch.setenv("TWIN_MAP_STYLE", "https://tiles.example/{z}/{x}/{y}.png?key=1")
    assert re.findall(r"https?:[^ ;]+", maps.policy()) == ["https://tiles.example"] * 2
    monkeypatch.setenv("TWIN_MAP_STYLE", "/static/style.json")
    assert maps.policy() == ours


def test_every_medium_has_one_colour_at_most() -> None:
    media = [medium for name, more in legend.NETWORKS.items() for medium in (name, *more)]
    attribute = all_kinds()["pipeline"].attribute("medium")
    assert attribute is not None
    assert len(media) == len(set(media))
    assert {choice.value for choice in attribute.choices} - set(media) == {"utility_tunnel", "unknown"}


def test_kinds_differ_in_colour_as_long_as_colours_last() -> None:
    groups = [{"key": name.upper(), "count": 1} for name in all_kinds()]
    colours = [entry.colour for entry in legend.kind_entries(groups, "zh")]
    assert len(set(colours)) == min(len(colours), legend.COLOURS)
