"""Loads: what became of each file, kept for ever."""

from __future__ import annotations

from typing import Any

from citygraph import objects
from citygraph.assets import connection_type
from citygraph.making import Member, declare, many, object_type
from citygraph.scalars import JSON, DateTime

ReasonCount = object_type(
    "ReasonCount",
    [
        Member("reason", str, "Its stable code.", "原因代码。", nullable=False),
        Member("count", int, "How often it was found.", "次数。", nullable=False),
    ],
    "Why rows were rejected or warned about, and how many.",
    "拒收或警告的原因及次数。",
)


class Loads:
    """The types of a load and of pages of loads, for the kinds that there are."""

    def __init__(self, kind_enum: Any) -> None:
        self.load = object_type(
            "Load",
            [*_identity(kind_enum), *_counts(), *_receipt()],
            "A load of a file, or the undoing of one.",
            "一次导入，或对某次导入的撤销。",
        )
        self.connection = connection_type(declare("LoadConnection"), self.load, "loads", "导入")


def _identity(kind_enum: Any) -> list[Member]:
    return [
        Member("id", int, "Its number.", "编号。", nullable=False),
        Member("dataset", objects.Dataset, "The data set.", "数据集。", nullable=False),
        Member("kind", kind_enum, "What the rows are.", "各行的种类。", nullable=False),
        Member("source", str, "The file that was loaded.", "导入的文件。", nullable=False),
        Member(
            "format",
            str,
            "The file's format; undo if it undoes a load.",
            "文件格式；撤销为 undo。",
            nullable=False,
        ),
        Member("startedAt", DateTime, "When it began.", "开始时间。", nullable=False),
        Member("finishedAt", DateTime, "When it ended.", "结束时间。", nullable=False),
        Member(
            "unfinished",
            bool,
            "Whether it is a load in batches that never came to its end.",
            "是否为分批加载且未完成。",
            nullable=False,
        ),
        Member("undoes", int, "The load that it undoes.", "所撤销的导入。"),
        Member("undoneBy", int, "The load that undid it, while that stands.", "撤销它的导入（仍有效时）。"),
    ]


def _counts() -> list[Member]:
    words = {
        "read": ("How many rows it read.", "读入行数。"),
        "new": ("How many assets are new.", "新增资产数。"),
        "changed": ("How many assets it changed.", "变更资产数。"),
        "same": ("How many rows say what was known.", "不变行数。"),
        "rejected": ("How many rows were rejected.", "拒收行数。"),
    }
    return [Member(name, int, *both, nullable=False) for name, both in words.items()]


def _receipt() -> list[Member]:
    return [
        Member("layer", str, "The layer.", "图层。"),
        Member("encoding", str, "The encoding of its text.", "文本编码。"),
        Member("key", str, "The column that is the key.", "主键列。"),
        Member("crs", str, "Its coordinate system.", "坐标系。"),
        Member("operation", str, "How its coordinates became WGS 84's.", "坐标转换方法。"),
        Member("accuracy", float, "The accuracy of that in metres.", "转换精度（米）。"),
        Member("reasons", many(ReasonCount), "Why rows were rejected.", "拒收原因。", nullable=False),
        Member(
            "warningReasons", many(ReasonCount), "What rows were warned about.", "警告原因。", nullable=False
        ),
        Member(
            "receipt",
            JSON,
            "The whole receipt; like the facts from it, only for those who see every division.",
            "完整回执；与其中各项一样，仅供可见全部区划者查看。",
        ),
    ]
