"""What commands print: in the user's language, results to stdout, everything else to stderr."""

from __future__ import annotations

import json
import sys

from twin.errors import language


def say(en: str, zh: str | None = None) -> None:
    """Print a result in the user's language; without ``zh`` it is the same in both."""
    print(zh if zh is not None and language() == "zh" else en, flush=True)


def note(en: str, zh: str) -> None:
    """Print what is going on, beside the result."""
    print(zh if language() == "zh" else en, file=sys.stderr)


def say_json(value: object) -> None:
    """Print one JSON document, for programs."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
