"""What can be wrong with a report, or with what is asked of one."""

from __future__ import annotations

from twin.errors import TwinError


class UnknownReport(TwinError):
    """No report has that name."""

    code = "report.unknown"
    en = "There is no report {report!r}; did you mean {nearest}? There are: {reports}."
    zh = "没有报表 {report!r}；是否指 {nearest}？可用的有：{reports}。"


class ReportInvalid(TwinError):
    """A file that does not describe a report."""

    code = "report.invalid"
    en = "The report in {file} cannot be used: {problem_en}."
    zh = "{file} 中的报表无法使用：{problem_zh}。"


class ParameterNotTaken(TwinError):
    """A parameter that the report does not have."""

    code = "report.parameter"
    en = "The report {report} takes no {parameter}. It takes: {known}."
    zh = "报表 {report} 没有参数 {parameter}。可用参数：{known}。"


class ParameterRepeated(TwinError):
    """A parameter given twice that has one value."""

    code = "report.parameter.repeated"
    en = "{parameter} is given more than once. Give it once: only kind may be repeated."
    zh = "参数 {parameter} 重复。请只给一次；仅 kind 可重复。"


class KindNotReported(TwinError):
    """A kind that the report is not about."""

    code = "report.kind"
    en = "The report {report} is not about {kind}. It is about: {known}."
    zh = "报表 {report} 不涉及种类 {kind}，仅涉及：{known}。"


class UnknownTable(TwinError):
    """A table that the report does not have."""

    code = "report.table"
    en = "The report {report} has no table {table!r}. It has: {known}."
    zh = "报表 {report} 没有表 {table!r}，仅有：{known}。"


class NoPlaces(TwinError):
    """GeoJSON wanted of a table that has no shapes."""

    code = "report.places"
    en = "The table {table} of {report} has no places to draw. Take its table {first}, or another format."
    zh = "报表 {report} 的表 {table} 没有可绘制的位置。请改用表 {first} 或其他格式。"


class WhichAreas(TwinError):
    """Two ways to say which areas."""

    code = "report.areas.which"
    en = "Name a division or give areas, not both: each says what is counted."
    zh = "区划与自定义区域请只选其一，二者均用于指定统计范围。"


class NoAreas(TwinError):
    """No area among those given."""

    code = "report.areas.none"
    en = "{path} holds no area. Give one polygon or more."
    zh = "{path} 中没有区域。请至少给出一个多边形。"


class TooManyAreas(TwinError):
    """More areas, or more of their corners, than one report takes."""

    code = "report.areas.many"
    en = "{path} holds {given} {what_en}; a report takes {limit}. Give fewer at a time, or simplify them."
    zh = "{path} 含 {given} 个{what_zh}；一份报表最多 {limit} 个。请分批提交或简化边界。"


class AreaUnusable(TwinError):
    """An area that cannot be counted in."""

    code = "report.area"
    en = (
        "Area {number}{name} in {path} cannot be used: {reason_en}. "
        "Mend it (in QGIS: Vector, Geometry Tools, Fix Geometries) and ask again."
    )
    zh = (
        "{path} 中第 {number} 个区域{name}无法使用：{reason_zh}。"
        "请修复后重试（QGIS：矢量 → 几何工具 → 修正几何图形）。"
    )


class NoSuchLevel(TwinError):
    """No division of that level to report by."""

    code = "report.level"
    en = "There is no division of level {level} {where_en}. `twin divisions list` shows the levels there are."
    zh = "{where_zh}没有级别为 {level} 的区划。可用 `twin divisions list` 查看。"


class TooManyRows(TwinError):
    """More rows than a report, or a file, holds."""

    code = "report.rows"
    en = "The table {table} has more than {limit} rows. Report on a smaller area, or on fewer kinds."
    zh = "表 {table} 超过 {limit} 行。请缩小区域或减少种类。"


class ReportTimeout(TwinError):
    """A report that took too long."""

    code = "report.timeout"
    en = (
        "The report took longer than {seconds:g} s and was stopped. Report on a smaller area or on fewer "
        "kinds, or allow more: TWIN_REPORT_TIMEOUT_MS."
    )
    zh = "报表超过 {seconds:g} 秒，已停止。请缩小区域或减少种类，或用 TWIN_REPORT_TIMEOUT_MS 放宽时限。"
