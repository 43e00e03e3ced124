"""How often `twin inspect` is right about real files, published column headings and the sample city."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.score_inspect import Claim, Score, claims, scores, table

PRECISION = 0.98
"""What "certain" must keep to, in each part and in all."""
RECALL = {"kind": 0.813, "crs": 0.769, "position": 0.818, "key": 0.707, "field": 0.800, "all": 0.790}
"""What is reached; it must not fall."""


@pytest.fixture(scope="module")
def found(real_data: Path) -> list[Claim]:
    return list(claims(real_data))


def test_what_is_certain_is_right(found: list[Claim]) -> None:
    wrong = [claim for claim in found if claim.certain and not claim.right]
    for score in scores(found):
        assert score.precision >= PRECISION, wrong


def test_recall_does_not_fall(found: list[Claim]) -> None:
    reached = {score.part: score.recall for score in scores(found)}
    assert {part: recall for part, recall in RECALL.items() if reached[part] < recall} == {}, table(
        scores(found)
    )


def test_the_answers_cover_enough_to_mean_anything(found: list[Claim]) -> None:
    by_part = {score.part: score for score in scores(found)}
    assert by_part["all"].certain >= 370
    assert by_part["kind"].there >= 30
    columns = [claim for claim in found if claim.part == "field"]
    assert len(columns) >= 520
    assert sum(not claim.there for claim in columns) >= 200
    assert sum(not claim.there for claim in found if claim.part == "kind") >= 20


def test_a_score_counts_what_it_says() -> None:
    from loaders.inspection.confidence import Confidence

    def claim(proposed: str | None, sure: Confidence | None, *, right: bool, there: bool) -> Claim:
        return Claim("t", "field", "c", proposed, sure, right, there)

    some = [
        claim("a", Confidence.CERTAIN, right=True, there=True),
        claim("b", Confidence.CERTAIN, right=False, there=True),
        claim("c", Confidence.CERTAIN, right=False, there=False),
        claim("d", Confidence.LIKELY, right=True, there=True),
        claim(None, None, right=False, there=True),
        claim(None, None, right=False, there=False),
    ]
    score = next(one for one in scores(some) if one.part == "field")
    assert score == Score("field", certain=3, right=1, there=4, found=2)
    assert (score.precision, score.recall) == (pytest.approx(1 / 3), 0.25)
