"""``twin demo``: a city loaded and served with one command."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from twin.cli.console import note, say
from twin.cli.load import Bars, print_account, receipts_of
from twin.cli.serve import HostOption, PortOption, address_of, listen, serve_on

LOCAL = ("127.0.0.1", "::1", "localhost")
"""Hosts that nobody but this machine reaches: there the demo lets its pages load files."""
STOP_SECONDS = 15
QUERIES = (
    '{{ asset(code: "{code}") {{ code name status position {{ lon lat }} ... on Building {{ height }} }} }}',
    "{{ elevators(first: 5) {{ nodes {{ code ratedLoad parent {{ code name }} }} }} }}",
    '{{ groups(where: {{ division: "{division}" }}, by: KIND) {{ key count }} }}',
)


def register(app: typer.Typer) -> None:
    """Add ``twin demo`` to the command line."""
    app.command()(demo)


def demo(
    city: Annotated[
        str,
        typer.Argument(
            help="A folder with city.toml, or a file that `twin load` takes alone. 城市目录或文件。"
        ),
    ],
    host: HostOption = "127.0.0.1",
    port: PortOption = 8000,
) -> None:
    """Load a city and serve it until Ctrl-C, which stops all that was started. 导入一座城市并提供服务。"""
    with listen(host, port) as listening, _database():
        datasets = _load(city)
        _invite(address_of(listening, host), datasets)
        if host in LOCAL:
            os.environ.setdefault("TWIN_WEB_LOADS", "local")
        with _worker():
            serve_on(listening, host)


@contextmanager
def _database() -> Iterator[None]:
    """The database, stopped in the end if it was this command that started it."""
    from twin.registry import database

    server = database.embedded()
    note("Starting the database …", "正在启动数据库……")
    started = server is not None and server.start(prepare=database.migrate)
    try:
        yield
    finally:
        if started and server is not None:
            server.stop()


@contextmanager
def _worker() -> Iterator[None]:
    """A worker beside the server. One that does not stop in time is killed: the next takes over its work."""
    with subprocess.Popen([sys.executable, "-m", "twin.cli", "worker"]) as process:
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _load(city: str) -> list[str]:
    """Load the city, and say what came of each file and how long all took; gives the datasets."""
    from loaders.load import Options

    started, assets, bars = time.monotonic(), 0, Bars()
    datasets: list[str] = []
    try:
        for receipt in receipts_of(city, Options(), bars, print_account):
            bars.clear()
            assets += receipt.read - receipt.rejected
            datasets.append(receipt.dataset)
            counts = (receipt.read, receipt.new, receipt.changed, receipt.same, receipt.rejected)
            name = receipt.source if receipt.source != Path(city).name else receipt.kind
            note(
                "{}: {} read = {} new + {} changed + {} same + {} rejected".format(name, *counts),
                "{}：读入 {} = 新增 {} + 变更 {} + 不变 {} + 拒收 {}".format(name, *counts),
            )
    finally:
        bars.clear()
    name, seconds = Path(city).name, time.monotonic() - started
    say(f"{name}: {assets:,} assets in {seconds:.1f} s", f"{name}：{assets:,} 件资产，用时 {seconds:.1f} 秒")
    return datasets


def _invite(address: str, datasets: list[str]) -> None:
    """Print where to look and what to ask, with an asset that is there: a building, if there is one."""
    from citygraph.execution import ask_now

    wheres = ({"datasets": datasets, "kinds": ["BUILDING"]}, {"datasets": datasets})
    found = [asset for one in wheres for asset in ask_now("find", where=one, first=1)["assets"]["nodes"]]
    if not found:
        return
    asset = found[0]
    say("\nThe city on a map:", "\n城市地图：")
    say(f"  {address}/")
    say("GraphQL, with a console in the browser:", "GraphQL（浏览器中为控制台）：")
    say(f"  {address}/graphql")
    say("Three queries to paste there:", "可粘贴试用的三个查询：")
    for query in QUERIES:
        text = query.format(code=asset["code"], division=asset["division"]["code"])
        say(f"  {text}")
    say("Loading a file of yours:", "导入自己的文件：")
    say(f"  {address}/loads")
    say("The page of one asset:", "一件资产的页面：")
    say(f"  {address}/a/{asset['code']}\n")
