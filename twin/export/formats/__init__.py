"""Output formats, one file each, discovered: a module here that defines ``FORMAT``."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from twin.export.errors import FormatUnclear, UnknownFormat
from twin.export.model import Format


@cache
def all_formats() -> Mapping[str, Format]:
    """Every output format by name."""
    modules = (
        importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)
    )
    formats = (getattr(module, "FORMAT", None) for module in modules)
    return MappingProxyType({f.name: f for f in formats if isinstance(f, Format)})


def output_format(name: str | None, file: Path) -> Format:
    """The format called ``name``, else the one that the file's extension names.

    Raises ``UnknownFormat``, which suggests the nearest, and ``FormatUnclear``.
    """
    formats = all_formats()
    if name is None:
        found = next((f for f in formats.values() if file.suffix.lower() in f.extensions), None)
        if found is None:
            raise FormatUnclear(file=file.name, formats=", ".join(formats))
        return found
    if name not in formats:
        nearest = difflib.get_close_matches(name.lower(), formats, n=1, cutoff=0.0)[0]
        raise UnknownFormat(format=name, nearest=nearest, formats=", ".join(formats))
    return formats[name]
