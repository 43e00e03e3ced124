"""``python -m citygraph.export`` writes the schema to stdout, as ``graphql/schema.graphql`` holds it."""

from __future__ import annotations

import sys

from citygraph.schema import build_schema


def schema_text() -> str:
    """The schema in GraphQL's own language."""
    return build_schema().as_str().rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
