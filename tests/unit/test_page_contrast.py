"""Pages can be read in sun and rain: every colour of text against its ground, by day and by night."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SHEET = (Path(__file__).parents[2] / "twin" / "web" / "static" / "twin.css").read_text(encoding="utf-8")
THEMES = dict(zip(("light", "dark"), re.findall(r":root \{(.*?)\}", SHEET, re.DOTALL), strict=True))
ENHANCED = 7.0
"""WCAG 2.2, 1.4.6: contrast (enhanced)."""
GRAPHICAL = 3.0


def colours(theme: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", THEMES[theme]))


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", list(THEMES))
@pytest.mark.parametrize("ground", ["paper", "panel"])
@pytest.mark.parametrize("text", ["ink", "quiet", "link", "good", "warn", "bad"])
def test_text_stands_out(theme: str, ground: str, text: str) -> None:
    known = colours(theme)
    assert contrast(known[text], known[ground]) >= ENHANCED


@pytest.mark.parametrize("theme", list(THEMES))
def test_colours_of_the_map_stand_out(theme: str) -> None:
    """WCAG 2.2, 1.4.11: what is drawn, 3 to 1 against its ground."""
    known = colours(theme)
    drawn = [name for name in known if name.startswith(("kind-", "pipe-", "class-"))]
    assert len(drawn) == 21
    for ground in ("paper", "ground"):
        faint = [name for name in drawn if contrast(known[name], known[ground]) < GRAPHICAL]
        assert faint == []


def test_contrast_is_measured_as_the_standard_has_it() -> None:
    assert contrast("#fff", "#000") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
