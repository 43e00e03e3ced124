"""``twin load`` and ``twin formats``: files become assets, with a receipt."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.cli.console import say, say_json
from twin.errors import TwinError, language

if TYPE_CHECKING:
    from rich.console import Console

    from loaders.load import Progress, Receipt

SHOWN = 10
"""Findings that the terminal shows; ``--json`` gives a thousand, and the counts of all."""
QUIET_SECONDS = 1.0
"""A load that is quicker shows no progress bar."""

COUNTS = {
    "en": ("read", "new", "changed", "same", "rejected"),
    "zh": ("读入", "新增", "变更", "不变", "拒收"),
}
NOTES = {
    "key.none": (
        "No column is a key: each row is known by its place, so a moved asset will be a new one.",
        "没有主键列：以位置识别各行，位置移动后将视为新资产。",
    ),
    "key.assumed": (
        "The key was assumed by the column's name; a mapping can say it.",
        "按列名推定主键，可在映射中指明。",
    ),
    "dataset.joined": (
        "The dataset is called as the file is, and was last loaded from a file of another name.",
        "数据集与文件同名，而上次是从另一文件加载的。",
    ),
    "crs.assumed": ("Longitude and latitude were taken for WGS 84.", "经纬度按 WGS 84 处理。"),
}


class ExtraMissing(TwinError):
    """The packages that loading needs are not installed."""

    code = "load.extra_missing"
    en = "Loading needs the package {package}. Install it with: pip install 'city-twin[load]'."
    zh = "加载需要软件包 {package}。请安装：pip install 'city-twin[load]'。"


def register(app: typer.Typer) -> None:
    """Add ``twin load`` and ``twin formats`` to the command line."""
    app.command()(load)
    app.command()(formats)


def load(
    file: Annotated[Path, typer.Argument(help="The file. 文件。")],
    *,
    kind: Annotated[str | None, typer.Option(metavar="K", help="What the rows are. 各行的种类。")] = None,
    layer: Annotated[str | None, typer.Option(metavar="L", help="The layer. 图层。")] = None,
    mapping: Annotated[
        Path | None, typer.Option(metavar="M.toml", help="Which column is which field. 列与字段的映射。")
    ] = None,
    crs: Annotated[
        str | None, typer.Option(metavar="C", help="The coordinate system, if not the file's. 坐标系。")
    ] = None,
    accuracy: Annotated[
        float | None,
        typer.Option(metavar="M", min=0.0, help="Accuracy of positions, metres. 点位精度（米）。"),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(metavar="NAME", help="The dataset; else the file's name. 数据集名称。")
    ] = None,
    division: Annotated[
        str | None, typer.Option(metavar="D", help="Where nothing else tells the division. 缺省区划。")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check only; change nothing. 仅检查，不写入。")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The receipt as JSON. 以 JSON 输出回执。")] = False,
) -> None:
    """Load a file: every row is new, changed, same or rejected. 加载文件，逐行给出结果。"""
    with _extra():
        from loaders.load import Options
        from loaders.load import load as load_file

    options = Options(kind, layer, mapping, crs, accuracy, dataset, division, dry_run)
    with progress_bar() as progress:
        receipt = load_file(file, options, progress(file.name))
    if as_json:
        say_json(receipt.as_json(language()))
    else:
        print_receipt(receipt)
    if receipt.read and receipt.read == receipt.rejected:
        raise typer.Exit(1)


def formats() -> None:
    """List the formats that can be loaded. 列出可加载的格式。"""
    with _extra():
        from loaders.formats import all_formats

    for one in all_formats():
        line = f"{one.name:14} {' '.join(one.extensions):50} {one.media_type}"
        say(line)


@contextmanager
def progress_bar() -> Iterator[Callable[[str], Progress]]:
    """A bar on the terminal for loads of more than a second; gives for each file what its load tells."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )

    def for_file(name: str) -> Callable[[int, int | None], None]:
        started, task = time.monotonic(), bar.add_task(name, total=None, visible=False)

        def tell(done: int, total: int | None) -> None:
            late = time.monotonic() - started > QUIET_SECONDS
            bar.update(task, completed=done, total=total, visible=late and sys.stderr.isatty())

        return tell

    with bar:
        yield for_file


def print_receipt(receipt: Receipt) -> None:
    """The receipt for people: the five counts, how it was read, the first findings and the counts of all."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 200)
    counts = Table(box=None, padding=(0, 3, 0, 0))
    for name in COUNTS[language()]:
        counts.add_column(name, justify="right")
    counts.add_row(
        *(f"{n:,}" for n in (receipt.read, receipt.new, receipt.changed, receipt.same, receipt.rejected))
    )
    console.print(counts)
    for en, chinese in _facts(receipt):
        say(en, chinese)
    _print_findings(console, receipt)


def _facts(receipt: Receipt) -> Iterator[tuple[str, str]]:
    """How the file was read, line by line."""
    name = f"{receipt.dataset} ({receipt.kind})"
    if receipt.dry_run:
        yield f"A dry run of {name}: nothing was changed.", f"试运行 {name}：未作任何更改。"
    else:
        yield f"Load {receipt.load} of {name}.", f"第 {receipt.load} 次加载：{name}。"
    if receipt.crs:
        metres = "" if receipt.accuracy is None else f", {receipt.accuracy:g} m"
        yield f"{receipt.crs}: {receipt.operation}{metres}.", f"{receipt.crs}：{receipt.operation}{metres}。"
    if receipt.encoding:
        yield f"Text in {receipt.encoding}.", f"文本编码 {receipt.encoding}。"
    if receipt.key:
        yield f"Key: {receipt.key}.", f"主键：{receipt.key}。"
    if receipt.unmapped:
        columns = ", ".join(receipt.unmapped)
        yield f"Columns not used: {columns}.", f"未使用的列：{columns}。"
    yield from (NOTES[note] for note in receipt.notes)


def _print_findings(console: Console, receipt: Receipt) -> None:
    from rich.table import Table

    zh = language() == "zh"
    headings = ("行", "字段", "值", "原因", "说明") if zh else ("row", "field", "value", "reason", "in words")
    titles = ("拒收", "警告") if zh else ("Rejected", "Warnings")
    for title, findings in zip(titles, (receipt.rejections, receipt.warnings), strict=True):
        if not findings.total:
            continue
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in findings.counts.most_common())
        console.print(f"\n{title}: {reasons}")
        table = Table(*headings, box=None, padding=(0, 2, 0, 0), header_style="dim")
        for finding in findings.kept[:SHOWN]:
            shown = finding.as_json(language())
            value = str(shown["value"] or "")
            table.add_row(
                str(shown["row"]),
                str(shown["field"] or ""),
                value[:40],
                str(shown["reason"]),
                str(shown["text"]),
            )
        console.print(table)


@contextmanager
def _extra() -> Iterator[None]:
    """Say in words what to install where the ``load`` extra is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ExtraMissing(package=error.name) from None
