"""A batch on its way: rows that are new or changed, with everything that is known of them so far."""

from __future__ import annotations

from msgspec import Struct

from loaders import arrow
from loaders.arrow import Column
from loaders.keys import Identity
from loaders.places import Places
from loaders.values import Converted
from spatial.arrays import BoolArray, Int64Array


class Draft(Struct):
    """Would-be assets, one a row; ``existing`` marks those whose key is registered already."""

    numbers: Int64Array
    identity: Identity
    existing: BoolArray
    values: Converted
    places: Places
    divisions: Column

    def __len__(self) -> int:
        return len(self.numbers)

    def common(self, name: str) -> Column:
        """A shared field, empty where the source does not bring it."""
        return self.values.common.get(name) or arrow.nulls(len(self))

    def take(self, mask: BoolArray) -> Draft:
        """The rows of the mask."""
        if mask.all():
            return self

        def each(columns: dict[str, Column]) -> dict[str, Column]:
            return {name: arrow.take(column, mask) for name, column in columns.items()}

        values, places = self.values, self.places
        return Draft(
            self.numbers[mask],
            self.identity.take(mask),
            self.existing[mask],
            Converted(each(values.common), each(values.attributes), each(values.identifiers)),
            places.take(mask),
            arrow.take(self.divisions, mask),
        )
