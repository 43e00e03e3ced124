"""The fields that every asset has, and what other people call them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec.structs import replace

from twin.kinds.model import Attribute, Choice, Kind

STATUS = (
    Choice("planned", "Planned", "规划", ("proposed", "planned", "designed", "拟建", "规划中", "设计")),
    Choice(
        "in_service",
        "In service",
        "在用",
        (
            "active",
            "existing",
            "operational",
            "ok",
            "true",
            "yes",
            "in use",
            "现势",
            "正常",
            "使用",
            "使用中",
            "运行",
        ),
    ),
    Choice(
        "suspended",
        "Suspended",
        "停用",
        (
            "inactive",
            "disused",
            "out of service",
            "work in progress",
            "wk in prog",
            "false",
            "no",
            "暂停使用",
            "报停",
        ),
    ),
    Choice(
        "retired",
        "Retired",
        "作废",
        (
            "abandoned",
            "dismantled",
            "removed",
            "demolished",
            "decommissioned",
            "废弃",
            "报废",
            "注销",
            "拆除",
            "已拆除",
        ),
    ),
)

SURVEY_METHODS = (
    Choice("surveyed", "Surveyed", "实测", ("survey", "gnss", "gps", "rtk")),
    Choice("topographic_map", "Topographic map", "地形图", ("map",)),
    Choice("field_annotation", "Field annotation", "调绘", ("field sketch",)),
    Choice("other", "Other", "其它", ("其他",)),
)

_COMPONENT = "GB/T 30428.2, attributes of every component [S]"
_OURS = "ours"

_FIELDS = (
    Attribute(
        "code",
        "text",
        "Asset code",
        "身份码",
        _COMPONENT,
        names=("asset_code", "ObjID", "部件标识码", "部件编码", "部件代码", "标识码"),
    ),
    Attribute(
        "source_key",
        "text",
        "Source key",
        "源编号",
        _OURS,
        names=(
            "GlobalID",
            "uuid",
            "guid",
            "gml_id",
            "id",
            "osm_id",
            "OBJECTID",
            "fid",
            "oid",
            "编号",
            "唯一编号",
        ),
    ),
    Attribute(
        "name",
        "text",
        "Name",
        "名称",
        _COMPONENT,
        names=("ObjName", "部件名称", "资产名称"),
    ),
    Attribute(
        "address",
        "text",
        "Address",
        "地址",
        _OURS,
        names=(
            "addr",
            "addr:full",
            "full_address",
            "street_address",
            "详细地址",
            "安装地址",
            "位置描述",
            "坐落",
        ),
    ),
    Attribute(
        "status",
        "choice",
        "Status",
        "状态",
        "现势性 of GB/T 30428.2 [S]; planned and suspended are ours",
        choices=STATUS,
        names=("asset_status", "现势性", "使用状态", "设备状态", "in_service", "lifecycle_status"),
    ),
    Attribute(
        "installed",
        "date",
        "Installed",
        "投用日期",
        _OURS,
        names=(
            "install_date",
            "installation_date",
            "date_installed",
            "commissioned",
            "安装日期",
            "启用日期",
            "建成日期",
        ),
    ),
    Attribute(
        "owner", "text", "Owner", "权属单位", _COMPONENT, names=("owner_name", "权属", "产权单位", "belong")
    ),
    Attribute(
        "maintainer",
        "text",
        "Maintainer",
        "养护单位",
        _COMPONENT,
        names=("maintained_by", "operator", "维护单位", "管养单位", "管护单位"),
    ),
    Attribute("authority", "text", "Authority", "主管部门", _COMPONENT, names=("主管单位", "监管部门")),
    Attribute(
        "parent",
        "text",
        "Belongs to",
        "所属",
        _OURS,
        names=("parent_key", "parent_id", "所属编号", "上级编号"),
    ),
    Attribute(
        "division",
        "text",
        "Division",
        "区划",
        "GB/T 2260 and the 12-digit area code [S]",
        names=("division_code", "区划代码", "行政区划代码", "行政区代码", "adcode", "area_code"),
    ),
    Attribute(
        "survey_method",
        "choice",
        "Survey method",
        "数据来源",
        "DataSource of GB/T 30428.2 [S]",
        choices=SURVEY_METHODS,
        fallback="other",
        names=("data_source", "采集方式", "测量方式"),
    ),
    Attribute(
        "accuracy",
        "number",
        "Accuracy",
        "点位精度",
        "classes A ±0.5 m, B ±1.0 m, C ±10 m of GB/T 30428.2 [S]",
        unit="m",
        names=("accuracy_m", "horizontal_accuracy", "精度", "平面精度"),
        minimum=0,
    ),
)

ADDRESS_PARTS = ("addr:street", "addr:housenumber")
"""OSM's tags that make up an address where none has it whole, in the order in which they are written [V]."""

COMMON_FIELDS: Mapping[str, Attribute] = MappingProxyType({field.name: field for field in _FIELDS})


def common_fields(kind: Kind) -> dict[str, Attribute]:
    """The shared fields as ``kind`` has them: its own names first, its words for a status too."""
    fields = {
        name: replace(field, names=(*kind.names.get(name, ()), *field.names))
        for name, field in COMMON_FIELDS.items()
    }
    choices = tuple(
        replace(choice, synonyms=(*choice.synonyms, *kind.status_words.get(choice.value, ())))
        for choice in STATUS
    )
    fields["status"] = replace(fields["status"], choices=choices)
    return fields
