"""What pages and tables say, in English and Chinese; what kinds and errors say stands with them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from twin.errors import Language

# name: (English, Chinese)
_TEXTS: Mapping[str, tuple[str, str]] = {
    "html_lang": ("en", "zh-Hans"),
    "other_language": ("中文", "English"),
    "language": ("Language", "语言"),
    "comma": ("; ", "、"),
    "skip": ("Skip to the content", "跳到正文"),
    # start page
    "registry": ("City Twin", "城市孪生登记库"),
    "what_this_is": (
        "The registry in which every physical asset of a city has one identity file: who it is, where it is, "
        "what it is made of, what it belongs to, and who answers for it.",
        "城市每一件实物资产在此都有一份身份档案：是什么、在哪里、由什么构成、属于什么、由谁负责。",
    ),
    "search_label": ("Code on the plate", "铭牌上的身份码"),
    "search_button": ("Open", "打开"),
    "counts": ("Assets by kind", "各类资产数量"),
    "no_assets": ("Nothing has been loaded yet. Load a file to begin:", "尚未导入任何资产。先导入一个文件："),
    "for_programs": ("For programs", "供程序使用"),
    "graphiql": ("Ask in GraphQL", "用 GraphQL 查询"),
    # identity file: its parts
    "identity": ("Who it is", "是什么"),
    "place": ("Where it is", "在哪里"),
    "attributes": ("What it is made of", "属性"),
    "identifiers": ("Other identifiers", "其他标识"),
    "belonging": ("What it belongs to", "隶属关系"),
    "responsible": ("Who answers for it", "由谁负责"),
    "source": ("Where this comes from", "数据来源"),
    # identity file: its lines
    "kind": ("Kind", "种类"),
    "class": ("Class in the code", "编码类别"),
    "issued_in": ("Code issued in", "编码区划"),
    "position": ("Position", "位置"),
    "lon_lat": ("longitude, latitude (WGS 84); opens a map app", "经度, 纬度（WGS 84）；点击可打开地图应用"),
    "no_position": ("No position is recorded", "未登记位置"),
    "division": ("Division", "区划"),
    "address": ("Address", "地址"),
    "accuracy": ("Accuracy", "点位精度"),
    "survey_method": ("Survey method", "数据采集方式"),
    "outline": ("Outline, north up", "轮廓图，上北"),
    "scale_bar": ("scale bar", "比例尺"),
    "installed": ("Installed", "投用日期"),
    "parent": ("Belongs to", "属于"),
    "children": ("It contains", "包含"),
    "more": ("More", "更多"),
    "authority": ("Authority", "主管部门"),
    "owner": ("Owner", "权属单位"),
    "maintainer": ("Maintainer", "养护单位"),
    "dataset": ("Dataset", "数据集"),
    "source_key": ("Key in the source", "源编号"),
    "load": ("Load", "导入批次"),
    "loaded": ("Loaded", "导入时间"),
    "row": ("Row", "行号"),
    "valid_from": ("Valid from", "有效起始"),
    "updated": ("Recorded", "登记时间"),
    "not_recorded": ("Not recorded: ", "未登记："),
    "yes": ("Yes", "是"),
    "no": ("No", "否"),
    # when something is wrong
    "request": ("request", "请求"),
    "not_found_title": ("No such asset", "没有该资产"),
    "not_a_code_title": ("This is not a valid code", "身份码不正确"),
    "not_a_code_advice": ("Compare each character with the plate and try again.", "请与铭牌逐字核对后重试。"),
    "not_found_advice": (
        "Compare each character with the plate and try again. If the code is right, report the plate: "
        "the asset may not be registered yet.",
        "请与铭牌逐字核对后重试。若身份码无误，请上报该铭牌：资产可能尚未登记。",
    ),
    "split_title": ("This asset was split", "该资产已拆分"),
    "split_advice": ("Open one of its successors by its code.", "请按身份码打开其中一个后继资产。"),
    "no_page_title": ("No such page", "没有此页面"),
    "no_page_advice": (
        "Go to the first page, or open an asset by its code.",
        "请返回首页，或按身份码打开资产。",
    ),
    "refused_title": ("This cannot be shown", "无法显示"),
    "down_title": ("The registry cannot be reached", "登记库暂时无法访问"),
    "down_advice": ("Try again in a minute. Nothing has been lost.", "请稍后再试。数据没有丢失。"),
    "failed_title": ("Something went wrong here", "服务器出错"),
    "failed_advice": (
        "Try again; if it stays, give the number below to whoever runs this registry.",
        "请重试；若仍出错，请将下方的编号告知登记库的管理者。",
    ),
    # tables on the command line
    "more_found": (
        "These are the first {count}; there are more. `--first N` shows more of them.",
        "仅显示前 {count} 个，还有更多；可用 `--first N` 显示更多。",
    ),
    "distance": ("Distance", "距离"),
}

_BY_LANGUAGE: Mapping[Language, Mapping[str, str]] = {
    "en": MappingProxyType({name: en for name, (en, _) in _TEXTS.items()}),
    "zh": MappingProxyType({name: zh for name, (_, zh) in _TEXTS.items()}),
}


def texts(lang: Language) -> Mapping[str, str]:
    """Every text in ``lang``, by name."""
    return _BY_LANGUAGE[lang]
