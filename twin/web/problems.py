"""Errors as HTTP: one table from an error's code to its status, and the page that says it in words."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import psycopg
from fastapi import FastAPI, Request
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

from twin.errors import TwinError
from twin.web.language import language_of
from twin.web.rendering import page
from twin.web.telemetry import pattern
from twin.web.texts import texts

log = logging.getLogger(__name__)

# An error's code, or its first part: the longer one decides.
STATUS: dict[str, int] = {
    "asset": 400,
    "asset.unknown": 404,
    "code": 404,
    "code.split": 300,
    "cursor": 400,
    "database": 503,
    "division": 404,
    "groups": 400,
    "identifier": 404,
    "input": 400,
    "kind": 404,
    "loads": 403,
    "metrics": 403,
    "page": 400,
    "page.unknown": 404,
    "query.timeout": 503,
    "report": 400,
    "report.timeout": 503,
    "report.unknown": 404,
    "upload": 400,
    "upload.disk_low": 507,
    "upload.no_room": 507,
    "upload.settled": 409,
    "upload.spool_full": 507,
    "upload.too_large": 413,
    "upload.undo_settled": 409,
    "upload.unknown": 404,
}


def http_status(code: str) -> int:
    """The HTTP status for an error; 500 for what is nobody's input."""
    return STATUS.get(code, STATUS.get(code.partition(".")[0], 500))


class UnknownPage(TwinError):
    """There is nothing at that address."""

    code = "page.unknown"
    en = "There is nothing at {path}."
    zh = "{path} 处没有内容。"


class RegistryDown(TwinError):
    """The database does not answer."""

    code = "database.down"
    en = "The registry's database does not answer at the moment."
    zh = "登记库的数据库目前没有响应。"


class PageFailed(TwinError):
    """An error of ours."""

    code = "error"
    en = "The page could not be made. This is our fault, not yours."
    zh = "页面未能生成。这是系统的问题，不是您的操作造成的。"


@dataclass(frozen=True, slots=True)
class _Manner:
    """How a page puts a problem: the names of its title and advice, and whether it offers to search."""

    title: str
    advice: str
    search: bool = False


_MANNERS = {
    "asset.unknown": _Manner("not_found_title", "not_found_advice", search=True),
    "code": _Manner("not_a_code_title", "not_a_code_advice", search=True),
    "code.split": _Manner("split_title", "split_advice", search=True),
    "page.unknown": _Manner("no_page_title", "no_page_advice", search=True),
    "report.unknown": _Manner("no_page_title", "reports_advice"),
    "database": _Manner("down_title", "down_advice"),
    "query.timeout": _Manner("down_title", "down_advice"),
    "loads": _Manner("loads_refused_title", "loads_refused_advice"),
    "upload": _Manner("upload_refused_title", "loads_refused_advice"),
    "upload.undo_settled": _Manner("loads_refused_title", "loads_refused_advice"),
    "upload.unknown": _Manner("no_page_title", "loads_refused_advice"),
    "error": _Manner("failed_title", "failed_advice"),
}
_FORM = _Manner("refused_title", "form_advice")
_REFUSED = _Manner("refused_title", "no_page_advice", search=True)


def problem_page(
    request: Request,
    problem: TwinError,
    status: int | None = None,
    *,
    message: str | None = None,
    back: str | None = None,
) -> Response:
    """The page that says ``problem`` in words, or in those of ``message``, and what to do about it.

    ``back`` is the address of the form that asked for what cannot be shown.
    """
    known = _MANNERS.get(problem.code) or _MANNERS.get(problem.code.partition(".")[0]) or _REFUSED
    manner = known if back is None else _FORM
    lang = language_of(request)
    say = texts(lang)
    return page(
        request,
        "problem.html",
        status=status or http_status(problem.code),
        title=say[manner.title],
        message=message or problem.text(lang),
        advice=say[manner.advice],
        offer_search=manner.search,
        back=back,
        searched=problem.details.get("value"),
        error_code=problem.code,
        request_id=request.state.request_id,
    )


def register(app: FastAPI) -> None:
    """Answer every error of ``app`` with a page."""
    app.add_exception_handler(TwinError, _known)
    app.add_exception_handler(psycopg.OperationalError, _down)
    app.add_exception_handler(PoolTimeout, _down)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _failed)


async def _known(request: Request, problem: Exception) -> Response:
    known = problem if isinstance(problem, TwinError) else PageFailed()
    return problem_page(request, known)


async def _down(request: Request, problem: Exception) -> Response:
    log.warning("the database does not answer: %s", problem)
    answer = problem_page(request, RegistryDown())
    answer.headers["Retry-After"] = "10"
    return answer


async def _refused(request: Request, problem: Exception) -> Response:
    status = problem.status_code if isinstance(problem, HTTPException) else 500
    return problem_page(request, UnknownPage(path=request.url.path), status)


async def _failed(request: Request, problem: Exception) -> Response:
    """The server logs the trace."""
    facts = {"request_id": request.state.request_id, "route": pattern(request.scope)}
    log.error("%s failed", request.method, extra={"facts": facts})
    return problem_page(request, PageFailed())
