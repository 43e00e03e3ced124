"""Pages speak the language that the address, else the browser asks for; every text is there in both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.requests import Request

from twin.errors import Language
from twin.web.language import chosen, language_of, preferred
from twin.web.texts import texts

WEB = Path(__file__).parents[2] / "twin" / "web"
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def request(query: str = "", accept: str = "") -> Request:
    headers = [(b"accept-language", accept.encode())]
    return Request({"type": "http", "query_string": query.encode(), "headers": headers})


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("fi-FI,fi;q=0.9,zh-TW;q=0.5,en;q=0.4", "zh"),
        ("zh;q=0.2, en;q=0.7", "en"),
        ("zh;q=0, fi", "en"),
        ("*", "en"),
        ("zh;q=much,,;", "en"),
        ("ZH-hans", "zh"),
    ],
)
def test_the_browser_s_preference_decides(header: str, expected: Language) -> None:
    assert preferred(header) == expected


def test_the_address_goes_before_the_browser() -> None:
    assert language_of(request("lang=en", "zh-CN")) == "en"
    assert language_of(request("lang=fi", "zh-CN")) == "zh"
    assert chosen(request("lang=zh")) == "zh"
    assert chosen(request("", "zh-CN")) is None


def test_every_text_exists_in_both_languages_and_is_used() -> None:
    english, chinese = texts("en"), texts("zh")
    other = {"html_lang", "other_language", "comma", "colon"}
    assert english.keys() == chinese.keys()
    assert [name for name, text in english.items() if CHINESE.search(text)] == ["other_language"]
    assert [name for name, text in chinese.items() if name not in other and not CHINESE.search(text)] == []
    sources = [*WEB.rglob("*.py"), *WEB.rglob("*.html"), *(WEB.parent / "cli").glob("*.py")]
    used = "".join(file.read_text(encoding="utf-8") for file in sources if file.name != "texts.py")
    assert [name for name in english if not re.search(rf"\b{name}\b", used)] == []


def test_both_languages_have_the_same_blanks() -> None:
    blanks = re.compile(r"\{\w+\}")
    for name, text in texts("en").items():
        assert set(blanks.findall(text)) == set(blanks.findall(texts("zh")[name])), name
