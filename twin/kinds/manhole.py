"""Manhole covers and gully grates (井盖、雨水箅子), classed by what runs below."""

from __future__ import annotations

from twin.kinds.model import Attribute, Choice, ClassCode, Identifier, InUnit, Kind, OsmSelector

_LIST = "GB/T 30428.2 minor class in deployed lists [S]"
_OURS = "ours"
_OSM = "OpenStreetMap wiki, Key:manhole [S]; words of Helsinki's mappers [V]"

MEDIA = (
    Choice("water_supply", "Water supply", "上水", ("JS", "water", "drinking water", "给水", "自来水")),
    Choice("wastewater", "Wastewater", "污水", ("WS", "sewer", "sewage", "sanitary")),
    Choice("stormwater", "Stormwater", "雨水", ("YS", "rainwater", "drain", "storm")),
    Choice("power", "Power", "电力", ("DL", "electricity", "GD", "供电")),
    Choice("street_lighting", "Street lighting", "路灯", ("LD",)),
    Choice("telecom", "Telecommunication", "通讯", ("TX", "telecoms", "通信", "communication")),
    Choice("heating", "District heating", "热力", ("RL", "heat", "供热")),
    Choice("gas", "Gas", "燃气", ("RQ", "TR", "天然气", "煤气")),
    Choice("unknown", "Unknown", "不明", ("BM", "yes", "其他", "其它", "other")),
)

_WELLS = (
    *("窨井", "检查井", "检修井", "阀门井", "阀井", "水表井", "消防井", "排气井", "排泥井", "测压井"),
    *("雨水井", "污水井", "电缆井", "接线井", "人孔", "人孔井", "手孔", "手孔井", "沉泥井", "跌水井"),
)
"""Appurtenances of pipe surveys that a cover lies on."""

FORMS = (
    Choice("cover", "Cover", "井盖", ("plain", "manhole", *_WELLS)),
    Choice(
        "grate",
        "Gully grate",
        "雨水箅子",
        ("箅子", "雨箅", "雨水箅", "雨篦", "雨篦子", "雨水篦", "雨水篦子", "雨水口", "drain grate"),
    ),
)

COVER_MATERIALS = (
    Choice("ductile_iron", "Ductile iron", "球墨铸铁", ("球铁",)),
    Choice("cast_iron", "Cast iron", "铸铁"),
    Choice("concrete", "Concrete", "混凝土", ("水泥", "钢纤维混凝土")),
    Choice("composite", "Composite", "复合材料", ("复合", "树脂", "玻璃钢")),
    Choice("steel", "Steel", "钢"),
    Choice("stone", "Stone", "石材"),
    Choice("other", "Other", "其他", ("其它",)),
)

SHAPES = (
    Choice("round", "Round", "圆形", ("circle", "circular", "圆")),
    Choice("square", "Square", "方形", ("方",)),
    Choice("rectangular", "Rectangular", "矩形", ("rectangle", "长方形")),
    Choice("other", "Other", "其他", ("其它",)),
)

CONDITIONS = (
    Choice("intact", "Intact", "完好", ("good", "ok", "正常")),
    Choice("damaged", "Damaged", "破损", ("broken", "损坏")),
    Choice("missing", "Missing", "丢失", ("缺失",)),
    Choice("obstructed", "Obstructed", "占用", ("covered", "压埋")),
)


def _class(code: str, medium: str, en: str, zh: str) -> ClassCode:
    return ClassCode(code, en, zh, _LIST, when={"medium": medium})


KIND = Kind(
    name="manhole",
    plural="manholes",
    en="Manhole",
    zh="井盖",
    # Helsinki's slot drains are ways, so that a line is a manhole's geometry too.
    geometry=("Point", "MultiPoint", "Polygon", "LineString"),
    classes=(
        ClassCode("2155", "Manhole cover of unknown use", "不明井盖", "ours; a city replaces it"),
        _class("0101", "water_supply", "Water supply cover", "上水井盖"),
        _class("0102", "wastewater", "Wastewater cover", "污水井盖"),
        _class("0103", "stormwater", "Stormwater cover", "雨水井盖"),
        _class("0105", "power", "Power cover", "电力井盖"),
        _class("0106", "street_lighting", "Street lighting cover", "路灯井盖"),
        _class("0107", "telecom", "Telecommunication cover", "通讯井盖"),
        _class("0110", "heating", "District heating cover", "热力井盖"),
        _class("0111", "gas", "Gas cover", "燃气井盖"),
        ClassCode("0104", "Gully grate", "雨水箅子", _LIST, when={"form": "grate"}),
    ),
    attributes=(
        Attribute(
            "medium",
            "choice",
            "Medium",
            "井盖类型",
            _LIST + "; " + _OSM,
            choices=MEDIA,
            names=("medium_code", "manhole", "substance", "utility", "井类型", "介质", "管类", "井盖种类"),
            indexed=True,
            fallback="unknown",
        ),
        Attribute(
            "form",
            "choice",
            "Form",
            "形式",
            _LIST,
            choices=FORMS,
            names=("cover_type", "井盖形式", "Subsid", "附属物"),
        ),
        Attribute(
            "material",
            "choice",
            "Material",
            "材质",
            _OURS,
            choices=COVER_MATERIALS,
            names=("cover_material", "井盖材质"),
            indexed=True,
            fallback="other",
        ),
        Attribute(
            "shape",
            "choice",
            "Shape",
            "形状",
            _OURS,
            choices=SHAPES,
            names=("hole:shape", "井盖形状"),
            fallback="other",
        ),
        Attribute(
            "size",
            "text",
            "Size",
            "规格",
            _OURS + ", in the source's words",
            names=("hole:diameter", "井盖规格", "尺寸"),
        ),
        Attribute(
            "pipe_diameter",
            "text",
            "Diameter of the pipe below",
            "管径",
            _OSM + ", in the source's words",
            names=("diameter",),
        ),
        Attribute(
            "depth",
            "number",
            "Well depth",
            "井深",
            "point table of CJJ 61 surveys, WellDeep [S]",
            unit="m",
            names=("WellDeep", "well_depth", "JS_depth"),
            indexed=True,
            minimum=0,
            maximum=200,
            in_units=(InUnit("cm", ("depth_cm",)),),
        ),
        Attribute(
            "load_class", "text", "Load class", "承载等级", "EN 124 and GB/T 23858 name such classes [M]"
        ),
        Attribute("lettering", "text", "Lettering", "盖面文字", _OSM, names=("label", "inscription")),
        Attribute(
            "condition",
            "choice",
            "Condition",
            "完好状态",
            "ObjState of GB/T 30428.2 [S]",
            choices=CONDITIONS,
            names=("ObjState", "状况", "部件状态"),
            indexed=True,
        ),
        Attribute("road", "text", "Road", "所在道路", _OURS, names=("道路", "道路名称", "路名")),
    ),
    identifiers=(
        Identifier(
            "manhole_number",
            "Manhole number",
            "井编号",
            "the operator's own; Exp_No of CJJ 61 point tables [S]",
            names=("ref", "Exp_No", "管点编号", "井号", "井盖编号"),
        ),
    ),
    osm=(OsmSelector("manhole"), OsmSelector("man_made", ("manhole",))),
    names={"name": ("井盖名称",)},
    parents=("pipeline",),
    relation="on",
    words=(
        "manhole_cover",
        "manhole_covers",
        "gully",
        "gullies",
        "窨井",
        "窨井盖",
        "检查井",
        "雨水箅子",
    ),
)
