"""Curtain-wall panels (幕墙板): one pane of a façade, a part of its building."""

from __future__ import annotations

from twin.kinds.model import Attribute, Choice, ClassCode, Identifier, Kind, Sum

_OURS = "ours"

GLASS = (
    Choice("tempered", "Tempered", "钢化玻璃", ("toughened", "钢化")),
    Choice("laminated", "Laminated", "夹层玻璃", ("夹胶玻璃", "夹胶")),
    Choice("insulating", "Insulating unit", "中空玻璃", ("igu", "double glazed", "中空")),
    Choice("tempered_laminated", "Tempered and laminated", "钢化夹胶玻璃", ("钢化夹层玻璃",)),
    Choice("heat_strengthened", "Heat strengthened", "半钢化玻璃", ("半钢化",)),
    Choice("float", "Float", "浮法玻璃", ("annealed", "普通玻璃")),
    Choice("stone", "Stone panel", "石材面板", ("石材",)),
    Choice("metal", "Metal panel", "金属面板", ("铝板", "aluminium panel")),
    Choice("other", "Other", "其他", ("其它",)),
)

MOUNTINGS = (
    Choice("exposed_frame", "Exposed frame", "明框", ("明框幕墙",)),
    Choice("hidden_frame", "Hidden frame", "隐框", ("隐框幕墙", "structural glazing")),
    Choice("semi_hidden_frame", "Semi-hidden frame", "半隐框", ("半隐框幕墙",)),
    Choice("point_supported", "Point supported", "点支式", ("点支承", "spider")),
    Choice("unitised", "Unitised", "单元式", ("单元式幕墙", "unitized")),
    Choice("other", "Other", "其他", ("其它",)),
)

CONDITIONS = (
    Choice("intact", "Intact", "完好", ("good", "ok", "正常")),
    Choice("cracked", "Cracked", "开裂", ("裂纹", "裂缝")),
    Choice("seal_failed", "Seal failed", "密封失效", ("开胶", "胶老化")),
    Choice("spontaneously_broken", "Spontaneously broken", "自爆", ("自爆破碎",)),
    Choice("loose", "Loose", "松动"),
    Choice("missing", "Missing", "缺失", ("丢失", "脱落")),
)

FACADES = (
    Choice("north", "North", "北", ("N", "北立面")),
    Choice("northeast", "North-east", "东北", ("NE", "东北立面")),
    Choice("east", "East", "东", ("E", "东立面")),
    Choice("southeast", "South-east", "东南", ("SE", "东南立面")),
    Choice("south", "South", "南", ("S", "南立面")),
    Choice("southwest", "South-west", "西南", ("SW", "西南立面")),
    Choice("west", "West", "西", ("W", "西立面")),
    Choice("northwest", "North-west", "西北", ("NW", "西北立面")),
)

KIND = Kind(
    name="glass_panel",
    plural="glass_panels",
    en="Curtain-wall panel",
    zh="幕墙板",
    geometry=("Point", "LineString", "Polygon", "MultiPolygon"),
    classes=(ClassCode("2154", "Curtain-wall panel", "幕墙板", "ours; a city replaces it"),),
    attributes=(
        Attribute(
            "glass",
            "choice",
            "Panel type",
            "面板类型",
            _OURS,
            choices=GLASS,
            names=("glass_type", "玻璃类型", "玻璃种类", "材质"),
            indexed=True,
            fallback="other",
        ),
        Attribute(
            "mounting",
            "choice",
            "Mounting",
            "幕墙形式",
            _OURS,
            choices=MOUNTINGS,
            names=("安装形式", "支承形式"),
            fallback="other",
        ),
        Attribute(
            "facade", "choice", "Façade", "立面", _OURS, choices=FACADES, names=("朝向", "orientation")
        ),
        Attribute("floor", "integer", "Floor", "所在楼层", _OURS, names=("楼层", "level"), indexed=True),
        Attribute("panel_column", "text", "Panel column", "列号", _OURS, names=("分格号", "轴线号")),
        Attribute("width", "number", "Panel width", "板宽", _OURS, unit="mm", names=("宽度",), minimum=0),
        Attribute("height", "number", "Panel height", "板高", _OURS, unit="mm", names=("高度",), minimum=0),
        Attribute(
            "thickness", "number", "Thickness", "厚度", _OURS, unit="mm", names=("板厚", "总厚度"), minimum=0
        ),
        Attribute(
            "panel_area", "number", "Panel area", "板面积", _OURS, unit="m²", names=("面积",), minimum=0
        ),
        Attribute("elevation", "number", "Height above ground", "离地高度", _OURS, unit="m", names=("标高",)),
        Attribute("maker", "text", "Maker", "生产厂家", _OURS, names=("manufacturer", "玻璃厂家")),
        Attribute("sealant", "text", "Sealant", "结构胶", _OURS, names=("密封胶", "胶型号")),
        Attribute(
            "last_inspection",
            "date",
            "Last inspection",
            "上次检查日期",
            _OURS,
            names=("检查日期",),
            indexed=True,
        ),
        Attribute(
            "condition",
            "choice",
            "Condition",
            "完好状态",
            _OURS,
            choices=CONDITIONS,
            names=("ObjState", "状况"),
            indexed=True,
        ),
    ),
    identifiers=(
        Identifier(
            "panel_number",
            "Panel number",
            "板块编号",
            "the façade maker's own",
            names=("panel_id", "面板编号", "板号"),
        ),
    ),
    sums=(Sum("panel_area", "panel_area", "m²", "Panel area", "板面积"),),
    names={"parent": ("building", "building_number", "BIN", "楼栋编号", "所在建筑", "building_key")},
    parents=("building",),
    relation="part_of",
    parents_by_place=True,
    words=(
        "glass_panes",
        "curtain_wall",
        "curtain_walls",
        "curtain_wall_panels",
        "玻璃幕墙",
        "幕墙",
        "幕墙板块",
    ),
)
