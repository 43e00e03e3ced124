"""What ``datums.toml`` says of datums and of the names that people write."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files

from msgspec import Struct


class Advice(Struct, frozen=True):
    """What to do, in both languages."""

    en: str
    zh: str


class Datums(Struct, frozen=True):
    """The file's contents, keyed by names without case, spaces and punctuation."""

    null: dict[str, float]
    supply: dict[str, Advice]
    alias: dict[str, str]
    hint: dict[str, Advice]
    shifted_accuracy: float


def key(name: str) -> str:
    """A name without case, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", name).casefold()


@cache
def datums() -> Datums:
    """``datums.toml``, read once."""
    raw = tomllib.loads((files("spatial") / "datums.toml").read_text(encoding="utf-8"))
    return Datums(
        null={key(name): float(entry["accuracy"]) for entry in raw["null"] for name in entry["names"]},
        supply=_advice(raw["supply"]),
        alias={key(name): str(entry["means"]) for entry in raw["alias"] for name in entry["names"]},
        hint=_advice(raw["hint"]),
        shifted_accuracy=float(raw["shifted"]["accuracy"]),
    )


def _advice(entries: list[dict[str, str]]) -> dict[str, Advice]:
    return {key(name): Advice(entry["en"], entry["zh"]) for entry in entries for name in entry["names"]}
