"""A mapping proposed for a layer: kind, coordinate system, position, key and fields, and how sure each is."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from loaders.formats import Source
from loaders.inspection.confidence import Confidence, Why
from loaders.inspection.fields import FieldGuess, propose_fields
from loaders.inspection.keys import BY_FORMAT, KeyGuess, propose_key
from loaders.inspection.kinds import KindGuess, propose_kinds
from loaders.inspection.naming import Named
from loaders.inspection.positions import Positions, find_positions
from loaders.inspection.sample import Sample
from loaders.inspection.shift import Shift
from loaders.inspection.systems import SystemFinding, SystemGuess, find_system
from spatial.systems import Area
from twin.kinds import Kind, kind


class Proposal(Struct, frozen=True):
    """What a mapping for the layer would say.

    ``kinds`` are the candidates, the likeliest first, unless ``kind`` was said; fields and key are those of
    ``kind``, and as sure as they are only if the rows are of it.
    """

    kind: str | None
    kind_said: bool
    kinds: tuple[KindGuess, ...]
    system: SystemFinding
    positions: Positions
    key: KeyGuess | None
    fields: tuple[FieldGuess, ...]

    @property
    def kind_confidence(self) -> Confidence | None:
        """How sure the kind is: certain where it was said."""
        if self.kind_said:
            return Confidence.CERTAIN
        return self.kinds[0].confidence if self.kinds else None

    @property
    def lon(self) -> str | None:
        """The column of longitudes or eastings, whatever it is called."""
        return self.positions.lat if self._exchanged else self.positions.lon

    @property
    def lat(self) -> str | None:
        """The column of latitudes or northings."""
        return self.positions.lon if self._exchanged else self.positions.lat

    @property
    def position_confidence(self) -> Confidence | None:
        """How sure the columns of the position are: exchanged ones are likely at most."""
        sure = self.positions.confidence
        return min(sure, Confidence.LIKELY) if sure is not None and self._exchanged else sure

    @property
    def _exchanged(self) -> bool:
        best = self.system.best
        return best is not None and best.exchanged

    def shifted(self, shift: Shift) -> Proposal:
        """The proposal with the system that the assets nearby prove."""
        why = Why(
            f"once it is undone, positions lie {shift.undone:.0f} m from the nearest {shift.kind}, "
            f"not {shift.as_they_are:.0f} m",
            f"还原后距最近的 {shift.kind} {shift.undone:.0f} 米，而非 {shift.as_they_are:.0f} 米",
        )
        best = self.system.best
        guess = SystemGuess(shift.code, Confidence.LIKELY, why, best is not None and best.exchanged)
        others = tuple(one for one in self.system.guesses if one.code != shift.code)
        return replace(self, system=SystemFinding(None, (guess, *others)))


def propose(
    sample: Sample, named: Named, source: Source, said_kind: Kind | None = None, home: Area | None = None
) -> Proposal:
    """The proposal for a sampled layer; ``home`` is the extent of the registry's divisions.

    Raises ``UnknownCrs`` or ``UnsupportedCrs``.
    """
    columns = sample.facts()
    positions = find_positions(sample, columns, decimal_comma=source.decimal_comma)
    headings = [facts.name for facts in columns]
    system = find_system(source.crs, positions, [*named.own, *headings], home)
    guesses: tuple[KindGuess, ...] = ()
    chosen = said_kind
    if chosen is None:
        positioned = bool(positions.columns) and not sample.types
        guesses = tuple(propose_kinds(named, columns, sample.types, positioned=positioned))
        chosen = kind(guesses[0].kind) if guesses else None
    fields: tuple[FieldGuess, ...] = ()
    found = KeyGuess(source.key, Confidence.CERTAIN, BY_FORMAT) if source.key else None
    if chosen is not None:
        sure = found or propose_key(chosen, columns, ())
        taken = {
            *positions.columns,
            *([sure.column] if sure and sure.confidence is Confidence.CERTAIN else []),
        }
        fields = tuple(propose_fields(chosen, columns, taken))
        found = found or propose_key(chosen, columns, fields)
    name = chosen.name if chosen else None
    return Proposal(name, said_kind is not None, guesses, system, positions, found, fields)
