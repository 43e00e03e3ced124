"""A generated city loads whole: nothing is rejected, everything finds its building and its division."""

from __future__ import annotations

from pathlib import Path

import psycopg

from fixtures.generate import generate
from loaders.city import load_city
from loaders.load import Options


def test_a_generated_city_loads_without_a_rejection_or_warning(
    owner: psycopg.Connection, twin_env: str, tmp_path: Path
) -> None:
    counts = generate(1_200, tmp_path).counts
    receipts = list(load_city(tmp_path, Options()))
    assert {receipt.kind: receipt.new for receipt in receipts} == counts
    for receipt in receipts:
        assert (receipt.read, receipt.rejected, receipt.warnings.total) == (counts[receipt.kind], 0, 0)
    (parentless,) = owner.execute(
        "SELECT count(*) FROM twin.asset WHERE kind IN ('elevator', 'glass_panel') AND parent IS NULL"
    ).fetchone() or (None,)
    levels = owner.execute(
        "SELECT DISTINCT d.level FROM twin.asset AS a JOIN twin.division AS d ON d.code = a.division"
    ).fetchall()
    assert (parentless, levels) == (0, [(10,)])
