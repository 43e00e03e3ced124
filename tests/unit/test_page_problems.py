"""One table from error codes to HTTP statuses, and headers on every answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from psycopg_pool import PoolTimeout
from starlette.responses import HTMLResponse, Response

from twin.errors import TwinError
from twin.identity.errors import CodeCheckDigit
from twin.registry.query.errors import CodeSplit, InputBox
from twin.web import problems
from twin.web.identity_file import UnknownAsset
from twin.web.middleware import CommonHeaders
from twin.web.problems import http_status
from twin.web.telemetry import ObservedRequests


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("asset.unknown", 404),
        ("code.checkdigit", 404),
        ("code.malformed", 404),
        ("code.split", 300),
        ("cursor.mismatch", 400),
        ("input.bbox", 400),
        ("database.down", 503),
        ("database.migration_mismatch", 503),
        ("query.timeout", 503),
        ("error", 500),
        ("what.ever", 500),
    ],
)
def test_a_status_for_every_error(code: str, status: int) -> None:
    assert http_status(code) == status


def answering(problem: Exception) -> Callable[[], Awaitable[Response]]:
    async def answer() -> Response:
        raise problem

    return answer


def get(problem: Exception | None, path: str = "/it", **headers: str) -> httpx.Response:
    """What an application answers whose page ``/it`` fails, or does not."""
    app = FastAPI()
    problems.register(app)
    if problem is not None:
        app.add_api_route("/it", answering(problem))
    else:
        app.add_api_route("/it", lambda: HTMLResponse("well", headers={"Content-Security-Policy": "own"}))

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(
            ObservedRequests(CommonHeaders(app), outlets=()), raise_app_exceptions=False
        )
        async with httpx.AsyncClient(transport=transport, base_url="http://twin", headers=headers) as client:
            return await client.get(path)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("problem", "status", "words"),
    [
        (UnknownAsset(value="310115-0118-000042-1"), 404, "report the plate"),
        (CodeCheckDigit(value="310115-0118-000042-2"), 404, "a character was misread"),
        (CodeSplit(value="a", successors="b, c"), 300, "successors are b, c"),
        (InputBox(path="where.bbox"), 400, "west, south, east, north"),
        (psycopg.OperationalError("password=secret"), 503, "Try again in a minute"),
        (PoolTimeout("none"), 503, "Try again in a minute"),
        (ZeroDivisionError("secret"), 500, "our fault"),
    ],
)
def test_problems_are_pages_in_words(problem: Exception, status: int, words: str) -> None:
    answer = get(problem)
    assert answer.status_code == status
    assert words in answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"] in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_problems_are_told_in_chinese_too() -> None:
    answer = get(CodeCheckDigit(value="310115-0118-000042-2"), **{"Accept-Language": "zh-CN"})
    assert '<html lang="zh-Hans">' in answer.text
    assert "校验码不符" in answer.text


def test_what_people_wrote_is_escaped() -> None:
    answer = get(UnknownAsset(value='<script>"x"</script>'))
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_another_address_is_no_page() -> None:
    answer = get(None, "/nowhere")
    assert answer.status_code == 404
    assert "/nowhere" in answer.text


def test_an_answer_keeps_headers_of_its_own() -> None:
    answer = get(None)
    assert answer.headers["content-security-policy"] == "own"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_caller_s_request_id_goes_on_if_it_is_a_safe_one() -> None:
    assert get(None, **{"X-Request-ID": "plate-42"}).headers["x-request-id"] == "plate-42"
    for unsafe in ("a b", "x" * 65, "<b>"):
        given = get(None, **{"X-Request-ID": unsafe}).headers["x-request-id"]
        assert re.fullmatch("[0-9a-f]{32}", given)


def test_every_problem_has_both_languages() -> None:
    for known in (problems.UnknownPage, problems.RegistryDown, problems.PageFailed, UnknownAsset):
        assert issubclass(known, TwinError)
        assert known.en != known.zh
