"""What can be wrong with a file, its mapping, or a load as a whole; with rows: ``loaders.reasons``."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from twin.errors import TwinError


def nearest(word: str, words: Iterable[str]) -> str:
    """The one of ``words`` most like ``word``, for a suggestion; empty where there are none."""
    by_folded = {other.casefold(): other for other in words}
    found = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.0)
    return by_folded[found[0]] if found else ""


class FileMissing(TwinError):
    """The path leads to no file."""

    code = "file.missing"
    en = "There is no file {path}. Check the path."
    zh = "没有文件 {path}。请检查路径。"


class FileIsFolder(TwinError):
    """The path leads to a folder."""

    code = "file.folder"
    en = "{path} is a folder. Name a file in it."
    zh = "{path} 是目录。请指定其中的文件。"


class UnknownFormat(TwinError):
    """Neither the name nor the content is that of a format that can be loaded."""

    code = "file.format_unknown"
    en = "{path} is in no format that can be loaded. `twin formats` lists those: {formats}."
    zh = "{path} 不是可加载的格式。可用 `twin formats` 查看：{formats}。"


class WrongFormat(TwinError):
    """The content is not what the file's name says."""

    code = "file.format_mismatch"
    en = "{path} is called a {claimed} file, but its content is {found}. Give it its true extension."
    zh = "{path} 名为 {claimed} 文件，但内容是 {found}。请改为真实的扩展名。"


class NoFormat(WrongFormat):
    """The content is neither what the file's name says nor anything else that can be loaded."""

    en = "{path} is no {claimed} file, nor in any other format that can be loaded. See `twin formats`."
    zh = "{path} 不是 {claimed} 文件，也不是其他可加载的格式。可用 `twin formats` 查看。"


class ShapefilePartMissing(TwinError):
    """A shapefile is several files, and one that is needed is not there."""

    code = "file.part_missing"
    en = "The shapefile {path} lacks its part {part}. Copy all its files (.shp, .shx, .dbf) into one folder."
    zh = "Shapefile {path} 缺少部分 {part}。请将其所有文件（.shp、.shx、.dbf）放在同一目录。"


class FileBroken(TwinError):
    """The file cannot be read to its end."""

    code = "file.broken"
    en = "{path} cannot be read to its end: {reason} Get the file again, or export it anew."
    zh = "无法完整读取 {path}：{reason} 请重新获取或重新导出该文件。"


class FileEmpty(TwinError):
    """There is not one row."""

    code = "file.empty"
    en = "{path} holds no rows{where_en}. Check that the export finished."
    zh = "{path} {where_zh}没有任何行。请确认导出已完成。"


class UnknownLayer(TwinError):
    """The file has no layer of that name."""

    code = "layer.unknown"
    en = "{path} has no layer {layer}; its layers are: {layers}. Choose one with --layer."
    zh = "{path} 没有图层 {layer}；已有图层：{layers}。请用 --layer 选择。"


class NoLayers(UnknownLayer):
    """A layer was chosen of a file whose format has none."""

    en = "{path} has no layers, as no {format} file has. Leave out --layer {layer}."
    zh = "{path} 没有图层：{format} 文件不分图层。请去掉 --layer {layer}。"


class KindAbsent(TwinError):
    """An OpenStreetMap extract holds no object of the kind."""

    code = "kind.absent"
    en = (
        "{path} holds no object of the kind {kind} in {layers}: none has a tag {tags}. "
        "Choose another kind, layer or extract."
    )
    zh = "{path} 的 {layers} 中没有种类 {kind} 的对象：均无标签 {tags}。请换用其他种类、图层或数据文件。"


class KindNotInOsm(TwinError):
    """OpenStreetMap has no tags for the kind."""

    code = "kind.not_in_osm"
    en = "OpenStreetMap has no tags for the kind {kind}, so {path} holds none. Choose another kind."
    zh = "OpenStreetMap 没有种类 {kind} 的标签，{path} 中不会有此类对象。请换用其他种类。"


class LayerNeeded(TwinError):
    """The file has several layers and none was chosen."""

    code = "layer.needed"
    en = "{path} has several layers: {layers}. Choose one with --layer."
    zh = "{path} 有多个图层：{layers}。请用 --layer 选择。"


class UnknownEncoding(TwinError):
    """Text that is neither UTF-8 nor GB18030, or not what the file says it is."""

    code = "file.encoding"
    en = "The text in {path} is not {tried}. Save the file as UTF-8."
    zh = "{path} 的文本不是 {tried} 编码。请另存为 UTF-8。"


class UnknownCodePage(UnknownEncoding):
    """A shapefile's ``.cpg`` names an encoding that nobody knows."""

    en = "The .cpg of {path} names an unknown encoding, {name}. Remove or correct it."
    zh = "{path} 的 .cpg 指明了未知编码 {name}。请删除或更正该文件。"


class DatasetInvalid(TwinError):
    """What was said can't be the name of a dataset."""

    code = "dataset.invalid"
    en = "A dataset can't be called {name}: it needs a letter or digit, and no controls. Correct --dataset."
    zh = "{name} 不能作为数据集名称：须含文字或数字，且不含控制字符。请更正 --dataset。"


class MappingInvalid(TwinError):
    """The mapping file cannot be understood."""

    code = "mapping.invalid"
    en = "The mapping {path} cannot be used: {problem}."
    zh = "无法使用映射文件 {path}：{problem}。"


class KeyChanged(TwinError):
    """The rows of a dataset were known by another column, and those of this file are not the same ones."""

    code = "key.changed"
    en = (
        "The rows of dataset {dataset} ({kind}) are known by {before}, those of this file by {now}, and "
        "hardly any of them is registered: they would mix. Load the file under another --dataset, or map "
        "the same key."
    )
    zh = (
        "数据集 {dataset}（{kind}）以 {before} 识别各行，而此文件以 {now} 识别，"
        "且几乎没有相同的行，会造成混淆。请用另一个 --dataset 加载，或在映射中指定相同的主键。"
    )


class UnknownColumn(TwinError):
    """The mapping names a column that the file has not."""

    code = "mapping.column_unknown"
    en = "There is no column {column}; did you mean {nearest}? The columns are: {columns}."
    zh = "没有列 {column}；是否指 {nearest}？已有列：{columns}。"


def unknown_column(name: str, columns: Sequence[str]) -> UnknownColumn:
    """That there is no such column, with the nearest of those there are."""
    return UnknownColumn(column=name, nearest=nearest(name, columns), columns=", ".join(columns))


class UnknownField(TwinError):
    """The mapping names a field that the kind has not."""

    code = "mapping.field_unknown"
    en = "A {kind} has no field {field}; did you mean {nearest}? The fields are: {fields}."
    zh = "种类 {kind} 没有字段 {field}；是否指 {nearest}？已有字段：{fields}。"


class KindNeeded(TwinError):
    """Neither the command nor the mapping says what the rows are."""

    code = "kind.needed"
    en = "Say what the rows of {path} are: --kind with one of {kinds}."
    zh = "请用 --kind 指明 {path} 中各行的种类：{kinds}。"


class CrsMissing(TwinError):
    """Nothing says what the coordinates are."""

    code = "crs.missing"
    en = "{path} does not say in which coordinate system it is. Say which, for example --crs EPSG:4490."
    zh = "{path} 未说明坐标系。请用 --crs 指明，例如 --crs EPSG:4490。"


class LoadConflict(TwinError):
    """Another load registered the same identifier or code in the same moment."""

    code = "load.conflict"
    en = (
        "Another load registered the same thing in the same moment ({what}). Nothing was changed; load again."
    )
    zh = "另一加载同时登记了相同内容（{what}）。未作任何更改，请重新加载。"


class LoadStopped(TwinError):
    """The database ended the load."""

    code = "load.stopped"
    en = "The database stopped the load of {dataset}: {reason} Nothing was changed; load again."
    zh = "数据库中止了 {dataset} 的加载：{reason} 未作任何更改，请重新加载。"
