"""``twin show`` and ``twin find``: assets on the screen."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from twin.cli.console import say, say_json
from twin.errors import TwinError

Record = Mapping[str, Any]

JsonOption = Annotated[bool, typer.Option("--json", help="As JSON. 输出 JSON。")]
KindOption = Annotated[
    str | None, typer.Option("--kind", metavar="K", help="Only assets of this kind. 仅此种类。")
]


class NoneFound(TwinError):
    """No asset meets the conditions."""

    code = "find.nothing"
    en = "No asset meets these conditions. Leave one out, or look at what there is: `twin find`."
    zh = "没有符合条件的资产。可减少条件，或用 `twin find` 查看已有资产。"


class NotBorne(TwinError):
    """No asset bears that identifier."""

    code = "identifier.unknown"
    en = "No asset bears the identifier {value}. `twin find --text {text}` looks for parts of it."
    zh = "没有资产使用标识 {value}。可用 `twin find --text {text}` 按部分内容查找。"


class BadNear(TwinError):
    """``--near`` cannot be read."""

    code = "find.near"
    en = "--near {value} cannot be read. Write longitude, latitude, metres: --near 121.4737,31.2304,200."
    zh = "无法识别 --near {value}。请依次写经度、纬度、米数：--near 121.4737,31.2304,200。"


class TwoForms(TwinError):
    """Both ``--codes`` and ``--json``."""

    code = "find.output"
    en = "--codes and --json are two forms of output. Choose one; --json holds the codes too."
    zh = "--codes 与 --json 是两种输出形式，请只选其一；--json 中也含身份码。"


def register(app: typer.Typer) -> None:
    """Add ``twin show`` and ``twin find`` to the command line."""
    app.command()(show)
    app.command()(find)


def show(
    code: Annotated[
        str,
        typer.Argument(help="A code in any written form, or SCHEME:VALUE. 任意写法的身份码，或 类别:标识。"),
    ],
    as_json: JsonOption = False,
) -> None:
    """Show the identity file of one asset. 显示一件资产的身份档案。"""
    from citygraph.execution import ask_now
    from twin.cli.tables import print_file
    from twin.web.identity_file import UnknownAsset

    scheme, colon, value = code.replace("：", ":").partition(":")
    wanted: Record = {"identifier": {"scheme": scheme, "value": value}} if colon else {"code": code}
    asset = ask_now("identity_file", **wanted)["asset"]
    if asset is None:
        raise NotBorne(value=code, text=value) if colon else UnknownAsset(value=code)
    if as_json:
        say_json(asset)
    else:
        print_file(asset)


def find(
    *,
    kind: KindOption = None,
    division: Annotated[
        str | None,
        typer.Option("--division", metavar="D", help="In this division or below. 在此区划及其下级。"),
    ] = None,
    near: Annotated[
        str | None,
        typer.Option("--near", metavar="LON,LAT,M", help="Within M metres of a place. 距某点 M 米以内。"),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(
            "--text", metavar="T", help="Name, address or identifier has it. 名称、地址或标识含此文。"
        ),
    ] = None,
    first: Annotated[int, typer.Option("--first", metavar="N", min=1, help="At most N. 最多 N 个。")] = 20,
    codes: Annotated[bool, typer.Option("--codes", help="Only codes, one a line. 仅输出身份码。")] = False,
    as_json: JsonOption = False,
) -> None:
    """Find assets; with --near the nearest come first. 查找资产；用 --near 时由近及远。"""
    from twin.cli.tables import print_assets

    if codes and as_json:
        raise TwoForms
    where = _where(kind, division, near, text)
    with _options_named():
        found = _nearest(where, first) if near else asyncio.run(_listed(where, first))
    if codes:
        for asset in found.assets:
            say(asset["code"])
    elif as_json:
        say_json(found.assets)
    elif found.assets:
        print_assets(found.assets, more=found.more)
    if not found.assets:
        raise NoneFound


@dataclass(frozen=True, slots=True)
class _Found:
    """The assets that were found, and whether there are more; nearest ones bear ``distance``, in metres."""

    assets: list[Record]
    more: bool


def _where(kind: str | None, division: str | None, near: str | None, text: str | None) -> Record:
    """The options as a filter."""
    from twin.kinds import kind as kind_called
    from twin.registry.query.names import constant

    where: dict[str, Any] = {}
    if kind is not None:
        where["kinds"] = [constant(kind_called(kind).name)]
    if division is not None:
        where["division"] = division
    if near is not None:
        where["near"] = _near(near)
    if text is not None:
        where["text"] = text
    return where


def _near(text: str) -> Record:
    """``LON,LAT,M`` as the filter's ``near``. Raises ``BadNear``."""
    try:
        lon, lat, metres = (float(part) for part in text.split(","))
    except ValueError:
        raise BadNear(value=text) from None
    if not all(map(math.isfinite, (lon, lat, metres))):
        raise BadNear(value=text)
    return {"position": {"lon": lon, "lat": lat}, "metres": metres}


OPTIONS = {
    "position.lon": "--near LON",
    "position.lat": "--near LAT",
    "where.near.metres": "--near M",
    "where.division": "--division",
    "where.text": "--text",
}
"""What this command calls the places that errors name."""


@contextmanager
def _options_named() -> Iterator[None]:
    """Errors name options of this command, not the places in the document that it asks with."""
    try:
        yield
    except TwinError as error:
        option = OPTIONS.get(str(error.details.get("path")))
        if option is None:
            raise
        raise type(error)(**{**error.details, "path": option}) from None


async def _listed(where: Record, first: int) -> _Found:
    """The first assets by code, a page at a time."""
    from citygraph.context import Context
    from citygraph.execution import ask
    from twin.registry.pool import open_pool
    from twin.settings import ApiSettings

    assets: list[Record] = []
    after, more = None, True
    async with open_pool("api", size=1) as pool:
        while more and len(assets) < first:
            size = min(first - len(assets), ApiSettings.read().max_page)
            page = (await ask(Context(pool), "find", where=where, first=size, after=after))["assets"]
            assets += page["nodes"]
            after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    return _Found(assets, more)


def _nearest(where: Record, first: int) -> _Found:
    """The first assets by distance. Raises ``NearestSize``."""
    from citygraph.execution import ask_now
    from twin.registry.query.errors import NearestSize
    from twin.registry.query.read import MAX_NEAREST

    if first > MAX_NEAREST:
        raise NearestSize(path="--first", given=first, limit=MAX_NEAREST)
    asked = first + 1 if first < MAX_NEAREST else first
    near = ask_now("nearest", position=where["near"]["position"], where=where, first=asked)["nearest"]
    assets: list[Record] = [{**one["asset"], "distance": one["distance"]} for one in near]
    return _Found(assets[:first], len(assets) > first)
