"""The loading benchmark's logic: its bars and their lines, its ratios, its reading of the server's log."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyogrio
import pytest

from benchmarks.bars import Bar
from benchmarks.load.__main__ import competitors, conclude
from benchmarks.load.bars import BARS
from benchmarks.load.inputs import growth_numbers, write_inputs
from benchmarks.load.ours import server_stages
from benchmarks.load.page import INTO_FULL, Results

REQUIRED = {
    "first_buildings_vs_ogr2ogr": 1.1,
    "first_lamps_vs_ogr2ogr": 1.1,
    "first_buildings_vs_ogr2ogr_tuned": 0.7,
    "first_lamps_vs_ogr2ogr_tuned": 0.7,
    "first_buildings_vs_ogr2ogr_sql": 2.0,
    "first_lamps_vs_ogr2ogr_sql": 2.0,
    "first_lamps_vs_shp2pgsql": 1.8,
    "reload_1pct_vs_first": 2.0,
    "rate_into_10m_vs_empty": 0.5,
    "peak_memory_mb": 700,
}

LOG = """\
2026-11-24 12:00:00.000 UTC [7] LOG:  duration: 20.000 ms  parse <unnamed>: -- The new assets. And more.
\tINSERT INTO twin.asset
2026-11-24 12:00:01.000 UTC [7] LOG:  duration: 980.000 ms  execute <unnamed>: -- The new assets. And more.
\tINSERT INTO twin.asset
2026-11-24 12:00:01.000 UTC [7] DEBUG:  building index "lamp_pkey" on table "lamp" serially
2026-11-24 12:00:01.500 UTC [8] LOG:  duration: 1.000 ms  statement: CHECKPOINT
2026-11-24 12:00:02.000 UTC [7] DEBUG:  something else of the same process
2026-11-24 12:00:03.000 UTC [7] DEBUG:  building index "lamp_geom" on table "lamp" serially
2026-11-24 12:00:06.000 UTC [7] LOG:  duration: 5250.000 ms  statement: ALTER TABLE a ATTACH PARTITION lamp
2026-11-24 12:00:06.000 UTC [7] LOG:  duration: 10.000 ms  statement: ANALYZE "stage"."load_4711"
"""


def measured() -> Results:
    """Everything measured once; ours takes ten seconds."""
    results = Results(1_000_000, 1)
    for what in ("buildings", "lamps"):
        for who, seconds in (
            ("twin", 10.0),
            ("ogr2ogr", 11.0),
            ("ogr2ogr_tuned", 7.0),
            ("ogr2ogr_sql", 20.0),
        ):
            results.add(what, who, seconds, 700.4 if who == "twin" else 0.0)
    results.add("lamps", "shp2pgsql", 18.0)
    results.add("lamps, 1 % changed", "twin", 4.0)
    results.add("buildings, 1 % changed", "twin", 5.0)
    results.add("growth 1", "twin", 10.0)
    results.add(INTO_FULL, "twin", 20.0)
    return results


def test_the_bars_are_those_that_are_required() -> None:
    assert {bar.name: bar.required for bar in BARS.required} == REQUIRED
    assert [bar.name for bar in BARS.required if bar.most] == ["peak_memory_mb"]


def test_a_line_says_what_was_measured_and_whether_it_is_enough() -> None:
    assert Bar("ratio", 1.1).line(1.1) == "bar ratio 1.10 >= 1.10 ok"
    assert Bar("ratio", 1.1).line(1.094) == "bar ratio 1.09 >= 1.10 short"
    assert Bar("memory", 700, most=True, digits=0).line(700.4) == "bar memory 700 <= 700 ok"
    assert Bar("memory", 700, most=True, digits=0).line(701) == "bar memory 701 <= 700 short"


def test_every_ratio_is_that_of_medians_and_more_is_better_for_us() -> None:
    results = measured()
    assert results.bars() == REQUIRED | {"peak_memory_mb": 700.4}
    assert all(line.endswith(" ok") for line in BARS.lines(results.bars()))
    results.add("lamps", "twin", 30.0)
    results.add("lamps", "twin", 20.0)
    assert results.bars()["first_lamps_vs_shp2pgsql"] == pytest.approx(0.9)
    assert results.bars()["reload_1pct_vs_first"] == pytest.approx(2.0)
    assert {"first_lamps_vs_ogr2ogr", "first_lamps_vs_shp2pgsql"} < set(BARS.short(results.bars()))
    assert not any("buildings" in name for name in BARS.short(results.bars()))


def test_what_was_not_measured_is_named_and_fails_nothing(tmp_path: Path) -> None:
    results = Results(1_000, 1)
    results.add("lamps", "twin", 1.0, 100.0)
    assert conclude(results, tmp_path / "performance.md") == 0
    assert not (tmp_path / "performance.md").exists()
    assert BARS.unmeasured(results.bars()) == [name for name in REQUIRED if name != "peak_memory_mb"]
    assert BARS.short(results.bars()) == []


def test_the_exit_status_is_one_where_a_bar_is_short(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = measured()
    assert conclude(results, tmp_path / "performance.md") == 0
    written = (tmp_path / "performance.md").read_text(encoding="utf-8")
    assert "bar first_lamps_vs_shp2pgsql 1.80 >= 1.80 ok" in written
    assert "A small run" in written
    results.add(INTO_FULL, "twin", 60.0)
    assert conclude(results, None) == 1
    assert "bar rate_into_10m_vs_empty 0.25 >= 0.50 short" in capsys.readouterr().out


def test_everybody_begins_a_round() -> None:
    assert {competitors("lamps", number)[0] for number in range(5)} == set(competitors("lamps", 0))
    assert set(competitors("lamps", 0)) - set(competitors("buildings", 3)) == {"shp2pgsql"}


def test_the_servers_log_tells_statements_from_indexes() -> None:
    assert server_stages(LOG.splitlines(keepends=True)) == pytest.approx(
        {
            "index lamp_geom": 3.0,
            "index lamp_pkey": 2.0,
            "The new assets": 1.0,
            "ALTER TABLE a ATTACH PARTITION lamp": 0.25,
            'ANALYZE "stage"."load_…"': 0.01,
            "CHECKPOINT": 0.001,
        }
    )


def test_files_of_growth_share_no_lamp_where_one_follows_the_other() -> None:
    numbers = growth_numbers(11_000)
    assert {name: len(rows) for name, rows in numbers.items()} == {
        "0.1": 100,
        "1": 1_000,
        "3": 3_000,
        "10": 10_000,
    }
    assert not set(numbers["1"]) & set(numbers["10"])


def test_so_many_rows_of_a_changed_file_differ(tmp_path: Path) -> None:
    write_inputs(400, tmp_path)
    first, second, third = (
        pyogrio.read_dataframe(tmp_path / f"lamps{suffix}.fgb") for suffix in ("", "-1pct", "-50pct")
    )
    assert len(first) == 400
    assert np.sum(first["power"] != second["power"]) == 4
    assert np.sum(first["power"] != third["power"]) == 200
    assert first.drop(columns="power").equals(third.drop(columns="power"))
    assert len(pyogrio.read_dataframe(tmp_path / "lamps.shp")) == 400
