"""How names are written towards users: fields in camelCase, enum values in capitals, as GraphQL does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from twin.kinds.model import Attribute, Kind


def camel(name: str) -> str:
    """``rated_load`` as ``ratedLoad``."""
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def pascal(name: str) -> str:
    """``glass_panel`` as ``GlassPanel``."""
    return "".join(part.capitalize() for part in name.split("_"))


def constant(value: str) -> str:
    """The enum value for a stored value: ``in_service`` as ``IN_SERVICE``."""
    return value.upper()


def stored(name: str) -> str:
    """The stored value that an enum value stands for."""
    return name.lower()


def attribute_label(kind: Kind, attribute: Attribute) -> str:
    """What rows call an attribute: two kinds may have one of the same name and different types."""
    return f"{kind.name}__{attribute.name}"


def argument_label(name: str, arguments: Mapping[str, Any]) -> str:
    """What rows call a field, which may be asked several times with different arguments; null is none.

    PostgreSQL cuts names after 63 bytes, and arguments may be longer.
    """
    given = {key: value for key, value in arguments.items() if value is not None}
    if not given:
        return name
    written = json.dumps(given, sort_keys=True)
    return f"{name}_{blake2b(written.encode(), digest_size=8).hexdigest()}"
