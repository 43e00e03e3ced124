"""Why a row was rejected or warned about: stable reason codes and their words.

A rejected row is left out; a row with a warning is loaded without the value in question, or as the words say.
Rows are rejected only where the asset cannot be told from others or placed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from twin.errors import Language
from twin.identity.checks import CHECKS

Words = tuple[str, str]

_TWIN: Final[Words] = (
    "Row {first} says the same of the same place under another key.",
    "与第 {first} 行位置及各值均相同，仅主键不同。",
)
_SUSPECTED: Final[Words] = (
    "It seems to be the asset {other} of another dataset.",
    "疑为另一数据集的资产 {other}。",
)

REJECTIONS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "row.fields": ("The line has more or fewer fields than the header.", "该行的字段数与表头不符。"),
        "row.total": ("It is a total or a remark, no asset.", "该行是合计或备注，不是资产。"),
        "row.feature": ("It is no GeoJSON feature.", "不是 GeoJSON 要素。"),
        "kind.other": ("It is an asset of another kind.", "该行是其他种类的资产。"),
        "row.twin": _TWIN,
        "asset.suspected": _SUSPECTED,
        "key.missing": ("The key is empty.", "主键为空。"),
        "key.duplicate": ("Row {first} has the same key.", "与第 {first} 行主键相同。"),
        "key.other_file": (
            "A row of {file}, which was loaded together with this file, has the same key.",
            "与一同加载的文件 {file} 中的一行主键相同。",
        ),
        "key.registered": ("The asset {other} has this key already.", "资产 {other} 已使用该主键。"),
        "delete.unknown": (
            "It says that its asset is gone, and no asset has its key.",
            "该行表示删除，而没有使用该主键的资产。",
        ),
        "key.too_long": ("The key has more than {limit} characters.", "主键超过 {limit} 个字符。"),
        "key.no_place": (
            "No column is the key, so the position is, and the row has none that can be read.",
            "没有主键列，以位置为主键，而该行没有可读的位置。",
        ),
        "geometry.unreadable": (
            "It cannot be read: no numbers, broken, or a ring of too few points.",
            "无法读取：不是数值、已损坏，或环的点数太少。",
        ),
        "geometry.incomplete": (
            "In this file its ways close no area: the edge of the extract cuts it.",
            "在此文件中其组成线不闭合成面：被数据边缘裁切。",
        ),
        "geometry.invalid": ("The geometry cannot be repaired: {problem}", "几何无法修复：{problem}"),
        "geometry.type": ("A {kind} is no {found}.", "{kind} 的几何类型不能是 {found}。"),
        "geometry.not_finite": ("A coordinate is no finite number.", "坐标不是有限数值。"),
        "geometry.null_island": ("The position is 0,0: it was never filled in.", "坐标为 0,0，即未填写。"),
        "geometry.swapped": (
            "x and y are exchanged: the other way round it lies in a registered division.",
            "x、y 颠倒：对调后位于已登记的区划内。",
        ),
        "pipe.dangling": (
            "A pipe's end names a point that the point tables do not have, or that has no position.",
            "管线端点的点号在点表中不存在，或该点没有坐标。",
        ),
        "gtfs.route_unknown": (
            "All of the vehicle's trips are on routes that routes.txt does not have.",
            "该车辆的全部班次所属线路均不在 routes.txt 中。",
        ),
        "crs.outside": (
            "The position lies outside the area where the coordinate system is used.",
            "位置在坐标系的适用区域之外。",
        ),
        "division.unknown": (
            "No division holds the position, the row names none, and there is no home.",
            "位置不在任何区划内，该行未注明区划，也未设所在区划。",
        ),
        "code.taken": ("The code is that of another asset: {other}.", "该身份码属于另一资产：{other}。"),
        "code.duplicate": ("Row {first} has the same code.", "与第 {first} 行身份码相同。"),
        "identifier.taken": ("The asset {other} bears it already.", "资产 {other} 已使用该标识。"),
        "identifier.duplicate": ("Row {first} bears it already.", "第 {first} 行已使用该标识。"),
        "undo.changed_since": (
            "{by} has changed it since; it stays as it is.",
            "{by_zh}已将其更改，保持现状。",
        ),
    }
)

_MISREAD: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "malformed": ("This is not how it is written; it was left out.", "格式不符，未录入。"),
        "checkdigit": ("The check digit is wrong; it was left out.", "校验码不符，未录入。"),
        "date": ("The date in it is impossible; it was left out.", "其中的日期无效，未录入。"),
    }
)

WARNINGS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "choice.unknown": ("None of the field's values; it was left out.", "不是该字段的取值，未录入。"),
        "number.invalid": ("This is no number; it was left out.", "不是数值，未录入。"),
        "number.not_whole": ("This is no whole number; it was left out.", "不是整数，未录入。"),
        "number.range": ("Outside {range}; it was left out.", "超出 {range}，未录入。"),
        "date.invalid": ("This is no date; it was left out.", "不是日期，未录入。"),
        "date.ambiguous": (
            "Day or month first? It was left out; say `order` in the mapping.",
            "日与月的次序不明，未录入；请在映射中注明 `order`。",
        ),
        "date.imprecise": (
            "Only the year or month is known: its first day is meant.",
            "仅知年或月，取其首日。",
        ),
        "boolean.invalid": ("Neither yes nor no; it was left out.", "既非是也非否，未录入。"),
        "text.too_long": (
            "It has more than {limit} characters; it was left out.",
            "超过 {limit} 个字符，未录入。",
        ),
        "text.mojibake": (
            "Garbled: Chinese in UTF-8 that was read in another encoding. It was left as it came.",
            "乱码：UTF-8 中文被按其他编码读取。保留原文。",
        ),
        "geometry.repaired": ("{repair}", "{repair_zh}"),
        "row.twin": _TWIN,
        "asset.suspected": _SUSPECTED,
        "asset.linked": (
            "It is a further source of the asset {other}, which another dataset registered.",
            "作为另一数据集所登记资产 {other} 的又一来源。",
        ),
        "geometry.missing": ("It has no position; it was loaded without one.", "没有位置，按无位置录入。"),
        "division.unlisted": ("No such division is registered; it was not used.", "没有登记该区划，未采用。"),
        "parent.unknown": ("No such asset to belong to is registered yet.", "所属资产尚未登记。"),
        "identifier.shared": (
            "{other} bears it already; it finds that one only.",
            "{other} 已使用该标识；按此标识只能查到前者。",
        ),
        "undo.identifier_taken": (
            "The asset {other} bears it now; it was not given back.",
            "资产 {other} 现已使用该标识，未予恢复。",
        ),
        "code.differs": ("The asset keeps its code {other}.", "该资产保留原身份码 {other}。"),
        "code.malformed": (
            "No code scheme reads it; kept as an identifier.",
            "不符合编码方案，作为标识保留。",
        ),
        "code.checkdigit": ("Its check digit is wrong; kept as an identifier.", "校验码不符，作为标识保留。"),
        "code.division": (
            "Its division issues codes by another scheme; kept as an identifier.",
            "其区划采用其他编码方案，作为标识保留。",
        ),
        "code.class": (
            "Its class is not this kind's; kept as an identifier.",
            "其类别不属此种类，作为标识保留。",
        ),
        **{f"identifier.{check}.{what}": words for check in CHECKS for what, words in _MISREAD.items()},
    }
)


def text(reason: str, facts: Mapping[str, str], lang: Language) -> str:
    """The reason in words."""
    en, zh = REJECTIONS.get(reason) or WARNINGS[reason]
    return (zh if lang == "zh" else en).format_map(facts)
