"""Municipal and licensed vehicles (车辆), construction-waste trucks (渣土车) above all."""

from __future__ import annotations

from twin.kinds.model import Attribute, Choice, ClassCode, Identifier, InUnit, Kind

_PERMIT = "construction-waste truck records [S/M]"
_OURS = "ours"

CATEGORIES = (
    Choice(
        "construction_waste_truck",
        "Construction-waste truck",
        "渣土车",
        ("建筑垃圾运输车", "dump truck", "土方车"),
    ),
    Choice("refuse_truck", "Refuse truck", "垃圾车", ("环卫车", "垃圾清运车", "garbage truck")),
    Choice("sweeper", "Street sweeper", "清扫车", ("洗扫车", "洒水车")),
    Choice("bus", "Bus", "公交车", ("公交", "客车", "coach")),
    Choice("taxi", "Taxi", "出租车", ("巡游出租车",)),
    Choice("tram", "Tram", "有轨电车", ("light rail", "streetcar")),
    Choice("metro", "Metro train", "地铁列车", ("subway", "地铁", "轨道交通")),
    Choice("train", "Train", "列车", ("rail", "火车")),
    Choice("trolleybus", "Trolleybus", "无轨电车"),
    Choice("monorail", "Monorail", "单轨列车"),
    Choice("cable_car", "Cable car", "缆车", ("aerial lift", "funicular", "索道")),
    Choice("ferry", "Ferry", "轮渡", ("渡轮",)),
    Choice("hazardous_goods", "Hazardous goods vehicle", "危险品运输车", ("危化品车",)),
    Choice("truck", "Truck", "货车", ("heavy vehicle", "lorry", "重型货车")),
    Choice("van", "Van", "轻型车", ("medium vehicle", "面包车")),
    Choice("car", "Car", "小客车", ("轿车", "小汽车")),
    Choice("motorcycle", "Motorcycle", "摩托车", ("motorbike",)),
    Choice("fire_engine", "Fire engine", "消防车"),
    Choice("ambulance", "Ambulance", "救护车"),
    Choice("police", "Police vehicle", "警车"),
    Choice("engineering", "Engineering vehicle", "工程车", ("工程抢修车", "抢修车")),
    Choice("other", "Other", "其他", ("其它",)),
)

FUELS = (
    Choice("diesel", "Diesel", "柴油"),
    Choice("petrol", "Petrol", "汽油", ("gasoline",)),
    Choice("electric", "Electric", "纯电动", ("电动", "BEV")),
    Choice("hybrid", "Hybrid", "混合动力", ("PHEV", "HEV", "混动", "插电式混合动力")),
    Choice("natural_gas", "Natural gas", "天然气", ("CNG", "LNG")),
    Choice("hydrogen", "Hydrogen", "氢燃料", ("fuel cell", "燃料电池", "FCEV")),
    Choice("other", "Other", "其他", ("其它",)),
)

KIND = Kind(
    name="vehicle",
    plural="vehicles",
    en="Vehicle",
    zh="车辆",
    geometry=("Point",),
    classes=(ClassCode("2153", "Vehicle", "车辆", "ours; a city replaces it"),),
    attributes=(
        Attribute(
            "category",
            "choice",
            "Category",
            "车辆类型",
            _OURS,
            choices=CATEGORIES,
            names=("vehicle_type", "vehicle_category", "车型", "车辆种类", "车种"),
            indexed=True,
            fallback="other",
        ),
        Attribute("make", "text", "Make", "品牌", _OURS, names=("brand", "manufacturer", "厂牌")),
        Attribute("model", "text", "Model", "型号", _OURS, names=("车辆型号", "品牌型号")),
        Attribute("colour", "text", "Colour", "颜色", _OURS, names=("color", "车身颜色")),
        Attribute(
            "plate_colour",
            "text",
            "Plate colour",
            "车牌颜色",
            _OURS,
            names=("plate_color", "号牌颜色"),
        ),
        Attribute(
            "fuel",
            "choice",
            "Fuel",
            "能源类型",
            _OURS,
            choices=FUELS,
            names=("fuel_type", "燃料类型", "燃料种类"),
            indexed=True,
            fallback="other",
        ),
        Attribute(
            "seats",
            "integer",
            "Seats",
            "座位数",
            _OURS,
            names=("核定载客", "载客人数"),
            minimum=0,
            maximum=400,
        ),
        Attribute(
            "rated_load",
            "number",
            "Rated load",
            "核定载质量",
            _OURS,
            unit="kg",
            names=("额定载重", "载重"),
            minimum=0,
            in_units=(InUnit("t", ("核载吨位", "吨位", "load_t")),),
        ),
        Attribute(
            "volume", "number", "Load volume", "车厢容积", _PERMIT, unit="m³", names=("容积",), minimum=0
        ),
        Attribute(
            "carrier", "text", "Carrier", "运输企业", _PERMIT, names=("运输单位", "所属企业", "承运单位")
        ),
        Attribute(
            "permit", "text", "Disposal permit", "处置证", _PERMIT, names=("处置证号", "准运证号", "运输证号")
        ),
        Attribute(
            "permit_until",
            "date",
            "Permit valid until",
            "处置证有效期",
            _PERMIT,
            names=("准运证有效期",),
            indexed=True,
        ),
        Attribute("site", "text", "Construction site", "工地", _PERMIT, names=("工地名称", "出土工地")),
        Attribute(
            "disposal_site", "text", "Disposal site", "消纳点", _PERMIT, names=("消纳场", "卸点", "消纳场所")
        ),
        Attribute(
            "routes",
            "text",
            "Routes",
            "线路",
            "GTFS reference, routes.txt, route_short_name [V]; several are separated by commas",
            names=("route_short_name", "线路号", "路别", "运营线路"),
        ),
        Attribute(
            "trips",
            "integer",
            "Trips in the timetable",
            "班次数",
            "GTFS reference, trips.txt: the trips of one block [V]",
            names=("班次", "每日班次"),
            minimum=0,
        ),
        Attribute(
            "inspection_until",
            "date",
            "Roadworthiness valid until",
            "年检有效期",
            _OURS,
            names=("检验有效期止", "年检到期日"),
        ),
    ),
    identifiers=(
        Identifier(
            "vin",
            "Vehicle identification number",
            "车辆识别代号",
            "GB 16735, ISO 3779 [V]",
            names=("车架号", "车辆识别码", "chassis_number"),
            unique_within="world",
            check="vin",
        ),
        Identifier(
            "plate",
            "Number plate",
            "号牌号码",
            "civil and new-energy plates [V against samples]; another country's city replaces the check",
            names=("plate_number", "license_plate", "licence_plate", "车牌", "车牌号", "车牌号码", "号牌"),
            unique_within="world",
            check="plate",
        ),
        Identifier(
            "terminal",
            "Terminal number",
            "终端号",
            "JT/T 808 terminal, numbered by its platform [S]",
            names=("terminal_id", "SIM", "终端手机号", "终端编号"),
        ),
    ),
    names={
        "source_key": ("vehicle_id", "车辆编号", "自编号"),
        "installed": ("registered", "registration_date", "注册日期", "登记日期"),
        "owner": ("车主", "所有人"),
    },
    words=("truck", "trucks", "fleet", "渣土车", "环卫车", "工程车", "公交车", "车辆台账"),
)
