"""Enums: what can be chosen from, some of it by the kinds that there are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from citygraph.making import enum_type
from twin.kinds import Kind
from twin.kinds.common import STATUS, SURVEY_METHODS
from twin.kinds.model import Attribute, Choice
from twin.registry.query.counts import group_keys
from twin.registry.query.names import constant, pascal
from twin.registry.query.ordering import DESCENDING, orders
from twin.registry.query.places import CELL_MODES


def _choices(choices: tuple[Choice, ...]) -> dict[str, tuple[str, str]]:
    return {constant(choice.value): (choice.en, choice.zh) for choice in choices}


Status = enum_type("Status", _choices(STATUS), "Where an asset is in its life.", "资产所处状态。")
SurveyMethod = enum_type(
    "SurveyMethod", _choices(SURVEY_METHODS), "How an asset's place became known.", "位置数据来源。"
)
CellMode = enum_type(
    "CellMode",
    dict(
        zip(
            CELL_MODES,
            (
                ("Assets whose own cell descends from the cell.", "资产自身网格隶属于该网格。"),
                ("Assets whose geometry meets the hexagon itself.", "资产几何与该六边形相交。"),
            ),
            strict=True,
        )
    ),
    "What it means to be in a cell.",
    "“在网格内”的含义。",
)


def kind_enum(kinds: Mapping[str, Kind]) -> Any:
    """The kinds of assets."""
    values = {constant(kind.name): (kind.en, kind.zh) for kind in kinds.values()}
    return enum_type("Kind", values, "A kind of asset.", "资产种类。")


def choice_enum(kind: Kind, attribute: Attribute) -> Any:
    """The values of an attribute that is chosen from a list: one enum for output and input."""
    words = (f"{attribute.en}: {kind.en.lower()}.", f"{kind.zh}的{attribute.zh}。")
    return _choice_enum(pascal(kind.name) + pascal(attribute.name), attribute.choices, words)


@lru_cache(maxsize=1_024)
def _choice_enum(name: str, choices: tuple[Choice, ...], words: tuple[str, str]) -> Any:
    return enum_type(name, _choices(choices), *words)


def order_enum(kind: Kind | None) -> Any:
    """What assets, or those of a kind, can be ordered by."""
    name = "AssetOrder" if kind is None else f"{pascal(kind.name)}Order"
    values = {value: _direction(value, kind) for value in orders(kind)}
    return enum_type(
        name, values, "An order; assets without the value come last.", "排序；无此值的资产排在最后。"
    )


def _direction(value: str, kind: Kind | None) -> tuple[str, str]:
    name = value.removesuffix(DESCENDING)
    en, zh = _SORTING_WORDS.get(name) or _attribute_words(name, kind)
    return (f"{en}, descending.", f"{zh}，降序。") if value.endswith(DESCENDING) else (f"{en}.", f"{zh}。")


_SORTING_WORDS = {
    "CODE": ("By code", "按身份码"),
    "CELL": ("By H3 cell: what is near in the list is near on the ground", "按 H3 网格，相邻者相近"),
    "NAME": ("By name", "按名称"),
    "INSTALLED": ("By date of installation", "按投用日期"),
    "UPDATED": ("By the moment of the last change", "按最近更新时间"),
}


def _attribute_words(name: str, kind: Kind | None) -> tuple[str, str]:
    attributes = kind.attributes if kind else ()
    attribute = next(a for a in attributes if constant(a.name) == name)
    return f"By {attribute.en.lower()}", f"按{attribute.zh}"


def group_enum(kinds: Mapping[str, Kind]) -> Any:
    """What assets can be grouped by."""
    words = {
        "KIND": ("By kind.", "按种类。"),
        "STATUS": ("By status.", "按状态。"),
        "DIVISION": ("By the division in which they stand.", "按所在区划。"),
        "DATASET": ("By the data set that they come from.", "按数据集。"),
    }
    for name, key in group_keys().items():
        if name not in words:
            owners = [kinds[owner] for owner in key.kinds]
            attribute = next(a for a in owners[0].attributes if constant(a.name) == name)
            en, zh = ", ".join(k.en.lower() for k in owners), "、".join(k.zh for k in owners)
            words[name] = (f"By {attribute.en.lower()}: {en}.", f"按{attribute.zh}：{zh}。")
    return enum_type("GroupBy", words, "What assets are counted by.", "分组统计的依据。")
