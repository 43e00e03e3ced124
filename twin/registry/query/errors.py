"""What can be wrong with a question. ``path`` tells where: ``where.near.metres``."""

from __future__ import annotations

from twin.errors import TwinError


class InputType(TwinError):
    """A value of another type than is needed."""

    code = "input.type"
    en = "{path} should be {expected_en}, not {given}."
    zh = "{path} 应为{expected_zh}，而不是 {given}。"


class InputUnknown(TwinError):
    """A member that the filter does not have."""

    code = "input.unknown"
    en = "{path} has no member {member!r}; did you mean {nearest!r}? There are: {known}."
    zh = "{path} 没有成员 {member!r}；是否指 {nearest!r}？可用的有：{known}。"


class InputMissing(TwinError):
    """A member that cannot be left out."""

    code = "input.missing"
    en = "{path} needs the member {member!r}."
    zh = "{path} 缺少成员 {member!r}。"


class InputValue(TwinError):
    """A value that is none of those allowed."""

    code = "input.value"
    en = "{path}: {given!r} is not possible; choose one of {known}."
    zh = "{path}：{given!r} 不可用；请从 {known} 中选择。"


class InputRange(TwinError):
    """A number outside of what makes sense."""

    code = "input.range"
    en = "{path} is {given}; it should be from {lowest} to {highest}."
    zh = "{path} 为 {given}；应在 {lowest} 到 {highest} 之间。"


class InputLimit(TwinError):
    """More of something than one question may hold."""

    code = "input.limit"
    en = "{path} holds more than {limit} {what_en}. Ask for less at a time."
    zh = "{path} 超过 {limit} 个{what_zh}。请分批查询。"


class InputDepth(TwinError):
    """Filters nested too deeply."""

    code = "input.depth"
    en = "{path} is nested more than {limit} deep. Write the filter with fewer and, or and not."
    zh = "{path} 嵌套超过 {limit} 层。请减少 and、or、not 的嵌套。"


class InputText(TwinError):
    """A text that is too short to look for."""

    code = "input.text"
    en = "{path} needs at least {least} characters to look for."
    zh = "{path} 至少需要 {least} 个字符。"


class InputNul(TwinError):
    """A text with the character NUL, which PostgreSQL's texts do not have."""

    code = "input.nul"
    en = "{path} must not hold NUL (\\u0000). Leave that character out."
    zh = "{path} 不能包含空字符 NUL（\\u0000）。请去掉该字符。"


class InputGeometry(TwinError):
    """A GeoJSON geometry that cannot be used."""

    code = "input.geometry"
    en = "{path} is no usable geometry: {reason_en}. Positions are [longitude, latitude] in degrees (WGS 84)."
    zh = "{path} 不是可用的几何：{reason_zh}。坐标为 [经度, 纬度]，单位度（WGS 84）。"


class InputBox(TwinError):
    """A box that is none."""

    code = "input.bbox"
    en = "{path} is no box: it holds west, south, east, north in degrees, with south not above north."
    zh = "{path} 不是有效范围：应依次为西、南、东、北（度），且南不大于北。"


class InputCell(TwinError):
    """A value that is no H3 cell."""

    code = "input.cell"
    en = "{path}: {given!r} is not an H3 cell. Write 15 hexadecimal digits such as 8f309e69a8a1a40."
    zh = "{path}：{given!r} 不是 H3 网格编码。请写 15 位十六进制数，如 8f309e69a8a1a40。"


class CursorInvalid(TwinError):
    """A cursor that this registry did not write."""

    code = "cursor.invalid"
    en = "{path} is no cursor. Take pageInfo.endCursor or an edge's cursor as it came, or leave it out."
    zh = "{path} 不是有效游标。请原样使用 pageInfo.endCursor 或 edge 的 cursor，或省略。"


class CursorMismatch(TwinError):
    """A cursor of another question."""

    code = "cursor.mismatch"
    en = "{path} is the cursor of another list: the filter or the order has changed. Begin at the first page."
    zh = "{path} 是另一个列表的游标：筛选条件或排序已改变。请从第一页开始。"


class PageSize(TwinError):
    """A page of an impossible size."""

    code = "page.size"
    en = "{path} is {given}; a page holds 0 to {limit}. Follow pageInfo.endCursor for more."
    zh = "{path} 为 {given}；每页为 0 到 {limit} 条。请用 pageInfo.endCursor 继续。"


class NearestSize(TwinError):
    """More of the nearest assets than one answer holds; there are no further pages."""

    code = "page.nearest"
    en = "{path} is {given}; nearest gives 0 to {limit} assets, in one answer. Make the circle smaller."
    zh = "{path} 为 {given}；nearest 一次返回 0 到 {limit} 项资产，没有后续页。请缩小范围。"


class PageRows(TwinError):
    """A page whose nested lists add up to too much."""

    code = "page.rows"
    en = "The nested lists could add up to {given} assets; {limit} are allowed. Ask for smaller pages."
    zh = "嵌套列表最多可达 {given} 项资产；上限为 {limit}。请减小每页条数。"


class PageDepth(TwinError):
    """Assets within assets, too deep."""

    code = "page.depth"
    en = "parent and children are nested more than {limit} deep. Ask again for the assets further away."
    zh = "parent 与 children 嵌套超过 {limit} 层。更远的资产请另行查询。"


class PageOfCodes(TwinError):
    """A list of codes together with what makes no sense for it."""

    code = "page.codes"
    en = "codes come in the order they are asked in, all at once: leave out orderBy, first and after."
    zh = "codes 按所给顺序一次返回：请不要同时使用 orderBy、first 和 after。"


class AskedTwice(TwinError):
    """Neither or both of two ways to name one asset."""

    code = "asset.which"
    en = "Name the asset either by code or by identifier."
    zh = "请用 code 或 identifier 二者之一指定资产。"


class CodeSplit(TwinError):
    """The code of an asset that has become several."""

    code = "code.split"
    en = "{value} is the code of an asset that was split. Its successors are {successors}."
    zh = "{value} 所指资产已拆分。其后继为 {successors}。"


class IdentifierAmbiguous(TwinError):
    """An identifier that several assets bear."""

    code = "identifier.ambiguous"
    en = "Several assets bear {value}: {codes}. Name its scheme, or take one of these codes."
    zh = "有多项资产使用 {value}：{codes}。请指明其类别（scheme），或改用其中一个身份码。"


class TooManyGroups(TwinError):
    """More groups than one answer may hold."""

    code = "groups.too_many"
    en = "There are more than {limit} groups. Narrow the filter, or take a coarser resolution."
    zh = "分组超过 {limit} 个。请缩小筛选范围，或使用更粗的分辨率。"


class QueryTimeout(TwinError):
    """A question that took too long."""

    code = "query.timeout"
    en = "The question took longer than is allowed and was stopped. Narrow the filter, or ask for less."
    zh = "查询超时，已停止。请缩小筛选范围，或减少所求内容。"
