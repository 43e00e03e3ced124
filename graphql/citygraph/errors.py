"""Errors as GraphQL answers hold them: ``extensions.code`` is stable, ``extensions.zh`` says it in Chinese.

No answer ever holds a stack trace. What nobody foresaw becomes ``internal`` with an id that the log has too.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable

import psycopg
from graphql import GraphQLError, GraphQLSyntaxError
from psycopg_pool import PoolTimeout

from twin.errors import TwinError

log = logging.getLogger("citygraph")


class NameTaken(TwinError):
    """A kind whose attribute cannot have its name in GraphQL."""

    code = "kind.name_taken"
    en = "Kind {kind}: an attribute may not be called {name}, which is taken in GraphQL. Rename it."
    zh = "种类 {kind}：属性名 {name} 在 GraphQL 中另有含义，请改名。"


class Internal(TwinError):
    """Something nobody foresaw."""

    code = "internal"
    en = "Something went wrong on our side. The log tells more under {id}."
    zh = "服务内部出错。日志中编号 {id} 有详细信息。"


class DatabaseAway(TwinError):
    """The database does not answer now."""

    code = "database.down"
    en = "The database cannot be reached at the moment. Try again."
    zh = "暂时无法连接数据库，请稍后重试。"


class Refused(TwinError):
    """A document that GraphQL itself finds fault with; graphql-core says it in English only."""

    en = "{message}"

    def __init__(self, message: str) -> None:
        super().__init__(message=message)


class SyntaxRefused(Refused):
    """A document that is not GraphQL."""

    code = "graphql.syntax"
    zh = "GraphQL 语法有误：{message}"


class ValidationRefused(Refused):
    """A document that does not fit the schema, or a variable that does not fit the document."""

    code = "graphql.validation"
    zh = "GraphQL 文档或变量不符合模式：{message}"


class ValueRefused(Refused):
    """A recorded value that does not fit its type."""

    code = "graphql.value"
    zh = "记录的值与类型不符：{message}"


class RequestRefused(Refused):
    """A request that holds no document."""

    code = "graphql.request"
    zh = "请求无法识别：{message}"


def stable(error: GraphQLError) -> GraphQLError:
    """The error as answers hold it: words, place, path and a stable code."""
    cause = reason(error)
    extensions: dict[str, object] = {"code": cause.code, "zh": cause.text("zh")}
    if "path" in cause.details:
        extensions["member"] = cause.details["path"]
    return GraphQLError(
        cause.text("en"),
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        original_error=cause,
        extensions=extensions,
    )


def codes(errors: Iterable[GraphQLError]) -> list[str]:
    """The codes of errors as answers hold them."""
    return [str((error.extensions or {}).get("code")) for error in errors]


def reason(error: GraphQLError) -> TwinError:
    """What was wrong."""
    original: BaseException | None = error.original_error
    while isinstance(original, GraphQLError) and original.original_error is not None:
        original = original.original_error
    if isinstance(original, TwinError):
        return original
    if isinstance(original, psycopg.OperationalError | PoolTimeout):
        log.warning("database: %s", original)
        return DatabaseAway()
    if isinstance(error, GraphQLSyntaxError):
        return SyntaxRefused(error.message)
    if original is None or isinstance(original, GraphQLError):
        return ValidationRefused(error.message) if error.path is None else ValueRefused(error.message)
    return _internal(original)


def _internal(original: BaseException) -> TwinError:
    number = secrets.token_hex(4)
    log.error("internal error %s", number, exc_info=original)
    return Internal(id=number)
