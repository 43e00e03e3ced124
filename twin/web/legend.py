"""What stands beside the map of the city: the kinds that there are, with counts and colours.

The style sheet holds the colours: a kind has that of its place among all kinds, a pipe that of its network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twin.errors import Language
from twin.kinds import all_kinds
from twin.registry.query.names import constant, stored
from twin.web.identity_file import kind_label, value_text

COLOURS = 10
"""How many colours of kinds the style sheet has; more kinds begin again with the first."""
PIPELINE = "pipeline"
NETWORKS: Mapping[str, tuple[str, ...]] = {
    "water_supply": ("raw_water", "reclaimed_water"),
    "drainage": ("stormwater", "wastewater", "combined_sewer"),
    "gas": ("natural_gas", "coal_gas", "lpg"),
    "heating": ("steam", "hot_water"),
    "power": ("power_supply", "street_lighting", "traffic_signal"),
    "telecom": ("china_telecom", "china_mobile", "china_unicom", "cable_tv"),
    "industrial": (),
}
"""Media of pipes that have a colour in CJJ 61 [M], and those that share it: media whose codes [S] stand under
theirs; raw and reclaimed water are ours. Other media have the kind's own colour."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One colour: of a kind, with its count, or of a network of pipes, with its media."""

    value: str
    label: str
    colour: str
    count: int = 0
    media: str = ""


def kind_entries(groups: Sequence[Mapping[str, Any]], lang: Language) -> list[Entry]:
    """The kinds of an answer to ``groups(by: KIND)``, most first."""
    places = {name: place % COLOURS + 1 for place, name in enumerate(sorted(all_kinds()))}
    names = [(stored(group["key"]), group["count"]) for group in groups]
    return [
        Entry(constant(name), kind_label(name, lang), f"kind-{places.get(name, COLOURS)}", count)
        for name, count in names
    ]


def network_entries(kinds: Sequence[Entry], lang: Language) -> list[Entry]:
    """The networks that pipes are coloured by; none where there are no pipes."""
    medium = all_kinds()[PIPELINE].attribute("medium")
    if medium is None or constant(PIPELINE) not in {entry.value for entry in kinds}:
        return []
    return [
        Entry(
            name, value_text(medium, name, lang), f"pipe-{name}", media=" ".join(map(constant, (name, *more)))
        )
        for name, more in NETWORKS.items()
    ]
