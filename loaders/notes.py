"""What the notes of a receipt say, in English and Chinese."""

from __future__ import annotations

NOTES = {
    "key.none": (
        "No column is a key: each row is known by its place, so a moved asset will be a new one.",
        "没有主键列：以位置识别各行，位置移动后将视为新资产。",
    ),
    "key.assumed": (
        "The key was assumed by the column's name; a mapping can say it.",
        "按列名推定主键，可在映射中指明。",
    ),
    "dataset.joined": (
        "The dataset is called as the file is, and was last loaded from a file of another name.",
        "数据集与文件同名，而上次是从另一文件加载的。",
    ),
    "kind.assumed": (
        "The kind was assumed by names, columns and values; `twin inspect` shows why.",
        "种类由名称、列与取值推定，可用 `twin inspect` 查看依据。",
    ),
    "load.resumed": (
        "The load went on behind the last batch that was committed.",
        "从上次提交的批次之后继续加载。",
    ),
    "resume.nothing": (
        "There was no unfinished load to go on with, so it began with the first row.",
        "没有未完成的加载可继续，已从第一行开始。",
    ),
    "indexes.missing": (
        "The load is done; its indexes for faster reading are not, and the kind's next load makes them.",
        "加载已完成；用于加快读取的索引尚未建成，将由该种类的下一次加载补建。",
    ),
    "text.quotes": (
        "Quotes that open a field and never close were read as characters of the text.",
        "未成对的引号按普通字符读取。",
    ),
    "sheet.hidden": ("Hidden sheets were passed over.", "隐藏的工作表未读取。"),
    "sheet.titles": ("Lines above the header were passed over.", "表头以上的标题行未读取。"),
    "sheet.merged": (
        "Cells merged over several rows were taken to stand in each.",
        "跨行合并的单元格按每行均有该值处理。",
    ),
    "crs.changed": (
        "The coordinate system is another than that of the dataset's last load.",
        "坐标系与该数据集上次加载时不同。",
    ),
    "crs.assumed": ("Longitude and latitude were taken for WGS 84.", "经纬度按 WGS 84 处理。"),
    "survey.axes_exchanged": (
        "The point tables have the easting in X and the northing in Y; they were read so.",
        "点表中 X 为东坐标、Y 为北坐标，已按此读取。",
    ),
}
