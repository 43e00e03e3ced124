"""What a layer and its file are called, and its neighbours in the file."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from loaders.formats import Source
from loaders.locations import Location, default_dataset


class Named(Struct, frozen=True):
    """The names of a layer and of its file, the nearer first, and those of the file's ``other`` layers."""

    own: tuple[str, ...]
    other: tuple[str, ...] = ()

    @classmethod
    def of(cls, location: Location, source: Source, layers: Sequence[str] = ()) -> Named:
        """Those of an opened layer."""
        own = dict.fromkeys(name for name in (source.layer, default_dataset(location)) if name)
        return cls(tuple(own), tuple(name for name in layers if name != source.layer))
