"""tipg, by its own application: OGC API Features over a view of the same table."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

from benchmarks.api.answers import asset
from benchmarks.api.peers import INSTALLED, POOL, Peer, Request, free_port, serving
from benchmarks.api.questions import Arguments
from benchmarks.lab import Lab

_VERSION = "1.6.1"
_FOLDER = INSTALLED / "tipg"
_PYTHON = _FOLDER / "bin" / "python"
_STAMP = _FOLDER / f"tipg-{_VERSION}"


def install() -> str:
    """Put tipg into a virtual environment under ``.bench`` where it is not there; gives its version."""
    if not _STAMP.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(_FOLDER)], check=True)
        pip = [str(_PYTHON), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, f"tipg=={_VERSION}", "uvicorn[standard]"], check=True)
        _STAMP.touch()
    return f"tipg {_VERSION}"


@contextmanager
def tipg(lab: Lab) -> Iterator[Peer]:
    """Its server over a lab's registry; it reads its catalogue once and measures no extents."""
    port = free_port()
    place = lab.server.place()
    settings = {
        "DATABASE_URL": f"postgresql://peer@{quote(str(place.run if place else ''), safe='')}/twin",
        "DB_MIN_CONN_SIZE": str(POOL),
        "DB_MAX_CONN_SIZE": str(POOL),
        "TIPG_DB_SCHEMAS": '["ogc"]',
        "TIPG_DB_SPATIAL_EXTENT": "false",
        "TIPG_DB_DATETIME_EXTENT": "false",
        "TIPG_CATALOG_TTL": "0",
        "TIPG_TABLE_CONFIG__ogc_streetlight__pk": "code",
        "PYTHONPATH": "",
    }
    uvicorn = [str(_PYTHON), "-m", "uvicorn", "tipg.main:app", "--port", str(port)]
    with serving([*uvicorn, "--log-level", "warning", "--no-access-log"], port, settings, _FOLDER) as pid:
        yield Peer("tipg", port, pid, request, read, ('{"type":"FeatureCollection"', "}"))


def request(_: str, arguments: Arguments) -> Request:
    """The lamps of a page by the range of their codes, for tipg counts all that a filter leaves."""
    asked = {
        "limit": arguments["first"],
        "filter-lang": "cql2-text",
        "filter": f"code > '{arguments['after']}' AND code <= '{arguments['last']}'",
        "sortby": "code",
    }
    headers = {"Accept": "application/geo+json"}
    return Request(f"/collections/ogc.streetlight/items?{urlencode(asked, quote_via=quote)}", None, headers)


def read(_: str, answer: Any) -> Any:
    """An answer in everybody's form."""
    return [asset(feature["properties"], geometry=feature["geometry"]) for feature in answer["features"]]
