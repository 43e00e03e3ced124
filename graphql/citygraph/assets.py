"""The interface of every asset, an object type for each kind, and their connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strawberry import ID

from citygraph import enums, geometries, objects
from citygraph.errors import NameTaken
from citygraph.making import Member, argument, complete, declare, many, object_type, typed
from citygraph.relatives import children, children_of
from citygraph.scalars import JSON, Cell, Date, DateTime
from twin.kinds import Kind
from twin.kinds.model import Attribute
from twin.registry.query.names import attribute_label, camel, pascal
from twin.registry.query.position import position

_TYPES: Mapping[str, Any] = {"text": str, "integer": int, "number": float, "boolean": bool, "date": Date}


class Assets:
    """The asset types of the kinds that there are."""

    def __init__(self, kinds: Mapping[str, Kind], kind_enum: Any, where: type, load: type) -> None:
        self.asset = declare("Asset")
        self.connection = declare("AssetConnection")
        common = _common(self.asset, self.connection, kind_enum, where, load)
        names = {kind.name: pascal(kind.name) for kind in kinds.values()}
        by_constant = {name.upper(): type_name for name, type_name in names.items()}
        self.asset.resolve_type = staticmethod(lambda row, _info, _type: by_constant[row["kind"]])  # type: ignore[attr-defined]
        complete(
            self.asset,
            common,
            "A physical asset of the city: what every kind has in common.",
            "城市实体资产：各种类的共同部分。",
            is_interface=True,
        )
        connection_type(self.connection, self.asset, "assets", "资产")
        taken = {member.name for member in common}
        self.of_kind = {kind.name: self._type(kind, names[kind.name], taken) for kind in kinds.values()}
        self.connections = {
            kind.name: connection_type(
                declare(f"{names[kind.name]}Connection"), self.of_kind[kind.name], kind.en.lower(), kind.zh
            )
            for kind in kinds.values()
        }
        self.near = object_type(
            "NearAsset",
            [
                Member("distance", float, "The distance in metres.", "距离（米）。", nullable=False),
                Member("asset", self.asset, "The asset.", "资产。", nullable=False),
            ],
            "An asset and how far it is.",
            "资产及其距离。",
        )

    def _type(self, kind: Kind, name: str, taken: set[str]) -> type:
        members = [_attribute(kind, attribute) for attribute in kind.attributes]
        for member in members:
            if member.name in taken:
                raise NameTaken(kind=kind.name, name=member.name)
        return complete(declare(name, (self.asset,)), members, kind.en, kind.zh)


def _attribute(kind: Kind, attribute: Attribute) -> Member:
    unit = f", {attribute.unit}" if attribute.unit else ""
    type_ = _TYPES.get(attribute.type) or enums.choice_enum(kind, attribute)
    words = (f"{attribute.en}{unit}. Source: {attribute.source}.", f"{attribute.zh}{unit}。")
    return Member(camel(attribute.name), type_, *words, key=attribute_label(kind, attribute))


def connection_type(connection: type, node: type, en: str, zh: str) -> type:
    edge = object_type(
        connection.__name__.replace("Connection", "Edge"),
        [
            Member("cursor", str, "The place in the list.", "在列表中的位置。", nullable=False),
            Member("node", node, "What stands there.", "该条内容。", nullable=False),
        ],
        f"A place in a list of {en}.",
        f"{zh}列表中的一条。",
    )
    return complete(
        connection,
        [
            Member("edges", many(edge), "The page with its cursors.", "本页及游标。", nullable=False),
            Member("nodes", many(node), "The page.", "本页。", nullable=False),
            Member("pageInfo", objects.PageInfo, "What lies around it.", "分页信息。", nullable=False),
            Member(
                "totalCount",
                int,
                "How many there are in all, counted only when asked for.",
                "总数，仅在请求时统计。",
                nullable=False,
            ),
        ],
        f"A page of a list of {en}.",
        f"{zh}列表的一页。",
    )


def _position(root: Any) -> Any:
    return position(root["position"])


def _common(asset: type, connection: type, kind_enum: Any, where: type, load: type) -> list[Member]:
    return [
        *_identity(kind_enum),
        *_place(),
        *_responsible(),
        *_origin(load),
        *_relatives(asset, connection, where),
    ]


def _identity(kind_enum: Any) -> list[Member]:
    return [
        Member("code", ID, "The asset code, as it is printed.", "身份码，印刷形式。", nullable=False),
        Member("scheme", str, "The scheme that reads the code.", "编码方案。", nullable=False),
        Member("kind", kind_enum, "What it is.", "种类。", nullable=False),
        Member("name", str, "Its name.", "名称。"),
        Member("address", str, "Its address.", "地址。"),
        Member("status", enums.Status, "Where it is in its life.", "状态。", nullable=False),
        Member("installed", Date, "Since when it has been in use.", "投用日期。"),
        Member(
            "identifiers",
            many(objects.Identifier),
            "The identifiers that it bears now.",
            "当前标识。",
            nullable=False,
        ),
        Member(
            "attributes",
            JSON,
            "The attributes of its kind, as they are stored.",
            "种类属性（存储值）。",
            nullable=False,
        ),
    ]


def _place() -> list[Member]:
    return [
        Member("division", objects.Division, "Where it stands.", "所在区划。", nullable=False),
        Member(
            "issuedIn", objects.Division, "Where its code was issued.", "身份码签发区划。", nullable=False
        ),
        Member(
            "position",
            objects.Position,
            "The point that stands for it.",
            "代表点。",
            resolver=typed(_position, objects.Position | None),
            of_value=lambda: position,
        ),
        geometries.geojson("geometry", "Its geometry.", "几何。"),
        geometries.wkt("wkt", "Its geometry as text.", "几何的文本。"),
        geometries.wkb("wkb", "Its geometry as it is stored, or simplified.", "几何，按存储值或简化后。"),
        Member("cell", Cell, "The H3 cell of resolution 15 at its position.", "代表点所在的 15 级 H3 网格。"),
        Member("surveyMethod", enums.SurveyMethod, "How its place became known.", "位置数据来源。"),
        Member("accuracy", float, "The accuracy of its place in metres.", "点位精度（米）。"),
    ]


def _responsible() -> list[Member]:
    return [
        Member("authority", objects.Organisation, "Who supervises it.", "主管部门。"),
        Member("owner", objects.Organisation, "Who owns it.", "权属单位。"),
        Member("maintainer", objects.Organisation, "Who maintains it.", "养护单位。"),
    ]


def _origin(load: type) -> list[Member]:
    return [
        Member("dataset", objects.Dataset, "The data set it comes from.", "来源数据集。", nullable=False),
        Member("sourceKey", str, "Its key in the data set.", "在数据集中的编号。", nullable=False),
        Member(
            "furtherSources",
            many(objects.Source),
            "The other data sets that describe it, and its keys in them.",
            "描述它的其他数据集及其中的编号。",
            nullable=False,
        ),
        Member("load", load, "The load that last changed it.", "最近更新它的导入。"),
        Member("rowNumber", int, "The row of the file.", "文件中的行号。"),
        Member("validFrom", DateTime, "Since when it has been as it is.", "现状生效时间。", nullable=False),
        Member("updated", DateTime, "Since when the registry has known.", "登记更新时间。", nullable=False),
    ]


def _relatives(asset: type, connection: type, where: type) -> list[Member]:
    resolver = typed(
        children,
        connection,
        where=argument(where | None, "Which of them.", "筛选条件。"),
        first=argument(int | None, "How many, 20 unless given.", "条数，默认 20。"),
        after=argument(str | None, "The cursor after which to begin.", "起始游标。"),
    )
    return [
        Member("parent", asset, "The asset that it belongs to.", "所属资产。"),
        Member("relation", str, "How it belongs to its parent.", "与所属资产的关系。"),
        Member(
            "children",
            connection,
            "The assets that belong to it, by code.",
            "下属资产，按身份码排列。",
            nullable=False,
            resolver=resolver,
            of_value=children_of,
        ),
    ]
