"""The children of an asset, out of the row that its statement answered with."""

from __future__ import annotations

from typing import Any

from citygraph.connections import Connection
from twin.registry.query.fields import nested_page
from twin.registry.query.names import argument_label
from twin.registry.query.pages import page_of_children


def children(root: Any, where: Any = None, first: int | None = None, after: str | None = None) -> Connection:
    """The page of children that was asked for by these arguments."""
    found = root[argument_label("children", {"where": where, "first": first, "after": after})]
    return Connection(page_of_children(found, nested_page(where, first, after)))
