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


class FileExists(TwinError):
    """The file is there already."""

    code = "export.file.exists"
    en = "{file} exists and was left alone. Choose another name, or replace it with `--force`."
    zh = "文件 {file} 已存在，未作改动。请换名，或用 `--force` 覆盖。"


class FileIsFolder(TwinError):
    """The file to write is a folder."""

    code = "export.file.folder"
    en = "{file} is a folder. Name the file to write in it."
    zh = "{file} 是目录。请写明其中要写入的文件名。"


class FolderMissing(TwinError):
    """The folder to write to is not there."""

    code = "export.folder.missing"
    en = "There is no folder {folder} to write {file} to. Make it first."
    zh = "没有可写入 {file} 的目录 {folder}。请先创建。"


class NotWritten(TwinError):
    """The system refused the file."""

    code = "export.not_written"
    en = "{file} could not be written: {reason}. Nothing of it was left."
    zh = "无法写入 {file}：{reason}。未留下任何内容。"


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
