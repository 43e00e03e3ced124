"""The children of an asset, out of the row that its statement answered with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from citygraph.connections import Connection
from twin.registry.query.fields import nested_page
from twin.registry.query.names import argument_label
from twin.registry.query.pages import page_of_children

Row = Mapping[str, Any]
OfRow = Callable[[Row], Any]


def children_of(where: Any = None, first: int | None = None, after: str | None = None) -> OfRow:
    """Finds in a row the page of children that was asked for by these arguments. Raises what they raise."""
    label = argument_label("children", {"where": where, "first": first, "after": after})
    wanted = nested_page(where, first, after)
    return lambda row: Connection(page_of_children(row[label], wanted))


def children(root: Any, where: Any = None, first: int | None = None, after: str | None = None) -> Connection:
    """The page of children that was asked for by these arguments."""
    found: Connection = children_of(where, first, after)(root)
    return found


OF_ROWS: Mapping[Callable[..., Any], Callable[..., OfRow]] = {children: children_of}
"""What makes, of a resolver's arguments, a function that is called for each row."""
