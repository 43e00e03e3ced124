"""``twin loads``: what was loaded, each load's receipt, and the undoing of a load."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from twin.cli.console import note, say, say_json
from twin.cli.load import COUNTS, extra, print_receipt
from twin.errors import language

Record = Mapping[str, Any]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON. 输出 JSON。")]
NumberArgument = Annotated[int, typer.Argument(metavar="ID", help="The load's number. 加载编号。")]

HEADINGS = {
    "en": ("load", "ended (UTC)", "dataset", "kind", "source", *COUNTS["en"], ""),
    "zh": ("编号", "结束（UTC）", "数据集", "种类", "来源", *COUNTS["zh"], ""),
}


def register(app: typer.Typer) -> None:
    """Add ``twin loads`` and its subcommands to the command line."""
    group = typer.Typer(
        help="What was loaded, and its undoing. 历次加载及其撤销。", invoke_without_command=True
    )
    group.callback()(listed)
    group.command()(show)
    group.command("undo")(undo_load)
    app.add_typer(group, name="loads")


def listed(
    context: typer.Context,
    *,
    dataset: Annotated[
        str | None, typer.Option("--dataset", metavar="NAME", help="Only of this dataset. 仅此数据集。")
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="K", help="Only of this kind. 仅此种类。")
    ] = None,
    before: Annotated[
        int | None, typer.Option("--before", metavar="ID", min=0, help="Only older ones. 仅更早的。")
    ] = None,
    first: Annotated[int, typer.Option("--first", metavar="N", min=1, help="At most N. 最多 N 次。")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List loads, newest first. 列出历次加载，新的在前。"""
    if context.invoked_subcommand is not None:
        return
    page = _page(dataset, kind, before, first)
    found = page["nodes"]
    if as_json:
        say_json(found)
        return
    if found:
        _print(found)
    else:
        note("Nothing was loaded yet, or nothing like this.", "尚无加载，或没有符合条件的加载。")
    if page["pageInfo"]["hasNextPage"]:
        last = page["pageInfo"]["endCursor"]
        note(f"There are older ones: --before {last}.", f"还有更早的加载：--before {last}。")


def show(number: NumberArgument, as_json: JsonOption = False) -> None:
    """Show a load's receipt again. 再次显示一次加载的回执。"""
    from citygraph.execution import ask_now

    with extra():
        from loaders.errors import LoadUnknown
        from loaders.receipt import Receipt

    load = ask_now("load", id=number)["load"] if number < 2**31 else None
    if load is None:
        raise LoadUnknown(load=number)
    receipt = Receipt.of_record(load["receipt"])
    if as_json:
        state = {
            "finished": load["finishedAt"],
            "unfinished": load["unfinished"],
            "undone_by": load["undoneBy"],
        }
        say_json({**receipt.as_json(language()), **state})
        return
    print_receipt(receipt)
    if load["unfinished"]:
        say(
            "Unfinished: a load in batches that stopped. Go on with --resume.",
            "未完成：分批加载中断，可用 --resume 继续。",
        )
    if load["undoneBy"] is not None:
        by = load["undoneBy"]
        say(f"Undone by load {by}.", f"已由第 {by} 次撤销。")


def undo_load(
    number: NumberArgument,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell only; change nothing. 仅说明，不更改。")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Undo a load: its assets get the state that they had before. 撤销一次加载，资产恢复此前状态。"""
    with extra():
        from loaders.undo import undo

    receipt = undo(number, dry_run=dry_run)
    if as_json:
        say_json(receipt.as_json(language()))
    else:
        print_receipt(receipt)
    if not receipt.changed:
        raise typer.Exit(1)


def _page(dataset: str | None, kind: str | None, before: int | None, first: int) -> Record:
    from citygraph.execution import ask_now
    from twin.kinds import kind as kind_called
    from twin.registry.query.names import constant
    from twin.settings import ApiSettings

    page: Record = ask_now(
        "loads",
        dataset=dataset,
        kind=None if kind is None else constant(kind_called(kind).name),
        first=min(first, ApiSettings.read().max_page),
        after=None if before is None else str(before),
    )["loads"]
    return page


def _print(loads: Sequence[Record]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for place, heading in enumerate(HEADINGS[language()]):
        table.add_column(heading, justify="right" if place == 0 or 5 <= place < 10 else "left")
    for load in loads:
        table.add_row(
            str(load["id"]),
            load["finishedAt"][:16].replace("T", " "),
            load["dataset"]["name"],
            load["kind"].lower(),
            load["source"],
            *(f"{load[name]:,}" for name in COUNTS["en"]),
            _remark(load),
        )
    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 200).print(table)


def _remark(load: Record) -> str:
    zh = language() == "zh"
    remarks = []
    if load["unfinished"]:
        remarks.append("未完成" if zh else "unfinished")
    if load["undoes"] is not None:
        remarks.append(f"撤销 {load['undoes']}" if zh else f"undoes {load['undoes']}")
    if load["undoneBy"] is not None:
        remarks.append(f"已由 {load['undoneBy']} 撤销" if zh else f"undone by {load['undoneBy']}")
    return ("；" if zh else "; ").join(remarks)
