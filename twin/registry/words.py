"""How texts are made comparable for search: the one rule for what is stored and for what is looked for."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


def folded(text: str) -> str:
    """``text`` in half-width characters, without case, its blanks single (NFKC, then case folding)."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def searchable(texts: Iterable[str | None]) -> str | None:
    """What ``asset.words`` holds for a name, an address and identifiers: each folded, one a line."""
    return "\n".join(filter(None, (folded(text) for text in texts if text))) or None
