"""Pages of assets as Relay connections."""

from __future__ import annotations

from typing import Any

from twin.registry.query.pages import Page


def connection(page: Page) -> dict[str, Any]:
    """A page as the connection that GraphQL answers with."""
    return {
        "edges": [
            {"cursor": cursor, "node": row} for cursor, row in zip(page.cursors, page.rows, strict=True)
        ],
        "nodes": page.rows,
        "pageInfo": {
            "hasNextPage": page.has_next,
            "hasPreviousPage": page.has_previous,
            "startCursor": page.cursors[0] if page.cursors else None,
            "endCursor": page.cursors[-1] if page.cursors else None,
        },
        "totalCount": page.total,
    }
