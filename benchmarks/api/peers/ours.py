"""``twin serve`` as a user runs it: by its planner, or by the executor that the planner leaves things to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from benchmarks.api.answers import asset, cell_count
from benchmarks.api.peers import Peer, Request, free_port, graphql, serving
from benchmarks.api.questions import Arguments
from benchmarks.lab import TWIN, Lab
from twin.kinds import kind
from twin.registry.query.inputs import Given
from twin.registry.query.ordering import order, where_hash, write_cursor

_LAMP = "code kind name status installed position { lon lat } geometry cell sourceKey updated power lamp"
_PAGE = "pageInfo { hasNextPage endCursor }"
DOCUMENTS = {
    "lookup": """query ($code: String!) { asset(code: $code) {
        code kind name address status installed division { code name } position { lon lat }
        cell sourceKey updated ... on Streetlight { power lamp } } }""",
    "list100": f"""query ($first: Int!, $after: String) {{
        streetlights(first: $first, after: $after) {{ nodes {{ {_LAMP} }} {_PAGE} }} }}""",
    "list1000": f"""query ($first: Int!, $after: String) {{
        streetlights(first: $first, after: $after) {{ nodes {{ {_LAMP} }} {_PAGE} }} }}""",
    "nested50": f"""query ($first: Int!, $after: String) {{
        buildings(first: $first, after: $after) {{
            nodes {{ code name status installed height levels
                children(first: 20, where: {{ kinds: [ELEVATOR] }}) {{ nodes {{
                    code status installed ... on Elevator {{ category floors ratedLoad }} }} }} }}
            {_PAGE} }} }}""",
    "nearest20": """query ($position: PositionInput!, $first: Int!) {
        nearest(position: $position, first: $first, where: { kinds: [STREETLIGHT] }) {
            distance asset { code kind name position { lon lat } } } }""",
    "cells500": """query ($resolution: Int!, $within: [Cell!]!) {
        cells(resolution: $resolution, where: { cells: { cells: $within } }) { cell count } }""",
}
_KINDS = {"nested50": "building"}
# A type that the planner leaves to Strawberry's router.
EXECUTOR = {"Accept": "application/graphql-response+json"}


@contextmanager
def planner(lab: Lab, **settings: str) -> Iterator[Peer]:
    """The server of a lab's registry. It listens before it has started, so it is asked something first."""
    port = free_port()
    with serving([*TWIN, "serve", "--port", str(port)], port, lab.environment | settings) as pid:
        peer = Peer("twin", port, pid, request, read)
        peer.answer(graphql("{ __typename }", {}))
        peer.await_idle()
        yield peer


def executor(served: Peer) -> Peer:
    """The same server with the planner off: its resolvers alone."""
    return Peer(
        f"{served.name}, planner off", served.port, served.pid, partial(request, headers=EXECUTOR), read
    )


def request(question: str, arguments: Arguments, headers: Mapping[str, str] | None = None) -> Request:
    """A question as our schema puts it."""
    variables: dict[str, Any] = dict(arguments)
    if question == "nearest20":
        variables = {
            "position": {"lon": arguments["lon"], "lat": arguments["lat"]},
            "first": arguments["first"],
        }
    elif "after" in arguments:
        after = cursor(arguments["after"], of_kind=_KINDS.get(question, "streetlight"))
        variables = {"first": arguments["first"], "after": after}
    return graphql(DOCUMENTS[question], variables, **(headers or {}))


def cursor(code: str, key: int | None = None, *, by: str | None = None, of_kind: str = "streetlight") -> str:
    """The cursor of the asset with this code, in the order by code or by a key."""
    return write_cursor(order(Given(by, "orderBy"), kind(of_kind)), where_hash([of_kind, None]), key, code)


def read(question: str, answer: Any) -> Any:
    """An answer in everybody's form."""
    data = answer["data"]
    match question:
        case "lookup":
            return asset(data["asset"])
        case "nested50":
            return [
                asset(node, elevators=[asset(each) for each in node["children"]["nodes"]])
                for node in data["buildings"]["nodes"]
            ]
        case "nearest20":
            return [asset(each["asset"], distance=each["distance"]) for each in data["nearest"]]
        case "cells500":
            return [cell_count(each["cell"], each["count"]) for each in data["cells"]]
    return [asset(node) for node in data["streetlights"]["nodes"]]
