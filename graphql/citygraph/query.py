"""The Query type: its fields, their arguments and their words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from citygraph import enums, inputs, objects, reports, resolvers
from citygraph.assets import Assets
from citygraph.inputs import Filters
from citygraph.loads import Loads
from citygraph.making import Member, argument, many, object_type, typed
from twin.kinds import Kind
from twin.registry.query.names import camel

_FIRST = argument(int | None, "How many, 20 unless given.", "条数，默认 20。")
_AFTER = argument(str | None, "The cursor after which to begin.", "起始游标。")
_WHERE = ("Which of them.", "筛选条件。")


def query_type(
    kinds: Mapping[str, Kind], kind_enum: Any, filters: Filters, assets: Assets, loads: Loads
) -> type:
    """Query, for the kinds that there are."""
    where = argument(filters.asset | None, *_WHERE)
    members = [
        _asset(assets),
        _assets(assets, where),
        *(_of_kind(kind, filters, assets) for kind in kinds.values()),
        *_places(assets, where),
        _groups(kinds, where),
        *_loads(kind_enum, loads),
        *_registry(kind_enum),
        *reports.members(kind_enum),
    ]
    return object_type("Query", members, "What can be asked of the registry.", "可向登记库查询的内容。")


def _asset(assets: Assets) -> Member:
    code = argument(str | None, "Its code, in any written form.", "身份码，任意写法。")
    identifier = argument(inputs.Identifier | None, "An identifier that it bears.", "所带的标识。")
    return Member(
        "asset",
        assets.asset,
        "One asset, by its code or by an identifier. Codes of merged assets still lead to them.",
        "按身份码或标识查一项资产；已合并资产的旧码仍可用。",
        resolver=typed(resolvers.asset, assets.asset | None, code=code, identifier=identifier),
    )


def _assets(assets: Assets, where: Any) -> Member:
    resolver = typed(
        resolvers.assets,
        assets.connection,
        codes=argument(
            list[str] | None,
            "These, in this order. Those that nobody bears are left out; one that is no code is an error.",
            "按此顺序的身份码。没有资产使用的从略；不是身份码的报错。",
        ),
        where=where,
        order_by=argument(enums.order_enum(None) | None, "CODE unless given.", "默认 CODE。"),
        first=_FIRST,
        after=_AFTER,
    )
    return Member(
        "assets",
        assets.connection,
        "Assets of every kind: a list of codes in the order asked, else a page of what a filter selects.",
        "各种类资产：按所给身份码顺序，或按筛选条件分页。",
        nullable=False,
        resolver=resolver,
    )


def _of_kind(kind: Kind, filters: Filters, assets: Assets) -> Member:
    resolver = typed(
        resolvers.assets_of(kind),
        assets.connections[kind.name],
        where=argument(filters.of_kind[kind.name] | None, *_WHERE),
        order_by=argument(enums.order_enum(kind) | None, "CODE unless given.", "默认 CODE。"),
        first=_FIRST,
        after=_AFTER,
    )
    words = (f"{kind.en}: a page of those that a filter selects.", f"{kind.zh}：按筛选条件分页。")
    return Member(
        camel(kind.plural), assets.connections[kind.name], *words, nullable=False, resolver=resolver
    )


def _places(assets: Assets, where: Any) -> list[Member]:
    nearest = typed(
        resolvers.nearest,
        many(assets.near),
        position=argument(inputs.Position, "From where.", "起点。"),
        first=_FIRST,
        where=where,
    )
    cells = typed(
        resolvers.cells,
        many(objects.CellCount),
        resolution=argument(int, "The resolution of the cells, 0 to 15.", "网格分辨率，0 到 15。"),
        where=where,
    )
    return [
        Member(
            "nearest",
            many(assets.near),
            "The assets nearest to a position, by metres on the ellipsoid.",
            "距某位置最近的资产（椭球面距离，米）。",
            nullable=False,
            resolver=nearest,
        ),
        Member(
            "cells",
            many(objects.CellCount),
            "How many assets each H3 cell holds: those whose own cell descends from it.",
            "各 H3 网格的资产数（自身网格隶属于该网格者）。",
            nullable=False,
            resolver=cells,
        ),
    ]


def _groups(kinds: Mapping[str, Kind], where: Any) -> Member:
    by = argument(enums.group_enum(kinds), "What they are counted by.", "统计依据。")
    return Member(
        "groups",
        many(objects.Group),
        "How many assets share a value, most first; by an attribute only kinds that have it count.",
        "按共同值统计资产数，多者在前；按属性统计时仅计有此属性的种类。",
        nullable=False,
        resolver=typed(resolvers.groups, many(objects.Group), by=by, where=where),
    )


def _registry(kind_enum: Any) -> list[Member]:
    kind_info, itself = objects.kind_info(kind_enum), _registry_type()
    return [
        *_divisions(),
        Member(
            "kinds",
            many(kind_info),
            "The kinds of assets, and their attributes.",
            "资产种类及其属性。",
            nullable=False,
            resolver=typed(resolvers.kinds, many(kind_info)),
        ),
        Member(
            "registry",
            itself,
            "The registry itself.",
            "登记库自身。",
            nullable=False,
            resolver=typed(resolvers.registry_itself, itself),
        ),
    ]


def _loads(kind_enum: Any, loads: Loads) -> list[Member]:
    one = typed(resolvers.load, loads.load | None, number=argument(int, "Its number.", "编号。", "id"))
    several = typed(
        resolvers.loads,
        loads.connection,
        dataset=argument(str | None, "Of this data set.", "属于此数据集。"),
        kind=argument(kind_enum | None, "Of this kind.", "属于此种类。"),
        first=_FIRST,
        after=_AFTER,
    )
    return [
        Member("load", loads.load, "A load, by its number.", "按编号查一次导入。", resolver=one),
        Member(
            "loads",
            loads.connection,
            "Loads, newest first.",
            "历次导入，新的在前。",
            nullable=False,
            resolver=several,
        ),
    ]


def _divisions() -> list[Member]:
    one = typed(
        resolvers.division,
        objects.Division | None,
        code=argument(str, "Its code.", "区划代码。"),
    )
    several = typed(
        resolvers.divisions,
        many(objects.Division),
        level=argument(int | None, "Of this level: 6 districts, 8 streets.", "级别：6 区县、8 街镇。"),
        parent=argument(str | None, "Directly within this division.", "直属该区划。"),
        first=_FIRST,
        after=argument(str | None, "The code of the last one seen.", "上一页末条的区划代码。"),
    )
    return [
        Member("division", objects.Division, "A recorded division.", "一个已登记区划。", resolver=one),
        Member(
            "divisions",
            many(objects.Division),
            "Recorded divisions, by code.",
            "已登记区划，按代码排列。",
            nullable=False,
            resolver=several,
        ),
    ]


def _registry_type() -> type:
    return object_type(
        "Registry",
        [
            Member(
                "home",
                objects.Division,
                "The division that it is at home in.",
                "所属区划。",
                resolver=typed(resolvers.home, objects.Division | None),
            ),
            Member(
                "datasets",
                many(objects.Dataset),
                "The data sets that assets come from.",
                "资产来源数据集。",
                nullable=False,
                resolver=typed(resolvers.datasets, many(objects.Dataset)),
            ),
            Member(
                "extent",
                many(float),
                "The box around every asset: west, south, east, north, in degrees.",
                "全部资产的外接范围：西、南、东、北（度）。",
                resolver=typed(resolvers.extent, list[float] | None),
            ),
        ],
        "The registry itself.",
        "登记库自身。",
    )
