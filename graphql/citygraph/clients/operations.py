"""Operations that clients are made of: read from documents, and checked against the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    is_abstract_type,
    parse,
    print_ast,
    separate_operations,
    specified_rules,
    validate,
    visit,
)

from citygraph.limits import DocumentLimits
from twin.errors import TwinError, sentence


class BadDocument(TwinError):
    """A document that is no GraphQL, or does not fit the schema."""

    code = "client.document"
    en = "{file}, line {line}: {reason} Mend the document; `twin serve` has the schema at /graphql."
    zh = "{file} 第 {line} 行：{reason} 请修改文档；`twin serve` 的 /graphql 可查看模式。"


class NoOperations(TwinError):
    """Nothing to make a client of."""

    code = "client.nothing"
    en = "{path} holds no operations: a file NAME.graphql, or a folder of such files, is needed."
    zh = "{path} 中没有操作：需要 NAME.graphql 文件，或包含此类文件的目录。"


class OperationUnnamed(TwinError):
    """An operation without the name that its method would have."""

    code = "client.unnamed"
    en = "{file}, line {line}: the operation needs a name, as in `query lamps {{ … }}`."
    zh = "{file} 第 {line} 行：操作需要名称，例如 `query lamps {{ … }}`。"


class OperationTwice(TwinError):
    """Two operations of one name."""

    code = "client.twice"
    en = "{file}: there is an operation {name} already. Give one of them another name."
    zh = "{file}：已有名为 {name} 的操作。请为其中之一改名。"


class OperationListens(TwinError):
    """A subscription, which a client of requests and answers cannot hold."""

    code = "client.subscription"
    en = "{file}, line {line}: {name} is a subscription; clients ask queries and mutations."
    zh = "{file} 第 {line} 行：{name} 是订阅；客户端仅支持查询和变更。"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation with its fragments; ``about`` is the comment that its document begins with."""

    name: str
    about: str
    definition: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    text: str


def documents_at(path: Path) -> dict[str, str]:
    """The documents of a file, or of a folder's files, by their names. Raises ``NoOperations``."""
    files = sorted(path.glob("*.graphql")) if path.is_dir() else [path]
    try:
        found = {file.name: file.read_text(encoding="utf-8-sig") for file in files}
    except (OSError, UnicodeDecodeError):
        raise NoOperations(path=path) from None
    if not found:
        raise NoOperations(path=path)
    return found


def read_operations(documents: Mapping[str, str], schema: GraphQLSchema) -> list[Operation]:
    """The operations of the documents, each of which has a file's name.

    Raises ``BadDocument``, ``OperationUnnamed``, ``OperationTwice``, ``OperationListens`` and, where there
    are none, ``NoOperations``.
    """
    found: dict[str, Operation] = {}
    for file, text in documents.items():
        for operation in _operations(file, text, schema):
            if operation.name in found:
                raise OperationTwice(file=file, name=operation.name)
            found[operation.name] = operation
    if not found:
        raise NoOperations(path=", ".join(documents))
    return list(found.values())


def _operations(file: str, text: str, schema: GraphQLSchema) -> Iterator[Operation]:
    document = _checked(file, text, schema)
    for one in document.definitions:
        if isinstance(one, OperationDefinitionNode):
            _require_method(file, one)
    told = visit(document, TypeInfoVisitor(info := TypeInfo(schema), _TellTypes(schema, info, document)))
    for name, separate in separate_operations(told).items():
        (definition,) = (one for one in separate.definitions if isinstance(one, OperationDefinitionNode))
        yield Operation(name, _comment(text), definition, fragments_of(separate), print_ast(separate))


def _checked(file: str, text: str, schema: GraphQLSchema) -> DocumentNode:
    """The document, sound and within the server's limits. Raises ``BadDocument``."""
    try:
        document = parse(text)
    except GraphQLError as error:
        raise _bad(file, error) from None
    problems = validate(schema, document, [*specified_rules, DocumentLimits])
    if problems:
        raise _bad(file, problems[0])
    return document


def _bad(file: str, error: GraphQLError) -> BadDocument:
    line = error.locations[0].line if error.locations else 1
    return BadDocument(file=file, line=line, reason=sentence(error.message))


def _require_method(file: str, operation: OperationDefinitionNode) -> None:
    """Raise where no method can be made of an operation."""
    line = operation.loc.start_token.line if operation.loc else 1
    if operation.name is None:
        raise OperationUnnamed(file=file, line=line)
    if operation.operation is OperationType.SUBSCRIPTION:
        raise OperationListens(file=file, line=line, name=operation.name.value)


def _comment(text: str) -> str:
    """The comment at the beginning of a document."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return "\n".join(lines)


class _TellTypes(Visitor):
    """Asks for ``__typename`` wherever what is asked for depends on the type."""

    def __init__(self, schema: GraphQLSchema, info: TypeInfo, document: DocumentNode) -> None:
        super().__init__()
        self._schema = schema
        self._info = info
        self._fragments = fragments_of(document)

    def leave_selection_set(self, node: SelectionSetNode, *_: Any) -> SelectionSetNode | None:
        """The selection with ``__typename``, where it has fragments for some of the possible types."""
        parent: Any = self._info.get_parent_type()
        conditions = (condition_of(one, self._fragments) for one in node.selections)
        if not any(name is not None and narrows(self._schema, parent, name) for name in conditions):
            return None
        typename = FieldNode(name=NameNode(value="__typename"))
        return SelectionSetNode(selections=(typename, *node.selections))


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """A document's fragments by their names."""
    return {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}


def condition_of(node: Any, fragments: Mapping[str, FragmentDefinitionNode]) -> str | None:
    """The type that a fragment is for; None for a field, and for a fragment that names none."""
    if isinstance(node, FragmentSpreadNode):
        return fragments[node.name.value].type_condition.name.value
    if isinstance(node, InlineFragmentNode) and node.type_condition is not None:
        return node.type_condition.name.value
    return None


def narrows(schema: GraphQLSchema, of_type: Any, condition: str) -> bool:
    """Whether not everything of a type is of the type ``condition`` too."""
    wanted: Any = schema.get_type(condition)
    return wanted is not of_type and not (is_abstract_type(wanted) and schema.is_sub_type(wanted, of_type))
