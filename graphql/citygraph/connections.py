"""Pages of assets as Relay connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from twin.registry.query.pages import Page


@dataclass(slots=True)
class Connection(Mapping[str, Any]):
    """A page as the connection that GraphQL answers with, each part made when it is asked for."""

    page: Page

    def __getitem__(self, name: str) -> Any:
        return _PARTS[name](self.page)

    def __iter__(self) -> Iterator[str]:
        return iter(_PARTS)

    def __len__(self) -> int:
        return len(_PARTS)


def _edges(page: Page) -> list[dict[str, Any]]:
    return [{"cursor": page.part.cursor(row), "node": row} for row in page.rows]


def _page_info(page: Page) -> dict[str, Any]:
    rows, cursor = page.rows, page.part.cursor
    return {
        "hasNextPage": page.has_next,
        "hasPreviousPage": page.has_previous,
        "startCursor": cursor(rows[0]) if rows else None,
        "endCursor": cursor(rows[-1]) if rows else None,
    }


_PARTS: Mapping[str, Callable[[Page], Any]] = {
    "edges": _edges,
    "nodes": lambda page: page.rows,
    "pageInfo": _page_info,
    "totalCount": lambda page: page.total,
}
