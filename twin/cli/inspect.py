"""``twin inspect``: what is in a file, and the mapping that it may be loaded with."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.cli.console import note, say, say_json
from twin.cli.load import extra
from twin.errors import TwinError, language

if TYPE_CHECKING:
    from loaders.inspection.inspect import FileReport, LayerReport
    from loaders.inspection.surroundings import Surroundings

SHOWN_COLUMNS = 8
"""Columns of the sample that the terminal shows."""
SHOWN_VALUE = 24
"""Characters of a value that it shows."""

ENCODINGS = {
    "BOM": ("told by its byte order mark", "由 BOM 得知"),
    ".cpg": ("told by the .cpg", "由 .cpg 得知"),
    "LDID": ("told by the .dbf's language id", "由 .dbf 的语言标识得知"),
    "declared": ("as the format has it", "由格式规定或文件注明"),
    "detected": ("detected: all of the text can be read so", "检测得出：全部文本可如此读取"),
}


class LayerUnclear(TwinError):
    """A mapping is for one layer, and the file has several."""

    code = "inspect.layer"
    en = "{path} has several layers: {layers}. A mapping is for one: choose it with --layer."
    zh = "{path} 有多个图层：{layers}。映射只针对一个图层，请用 --layer 选择。"


class MappingExists(TwinError):
    """The file that the mapping is to be written to is there already."""

    code = "inspect.exists"
    en = "{path} exists already and may be your work. Choose another name for --out."
    zh = "{path} 已存在，可能是您编辑过的文件。请为 --out 换一个名称。"


def register(app: typer.Typer) -> None:
    """Add ``twin inspect`` to the command line."""
    app.command(name="inspect")(inspect_file)


def inspect_file(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The file, folder or address. 文件、目录或地址。")
    ],
    *,
    layer: Annotated[str | None, typer.Option(metavar="L", help="Only this layer. 仅此图层。")] = None,
    kind: Annotated[str | None, typer.Option(metavar="K", help="What the rows are. 各行的种类。")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="M.toml", help="Write the proposed mapping there. 将映射写入文件。")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON. 以 JSON 输出。")] = False,
) -> None:
    """Show what is in a file and propose a mapping. 查看文件内容并给出建议映射。"""
    with extra():
        from loaders.inspection.as_json import as_json as report_json
        from loaders.inspection.inspect import inspect
        from loaders.locations import locate
        from twin.kinds import kind as kind_named

    if out is not None and out.exists():
        raise MappingExists(path=out)
    said = kind_named(kind) if kind else None
    location = locate(file, layer)
    with _registry() as surroundings:
        report = inspect(location, layer, said, surroundings)
    if out is not None:
        _write(report, out)
    if as_json:
        say_json(report_json(report, language()))
    else:
        _print(report)
    if report.layers and all(one.problem for one in report.layers):
        raise typer.Exit(1)


@contextmanager
def _registry() -> Iterator[Surroundings | None]:
    """The registry, if one is at hand; one that cannot be asked is told, and done without."""
    from loaders.inspection.surroundings import registry_at_hand

    with ExitStack() as stack:
        known = None
        try:
            known = stack.enter_context(registry_at_hand())
        except TwinError as error:
            note(f"The registry was not asked: {error}", f"未查询登记库：{error}")
        yield known


def _write(report: FileReport, out: Path) -> None:
    """The one layer's mapping, into a file. Raises ``LayerUnclear``."""
    from loaders.inspection.toml import mapping_toml

    readable = [(layer, layer.proposal) for layer in report.layers if layer.proposal is not None]
    if len(readable) != 1:
        names = ", ".join(str(layer.name) for layer, _ in readable)
        raise LayerUnclear(path=report.location, layers=names)
    layer, proposal = readable[0]
    text = mapping_toml(proposal, report.location.name, _named(report, layer), language())
    out.write_text(text, encoding="utf-8")


def _named(report: FileReport, layer: LayerReport) -> str | None:
    """The layer's name where it has to be said."""
    return layer.name if len(report.layers) > 1 else None


def _print(report: FileReport) -> None:
    say(f"{report.location.name}: {report.format}", f"{report.location.name}：{report.format}")
    if report.kinds:
        say(
            "Tags say what each object is; no mapping is needed. `twin load` without --kind loads all of:",
            "标签已说明各对象的种类，无需映射。不带 --kind 的 `twin load` 可加载：",
        )
        for name, count in report.kinds.items():
            say(f"  {name:14}{count:>10,}")
    for layer in report.layers:
        print()
        _print_layer(report, layer)


def _print_layer(report: FileReport, layer: LayerReport) -> None:
    from loaders.inspection.toml import mapping_toml

    if layer.problem is not None:
        say(f"{layer.name}: {layer.problem} [{layer.problem.code}]")
        return
    say(*_heading(layer))
    for en, zh in _facts(layer):
        say(f"  {en}", f"  {zh}")
    _print_rows(layer)
    if layer.proposal is not None:
        say("Proposed mapping:", "建议映射：")
        sys.stdout.write(
            mapping_toml(layer.proposal, report.location.name, _named(report, layer), language())
        )


def _heading(layer: LayerReport) -> tuple[str, str]:
    placed = ", ".join(layer.proposal.positions.columns) if layer.proposal else ""
    types = ", ".join(f"{name or 'none'} {count:,}" for name, count in layer.types.items())
    types = types or (f"positions in {placed}" if placed else "no geometry")
    types_zh = "，".join(f"{name or '空'} {count:,}" for name, count in layer.types.items())
    types_zh = types_zh or (f"坐标在 {placed}" if placed else "无几何")
    rows = f"{layer.read if layer.count is None else layer.count:,}"
    more, more_zh = ("more than ", "超过 ") if layer.count is None else ("", "")
    name = f"{layer.name}: " if layer.name else ""
    return f"{name}{more}{rows} rows; {types}", f"{name}{more_zh}{rows} 行；{types_zh}"


def _facts(layer: LayerReport) -> Iterator[tuple[str, str]]:
    if not layer.whole:
        yield (
            f"Judged by a sample of {layer.sampled:,} rows: the first, and some of the others.",
            f"依据 {layer.sampled:,} 行样本判断：开头的行及其后抽取的行。",
        )
    if layer.unread:
        yield f"Rows that cannot be read: {layer.unread:,}.", f"无法读取的行：{layer.unread:,}。"
    if layer.encoding:
        en, zh = ENCODINGS.get(layer.encoding_found or "", ("", ""))
        yield f"Text in {layer.encoding}{en and ', ' + en}.", f"文本编码 {layer.encoding}{zh and '，' + zh}。"
    if layer.proposal is not None:
        yield from _system(layer)
        yield from _kinds(layer)


def _system(layer: LayerReport) -> Iterator[tuple[str, str]]:
    found = layer.proposal.system if layer.proposal else None
    if found is None or not found.guesses:
        if layer.types or (layer.proposal and layer.proposal.positions.columns):
            yield "Coordinate system: unknown.", "坐标系：未知。"
        else:
            yield (
                "No position: neither geometry nor columns of coordinates.",
                "无位置：既无几何，也无坐标列。",
            )
    shift = layer.shift
    if shift is not None:
        yield (
            f"Suspect: coordinates of a web map, by {shift.positions} positions and the assets near them.",
            f"疑为网络地图坐标：依据 {shift.positions} 个位置及其附近的已登记资产。",
        )
    for guess in found.guesses if found else ():
        yield (
            f"Coordinate system {guess.code}, {guess.confidence.word('en')}: {guess.why.en}.",
            f"坐标系 {guess.code}，{guess.confidence.word('zh')}：{guess.why.zh}。",
        )


def _kinds(layer: LayerReport) -> Iterator[tuple[str, str]]:
    proposal = layer.proposal
    if proposal is None or proposal.kind_said:
        return
    if not proposal.kinds:
        yield "Kind: none fits; --kind says one.", "种类：无明显匹配，可用 --kind 指明。"
    for guess in proposal.kinds[:3]:
        yield (
            f"Kind {guess.kind}, {guess.confidence.word('en')}: {guess.why.en}.",
            f"种类 {guess.kind}，{guess.confidence.word('zh')}：{guess.why.zh}。",
        )


def _print_rows(layer: LayerReport) -> None:
    from rich.console import Console
    from rich.table import Table

    if not layer.columns:
        say("  No columns.", "  无属性列。")
        return
    names = ", ".join(column.name for column in layer.columns)
    say(f"  Columns ({len(layer.columns)}): {names}", f"  列（{len(layer.columns)}）：{names}")
    shown = [column.name for column in layer.columns if not column.is_empty][:SHOWN_COLUMNS]
    if not shown or not layer.rows:
        return
    table = Table(*shown, box=None, padding=(0, 2, 0, 2), header_style="dim")
    for row in layer.rows:
        table.add_row(*((row[name] or "")[:SHOWN_VALUE] for name in shown))
    width = None if sys.stdout.isatty() else 200
    Console(highlight=False, markup=False, width=width).print(table)
