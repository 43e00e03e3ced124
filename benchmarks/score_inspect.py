"""How often `twin inspect` is right: its proposals against the answers in tests/answers, as a table.

Run ``python -m benchmarks.score_inspect [FOLDER]``; the folder of real files is ``TWIN_REAL_DATA``, else
``../shared/data``. Each table of the answers says of one layer which kind its rows are (``none`` where they
are no assets), which columns may be the key, its coordinate system, its position's columns, and for each
column the fields that it may fill or none. Two passes: without a kind, for kind and coordinate system; with
the true kind, as ``twin load --kind`` has it, for key, position and columns.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loaders.formats import Request, detect
from loaders.inspection.confidence import Confidence
from loaders.inspection.naming import Named
from loaders.inspection.proposal import Proposal, propose
from loaders.inspection.sample import Sample, take_sample
from twin.errors import TwinError
from twin.kinds import kind

ROOT = Path(__file__).parent.parent
ANSWERS = ROOT / "tests" / "answers"


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that was to be found: what was proposed, how surely, and whether that is right.

    ``proposed`` is None where nothing was. ``there`` tells whether there was anything to find.
    """

    table: str
    part: str
    subject: str
    proposed: str | None
    confidence: Confidence | None
    right: bool
    there: bool

    @property
    def certain(self) -> bool:
        """Whether it was proposed as certain."""
        return self.proposed is not None and self.confidence is Confidence.CERTAIN


@dataclass(frozen=True, slots=True)
class Score:
    """Precision and recall of what is certain, and recall of whatever is proposed."""

    part: str
    certain: int
    right: int
    there: int
    found: int

    @property
    def precision(self) -> float:
        """The share of the certain claims that are right; 1 where there are none."""
        return self.right / self.certain if self.certain else 1.0

    @property
    def recall(self) -> float:
        """The share of what was there that was found for certain."""
        return self.right / self.there if self.there else 1.0


def claims(folder: Path, answers: Path = ANSWERS) -> Iterator[Claim]:
    """Every claim about the files of a folder, in the order of the answers; unreadable files are left out."""
    for file in sorted(answers.glob("*.toml")):
        said = tomllib.loads(file.read_text(encoding="utf-8"))
        for table in said["tables"]:
            base = ROOT / said["repository"] if "repository" in said else folder / said.get("folder", "")
            yield from _table_claims(base / table["file"], table)


def _table_claims(path: Path, table: Mapping[str, Any]) -> Iterator[Claim]:
    layer = table.get("layer")
    name = path.name + (f":{layer}" if layer else "")
    try:
        chosen = detect(path)
        source = chosen.open(path, Request(layer))
        sample = take_sample(source.rows())
    except TwinError as error:
        if table.get("unreadable") != error.code:
            raise
        return
    layers = chosen.layers(path)

    def proposed(said: str | None) -> Proposal:
        return propose(sample, Named.of(path, source, layers), source, kind(said) if said else None)

    yield from _loose_claims(name, table, proposed(None))
    if table["kind"] != "none":
        yield from _column_claims(name, table, proposed(table["kind"]), sample)


def _loose_claims(name: str, table: Mapping[str, Any], found: Proposal) -> Iterator[Claim]:
    """Kind and coordinate system, as found without being told anything."""
    truth = table["kind"]
    yield Claim(name, "kind", truth, found.kind, found.kind_confidence, found.kind == truth, truth != "none")
    if "crs" in table:
        best = found.system.best
        code = best.code if best else None
        yield Claim(
            name, "crs", table["crs"][0], code, best.confidence if best else None, code in table["crs"], True
        )


def _column_claims(name: str, table: Mapping[str, Any], found: Proposal, sample: Sample) -> Iterator[Claim]:
    """Key, position and fields, as found of rows whose kind is known."""
    keys: Sequence[str] = table.get("key", ())
    key = found.key
    column, sure = (key.column, key.confidence) if key else (None, None)
    yield Claim(name, "key", "/".join(keys), column, sure, column in keys, bool(keys))
    for part in ("lon", "lat"):
        column = found.lon if part == "lon" else found.lat
        if part in table or column is not None:
            sure = found.position_confidence
            yield Claim(name, "position", part, column, sure, column == table.get(part), part in table)
    by_column = {guess.column: guess for guess in found.fields}
    truth: Mapping[str, list[str]] = table.get("fields", {})
    judged = {*truth, *table.get("none", ())}
    missing = [column for column in sample.values if column not in judged]
    spare = {*keys, table.get("lon"), table.get("lat")}
    if set(missing) - spare or judged - set(sample.values):
        raise ValueError(
            f"{name}: not judged {set(missing) - spare}, not there {judged - set(sample.values)}"
        )
    for column in sample.values:
        guess = by_column.get(column)
        text = None
        if guess is not None:
            text = guess.target.name + (f" in {guess.unit}" if guess.unit else "")
        meant = truth.get(column, [])
        sure = guess.confidence if guess else None
        yield Claim(name, "field", column, text, sure, text in meant, bool(meant))


def scores(found: Sequence[Claim]) -> list[Score]:
    """The score of each part, and of all."""
    parts = {
        part: [c for c in found if c.part == part] for part in ("kind", "crs", "position", "key", "field")
    }
    return [_score(part, listed) for part, listed in (*parts.items(), ("all", list(found)))]


def _score(part: str, found: Sequence[Claim]) -> Score:
    certain = [claim for claim in found if claim.certain]
    return Score(
        part,
        certain=len(certain),
        right=sum(claim.right for claim in certain),
        there=sum(claim.there for claim in found),
        found=sum(claim.right for claim in found if claim.proposed is not None),
    )


def table(found: Sequence[Score]) -> str:
    """The scores as lines of text."""
    lines = [f"{'':10}{'certain':>9}{'right':>7}{'precision':>11}{'there':>7}{'recall':>8}{'any':>7}"]
    lines += [
        f"{s.part:10}{s.certain:>9}{s.right:>7}{s.precision:>11.3f}{s.there:>7}{s.recall:>8.3f}"
        f"{s.found / max(1, s.there):>7.3f}"
        for s in found
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the table, and what is wrong or was not found."""
    default = os.environ.get("TWIN_REAL_DATA") or str(ROOT.parent / "shared" / "data")
    found = list(claims(Path(sys.argv[1] if len(sys.argv) > 1 else default)))
    for claim in found:
        if (claim.certain and not claim.right) or (claim.there and not (claim.certain and claim.right)):
            sure = claim.confidence.name.lower() if claim.confidence else "-"
            mark = "WRONG " if claim.certain and not claim.right else "missed"
            print(f"{mark} {claim.table}: {claim.part} {claim.subject}: {claim.proposed} ({sure})")
    print(table(scores(found)))


if __name__ == "__main__":
    main()
