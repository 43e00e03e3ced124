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
    """The path leads to a folder that is no file of a format, nor a city: it has no manifest."""

    code = "file.folder"
    en = (
        "{path} is a folder, and nothing tells what its files are. Name one of them, or write a manifest, "
        "city.toml: home, divisions and loads, each with its file (docs/gis-team.md, A city as a folder)."
    )
    zh = (
        "{path} 是目录，无从得知其中文件的内容。请指定其中的文件，或编写清单 city.toml："
        "home、divisions 与 loads，各注明文件（见 docs/gis-team.md）。"
    )


class FormatUnclear(TwinError):
    """A zip archive or a folder holds files of several formats, each of them whole."""

    code = "file.format_unclear"
    en = "It is not clear what of {path} is meant: it holds {formats}. Name one of the files, unpacked."
    zh = "{path} 含有多项内容：{formats}，无法确定所指。请解压后指定其中一个文件。"


class ArchiveUnsafe(TwinError):
    """A zip archive cannot be unpacked without danger; nothing of it was."""

    code = "file.archive_unsafe"
    en = "{path} is not unpacked: {reason} Ask its sender for another one."
    zh = "不解压 {path}：{reason} 请向发送者索取正常的压缩包。"


class AddressUnsupported(TwinError):
    """The address is of no database or service that can be loaded from."""

    code = "file.address_unsupported"
    en = "Nothing can be loaded from an address {scheme}…; name a file, or an address with {supported}."
    zh = "不能从 {scheme}… 地址加载。请指定文件，或使用以下地址：{supported}。"


class CoordinatesEncoded(TwinError):
    """The coordinates of what looks like GeoJSON are no numbers."""

    code = "file.coordinates_encoded"
    en = (
        "{path} is no GeoJSON: its coordinates are encoded as text ({found}), as chart libraries such as "
        "ECharts do. Ask for plain GeoJSON (RFC 7946), whose coordinates are numbers."
    )
    zh = (
        "{path} 不是 GeoJSON：其坐标以文本编码（{found}），是 ECharts 等图表库的写法。"
        "请索取坐标为数字的标准 GeoJSON（RFC 7946）。"
    )


class SourceUnreachable(TwinError):
    """A database or service does not let anybody in."""

    code = "source.unreachable"
    en = "{path} cannot be reached: {reason} Check the address, the user and the password."
    zh = "无法连接 {path}：{reason} 请检查地址、用户与密码。"


class SourceFailed(TwinError):
    """A database or service did not give what was asked of it."""

    code = "source.failed"
    en = "{path} did not give all that was asked: {reason} Try again, or ask whoever runs it."
    zh = "{path} 未能给出全部内容：{reason} 请重试，或联系其维护者。"


class MixedSystems(TwinError):
    """The geometries of one table are in several coordinate systems."""

    code = "crs.mixed"
    en = "{path}: the geometries of {layer} have several SRIDs: {systems}. Load a view for each of them."
    zh = "{path}：{layer} 的几何有多个 SRID：{systems}。请为每个坐标系建立视图，分别加载。"


class ArchiveNested(TwinError):
    """A zip archive holds only zip archives."""

    code = "file.archive_nested"
    en = "{path} is a zip of zips. Unpack it, and load what is inside one by one."
    zh = "{path} 是嵌套的压缩包。请先解压，再逐个加载其中的文件。"


class UnknownFormat(TwinError):
    """Neither the name nor the content is that of a format that can be loaded."""

    code = "file.format_unknown"
    en = "{path} is in no format that can be loaded. `twin formats` lists those: {formats}."
    zh = "{path} 不是可加载的格式。可用 `twin formats` 查看：{formats}。"


class ArchiveUnknown(UnknownFormat):
    """An archive of a kind that is not unpacked."""

    en = "{path} is a {archive} archive; only zip archives are read. Unpack it, and load what is inside."
    zh = "{path} 是 {archive} 压缩包，仅支持 zip。请先解压，再加载其中的文件。"


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


class ToolMissing(TwinError):
    """A program that reads the format is not installed."""

    code = "load.tool_missing"
    en = "Reading {path} needs the program {tool}. Install it, on Debian with: apt-get install {package}."
    zh = "读取 {path} 需要程序 {tool}。请安装，在 Debian 上为：apt-get install {package}。"


class SurveyTablesMissing(TwinError):
    """A database, workbook or folder without the tables of a pipe survey."""

    code = "file.tables_missing"
    en = (
        "{path} has no pipe survey: its points are in tables XXPOINT and its pipes in XXLINE, such as "
        "JSPOINT and JSLINE. It has: {tables}. Export what you need of it as CSV."
    )
    zh = (
        "{path} 不含管线普查数据：点表应名为 XXPOINT，线表应名为 XXLINE，如 JSPOINT 与 JSLINE。"
        "现有：{tables}。请将所需的表导出为 CSV。"
    )


class FeedPartMissing(TwinError):
    """A GTFS feed lacks a file that is needed."""

    code = "file.part_missing"
    en = "The GTFS feed {path} lacks {part}. Get the feed again, with all its files."
    zh = "GTFS 数据 {path} 缺少 {part}。请重新获取完整的数据。"


class FileBroken(TwinError):
    """The file cannot be read to its end."""

    code = "file.broken"
    en = "{path} cannot be read to its end: {reason} Get the file again, or export it anew."
    zh = "无法完整读取 {path}：{reason} 请重新获取或重新导出该文件。"


class CityJsonVersion(TwinError):
    """CityJSON of a version that places its vertices otherwise, or that nobody knows."""

    code = "file.version"
    en = (
        "{path} is CityJSON {version}; versions {versions} are read. "
        "Upgrade it, for example: cjio {path} upgrade save new.city.json"
    )
    zh = (
        "{path} 是 CityJSON {version}，可读取的版本为 {versions}。"
        "请先升级，例如：cjio {path} upgrade save new.city.json"
    )


class CityJsonUnversioned(CityJsonVersion):
    """CityJSON that does not say its version."""

    en = "{path} is CityJSON and does not say its version; versions {versions} are read. Export it anew."
    zh = "{path} 是 CityJSON，但未注明版本；可读取的版本为 {versions}。请重新导出。"


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


class KindsAbsent(TwinError):
    """An OpenStreetMap extract holds no object of any kind."""

    code = "kind.none"
    en = "{path} holds no object of any kind that OpenStreetMap has tags for: {kinds}. Nothing was loaded."
    zh = "{path} 中没有任何可识别种类的对象：{kinds}。未导入任何内容。"


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


class AccuracyInvalid(TwinError):
    """A position can't be as accurate as was said."""

    code = "load.accuracy"
    en = "The accuracy {accuracy} is no number of metres from 0 up. Correct --accuracy."
    zh = "精度 {accuracy} 不是不小于 0 的米数。请更正 --accuracy。"


class AttributionInvalid(TwinError):
    """Whom to name as a dataset's source is no line of text."""

    code = "dataset.attribution"
    en = "The attribution {text} is no line of text."
    zh = "来源署名 {text} 不是一行文字。"


class DatasetInvalid(TwinError):
    """What was said can't be the name of a dataset."""

    code = "dataset.invalid"
    en = "A dataset can't be called {name}: it needs a letter or digit, and no controls. Correct --dataset."
    zh = "{name} 不能作为数据集名称：须含文字或数字，且不含控制字符。请更正 --dataset。"


class MappingInvalid(TwinError):
    """The mapping file cannot be understood."""

    code = "mapping.invalid"
    en = "The mapping {path} cannot be used: {problem}."
    zh = "无法使用映射文件 {path}：{problem_zh}。"


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


class OwnsUnknown(TwinError):
    """A dataset is said to own what is no field that one of several datasets can own."""

    code = "owns.unknown"
    en = (
        "owns: no dataset can own {field} of a {kind}; did you mean {nearest}? Those are: {fields}. "
        "Division, survey_method and accuracy go with the geometry."
    )
    zh = (
        "owns：{kind} 没有可归某一数据集的字段 {field}；是否指 {nearest}？可用：{fields}。"
        "division、survey_method 与 accuracy 随 geometry。"
    )


class OwnsClash(TwinError):
    """Two datasets that describe one asset both own a field of it."""

    code = "owns.clash"
    en = (
        "Both {dataset} and {other} own {field}, and some {kind} assets are described by both. Nothing was "
        "changed. Take {field} out of owns of one of them, and load that one again."
    )
    zh = (
        "{dataset} 与 {other} 都声明拥有字段 {field}，而有 {kind} 资产由两者共同描述。未作任何更改。"
        "请从其中一方的 owns 中去掉 {field}，再重新加载该方。"
    )


class KindNeeded(TwinError):
    """Neither the command nor the mapping says what the rows are."""

    code = "kind.needed"
    en = "Say what the rows of {path} are: --kind with one of {kinds}."
    zh = "请用 --kind 指明 {path} 中各行的种类：{kinds}。"


class KindUncertain(KindNeeded):
    """Nothing says what the rows are, and what they look like is not certain."""

    en = (
        "Say what the rows of {path} are: --kind with one of {kinds}. They look like: {candidates_en}; "
        "`twin inspect` shows why."
    )
    zh = (
        "请用 --kind 指明 {path} 中各行的种类：{kinds}。"
        "看起来像：{candidates_zh}；可用 `twin inspect` 查看依据。"
    )


class CrsMissing(TwinError):
    """Nothing says what the coordinates are."""

    code = "crs.missing"
    en = "{path}{where_en} does not say its coordinate system. Say which, for example --crs EPSG:4490."
    zh = "{path}{where_zh}未说明坐标系。请用 --crs 指明，例如 --crs EPSG:4490。"


class CrsUnread(TwinError):
    """What the file says of its coordinate system cannot be understood."""

    code = "crs.unknown"
    en = (
        "What {path} says of its coordinate system cannot be understood: {said}. "
        "Correct it, or say which it is, for example --crs EPSG:4490."
    )
    zh = "无法理解 {path} 对坐标系的说明：{said}。请更正，或用 --crs 指明，例如 --crs EPSG:4490。"


class CrsUncertain(TwinError):
    """Degrees in China that nothing says to be WGS 84's, in a file of which nothing was said."""

    code = "crs.uncertain"
    en = (
        "{path} has longitudes and latitudes in China and does not say whose: web maps shift them. Say it: "
        "--crs EPSG:4490 (CGCS2000), EPSG:4326, GCJ-02 or BD-09. `twin inspect` may tell."
    )
    zh = (
        "{path} 的经纬度位于中国，但未说明坐标系，可能来自加偏的网络地图。"
        "请用 --crs 指明：EPSG:4490（CGCS2000）、EPSG:4326、GCJ-02 或 BD-09。可用 `twin inspect` 判断。"
    )


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


class DatabaseFull(LoadStopped):
    """The database has no room for what is loaded."""

    code = "load.disk_full"
    en = (
        "The database has no disk left for {dataset}: {reason} Nothing was changed; make room where the "
        "database lies, then load again."
    )
    zh = (
        "数据库磁盘空间不足，无法加载 {dataset}：{reason}未作任何更改；请在数据库所在磁盘腾出空间后重新加载。"
    )


class LoadUnfinished(TwinError):
    """A load in batches ended before its last row."""

    code = "load.unfinished"
    en = (
        "Load {load} of {dataset} stopped: {reason} Its rows up to {row} are registered; go on with the same "
        "command and --resume."
    )
    zh = "第 {load} 次加载（{dataset}）中断：{reason}第 {row} 行及之前已登记；请以相同命令加 --resume 继续。"


class ResumeRefused(TwinError):
    """What is to be read is not what the unfinished load has read a part of."""

    code = "load.resume"
    en = (
        "Load {load} of {dataset} can't be gone on with: the file, its mapping, an option or the divisions "
        "have changed since. Load without --resume; rows that are registered count as same."
    )
    zh = (
        "无法继续第 {load} 次加载（{dataset}）：文件、映射、选项或区划此后有变化。"
        "请去掉 --resume 重新加载；已登记的行计为不变。"
    )


class ResumeUnsure(ResumeRefused):
    """Nobody knows whether a database or service still gives the same rows."""

    en = (
        "Load {load} of {dataset} can't be gone on with: a database or service may give other rows now. "
        "Load without --resume; rows that are registered count as same."
    )
    zh = (
        "无法继续第 {load} 次加载（{dataset}）：数据库或服务此时给出的行可能不同。"
        "请去掉 --resume 重新加载；已登记的行计为不变。"
    )


class OptionsClash(TwinError):
    """Two options contradict each other."""

    code = "load.options"
    en = "{one} does not go with {other}. Leave one of them out."
    zh = "{one} 不能与 {other} 同时使用。请去掉其中一个。"


class BatchNeeded(OptionsClash):
    """A load is gone on with in batches."""

    en = "--resume goes on with a load in batches. Say how many rows each has: --batch 100000."
    zh = "--resume 用于继续分批加载。请注明每批行数：--batch 100000。"


class LoadUnknown(TwinError):
    """There is no load of that number."""

    code = "load.unknown"
    en = "There is no load {load}. `twin loads` lists those that there are."
    zh = "没有第 {load} 次加载。可用 `twin loads` 查看已有的加载。"


class LoadUndone(TwinError):
    """The load is undone already."""

    code = "undo.done"
    en = "Load {load} is undone already, by load {by}. `twin loads undo {by}` brings it back."
    zh = "第 {load} 次加载已由第 {by} 次撤销。可用 `twin loads undo {by}` 恢复。"


class LoadReturned(TwinError):
    """The load brought back a load that was undone."""

    code = "undo.return"
    en = "Load {load} brought load {returned} back. Undo that one: `twin loads undo {returned}`."
    zh = "第 {load} 次加载恢复了第 {returned} 次加载。请撤销后者：`twin loads undo {returned}`。"


class NothingToUndo(TwinError):
    """The load made no asset and changed none."""

    code = "undo.nothing"
    en = "Load {load} made no asset and changed none: there is nothing to undo."
    zh = "第 {load} 次加载未新增也未变更任何资产，无可撤销。"


class ChoiceUnknown(TwinError):
    """An option has no such choice."""

    code = "mode.unknown"
    en = "--{option} can't be {said}. Choose one of: {choices}."
    zh = "--{option} 不能是 {said}。可选：{choices}。"


class RetireUpToInvalid(TwinError):
    """No share of the assets of a dataset."""

    code = "mode.percent"
    en = "--retire-up-to {percent} is no percentage from 0 to 100."
    zh = "--retire-up-to {percent} 不是 0 到 100 的百分数。"


class KeyNeeded(TwinError):
    """Assets that are known by place only can't be told from those that moved."""

    code = "mode.key_needed"
    en = (
        "--mode {mode} retires assets by their key, and the rows of {path} are known by their place only: "
        'one that moved would be retired. Say the key in the mapping: key = "column".'
    )
    zh = (
        "--mode {mode} 按主键停用资产，而 {path} 各行仅以位置识别，移动过的资产会被误停用。"
        '请在映射中指明主键：key = "列名"。'
    )


class KeysUnknown(TwinError):
    """What the source has dropped can't be told, as rows of it are not known."""

    code = "mode.keys_unknown"
    en = (
        "Rows of {source} could not be read or have no key ({rows}), so nobody knows which assets it has "
        "dropped. Nothing was changed. Mend them (--mode upsert --dry-run names them), or load with "
        "--mode upsert, which retires nothing."
    )
    zh = (
        "{source} 有 {rows} 行无法读取或没有主键，无从得知来源删除了哪些资产。未作任何更改。"
        "请改正这些行（--mode upsert --dry-run 可列出），或用 --mode upsert 加载，不停用任何资产。"
    )


class RetiresTooMany(TwinError):
    """More assets would be retired than a load may without being told."""

    code = "mode.retires_too_many"
    en = (
        "The load would retire {retired} of {living} assets of {dataset} ({kind}), {percent} %; at most "
        "{limit} % is allowed. Nothing was changed. If the source is whole, allow it: --retire-up-to PERCENT."
    )
    zh = (
        "此次加载将停用 {dataset}（{kind}）{living} 个资产中的 {retired} 个，"
        "占 {percent}%，超过允许的 {limit}%。未作任何更改。如来源确属完整，请用 --retire-up-to 百分数 放宽。"
    )


class DeleteFlagMissing(TwinError):
    """Nothing says which rows of a file of changes are about assets that are gone."""

    code = "mode.delete_flag"
    en = (
        "Nothing says which rows of {path} are deletions. Say it in the mapping: [delete] with column and "
        "values. Columns: {columns}."
    )
    zh = "无从得知 {path} 的哪些行表示删除。请在映射的 [delete] 中指明 column 与 values。列：{columns}。"


class DeleteFlagAlone(DeleteFlagMissing):
    """A mapping names deletions for a load that does not read them."""

    en = (
        "The mapping says by {column} which rows are deletions, and --mode {mode} would load them as assets. "
        "Load with --mode delta, or leave [delete] out of the mapping."
    )
    zh = (
        "映射以 {column} 指明哪些行表示删除，而 --mode {mode} 会将其作为资产加载。"
        "请用 --mode delta，或从映射中去掉 [delete]。"
    )


class RowsRejected(Exception):
    """Rows were rejected, and the load was to keep all out then; never told to anybody."""
