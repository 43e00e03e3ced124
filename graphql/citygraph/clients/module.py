"""A client's source: one module, which needs httpx and pydantic and nothing of City Twin.

What stands in it of documents and of the schema are names, which GraphQL's grammar makes identifiers, and
texts that are written as Python's literals.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLSchema

from citygraph.clients.operations import read_operations
from citygraph.clients.shapes import Attribute, Class, Enumeration, Input, Method, Shapes, Union

_ABOUT = (
    "A client of City Twin's GraphQL, made by `twin client`: make it anew rather than change it.\n\n"
    "City Twin GraphQL 客户端，由 `twin client` 生成：请重新生成，不要手工修改。"
)
_IMPORTS: Mapping[str, Sequence[str]] = {
    "collections.abc": ("Callable", "Mapping", "Sequence"),
    "dataclasses": ("dataclass",),
    "datetime": ("date as Date", "datetime as DateTime"),
    "enum": ("StrEnum",),
    "functools": ("cache",),
    "types": ("TracebackType",),
    "typing": ("Annotated", "Any", "Required", "Self", "TypedDict", "TypeVar"),
    "pydantic": ("Discriminator", "Field", "Tag", "TypeAdapter", "ValidationError"),
    "pydantic_core": ("to_json",),
}
"""What clients import, beside httpx itself; of these each has what it names."""


def client_source(documents: Mapping[str, str], schema: GraphQLSchema) -> str:
    """The source of a client for the operations of documents, which are given by their files' names.

    Raises as ``citygraph.clients.operations.read_operations``.
    """
    transport = _transport()
    shapes = Shapes(schema, _reserved(transport) | _names_in(schema))
    shapes.add(read_operations(documents, schema))
    parts = [
        transport,
        *map(_enum, shapes.enums.values()),
        *map(_input, shapes.inputs.values()),
        *(_class(one) if isinstance(one, Class) else _union(one) for one in shapes.classes),
        *map(_document, shapes.methods),
        _client("Client", shapes.methods, "def", ""),
        _client("AsyncClient", shapes.methods, "async def", "await "),
    ]
    body = "\n\n\n".join(part.strip("\n") for part in parts) + "\n"
    return f'"""{_ABOUT}\n"""\n\nfrom __future__ import annotations\n\n{_imports(body)}\n\n{body}'


def _transport() -> str:
    """What is the same in every client: the module ``transport``, from behind its imports."""
    text = files("citygraph.clients").joinpath("transport.py").read_text(encoding="utf-8")
    imports = [one for one in ast.parse(text).body if isinstance(one, ast.Import | ast.ImportFrom)]
    return "\n".join(text.splitlines()[imports[-1].end_lineno :])


def _reserved(transport: str) -> set[str]:
    """Names that mean something else in a client."""
    imported = {name.split()[-1] for names in _IMPORTS.values() for name in names}
    return imported | set(re.findall(r"\b[A-Z]\w*", transport)) | {"Client", "AsyncClient"}


def _names_in(schema: GraphQLSchema) -> set[str]:
    """The names of enums and inputs, which keep them."""
    kept = GraphQLEnumType, GraphQLInputObjectType
    return {name for name, one in schema.type_map.items() if isinstance(one, kept)}


def _imports(body: str) -> str:
    lines = []
    for module, names in _IMPORTS.items():
        if module == "pydantic":
            lines += ["", "import httpx"]
        used = [name for name in names if re.search(rf"\b{name.split()[-1]}\b", body)]
        if used:
            lines.append(f"from {module} import {', '.join(used)}")
    return "\n".join(lines)


def _text(text: str, indent: str = "    ") -> Iterator[str]:
    """The lines of a docstring."""
    safe = text.replace("\\", "\\\\").replace('"', '\\"')
    first, *others = safe.split("\n")
    yield f'{indent}"""{first}' + ('"""' if not others else "")
    yield from (f"{indent}{line}".rstrip() for line in others)
    if others:
        yield f'{indent}"""'


def _enum(one: Enumeration) -> str:
    values = [f"    {name} = {_literal(value)}" for name, value in one.values.items()]
    return "\n".join([f"class {one.name}(StrEnum):", *_text(one.about), "", *values])


def _input(one: Input) -> str:
    members = [f"        {_literal(name)}: {_literal(written)}," for name, written in one.members.items()]
    lines = [
        f"{one.name} = TypedDict(",
        f"    {_literal(one.name)},",
        "    {",
        *members,
        "    },",
        "    total=False,",
        ")",
    ]
    return "\n".join([*lines, *_text(one.about, "")])


def _class(one: Class) -> str:
    attributes = [f"    {attribute.name}: {_annotated(attribute)}" for attribute in one.attributes]
    lines = [
        "@dataclass(frozen=True, kw_only=True, slots=True)",
        f"class {one.name}:",
        *_text(one.about),
        "",
        *attributes,
    ]
    return "\n".join(lines)


def _annotated(one: Attribute) -> str:
    """An attribute's type, with the key of its value where that has another name."""
    written = one.annotation
    if one.optional and not written.endswith(" | None") and written != "Any":
        written += " | None"
    if one.name != one.key:
        written = f"Annotated[{written}, Field(validation_alias={_literal(one.key)})]"
    return f"{written} = None" if one.optional else written


def _union(one: Union) -> str:
    variants = sorted({*one.by_type.values()})
    tagged = [f"Annotated[{name}, Tag({_literal(name)})]" for name in [*variants, one.other]]
    tags = [
        f"                {_literal(of_type)}: {_literal(name)}," for of_type, name in one.by_type.items()
    ]
    return "\n".join(
        [
            f"{one.name} = Annotated[",
            "    " + "\n    | ".join(tagged) + ",",
            "    Discriminator(",
            "        _by_type(",
            "            {",
            *tags,
            "            },",
            f"            {_literal(one.other)},",
            "        )",
            "    ),",
            "]",
        ]
    )


def _document(one: Method) -> str:
    lines = "\n".join(f"    {_literal(line + chr(10))}" for line in one.operation.text.split("\n"))
    return f"_{one.name.upper()} = (\n{lines}\n)"


def _client(name: str, methods: Sequence[Method], define: str, wait: str) -> str:
    lines = [f"class {name}(_{name}):", *_text("The operations, each as a method.")]
    for one in methods:
        arguments = [f"        {_argument(argument)}," for argument in one.arguments]
        variables = [
            f"                {_literal(argument.key)}: {argument.name}," for argument in one.arguments
        ]
        lines += [
            "",
            f"    {define} {one.name}(",
            "        self,",
            *(["        *,"] if arguments else []),
            *arguments,
            f"    ) -> {one.result}:",
            *_text(one.operation.about or f"The operation {one.operation.name}.", " " * 8),
            f"        return {wait}self._ask(",
            f"            _{one.name.upper()},",
            f"            {_literal(one.operation.name)},",
            f"            {one.result},",
            *(["            {", *variables, "            },"] if variables else ["            {},"]),
            "        )",
        ]
    return "\n".join(lines)


def _argument(one: Attribute) -> str:
    return f"{one.name}: {one.annotation} = None" if one.optional else f"{one.name}: {one.annotation}"


def _literal(text: str) -> str:
    """A text as Python writes it, which is how JSON does."""
    return json.dumps(text, ensure_ascii=False)
