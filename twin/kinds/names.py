"""How the names of fields, and words for choices, are compared."""

from __future__ import annotations

import unicodedata
from functools import lru_cache


@lru_cache(maxsize=65_536)
def normalise_name(name: str) -> str:
    """``name`` as it is compared: NFKC, case folded, letters and digits only.

    ``building:levels``, ``Building Levels`` and ``BUILDING_LEVELS`` are one name; so are ``埋深（m）`` and
    ``埋深(m)``. A name of punctuation alone becomes the empty text, which matches nothing.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(character for character in folded if character.isalnum())
