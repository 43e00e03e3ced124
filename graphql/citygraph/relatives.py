"""The children of an asset, out of what its statement answered with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from citygraph.connections import Connection
from twin.registry.query.fields import nested_page
from twin.registry.query.names import argument_label
from twin.registry.query.pages import Page, part_of_children


def children_of(
    where: Any = None, first: int | None = None, after: str | None = None
) -> Callable[[Any], Connection]:
    """Makes, of what a row has, the page of children that was asked for by these arguments.

    Raises what they raise.
    """
    part = part_of_children(nested_page(where, first, after))
    none = Connection(Page([], part))

    def connection(found: Any) -> Connection:
        if type(found) is list:
            return Connection(Page(found, part)) if found else none
        return Connection(Page(found["rows"], part, found["total"]))

    return connection


def children(root: Any, where: Any = None, first: int | None = None, after: str | None = None) -> Connection:
    """The page of children that was asked for by these arguments."""
    label = argument_label("children", {"where": where, "first": first, "after": after})
    return children_of(where, first, after)(root[label])
