"""What is required of the API."""

from __future__ import annotations

from benchmarks.bars import Bar, Bars

BARS = Bars(
    (
        Bar("lookup_vs_postgraphile", 1.8),
        Bar("list100_vs_postgraphile", 2.0),
        Bar("list1000_vs_postgraphile", 2.0),
        Bar("nested50_vs_postgraphile", 2.0),
        Bar("nearest20_vs_postgraphile", 1.2),
        Bar("cells500_vs_postgraphile", 1.2),
        Bar("list100_vs_floor", 0.8),
        Bar("list1000_vs_floor", 0.8),
        Bar("list100_vs_tipg", 10),
        Bar("executor_list1000_vs_postgraphile", 0.9),
        Bar("lookup_p99_vs_postgraphile", 1.0, most=True),
        Bar("list100_p99_vs_postgraphile", 1.0, most=True),
        Bar("page10000_vs_page1_ms", 1.5, most=True),
        Bar("cells_city_res7_rollup_vs_gist", 20),
        Bar("lookup_10m_vs_0.1m_ms", 1.3, most=True),
    )
)
