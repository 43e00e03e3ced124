"""What resolvers work with: the way to the database, and the limits of one answer."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from graphql.pyutils import Path
from strawberry.fastapi import BaseContext

from twin.registry.query import sql
from twin.registry.query.pipelined import Pipelined
from twin.registry.query.sql import Connections, Posed, Question
from twin.settings import ApiSettings

Answer = TypeVar("Answer")


class Context(BaseContext):
    """The context of one operation."""

    def __init__(self, connections: Connections, max_page: int | None = None) -> None:
        super().__init__()
        self.connections = connections
        self.max_page = ApiSettings.read().max_page if max_page is None else max_page
        self._told: dict[str, dict[str, str]] = {}

    def pipeline(self) -> None:
        """From now on, questions that are asked in one turn of the event loop share a connection."""
        if not isinstance(self.connections, Pipelined):
            self.connections = Pipelined(self.connections)

    def told(self, what: str, path: Path, value: str) -> None:
        """Have the answer's extensions say something of the field at a path."""
        self._told.setdefault(what, {})[".".join(map(str, path.as_list()))] = value

    @property
    def extensions(self) -> dict[str, dict[str, str]]:
        """What the answer says beside its data: by what it is about and the fields' paths, in their order."""
        if not self._told:
            return {}
        return {what: dict(sorted(fields.items())) for what, fields in sorted(self._told.items())}

    async def ask(self, question: Question[Answer]) -> Answer:
        """The answer to one question, on a connection that is lent for it."""
        return await self.send(sql.posed(question))

    def send(self, posed: Posed[Answer]) -> Awaitable[Answer]:
        """The same of a question that was made before."""
        return sql.ask(self.connections, posed)
