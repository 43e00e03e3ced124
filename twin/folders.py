"""Folders of kinds, schemes and reports besides ours, which environment variables name.

They are looked up once: a variable that is not set costs the environment a microsecond each time, and whoever
reads a code asks for three.
"""

from __future__ import annotations

import os

NAMED: dict[str, str] = {}
"""What the variables said when somebody first asked."""


def named(variable: str) -> str:
    """The folders that a variable names, separated as in ``PATH``; empty where it names none."""
    known = NAMED.get(variable)
    if known is None:
        known = NAMED[variable] = os.environ.get(variable, "")
    return known
