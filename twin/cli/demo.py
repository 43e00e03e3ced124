"""``twin demo``: a city loaded and served with one command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from twin.cli.console import note, say
from twin.cli.serve import HostOption, PortOption, serve

QUERIES = (
    '{{ asset(code: "{code}") {{ code name status position {{ lon lat }} ... on Building {{ height }} }} }}',
    "{{ elevators(first: 5) {{ nodes {{ code ratedLoad parent {{ code name }} }} }} }}",
    '{{ groups(where: {{ division: "{division}" }}, by: KIND) {{ key count }} }}',
)


def register(app: typer.Typer) -> None:
    """Add ``twin demo`` to the command line."""
    app.command()(demo)


def demo(
    folder: Annotated[
        Path,
        typer.Argument(help="A folder with files and their manifest, city.toml. 含 city.toml 的文件夹。"),
    ],
    host: HostOption = "127.0.0.1",
    port: PortOption = 8000,
) -> None:
    """Load a city and serve it until Ctrl-C, which stops all that was started. 导入一座城市并提供服务。"""
    from loaders.city import read_city

    read_city(folder)
    with _database():
        _load(folder)
        _invite(f"http://{host}:{port}")
        serve(host, port)


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


def _load(folder: Path) -> None:
    from loaders.city import load_city
    from twin.cli.load import progress_bar

    with progress_bar() as progress:
        for receipt in load_city(folder, progress):
            counts = (receipt.read, receipt.new, receipt.changed, receipt.same, receipt.rejected)
            note(
                "{}: {} read = {} new + {} changed + {} same + {} rejected".format(receipt.source, *counts),
                "{}：读入 {} = 新增 {} + 变更 {} + 不变 {} + 拒收 {}".format(receipt.source, *counts),
            )


def _invite(address: str) -> None:
    """Print where to look and what to ask, with an asset that is there."""
    from citygraph.execution import ask_now

    found = ask_now("find", where={"kinds": ["BUILDING"]}, first=1)["assets"]["nodes"]
    if not found:
        return
    asset = found[0]
    say("\nGraphQL, with a console in the browser:", "\nGraphQL（浏览器中为控制台）：")
    say(f"  {address}/graphql")
    say("Three queries to paste there:", "可粘贴试用的三个查询：")
    for query in QUERIES:
        text = query.format(code=asset["code"], division=asset["division"]["code"])
        say(f"  {text}")
    say("The page of one asset:", "一件资产的页面：")
    say(f"  {address}/a/{asset['code']}\n")
