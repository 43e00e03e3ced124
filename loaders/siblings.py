"""Files that are loaded together into one dataset: a key may stand in one of them only.

Else the last one would win, and every load of the city would change the asset to and fro.
"""

from __future__ import annotations

from collections import defaultdict

from loaders.keys import Seen


class Siblings:
    """The keys of the files before, by dataset and kind, each with its file's name."""

    def __init__(self) -> None:
        self._keys: defaultdict[tuple[str, str], list[tuple[str, Seen]]] = defaultdict(list)

    def join(self, dataset: str, kind: str, file: str, keys: Seen) -> tuple[tuple[str, Seen], ...]:
        """The keys of the files before this one, whose ``keys`` those that follow will be asked about."""
        earlier = tuple(self._keys[dataset, kind])
        self._keys[dataset, kind].append((file, keys))
        return earlier
