"""SQL that does not vary, in named files one can find and read."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any


@cache
def statement(package: str, name: str) -> Any:
    """The text of ``sql/<name>.sql`` in a package; ``Any`` for psycopg, which asks for a literal text."""
    return (files(package) / "sql" / f"{name}.sql").read_text(encoding="utf-8")
