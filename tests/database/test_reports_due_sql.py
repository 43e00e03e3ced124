"""Due dates in SQL, whole columns at a time, against the same rule in Python."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import psycopg
from msgspec.structs import replace
from sqlalchemy import Date, column, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from twin.kinds import kind
from twin.registry.query.sql import compiled
from twin.reports.due import due_date, due_date_sql


def test_due_dates_in_sql_are_those_in_python(api: psycopg.Connection[Any]) -> None:
    rule = kind("elevator").inspection
    assert rule is not None
    dice = np.random.default_rng(7)
    start = date(1960, 1, 1)
    pairs = [
        (start + timedelta(int(a)), None if dice.random() < 0.1 else start + timedelta(int(b)))
        for a, b in dice.integers(0, 365 * 90, (20_000, 2))
    ]
    for tried in (rule, replace(rule, years=(2, 3, 7), then_every=4, early_months=5)):
        anchors, lasts = (literal([pair[n] for pair in pairs], ARRAY(Date())) for n in (0, 1))
        given = (
            func.unnest(anchors, lasts).table_valued("anchor", "last", with_ordinality="n").render_derived()
        )
        due = due_date_sql(tried, column("anchor", Date()), column("last", Date()))
        found = api.execute(*compiled(select(due).select_from(given).order_by(given.c.n))).fetchall()
        assert [row[0] for row in found] == [due_date(tried, anchor, last) for anchor, last in pairs]
