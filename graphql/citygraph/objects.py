"""Object types that are the same whatever kinds there are."""

from __future__ import annotations

from typing import Any

from citygraph import geometries
from citygraph.making import Member, complete, declare, many, object_type
from citygraph.scalars import Cell

Division = declare("Division")
complete(
    Division,
    [
        Member("code", str, "Its code, such as 310115.", "区划代码，如 310115。", nullable=False),
        Member("name", str, "Its name; null where it is not recorded.", "名称；未登记则为空。"),
        Member(
            "level",
            int,
            "2 country, 4 province, 5 city, 6 district, 8 street or town, 10 community, 12 unit grid.",
            "2 国家、4 省、5 市、6 区县、8 街镇、10 社区、12 单元网格。",
        ),
        Member("parent", Division, "The division that it lies in.", "上级区划。"),
        Member("path", many(Division), "From the top down to itself.", "自上而下直至本级。", nullable=False),
        geometries.geojson("boundary", "Its boundary.", "边界。"),
    ],
    "A division: a district, street, community or unit grid.",
    "区划：区县、街镇、社区或单元网格。",
)
Position = object_type(
    "Position",
    [
        Member("lon", float, "Longitude of WGS 84 in degrees.", "经度（WGS 84，度）。", nullable=False),
        Member("lat", float, "Latitude of WGS 84 in degrees.", "纬度（WGS 84，度）。", nullable=False),
    ],
    "The point that stands for an asset: the point itself; the middle of the longest line; "
    "a point on the largest surface.",
    "代表资产的点：点本身；最长线的中点；最大面上的一点。",
)
Organisation = object_type(
    "Organisation",
    [
        Member(
            "key", str, "Its code where one is known, else its name.", "代码，未知则为名称。", nullable=False
        ),
        Member("name", str, "Its name.", "名称。", nullable=False),
    ],
    "An organisation that answers for assets.",
    "对资产负责的单位。",
)
Identifier = object_type(
    "Identifier",
    [
        Member("scheme", str, "What kind of identifier, such as vin.", "标识类别，如 vin。", nullable=False),
        Member(
            "issuer",
            str,
            "The data set within which it is unique; empty: everywhere.",
            "在哪个数据集内唯一；空为全局唯一。",
            nullable=False,
        ),
        Member("value", str, "The value.", "标识值。", nullable=False),
    ],
    "An identifier of another scheme that an asset bears now.",
    "资产当前所带的其他标识。",
)
Dataset = object_type(
    "Dataset",
    [
        Member("name", str, "Its name.", "名称。", nullable=False),
        Member("attribution", str, "Whom to name as its source.", "来源署名。"),
    ],
    "A set of data that assets come from.",
    "资产来源数据集。",
)
Source = object_type(
    "Source",
    [
        Member("dataset", Dataset, "The data set.", "数据集。", nullable=False),
        Member("sourceKey", str, "The asset's key in it.", "资产在其中的编号。", nullable=False),
    ],
    "A further data set that describes an asset which another one registered.",
    "描述同一资产的另一数据集。",
)
PageInfo = object_type(
    "PageInfo",
    [
        Member("hasNextPage", bool, "Whether more follow.", "后面是否还有。", nullable=False),
        Member("hasPreviousPage", bool, "Whether some came before.", "前面是否还有。", nullable=False),
        Member("startCursor", str, "The cursor of the first.", "首条游标。"),
        Member("endCursor", str, "The cursor of the last: give it as after.", "末条游标，用作 after。"),
    ],
    "What lies around a page.",
    "分页信息。",
)
Total = object_type(
    "Total",
    [
        Member("kind", str, "The kind of the assets.", "资产种类。", nullable=False),
        Member("name", str, "What is added up.", "合计项。", nullable=False),
        Member("en", str, "In English.", "英文。", nullable=False),
        Member("zh", str, "In Chinese.", "中文。", nullable=False),
        Member("unit", str, "The unit.", "单位。", nullable=False),
        Member("value", float, "How much, to a thousandth.", "合计值，精确到千分之一。", nullable=False),
    ],
    "What the assets of a kind have in all.",
    "某种类资产的合计。",
)
_SUMS = Member(
    "sums",
    many(Total),
    "What their kinds add up, for each kind that occurs.",
    "各资产种类的合计项。",
    nullable=False,
)
CellCount = object_type(
    "CellCount",
    [
        Member("cell", Cell, "The cell.", "网格。", nullable=False),
        Member("count", int, "How many assets it holds.", "资产数。", nullable=False),
        _SUMS,
    ],
    "How many assets an H3 cell holds.",
    "某 H3 网格内的资产数。",
)
Group = object_type(
    "Group",
    [
        Member("key", str, "What they share; null for those that have no value.", "共同的值；无值则为空。"),
        Member("count", int, "How many assets.", "资产数。", nullable=False),
        _SUMS,
    ],
    "How many assets share a value.",
    "具有同一值的资产数。",
)
Choice = object_type(
    "ChoiceInfo",
    [
        Member("value", str, "As it is stored.", "存储值。", nullable=False),
        Member("en", str, "In English.", "英文。", nullable=False),
        Member("zh", str, "In Chinese.", "中文。", nullable=False),
    ],
    "A value that an attribute may have.",
    "属性的一个可选值。",
)
AttributeInfo = object_type(
    "AttributeInfo",
    [
        Member("name", str, "As it is stored in attributes.", "attributes 中的名称。", nullable=False),
        Member("field", str, "The field of the kind's type.", "种类类型中的字段名。", nullable=False),
        Member("type", str, "text, integer, number, boolean, date or choice.", "数据类型。", nullable=False),
        Member("unit", str, "The unit of its values.", "单位。"),
        Member("en", str, "In English.", "英文名。", nullable=False),
        Member("zh", str, "In Chinese.", "中文名。", nullable=False),
        Member("source", str, "Where it comes from.", "出处。", nullable=False),
        Member(
            "indexed",
            bool,
            "Whether one can order and group by it.",
            "能否按其排序和分组。",
            nullable=False,
        ),
        Member("choices", many(Choice), "The values it may have.", "可选值。", nullable=False),
    ],
    "An attribute of a kind.",
    "种类的一个属性。",
)


def kind_info(kind_enum: Any) -> type:
    """What the registry knows of a kind."""
    return object_type(
        "KindInfo",
        [
            Member("kind", kind_enum, "The kind.", "种类。", nullable=False),
            Member("en", str, "In English.", "英文名。", nullable=False),
            Member("zh", str, "In Chinese.", "中文名。", nullable=False),
            Member(
                "field",
                str,
                "The field of Query that lists its assets.",
                "列出其资产的查询字段。",
                nullable=False,
            ),
            Member("geometry", list[str], "Its geometry types.", "几何类型。", nullable=False),
            Member("attributes", many(AttributeInfo), "Its attributes.", "属性。", nullable=False),
        ],
        "A kind of asset, and its attributes.",
        "资产种类及其属性。",
    )
