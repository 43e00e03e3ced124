"""How a client asks and what it raises: what follows the imports is written into every client as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

Result = TypeVar("Result")
_TIMEOUT = httpx.Timeout(60)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that went wrong: a stable ``code``, and what happened in English and Chinese.

    ``member`` is the argument at fault, ``path`` the place in the answer that is missing for it.
    """

    code: str
    en: str
    zh: str
    member: str | None = None
    path: tuple[str | int, ...] = ()


class ApiError(Exception):
    """An operation that was not answered, or not wholly. The first of its ``problems`` tells why.

    ``data`` is what the server has answered all the same, as JSON has it. Codes that begin with ``client.``
    are the client's own: ``client.unreachable`` when there is no answer, ``client.answer`` when it is none of
    a GraphQL server, ``client.schema`` when it does not fit the schema that the client was made from.
    """

    def __init__(self, problems: list[Problem], data: dict[str, Any] | None = None) -> None:
        self.problems = problems
        self.data = data
        super().__init__(f"{self.en} [{self.code}]")

    @property
    def code(self) -> str:
        """The stable code of the first problem."""
        return self.problems[0].code

    @property
    def en(self) -> str:
        """The first problem in English."""
        return self.problems[0].en

    @property
    def zh(self) -> str:
        """The first problem in Chinese."""
        return self.problems[0].zh

    @property
    def member(self) -> str | None:
        """The argument at fault."""
        return self.problems[0].member


def _unreachable(url: object, problem: Exception) -> ApiError:
    said = str(problem) or type(problem).__name__
    return ApiError(
        [
            Problem(
                code="client.unreachable",
                en=f"{url} does not answer: {said}. Look whether the server runs, and try again.",
                zh=f"{url} 没有应答：{said}。请检查服务是否运行后重试。",
            )
        ]
    )


def _no_answer(url: object, status: int) -> ApiError:
    return ApiError(
        [
            Problem(
                code="client.answer",
                en=f"{url} answered with status {status} and no GraphQL. Look whether the address is right.",
                zh=f"{url} 返回状态 {status}，且不是 GraphQL 应答。请检查地址。",
            )
        ]
    )


def _other_schema(problem: ValidationError, data: dict[str, Any]) -> ApiError:
    first = problem.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return ApiError(
        [
            Problem(
                code="client.schema",
                en=f"{place} is not as the schema said ({first['msg']}). Make the client anew.",
                zh=f"{place} 与模式不符（{first['msg']}）。请用 twin client 重新生成客户端。",
            )
        ],
        data,
    )


def _problem(error: Any) -> Problem:
    """An error of an answer."""
    extensions = error.get("extensions") or {}
    return Problem(
        code=extensions.get("code", "graphql"),
        en=error["message"],
        zh=extensions.get("zh", error["message"]),
        member=extensions.get("member"),
        path=tuple(error.get("path") or ()),
    )


def _asked(document: str, name: str, variables: Mapping[str, object]) -> bytes:
    """The body of a request; variables that are None are left out."""
    given = {key: value for key, value in variables.items() if value is not None}
    return to_json({"query": document, "operationName": name, "variables": given})


@cache
def _reader(result: Any) -> TypeAdapter[Any]:
    return TypeAdapter(result)


def _answered(response: httpx.Response, result: type[Result]) -> Result:
    """What the server has answered. Raises ``ApiError``."""
    try:
        answer = response.json()
        problems = [_problem(error) for error in answer.get("errors") or ()]
        data: dict[str, Any] | None = answer.get("data")
    except (ValueError, AttributeError, KeyError, TypeError):
        raise _no_answer(response.url, response.status_code) from None
    if problems:
        raise ApiError(problems, data)
    if data is None:
        raise _no_answer(response.url, response.status_code)
    of_type: Any = result
    try:
        found: Result = _reader(of_type).validate_python(data)
    except ValidationError as problem:
        raise _other_schema(problem, data) from None
    return found


def _by_type(names: Mapping[str, str], other: str) -> Callable[[Any], str]:
    """Tells by an object's type which class stands for it; types that are new are as ``other``."""

    def name(value: Any) -> str:
        if isinstance(value, Mapping):
            return names.get(value.get("__typename", ""), other)
        return type(value).__name__

    return name


_HEADERS = {"content-type": "application/json", "accept": "application/json"}


class _Client:
    """Asks the server at ``url``, and waits for its answers. Methods raise ``ApiError``.

    ``http`` may be a client of httpx with headers, certificates and limits of one's own.
    """

    def __init__(self, url: str, http: httpx.Client | None = None) -> None:
        self.url = url
        self._http = httpx.Client(timeout=_TIMEOUT) if http is None else http

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _ask(self, document: str, name: str, result: type[Result], variables: Mapping[str, object]) -> Result:
        """The answer to an operation."""
        try:
            response = self._http.post(self.url, content=_asked(document, name, variables), headers=_HEADERS)
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            raise _unreachable(self.url, problem) from problem
        return _answered(response, result)


class _AsyncClient:
    """Asks the server at ``url`` for programs that do other things meanwhile. Methods raise ``ApiError``.

    ``http`` may be a client of httpx with headers, certificates and limits of one's own.
    """

    def __init__(self, url: str, http: httpx.AsyncClient | None = None) -> None:
        self.url = url
        self._http = httpx.AsyncClient(timeout=_TIMEOUT) if http is None else http

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _ask(
        self, document: str, name: str, result: type[Result], variables: Mapping[str, object]
    ) -> Result:
        """The answer to an operation."""
        try:
            response = await self._http.post(
                self.url, content=_asked(document, name, variables), headers=_HEADERS
            )
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            raise _unreachable(self.url, problem) from problem
        return _answered(response, result)
