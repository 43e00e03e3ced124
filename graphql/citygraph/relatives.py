"""The children of an asset, out of the row that its statement answered with."""

from __future__ import annotations

from typing import Any

from strawberry import Info

from citygraph.connections import Connection
from twin.registry.query.fields import nested_page
from twin.registry.query.names import alias_label
from twin.registry.query.pages import page_of_children


def children(
    root: Any, info: Info, where: Any = None, first: int | None = None, after: str | None = None
) -> Connection:
    """The page of children that was asked for under the field's alias."""
    found = root[alias_label("children", str(info.path.key))]
    return Connection(page_of_children(found, nested_page(where, first, after)))
