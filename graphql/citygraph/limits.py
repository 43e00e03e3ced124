"""Limits on documents, checked before anything is done for them.

Fragments are measured once each: measured again wherever they are spread, a short document of fragments that
spread each other twice would take for ever.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from graphql import FieldNode, FragmentSpreadNode, GraphQLError, OperationDefinitionNode, ValidationRule

from twin.errors import TwinError

MAX_TOKENS = 5_000
MAX_DEPTH = 20
MAX_FIELDS = 2_000
MAX_ALIASES = 100
MAX_ROOT_FIELDS = 20
MAX_REPORTS = 2
"""Each reads as much as thousands of lookups."""


class DocumentTooLarge(TwinError):
    """A document that asks for more than one document may."""

    code = "graphql.too_large"
    en = "The document has {given} {what_en}; {limit} are allowed. Ask for less, or in several documents."
    zh = "文档包含 {given} {what_zh}；上限为 {limit}。请减少内容，或分多次查询。"


class Size(NamedTuple):
    """How large a selection is, its fragments written out."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    reports: int = 0

    def beside(self, other: Size) -> Size:
        """Both selections together."""
        return Size(
            max(self.depth, other.depth),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.reports + other.reports,
        )

    def within_field(self, *, aliased: bool, is_report: bool) -> Size:
        """A field with this selection."""
        return Size(self.depth + 1, self.fields + 1, self.aliases + aliased, self.reports + is_report)


class DocumentLimits(ValidationRule):
    """Refuses operations that are too deep, too wide or have too many aliases."""

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self.sizes: dict[str, Size] = {}

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        """Measure one operation."""
        size = self._size(node)
        roots = sum(isinstance(root, FieldNode) for root in node.selection_set.selections)
        for given, limit, what_en, what_zh in (
            (size.depth, MAX_DEPTH, "levels", "层"),
            (size.fields, MAX_FIELDS, "fields", "个字段"),
            (size.aliases, MAX_ALIASES, "aliases", "个别名"),
            (roots, MAX_ROOT_FIELDS, "fields of Query", "个顶层字段"),
            (size.reports, MAX_REPORTS, "reports", "份报表"),
        ):
            if given > limit:
                error = DocumentTooLarge(
                    given=min(given, 10**9), limit=limit, what_en=what_en, what_zh=what_zh
                )
                self.report_error(GraphQLError(str(error), node, original_error=error))

    def _size(self, node: Any) -> Size:
        size = Size()
        for selection in node.selection_set.selections if node.selection_set else ():
            size = size.beside(self._selection(selection))
        return size

    def _selection(self, node: Any) -> Size:
        if isinstance(node, FieldNode):
            if node.name.value.startswith("__"):
                return Size()
            is_report = node.name.value == "report"
            return self._size(node).within_field(aliased=node.alias is not None, is_report=is_report)
        return self._fragment(node.name.value) if isinstance(node, FragmentSpreadNode) else self._size(node)

    def _fragment(self, name: str) -> Size:
        """A fragment's size; nothing for one that is missing or spreads itself, which other rules refuse."""
        if name not in self.sizes:
            self.sizes[name] = Size()
            fragment = self.context.get_fragment(name)
            if fragment is not None:
                self.sizes[name] = self._size(fragment)
        return self.sizes[name]
