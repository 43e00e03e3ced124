"""Roads (道路): centre lines for vehicles, without foot and cycle ways."""

from __future__ import annotations

from twin.kinds.model import Attribute, Choice, ClassCode, Identifier, InUnit, Kind, OsmSelector, Sum

_OSM = "OpenStreetMap wiki, Key:highway and its sub-keys [S]"
_OURS = "ours"

CLASSES = (
    Choice("motorway", "Motorway", "高速公路", ("motorway_link", "高速")),
    Choice("trunk", "Trunk road", "快速路", ("trunk_link",)),
    Choice("primary", "Primary road", "主干路", ("primary_link", "主干道", "principal arterial")),
    Choice("secondary", "Secondary road", "次干路", ("secondary_link", "次干道", "minor arterial")),
    Choice("tertiary", "Tertiary road", "支路", ("tertiary_link", "collector")),
    Choice("unclassified", "Minor road", "一般道路"),
    Choice("residential", "Residential street", "居住区道路", ("local",)),
    Choice("living_street", "Living street", "生活性街道"),
    Choice("service", "Service road", "内部道路", ("parking_aisle", "driveway")),
    Choice("pedestrian", "Pedestrian street", "步行街"),
    Choice("busway", "Busway", "公交专用道", ("bus_guideway",)),
    Choice("track", "Track", "乡村道路"),
    Choice("road", "Unknown class", "等级不明"),
    Choice("other", "Other", "其他", ("其它",)),
)

SURFACES = (
    Choice("asphalt", "Asphalt", "沥青", ("沥青混凝土",)),
    Choice("concrete", "Concrete", "水泥混凝土", ("水泥", "concrete plates", "混凝土")),
    Choice("paved", "Paved", "铺装"),
    Choice("paving_stones", "Paving stones", "砖石", ("pavers",)),
    Choice("sett", "Sett", "石块", ("cobblestone", "unhewn_cobblestone", "块石")),
    Choice("gravel", "Gravel", "碎石", ("fine_gravel", "compacted", "pebblestone")),
    Choice("unpaved", "Unpaved", "未铺装", ("dirt", "ground", "earth", "土路")),
    Choice("other", "Other", "其他", ("其它",)),
)

KIND = Kind(
    name="road",
    plural="roads",
    en="Road",
    zh="道路",
    geometry=("LineString", "MultiLineString"),
    classes=(ClassCode("2152", "Road", "道路", "ours; a city replaces it"),),
    attributes=(
        Attribute(
            "road_class",
            "choice",
            "Road class",
            "道路等级",
            _OSM,
            choices=CLASSES,
            names=("highway", "fclass", "ROADCLASSIFICATION_DESC", "道路类型", "等级"),
            indexed=True,
            fallback="other",
        ),
        Attribute(
            "surface",
            "choice",
            "Surface",
            "路面类型",
            _OSM,
            choices=SURFACES,
            names=("路面", "路面材料", "pavement"),
            indexed=True,
            fallback="other",
        ),
        Attribute(
            "lanes",
            "number",
            "Lanes",
            "车道数",
            _OSM + "; 1.5 occurs",
            names=("车道",),
            minimum=0,
            maximum=40,
        ),
        Attribute(
            "width",
            "number",
            "Width",
            "路宽",
            _OSM,
            unit="m",
            names=("道路宽度", "红线宽度", "路面宽度"),
            minimum=0,
            maximum=500,
            in_units=(InUnit("ft", ("width_ft",)),),
        ),
        Attribute(
            "speed_limit",
            "number",
            "Speed limit",
            "限速",
            _OSM,
            unit="km/h",
            names=("maxspeed", "设计速度"),
            minimum=0,
            maximum=200,
            in_units=(InUnit("mph", ("maxspeed_mph",)),),
        ),
        Attribute("one_way", "text", "One way", "单行", _OSM + ": yes, no, -1", names=("oneway", "单向")),
        Attribute("number", "text", "Route number", "路线编号", _OSM, names=("ref", "路线号", "国道编号")),
        Attribute("lit", "text", "Lit", "照明", _OSM + ": yes, no, 24/7 and others"),
        Attribute("layer", "text", "Layer", "层位", _OSM),
    ),
    identifiers=(
        Identifier(
            "road_number",
            "Road number",
            "道路编码",
            "the road department's own",
            names=("STREETSEGMID", "道路编号"),
        ),
    ),
    sums=(Sum("length", "length", "m", "Length", "长度"),),
    osm=(
        OsmSelector(
            "highway",
            (
                "motorway",
                "motorway_link",
                "trunk",
                "trunk_link",
                "primary",
                "primary_link",
                "secondary",
                "secondary_link",
                "tertiary",
                "tertiary_link",
                "unclassified",
                "residential",
                "living_street",
                "service",
                "pedestrian",
                "busway",
                "track",
                "road",
            ),
        ),
    ),
    names={"name": ("道路名称", "路名", "street_name", "STREETNAME", "road_name")},
)
