"""What is told of a whole city beside its loads' receipts: home, divisions, and what is not there."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from twin.errors import Language

HomeBy = Literal["set", "manifest", "option", "boundaries", "unknown"]
"""Why home is where it is: set before, said by a manifest, an option or boundaries' tags, or by nothing."""


class LeftOut(Struct, frozen=True):
    """A boundary that became no division, and why: ``reason`` is stable, ``en`` and ``zh`` are its words."""

    key: str
    name: str | None
    level: int | None
    reason: str
    en: str
    zh: str

    def as_json(self, lang: Language) -> dict[str, object]:
        """It for programs."""
        return {
            "key": self.key,
            "name": self.name,
            "level": self.level,
            "reason": self.reason,
            "text": self.zh if lang == "zh" else self.en,
        }


class Account(Struct):
    """What a city's load begins with.

    ``home`` is the registry's home division, ``issuing`` the one that issues codes where no boundary tells;
    ``divisions`` are the codes of those that were registered or replaced, ``absent`` the kinds of which the
    file has no object, ``read`` the seconds that reading it took.
    """

    home: str | None = None
    home_by: HomeBy = "set"
    issuing: str | None = None
    divisions: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    absent: tuple[str, ...] = ()
    read: float = 0.0
    dry_run: bool = False

    def left_out_by_reason(self) -> list[tuple[str, list[LeftOut]]]:
        """The boundaries that were left out, gathered by reason."""
        reasons = dict.fromkeys(one.reason for one in self.left_out)
        return [(reason, [one for one in self.left_out if one.reason == reason]) for reason in reasons]

    def as_json(self, lang: Language = "en") -> dict[str, object]:
        """The account for programs."""
        return {
            "home": {"code": self.home, "by": self.home_by, "issuing": self.issuing},
            "divisions": {
                "registered": self.divisions,
                "left_out": [one.as_json(lang) for one in self.left_out],
            },
            "absent": list(self.absent),
            "dry_run": self.dry_run,
            "seconds": {"read": round(self.read, 3)},
        }
