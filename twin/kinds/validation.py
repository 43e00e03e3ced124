"""Whether kinds are fit for use: what discovery checks before anybody relies on them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from twin.identity.checks import CHECKS
from twin.kinds.common import COMMON_FIELDS, STATUS, common_fields
from twin.kinds.fields import names_of
from twin.kinds.model import Attribute, Kind
from twin.kinds.names import normalise_name
from twin.kinds.units import factor

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
_NUMBERED = re.compile(r".*_[0-9]+")
"""What a kind's tables are called, which are numbered."""
OTHER_TABLES = frozenset(
    {"cell", "cell_pkey", "geom", "kind", "kind_pkey", "pkey"}
    | {"version", "version_code", "version_geom", "version_kind_division", "words"}
)
"""What other tables and indexes are called behind ``asset_``, ``identifier_`` or ``rollup_``."""
_CLASS_CODE = re.compile(r"[0-9A-Z]{4}")

# Names that an asset's file, its GraphQL type and its SQL view already use.
RESERVED = (
    frozenset(COMMON_FIELDS)
    | {"id", "kind", "kinds", "scheme", "issued_in", "class_code", "dataset", "relation", "children", "words"}
    | {"attributes", "identifiers", "geometry", "geom", "position", "cell", "area", "length", "typename"}
    | {"valid_from", "valid_to", "recorded_from", "recorded_to", "updated", "history", "load", "load_id"}
    | {"row_number", "wkt", "wkb"}
)

Problem = tuple[str, str]
"""What is wrong, in English and in Chinese."""


def problems(kind: Kind) -> Iterator[Problem]:
    """Everything that is wrong with ``kind`` by itself."""
    yield from _naming(kind)
    yield from _classes(kind)
    for attribute in kind.attributes:
        yield from _attribute(attribute)
    yield from _references(kind)
    yield from _ambiguous_names(kind)


def shared_problems(kinds: Mapping[str, Kind]) -> Iterator[tuple[str, Problem]]:
    """What is wrong between kinds, each with the name of the file it is in: names, classes, parents."""
    yield from _owned_twice(
        kinds, lambda kind: kind.class_codes(), ("class code {} is also that of {}", "类代码 {} 已属于 {}")
    )
    yield from _owned_twice(
        kinds, lambda kind: {kind.name}, ("the name {} is also that in {}", "名称 {} 已见于 {}")
    )
    yield from _owned_twice(
        kinds, lambda kind: {kind.plural}, ("the plural {} is also that of {}", "复数名 {} 已属于 {}")
    )
    known = {kind.name for kind in kinds.values()}
    for file, kind in kinds.items():
        for parent in set(kind.parents) - known:
            yield file, (f"its parent {parent} is no kind", f"其上级 {parent} 不是种类")


def _owned_twice(
    kinds: Mapping[str, Kind], owned: Callable[[Kind], Iterable[str]], words: Problem
) -> Iterator[tuple[str, Problem]]:
    owners: dict[str, str] = {}
    for file, kind in kinds.items():
        for thing in sorted(owned(kind)):
            other = owners.setdefault(thing, file)
            if other != file:
                yield file, (words[0].format(thing, other), words[1].format(thing, other))


def _naming(kind: Kind) -> Iterator[Problem]:
    for name in (
        kind.name,
        kind.plural,
        *(a.name for a in kind.attributes),
        *(i.scheme for i in kind.identifiers),
    ):
        if not _IDENTIFIER.fullmatch(name):
            yield (
                f"{name!r} is no name of lower-case letters, digits and _",
                f"{name!r} 不是由小写字母、数字和下划线组成的名称",
            )
    if _NUMBERED.fullmatch(kind.name):
        yield (
            f"{kind.name} ends in _ and digits, as the tables of kinds do",
            f"{kind.name} 以下划线和数字结尾，与种类的表名冲突",
        )
    if kind.name in OTHER_TABLES:
        yield (
            f"{kind.name} is what another table is called that begins like those of kinds",
            f"{kind.name} 与登记库其他表名冲突",
        )
    own = [*(a.name for a in kind.attributes), *(i.scheme for i in kind.identifiers)]
    for name, count in Counter(own).items():
        if count > 1:
            yield f"{name} is declared {count} times", f"{name} 声明了 {count} 次"
    for name in sorted(RESERVED.intersection(own)):
        yield f"{name} is a field that every asset has", f"{name} 是所有资产共有的字段"
    if not kind.geometry:
        yield "it names no geometry type", "未给出几何类型"


def _classes(kind: Kind) -> Iterator[Problem]:
    if not kind.classes or kind.classes[0].when:
        yield "its first class must be the default, without conditions", "第一个类必须是无条件的默认类"
    for position, item in enumerate(kind.classes):
        if position and not item.when:
            yield f"class {item.code} needs a condition", f"类 {item.code} 缺少条件"
        for number in item.numbers:
            if not _CLASS_CODE.fullmatch(number):
                yield (
                    f"class code {number!r} is not four digits or capitals",
                    f"类代码 {number!r} 不是四位数字或大写字母",
                )
        for name, value in item.when.items():
            attribute = kind.attribute(name)
            if attribute is None or value not in {c.value for c in attribute.choices}:
                yield (
                    f"class {item.code} asks for {name} = {value}, which is no choice",
                    f"类 {item.code} 的条件 {name} = {value} 不存在",
                )
    for number, count in Counter(n for item in kind.classes for n in item.numbers).items():
        if count > 1:
            yield f"class code {number} is declared {count} times", f"类代码 {number} 声明了 {count} 次"


def _attribute(attribute: Attribute) -> Iterator[Problem]:
    name, values = attribute.name, [c.value for c in attribute.choices]
    if (attribute.type == "choice") != bool(values):
        yield (
            f"{name}: choices belong to an attribute of type choice, and it needs some",
            f"{name}：只有 choice 类型有且必须有选项",
        )
    if attribute.fallback is not None and attribute.fallback not in values:
        yield (
            f"{name}: its fallback {attribute.fallback} is no choice",
            f"{name}：后备值 {attribute.fallback} 不在选项中",
        )
    if attribute.type not in ("integer", "number") and (attribute.unit or attribute.in_units):
        yield f"{name}: only numbers have units", f"{name}：只有数值才有单位"
    for other in attribute.in_units:
        if attribute.unit is None or factor(other.unit, attribute.unit) is None:
            yield (
                f"{name}: {other.unit} cannot become {attribute.unit}",
                f"{name}：{other.unit} 不能换算为 {attribute.unit}",
            )
    yield from _choices(attribute)


def _choices(attribute: Attribute) -> Iterator[Problem]:
    meant: dict[str, str] = {}
    for choice in attribute.choices:
        if not _IDENTIFIER.fullmatch(choice.value):
            yield (
                f"{attribute.name}: {choice.value!r} is no name",
                f"{attribute.name}：{choice.value!r} 不是有效名称",
            )
        for word in (choice.value, choice.en, choice.zh, *choice.synonyms):
            other = meant.setdefault(normalise_name(word), choice.value)
            if other != choice.value:
                yield (
                    f"{attribute.name}: the word {word} means both {other} and {choice.value}",
                    f"{attribute.name}：词语 {word} 同时指 {other} 和 {choice.value}",
                )


def _references(kind: Kind) -> Iterator[Problem]:
    for name in sorted(set(kind.names) - set(COMMON_FIELDS)):
        yield f"names: {name} is no shared field", f"names：{name} 不是共有字段"
    for status in sorted(set(kind.status_words) - {c.value for c in STATUS}):
        yield f"status_words: {status} is no status", f"status_words：{status} 不是状态"
    yield from _choices(common_fields(kind)["status"])
    checked = [(a.name, a.check) for a in kind.attributes] + [(i.scheme, i.check) for i in kind.identifiers]
    for name, check in checked:
        if check is not None and check not in CHECKS:
            yield f"{name}: there is no check {check}", f"{name}：没有校验规则 {check}"
    for total in kind.sums:
        attribute = kind.attribute(total.of)
        numeric = attribute is not None and attribute.type in ("integer", "number")
        if not (numeric or total.of in ("length", "area")):
            yield f"it sums {total.of}, which is no number", f"合计项 {total.of} 不是数值"
    yield from _inspection(kind)


def _inspection(kind: Kind) -> Iterator[Problem]:
    if kind.inspection is None:
        return
    anchor = kind.attribute(kind.inspection.anchor)
    if anchor is None or anchor.type != "date":
        yield (
            f"its inspections count from {kind.inspection.anchor}, which is no date",
            f"检验起算项 {kind.inspection.anchor} 不是日期",
        )


def _ambiguous_names(kind: Kind) -> Iterator[Problem]:
    meant: dict[str, tuple[str, str | None]] = {}
    for name, field in names_of(kind):
        key = normalise_name(name)
        other = meant.setdefault(key, (field.name, field.unit)) if key else None
        if other is None:
            yield (
                f"{field.name}: the name {name!r} has no letter or digit",
                f"{field.name}：名称 {name!r} 不含字母或数字",
            )
        elif other != (field.name, field.unit):
            yield (
                f"the name {name} means both {other[0]} and {field.name}",
                f"名称 {name} 同时指 {other[0]} 和 {field.name}",
            )
