"""Input types: filters as ``twin.registry.query.where`` reads them, with the members of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from citygraph import enums
from citygraph.errors import NameTaken
from citygraph.making import Member, complete, declare, input_type, many
from citygraph.scalars import Cell, Date, GeoJSON
from twin.kinds import Kind
from twin.kinds.model import Attribute, AttributeType
from twin.registry.query.conditions import OPERATORS
from twin.registry.query.names import camel, pascal

Position = input_type(
    "PositionInput",
    [
        Member("lon", float, "Longitude of WGS 84 in degrees.", "经度（WGS 84，度）。", nullable=False),
        Member("lat", float, "Latitude of WGS 84 in degrees.", "纬度（WGS 84，度）。", nullable=False),
    ],
    "A position.",
    "位置。",
)
Near = input_type(
    "NearInput",
    [
        Member("position", Position, "The middle.", "中心。", nullable=False),
        Member("metres", float, "The distance in metres.", "距离（米）。", nullable=False),
    ],
    "All that is within a distance, measured on the ellipsoid.",
    "按椭球面距离计算的范围。",
)
Cells = input_type(
    "CellsInput",
    [
        Member("cells", list[Cell], "H3 cells of any resolution.", "任意分辨率的 H3 网格。", nullable=False),
        Member("mode", enums.CellMode, "OWN unless given.", "默认为 OWN。"),
    ],
    "All that is in any of some cells.",
    "在任一网格内。",
)
Disk = input_type(
    "DiskInput",
    [
        Member("cell", Cell, "The cell in the middle.", "中心网格。", nullable=False),
        Member("steps", int, "How many cells outwards; 1 unless given.", "向外的圈数，默认为 1。"),
        Member("mode", enums.CellMode, "OWN unless given.", "默认为 OWN。"),
    ],
    "All that is in a cell or in those around it.",
    "在某网格及其周围网格内。",
)
Identifier = input_type(
    "IdentifierInput",
    [
        Member("scheme", str, "The scheme, such as vin; any unless given.", "标识类别，如 vin；省略则不限。"),
        Member("value", str, "The value, however it is written.", "标识值，写法不限。", nullable=False),
    ],
    "An identifier that an asset bears.",
    "资产所带的标识。",
)

_OPERATOR_WORDS = {
    "eq": ("Equal to.", "等于。"),
    "in": ("Equal to any of these.", "等于其中任一。"),
    "lt": ("Less than, or before.", "小于，或早于。"),
    "lte": ("Less than or equal to.", "小于等于。"),
    "gt": ("Greater than, or after.", "大于，或晚于。"),
    "gte": ("Greater than or equal to.", "大于等于。"),
    "isNull": ("Whether the asset lacks it.", "是否缺失。"),
    "contains": ("Contains the text.", "包含该文本。"),
    "startsWith": ("Begins with the text.", "以该文本开头。"),
}
_VALUE_TYPES: Mapping[AttributeType, Any] = {
    "text": str,
    "integer": int,
    "number": float,
    "date": Date,
    "boolean": bool,
}


def condition_type(name: str, type_: AttributeType, value: Any, en: str, zh: str) -> type:
    """The conditions that one can put on an attribute whose values are of the type ``value``."""

    def operand(operator: str) -> Any:
        if operator == "isNull":
            return bool
        return many(value) if operator == "in" else value

    members = [
        Member(operator, operand(operator), *_OPERATOR_WORDS[operator]) for operator in OPERATORS[type_]
    ]
    return input_type(f"{name}Condition", members, en, zh)


_CONDITIONS = {
    type_: condition_type(
        pascal(type_), type_, value, "Conditions, all of which must hold.", "条件，须全部满足。"
    )
    for type_, value in _VALUE_TYPES.items()
}


class Filters:
    """The filter types of the kinds that there are: ``asset`` for all, one for each kind."""

    def __init__(self, kinds: Mapping[str, Kind], kind_enum: Any) -> None:
        self.asset = declare("AssetWhere")
        self.of_kind = {name: declare(f"{pascal(name)}Where") for name in kinds}
        self.conditions: dict[tuple[str, str], Any] = {}
        for kind in kinds.values():
            where = self.of_kind[kind.name]
            own = [self._attribute(kind, attribute) for attribute in kind.attributes]
            complete(
                where,
                _distinct(kind, [*_common(), *own, *_junctions(where)]),
                f"A filter on {kind.en.lower()} assets; all members must hold.",
                f"对{kind.zh}的筛选条件，须全部满足。",
                is_input=True,
            )
        complete(
            self.asset,
            [
                Member("kinds", many(kind_enum), "Of any of these kinds.", "属于任一种类。"),
                *_common(),
                *(self._kind(kind) for kind in kinds.values()),
                *_junctions(self.asset),
            ],
            "A filter on assets; all members must hold. An empty list selects nothing.",
            "对资产的筛选条件，须全部满足。空列表不选中任何资产。",
            is_input=True,
        )

    def _kind(self, kind: Kind) -> Member:
        en = f"Assets that are of the kind {kind.en.lower()} and meet this filter."
        return Member(camel(kind.name), self.of_kind[kind.name], en, f"属于{kind.zh}且满足此条件。")

    def _attribute(self, kind: Kind, attribute: Attribute) -> Member:
        unit = f" ({attribute.unit})" if attribute.unit else ""
        type_ = _CONDITIONS.get(attribute.type) or condition_type(
            pascal(kind.name) + pascal(attribute.name),
            attribute.type,
            enums.choice_enum(kind, attribute),
            f"Conditions on {attribute.en.lower()}, all of which must hold.",
            f"对{attribute.zh}的条件，须全部满足。",
        )
        return Member(camel(attribute.name), type_, f"{attribute.en}{unit}.", f"{attribute.zh}{unit}。")


def _common() -> list[Member]:
    return [
        Member("status", many(enums.Status), "In any of these states.", "处于任一状态。"),
        Member(
            "division", str, "In this division or within it, by its code.", "位于该区划及其下级（区划代码）。"
        ),
        Member("datasets", list[str], "From any of these data sets.", "来自任一数据集。"),
        Member(
            "bbox",
            list[float],
            "Meets the box west, south, east, north, in degrees; west east of east crosses the antimeridian.",
            "与范围（西、南、东、北，度）相交；西大于东表示跨越 180° 经线。",
        ),
        Member("within", GeoJSON, "Lies within the polygon (ST_Within).", "位于多边形内部（ST_Within）。"),
        Member("intersects", GeoJSON, "Meets the geometry (ST_Intersects).", "与几何相交（ST_Intersects）。"),
        Member("near", Near, "Is within a distance of a position.", "距某位置一定距离内。"),
        Member("cells", Cells, "Is in any of these H3 cells.", "在任一 H3 网格内。"),
        Member("disk", Disk, "Is in an H3 cell or in those around it.", "在某 H3 网格及其周围。"),
        Member("identifiers", many(Identifier), "Bears any of these identifiers.", "带有任一标识。"),
        Member(
            "text",
            str,
            "Name, address or an identifier contains the text of two characters or more.",
            "名称、地址或标识包含该文本（至少两个字符）。",
        ),
    ]


def _junctions(where: type) -> list[Member]:
    return [
        Member("and", many(where), "All of these hold.", "全部满足。"),
        Member("or", many(where), "Any of these holds.", "满足任一。"),
        Member("not", where, "This does not hold.", "不满足此条件。"),
    ]


def _distinct(kind: Kind, members: list[Member]) -> list[Member]:
    """The members, of which no two may have one name. Raises ``NameTaken``."""
    names: set[str] = set()
    for member in members:
        if member.name in names:
            raise NameTaken(kind=kind.name, name=member.name)
        names.add(member.name)
    return members
