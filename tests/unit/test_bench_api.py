"""The API benchmark's logic: its bars, how it compares answers, what a soak and a profile tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.api.__main__ import conclude
from benchmarks.api.answers import AnswersDiffer, asset, require_same
from benchmarks.api.bars import BARS
from benchmarks.api.profile import PARTS, part_of, stacks_of, summary
from benchmarks.api.results import CITY, GIST, LARGE, SMALL, Results
from benchmarks.api.soak import Asked, Seen, expected
from benchmarks.api.soak import conclude as conclude_soak
from benchmarks.api.wrk import Load
from benchmarks.page import write_part

AT_LEAST = {
    "lookup_vs_postgraphile": 1.8,
    "list100_vs_postgraphile": 2.0,
    "list1000_vs_postgraphile": 2.0,
    "nested50_vs_postgraphile": 2.0,
    "nearest20_vs_postgraphile": 1.2,
    "cells500_vs_postgraphile": 1.2,
    "list100_vs_floor": 0.8,
    "list1000_vs_floor": 0.8,
    "list100_vs_tipg": 10,
    "executor_list1000_vs_postgraphile": 0.9,
    "cells_city_res7_rollup_vs_gist": 20,
}
AT_MOST = {
    "lookup_p99_vs_postgraphile": 1.0,
    "list100_p99_vs_postgraphile": 1.0,
    "page10000_vs_page1_ms": 1.5,
    "lookup_10m_vs_0.1m_ms": 1.3,
}
RATES = {
    ("lookup", "twin"): 1_800,
    ("lookup", "PostGraphile"): 1_000,
    ("list100", "twin"): 1_000,
    ("list100", "PostGraphile"): 500,
    ("list100", "floor"): 1_250,
    ("list100", "tipg"): 100,
    ("list1000", "twin"): 160,
    ("list1000", "twin, planner off"): 72,
    ("list1000", "PostGraphile"): 80,
    ("list1000", "floor"): 200,
    ("nested50", "twin"): 1_000,
    ("nested50", "PostGraphile"): 500,
    ("nearest20", "twin"): 600,
    ("nearest20", "PostGraphile"): 500,
    ("cells500", "twin"): 600,
    ("cells500", "PostGraphile"): 500,
}
ALONE = {
    CITY: 10.0,
    GIST: 200.0,
    LARGE: 1.3,
    SMALL: 1.0,
    "page 1": 2.0,
    "page 10,000": 3.0,
    "first": 1,
    "deep": 1,
}


def measured() -> Results:
    """Everything measured once, and every bar just reached."""
    results = Results(10_000_000, 1, 5)
    for (question, who), rate in RATES.items():
        results.add(question, who, Load(rate, 1.0, 2.0))
    for what, milliseconds in ALONE.items():
        results.add_alone(what, milliseconds)
    results.pages |= {"CODE": ("page 1", "page 10,000"), "CELL": ("first", "deep")}
    return results


def test_the_bars_are_those_that_were_set() -> None:
    assert {bar.name: bar.required for bar in BARS.required if not bar.most} == AT_LEAST
    assert {bar.name: bar.required for bar in BARS.required if bar.most} == AT_MOST


def test_what_is_just_reached_is_good_enough() -> None:
    results = measured()
    assert results.bars() == pytest.approx(AT_LEAST | AT_MOST)
    assert BARS.short(results.bars()) == []


def test_a_bar_is_the_median_of_the_rounds_ratios_and_not_the_ratio_of_medians() -> None:
    results = Results(1_000, 3, 1)
    for ours, theirs in ((100, 50), (300, 100), (90, 100)):
        results.add("lookup", "twin", Load(ours, 1.0, ours))
        results.add("lookup", "PostGraphile", Load(theirs, 1.0, theirs))
    assert results.bars()["lookup_vs_postgraphile"] == pytest.approx(2.0)
    assert results.bars()["lookup_p99_vs_postgraphile"] == pytest.approx(2.0)


def test_the_slower_order_decides_about_deep_pages() -> None:
    results = measured()
    results.pages["CELL"] = "page 1", "first"
    assert results.bars()["page10000_vs_page1_ms"] == pytest.approx(1.5)


def test_a_part_is_written_when_all_was_measured_and_beside_the_others(tmp_path: Path) -> None:
    target = tmp_path / "performance.md"
    target.write_text("# Performance of loading\n\nAs it was.\n", encoding="utf-8")
    partly = measured()
    del partly.loads["lookup", "twin"]
    assert conclude(partly, target) == 0
    assert target.read_text(encoding="utf-8") == "# Performance of loading\n\nAs it was.\n"
    assert conclude(measured(), target) == 0
    written = target.read_text(encoding="utf-8")
    assert written.startswith("# Performance of loading\n\nAs it was.\n\n# Performance of the API\n")
    assert "bar list100_vs_floor 0.80 >= 0.80 ok" in written
    slower = measured()
    slower.add("lookup", "twin", Load(100, 1.0, 2.0))
    slower.add("lookup", "PostGraphile", Load(1_000, 1.0, 2.0))
    assert conclude(slower, target) == 1
    assert "bar lookup_vs_postgraphile 0.95 >= 1.80 short" in target.read_text(encoding="utf-8")
    assert target.read_text(encoding="utf-8").count("# Performance of the API\n") == 1


def test_parts_keep_their_place(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    for part in ("# One\n\n## Of one\n", "# Two\n\n2\n", "# One\n\nanew\n"):
        write_part(page, part)
    assert page.read_text(encoding="utf-8") == "# One\n\nanew\n\n# Two\n\n2\n"


def test_answers_that_say_the_same_are_the_same_however_they_are_written() -> None:
    ours = asset(
        {
            "kind": "STREETLIGHT",
            "position": {"lon": 121.5, "lat": 31.2},
            "updated": "2026-01-02T03:04:05.000006Z",
            "sourceKey": "L1",
            "__typename": "Streetlight",
        }
    )
    theirs = asset(
        {"kind": "streetlight", "source_key": "L1", "updated": "2026-01-02T11:04:05.000006+08:00"},
        lon=121.50000009,
        lat=31.2,
    )
    require_same("lookup", {}, {"ours": ours, "theirs": theirs})


@pytest.mark.parametrize(
    "other", [[{"code": "a"}], [{"code": "a"}, {"code": "c"}], [{"code": "a"}, {"code": "b", "power": 1.0}]]
)
def test_a_difference_is_told_with_who_said_what(other: list[dict[str, object]]) -> None:
    with pytest.raises(AnswersDiffer, match=r"(?s)list100 .*ours.*theirs"):
        require_same("list100", {}, {"ours": [{"code": "a"}, {"code": "b"}], "theirs": other})


def test_an_answer_of_nothing_compares_nothing() -> None:
    with pytest.raises(AnswersDiffer, match="ours found nothing"):
        require_same("list100", {}, {"ours": [], "theirs": []})


@pytest.mark.parametrize(
    ("error", "status", "body", "good"),
    [
        (None, "HTTP/1.1 200 OK", b'{"data": {}}', True),
        (None, "HTTP/1.1 503 Unavailable", b'{"data": {}}', False),
        (None, "HTTP/1.1 200 OK", b'{"errors": [{"extensions": {"code": "internal"}}]}', False),
        ("page.size", "HTTP/1.1 200 OK", b'{"errors": [{"extensions": {"code": "page.size"}}]}', True),
        ("page.size", "HTTP/1.1 200 OK", b'{"errors": [{"message": "no"}]}', False),
        ("page.size", "HTTP/1.1 200 OK", b'{"data": {}}', False),
    ],
)
def test_a_soak_takes_the_error_that_was_asked_for_and_no_other(
    error: str | None, status: str, body: bytes, *, good: bool
) -> None:
    assert (expected(Asked("some", b"", error), status, body) is None) is good


def test_a_soak_fails_where_memory_grows_or_something_is_wrong() -> None:
    def soaked(*quarters: float, wrong: tuple[str, ...] = (), left: int = 0) -> int:
        return conclude_soak(Seen(wrong=[*wrong], memory=[one for one in quarters for _ in range(5)]), left)

    assert soaked(50, 200, 210, 215) == 0
    assert soaked(50, 200, 210, 225) == 1
    assert soaked(50, 200, 200, 200, wrong=("late",)) == 1
    assert soaked(50, 200, 200, 200, left=1) == 1


def test_a_profile_gives_time_to_the_innermost_function_that_is_of_a_part(tmp_path: Path) -> None:
    loop = "run (asyncio/runners.py:118);send (uvicorn/protocol.py:1)"
    stacks = tmp_path / "stacks"
    stacks.write_text(
        "<module> (twin/cli/__main__.py:7);create_app (twin/web/app.py:1) 70\n"
        f"{loop} 10\n{loop};answer (citygraph/planner/plans.py:1);fetchall (psycopg/cursor.py:9) 30\n",
        encoding="utf-8",
    )
    found = stacks_of(stacks)
    assert sum(found.values()) == 40
    assert {part_of(stack) for stack in found} == {
        name for name, _ in PARTS if name.startswith(("HTTP", "psycopg"))
    }
    assert "| fetchall (psycopg/cursor.py:9) | 75.0% |" in summary(found)
