"""What is required of loading."""

from __future__ import annotations

from benchmarks.bars import Bar, Bars

BARS = Bars(
    (
        Bar("first_buildings_vs_ogr2ogr", 1.1),
        Bar("first_lamps_vs_ogr2ogr", 1.1),
        Bar("first_buildings_vs_ogr2ogr_tuned", 0.7),
        Bar("first_lamps_vs_ogr2ogr_tuned", 0.7),
        Bar("first_buildings_vs_ogr2ogr_sql", 2.0),
        Bar("first_lamps_vs_ogr2ogr_sql", 2.0),
        Bar("first_lamps_vs_shp2pgsql", 1.8),
        Bar("reload_1pct_vs_first", 2.0),
        Bar("rate_into_10m_vs_empty", 0.5),
        Bar("peak_memory_mb", 700, most=True, digits=0),
    )
)
