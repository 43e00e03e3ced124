"""What can go wrong when assets are written to a file. Nothing of the file is left then."""

from __future__ import annotations

from twin.errors import TwinError


class UnknownFormat(TwinError):
    """No output format has that name."""

    code = "export.format.unknown"
    en = "There is no output format {format}; did you mean {nearest}? The formats are: {formats}."
    zh = "没有输出格式 {format}；是否指 {nearest}？可用格式：{formats}。"


class FormatUnclear(TwinError):
    """Neither an option nor the file's name tells the format."""

    code = "export.format.unclear"
    en = "The name {file} does not tell the format. Add `--format` with one of: {formats}."
    zh = "从文件名 {file} 看不出格式。请加 `--format`，可用格式：{formats}。"


class NothingToExport(TwinError):
    """No asset meets the conditions."""

    code = "export.nothing"
    en = "No asset meets these conditions; {file} was not written. `twin find` shows what there is."
    zh = "没有符合条件的资产，未写入 {file}。可用 `twin find` 查看已有资产。"


class OutOfSystem(TwinError):
    """A position has no coordinates in the system asked for."""

    code = "export.crs.outside"
    en = "Asset {code} lies where {crs} has no coordinates. Choose another `--crs`, or a smaller area."
    zh = "资产 {code} 所在位置在 {crs} 中没有坐标。请用 `--crs` 选择其他坐标系，或缩小范围。"


class ExportStopped(TwinError):
    """The database went away."""

    code = "export.stopped"
    en = "The database stopped the export: {reason} Nothing was written; run it again."
    zh = "数据库中断了导出：{reason} 未写入任何内容，请重新运行。"
