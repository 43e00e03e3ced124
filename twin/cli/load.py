"""``twin load``: files, extracts and whole cities become assets, with a receipt for each."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from loaders.notes import NOTES
from twin.cli.console import say, say_json
from twin.errors import TwinError, language

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress

    from loaders.account import Account
    from loaders.load import Options, Progress, Receipt

SHOWN = 10
"""Findings that the terminal shows; ``--json`` gives a thousand, and the counts of all."""
QUIET_SECONDS = 1.0
"""A load that is quicker shows no progress bar."""

COUNTS = {
    "en": ("read", "new", "changed", "same", "rejected"),
    "zh": ("读入", "新增", "变更", "不变", "拒收"),
}
UNKNOWN_HOME = (
    "Home: XX-0. Nothing tells the country and area, so codes begin with XX, which ISO 3166 leaves to users. "
    "Say the real ones before you load (`twin home FI-091`, or --division FI-091): issued codes stay.",
    "所在区划：XX-0。无从得知国家与地区，身份码以 ISO 3166 留给用户的 XX 开头。"
    "请在加载前设定（`twin home FI-091` 或 --division FI-091）：已签发的身份码不再改变。",
)


class ExtraMissing(TwinError):
    """The packages that loading needs are not installed."""

    code = "load.extra_missing"
    en = "Loading needs the package {package}. Install it with: pip install 'city-twin[load]'."
    zh = "加载需要软件包 {package}。请安装：pip install 'city-twin[load]'。"


def register(app: typer.Typer) -> None:
    """Add ``twin load`` to the command line."""
    app.command()(load)


FileArgument = Annotated[
    str, typer.Argument(help="A file, a folder, or a database's or service's address. 文件、目录或地址。")
]
KindOption = Annotated[str | None, typer.Option(metavar="K", help="What the rows are. 各行的种类。")]
LayerOption = Annotated[
    str | None, typer.Option("--layer", "--table", metavar="L", help="The layer or table. 图层或表。")
]
MappingOption = Annotated[
    Path | None, typer.Option(metavar="M.toml", help="Which column is which field. 列与字段的映射。")
]
CrsOption = Annotated[
    str | None, typer.Option(metavar="C", help="The coordinate system, if not the file's. 坐标系。")
]
AccuracyOption = Annotated[
    float | None, typer.Option(metavar="M", min=0.0, help="Accuracy of positions, metres. 点位精度（米）。")
]
DatasetOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="The dataset; else the file's name. 数据集名称。")
]
DivisionOption = Annotated[
    str | None, typer.Option(metavar="D", help="Where nothing else tells the division. 缺省区划。")
]
AttributionOption = Annotated[
    str | None, typer.Option(metavar="TEXT", help="Whom to name as the source. 来源署名。")
]
RejectsOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the rejected rows there. 将拒收行写入此文件。")
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Replace the file of rejected rows. 覆盖拒收行文件。")
]
OnErrorOption = Annotated[
    Literal["skip", "abort"],
    typer.Option(help="abort: a rejected row keeps all out. 有拒收行即不导入。"),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Check only; change nothing. 仅检查，不写入。")]
BatchOption = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Register N rows at a time. 每 N 行提交一次。")
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on behind the last batch. 从上次提交的批次继续。")
]
ModeOption = Annotated[
    Literal["upsert", "insert", "mirror", "delta"],
    typer.Option(
        help="insert: only new keys; mirror: retire what the file lacks; delta: a file of changes. "
        "仅新增；停用文件所无；变更文件。"
    ),
]
RetireOption = Annotated[
    float, typer.Option("--retire-up-to", metavar="PERCENT", help="Retire at most this share. 停用比例上限。")
]
OnSuspectOption = Annotated[
    Literal["load", "reject", "link"],
    typer.Option(help="What becomes of a row that seems to be there already. 疑似重复的行如何处理。"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="The receipt as JSON. 以 JSON 输出回执。")]


def load(
    file: FileArgument,
    *,
    kind: KindOption = None,
    layer: LayerOption = None,
    mapping: MappingOption = None,
    crs: CrsOption = None,
    accuracy: AccuracyOption = None,
    dataset: DatasetOption = None,
    division: DivisionOption = None,
    attribution: AttributionOption = None,
    rejects: RejectsOption = None,
    force: ForceOption = False,
    on_error: OnErrorOption = "skip",
    dry_run: DryRunOption = False,
    batch: BatchOption = None,
    resume: ResumeOption = False,
    mode: ModeOption = "upsert",
    retire_up_to: RetireOption = 5.0,
    on_suspect: OnSuspectOption = "load",
    as_json: JsonOption = False,
) -> None:
    """Load a file or a city: every row is new, changed, same or rejected. 加载文件或城市，逐行给出结果。"""
    with extra():
        from loaders.load import Options

    options = Options(
        kind, layer, mapping, crs, accuracy, dataset, division, attribution, rejects, force, on_error,
        dry_run, batch, resume, mode, retire_up_to, on_suspect,
    )  # fmt: skip
    receipts = _load_and_tell(file, options, as_json=as_json)
    nothing = all(one.read and one.read == one.rejected for one in receipts)
    if receipts and (nothing or any(one.aborted for one in receipts)):
        raise typer.Exit(1)


def _load_and_tell(file: str, options: Options, *, as_json: bool) -> list[Receipt]:
    """Load, and print each receipt when it is there, or in the end all of them as JSON."""
    receipts: list[Receipt] = []
    accounts: list[Account] = []
    bars = Bars()

    def told(account: Account) -> None:
        accounts.append(account)
        if not as_json:
            print_account(account)

    try:
        for receipt in receipts_of(file, options, bars, told):
            bars.clear()
            receipts.append(receipt)
            if not as_json:
                if accounts:
                    say("")
                print_receipt(receipt)
    finally:
        bars.clear()
        if as_json and (receipts or accounts):
            say_json(_as_json(receipts, accounts))
    return receipts


def receipts_of(
    location: str, options: Options, progress: Callable[[str], Progress], told: Callable[[Account], None]
) -> Iterator[Receipt]:
    """Load what a path or address leads to: a city's folder, an OSM extract's every kind, or one file.

    Gives each file's or kind's receipt; of a city and an extract ``told`` gets the account before.
    """
    with extra():
        from loaders.city import is_city, load_city
        from loaders.load import load as load_file
        from loaders.locations import locate
        from loaders.osm.city import is_whole, load_extract

    where = locate(location, options.layer)
    if is_city(where):
        yield from load_city(where, options, progress, told)
    elif is_whole(where, options):
        yield from load_extract(where, options, progress, told)
    else:
        yield load_file(where, options, progress(where.name))


def _as_json(receipts: list[Receipt], accounts: list[Account]) -> dict[str, Any]:
    """One file's receipt; of a city its account with all receipts."""
    written = [receipt.as_json(language()) for receipt in receipts]
    return {**accounts[0].as_json(language()), "loads": written} if accounts else written[0]


class Bars:
    """A bar on the terminal for each load of more than a second; called with its file's name."""

    def __init__(self) -> None:
        self._bar = _drawn_bar() if sys.stderr.isatty() else None

    def __call__(self, name: str) -> Progress:
        """What the load of the file called ``name`` tells how far it is."""
        bar = self._bar
        if bar is None:
            return lambda done, total: None
        bar.start()
        started, task = time.monotonic(), bar.add_task(name, total=None, visible=False)

        def tell(done: int, total: int | None) -> None:
            late = time.monotonic() - started > QUIET_SECONDS
            bar.update(task, completed=done, total=total, visible=late)

        return tell

    def clear(self) -> None:
        """Take the bar away, so that something can be printed."""
        if self._bar is not None:
            self._bar.stop()
            for task in self._bar.task_ids:
                self._bar.remove_task(task)


def _drawn_bar() -> RichProgress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def print_account(account: Account) -> None:
    """A city's account for people: home, divisions, boundaries left out, kinds that are not there."""
    for en, chinese in _account_facts(account):
        say(en, chinese)


def _account_facts(account: Account) -> Iterator[tuple[str, str]]:
    home, issuing = account.home, account.issuing
    yield from {
        "set": [(f"Home: {home}, as it was set.", f"所在区划：{home}（先前设定）。")],
        "manifest": [(f"Home: {home}, by the manifest.", f"所在区划：{home}（由清单指定）。")],
        "option": [(f"Home: {home}, as --division says.", f"所在区划：{home}（由 --division 指定）。")],
        "boundaries": [(f"Home: {home}, by the boundaries' tags.", f"所在区划：{home}（由边界标签得出）。")],
        "unknown": [UNKNOWN_HOME],
    }[account.home_by]
    if issuing and issuing != home:
        yield f"Codes are issued in {issuing}.", f"身份码由 {issuing} 签发。"
    count = len(account.divisions)
    if account.dry_run:
        yield f"{count:,} divisions would be registered.", f"将登记区划 {count:,} 个。"
    else:
        yield f"{count:,} divisions registered.", f"登记区划 {count:,} 个。"
    for reason, group in account.left_out_by_reason():
        names = ", ".join(f"{one.name or one.key} ({one.level})" for one in group[:SHOWN])
        more = f" … +{len(group) - SHOWN:,}" if len(group) > SHOWN else ""
        en, chinese = group[0].en, group[0].zh
        yield (
            f"{len(group):,} boundaries left out ({reason}). {en} {names}{more}",
            f"未采用的边界 {len(group):,} 个（{reason}）。{chinese}{names}{more}",
        )
    if account.absent:
        absent = ", ".join(account.absent)
        yield f"None in the file: {absent}.", f"文件中没有：{absent}。"


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
    if receipt.undoes is not None:
        yield from _undo_facts(receipt, name)
    elif receipt.aborted:
        yield f"Rows of {name} were rejected, so nothing was changed.", f"{name} 有拒收行，未作任何更改。"
    elif receipt.dry_run:
        yield f"A dry run of {name}: nothing was changed.", f"试运行 {name}：未作任何更改。"
    else:
        yield f"Load {receipt.load} of {name}.", f"第 {receipt.load} 次加载：{name}。"
    if receipt.crs:
        metres = "" if receipt.accuracy is None else f", {receipt.accuracy:g} m"
        yield f"{receipt.crs}: {receipt.operation}{metres}.", f"{receipt.crs}：{receipt.operation}{metres}。"
    if receipt.attribution:
        yield f"Source: {receipt.attribution}.", f"来源：{receipt.attribution}。"
    if receipt.encoding:
        how = f" ({receipt.encoding_found})" if receipt.encoding_found else ""
        yield f"Text in {receipt.encoding}{how}.", f"文本编码 {receipt.encoding}{how}。"
    if receipt.key:
        yield f"Key: {receipt.key}.", f"主键：{receipt.key}。"
    if receipt.assumed:
        fields = ", ".join(f"{name} = {column}" for name, column in receipt.assumed.items())
        yield f"Assumed by headings and values: {fields}.", f"按列名单位与取值推定：{fields}。"
    if receipt.unmapped:
        columns = ", ".join(receipt.unmapped)
        yield f"Columns not used: {columns}.", f"未使用的列：{columns}。"
    if receipt.rejects:
        yield f"Rejected rows: {receipt.rejects}.", f"拒收行：{receipt.rejects}。"
    if receipt.parents_by_place:
        count = f"{receipt.parents_by_place:,}"
        yield f"Put into what they stand in: {count}.", f"按位置确定所属：{count} 个。"
    yield from _link_facts(receipt)
    yield from _retired_facts(receipt)
    yield from (NOTES[note] for note in receipt.notes)


def _link_facts(receipt: Receipt) -> Iterator[tuple[str, str]]:
    if receipt.linked:
        count = f"{receipt.linked:,}"
        yield (
            f"Linked to assets that another dataset registered: {count}.",
            f"关联到其他数据集登记的资产：{count} 行。",
        )
    if receipt.unlinked:
        count = f"{receipt.unlinked:,}"
        yield (
            f"No longer linked, because the source dropped them: {count}.",
            f"来源已不含、现已解除关联：{count} 行。",
        )


_RETIRED = {
    "mirror": ("Retired, because the source dropped them: {:,}.", "来源已不含、现已停用：{:,} 个。"),
    "delta": ("Retired, as their rows say: {:,}.", "按文件所述停用：{:,} 个。"),
}


def _retired_facts(receipt: Receipt) -> Iterator[tuple[str, str]]:
    if receipt.retired and receipt.mode in _RETIRED:
        en, chinese = _RETIRED[receipt.mode]
        yield en.format(receipt.retired), chinese.format(receipt.retired)


def _undo_facts(receipt: Receipt, name: str) -> Iterator[tuple[str, str]]:
    number = receipt.undoes
    if not receipt.changed:
        yield (
            f"Load {number} of {name} stays: all that it changed has changed since.",
            f"未撤销第 {number} 次加载（{name}）：其资产此后均已更改。",
        )
    elif receipt.dry_run:
        yield (
            f"A dry run of undoing load {number} of {name}: nothing was changed.",
            f"试运行撤销第 {number} 次加载（{name}）：未作任何更改。",
        )
    else:
        yield (
            f"Load {receipt.load} undoes load {number} of {name}.",
            f"第 {receipt.load} 次：已撤销第 {number} 次加载（{name}）。",
        )
    if receipt.retired:
        count = f"{receipt.retired:,}"
        yield f"Retired, because that load had made them: {count}.", f"该次加载新增、现已停用：{count} 个。"


def _print_findings(console: Console, receipt: Receipt) -> None:
    from rich.table import Table

    zh = language() == "zh"
    headings = (
        ("行", "主键", "字段", "值", "原因", "说明")
        if zh
        else ("row", "key", "field", "value", "reason", "in words")
    )
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
                str(shown["key"] or ""),
                str(shown["field"] or ""),
                value[:40],
                str(shown["reason"]),
                str(shown["text"]),
            )
        console.print(table)


@contextmanager
def extra() -> Iterator[None]:
    """Say in words what to install where the ``load`` extra is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ExtraMissing(package=error.name) from None
