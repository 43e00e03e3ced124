"""What can be wrong with kinds."""

from __future__ import annotations

from twin.errors import TwinError


class UnknownKind(TwinError):
    """No kind has that name."""

    code = "kind.unknown"
    en = "There is no kind {kind}; did you mean {nearest}? The kinds are: {kinds}."
    zh = "没有种类 {kind}；是否指 {nearest}？已有种类：{kinds}。"


class KindInvalid(TwinError):
    """A kind's file does not describe a kind."""

    code = "kind.invalid"
    en = "The kind in {file} cannot be used: {problem_en}. Mend the file, or take it out of its folder."
    zh = "{file} 中的种类无法使用：{problem_zh}。请修改该文件，或将其移出目录。"
