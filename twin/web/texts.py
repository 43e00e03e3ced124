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
    # maps
    "map": ("Map", "地图"),
    "zoom_in": ("Zoom in", "放大"),
    "zoom_out": ("Zoom out", "缩小"),
    "attribution": ("Sources", "数据来源说明"),
    "close": ("Close", "关闭"),
    "loading": ("Loading …", "正在加载……"),
    "map_of_city": ("Map of the city", "城市地图"),
    "in_view": ("In view", "视野内"),
    "pipe_colours": ("Pipelines by what they carry", "管线按介质着色"),
    "assets_counted": ("{count} assets", "{count} 件资产"),
    "hexagon": ("hexagon {cell}: zoom in", "网格 {cell}：放大查看"),
    "hexagons_in_view": (
        "{count} assets in {hexagons} hexagons. Choose one to zoom in.",
        "{hexagons} 个网格内共 {count} 件资产，选择一个以放大。",
    ),
    "assets_in_view": ("{count} assets.", "{count} 件资产。"),
    "nearest_in_view": (
        "{count} assets; here the {listed} nearest to the middle.",
        "{count} 件资产；以下为距中心最近的 {listed} 件。",
    ),
    "none_in_view": ("No assets of these kinds in view.", "视野内没有所选种类的资产。"),
    "without_position": (
        " {count} without a position: not on the map.",
        "另有 {count} 件未登记位置，不在地图上。",
    ),
    "no_kind": ("Choose a kind to see its assets.", "请选择要显示的资产种类。"),
    "and_others": ("{name} and {count} more", "{name} 等，另有 {count} 件"),
    "try_again": ("Try again", "重试"),
    "no_webgl": (
        "This browser cannot draw the map: it needs WebGL 2. The counts and the search work without it.",
        "此浏览器无法绘制地图（需要 WebGL 2）。数量统计和查询仍可使用。",
    ),
    "no_bundle": (
        "The map was not built. `make setup` builds it; it needs Node.js 20 or newer, or the internet.",
        "地图尚未构建。运行 `make setup` 即可构建；需要 Node.js 20 以上版本或联网。",
    ),
    "map_failed": ("The map could not be loaded. Try again in a minute.", "地图加载失败，请稍后重试。"),
    "nothing_to_show": ("There is nothing to show on a map.", "没有可在地图上显示的内容。"),
    # reports
    "reports": ("Reports", "报表"),
    "report_division": ("Division and below", "区划及其下级"),
    "report_whole": ("the whole registry", "整个登记库"),
    "report_level": ("A row for each", "按级别分行"),
    "report_one": ("one row", "不分行"),
    "report_kinds": ("Kinds, all unless some are chosen", "种类（不选即全部）"),
    "report_on": ("Date", "日期"),
    "report_within": ("Due within months", "若干月内到期"),
    "report_show": ("Show", "查看"),
    "report_area": ("Area", "区域"),
    "report_files": ("Take away", "下载"),
    "report_first": ("The first {count} rows; the file has them all.", "仅显示前 {count} 行，文件中为全部。"),
    "report_empty": ("There is nothing in this table.", "此表没有内容。"),
    "report_whole_no_map": (
        "No map: the whole registry has no boundary of its own. Choose a row for each division of a level.",
        "无地图：整个登记库没有自己的边界。请选择按级别分行。",
    ),
    "report_no_map": (
        "No map: these divisions were loaded without boundaries. Choose another level.",
        "无地图：这些区划导入时没有边界。请选择其他级别。",
    ),
    "report_no_division": (
        "There is no division {division}. Choose one that the field offers, or leave it empty.",
        "没有区划 {division}。请从输入框的列表中选择，或留空。",
    ),
    "report_no_level": (
        "No division of level {level} lies in what was chosen. Choose another level.",
        "所选范围内没有级别为 {level} 的区划。请选择其他级别。",
    ),
    "report_too_slow": (
        "The report took longer than {seconds:g} s and was stopped. Take a smaller division or fewer kinds.",
        "报表超过 {seconds:g} 秒，已停止。请选择较小的区划，或减少种类。",
    ),
    "level_country": ("Country", "国家"),
    "level_province": ("Province", "省"),
    "level_city": ("City", "市"),
    "level_district": ("District", "区县"),
    "level_street": ("Street or town", "街镇"),
    "level_community": ("Community", "社区"),
    "level_grid": ("Unit grid", "单元网格"),
    "level_number": ("Level {level}", "级别 {level}"),
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
    "reports_advice": (
        "“Reports”, at the top of this page, lists those there are.",
        "页首的“报表”列出全部报表。",
    ),
    "form_advice": (
        "Go back to the form, which is filled in as you sent it, and change what is wrong.",
        "请返回表单（已保留所填内容）并改正。",
    ),
    "form_back": ("Back to the form", "返回表单"),
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
